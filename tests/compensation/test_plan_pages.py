"""The pages and the API of plans: the designer by plain submits and as one types, steps, people, names."""

import json
from collections.abc import Callable
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.compensation.models import PlanAcknowledgement, PlanAssignment, PlanVersion
from apps.compensation.rules.plan_file import plan_text
from apps.compensation.rules.sheet import to_fields
from apps.compensation.services import acknowledgements, plan_drafts, plans
from apps.portal.counts import counts_for
from tests.cast import NOW, Cast
from tests.compensation.plan_documents import OF_EVERY_KIND, component, graduated, plan
from tests.stage import staged

pytestmark = pytest.mark.django_db
BANDS = "components[0].rates.bands"


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return client_of


@pytest.fixture
@staged
def draft(cast: Cast) -> PlanVersion:
    document = plan(component(graduated("40.00", "10", "60.00"), measure={"of": "count"}, pays="per_unit"))
    return plan_drafts.begin_draft(
        document=document, effective_on=date(2027, 1, 1), at=NOW, author=cast.revops
    )


@pytest.fixture
@staged
def in_force(cast: Cast) -> PlanVersion:
    version = plans.load_plan_document(document=plans.shipped_plan("sdr"), author=cast.revops, at=NOW)
    plan_drafts.submit_version(version=version, at=NOW, actor=version.author)
    plans.approve_version(version=version, approver=cast.finance, at=NOW)
    plans.assign_plan(rep=cast.rep(cast.sdr), plan=version.plan, starts_on=date(2026, 1, 1), at=NOW)
    version.refresh_from_db()
    return version


def typed(draft: PlanVersion, **changes: str) -> dict[str, str]:
    """What the form sends: every field, some of them changed."""
    draft.refresh_from_db()
    fields = to_fields(draft.typed or draft.document)
    return fields | {name.replace("__", "."): value for name, value in changes.items()} | {
        "ui-seen": str(draft.revision), "ui-show": "0",
    }  # fmt: skip


