"""How the company books: the usual length of a meeting, and how long a time is held for an SDR."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import InvalidInput
from apps.leads.models import BookingRules
from apps.leads.services.slots import LENGTHS


def booking_rules() -> BookingRules:
    """The rules in force; the defaults until somebody changed them. One statement."""
    return BookingRules.objects.filter(pk=1).first() or BookingRules(pk=1)


@transaction.atomic
def set_booking_rules(
    *, meeting_minutes: int, hold_minutes: int, longest_hold_minutes: int, at: datetime, actor: Any
) -> BookingRules:
    """Change the rules for what is booked and held from now on. Raises ``InvalidInput``."""
    if meeting_minutes not in LENGTHS:
        raise InvalidInput("A meeting takes 30, 60 or 90 minutes.", field="meeting_minutes")
    if not 1 <= hold_minutes <= 30:
        raise InvalidInput("A time is held for 1 to 30 minutes.", field="hold_minutes")
    if not hold_minutes <= longest_hold_minutes <= 120:
        raise InvalidInput(
            "The longest hold is at least as long as the first, and at most 120 minutes.",
            field="longest_hold_minutes",
        )
    before = booking_rules()
    kept, _ = BookingRules.objects.update_or_create(
        pk=1,
        defaults={
            "meeting_minutes": meeting_minutes,
            "hold_minutes": hold_minutes,
            "longest_hold_minutes": longest_hold_minutes,
            "changed_at": at,
        },
    )
    names = ("meeting_minutes", "hold_minutes", "longest_hold_minutes")
    audit.record(
        verb="leads.booking_rules.set",
        subject=kept,
        at=at,
        actor=actor,
        data={name: [getattr(before, name), getattr(kept, name)] for name in names},
    )
    return kept
