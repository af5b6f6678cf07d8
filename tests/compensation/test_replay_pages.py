"""The pages of replays: asking one, reading it, its file, its API; who sees what."""

import csv
import io
import json
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from apps.compensation.models import Download, PlanVersion, Replay, ReplayPay, ReplayPerson
from apps.compensation.rules.moves import Who
from apps.compensation.services import plans
from apps.compensation.services.replay_computation import compute_replay
from apps.compensation.services.replays import Alternative, AskedMove, Target, ask_replay
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.reps.models import Rep, RepRole
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import component, graduated, plan
from tests.stage import staged

pytestmark = pytest.mark.django_db
NEW = "/pay/replays/new/"


def entered(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
@staged
def on_plan(payroll: Payroll):
    """Two AEs on a plan of 10 %, one month settled."""
    kept = payroll.plan(plan(component(graduated("10"))))
    for part, won in (("ae", 2_000_000), ("second_ae", 1_000_000)):
        rep = payroll.cast.rep(getattr(payroll.cast, part))
        payroll.assign(rep, kept)
        payroll.won(rep, noon(5), won)
    for month in (JANUARY, FEBRUARY, MARCH):
        payroll.settle(month)
    return kept


@pytest.fixture
@staged
def draft(payroll: Payroll, on_plan) -> PlanVersion:
    document = plan(component(graduated("12", "10000", "5"), name="=Deals"))
    return plans.load_plan_document(document=document, author=payroll.cast.revops, at=noon(2, 4))


def typed(draft: PlanVersion, **more) -> dict[str, object]:
    return {
        "shape": "1",
        "months": "3",
        "until": "2026-03",
        "shows": "concerned",
        "name": "",
        "request_key": "k1",
        "alternative-0-name": "",
        "alternative-0-0-who": f"plan:{draft.plan_id}",
        "alternative-0-0-people": "",
        "alternative-0-0-to": f"version:{draft.pk}",
        "alternative-0-0-document": "",
        "alternative-0-0-document_name": "",
    } | more


def replayed(payroll: Payroll, draft: PlanVersion, actor=None, **more) -> Replay:
    moves = [AskedMove(Who.PLAN, [draft.plan_id], "Everybody", Target(version=draft))]
    given = {"name": "", "months": 3, "until": date(2026, 3, 1), "everybody": False} | more
    replay, _ = ask_replay(
        alternatives=[Alternative("=Draft", moves)],
        request_key=f"pages-{Replay.objects.count()}",
        at=noon(9, 4),
        actor=actor or payroll.cast.revops,
        **given,
    )
    compute_replay(replay=replay, clock=lambda: noon(9, 4))
    return replay


class TestAsking:
    def test_leads_to_the_job_and_then_to_the_figures(self, payroll, draft):
        client = entered(payroll.cast.revops)
        answer = client.post(NEW, typed(draft))
        replay = Replay.objects.get()
        assert answer.url == reverse("compensation:replay", args=[replay.pk])
        assert b"Replaying" in client.get(answer.url).content
        job = Job.objects.get(kind="compensation.replay")
        jobs.run(job_id=job.pk, clock=timezone.now)
        job.refresh_from_db()
        assert (job.state, job.result["url"]) == ("done", answer.url)
        page = client.get(answer.url).content.decode()
        # 20,000 and 10,000: 10 % were 3,000; 12 % up to 10,000 and 5 % above are 1,200 + 500 + 1,200.
        assert "would have cost €100.00 less than the plans that were in force (− 3.3\xa0%)" in page
        assert "equals what the ledger says, to the cent" in page
        # A second click is the same question.
        assert client.post(NEW, typed(draft)).url == answer.url
        assert Replay.objects.count() == 1

    def test_begins_with_the_draft_that_the_address_names(self, payroll, draft):
        page = entered(payroll.cast.revops).get(NEW, {"version": draft.pk}).content.decode()
        assert f'value="version:{draft.pk}" selected' in page
        assert f'value="plan:{draft.plan_id}" selected' in page

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"months": "0"}, "greater than or equal to 1"),
            ({"until": "October"}, "is not a period"),
            ({"until": "2199-01"}, "has not begun"),
            ({"alternative-0-0-who": "people"}, "Name at least one person"),
            (
                {"alternative-0-0-who": "people", "alternative-0-0-people": "Nobody Known"},
                "is nobody whom you see",
            ),
            ({"alternative-0-0-to": "file"}, "Choose the plan file"),
            ({"alternative-0-0-who": "team:99999"}, "Select a valid choice"),
        ],
    )
    def test_says_at_the_field_what_is_wrong_and_keeps_what_was_typed(self, payroll, draft, change, says):
        answer = entered(payroll.cast.revops).post(NEW, typed(draft, name="My question", **change))
        assert answer.status_code == 422
        page = answer.content.decode()
        assert says in page
        assert 'value="My question"' in page
        assert not Replay.objects.exists()

    def test_adds_and_takes_away_moves_and_keeps_a_file_that_was_read(self, payroll, draft):
        client = entered(payroll.cast.revops)
        document = plan(component(graduated("15")))
        file = SimpleUploadedFile("fifteen.json", json.dumps(document).encode())
        given = typed(
            draft, do="add-alternative", **{"alternative-0-0-to": "file", "alternative-0-0-file": file}
        )
        page = client.post(NEW, given)
        assert "fifteen.json" in page.content.decode()
        question = page.context["question"]
        assert question.shape == "1,1"
        sent = typed(
            draft,
            shape="1,1",
            **{
                "alternative-0-0-to": "file",
                "alternative-0-0-document": json.dumps(document),
                "alternative-0-0-document_name": "fifteen.json",
                "alternative-1-0-who": "people",
                "alternative-1-0-people": "ae@larkfield.example",
                "alternative-1-0-to": f"version:{draft.pk}",
                "alternative-1-0-document": "",
                "alternative-1-0-document_name": "",
            },
        )
        dropped = client.post(NEW, sent | {"do": "drop-alternative-0"})
        assert dropped.context["question"].shape == "1"
        assert "ae@larkfield.example" in dropped.content.decode()
        assert client.post(NEW, sent).status_code == 302
        asked = Replay.objects.get().question["alternatives"]
        assert [one["name"] for one in asked] == ["Test plan, from fifteen.json", "Test plan, draft 2"]
        assert asked[1]["moves"][0]["ids"] == [payroll.cast.rep(payroll.cast.ae).pk]

    def test_names_each_thing_that_is_wrong_with_a_file(self, payroll, draft):
        wrong = plan(component(graduated("15"), pays="luck"), currency="XXX")
        file = SimpleUploadedFile("wrong.json", json.dumps(wrong).encode())
        given = typed(draft, **{"alternative-0-0-to": "file", "alternative-0-0-file": file})
        page = entered(payroll.cast.revops).post(NEW, given).content.decode()
        assert "components[0].pays" in page
        assert "currency: Write an ISO 4217 code" in page


