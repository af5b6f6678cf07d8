"""A meeting's life: moved, called off, missed, corrected; and what becomes of lead, hand-off, promise, events."""

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Notification
from apps.core.errors import InvalidInput
from apps.leads.models import (
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    RejectionReason,
    RoutingDecision,
    TakenSlot,
)
from apps.leads.services import booking, hand_offs, meetings, rerouting, rescheduling, slots
from apps.reps.models import BusyTime, Rep
from apps.slas.models import Clock, Policy
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.stage import staged

HOUR = timedelta(hours=1)


def effective(kind: EventKind) -> int:
    return FunnelEvent.objects.filter(kind=kind).effective().count()


def later_time(meeting: Meeting, slot: int = 10) -> Any:
    return booking.offered_slots(lead=meeting.lead, at=NOW)[slot].starts_at


def move(meeting: Meeting, starts_at: Any, **options: Any) -> Meeting:
    return rescheduling.reschedule(meeting=meeting, starts_at=starts_at, at=NOW, **options)


def cancel(meeting: Meeting, **options: Any) -> Meeting:
    given = {"who": "customer", "reason": "Ill", "at": NOW} | options
    return meetings.cancel_meeting(meeting=meeting, **given)


def missed(meeting: Meeting) -> Meeting:
    return meetings.close_meeting(meeting=meeting, held=False, at=meeting.ends_at)


@pytest.fixture
@staged
def meeting(cast: Cast) -> Meeting:
    found = handed_off(cast).meeting
    assert found is not None
    return found


class TestReschedule:
    def test_makes_a_new_time_with_the_same_ae_and_frees_the_old_one(
        self, cast: Cast, meeting: Meeting
    ) -> None:
        to = later_time(meeting)
        new = move(meeting, to, reason="A visit came in between", actor=cast.sdr)
        meeting.refresh_from_db()
        assert (meeting.state, meeting.reason) == ("rescheduled", "A visit came in between")
        assert (new.state, new.starts_at, new.ae_id) == ("booked", to, meeting.ae_id)
        assert new.rescheduled_from_id == meeting.pk
        assert HandOff.objects.get().meeting_id == new.pk
        assert set(TakenSlot.objects.values_list("meeting_id", "starts_at")) == {(new.pk, to)}
        event = FunnelEvent.objects.get(kind=EventKind.RESCHEDULED)
        assert event.data["from"] == meeting.starts_at.isoformat()
        assert effective(EventKind.BOOKED) == 1

    def test_a_second_click_is_the_same_meeting(self, meeting: Meeting) -> None:
        to = later_time(meeting)
        assert move(meeting, to).pk == move(meeting, to).pk
        assert FunnelEvent.objects.filter(kind=EventKind.RESCHEDULED).count() == 1
        with pytest.raises(rescheduling.UnableToReschedule, match="another time already"):
            move(meeting, later_time(meeting, 12))

    def test_may_overlap_its_own_old_time_and_become_longer(self, meeting: Meeting) -> None:
        new = move(meeting, meeting.starts_at, minutes=60)
        assert new.minutes == 60
        assert TakenSlot.objects.filter(meeting=new).count() == 2 == TakenSlot.objects.count()
        with pytest.raises(rescheduling.UnableToReschedule, match="the time it has"):
            move(new, new.starts_at)

    def test_another_ae_takes_it_where_the_own_cannot(self, cast: Cast, meeting: Meeting) -> None:
        to = later_time(meeting)
        BusyTime.objects.create(rep=meeting.ae, starts_at=to, ends_at=to + HOUR)
        new = move(meeting, to)
        hand_off = HandOff.objects.get()
        assert new.ae == hand_off.ae == cast.rep(cast.second_ae)
        assert hand_off.routing["from_rep"] == meeting.ae_id
        assert RoutingDecision.objects.filter(cause="rescheduled", hand_off=hand_off).count() == 1
        owners = FunnelEvent.objects.filter(kind=EventKind.HANDED_OFF).effective().get().credits
        assert owners.get(capacity="owned").rep == new.ae

    def test_whose_deal_it_is_keeps_it_and_is_named(self, cast: Cast, meeting: Meeting) -> None:
        hand_offs.accept_hand_off(hand_off=HandOff.objects.get(), at=NOW, actor=cast.ae)
        to = later_time(meeting)
        BusyTime.objects.create(rep=meeting.ae, starts_at=to, ends_at=to + HOUR)
        with pytest.raises(rescheduling.UnableToReschedule, match="whose deal it is"):
            move(meeting, to)
        assert Meeting.objects.get().state == "booked"

    def test_tells_the_other_side_once(self, cast: Cast, meeting: Meeting) -> None:
        move(meeting, later_time(meeting), actor=cast.sdr)
        assert list(Notification.objects.values_list("user", "kind")) == [(cast.ae.pk, "meeting_changed")]

    def test_of_a_rejected_hand_off_is_refused(self, cast: Cast, meeting: Meeting) -> None:
        hand_offs.reject_hand_off(
            hand_off=HandOff.objects.get(), criterion="budget", reason=RejectionReason.UNSUPPORTED,
            comment="", at=NOW, actor=cast.ae,
        )  # fmt: skip
        assert not TakenSlot.objects.exists(), "a rejection frees the time"
        with pytest.raises(rescheduling.UnableToReschedule, match="rejected"):
            move(meeting, later_time(meeting))

    @pytest.mark.parametrize("minutes", [20, 45, 120])
    def test_refuses_an_odd_length(self, meeting: Meeting, minutes: int) -> None:
        with pytest.raises(InvalidInput, match="30, 60 or 90"):
            move(meeting, later_time(meeting), minutes=minutes)


