"""A customer's preferred times, as their SDR notes them: replaced as a whole, the best liked first."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import InvalidInput
from apps.leads.models import Lead, PartOfDay, PreferredTime
from apps.leads.rules import calling
from apps.leads.rules.preferences import Wish, fits, occasions

MOST = 5
LONGEST = timedelta(days=14)


@transaction.atomic
def prefer(*, lead: Lead, wishes: Sequence[Wish], at: datetime, actor: Any = None) -> list[PreferredTime]:
    """Note these wishes instead of those noted before; none forgets them.

    Raises ``InvalidInput`` (``field`` is ``wish-<number>``) for one that cannot be.
    """
    if len(wishes) > MOST:
        raise InvalidInput(f"Note up to {MOST} preferred times.", field=f"wish-{MOST}")
    for number, wish in enumerate(wishes):
        _check(wish, number, at)
    Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
    PreferredTime.objects.filter(lead=lead).delete()
    rows = PreferredTime.objects.bulk_create(
        [
            PreferredTime(
                lead=lead,
                position=number,
                starts_at=wish.starts_at,
                ends_at=wish.ends_at,
                weekday=wish.weekday,
                part=wish.part,
                noted_at=at,
            )
            for number, wish in enumerate(wishes, 1)
        ]
    )
    words = [wish.in_words(zone_of_customer(lead)) for wish in wishes]
    audit.record(verb="leads.lead.preferred_times", subject=lead, at=at, actor=actor, data={"times": words})
    return rows


def _check(wish: Wish, number: int, at: datetime) -> None:
    field = f"wish-{number}"
    if wish.starts_at is None or wish.ends_at is None:
        if wish.part not in PartOfDay.values:
            raise InvalidInput("Choose a part of the day, or a day and hours.", field=field)
        if wish.weekday is not None and not 0 <= wish.weekday <= 6:
            raise InvalidInput("Choose a weekday.", field=field)
        return
    if wish.ends_at <= wish.starts_at:
        raise InvalidInput("It must end after it begins.", field=field)
    if wish.ends_at - wish.starts_at > LONGEST:
        raise InvalidInput("A window is two weeks long at most.", field=field)
    if wish.ends_at <= at:
        raise InvalidInput("This window is past.", field=field)


def wish_of(row: PreferredTime) -> Wish:
    """The row as the plain value that ``rules.preferences`` knows."""
    return Wish(row.starts_at, row.ends_at, row.weekday, row.part)


def wishes_of(lead: Lead) -> list[Wish]:
    """The lead's wishes in their order. One statement."""
    return [wish_of(row) for row in lead.preferred_times.order_by("position")]


def zone_of_customer(lead: Lead) -> ZoneInfo:
    """The customer's zone; the company's where it is not known."""
    return calling.zone_named(lead.time_zone) or ZoneInfo(settings.COMPANY_TIME_ZONE)


def was_asked_for(*, lead: Lead, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether a meeting at this time is one that the customer asked for. One statement."""
    wishes = wishes_of(lead)
    if not wishes:
        return False
    found = occasions(wishes, zone=zone_of_customer(lead), first=starts_at, last=ends_at)
    return any(fits(starts_at, ends_at - starts_at, one) for one in found)
