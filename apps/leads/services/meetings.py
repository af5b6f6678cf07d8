"""What becomes of a meeting: held, no-show, cancelled, corrected; its recording and comments.

A new time is ``services.rescheduling``'s. Each verb locks lead, hand-off and meeting in this order, so that of two
people at once one outcome stands and the other is told. While a hand-off waits for its AE's answer and its meeting
falls through, it stays with the AE, whose promise stands still, and the lead comes back to its SDR for a new time; a
hand-off that was answered keeps its answer (docs/booking.md).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import (
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    MeetingComment,
    Source,
)
from apps.leads.services import invitations, meeting_news, queue, slots
from apps.leads.services.record import NewEvent, owned, record_event, reverse_event, sourced
from apps.leads.signals import meeting_closed
from apps.reps.models import Rep

BOOKED, HELD, NO_SHOW, CANCELLED = (
    Meeting.State.BOOKED, Meeting.State.HELD, Meeting.State.NO_SHOW, Meeting.State.CANCELLED,
)  # fmt: skip
_EVENT = {HELD: EventKind.HELD, NO_SHOW: EventKind.NO_SHOW, CANCELLED: EventKind.CANCELLED}
WHO = {"customer": "The customer", "us": "We"}
"""Who called a meeting off."""


class UnableToCloseMeeting(DomainError):
    """The meeting has its outcome already, is still to come, or is not the newest of its hand-off."""

    code = "unable_to_close_meeting"


@dataclass(frozen=True)
class Locked:
    """A meeting with its lead and hand-off, all locked in this transaction."""

    lead: Lead
    hand_off: HandOff | None
    meeting: Meeting

    @property
    def whose(self) -> Rep:
        """The AE whose deal it is: the meeting's, or who continues with it after a contest."""
        if self.hand_off is not None and self.hand_off.successor is not None:
            return self.hand_off.successor
        return self.meeting.ae

    @property
    def is_waiting(self) -> bool:
        """Whether the AE has not answered the hand-off yet."""
        return self.hand_off is not None and self.hand_off.state == HandOff.State.PENDING


def locked(meeting: Meeting) -> Locked:
    """Lock lead, hand-off and meeting, in the order in which everybody locks."""
    lead = Lead.objects.select_for_update(of=("self",)).select_related("team").get(pk=meeting.lead_id)
    hand_off = (
        HandOff.objects.select_for_update(of=("self",))
        .select_related("sdr__user", "ae__user", "lead__team")
        .filter(meeting=meeting.pk)
        .first()
    )
    found = (
        Meeting.objects.select_for_update(of=("self",)).select_related("ae__user", "lead").get(pk=meeting.pk)
    )
    if hand_off is not None:
        # One row in memory for each row of the database, so that no copy is saved over another.
        hand_off.lead = found.lead = lead
    return Locked(lead, hand_off, found)


# --- Outcomes -------------------------------------------------------------------------------------


