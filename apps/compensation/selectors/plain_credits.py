"""For whom a period's pay is plain, what they are credited with, and a digest of all that it depends on.

Set-based and for PostgreSQL: a group of credits is one row, whoever many there are. What plain pay is says
``rules.plain``; what is not plain is read by ``selectors.earnings``.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from apps.compensation.models import EntryKind, LedgerEntry
from apps.compensation.rules.plain import Sums, is_plain
from apps.compensation.rules.terms import Component
from apps.compensation.selectors.hand_credits import occurred_parts
from apps.compensation.selectors.inputs import PeriodInputs, Segment
from apps.compensation.selectors.rates import payout_currencies
from apps.core.periods import Period

# Part of every digest: another number, and everybody's pay is worked out once more.
_RECKONED_BY = 1

CREDITS = "plain_credit"
"""The table of this transaction in which what counts is kept: what was looked at is what is paid."""

_KEEP = f"""
DROP TABLE IF EXISTS pg_temp.{CREDITS};
CREATE TEMPORARY TABLE {CREDITS} ON COMMIT DROP AS
SELECT c.rep_id, e.kind, c.capacity, c.share, e.id AS event_id, e.occurred_at, e.amount_minor, e.currency,
       e.opportunity_id IS NOT NULL OR e.hand_off_id IS NOT NULL AS has_deal
FROM leads_eventcredit c JOIN leads_funnelevent e ON e.id = c.event_id
WHERE c.rep_id = ANY(%(rep_ids)s) AND e.kind = ANY(%(kinds)s) AND e.occurred_at >= %(start)s
  AND e.occurred_at < %(end)s AND e.recorded_at <= %(as_of)s
  AND NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = e.id AND r.recorded_at <= %(as_of)s)
"""  # noqa: S608 - made of constants alone

# Events and credits are append-only, so an event's number stands for all that it says. Sums of two hashes do not
# depend on the order. Sizes are numerics only where one was below zero.
_GROUPS = f"""
SELECT rep_id, kind, capacity, share, count(*), count(amount_minor), sum(amount_minor),
       sum(amount_minor) - 2 * COALESCE(sum(amount_minor) FILTER (WHERE amount_minor < 0), 0),
       GREATEST(max(amount_minor), -min(amount_minor)::numeric), min(currency), max(currency), bool_or(has_deal),
       sum(event_id), sum(hashint8extended(event_id, 1)), sum(hashint8extended(event_id, 2))
FROM {CREDITS} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""  # noqa: S608 - made of constants alone


class Group(NamedTuple):
    """A rep's credits of one kind, capacity and share (in millionths); amounts are whole events', in minor units."""

    rep_id: int
    kind: str
    capacity: str
    share: int
    events: int
    with_amount: int
    amount: int | None
    sizes: int | None
    largest: int | None
    least_currency: str
    last_currency: str
    has_deals: bool
    numbers: int
    hashed: int
    hashed_again: int


@dataclass(frozen=True)
class Plain:
    """A rep whose pay of the period is plain, with all groups of credits that the plan looks at."""

    segment: Segment
    groups: tuple[Group, ...]
    digest: str

    @property
    def rep_id(self) -> int:
        return self.segment.rep_id

    def of(self, component: Component) -> list[Group]:
        """The groups that count in ``component``."""
        measure = component.measure
        return [one for one in self.groups if (one.kind, one.capacity) == (measure.event, measure.capacity)]

    def sums(self, component: Component) -> Sums:
        """Totals of what counts in ``component``."""
        found = self.of(component)
        shares = tuple(one.share for one in found)
        largest = max((int(one.largest or 0) for one in found), default=0)
        if component.measure.sums_amounts:
            total = sum(int(one.amount or 0) * one.share for one in found)
            sizes = sum(int(one.sizes or 0) * one.share for one in found)
        else:
            total = sizes = sum(one.events * one.share for one in found)
        return Sums(total, sizes, largest, shares)

    def credits(self, component: Component) -> int:
        """How many credits count in ``component``."""
        return sum(one.events for one in self.of(component))