class TestCancel:
    def test_frees_the_time_and_brings_the_lead_back(self, cast: Cast, meeting: Meeting) -> None:
        cancel(meeting, actor=cast.ae)
        meeting.refresh_from_db()
        assert (meeting.state, meeting.reason) == ("cancelled", "Ill")
        assert not TakenSlot.objects.exists()
        lead, hand_off = Lead.objects.get(), HandOff.objects.get()
        assert (lead.stage, lead.next_channel, hand_off.state) == (LeadStage.WORKING, "call", "pending")
        assert lead.queue_bucket is not None
        assert FunnelEvent.objects.get(kind=EventKind.CANCELLED).data == {"who": "customer", "reason": "Ill"}
        assert [one.user for one in Notification.objects.all()] == [cast.sdr]

    def test_leaves_an_answered_hand_off_and_its_lead_alone(self, cast: Cast, meeting: Meeting) -> None:
        hand_offs.accept_hand_off(hand_off=HandOff.objects.get(), at=NOW, actor=cast.ae)
        cancel(meeting)
        assert (Lead.objects.get().stage, HandOff.objects.get().state) == (LeadStage.SAL, "accepted")

    def test_is_said_once(self, meeting: Meeting) -> None:
        cancel(meeting)
        with pytest.raises(meetings.UnableToCloseMeeting, match="cancelled already"):
            cancel(meeting)
        assert FunnelEvent.objects.filter(kind=EventKind.CANCELLED).count() == 1

    @pytest.mark.parametrize(("wrong", "field"), [({"who": "them"}, "who"), ({"reason": " "}, "reason")])
    def test_wants_who_and_why(self, meeting: Meeting, wrong: dict[str, str], field: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            cancel(meeting, **wrong)
        assert refused.value.field == field


class TestNoShow:
    def test_is_booked_again_under_the_same_hand_off(self, cast: Cast, meeting: Meeting) -> None:
        missed(meeting)
        lead = Lead.objects.get()
        assert lead.stage == LeadStage.WORKING
        at = meeting.ends_at + HOUR
        start = booking.offered_slots(lead=lead, at=at)[4].starts_at
        hand_off = booking.book_meeting(
            lead=lead, sdr=cast.rep(cast.sdr), starts_at=start, at=at, actor=cast.sdr
        )
        assert HandOff.objects.get() == hand_off
        assert (hand_off.meeting.starts_at, hand_off.meeting.rescheduled_from_id) == (start, meeting.pk)
        meeting.refresh_from_db()
        assert meeting.state == "no_show", "it stays what it was"
        assert (effective(EventKind.BOOKED), effective(EventKind.NO_SHOW)) == (1, 1)
        lead.refresh_from_db()
        assert (lead.stage, lead.queue_bucket) == (LeadStage.HANDED_OFF, None)

    def test_the_promise_stands_still_until_the_new_time(self, cast: Cast, meeting: Meeting) -> None:
        hand_off = HandOff.objects.get()
        assert hand_off.due_at is not None
        cancel(meeting)
        clock, hand_off = Clock.objects.get(hand_off=hand_off), HandOff.objects.get()
        assert (clock.paused_at, hand_off.due_at) == (NOW, None)
        at = NOW + HOUR
        rescheduling.reschedule(
            meeting=meeting, starts_at=booking.offered_slots(lead=meeting.lead, at=at)[5].starts_at, at=at
        )
        before, clock, hand_off = clock.due_at, Clock.objects.get(hand_off=hand_off), HandOff.objects.get()
        assert clock.paused_at is None
        assert clock.due_at == hand_off.due_at == before + HOUR

    def test_an_answer_meanwhile_takes_the_lead_out_of_the_queue(self, cast: Cast, meeting: Meeting) -> None:
        missed(meeting)
        hand_offs.accept_hand_off(hand_off=HandOff.objects.get(), at=meeting.ends_at, actor=cast.ae)
        lead = Lead.objects.get()
        assert (lead.stage, lead.queue_bucket) == (LeadStage.SAL, None)


class TestCorrectOutcome:
    def test_reverses_and_says_what_is_true(self, cast: Cast, meeting: Meeting) -> None:
        missed(meeting)
        at = meeting.ends_at + timedelta(days=3)
        for held, number in ((True, 1), (False, 2), (True, 3)):
            meetings.correct_outcome(
                meeting=meeting, held=held, reason="Wrong row", at=at + timedelta(hours=number), actor=cast.ae
            )
        meeting.refresh_from_db()
        assert meeting.state == "held"
        assert (effective(EventKind.HELD), effective(EventKind.NO_SHOW)) == (1, 0)
        said = FunnelEvent.objects.filter(kind=EventKind.HELD).effective().get()
        assert said.occurred_at == meeting.ends_at, "it counts when it took place"
        assert Lead.objects.get().stage == LeadStage.HANDED_OFF

    def test_wants_a_reason_and_something_to_correct(self, cast: Cast, meeting: Meeting) -> None:
        with pytest.raises(InvalidInput):
            meetings.correct_outcome(meeting=meeting, held=True, reason="", at=NOW, actor=cast.ae)
        with pytest.raises(meetings.UnableToCloseMeeting, match="no outcome"):
            meetings.correct_outcome(meeting=meeting, held=True, reason="x", at=NOW, actor=cast.ae)


class TestRerouting:
    def test_takes_the_half_hours_along(self, cast: Cast, meeting: Meeting) -> None:
        taker = rerouting.reroute(hand_off=HandOff.objects.get(), because="no answer in time", at=NOW)
        assert taker == cast.rep(cast.second_ae)
        assert list(TakenSlot.objects.values_list("ae_id", "starts_at")) == [(taker.pk, meeting.starts_at)]
        assert RoutingDecision.objects.filter(cause="rerouted", chosen=taker).count() == 1


class TestMeetingsThatStandAlready:
    def test_many_take_their_half_hours_and_never_block(self, cast: Cast, meeting: Meeting) -> None:
        ae = cast.rep(cast.ae)
        rows = [
            Meeting(
                lead=meeting.lead,
                ae=ae,
                starts_at=start,
                ends_at=start + HOUR,
                state=state,
                state_changed_at=NOW,
            )
            for start, state in (
                (meeting.starts_at, "booked"),
                (meeting.starts_at + 4 * HOUR, "booked"),
                (NOW - timedelta(days=30), "held"),
                (NOW - timedelta(days=30), "held"),
                (meeting.starts_at + 6 * HOUR, "cancelled"),
            )
        ]
        slots.record_meetings(meetings=rows)
        # What the booked one had stays its own; then its neighbour's second half, the next hour, and of the past
        # one hour from 9:42, which touches three half hours.
        assert TakenSlot.objects.filter(meeting=meeting).count() == 1
        assert TakenSlot.objects.count() == 1 + 1 + 2 + 3


def test_policies_promise_an_answer_by_default(cast: Cast) -> None:
    """So that the test of the promise above does not skip for ever."""
    assert Policy.objects.filter(ae_answer_minutes__isnull=False).exists()
    assert Rep.objects.aes().exists()