@transaction.atomic
def close_meeting(
    *, meeting: Meeting, held: bool, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> Meeting:
    """Say whether the customer came. Raises ``UnableToCloseMeeting`` when it is too early or was said."""
    if meeting.starts_at > at:
        raise UnableToCloseMeeting("The meeting is still to come.")
    its = locked(meeting)
    state = HELD if held else NO_SHOW
    _close(its, state, "", at)
    record_event(event=_event(its, _EVENT[state], at, at, actor, source), at=at)
    if state == NO_SHOW:
        _back_to_sdr(its, "No-show: book a new time", at)
        meeting_news.tell_of_no_show(
            meeting=its.meeting, hand_off=its.hand_off, at=at, actor=actor, source=source
        )
    _sent(its, "", at)
    return its.meeting


@transaction.atomic
def cancel_meeting(
    *, meeting: Meeting, who: str, reason: str, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> Meeting:
    """Call a booked meeting off. ``who`` did: one of ``WHO``. The time is free again at once.

    Raises ``InvalidInput`` without a reason, ``UnableToCloseMeeting`` when it has its outcome already.
    """
    if who not in WHO:
        raise InvalidInput("Say who called it off.", field="who")
    reason = reason.strip()
    if not reason:
        raise InvalidInput("Say why, in a few words.", field="reason")
    if len(reason) > 300:
        raise InvalidInput("Keep the reason to 300 characters.", field="reason")
    its = locked(meeting)
    _close(its, CANCELLED, reason, at)
    _clear(its.meeting, at, source)
    data = {"who": who, "reason": reason}
    record_event(event=_event(its, EventKind.CANCELLED, at, at, actor, source, data), at=at)
    audit.record(verb="leads.meeting.cancelled", subject=its.meeting, at=at, actor=actor, data=data)
    _back_to_sdr(its, "Meeting cancelled: book a new time", at)
    meeting_news.tell_of_cancellation(
        meeting=its.meeting, hand_off=its.hand_off, who=WHO[who], at=at, actor=actor, source=source
    )
    _sent(its, "", at)
    return its.meeting


@transaction.atomic
def correct_outcome(
    *, meeting: Meeting, held: bool, reason: str, at: datetime, actor: Any, source: Source = Source.PAGE
) -> Meeting:
    """A held that was a no-show, or the other way round: the event is reversed, what is true is recorded.

    Both count at the instant at which the first was said, so that a figure of that time is right again. Raises
    ``InvalidInput`` without a reason, ``UnableToCloseMeeting`` when there is nothing to correct.
    """
    reason = reason.strip()[:300]
    if not reason:
        raise InvalidInput("Say what was wrong, in a few words.", field="reason")
    its, state = locked(meeting), HELD if held else NO_SHOW
    before = its.meeting.state
    if before not in (HELD, NO_SHOW):
        raise UnableToCloseMeeting("There is no outcome to correct.")
    if before == state:
        raise UnableToCloseMeeting(f"It is noted as {its.meeting.get_state_display().lower()} already.")
    said = _said(its.meeting, _EVENT[Meeting.State(before)])
    occurred_at = said.occurred_at if said else its.meeting.state_changed_at
    if said is not None:
        reverse_event(event=said, reason=reason, at=at, actor=actor, source=source)
    _set(its.meeting, before, state, reason, at)
    event = _event(its, _EVENT[state], occurred_at, at, actor, source, {"reason": reason})
    record_event(event=event, at=at)
    _after_correction(its, state, at)
    audit.record(
        verb="leads.meeting.corrected",
        subject=its.meeting,
        at=at,
        actor=actor,
        data={"before": before, "after": state, "reason": reason},
    )
    meeting_news.tell_of_correction(
        meeting=its.meeting, hand_off=_hand_off_of(its), reason=reason, at=at, actor=actor, source=source
    )
    _sent(its, before, at)
    return its.meeting


def _after_correction(its: Locked, state: str, at: datetime) -> None:
    """Where the customer came after all the lead need not be booked again, and the other way round."""
    if state == NO_SHOW:
        _back_to_sdr(its, "No-show: book a new time", at)
    elif its.is_waiting and its.lead.is_workable:
        out_of_queue(its.lead)
        its.lead.save()


def _said(meeting: Meeting, kind: EventKind) -> FunnelEvent | None:
    """The event in force that says the meeting's outcome."""
    said = FunnelEvent.objects.filter(
        lead=meeting.lead_id, kind=kind, source_key__startswith=f"meeting:{meeting.pk}:"
    )
    return said.effective().order_by("-pk").first()


def _close(its: Locked, state: str, reason: str, at: datetime) -> None:
    if its.meeting.state == BOOKED:
        _set(its.meeting, BOOKED, state, reason, at)
        return
    if its.meeting.state == state == CANCELLED:
        raise UnableToCloseMeeting("This meeting was cancelled already.")
    if its.meeting.state == Meeting.State.RESCHEDULED:
        raise UnableToCloseMeeting("This meeting has another time: look at that one.")
    raise UnableToCloseMeeting("This meeting has its outcome already.")


def _set(meeting: Meeting, before: str, state: str, reason: str, at: datetime) -> None:
    changed = Meeting.objects.filter(pk=meeting.pk, state=before).update(
        state=state, state_changed_at=at, reason=reason
    )
    if not changed:
        raise UnableToCloseMeeting("This meeting has its outcome already.")
    meeting.state, meeting.state_changed_at, meeting.reason = state, at, reason


def _clear(meeting: Meeting, at: datetime, source: Source) -> None:
    """Out of everybody's calendar: the half hours, then the invitations."""
    slots.give_back(of=meeting)
    invitations.cancel(meeting=meeting, at=at, source=source)
    Meeting.objects.filter(pk=meeting.pk).update(invite_sequence=meeting.invite_sequence)


def _hand_off_of(its: Locked) -> HandOff | None:
    """The hand-off, also of a meeting that has a later time."""
    return its.hand_off or its.meeting.for_hand_off


def _event(
    its: Locked,
    kind: EventKind,
    occurred_at: datetime,
    at: datetime,
    actor: Any,
    source: Source,
    data: dict[str, Any] | None = None,
) -> NewEvent:
    hand_off, key = _hand_off_of(its), f"meeting:{its.meeting.pk}:{kind}"
    # Said, taken back and said again: each has a key of its own.
    said = FunnelEvent.objects.filter(lead=its.lead, kind=kind, source_key__startswith=key)
    again = said.count() if data else 0
    return NewEvent(
        kind=kind,
        occurred_at=occurred_at,
        source=source,
        source_key=f"{key}:{again + 1}" if again else key,
        lead=its.lead,
        hand_off=hand_off,
        credits=[*sourced(hand_off.sdr if hand_off else None), *owned(its.meeting.ae)],
        actor=actor,
        data=data or {},
    )


def _sent(its: Locked, before: str, at: datetime) -> None:
    meeting_closed.send(sender=Meeting, meeting=its.meeting, hand_off=_hand_off_of(its), before=before, at=at)


# --- The lead's place -----------------------------------------------------------------------------


def out_of_queue(lead: Lead) -> None:
    """Handed off: nobody is to work it until the meeting. The caller saves."""
    lead.stage = LeadStage.HANDED_OFF
    lead.stage_reason = ""
    lead.callback_at = lead.next_touch_at = lead.reentry_on = lead.due_at = lead.warn_at = None
    lead.claimed_by = lead.claimed_until = None
    queue.settle(lead)


def _back_to_sdr(its: Locked, why: str, at: datetime) -> None:
    """The lead comes back to its SDR for a new time, while the hand-off waits for its answer."""
    lead = its.lead
    if not its.is_waiting or lead.stage != LeadStage.HANDED_OFF:
        return
    lead.stage, lead.stage_reason = LeadStage.WORKING, why
    lead.next_touch_at, lead.next_channel = at, "call"
    queue.settle(lead)
    lead.save()


# --- Recording and comments -----------------------------------------------------------------------


@transaction.atomic
def link_recording(*, meeting: Meeting, url: str, at: datetime, actor: Any) -> Meeting:
    """Keep where the recording is found; "" takes it away. Raises ``InvalidInput`` for what is no https:// address."""
    url = url.strip()
    if url:
        try:
            URLValidator(schemes=["https"])(url)
        except ValidationError:
            raise InvalidInput("Give the whole web address, with https://.", field="recording_url") from None
    if len(url) > 500:
        raise InvalidInput("Keep the address to 500 characters.", field="recording_url")
    if meeting.starts_at > at and url:
        raise InvalidInput("The meeting is still to come.", field="recording_url")
    Meeting.objects.filter(pk=meeting.pk).update(recording_url=url)
    meeting.recording_url = url
    audit.record(
        verb="leads.meeting.recording", subject=meeting, at=at, actor=actor, data={"linked": bool(url)}
    )
    return meeting


@transaction.atomic
def comment(*, meeting: Meeting, words: str, at: datetime, actor: Any) -> MeetingComment:
    """Note something for those who see the meeting. Raises ``InvalidInput`` for nothing, or too much."""
    words = words.strip()
    if not words:
        raise InvalidInput("Write what is to be noted.", field="words")
    if len(words) > 1000:
        raise InvalidInput("Keep the comment to 1,000 characters.", field="words")
    return MeetingComment.objects.create(meeting=meeting, at=at, by=actor, words=words)