class TestReading:
    def test_a_person_has_every_month_and_the_arithmetic_of_one(self, payroll, draft):
        replay = replayed(payroll, draft)
        person = ReplayPerson.objects.get(replay=replay, rep__user=payroll.cast.ae)
        address = reverse("compensation:replay_person", args=[person.pk])
        page = entered(payroll.cast.finance).get(address, {"period": "2026-01"}).content.decode()
        assert "€20,000.00 × 10.00 % = €2,000.00" in page
        assert "€10,000.00 × 12.00 % + €10,000.00 × 5.00 % = €1,700.00" in page
        assert "Worked out anew" not in page

    def test_says_where_the_ledger_and_the_engine_differ(self, payroll, draft):
        rep = payroll.cast.rep(payroll.cast.ae)
        payroll.won(rep, noon(20), 100_000, recorded_at=noon(8, 4))
        replay = replayed(payroll, draft)
        page = entered(payroll.cast.finance).get(reverse("compensation:replay", args=[replay.pk]))
        assert "January 2026: paid €3,000.00, replayed €3,100.00." in page.content.decode()

    def test_who_is_left_out_is_named_with_the_reason(self, payroll, on_plan):
        by_quota = plan(
            component(graduated("10"), bands_in="percent_of_quota", quota={"measure": "amount_won"})
        )
        payroll.quota(payroll.cast.rep(payroll.cast.ae), 100_000_00)
        draft = plans.load_plan_document(document=by_quota, author=payroll.cast.revops, at=noon(2, 4))
        replay = replayed(payroll, draft)
        page = (
            entered(payroll.cast.revops)
            .get(reverse("compensation:replay", args=[replay.pk]))
            .content.decode()
        )
        assert "1 person is left out of every figure" in page
        assert "measured against the quota" in page

    def test_asks_as_much_of_the_database_for_500_people_as_for_10(self, payroll, draft):
        client = entered(payroll.cast.revops)

        def statements(count: int) -> int:
            replay = replayed(payroll, draft)
            team = payroll.cast.ae_team
            reps = Rep.objects.bulk_create(
                Rep(name=f"Rep {number}", team=team, role=RepRole.AE, hired_on=date(2025, 1, 1))
                for number in range(count)
            )
            ReplayPerson.objects.bulk_create(
                ReplayPerson(replay=replay, rep=rep, role=rep.role, team=team) for rep in reps
            )
            ReplayPay.objects.bulk_create(
                ReplayPay(
                    replay=replay, alternative=number, rep=rep, starts_on=date(2026, 1, 1), currency="EUR",
                    component_key="only", component_name="Deals", kind="earning", line_count=1,
                    amount_minor=place * number,
                )
                for place, rep in enumerate(reps)
                for number in (1, 2)
            )  # fmt: skip
            with CaptureQueriesContext(
                connection,
            ) as asked:
                answer = client.get(reverse("compensation:replay", args=[replay.pk]))
            assert answer.status_code == 200
            return len(asked)

        few = statements(10)
        assert statements(500) == few <= 30


