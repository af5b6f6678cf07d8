"""Give a meeting a new time: one that is booked is moved; one that fell through is booked again.

The old row is closed (moved, or it keeps its outcome) and a new one takes the new half hours in the same transaction.
The AE stays where free at the new time. Else, while the hand-off still waits for its answer, routing names another;
once it was answered the deal is that AE's, and only a time of theirs will do.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import EventKind, HandOff, Lead, Meeting, SlotHold, Source
from apps.leads.selectors.availability import why_not_free
from apps.leads.services import assigning, holds, invitations, meeting_news, meetings, slots
from apps.leads.services.preferences import was_asked_for
from apps.leads.services.record import NewEvent, owned, record_event, sourced
from apps.leads.signals import meeting_moved
from apps.reps.models import Rep

_BOOKED, _MOVED = Meeting.State.BOOKED, Meeting.State.RESCHEDULED


class UnableToReschedule(DomainError):
    """The meeting was held, has another time already, its hand-off was rejected, or nobody is free then."""

    code = "unable_to_reschedule"


def reschedule(
    *,
    meeting: Meeting,
    starts_at: datetime,
    at: datetime,
    minutes: int | None = None,
    reason: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Meeting:
    """The meeting's new time, with the same AE where that can be; ``minutes`` stay as they were when left out.

    Asked again for the time that it was moved to already, it is that meeting: a second click does nothing.
    Raises ``UnableToReschedule``, and ``InvalidInput`` for a time that cannot be.
    """
    starts_at, ends_at = slots.span(starts_at=starts_at, minutes=minutes or meeting.minutes, at=at)
    with transaction.atomic():
        its = meetings.locked(meeting)
        later = Meeting.objects.filter(rescheduled_from=its.meeting).select_related("ae", "lead").first()
        if later is not None and (later.starts_at, later.ends_at) == (starts_at, ends_at):
            return later
        _refuse(its, later, starts_at, ends_at)
        assigned = _assign(its, starts_at, ends_at, at)
        return _move(its, assigned, reason, at, actor, source)


def book_again(
    *,
    hand_off: HandOff,
    starts_at: datetime,
    ends_at: datetime,
    sdr: Rep,
    at: datetime,
    actor: Any,
    source: Source,
) -> HandOff:
    """A new time for a hand-off that waits without a meeting, from the form of its SDR. The lead is locked."""
    assert hand_off.meeting is not None
    its = meetings.locked(hand_off.meeting)
    assert its.hand_off is not None
    _refuse(its, None, starts_at, ends_at)
    held = from_hold(
        lead=its.lead,
        sdr=sdr,
        starts_at=starts_at,
        ends_at=ends_at,
        at=at,
        make=_maker(its, starts_at, ends_at, at),
    )
    assigned = held or _assign(its, starts_at, ends_at, at)
    _move(its, assigned, "", at, actor, source)
    return its.hand_off


def from_hold(
    *, lead: Lead, sdr: Rep, starts_at: datetime, ends_at: datetime, at: datetime, make: assigning.Make
) -> assigning.Assigned | None:
    """Book what ``sdr`` holds for the lead at this time; ``None`` without a hold that still stands.

    It is ``None`` too when its AE cannot come any more, for a reason that the hold did not keep away.
    """
    hold = holds.standing_hold(lead=lead, sdr=sdr, at=at)
    if hold is None or (hold.starts_at, hold.ends_at) != (starts_at, ends_at):
        return None
    # The hold is written before its half hours, as everywhere; if it lapsed this instant it is no longer ours.
    if not holds.use_hold(hold=hold, at=at):
        return None
    asked = assigning.Asked(lead, starts_at, ends_at, at, sdr=sdr, instead_of=(hold,), with_notice=False)
    assigned = assigning.assign_to(asked=asked, ae=hold.ae, make=make, hold=hold)
    slots.give_back(of=hold)
    return assigned


def _refuse(its: meetings.Locked, later: Meeting | None, starts_at: datetime, ends_at: datetime) -> None:
    if later is not None or its.meeting.state == _MOVED:
        raise UnableToReschedule("This meeting has another time already: look at that one.")
    if its.meeting.state == Meeting.State.HELD:
        raise UnableToReschedule("This meeting was held: a next one is agreed with the AE.")
    if its.hand_off is not None and its.hand_off.state == HandOff.State.REJECTED:
        raise UnableToReschedule("The AE rejected this hand-off: qualify the lead again.")
    if its.lead.do_not_contact:
        raise UnableToReschedule("This lead has opted out: nobody may contact them.")
    if its.meeting.state == _BOOKED and (its.meeting.starts_at, its.meeting.ends_at) == (starts_at, ends_at):
        raise UnableToReschedule("That is the time it has: choose another.", field="starts_at")


def _maker(its: meetings.Locked, starts_at: datetime, ends_at: datetime, at: datetime) -> assigning.Make:
    old = its.meeting

    def make(ae: Rep) -> Meeting:
        return Meeting.objects.create(
            lead=its.lead,
            ae=ae,
            for_hand_off=its.hand_off or old.for_hand_off,
            starts_at=starts_at,
            ends_at=ends_at,
            state_changed_at=at,
            rescheduled_from=old,
            was_asked_for=was_asked_for(lead=its.lead, starts_at=starts_at, ends_at=ends_at),
            invite_uid=invitations.uid_of(old),
            invite_sequence=old.invite_sequence + 1,
        )

    return make


def _assign(its: meetings.Locked, starts_at: datetime, ends_at: datetime, at: datetime) -> assigning.Assigned:
    """The same AE where free, else whom routing names; the old meeting's own time is no obstacle."""
    old: tuple[Meeting | SlotHold, ...] = (its.meeting,) if its.meeting.state == _BOOKED else ()
    sdr = its.hand_off.sdr if its.hand_off else None
    asked = assigning.Asked(its.lead, starts_at, ends_at, at, sdr=sdr, cause="rescheduled", instead_of=old)
    make = _maker(its, starts_at, ends_at, at)
    same = assigning.assign_to(asked=asked, ae=its.whose, make=make)
    if same is not None:
        return same
    if not its.is_waiting:
        closed = why_not_free(
            aes=[its.whose], starts_at=starts_at, ends_at=ends_at, at=at, **asked.overlooked
        )
        why = closed[its.whose.pk].words.lower() if closed else "just booked"
        raise UnableToReschedule(
            f"{its.whose.name}, whose deal it is, cannot then ({why}): choose another time.",
            field="starts_at",
        )
    try:
        return assigning.assign(asked=asked, make=make, without={its.meeting.ae_id})
    except assigning.NobodyFree as error:
        raise UnableToReschedule(error.message, field="starts_at") from None


