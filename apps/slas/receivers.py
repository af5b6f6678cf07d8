"""What promises hear of the funnel: one call for each fact."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead
from apps.leads.signals import events_recorded, hand_off_created, leads_arrived, leads_closed, leads_reopened
from apps.slas.models import ClockKind
from apps.slas.services import clocks

_ANSWERS = (EventKind.ACCEPTED, EventKind.REJECTED)


@receiver(leads_arrived, dispatch_uid="slas.leads_arrived")
def on_leads_arrived(*, leads: Iterable[Lead], at: datetime, **_: Any) -> None:
    clocks.start_first_response(leads=leads, at=at)


@receiver(hand_off_created, dispatch_uid="slas.hand_off_created")
def on_hand_off_created(*, hand_off: HandOff, at: datetime, **_: Any) -> None:
    clocks.start_ae_answer(hand_off=hand_off, at=at)


@receiver(leads_closed, dispatch_uid="slas.leads_closed")
def on_leads_closed(*, leads: Iterable[Lead], **_: Any) -> None:
    clocks.cancel_first_response(leads=leads)


@receiver(leads_reopened, dispatch_uid="slas.leads_reopened")
def on_leads_reopened(*, leads: Iterable[Lead], at: datetime, **_: Any) -> None:
    clocks.start_first_response(leads=clocks.without_clock(leads), at=at)


@receiver(events_recorded, dispatch_uid="slas.events_recorded")
def on_events_recorded(*, events: Iterable[FunnelEvent], at: datetime, **_: Any) -> None:
    responses: dict[int, tuple[datetime, int | None]] = {}
    answers: dict[int, tuple[datetime, int | None]] = {}
    taken_back: dict[int, datetime] = {}
    for event in events:
        if event.kind in clocks.RESPONSES and event.lead_id is not None:
            earlier = responses.get(event.lead_id)
            if earlier is None or event.occurred_at < earlier[0]:
                responses[event.lead_id] = (event.occurred_at, _owner_of(event))
        elif event.kind in _ANSWERS and event.hand_off_id is not None:
            answers[event.hand_off_id] = (event.occurred_at, None)
        elif (
            event.reverses is not None
            and event.reverses.kind in clocks.RESPONSES
            and event.lead_id is not None
        ):
            taken_back[event.lead_id] = event.reverses.occurred_at
    clocks.take_back(answered=taken_back)
    clocks.stop(kind=ClockKind.FIRST_RESPONSE, answered=responses)
    clocks.stop(kind=ClockKind.AE_ANSWER, answered=answers)


def _owner_of(event: FunnelEvent) -> int | None:
    """Who answered: the lead went to whoever touched it first (no query where the event holds its lead)."""
    return event.lead.owner_id if FunnelEvent.lead.is_cached(event) and event.lead else None
