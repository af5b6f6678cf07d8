"""How customers are handled: read, and set by RevOps."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import InvalidInput
from apps.customers.models import Handling


def handling() -> Handling:
    """What holds now; the defaults until somebody sets something. One statement."""
    return Handling.objects.filter(pk=1).first() or Handling(pk=1)


@transaction.atomic
def set_handling(
    *,
    receiver_rule: Handling.Rule,
    renewal_days: int,
    margin_percent: int,
    at: datetime,
    actor: Any = None,
) -> Handling:
    """Set who takes a customer over, when renewals open, and the margin. The same again changes nothing.

    Raises ``InvalidInput`` naming the field.
    """
    if receiver_rule not in Handling.Rule.values:
        raise InvalidInput("Choose a rule.", field="receiver_rule")
    if not 1 <= renewal_days <= 365:
        raise InvalidInput("Give a number of days from 1 to 365.", field="renewal_days")
    if not 1 <= margin_percent <= 100:
        raise InvalidInput("Give a per cent from 1 to 100.", field="margin_percent")
    found = Handling.objects.select_for_update().filter(pk=1).first() or Handling(pk=1)
    before = (found.receiver_rule, found.renewal_days, found.margin_percent)
    now = (str(receiver_rule), renewal_days, margin_percent)
    if found.changed_at is not None and before == now:
        return found
    kept, _ = Handling.objects.update_or_create(
        pk=1,
        defaults={
            "receiver_rule": receiver_rule,
            "renewal_days": renewal_days,
            "margin_percent": margin_percent,
            "changed_at": at,
            "changed_by": actor if getattr(actor, "pk", None) else None,
        },
    )
    names = ("receiver_rule", "renewal_days", "margin_percent")
    changed = {name: [a, b] for name, a, b in zip(names, before, now, strict=True) if a != b}
    audit.record(verb="customers.handling.set", subject=kept, at=at, actor=actor, data={"changed": changed})
    return kept