class TestDesigner:
    def address(self, draft):
        return reverse("compensation:plan_design", args=[draft.pk])

    def test_shows_every_field_the_curve_and_an_example(self, signed_in, cast, draft):
        page = signed_in(cast.revops).get(self.address(draft)).content.decode()
        assert f'name="{BANDS}[1].rate" value="60.00"' in page
        assert "Pay curve" in page
        assert "10 wins" in page
        assert "polyline" in page

    def test_saves_without_a_script_and_comes_back_to_the_same(self, signed_in, cast, draft):
        client = signed_in(cast.revops)
        sent = typed(draft) | {f"{BANDS}[0].rate": "35.00", "act": "save"}
        answer = client.post(self.address(draft), sent)
        assert answer.status_code == 302
        draft.refresh_from_db()
        assert draft.document["components"][0]["rates"]["bands"][0]["rate"] == "35.00"

    def test_keeps_what_was_typed_wrong_and_names_the_band(self, signed_in, cast, draft):
        client = signed_in(cast.revops)
        sent = typed(draft) | {f"{BANDS}[1].from": "12", "act": "save"}
        page = client.post(self.address(draft), sent, follow=True).content.decode()
        assert 'value="12"' in page
        assert "10 to 12 has no rate. Start at 10." in page
        assert 'aria-invalid="true" aria-describedby="w-at-components-0-rates-bands-1-from' in page
        draft.refresh_from_db()
        assert draft.typed is not None
        assert draft.document["components"][0]["rates"]["bands"][1]["from"] == "10"

    @pytest.mark.parametrize(
        "change, says",
        [
            ({f"{BANDS}[1].from": "8"}, "8 to 10 has two rates. Start at 10."),
            ({f"{BANDS}[0].rate": "-5"}, "-5 is below 0."),
            (
                {"components[0].split.sourced": "50", "components[0].split.owned": "40"},
                "The shares sum to 90 %, not to 100 %.",
            ),
            ({"effective_on": "soon"}, "Write a day as 2026-01-31."),
        ],
    )
    def test_names_overlaps_negative_rates_and_sums(self, signed_in, cast, draft, change, says):
        sent = typed(draft) | change | {"act": "look"}
        page = signed_in(cast.revops).post(self.address(draft), sent, headers={"HX-Request": "true"})
        assert says in page.content.decode()

    def test_looks_as_one_types(self, signed_in, cast, draft):
        sent = typed(draft) | {f"{BANDS}[1].rate": "99.00", "ui-total": "15", "act": "look"}
        page = signed_in(cast.revops).post(self.address(draft), sent, headers={"HX-Request": "true"})
        text = page.content.decode()
        assert "<form" not in text
        assert "€99.00" in text
        assert 'id="plan-seen" value="2"' in text

    def test_adds_a_band_and_a_component_by_plain_submits(self, signed_in, cast, draft):
        client = signed_in(cast.revops)
        client.post(self.address(draft), typed(draft) | {"act": f"band:{BANDS}"})
        client.post(self.address(draft), typed(draft) | {"act": "component:new", "ui-kind": "grid"})
        page = client.post(self.address(draft), typed(draft) | {"act": "show:1"}).content.decode()
        assert 'name="components[1].rates.rates[2][1]" value="12"' in page
        assert f'type="hidden" name="{BANDS}[2].from" value="20"' in page
        draft.refresh_from_db()
        assert draft.typed is None
        assert len(draft.document["components"]) == 2

    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    def test_every_kind_survives_being_shown_and_sent(self, signed_in, cast, kind):
        made = plan_drafts.begin_draft(
            document=plan(OF_EVERY_KIND[kind]), effective_on=date(2027, 1, 1), at=NOW, author=cast.revops
        )
        client, before = signed_in(cast.revops), made.rules
        page = client.get(self.address(made))
        assert page.status_code == 200
        client.post(self.address(made), typed(made) | {"act": "save"})
        made.refresh_from_db()
        assert made.typed is None
        assert made.rules == before

    def test_another_window_is_told_and_nothing_typed_is_lost(self, signed_in, cast, draft):
        client = signed_in(cast.revops)
        stale = typed(draft)
        client.post(self.address(draft), typed(draft) | {"notes": "First", "act": "save"})
        answer = client.post(self.address(draft), stale | {"notes": "Second", "act": "save"})
        assert answer.status_code == 422
        assert "another window" in answer.content.decode()
        assert "Second" in answer.content.decode()

    def test_whose_draft_it_is_not_may_not_open_it(self, signed_in, cast, draft):
        other = plan_drafts.begin_draft(
            document=plans.shipped_plan("ae"), effective_on=date(2027, 1, 1), at=NOW, author=cast.finance
        )
        assert signed_in(cast.revops).get(self.address(other)).status_code == 403

    def test_what_was_submitted_is_only_read(self, signed_in, cast, draft):
        plan_drafts.submit_version(version=draft, at=NOW, actor=cast.revops)
        answer = signed_in(cast.revops).get(self.address(draft))
        assert answer.url == reverse("compensation:plan_version", args=[draft.pk])


