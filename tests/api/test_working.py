"""Working leads by API: next, let go, read, undo, answer a proposal; the refusals are those of the pages."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.leads.models import EventKind, FunnelEvent, Lead, LeadStage, Source, Touch
from apps.leads.services import intake, queue, touches, wishes
from tests.api.test_endpoints import CALL, post
from tests.cast import NOW, Cast
from tests.stage import staged


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW, tick=False)


def arrive(cast: Cast, number: int = 1, **known) -> Lead:
    owner = known.pop("owner", cast.rep(cast.sdr))
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            **{
                "name": f"Person Number{number}",
                "company": f"Company {number}",
                "email": f"p{number}@c{number}.example",
                "phone": f"+49 40 555 01{number:02}",
                "source": "Demo request",
                **known,
            }
        ),
        team=cast.sdr_team,
        at=NOW,
        source=Source.PAGE,
        source_key=str(number),
        owner=owner,
    )
    return lead


@pytest.fixture
@staged
def lead(cast: Cast) -> Lead:
    return arrive(cast)


def read(client, name: str, *args: int, query: str = "") -> dict:
    answer = client.get(reverse(f"api:{name}", args=args) + query)
    assert answer.status_code == 200, answer.content
    return answer.json()


class TestNext:
    def test_claims_one_lead_at_a_time(self, cast, client, lead):
        other = arrive(cast, 2)
        client.force_login(cast.sdr)
        first = post(client, "next", {}).json()
        second = post(client, "next", {"after": first["id"]}).json()
        assert {first["id"], second["id"]} == {lead.pk, other.pk}
        assert first["held_until"] == (NOW + queue.HOLD).isoformat().replace("+00:00", "Z")
        assert Lead.objects.filter(claimed_by__isnull=False).count() == 1

    def test_answers_nothing_when_nothing_waits(self, cast, client):
        client.force_login(cast.sdr)
        answer = post(client, "next", {})
        assert (answer.status_code, answer.content) == (204, b"")

    def test_is_let_go(self, cast, client, lead):
        client.force_login(cast.sdr)
        post(client, "next", {})
        assert post(client, "release", {}, lead.pk).status_code == 204
        lead.refresh_from_db()
        assert lead.claimed_by is None

    @pytest.mark.parametrize("after", ["x", -1, 2**70])
    def test_names_a_wrong_field(self, cast, client, after):
        client.force_login(cast.sdr)
        answer = post(client, "next", {"after": after})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["after"])


class TestLead:
    def test_tells_what_comes_next_and_what_happened(self, cast, client, lead):
        client.force_login(cast.sdr)
        post(
            client,
            "touches",
            {"lead": lead.pk, "channel": "call", "disposition": "voicemail", "note": "Rang"},
        )
        found = read(client, "lead", lead.pk)
        assert (found["stage"], found["touch_count"], found["attempts"]) == (LeadStage.WORKING, 1, 1)
        assert found["next_touch"]["what"] == "Email"
        assert "voicemail" in found["next_touch"]["why"]
        assert found["why_not"] == ""
        newest = found["timeline"]["results"][0]
        assert (newest["what"], newest["note"], newest["who"]) == ("Call: voicemail", "Rang", "Sdr")
        assert sum(one["points"] for one in found["score_reasons"]) == found["score_points"]

    def test_of_somebody_who_opted_out_has_no_way_to_reach_them(self, cast, client, lead):
        wishes.keep(lead=lead, channel="", reason="opt_out", at=NOW, actor=cast.sdr)
        client.force_login(cast.sdr)
        answer = client.get(reverse("api:lead", args=[lead.pk]))
        assert answer.json()["do_not_contact"] is True
        assert all(way["is_closed"] for way in answer.json()["ways"])
        assert "p1@c1.example" not in answer.content.decode()
        assert "555 01" not in answer.content.decode()
        assert post(client, "touches", CALL | {"lead": lead.pk}).status_code == 409
        assert post(client, "next", {}).status_code == 204

    def test_gives_its_timeline_page_by_page(self, cast, client, lead, monkeypatch):
        for number in range(30):
            touches.log_touch(
                lead=lead, rep=cast.rep(cast.sdr), channel="email", disposition="sent",
                at=NOW + timedelta(minutes=number), note=f"Mail {number}",
            )  # fmt: skip
        client.force_login(cast.sdr)
        seen, older = [], ""
        while True:
            page = read(
                client, "timeline", lead.pk, query=f"?kind=touches&before={older.replace('+', '%2B')}"
            )
            seen += [one["note"] for one in page["results"]]
            older = page["older"]
            if not older:
                break
        assert seen == [f"Mail {number}" for number in reversed(range(30))]

    @pytest.mark.parametrize(
        ("part", "status"),
        [
            ("sdr", 200),
            ("manager", 200),
            ("marketing", 200),
            ("teammate", 404),
            ("ae", 404),
            ("outsider", 404),
        ],
    )
    def test_exists_within_the_scope_only(self, cast, client, lead, part, status):
        client.force_login(getattr(cast, part))
        for name in ("lead", "timeline"):
            assert client.get(reverse(f"api:{name}", args=[lead.pk])).status_code == status


class TestTouch:
    def test_outside_their_hours_is_refused_unless_they_asked(self, cast, client):
        lead = arrive(cast, 3, time_zone="America/Los_Angeles")
        client.force_login(cast.sdr)
        refused = post(client, "touches", CALL | {"lead": lead.pk})
        assert (refused.status_code, refused.json()["title"]) == (409, "outside_calling_hours")
        assert list(refused.json()["errors"]) == ["they_asked"]
        logged = post(client, "touches", CALL | {"lead": lead.pk, "they_asked": True})
        assert (logged.status_code, logged.json()["outside_hours"]) == (201, True)

    def test_over_a_closed_channel_is_refused(self, cast, client, lead):
        wishes.keep(lead=lead, channel="call", reason="opt_out", at=NOW, actor=cast.sdr)
        client.force_login(cast.sdr)
        assert post(client, "touches", CALL | {"lead": lead.pk}).status_code == 409
        sent = {"lead": lead.pk, "channel": "email", "disposition": "sent", "purpose": "nurture"}
        assert post(client, "touches", sent).json()["purpose"] == "nurture"

    def test_is_repeated_under_its_key_whatever_blanks_its_note_has(self, cast, client, lead):
        client.force_login(cast.sdr)
        key = {"Idempotency-Key": "a-1"}
        sent = CALL | {"lead": lead.pk, "note": " Rang twice ", "purpose": "answer"}
        answers = {post(client, "touches", sent, **key).status_code for _ in range(2)}
        other = post(client, "touches", sent | {"purpose": "nurture"}, **key)
        assert (answers, other.status_code) == ({201}, 409)
        assert Touch.objects.count() == 1

    def test_is_undone_by_whoever_logged_it_once(self, cast, client, lead):
        client.force_login(cast.sdr)
        touch = post(client, "touches", CALL | {"lead": lead.pk}).json()["id"]
        client.force_login(cast.teammate)
        assert post(client, "undo_touch", {}, touch).status_code == 404
        client.force_login(cast.sdr)
        done = post(client, "undo_touch", {}, touch)
        assert (done.status_code, done.json()["undone_at"] is not None) == (200, True)
        assert post(client, "undo_touch", {}, touch).status_code == 409
        lead.refresh_from_db()
        assert lead.touch_count == 0


class TestProposal:
    @pytest.fixture
    def proposed(self, lead: Lead) -> Lead:
        Lead.objects.filter(pk=lead.pk).update(
            proposal="recycle", proposal_reason="No contact after 9 touches", attempts=9, touch_count=9
        )
        return lead

    def test_is_accepted_on_the_record_as_come_by_the_api(self, cast, client, proposed):
        client.force_login(cast.sdr)
        answer = post(client, "proposal", {"answer": "accept"}, proposed.pk)
        assert (answer.status_code, answer.json()["stage"]) == (200, "recycled")
        assert FunnelEvent.objects.get(kind=EventKind.RECYCLED).source == Source.API
        again = post(client, "proposal", {"answer": "accept"}, proposed.pk)
        assert (again.status_code, again.json()["title"]) == (409, "nothing_proposed")

    def test_is_declined(self, cast, client, proposed):
        client.force_login(cast.sdr)
        answer = post(client, "proposal", {"answer": "decline"}, proposed.pk)
        assert (answer.json()["proposal"], answer.json()["stage"]) == ("", proposed.stage)

    def test_needs_an_answer_that_is_one(self, cast, client, proposed):
        client.force_login(cast.sdr)
        answer = post(client, "proposal", {"answer": "perhaps"}, proposed.pk)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["answer"])

    @pytest.mark.parametrize(("part", "status"), [("teammate", 404), ("manager", 403), ("ae", 403)])
    def test_is_for_its_sdr(self, cast, client, proposed, part, status):
        client.force_login(getattr(cast, part))
        assert post(client, "proposal", {"answer": "accept"}, proposed.pk).status_code == status
