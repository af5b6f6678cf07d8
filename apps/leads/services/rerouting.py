"""Route a hand-off again, because its AE did not answer: the same time, the next best who is free then."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import EventKind, FunnelEvent, HandOff, Meeting, Source
from apps.leads.rules import routing
from apps.leads.rules.scoring import tier_of_score
from apps.leads.services import booking
from apps.leads.services.hand_offs import UnableToDecide
from apps.leads.services.record import NewEvent, owned, record_events, reverse_event, sourced
from apps.reps.models import Rep

_MOVED = (EventKind.BOOKED, EventKind.HANDED_OFF)


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
    hand_off = (
        HandOff.objects.select_for_update(of=("self",))
        .select_related("lead__team", "meeting", "sdr", "ae")
        .get(pk=hand_off.pk)
    )
    if hand_off.state != HandOff.State.PENDING:
        raise UnableToDecide(f"This hand-off was {hand_off.get_state_display().lower()} already.")
    meeting = hand_off.meeting
    if meeting is None or meeting.starts_at <= at or meeting.state != Meeting.State.BOOKED:
        raise UnableToReroute("The time of the meeting has come: nobody else can take it any more.")
    before = hand_off.ae
    decision = _take_over(hand_off, meeting)
    hand_off.ae = meeting.ae
    kept = booking.kept_decision(decision=decision, lead=hand_off.lead)
    hand_off.routing = {**kept, "because": because, "before": hand_off.routing, "from_rep": before.pk}
    hand_off.save(update_fields=["ae", "routing"])
    _move_credit(hand_off, at, actor)
    audit.record(
        verb="leads.hand_off.rerouted",
        subject=hand_off,
        at=at,
        actor=actor,
        data={"from_rep": before.pk, "to_rep": hand_off.ae_id, "because": because},
    )
    return hand_off.ae


def _take_over(hand_off: HandOff, meeting: Meeting) -> routing.Decision:
    """Let routing choose among the others until the database grants the slot."""
    candidates = [
        one
        for one in booking.candidates_at(lead=hand_off.lead, starts_at=meeting.starts_at)
        if one.rep_id != hand_off.ae_id
    ]
    while True:
        decision = routing.choose(tier_of_score(hand_off.lead.score), candidates)
        if decision.chosen is None:
            raise UnableToReroute("No other AE is free at the time that the customer chose.")
        taken = decision.chosen.rep_id
        try:
            with transaction.atomic():
                Meeting.objects.filter(pk=meeting.pk).update(ae_id=taken)
            meeting.refresh_from_db()
            return decision
        except IntegrityError:
            candidates = [one for one in candidates if one.rep_id != taken]


def _move_credit(hand_off: HandOff, at: datetime, actor: Any) -> None:
    events = list(FunnelEvent.objects.filter(hand_off=hand_off, kind__in=_MOVED).effective().order_by("pk"))
    for event in events:
        reverse_event(event=event, reason="Routed again", at=at, actor=actor)
    record_events(
        events=[
            NewEvent(
                kind=EventKind(event.kind),
                occurred_at=event.occurred_at,
                source=Source(event.source),
                source_key=f"hand_off:{hand_off.pk}:{event.kind}:after:{event.pk}",
                lead=hand_off.lead,
                hand_off=hand_off,
                credits=[*sourced(hand_off.sdr), *owned(hand_off.ae)],
                actor=actor,
                data=event.data,
            )
            for event in events
        ],
        at=at,
    )