def _move(
    its: meetings.Locked, assigned: assigning.Assigned, reason: str, at: datetime, actor: Any, source: Source
) -> Meeting:
    old, new, hand_off = its.meeting, assigned.taker, its.hand_off
    assert isinstance(new, Meeting)
    outcome = old.state
    if outcome == _BOOKED:
        changed = Meeting.objects.filter(pk=old.pk, state=_BOOKED).update(
            state=_MOVED, state_changed_at=at, reason=reason.strip()[:300]
        )
        if not changed:
            raise UnableToReschedule("Somebody else just changed this meeting: look at it first.")
        slots.give_back(of=old)
    if hand_off is not None:
        _follow(hand_off, its.whose, new, assigned, at, actor)
    if its.is_waiting and its.lead.is_workable:
        meetings.out_of_queue(its.lead)
        its.lead.save()
    _record(its, new, outcome, reason, at, actor, source)
    if old.ae_id != new.ae_id:
        invitations.uninvite(meeting=new, ae=old.ae, at=at, source=source)
    invitations.invite(meeting=new, at=at, source=source)
    meeting_news.tell_of_new_time(
        meeting=new, hand_off=hand_off, before=old, at=at, actor=actor, source=source
    )
    meeting_moved.send(sender=Meeting, meeting=new, before=old, hand_off=hand_off, at=at)
    return new


def _follow(
    hand_off: HandOff, whose: Rep, new: Meeting, assigned: assigning.Assigned, at: datetime, actor: Any
) -> None:
    """The hand-off goes with its meeting, and to its AE where that is another than ``whose`` it was."""
    hand_off.meeting = new
    fields = ["meeting"]
    before, because = whose.pk, "the customer needed another time"
    if before != new.ae_id:
        hand_off.ae = assigned.ae
        hand_off.routing = {
            **assigned.words, "because": because, "before": hand_off.routing, "from_rep": before,
        }  # fmt: skip
        fields += ["ae", "routing"]
    hand_off.save(update_fields=fields)
    if before != new.ae_id:
        assigned.keep(lead=hand_off.lead, at=at, hand_off=hand_off, because=because)
        assigning.move_credit(hand_off=hand_off, reason="Rescheduled with another AE", at=at, actor=actor)


def _record(
    its: meetings.Locked, new: Meeting, outcome: str, reason: str, at: datetime, actor: Any, source: Source
) -> None:
    old, hand_off = its.meeting, its.hand_off
    data = {
        "from": old.starts_at.isoformat(),
        "to": new.starts_at.isoformat(),
        "after": outcome,
        "reason": reason.strip()[:300],
        "from_rep": old.ae_id,
        "to_rep": new.ae_id,
    }
    record_event(
        event=NewEvent(
            kind=EventKind.RESCHEDULED,
            occurred_at=at,
            source=source,
            source_key=f"meeting:{new.pk}:rescheduled",
            lead=its.lead,
            hand_off=hand_off,
            credits=[*sourced(hand_off.sdr if hand_off else None), *owned(new.ae)],
            actor=actor,
            data=data,
        ),
        at=at,
    )
    audit.record(verb="leads.meeting.rescheduled", subject=new, at=at, actor=actor, data=data)
