"""For whom a closed period may release held pay by now: something happened to the deal, or its customer paid."""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from apps.compensation.models import CustomerPayment, EntryKind, LedgerEntry
from apps.compensation.selectors.credits import COMMIT_MARGIN
from apps.core.periods import Period
from apps.leads.models import FunnelEvent

_HELD = "holdback:"


def reps_released_since(*, period: Period, since: datetime, as_of: datetime) -> set[int]:
    """Reps with held pay whose deal got, or lost, a fact or payment of ``period`` after ``since``.

    They need not be credited with that fact themselves, nor be on a plan in the period. Few queries.
    """
    # What was held back after its period was closed stands in an adjustment.
    kinds = Q(kind=EntryKind.HOLDBACK) | Q(kind__in=(EntryKind.ADJUSTMENT, EntryKind.CLAWBACK))
    held = LedgerEntry.objects.filter(kinds, source_key__startswith=_HELD)
    if not held.exists():
        return set()
    after = since - COMMIT_MARGIN
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    recorded = Q(recorded_at__gt=after, recorded_at__lte=as_of)
    reversals = FunnelEvent.objects.filter(recorded, reverses=OuterRef("pk"))
    facts = FunnelEvent.objects.filter(
        recorded | Exists(reversals), occurred_at__gte=start, occurred_at__lt=end
    )
    payments = CustomerPayment.objects.filter(recorded).filter(
        Q(paid_at__gte=start, paid_at__lt=end) | Q(reverses__paid_at__gte=start, reverses__paid_at__lt=end)
    )
    found: set[int] = set()
    for rows in (facts, payments):
        of_deals = rows.filter(opportunity__isnull=False)
        asked = [
            Q(event__opportunity__in=of_deals.values("opportunity")),
            Q(
                event__hand_off__in=of_deals.filter(opportunity__hand_off__isnull=False).values(
                    "opportunity__hand_off"
                )
            ),
        ]
        if rows is facts:
            asked.append(Q(event__hand_off__in=facts.filter(hand_off__isnull=False).values("hand_off")))
        for deal in asked:
            found |= set(held.filter(deal).order_by().values_list("rep_id", flat=True).distinct())
    return found