class TestSteps:
    def test_submitted_sent_back_and_approved(self, signed_in, cast, draft):
        author, judge = signed_in(cast.revops), signed_in(cast.finance)
        page = reverse("compensation:plan_version", args=[draft.pk])
        author.post(reverse("compensation:plan_submit", args=[draft.pk]))
        assert "Send version 1 back" in judge.get(page).content.decode()
        answer = judge.post(reverse("compensation:plan_send_back", args=[draft.pk]), {"reason": ""})
        assert "Say why it goes back." in answer.content.decode()
        judge.post(reverse("compensation:plan_send_back", args=[draft.pk]), {"reason": "Too dear"})
        assert "Too dear" in author.get(page).content.decode()
        author.post(reverse("compensation:plan_submit", args=[draft.pk]))
        judge.post(reverse("compensation:plan_approve", args=[draft.pk]), {"fingerprint": draft.fingerprint})
        draft.refresh_from_db()
        assert draft.is_approved

    def test_a_copy_says_what_it_changes(self, signed_in, cast, in_force):
        client = signed_in(cast.revops)
        given = {"like": f"version:{in_force.pk}", "effective_on": "2027-01-01"}
        answer = client.post(reverse("compensation:plan_begin"), given, follow=True)
        copy = PlanVersion.objects.get(number=2)
        assert answer.redirect_chain[-1][0] == reverse("compensation:plan_design", args=[copy.pk])
        client.post(
            reverse("compensation:plan_design", args=[copy.pk]),
            typed(copy) | {"components[2].rates.bands[0].rate": "0.80", "act": "save"},
        )
        page = client.get(reverse("compensation:plan_version", args=[copy.pk])).content.decode()
        assert "0.50 %</del>" in page
        assert "0.80 %</ins>" in page

    def test_a_file_goes_out_and_comes_in(self, signed_in, cast, in_force):
        client = signed_in(cast.revops)
        answer = client.get(reverse("compensation:plan_file", args=[in_force.pk]))
        assert answer["Content-Disposition"] == 'attachment; filename="sdr-eur-v1.json"'
        assert answer.content.decode() == plan_text(in_force.document)
        changed = json.loads(answer.content) | {"name": "From a file"}
        file = SimpleUploadedFile("plan.json", plan_text(changed).encode())
        client.post(reverse("compensation:plan_begin"), {"file": file, "act": "file"})
        assert PlanVersion.objects.get(plan__name="From a file").document == changed

    @pytest.mark.parametrize(
        "content, says",
        [
            (b"{", "is not JSON: line 1"),
            (b"\xff\xfe", "is not UTF-8"),
            (b"[]", "holds no JSON object"),
            (b'{"format": "x"}', "components: Give at least one."),
        ],
    )
    def test_a_file_that_is_no_plan_is_refused_by_name(self, signed_in, cast, content, says):
        file = SimpleUploadedFile("plan.json", content)
        answer = signed_in(cast.revops).post(
            reverse("compensation:plan_begin"), {"file": file, "act": "file"}
        )
        assert answer.status_code == 422
        assert says in answer.content.decode()

    def test_reps_see_what_was_approved_and_no_drafts(self, signed_in, cast, in_force):
        draft = plan_drafts.begin_draft(
            document=dict(in_force.document), effective_on=date(2027, 1, 1), at=NOW, author=cast.revops
        )
        client = signed_in(cast.sdr)
        assert client.get(reverse("compensation:plan_version", args=[in_force.pk])).status_code == 200
        assert client.get(reverse("compensation:plan_version", args=[draft.pk])).status_code == 404


class TestPeopleAndNames:
    def test_people_are_put_on_it_ended_and_taken_back(self, signed_in, cast, in_force):
        client, rep = signed_in(cast.revops), cast.rep(cast.teammate)
        address = reverse("compensation:plan_people", args=[in_force.plan_id])
        client.post(address, {"reps": [rep.pk], "starts_on": "2026-12-01"})
        made = PlanAssignment.objects.get(rep=rep)
        answer = client.post(
            reverse("compensation:plan_assignment_end", args=[made.pk]), {"ends_on": "2026-11-01"}
        )
        assert "the end comes after that" in answer.content.decode()
        client.post(reverse("compensation:plan_assignment_end", args=[made.pk]), {"ends_on": "2027-01-01"})
        made.refresh_from_db()
        assert made.ends_on == date(2027, 1, 1)
        client.post(reverse("compensation:plan_assignment_take_back", args=[made.pk]))
        assert not PlanAssignment.objects.filter(rep=rep).exists()

    def test_an_overlap_names_who_is_where(self, signed_in, cast, in_force):
        given = {"reps": [cast.rep(cast.sdr).pk], "starts_on": "2026-06-01", "ends_on": "2026-07-01"}
        answer = signed_in(cast.revops).post(
            reverse("compensation:plan_people", args=[in_force.plan_id]), given
        )
        assert answer.status_code == 422
        assert "is on “SDR” from 1 Jan 2026 on" in answer.content.decode()

    def test_a_rep_reads_and_signs(self, signed_in, cast, in_force):
        client, rep = signed_in(cast.sdr), cast.rep(cast.sdr)
        page = reverse("compensation:plan_version", args=[in_force.pk])
        assert 'id="sign"' in client.get(page).content.decode()
        address = reverse("compensation:plan_acknowledge", args=[in_force.pk])
        wrong = client.post(address, {"typed_name": "Nobody", "fingerprint": in_force.fingerprint})
        assert wrong.status_code == 422
        assert "Type your name as it stands here" in wrong.content.decode()
        client.post(address, {"typed_name": rep.name, "fingerprint": in_force.fingerprint})
        assert PlanAcknowledgement.objects.get().rep == rep
        assert "You acknowledged this version" in client.get(page).content.decode()

    def test_the_rail_counts_what_waits_for_a_name_and_for_approval(self, signed_in, cast, in_force, draft):
        assert counts_for(cast.sdr, {"plans_to_sign"})["plans_to_sign"].number == 1
        assert counts_for(cast.ae, {"plans_to_sign"})["plans_to_sign"].number == 0
        newer = plans.load_plan_document(
            document=in_force.document | {"effective_on": "2026-02-01"}, author=cast.revops, at=NOW
        )
        plan_drafts.submit_version(version=newer, at=NOW, actor=newer.author)
        plans.approve_version(version=newer, approver=cast.finance, at=NOW)
        assert counts_for(cast.sdr, {"plans_to_sign"})["plans_to_sign"].number == 1
        given = {
            "rep": cast.rep(cast.sdr),
            "typed_name": cast.rep(cast.sdr).name,
            "actor": cast.sdr,
            "at": NOW,
        }
        acknowledgements.acknowledge(version=newer, fingerprint=newer.fingerprint, **given)
        assert counts_for(cast.sdr, {"plans_to_sign"})["plans_to_sign"].number == 0
        plan_drafts.submit_version(version=draft, at=NOW, actor=cast.revops)
        assert counts_for(cast.finance, {"plans_to_approve"})["plans_to_approve"].number == 1
        assert counts_for(cast.revops, {"plans_to_approve"})["plans_to_approve"].number == 0

    def test_the_manager_sees_who_has_not_and_asks_again(self, signed_in, cast, in_force):
        client = signed_in(cast.manager)
        address = reverse("compensation:acknowledgements")
        assert cast.rep(cast.sdr).name in client.get(address).content.decode()
        client.post(reverse("compensation:acknowledgements_remind"))
        assert cast.sdr.notifications.filter(kind="plan_to_sign").count() == 1
        assert cast.rep(cast.sdr).name not in client.get(f"{address}?show=signed").content.decode()


