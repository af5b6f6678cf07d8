"""Promises beyond the first answer: touches over days and channels, dispositions, pauses, hands, rebasing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.core.errors import InvalidInput
from apps.leads.models import Channel, Disposition, Lead
from apps.leads.services import owners, touches
from apps.reps.models import TimeOff
from apps.reps.rules.business_time import NeverOpen
from apps.reps.rules.hours import Hours
from apps.slas.models import BreachReason, Clock, ClockHolder, ClockKind, ClockRebase, ClockState, Policy
from apps.slas.rules.promises import days_due
from apps.slas.services import clocks, rebasing, verdicts
from apps.slas.services import sweep as sweeping
from tests.cast import NOW, Cast
from tests.leads.test_touches import VOICEMAIL, arrive

HOUR = timedelta(hours=1)
A = {"title": "Chief Executive", "employees": 500, "industry": "Logistics"}
EMAILED = {"channel": Channel.EMAIL, "disposition": Disposition.SENT}


def clock_of(lead: Lead, kind: str) -> Clock:
    return Clock.objects.get(lead=lead, kind=kind)


def only_promise(**terms: Any) -> Policy:
    """One policy for every lead, with nothing promised but ``terms``."""
    Policy.objects.update(state=Policy.State.RETIRED)
    return Policy.objects.create(name="The only one", position=1, state=Policy.State.ON, **terms)


OFFICE = Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")})


class TestDaysDue:
    @pytest.mark.parametrize(
        ("start", "days", "due"),
        [
            # Thursday 10:42 in Berlin: today is the first day.
            (NOW, 1, datetime(2026, 11, 12, 16, tzinfo=UTC)),
            (NOW, 2, datetime(2026, 11, 13, 16, tzinfo=UTC)),
            (NOW, 3, datetime(2026, 11, 16, 16, tzinfo=UTC)),
            # Friday after closing: Monday is the first day.
            (datetime(2026, 11, 13, 16, tzinfo=UTC), 1, datetime(2026, 11, 16, 16, tzinfo=UTC)),
        ],
    )
    def test_is_the_closing_of_that_business_day(self, start: datetime, days: int, due: datetime) -> None:
        assert days_due(hours=OFFICE, started_at=start, days=days) == due

    def test_a_day_with_a_break_is_one_day(self) -> None:
        hours = Hours.of(
            "UTC", {"thu": [["09:00", "12:00"], ["13:00", "17:00"]], "fri": [["09:00", "10:00"]]}
        )
        assert days_due(hours=hours, started_at=NOW, days=1) == NOW.replace(hour=17, minute=0)
        assert days_due(hours=hours, started_at=NOW, days=2) == datetime(2026, 11, 13, 10, tzinfo=UTC)

    def test_a_calendar_that_never_opens_says_so(self) -> None:
        with pytest.raises(NeverOpen):
            days_due(hours=Hours.of("UTC", {}), started_at=NOW, days=1)


class TestTouches:
    @pytest.fixture
    def lead(self, cast: Cast) -> Lead:
        only_promise(touch_count=3, touch_days=2, touch_channels=["call", "email"])
        return arrive(cast, **A)

    def log(self, cast: Cast, lead: Lead, at: datetime, **what: Any) -> Any:
        return touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=at, **(what or VOICEMAIL))

    def test_is_kept_by_enough_of_them_over_each_channel(self, cast: Cast, lead: Lead) -> None:
        self.log(cast, lead, NOW)
        self.log(cast, lead, NOW + HOUR)
        self.log(cast, lead, NOW + 2 * HOUR)
        clock = clock_of(lead, ClockKind.TOUCHES)
        assert (clock.state, clock.done) == (ClockState.RUNNING, 3), "no e-mail was written yet"
        self.log(cast, lead, NOW + 3 * HOUR, **EMAILED)
        clock = clock_of(lead, ClockKind.TOUCHES)
        assert (clock.state, clock.done, clock.met_at) == (ClockState.MET, 4, NOW + 3 * HOUR)

    def test_is_broken_at_the_closing_of_the_last_day(self, cast: Cast, lead: Lead) -> None:
        clock = clock_of(lead, ClockKind.TOUCHES)
        assert clock.due_at == datetime(2026, 11, 13, 16, tzinfo=UTC)
        assert sweeping.sweep(at=clock.due_at + timedelta(seconds=1)) == 1
        assert clock_of(lead, ClockKind.TOUCHES).state == ClockState.BREACHED

    def test_an_undone_touch_does_not_count(self, cast: Cast, lead: Lead) -> None:
        self.log(cast, lead, NOW)
        self.log(cast, lead, NOW + timedelta(minutes=1), **EMAILED)
        last = self.log(cast, lead, NOW + timedelta(minutes=2))
        assert clock_of(lead, ClockKind.TOUCHES).state == ClockState.MET
        touches.undo_touch(touch=last, rep=cast.rep(cast.sdr), at=NOW + timedelta(minutes=3))
        clock = clock_of(lead, ClockKind.TOUCHES)
        assert (clock.state, clock.done, clock.answered_at) == (ClockState.RUNNING, 2, None)

    def test_ends_without_a_verdict_when_nobody_is_to_touch_the_lead_any_more(
        self, cast: Cast, lead: Lead
    ) -> None:
        self.log(cast, lead, NOW, channel=Channel.CALL, disposition=Disposition.NOT_A_FIT)
        clock = clock_of(lead, ClockKind.TOUCHES)
        assert (clock.state, clock.cancelled_because) == (
            ClockState.CANCELLED,
            "Disqualified before all touches",
        )


class TestDisposition:
    def test_is_kept_by_what_becomes_of_the_lead(self, cast: Cast) -> None:
        only_promise(disposition_minutes=480)
        lead = arrive(cast, **A)
        rep = cast.rep(cast.sdr)
        touches.log_touch(lead=lead, rep=rep, at=NOW, **VOICEMAIL)
        assert clock_of(lead, ClockKind.DISPOSITION).state == ClockState.RUNNING
        touches.log_touch(
            lead=lead, rep=rep, channel=Channel.CALL, disposition=Disposition.NOT_NOW, at=NOW + HOUR
        )
        clock = clock_of(lead, ClockKind.DISPOSITION)
        assert (clock.state, clock.met_at) == (ClockState.MET, NOW + HOUR)


class TestPause:
    @pytest.fixture
    def clock(self, cast: Cast) -> Clock:
        only_promise(disposition_minutes=120)
        return clock_of(arrive(cast, **A), ClockKind.DISPOSITION)

    def test_makes_it_due_later_by_the_open_time_it_stood_still(self, cast: Cast, clock: Clock) -> None:
        due = clock.due_at
        clocks.pause(clock=clock, reason="They asked to wait", at=NOW + HOUR, actor=cast.manager)
        clock = clocks.resume(clock=clock, at=NOW + 2 * HOUR, actor=cast.manager)
        assert clock.due_at == due + HOUR
        assert clock.paused_at is None

    def test_a_night_within_it_costs_nothing(self, cast: Cast, clock: Clock) -> None:
        closing = datetime(2026, 11, 12, 16, tzinfo=UTC)
        clocks.pause(clock=clock, reason="Until tomorrow", at=NOW + HOUR, actor=cast.manager)
        clock = clocks.resume(clock=clock, at=closing + 16 * HOUR, actor=cast.manager)
        # An hour was used; the other is used from the opening at 09:00 in Berlin on.
        assert clock.due_at == datetime(2026, 11, 13, 9, tzinfo=UTC)

    def test_the_sweep_passes_it_over(self, cast: Cast, clock: Clock) -> None:
        clocks.pause(clock=clock, reason="They asked to wait", at=NOW + HOUR)
        assert sweeping.sweep(at=NOW + 99 * HOUR) == 0
        assert sweeping.escalate(at=NOW + 99 * HOUR) == 0

    def test_an_answer_within_it_ends_it(self, cast: Cast, clock: Clock) -> None:
        clocks.pause(clock=clock, reason="They asked to wait", at=NOW + HOUR)
        at = NOW + timedelta(days=5)
        touches.log_touch(
            lead=clock.lead,
            rep=cast.rep(cast.sdr),
            channel=Channel.EMAIL,
            disposition=Disposition.NOT_A_FIT,
            at=at,
        )
        clock.refresh_from_db()
        assert (clock.state, clock.met_at, clock.paused_at) == (ClockState.MET, at, None)

    def test_wants_a_reason(self, clock: Clock) -> None:
        with pytest.raises(InvalidInput):
            clocks.pause(clock=clock, reason="  ", at=NOW)

    def test_is_refused_for_one_that_ended_or_stands_still(self, clock: Clock) -> None:
        clocks.pause(clock=clock, reason="They asked to wait", at=NOW)
        with pytest.raises(clocks.UnableToPause):
            clocks.pause(clock=clock, reason="Again", at=NOW)
        clocks.resume(clock=clock, at=NOW + HOUR)
        with pytest.raises(clocks.UnableToPause):
            clocks.resume(clock=clock, at=NOW + HOUR)
        sweeping.sweep(at=NOW + 99 * HOUR)
        with pytest.raises(clocks.UnableToPause):
            clocks.pause(clock=clock, reason="Too late", at=NOW + 99 * HOUR)


class TestHands:
    def test_a_lead_that_is_passed_on_keeps_its_due_instant(self, cast: Cast) -> None:
        only_promise(first_response_minutes=60)
        lead = arrive(cast, **A)
        due = clock_of(lead, ClockKind.FIRST_RESPONSE).due_at
        assert owners.pass_on(lead=lead, rep=cast.rep(cast.teammate), because="test", at=NOW + HOUR / 4)
        clock = clock_of(lead, ClockKind.FIRST_RESPONSE)
        assert (clock.rep, clock.due_at) == (cast.rep(cast.teammate), due)
        assert list(ClockHolder.objects.values_list("rep", "from_at")) == [
            (cast.rep(cast.teammate).pk, NOW + HOUR / 4)
        ]

    def test_time_is_apportioned_to_who_had_it(self, cast: Cast) -> None:
        only_promise(first_response_minutes=480)
        lead = arrive(cast, **A)
        rep = cast.rep(cast.teammate)
        TimeOff.objects.create(rep=rep, starts_on=date(2026, 11, 13), ends_on=date(2026, 11, 14))
        owners.pass_on(lead=lead, rep=rep, because="test", at=NOW + HOUR)
        at = datetime(2026, 11, 16, 9, tzinfo=UTC)  # Monday 10:00 in Berlin
        touches.log_touch(lead=lead, rep=rep, at=at, **VOICEMAIL)
        clock = clock_of(lead, ClockKind.FIRST_RESPONSE)
        seconds = (clock.intake_seconds, clock.routing_seconds, clock.unavailable_seconds, clock.rep_seconds)
        # Thursday 10:42: an hour in the pool, the rest of the day the rep's; Friday off; Monday from 9 to 10.
        assert [(one or 0) / 60 for one in seconds] == [0, 60, 480, (6 * 60 + 18 - 60) + 60]


class TestRebase:
    def test_a_changed_policy_reaches_a_running_clock_only_on_purpose(self, cast: Cast) -> None:
        policy = only_promise(first_response_minutes=60)
        lead = arrive(cast, **A)
        clock = clock_of(lead, ClockKind.FIRST_RESPONSE)
        policy.first_response_minutes = 120
        policy.save()
        sweeping.escalate(at=NOW)
        clock.refresh_from_db()
        assert clock.due_at == NOW + HOUR
        rebasing.rebase(running=[clock], why="We promised two hours", at=NOW + HOUR / 2, actor=cast.revops)
        clock.refresh_from_db()
        lead.refresh_from_db()
        assert clock.due_at == lead.due_at == NOW + 2 * HOUR
        kept = ClockRebase.objects.get()
        assert (kept.before["due_at"], kept.after["due_at"]) == (
            (NOW + HOUR).isoformat(),
            (NOW + 2 * HOUR).isoformat(),
        )

    def test_a_changed_calendar_moves_no_running_clock_either(self, cast: Cast) -> None:
        only_promise(first_response_minutes=60)
        clock = clock_of(arrive(cast, **A), ClockKind.FIRST_RESPONSE)
        calendar = cast.sdr_team.calendar
        calendar.weekly = {"mon": [["09:00", "10:00"]]}
        calendar.save()
        clocks.pause(clock=clock, reason="They asked to wait", at=NOW + HOUR / 2)
        clock = clocks.resume(clock=clock, at=NOW + HOUR)
        assert clock.due_at == NOW + HOUR + HOUR / 2, "it goes on by the hours it was started by"

    def test_is_refused_for_one_that_ended_and_without_a_reason(self, cast: Cast) -> None:
        only_promise(first_response_minutes=60)
        clock = clock_of(arrive(cast, **A), ClockKind.FIRST_RESPONSE)
        with pytest.raises(InvalidInput):
            rebasing.rebase(running=[clock], why="", at=NOW, actor=cast.revops)
        sweeping.sweep(at=NOW + 9 * HOUR)
        with pytest.raises(rebasing.UnableToRebase):
            rebasing.rebase(running=[clock], why="Late", at=NOW + 9 * HOUR, actor=cast.revops)


class TestReason:
    def test_is_asked_of_a_broken_promise_only(self, cast: Cast) -> None:
        only_promise(first_response_minutes=60)
        clock = clock_of(arrive(cast, **A), ClockKind.FIRST_RESPONSE)
        say: dict[str, Any] = {"at": NOW + 9 * HOUR, "actor": cast.sdr}
        with pytest.raises(verdicts.UnableToExplain):
            verdicts.give_reason(clock=clock, reason=BreachReason.CAPACITY, note="", **say)
        sweeping.sweep(at=NOW + 9 * HOUR)
        with pytest.raises(InvalidInput):
            verdicts.give_reason(clock=clock, reason="laziness", note="", **say)
        with pytest.raises(InvalidInput):
            verdicts.give_reason(clock=clock, reason=BreachReason.OTHER, note=" ", **say)
        clock = verdicts.give_reason(clock=clock, reason=BreachReason.CAPACITY, note="", **say)
        assert (clock.breach_reason, clock.reason_by) == (BreachReason.CAPACITY, cast.sdr)
        assert not Clock.objects.filter(verdicts.without_reason()).exists()
