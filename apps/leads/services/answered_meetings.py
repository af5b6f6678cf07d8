"""The meeting of an answered hand-off: a rejection cancels it, taking that back books it again if still free."""

from datetime import datetime

from apps.leads.models import HandOff, Meeting, Source
from apps.leads.services import invitations, routing, slots


def cancel_for_rejection(*, hand_off: HandOff, at: datetime, source: Source = Source.PAGE) -> int | None:
    """Cancel the hand-off's meeting if it is still to come, and give its time back; which (id), or ``None``."""
    meeting = hand_off.meeting
    if meeting is None:
        return None
    changed = Meeting.objects.filter(pk=meeting.pk, state=Meeting.State.BOOKED, starts_at__gt=at).update(
        state=Meeting.State.CANCELLED, state_changed_at=at
    )
    if not changed:
        return None
    slots.give_back(of=meeting)
    invitations.cancel(meeting=meeting, at=at, source=source)
    Meeting.objects.filter(pk=meeting.pk).update(invite_sequence=meeting.invite_sequence)
    return meeting.pk


def book_again(*, hand_off: HandOff, meeting_id: int, at: datetime) -> bool:
    """Put a meeting back that a rejection cancelled, unless its time is past or taken; whether it stands again.

    Two meetings that would come back to one time meet the constraint on ``TakenSlot``: one of them does.
    """
    meeting = Meeting.objects.select_for_update(of=("self",)).get(pk=meeting_id)
    if (
        meeting.state != Meeting.State.CANCELLED
        or meeting.pk != hand_off.meeting_id
        or meeting.starts_at <= at
    ):
        return False
    routing.hold_turns(lead=hand_off.lead, at=at)
    try:
        slots.take(taker=meeting, at=at)
    except slots.SlotTaken:
        return False
    meeting.invite_sequence += 1
    Meeting.objects.filter(pk=meeting.pk).update(
        state=Meeting.State.BOOKED, state_changed_at=at, invite_sequence=meeting.invite_sequence
    )
    invitations.invite(meeting=meeting, at=at)
    return True
