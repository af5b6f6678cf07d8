"""What customers hear of the record: a win begins a pass-on or a contract, a win taken back undoes both."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.dispatch import receiver

from apps.core.periods import day_of
from apps.customers.services import contracts, pass_ons
from apps.leads.models import EventKind, FunnelEvent, OpportunityKind, Source
from apps.leads.signals import events_recorded

_LIVED_HERE = (Source.PAGE, Source.API, Source.SCHEDULE)
"""What an import or the demo company tells happened elsewhere or long ago: nobody is to write about it now."""


@receiver(events_recorded, dispatch_uid="customers.events_recorded")
def on_events_recorded(*, events: Iterable[FunnelEvent], at: datetime, **_: Any) -> None:
    for event in events:
        if event.kind == EventKind.WON and event.source in _LIVED_HERE and event.opportunity is not None:
            _won(event, at)
        elif event.kind == EventKind.REVERSED and event.opportunity is not None:
            reversed_event = event.reverses
            if reversed_event is not None and reversed_event.kind == EventKind.WON:
                pass_ons.void_pass_on(opportunity=event.opportunity, at=at, actor=event.actor)


def _won(event: FunnelEvent, at: datetime) -> None:
    won = event.opportunity
    assert won is not None
    if won.kind == OpportunityKind.NEW:
        pass_ons.begin_pass_on(opportunity=won, at=at, actor=event.actor)
    elif won.account_id is not None:
        # Whoever won it looks after the account already: there is nobody to pass it on to.
        today = day_of(event.occurred_at, settings.COMPANY_TIME_ZONE)
        terms = contracts.usual_terms(opportunity=won, on=today)
        contracts.make_contract(opportunity=won, terms=terms, at=at, actor=event.actor)
