"""What the field pays an SDR for, from the hand-off to the ledger with the services that the pages use.

No-shows, meetings outside the definition that the AE accepted, exploration with a budget of its own, and contested
rejections.
"""

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.compensation.models import LedgerEntry, Statement
from apps.compensation.selectors import control
from apps.core.periods import parse_period
from apps.leads.models import Contest, HandOff, Lead, RejectionReason
from apps.leads.services import booking, contests, hand_offs, meetings, qualifications
from apps.reps.models import Rep
from tests.cast import NOW
from tests.compensation.conftest import Payroll
from tests.compensation.plan_documents import component, graduated, plan
from tests.leads.scenes import handed_off
from tests.stage import staged

pytestmark = pytest.mark.django_db
NOVEMBER, DECEMBER = parse_period("2026-11"), parse_period("2026-12")
EXPLORING = {"field": "exploration", "is": "is", "value": "yes"}
USUAL = {"field": "exploration", "is": "is", "value": "no"}
DEFINED = {"field": "meets_definition", "is": "is", "value": "yes"}


@pytest.fixture
@staged
def sdr(payroll: Payroll) -> Rep:
    return payroll.cast.rep(payroll.cast.sdr)


@pytest.fixture
@staged
def judge(cast) -> User:
    """Somebody who manages neither side."""
    return User.objects.create_user("judge@larkfield.example", "x", name="Judge", role=Role.MANAGER)


def meetings_at(rate: str, *where: dict[str, str], event: str = "accepted", **more: Any) -> dict[str, Any]:
    measure = {"event": event, "capacity": "sourced", "of": "count"} | (
        {"where": list(where)} if where else {}
    )
    return component(graduated(rate), measure=measure, pays="per_unit", **more)


def on(payroll: Payroll, rep: Rep, *components: dict[str, Any]) -> None:
    payroll.assign(rep, payroll.plan(plan(*components, role="sdr")))


def accept(payroll: Payroll, hand_off: HandOff, hours: int = 1) -> None:
    hand_offs.accept_hand_off(
        hand_off=hand_off, at=NOW + timedelta(hours=hours), amount_minor=60_000_00, actor=payroll.cast.ae
    )


def outside_the_definition(payroll: Payroll, company: str, slot: int) -> HandOff:
    """One criterion of four met, booked as exploration all the same."""
    cast = payroll.cast
    first = handed_off(cast, f"{company} first", slot=slot)
    lead = Lead.objects.get(pk=first.lead_id)
    answers = {
        key: qualifications.Answer("not_met", "Nothing yet") for key in ("budget", "authority", "timeframe")
    } | {"need": qualifications.Answer("met", "Four systems", "The auditor wants it.", "Hanna Vogel")}
    hand_offs.reject_hand_off(
        hand_off=first, criterion="budget", reason=RejectionReason.UNSUPPORTED, comment="No budget yet.",
        at=NOW + timedelta(minutes=5), actor=cast.ae,
    )  # fmt: skip
    lead.refresh_from_db()
    qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers, at=NOW + timedelta(minutes=10))
    lead.refresh_from_db()
    at = NOW + timedelta(minutes=20)
    starts_at = booking.offered_slots(lead=lead, at=at)[slot].starts_at
    return booking.book_meeting(
        lead=lead, sdr=cast.rep(cast.sdr), starts_at=starts_at, at=at, as_exploration=True, actor=cast.sdr
    )


class TestNoShows:
    def test_a_hand_off_whose_meeting_nobody_came_to_does_not_pay(self, payroll, sdr):
        on(payroll, sdr, meetings_at("40.00", event="handed_off"))
        came, missed = handed_off(payroll.cast), handed_off(payroll.cast, "Another Firm", slot=1)
        for hand_off, held in ((came, True), (missed, False)):
            assert hand_off.meeting is not None
            meetings.close_meeting(
                meeting=hand_off.meeting, held=held, at=hand_off.meeting.ends_at, actor=payroll.cast.ae
            )
        assert payroll.paid(payroll.compute(NOVEMBER), sdr) == 40_00

    def test_told_after_the_month_was_locked_it_is_taken_back(self, payroll, sdr):
        on(payroll, sdr, meetings_at("40.00", event="handed_off"))
        hand_off = handed_off(payroll.cast)
        november = payroll.settle(NOVEMBER)
        assert payroll.paid(november, sdr) == 40_00
        assert hand_off.meeting is not None
        meetings.close_meeting(
            meeting=hand_off.meeting, held=False, at=NOW + timedelta(days=30),
            actor=payroll.cast.ae,
        )  # fmt: skip
        december = payroll.compute(DECEMBER)
        assert payroll.paid(december, sdr) == -40_00
        assert "nobody came" in LedgerEntry.objects.get(run=december).cause
        assert control.fingerprint(november) == november.fingerprint


