"""What the ranking keeps up with as the funnel record grows, inside the transaction that writes it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from apps.leads.models import FunnelEvent
from apps.leads.signals import events_recorded
from apps.scorecards.services import ranking_totals


@receiver(events_recorded, dispatch_uid="scorecards.totals")
def keep_up(events: Sequence[FunnelEvent], at: datetime, **_: Any) -> None:
    """Note what the totals do not hold yet, and what kind of lead each hand-off passed on."""
    ranking_totals.mark(events)
    ranking_totals.keep_received(events)