class TestApi:
    def test_a_file_is_checked_loaded_submitted_approved_and_signed(self, signed_in, cast, in_force):
        author, judge = signed_in(cast.revops), signed_in(cast.finance)
        document = in_force.document | {"notes": "By the API", "effective_on": "2026-01-01"}

        def post(client, name, *args, **body):
            return client.post(
                reverse(f"api:{name}", args=args), json.dumps(body), content_type="application/json"
            )

        wrong = post(author, "plan_check", document=document | {"role": "king"}).json()
        assert [one["place"] for one in wrong["problems"]] == ["role"]
        refused = post(author, "plan_load", document=document | {"role": "king", "currency": "?"})
        assert refused.status_code == 400
        assert set(refused.json()["errors"]) == {"role", "currency"}
        made = post(author, "plan_load", document=document)
        assert made.status_code == 201
        pk = made.json()["id"]
        assert post(author, "plan_load", document=document).json()["id"] == pk
        early = post(judge, "plan_approve", pk, fingerprint=made.json()["fingerprint"])
        assert (early.status_code, "submits it first" in early.content.decode()) == (409, True)
        assert post(author, "plan_submit", pk).json()["state"] == "submitted"
        assert post(author, "plan_approve", pk, fingerprint=made.json()["fingerprint"]).status_code == 403
        assert post(judge, "plan_approve", pk, fingerprint="0").status_code == 409
        done = post(judge, "plan_approve", pk, fingerprint=made.json()["fingerprint"]).json()
        assert done["state"] == "approved"
        rep = cast.rep(cast.sdr)
        signed = post(
            signed_in(cast.sdr), "plan_acknowledge", pk, fingerprint=done["fingerprint"], typed_name=rep.name
        )
        assert signed.json()["version_fingerprint"] == done["fingerprint"]
        listed = judge.get(reverse("api:plan_acknowledgements")).json()
        assert [(one["version"], one["signed_at"] is not None) for one in listed] == [(pk, True)]
        assert judge.get(reverse("api:plan_version", args=[pk])).json()["document"] == document
        assert len(author.get(reverse("api:plans")).json()[0]["versions"]) == 2


class TestStatements:
    def test_the_list_takes_as_many_for_many_plans(self, signed_in, cast, django_assert_max_num_queries):
        client = signed_in(cast.revops)
        for number in range(3):
            plan_drafts.begin_draft(
                document=plan(component(graduated("5")), name=f"Plan {number}"),
                effective_on=date(2027, 1, 1),
                at=NOW,
                author=cast.revops,
            )
        address = reverse("compensation:plans")
        client.get(address)
        with django_assert_max_num_queries(12):
            assert client.get(address).content.decode().count("Plan ") >= 3