def plain_pay(
    inputs: PeriodInputs, rep_ids: Iterable[int], as_of: datetime, *, but: Iterable[int] = ()
) -> dict[int, Plain]:
    """Of ``rep_ids`` those whose pay of the period is plain, ``but`` some; none on another database. Few queries.

    What they are credited with is kept for the rest of the transaction (``CREDITS``).
    """
    if connection.vendor != "postgresql":
        return {}
    segments = _on_a_plain_plan(inputs, set(rep_ids) - set(but))
    if not segments:
        return {}
    for rep_id in _moved_by_people(inputs.period, list(segments), as_of):
        segments.pop(rep_id, None)
    groups = _groups(inputs, segments, as_of)
    return {
        rep_id: Plain(segment, tuple(groups[rep_id]), _digest(inputs, segment, groups[rep_id]))
        for rep_id, segment in segments.items()
        if _of_one_currency(segment, groups[rep_id]) and _has_quotas(segment, groups[rep_id])
    }


def _on_a_plain_plan(inputs: PeriodInputs, rep_ids: set[int]) -> dict[int, Segment]:
    known: dict[int, bool] = {}
    found = {}
    for rep_id in sorted(rep_ids):
        segments = inputs.of(rep_id)
        if len(segments) != 1 or segments[0].days != inputs.period:
            continue
        one = segments[0]
        if one.version_id not in known:
            known[one.version_id] = is_plain(one.plan)
        if known[one.version_id]:
            found[rep_id] = one
    return found


def _moved_by_people(period: Period, rep_ids: list[int], as_of: datetime) -> set[int]:
    """Whose credits were split by hand, who is paid in another currency, or has pay held back from earlier."""
    by_hand = occurred_parts(period, as_of).filter(rep_id__in=rep_ids)
    found = set(by_hand.order_by().values_list("rep_id", flat=True).distinct())
    found |= set(payout_currencies(rep_ids, period.last_day, as_of))
    held = LedgerEntry.objects.filter(
        rep_id__in=rep_ids, kind=EntryKind.HOLDBACK, starts_on__lt=period.start
    ).order_by()
    corrected = LedgerEntry.objects.filter(
        rep_id__in=rep_ids,
        kind__in=EntryKind.corrections(),
        source_key__startswith="holdback:",
        starts_on__lt=period.start,
    ).order_by()
    for rows in (held, corrected):
        found |= set(rows.values_list("rep_id", flat=True).distinct())
    return found


def _groups(inputs: PeriodInputs, segments: dict[int, Segment], as_of: datetime) -> dict[int, list[Group]]:
    start, end = inputs.period.bounds(settings.COMPANY_TIME_ZONE)
    kinds = {one.measure.event for segment in segments.values() for one in segment.plan.components}
    asked: dict[str, Any] = {
        "rep_ids": list(segments),
        "kinds": sorted(kinds),
        "start": start,
        "end": end,
        "as_of": as_of,
    }
    found: dict[int, list[Group]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, asked)
        cursor.execute(_GROUPS)
        for group in map(Group._make, cursor.fetchall()):
            measures = [one.measure for one in segments[group.rep_id].plan.components]
            if any((group.kind, group.capacity) == (one.event, one.capacity) for one in measures):
                found[group.rep_id].append(group)
    return found


def _of_one_currency(segment: Segment, groups: list[Group]) -> bool:
    known = {"", segment.plan.currency}
    return all({one.least_currency, one.last_currency} <= known for one in groups)


def _has_quotas(segment: Segment, groups: list[Group]) -> bool:
    """Whether the pay can be worked out at all; what stops it says the engine."""
    counted = {(one.kind, one.capacity) for one in groups}
    return all(
        component.quota is None
        or (component.measure.event, component.measure.capacity) not in counted
        or (segment.goal(component, segment.days) or 0) > 0
        for component in segment.plan.components
    )


def _digest(inputs: PeriodInputs, segment: Segment, groups: list[Group]) -> str:
    """A hash of all that the rep's pay depends on; empty where deals may release what is held back."""
    holds = any(one.holdback for one in segment.plan.components)
    if holds and any(one.has_deals for one in groups):
        return ""
    parts = (
        _RECKONED_BY,
        *map(str, inputs.period.bounds(settings.COMPANY_TIME_ZONE)),
        segment.rep_id,
        inputs.basis(segment.rep_id),
        [tuple(str(value) for value in one) for one in groups],
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()