class TestOutsideTheDefinition:
    def test_what_the_ae_accepted_pays_by_default(self, payroll, sdr):
        on(payroll, sdr, meetings_at("40.00"))
        accept(payroll, outside_the_definition(payroll, "Odd Firm", 0), hours=2)
        assert payroll.paid(payroll.compute(NOVEMBER), sdr) == 40_00

    def test_and_does_not_where_the_plan_asks_for_the_definition(self, payroll, sdr):
        on(payroll, sdr, meetings_at("40.00", DEFINED))
        accept(payroll, outside_the_definition(payroll, "Odd Firm", 0), hours=2)
        accept(payroll, handed_off(payroll.cast, "Usual Firm", slot=1), hours=3)
        assert payroll.paid(payroll.compute(NOVEMBER), sdr) == 40_00


class TestExploration:
    def test_is_paid_from_a_budget_of_its_own(self, payroll, sdr):
        budget = {"from": "2026-10-01", "to": "2027-01-01", "budget": "75.00"}
        exploring = meetings_at("50.00", EXPLORING, bonus=budget) | {
            "key": "exploring",
            "name": "Exploration",
        }
        on(payroll, sdr, meetings_at("40.00", USUAL), exploring)
        accept(payroll, handed_off(payroll.cast, "Usual Firm"))
        for slot, company in enumerate(("Far Away", "Further Still"), 1):
            accept(payroll, handed_off(payroll.cast, company, slot=slot, as_exploration=True), hours=slot + 1)
        run = payroll.compute(NOVEMBER)
        paid = dict.fromkeys(("only", "exploring"), 0)
        for line in payroll.lines(run, sdr):
            paid[line.component_key] += line.amount_minor
        assert paid == {"only": 40_00, "exploring": 75_00}
        assert payroll.compute(NOVEMBER).fingerprint == run.fingerprint


class TestContests:
    def contested(self, payroll: Payroll, judge: User, uphold: bool, days: int = 1) -> Contest:
        cast = payroll.cast
        hand_off = hand_offs.reject_hand_off(
            hand_off=handed_off(cast), criterion="timeframe", reason=RejectionReason.TOO_FAR_OUT,
            comment="A date, please.", at=NOW, actor=cast.ae,
        )  # fmt: skip
        contest = contests.open_contest(
            hand_off=hand_off, reason="She said January.", at=NOW + timedelta(hours=2), actor=cast.sdr
        )
        return contests.decide_contest(
            contest=contest, uphold=uphold, reason="It stands in the notes.", at=NOW + timedelta(days=days),
            actor=contest.judge,
        )  # fmt: skip

    def test_an_upheld_one_pays(self, payroll, sdr, judge):
        on(payroll, sdr, meetings_at("40.00"))
        self.contested(payroll, judge, uphold=True)
        run = payroll.compute(NOVEMBER)
        assert payroll.paid(run, sdr) == 40_00
        (line,) = payroll.lines(run, sdr)
        assert line.event is not None
        assert line.event.kind == "accepted"

    def test_a_dismissed_one_does_not(self, payroll, sdr, judge):
        on(payroll, sdr, meetings_at("40.00"))
        self.contested(payroll, judge, uphold=False)
        payroll.compute(NOVEMBER)
        assert Statement.objects.get(rep=sdr).payable_minor == 0

    def test_upheld_in_the_next_month_it_pays_then(self, payroll, sdr, judge):
        on(payroll, sdr, meetings_at("40.00"))
        self.contested(payroll, judge, uphold=True, days=25)
        assert payroll.paid(payroll.settle(NOVEMBER), sdr) == 0
        assert payroll.paid(payroll.compute(DECEMBER), sdr) == 40_00
