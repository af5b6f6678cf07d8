"""Credited events from the funnel record, for many reps at once, in the order that decides their band.

The order is that of the record: when it occurred, then the event's number. Nothing is computed here.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from apps.compensation.rules.earn import CreditedEvent
from apps.core.periods import Period
from apps.leads.models import EventCredit, EventKind, FunnelEvent

# A transaction that began before a computation may commit after it, with an earlier recording instant.
# Looking back this far finds it; looking at what is known already costs time and changes nothing.
COMMIT_MARGIN = timedelta(days=1)

Credited = tuple[datetime, CreditedEvent]


def _occurred_in(period: Period, as_of: datetime) -> QuerySet[EventCredit]:
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    return EventCredit.objects.filter(
        event__occurred_at__gte=start, event__occurred_at__lt=end, event__recorded_at__lte=as_of
    )


def _reversal(**recorded: datetime) -> Exists:
    return Exists(FunnelEvent.objects.filter(reverses=OuterRef("event_id"), **recorded))


def credited_events(
    *, period: Period, as_of: datetime, kinds: Iterable[str], rep_ids: Iterable[int]
) -> dict[int, list[Credited]]:
    """By rep, the events of ``kinds`` that hold as of ``as_of``, each with its instant. One query."""
    rows = (
        _occurred_in(period, as_of)
        .filter(rep_id__in=list(rep_ids), event__kind__in=list(kinds))
        .filter(~_reversal(recorded_at__lte=as_of))
        .order_by("rep_id", "event__occurred_at", "event_id")
        .values_list(
            "rep_id",
            "event__occurred_at",
            "event_id",
            "event__kind",
            "capacity",
            "share",
            "event__amount_minor",
            "event__currency",
            "event__hand_off__is_exploration",
        )
    )
    found: dict[int, list[Credited]] = defaultdict(list)
    for (
        rep_id,
        occurred_at,
        event_id,
        kind,
        capacity,
        share,
        amount,
        currency,
        exploration,
    ) in rows.iterator():
        event = CreditedEvent(event_id, kind, capacity, share, amount, currency, bool(exploration))
        found[rep_id].append((occurred_at, event))
    return found


def reps_changed_since(*, period: Period, since: datetime, as_of: datetime) -> set[int]:
    """Reps credited in ``period`` by an event that was recorded, or reversed, after ``since``."""
    after = since - COMMIT_MARGIN
    credited = _occurred_in(period, as_of).exclude(event__kind=EventKind.REVERSED)
    late = credited.filter(event__recorded_at__gt=after)
    reversed_since = credited.filter(_reversal(recorded_at__gt=after, recorded_at__lte=as_of))
    return {
        rep_id
        for rows in (late, reversed_since)
        for rep_id in rows.order_by().values_list("rep_id", flat=True).distinct()
    }


def reps_credited(*, period: Period, as_of: datetime, kinds: Iterable[str]) -> QuerySet[EventCredit]:
    """Credits of ``kinds`` in the period that hold, for counting who earned without being on a plan."""
    return (
        _occurred_in(period, as_of)
        .filter(event__kind__in=list(kinds))
        .filter(~_reversal(recorded_at__lte=as_of))
    )
