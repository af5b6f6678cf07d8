"""What ``leads.selectors.measures`` reads from the record, with credit as it stands: approved splits count.

Pay counts the newest approved split in place of what an event was recorded with (``selectors.hand_credits``); what a
card, a ranking or a target shows under the same name must count it as well. Splits are agreed one by one and are few,
so what they move is read in four statements beside the sums of the record; without any it is one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.compensation.models import CreditSplitPart, Verdict
from apps.compensation.selectors.hand_credits import standing_parts
from apps.core.periods import Period
from apps.leads.models import Capacity, EventCredit, EventKind, FunnelEvent
from apps.leads.rules.metrics import METRICS, Extra, Metric, Part, Sums
from apps.leads.selectors import measures as record
from apps.leads.selectors.measures import Measured, bucket, opened_at
from apps.reps.models import Rep

Shares = dict[tuple[int, str], int]
"""Millionths by rep and capacity."""


def measure(
    *,
    reps: Iterable[Rep],
    periods: Sequence[Period],
    metrics: Iterable[Metric] = tuple(METRICS.values()),
    parts: Iterable[Part] = (),
    as_of: datetime | None = None,
) -> list[Measured]:
    """As ``leads.selectors.measures.measure``, with approved splits in place of what was recorded."""
    people, wanted, further = list(reps), tuple(metrics), tuple(parts)
    found = record.measure(reps=people, periods=periods, metrics=wanted, parts=further, as_of=as_of)
    return with_splits(found, periods=periods, metrics=wanted, parts=further, as_of=as_of)


def with_splits(
    found: Sequence[Mapping[int, Sums]],
    *,
    periods: Sequence[Period],
    metrics: Iterable[Metric],
    parts: Iterable[Part] = (),
    as_of: datetime | None = None,
) -> list[Measured]:
    """``found``, sums of the record for the consecutive ``periods``, with what approved splits moved."""
    wanted = tuple(metrics)
    extras = {one.extra for one in wanted if one.extra}
    needed = {part for one in wanted for part in one.parts} | set(parts)
    moved = [dict(one) for one in found]
    for split in split_events(periods=periods, kinds={part.kind for part in needed}, as_of=as_of):
        sums = moved[split.bucket]
        for rep in split.reps & sums.keys():
            sums[rep] = split.applied(sums[rep], rep, needed, extras)
    return moved


@dataclass(frozen=True)
class SplitEvent:
    """An event whose credit was split by hand: its shares as recorded and as they stand."""

    pk: int
    kind: str
    bucket: int
    currency: str
    amount_minor: int | None
    is_handed: bool
    cycle_seconds: int | None
    recorded: Shares = field(default_factory=dict)
    standing: Shares = field(default_factory=dict)

    @property
    def reps(self) -> set[int]:
        return {rep for rep, _ in (*self.recorded, *self.standing)}

    def is_alone(self, shares: Shares, owner: int) -> bool:
        """Whether nobody but ``owner`` is credited with sourcing it."""
        return not any(
            share and capacity == Capacity.SOURCED and rep != owner
            for (rep, capacity), share in shares.items()
        )

    def applied(self, sums: Sums, rep: int, needed: set[Part], extras: set[Extra]) -> Sums:
        """``sums`` of ``rep`` with the difference that the split makes."""
        for capacity in Capacity.values:
            changed: dict[str, Any] = {}
            part = Part(self.kind, capacity)
            more = self.standing.get((rep, capacity), 0) - self.recorded.get((rep, capacity), 0)
            if more and part in needed:
                changed["shares"] = _added(sums.shares, part, more)
                if self.is_handed:
                    changed["handed"] = _added(sums.handed, part, more)
                if self.amount_minor is not None:
                    money = (part, self.currency)
                    changed["amounts"] = _added(sums.amounts, money, self.amount_minor * more)
                    changed["priced"] = _added(sums.priced, money, more)
                sums = replace(sums, **changed)
        owned = (rep, Capacity.OWNED.value)
        before, after = self.recorded.get(owned, 0), self.standing.get(owned, 0)
        if Extra.CYCLE in extras and self.kind == EventKind.WON and self.cycle_seconds is not None:
            sums = replace(
                sums,
                cycle_seconds=sums.cycle_seconds + self.cycle_seconds * (after - before),
                cycle_share=sums.cycle_share + after - before,
            )
        if Extra.SELF_SOURCED in extras and self.kind == EventKind.STAGE_1 and self.amount_minor is not None:
            alone = (after if self.is_alone(self.standing, rep) else 0) - (
                before if self.is_alone(self.recorded, rep) else 0
            )
            sums = replace(
                sums, self_sourced=_added(sums.self_sourced, self.currency, self.amount_minor * alone)
            )
        return sums


def _added(values: Mapping[Any, int], key: Any, more: int) -> dict[Any, int]:
    """``values`` with ``more`` under ``key``; what comes to nothing is not there."""
    found = {**values, key: values.get(key, 0) + more}
    return {one: value for one, value in found.items() if value}


def approved_splits(as_of: datetime | None) -> QuerySet[CreditSplitPart]:
    """Parts of the splits that were approved by ``as_of``; of all without it."""
    parts = CreditSplitPart.objects.filter(split__decision__verdict=Verdict.APPROVED)
    return parts if as_of is None else parts.filter(split__decision__at__lte=as_of)


def split_events(
    *, periods: Sequence[Period], kinds: Iterable[str], as_of: datetime | None = None
) -> list[SplitEvent]:
    """The events of ``kinds`` in the consecutive ``periods`` that hold and whose credit was split by ``as_of``."""
    start, end = record.bounds_of(periods)
    parts = approved_splits(as_of).filter(
        event__occurred_at__gte=start, event__occurred_at__lt=end, event__kind__in=list(kinds)
    )
    by_hand = standing_parts(parts)
    if not by_hand:
        return []
    ids = {event for _, event, _ in by_hand}
    events = (
        FunnelEvent.objects.effective(as_of)
        .filter(pk__in=ids)
        .annotate(bucket=bucket(periods), opened_at=opened_at(as_of))
        .order_by("pk")
    )
    found = {
        event.pk: SplitEvent(
            pk=event.pk,
            kind=event.kind,
            bucket=event.bucket,
            currency=event.currency,
            amount_minor=event.amount_minor,
            is_handed=event.hand_off_id is not None,
            cycle_seconds=_seconds(event.opened_at, event.occurred_at)
            if event.kind == EventKind.WON
            else None,
        )
        for event in events
    }
    for credit in EventCredit.objects.filter(event__in=list(found)):
        one = found[credit.event_id]
        one.recorded[credit.rep_id, credit.capacity] = credit.share
        one.standing[credit.rep_id, credit.capacity] = credit.share
    for (rep, event, capacity), (_, share) in by_hand.items():
        if event in found:
            found[event].standing[rep, capacity] = share
    return list(found.values())


def _seconds(earlier: datetime | None, later: datetime) -> int | None:
    """Whole seconds from one to the other, each cut down to its second, as ``SecondsBetween`` counts them."""
    return None if earlier is None else int(later.timestamp()) - int(earlier.timestamp())