class TestWhoSees:
    def test_another_manager_gets_nothing_and_reps_are_refused(self, payroll, draft):
        replay = replayed(payroll, draft, actor=payroll.cast.manager)
        address = reverse("compensation:replay", args=[replay.pk])
        assert entered(payroll.cast.manager).get(address).status_code == 200
        assert entered(payroll.cast.outside_manager).get(address).status_code == 404
        assert entered(payroll.cast.ae).get(address).status_code == 403

    def test_a_manager_names_only_own_people(self, payroll, draft):
        payroll.assign(payroll.cast.rep(payroll.cast.outsider), draft.plan)
        given = typed(draft, **{"alternative-0-0-who": "people", "alternative-0-0-people": "Ae\nOutsider"})
        answer = entered(payroll.cast.manager).post(NEW, given)
        assert "“Outsider” is nobody whom you see." in answer.content.decode()


class TestFiles:
    def test_hold_every_figure_and_no_formula(self, payroll, draft):
        replay = replayed(payroll, draft)
        client = entered(payroll.cast.finance)
        address = reverse("compensation:replay_download", args=[replay.pk])
        text = b"".join(client.post(address, {"format": "csv"}).streaming_content).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        paid = sum(
            float(row["Amount"]) for row in rows if row["Measure"] == "pay" and row["Alternative"] == "2"
        )
        assert paid == 2_900
        assert {row["Component name"] for row in rows if row["Alternative"] == "2"} == {"'=Deals"}
        assert {row["Alternative name"] for row in rows} == {"Paid", "As it was", "'=Draft", "The record"}
        book = load_workbook(io.BytesIO(b"".join(client.post(address, {"format": "xlsx"}).streaming_content)))
        assert book.sheetnames == ["Summary", "People EUR", "Figures"]
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
        assert sum(row[7].value for row in book["People EUR"].iter_rows(min_row=2)) == 3_000
        assert [one.format for one in Download.objects.filter(replay=replay).order_by("pk")] == [
            "csv",
            "xlsx",
        ]
        log = client.get(reverse("compensation:downloads")).content.decode()
        assert "Replay, =Draft against what was in force" in log

    def test_are_refused_until_it_is_worked_out(self, payroll, draft):
        moves = [AskedMove(Who.PLAN, [draft.plan_id], "Everybody", Target(version=draft))]
        replay, _ = ask_replay(
            name="", months=1, until=date(2026, 1, 1), everybody=False, alternatives=[Alternative("", moves)],
            request_key="x", at=noon(9, 4), actor=payroll.cast.revops,
        )  # fmt: skip
        client = entered(payroll.cast.revops)
        answer = client.post(reverse("compensation:replay_download", args=[replay.pk]), {"format": "csv"})
        assert answer.status_code == 409
        assert not Download.objects.exists()


class TestApi:
    def ask(self, client: Client, body: dict[str, object], key: str = "one"):
        return client.post(
            "/api/v1/replays/",
            json.dumps(body),
            content_type="application/json",
            headers={"Idempotency-Key": key},
        )

    def test_asks_once_and_reads_what_was_found(self, payroll, draft):
        client = entered(payroll.cast.revops)
        body = {
            "months": 3,
            "until": "2026-03",
            "alternatives": [
                {"moves": [{"who": "plan", "ids": [str(draft.plan_id)], "to": {"version": draft.pk}}]}
            ],
        }
        first = self.ask(client, body)
        assert first.status_code == 202
        assert self.ask(client, body).json() == first.json()
        assert client.get(f"/api/v1/replays/{first.json()['id']}/").status_code == 409
        jobs.run(job_id=first.json()["job"], clock=timezone.now)
        found = client.get(f"/api/v1/replays/{first.json()['id']}/").json()
        assert found["totals"] == [300_000, 300_000, 290_000]
        assert found["agreed"][0] == {"alternative": 1, "agree": 1, "tied": 0, "against": 0}
        assert [one["id"] for one in client.get("/api/v1/replays/").json()] == [first.json()["id"]]

    @pytest.mark.parametrize(
        ("move", "says"),
        [
            ({"who": "people", "ids": ["999999"], "to": {"version": 1}}, "names no people of yours"),
            ({"who": "role", "ids": ["king"], "to": {"version": 1}}, "choose roles"),
            ({"who": "everybody", "to": {}}, "Give one of plan, version and document"),
            ({"who": "everybody", "to": {"document": {"format": "none"}}}, "salesportal.plan"),
        ],
    )
    def test_names_what_is_wrong(self, payroll, draft, move, says):
        body = {"months": 3, "until": "2026-03", "alternatives": [{"moves": [move]}]}
        answer = self.ask(entered(payroll.cast.revops), body)
        assert answer.status_code == 400
        assert says in answer.content.decode()
