"""Credits by hand as pay reads them: shares that approved splits gave or took, as of an instant.

For a rep, the newest approved split of an event's credit that lists the rep says the share; the record's own credit
counts where none does. Every split lists all who had a share before, so nobody's old share is left standing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.compensation.models import CreditSplit, CreditSplitPart, Verdict
from apps.core.periods import Period
from apps.leads.models import EventCredit, EventKind, FunnelEvent

CreditKey = tuple[int, int, str]
"""Rep, event, capacity."""


def approved_parts(as_of: datetime) -> QuerySet[CreditSplitPart]:
    """Parts of splits that were approved by ``as_of``."""
    return CreditSplitPart.objects.filter(
        split__decision__verdict=Verdict.APPROVED, split__decision__at__lte=as_of
    )


def standing_parts(parts: QuerySet[CreditSplitPart]) -> dict[CreditKey, tuple[int, int]]:
    """Of ``parts``, by rep, event and capacity: the newest part's number and its share. One query."""
    rows = parts.order_by("split__number", "pk").values_list("rep_id", "event_id", "capacity", "pk", "share")
    return {(rep_id, event_id, capacity): (pk, share) for rep_id, event_id, capacity, pk, share in rows}


def occurred_parts(period: Period, as_of: datetime) -> QuerySet[CreditSplitPart]:
    """Approved parts of the period's events."""
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    return approved_parts(as_of).filter(
        event__occurred_at__gte=start, event__occurred_at__lt=end, event__recorded_at__lte=as_of
    )


def reps_split_since(period: Period, since: datetime, as_of: datetime) -> set[int]:
    """Whose share in something of the period, or in the win of a payment of it, was split anew after ``since``."""
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    fresh = approved_parts(as_of).filter(split__decision__at__gt=since)
    within = Q(event__occurred_at__gte=start, event__occurred_at__lt=end)
    paid = Q(
        event__kind=EventKind.WON,
        event__opportunity__payments__paid_at__gte=start,
        event__opportunity__payments__paid_at__lt=end,
    )
    return set(fresh.filter(within | paid).order_by().values_list("rep_id", flat=True).distinct())


@dataclass(frozen=True)
class Held:
    """A rep's share as it stands, in millionths."""

    rep_id: int
    share: int


def shares_of(event: FunnelEvent, capacity: str, as_of: datetime) -> list[Held]:
    """Who has which share in the event's credit: by the newest approved split, else as recorded."""
    newest = (
        CreditSplit.objects.filter(
            event=event,
            capacity=capacity,
            decision__verdict=Verdict.APPROVED,
            decision__at__lte=as_of,
        )
        .order_by("-number")
        .first()
    )
    if newest is not None:
        parts = newest.parts.filter(share__gt=0).order_by("-share", "pk")
        return [Held(rep_id, share) for rep_id, share in parts.values_list("rep_id", "share")]
    recorded = EventCredit.objects.filter(event=event, capacity=capacity).order_by("pk")
    return [Held(rep_id, share) for rep_id, share in recorded.values_list("rep_id", "share")]


@dataclass(frozen=True)
class HandCause:
    """Why a rep's credit is another: by which split, approved when."""

    split: CreditSplit
    at: datetime


def causes_by_hand(
    event_ids: Iterable[int], since: datetime | None, as_of: datetime
) -> dict[tuple[int, int], HandCause]:
    """By rep and event, the newest split that changed the share after ``since``. One query."""
    ids = list(event_ids)
    if not ids:
        return {}
    parts = approved_parts(as_of).filter(event_id__in=ids)
    if since is not None:
        parts = parts.filter(split__decision__at__gt=since)
    found = {}
    for part in parts.select_related("split__decision").order_by("split__number", "pk"):
        if part.share != part.share_before:
            found[part.rep_id, part.event_id] = HandCause(part.split, part.split.decision.at)
    return found
