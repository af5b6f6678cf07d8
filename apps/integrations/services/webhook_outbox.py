"""Write what is to be told into the outbox, in the transaction that writes the fact: both are there, or neither."""

import json
from collections.abc import Sequence
from datetime import datetime

from apps.core.bulk import insert_rows
from apps.integrations.models import WebhookEndpoint, WebhookMessage
from apps.integrations.rules import webhooks as rules
from apps.integrations.services.webhooks import new_message_id
from apps.leads.models import FunnelEvent, Source

_LIVED_HERE = (Source.PAGE, Source.API, Source.SCHEDULE)
"""What an import or the demo company brings happened elsewhere or long ago."""


def write_messages(*, events: Sequence[FunnelEvent], at: datetime) -> int:
    """A message for each fact and each endpoint that is told of its kind; how many.

    Three statements whatever their number; one where nobody listens.
    """
    endpoints = list(WebhookEndpoint.objects.listening().order_by("pk"))
    if not endpoints:
        return 0
    rows = [
        _message(endpoint, event, name, body, at)
        for event in events
        if (name := rules.topic_of(event.kind, _reversed_kind(event)))
        for body in (_body(event, name),)
        for endpoint in endpoints
        if _is_told(endpoint, event)
    ]
    insert_rows(rows)
    return len(rows)


def _reversed_kind(event: FunnelEvent) -> str:
    return event.reverses.kind if event.reverses is not None else ""


def _is_told(endpoint: WebhookEndpoint, event: FunnelEvent) -> bool:
    if event.source not in _LIVED_HERE and not endpoint.with_history:
        return False
    # Whoever was told of a fact is told that it was taken back.
    return rules.BY_KIND[_reversed_kind(event) or event.kind].name in endpoint.kinds


def _message(
    endpoint: WebhookEndpoint, event: FunnelEvent, name: str, body: str, at: datetime
) -> WebhookMessage:
    return WebhookMessage(
        endpoint=endpoint,
        message_id=new_message_id(),
        source_key=f"event:{event.pk}",
        kind=name,
        subject=rules.subject_of(
            lead=event.lead_id, opportunity=event.opportunity_id, account=event.account_id
        ),
        body=body,
        created_at=at,
        due_at=at,
    )


def _body(event: FunnelEvent, name: str) -> str:
    """Numbers, instants, amounts of deals: no name, no address, no text that a person typed, nobody's pay."""
    facts = {
        "event": event.pk,
        "occurred_at": event.occurred_at.isoformat(),
        "recorded_at": event.recorded_at.isoformat(),
        "lead": event.lead_id,
        "hand_off": event.hand_off_id,
        "opportunity": event.opportunity_id,
        "account": event.account_id,
        "amount_minor": event.amount_minor,
        "currency": event.currency or None,
        "reverses": event.reverses_id,
        **rules.tellable(event.data),
    }
    told = {"type": name, "timestamp": event.recorded_at.isoformat(), "data": facts}
    return json.dumps(told, separators=(",", ":"))
