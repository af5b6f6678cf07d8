"""What pay hears of the funnel: an answer that is about to be taken back, when it has paid somebody for good."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from apps.compensation.models import LedgerEntry, RunState
from apps.leads.models import FunnelEvent
from apps.leads.services.hand_offs import UnableToDecide
from apps.leads.signals import answer_undoing


@receiver(answer_undoing, dispatch_uid="compensation.answer_undoing")
def on_answer_undoing(*, events: Sequence[FunnelEvent], at: datetime, **_: Any) -> None:
    paid = LedgerEntry.objects.filter(
        event__in=[event.pk for event in events], run__state__in=(RunState.LOCKED, RunState.PAID)
    )
    if paid.exists():
        raise UnableToDecide("It is paid in a run that is locked: the answer stays.")
