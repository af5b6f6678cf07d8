"""Route a hand-off again, because its AE did not answer: the same time, the next best who is free then."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import HandOff, Meeting, TakenSlot
from apps.leads.services import assigning, invitations, meetings
from apps.leads.services.hand_offs import UnableToDecide
from apps.reps.models import Rep


class UnableToReroute(DomainError):
    """No other AE is free at the time that the customer chose, or the meeting is over."""

    code = "unable_to_reroute"


@transaction.atomic
def reroute(*, hand_off: HandOff, because: str, at: datetime, actor: Any = None) -> Rep:
    """Give a pending hand-off to the best other AE who is free at the meeting's time; returns that AE.

    The customer keeps the time. The events of booking and handing off are reversed and written again with the new
    owner's credit, at the instant at which they happened: the SDR's credit does not move. Raises
    ``UnableToReroute``, and ``UnableToDecide`` when it was answered meanwhile.
    """
    if hand_off.meeting is None:
        raise UnableToReroute("There is no meeting that somebody else could take.")
    its = meetings.locked(hand_off.meeting)
    meeting = its.meeting
    if its.hand_off is None:
        raise UnableToReroute("The meeting has another time already: look at that one.")
    found, before = its.hand_off, its.hand_off.ae
    if found.state != HandOff.State.PENDING:
        raise UnableToDecide(f"This hand-off was {found.get_state_display().lower()} already.")
    if meeting.starts_at <= at or meeting.state != Meeting.State.BOOKED:
        raise UnableToReroute("The time of the meeting has come: nobody else can take it any more.")
    assigned = _take_over(its, at)
    found.ae = assigned.ae
    found.routing = {
        **assigned.words, "because": because, "before": found.routing, "from_rep": before.pk,
    }  # fmt: skip
    found.save(update_fields=["ae", "routing"])
    assigned.keep(lead=its.lead, at=at, hand_off=found, because=because)
    assigning.move_credit(hand_off=found, reason="Routed again", at=at, actor=actor)
    _tell_calendars(meeting, before, at)
    audit.record(
        verb="leads.hand_off.rerouted",
        subject=found,
        at=at,
        actor=actor,
        data={"from_rep": before.pk, "to_rep": found.ae_id, "because": because},
    )
    return found.ae


def _take_over(its: meetings.Locked, at: datetime) -> assigning.Assigned:
    """Let routing choose among the others; the one before has the time free again."""
    meeting, before = its.meeting, its.meeting.ae_id

    def make(ae: Rep) -> Meeting:
        meeting.ae = ae
        meeting.invite_sequence += 1
        meeting.save(update_fields=["ae", "invite_sequence"])
        return meeting

    # A meeting that stands is passed on, however soon it is.
    asked = assigning.Asked(
        its.lead,
        meeting.starts_at,
        meeting.ends_at,
        at,
        sdr=its.hand_off.sdr if its.hand_off else None,
        cause="rerouted",
        with_notice=False,
    )
    try:
        assigned = assigning.assign(asked=asked, make=make, without={before})
    except assigning.NobodyFree:
        raise UnableToReroute("No other AE is free at the time that the customer chose.") from None
    TakenSlot.objects.filter(meeting=meeting, ae=before).delete()
    return assigned


def _tell_calendars(meeting: Meeting, before: Rep, at: datetime) -> None:
    invitations.uninvite(meeting=meeting, ae=before, at=at)
    invitations.invite(meeting=meeting, at=at)
