"""What webhooks hear of the funnel: each fact as it is recorded, within its transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from apps.integrations.services import webhook_outbox
from apps.leads.models import FunnelEvent
from apps.leads.signals import events_recorded


@receiver(events_recorded, dispatch_uid="integrations.webhooks")
def on_events_recorded(*, events: Sequence[FunnelEvent], at: datetime, **_: Any) -> None:
    webhook_outbox.write_messages(events=events, at=at)
