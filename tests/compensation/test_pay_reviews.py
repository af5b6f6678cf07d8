"""Reviewing pay person by person: who may, what stands, what a recomputation outdates, what the worklist costs."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.compensation.models import PayoutRun, PayReview, RunState, Statement
from apps.compensation.selectors import reviews as selector
from apps.compensation.services import reviews, runs
from apps.core.errors import InvalidInput
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.many_reps import fill

pytestmark = pytest.mark.django_db
SUBMITTED_AT = noon(5, 3)


@pytest.fixture
def company(payroll: Payroll) -> Payroll:
    """January is locked, February in approval: an SDR with a jump, a teammate as ever, an outsider of another team."""
    cast, plan = payroll.cast, payroll.plan("sdr")
    for name in ("sdr", "teammate", "outsider"):
        rep = cast.rep(getattr(cast, name))
        payroll.assign(rep, plan)
        for day in range(1, 4):
            payroll.accepted(rep, noon(day), 1_000_00)
            payroll.accepted(rep, noon(day, 2), 1_000_00)
    payroll.settle(JANUARY)
    for day in range(4, 20):
        payroll.accepted(cast.rep(cast.sdr), noon(day, 2), 9_000_00)
    runs.submit_run(run=payroll.compute(FEBRUARY), at=SUBMITTED_AT, actor=cast.revops)
    return payroll


def february() -> PayoutRun:
    return PayoutRun.objects.get(code="2026-02")


def seen(company: Payroll, *parts: str) -> dict[int, str]:
    found = selector.digests(february())
    return {rep.pk: found[rep.pk] for rep in (company.cast.rep(getattr(company.cast, one)) for one in parts)}


def say(company: Payroll, verdict: str, *parts: str, by: str = "finance", reason: str = "") -> int:
    return reviews.review_pay(
        run=february(), seen=seen(company, *parts), verdict=verdict, reason=reason, at=SUBMITTED_AT,
        actor=getattr(company.cast, by),
    )  # fmt: skip


def row(company: Payroll, part: str) -> selector.Row:
    rep = company.cast.rep(getattr(company.cast, part))
    statements = Statement.objects.filter(run=february())
    return next(one for one in selector.worklist(february(), statements) if one.rep_id == rep.pk)


class TestWhoMay:
    def test_finance_approves_and_a_manager_s_word_stands_beside_it(self, company):
        assert say(company, "approved", "sdr", by="manager") == 1
        assert row(company, "sdr").state == "waiting"
        assert say(company, "approved", "sdr") == 1
        said = row(company, "sdr")
        assert said.state == "approved"
        assert said.standing.manager is not None

    @pytest.mark.parametrize("by", ["revops", "outside_manager"])
    def test_others_may_not(self, company, by):
        with pytest.raises(runs.UnableToCarryRun):
            say(company, "approved", "sdr", by=by)

    def test_nobody_reviews_their_own_pay(self, company):
        rep, digests = company.cast.rep(company.cast.sdr), seen(company, "sdr")
        rep.user = company.cast.finance
        rep.save()
        with pytest.raises(runs.UnableToCarryRun, match="your own pay"):
            reviews.review_pay(
                run=february(), seen=digests, verdict="approved", at=SUBMITTED_AT, actor=company.cast.finance
            )

    @pytest.mark.parametrize(
        ("part", "side", "by"),
        [
            ("sdr", "finance", "sdr"),
            ("sdr", "finance", "revops"),
            ("sdr", "manager", "outside_manager"),
            ("outsider", "manager", "manager"),
        ],
    )
    def test_the_database_refuses_it_too(self, company, part, side, by):
        rep = company.cast.rep(getattr(company.cast, part))
        with pytest.raises(DatabaseError), transaction.atomic():
            PayReview.objects.create(
                run=february(), rep=rep, side=side, verdict="approved", digest="0" * 64,
                by=getattr(company.cast, by), at=SUBMITTED_AT,
            )  # fmt: skip

    def test_the_database_takes_no_verdict_on_a_locked_run(self, company):
        with pytest.raises(DatabaseError), transaction.atomic():
            PayReview.objects.create(
                run=PayoutRun.objects.get(code="2026-01"), rep=company.cast.rep(company.cast.sdr),
                side="finance", verdict="approved", digest="0" * 64, by=company.cast.finance, at=SUBMITTED_AT,
            )  # fmt: skip


class TestSendingBack:
    def test_wants_a_reason(self, company):
        with pytest.raises(InvalidInput, match="why it goes back"):
            say(company, "sent_back", "sdr")

    def test_keeps_the_run_from_being_approved_until_it_is_settled(self, company):
        say(company, "sent_back", "sdr", reason="The late deal is missing.")
        run = february()
        with pytest.raises(runs.UnableToCarryRun, match="one person is sent back"):
            runs.approve_run(
                run=run, fingerprint=run.fingerprint, at=SUBMITTED_AT, actor=company.cast.finance
            )
        say(company, "approved", "sdr")
        runs.approve_run(run=run, fingerprint=run.fingerprint, at=SUBMITTED_AT, actor=company.cast.finance)
        assert february().state == RunState.APPROVED

    @pytest.mark.parametrize(
        ("side", "after"), [("finance", ["finance"]), ("manager", ["manager", "finance"])]
    )
    def test_keeps_the_database_from_taking_an_approval(self, company, side, after):
        """By whatever path: no service is asked here."""

        def approve_by_hand() -> None:
            PayoutRun.objects.filter(pk=february().pk).update(
                state=RunState.APPROVED, approved_by=company.cast.finance, approved_at=SUBMITTED_AT
            )

        for settled_by in after:
            with transaction.atomic():
                say(company, "sent_back", "sdr", by=side, reason="The late deal is missing.")
                with pytest.raises(DatabaseError, match="sent back"), transaction.atomic():
                    approve_by_hand()
                say(company, "approved", "sdr", by=settled_by)
                approve_by_hand()
                assert february().state == RunState.APPROVED
                transaction.set_rollback(True)

    def test_of_an_earlier_submission_keeps_no_run_whose_pay_moved_since(self, company):
        say(company, "sent_back", "sdr", reason="The late deal is missing.")
        runs.recall_run(run=february(), at=SUBMITTED_AT, actor=company.cast.revops)
        company.accepted(company.cast.rep(company.cast.sdr), noon(20, 2), 5_000_00)
        later = SUBMITTED_AT + timedelta(hours=1)
        runs.submit_run(run=company.compute(FEBRUARY, at=later), at=later, actor=company.cast.revops)
        run = february()
        runs.approve_run(run=run, fingerprint=run.fingerprint, at=later, actor=company.cast.finance)
        assert february().state == RunState.APPROVED

    def test_by_a_manager_counts_until_finance_overrules_it(self, company):
        say(company, "approved", "sdr")
        say(company, "sent_back", "sdr", by="manager", reason="She was on leave.")
        assert row(company, "sdr").state == "sent_back"
        say(company, "approved", "sdr")
        assert row(company, "sdr").state in ("approved", "sent_back")
        say(company, "approved", "sdr", by="manager")
        assert row(company, "sdr").state == "approved"

    def test_revops_takes_the_run_back_to_correct_it(self, company):
        with pytest.raises(runs.UnableToCarryRun, match="Nobody's pay is sent back"):
            runs.recall_run(run=february(), at=SUBMITTED_AT, actor=company.cast.revops)
        say(company, "sent_back", "sdr", reason="The late deal is missing.")
        runs.recall_run(run=february(), at=SUBMITTED_AT, actor=company.cast.revops)
        assert february().state == RunState.COMPUTED

    def test_is_on_record(self, company):
        say(company, "sent_back", "sdr", reason="The late deal is missing.")
        entry = AuditEntry.objects.get(verb="compensation.pay.sent_back")
        assert entry.data["reps"] == [company.cast.rep(company.cast.sdr).pk]
        assert entry.actor == company.cast.finance


class TestComputedAgain:
    def test_outdates_only_the_pay_that_moved(self, company):
        say(company, "approved", "sdr", "teammate")
        say(company, "sent_back", "outsider", reason="Look again.")
        runs.recall_run(run=february(), at=SUBMITTED_AT, actor=company.cast.revops)
        company.accepted(company.cast.rep(company.cast.sdr), noon(21, 2), 2_000_00, recorded_at=noon(6, 3))
        company.compute(FEBRUARY, at=noon(7, 3))
        runs.submit_run(run=february(), at=noon(7, 3), actor=company.cast.revops)
        assert row(company, "teammate").state == "approved"
        assert row(company, "outsider").state == "sent_back"
        moved = row(company, "sdr")
        assert (moved.state, moved.changed) == ("waiting", True)

    def test_a_verdict_on_pay_that_changed_since_is_refused(self, company):
        rep = company.cast.rep(company.cast.sdr)
        with pytest.raises(runs.RunChanged):
            reviews.review_pay(
                run=february(), seen={rep.pk: "0" * 64}, verdict="approved", at=SUBMITTED_AT,
                actor=company.cast.finance,
            )  # fmt: skip

    def test_saying_it_twice_says_it_once(self, company):
        assert say(company, "approved", "sdr") == 1
        assert say(company, "approved", "sdr") == 0
        assert PayReview.objects.count() == 1


class TestWorklist:
    def test_what_is_odd_comes_first(self, company):
        march = company.compute(MARCH)
        for day in range(1, 30):
            company.accepted(company.cast.rep(company.cast.teammate), noon(day, 3), 9_000_00)
        say(company, "approved", "sdr", "teammate", "outsider")
        runs.approve_run(
            run=february(), fingerprint=february().fingerprint, at=SUBMITTED_AT, actor=company.cast.finance
        )
        march = company.compute(MARCH, at=noon(4, 4))
        rows = selector.worklist(march, Statement.objects.filter(run=march))
        assert rows[0].rep_id == company.cast.rep(company.cast.teammate).pk
        assert {"jump", "highest"} <= {one.kind for one in rows[0].oddities}

    def test_the_page_says_each_oddity_and_offers_a_verdict(self, client, company):
        client.force_login(company.cast.finance)
        page = client.get(reverse("compensation:run_review", args=[february().pk])).content.decode()
        assert "0 of 3 approved by finance" in page
        statement = Statement.objects.get(run=february(), rep=company.cast.rep(company.cast.sdr))
        sent = client.post(
            reverse("compensation:pay_review", args=[statement.pk]),
            {"verdict": "approved", "digest": seen(company, "sdr")[statement.rep_id]},
        )
        assert sent.status_code == 302
        page = client.get(reverse("compensation:run_review", args=[february().pk])).content.decode()
        assert "1 of 3 approved by finance" in page

    def test_a_manager_sees_the_own_teams_alone(self, client, company):
        client.force_login(company.cast.manager)
        page = client.get(reverse("compensation:run_review", args=[february().pk])).content.decode()
        assert company.cast.rep(company.cast.sdr).name in page
        assert company.cast.rep(company.cast.outsider).name not in page

    def test_everybody_with_nothing_odd_is_approved_at_once(self, client, company):
        client.force_login(company.cast.finance)
        address = reverse("compensation:run_review_plain", args=[february().pk])
        page = client.get(reverse("compensation:run_review", args=[february().pk]))
        assert client.post(address, {"seen": "0" * 64}).status_code == 409
        assert client.post(address, {"seen": page.context["plain_token"]}).status_code == 302
        plain = {row.rep_id for row in page.context["plain"]}
        assert set(PayReview.objects.filter(verdict="approved").values_list("rep_id", flat=True)) == plain

    def test_sending_back_without_a_reason_keeps_the_page(self, client, company):
        client.force_login(company.cast.finance)
        statement = Statement.objects.get(run=february(), rep=company.cast.rep(company.cast.sdr))
        answer = client.post(
            reverse("compensation:pay_review", args=[statement.pk]),
            {"verdict": "sent_back", "digest": seen(company, "sdr")[statement.rep_id], "reason": " "},
        )
        assert answer.status_code == 422
        assert "Say why it goes back." in answer.content.decode()

    def test_the_api_gives_the_same_list_and_takes_verdicts(self, client, company):
        client.force_login(company.cast.finance)
        address = reverse("api:pay_worklist", args=[february().pk])
        people = client.get(address).json()["people"]
        assert len(people) == 3
        body = {
            "verdict": "approved",
            "people": [{"rep": one["rep"], "digest": one["digest"]} for one in people],
        }
        answer = client.post(address, body, content_type="application/json")
        assert answer.json() == {"new": 3}


@pytest.mark.parametrize("events", [1])
def test_the_worklist_costs_the_same_for_10_people_and_for_200(events, payroll, client):
    counts = []
    fill(10, events)
    for more in (0, 190):
        if more:
            _more(more)
        run = payroll.compute(JANUARY, at=noon(3, 2) + timedelta(days=len(counts)))
        with CaptureQueriesContext(connection) as queries:
            rows = selector.worklist(run, Statement.objects.filter(run=run))
        counts.append((len(rows), len(queries)))
    assert counts[0][0] < counts[1][0]
    assert counts[0][1] == counts[1][1] <= 8


def _more(count: int) -> None:
    """As many reps again, on the same plan and team."""
    from apps.compensation.models import Plan
    from apps.compensation.services import plans
    from apps.reps.models import Rep, Team

    plan, team = Plan.objects.get(), Team.objects.get(name="SDRs")
    one = Rep.objects.filter(team=team).first()
    for number in range(count):
        rep = Rep.objects.create(name=f"More {number}", team=team, role=one.role, hired_on=one.hired_on)
        plans.assign_plan(rep=rep, plan=plan, starts_on=JANUARY.start, at=noon(1))


def test_the_page_of_the_worklist_asks_as_much_for_10_people_as_for_200(payroll, client):
    """Sign-in, navigation and all; a first look warms what is kept of the company."""
    fill(10, 1)
    counts = []
    for more in (0, 190):
        if more:
            _more(more)
        run = payroll.compute(JANUARY, at=noon(3, 2) + timedelta(days=len(counts)))
        client.force_login(payroll.cast.finance)
        address = reverse("compensation:run_review", args=[run.pk])
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address)
        assert page.status_code == 200
        counts.append((len(page.content), len(queries)))
    assert counts[0][0] < counts[1][0]
    assert counts[0][1] == counts[1][1]
