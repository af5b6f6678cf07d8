"""What the record says today of a month that is closed: beside the signed card, never in it.

The card is a copy and stays. Here its own figures are read again, by the same metrics over the same days, and told
apart where they differ, with what came since: late events, reversals, and credit that was split by hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db.models import Q, QuerySet

from apps.compensation.models import CreditSplitPart
from apps.compensation.selectors.measures import approved_splits, measure
from apps.leads.models import EventCredit, EventKind, FunnelEvent
from apps.leads.rules.metrics import Metric, Unit
from apps.leads.selectors.measures import bounds_of
from apps.reps.models import Rep
from apps.scorecards.selectors.cards import Card, Promise, funnel_of, promises_of

MOST_SHOWN = 20


@dataclass(frozen=True)
class Difference:
    """A figure of the card as it was signed, and as the record has it now. ``key`` is the metric's, if it is one."""

    name: str
    unit: Unit
    then: Fraction | None
    now: Fraction | None
    key: str = ""
    over: str = ""

    @property
    def by(self) -> Fraction | None:
        """How much more it is now; ``None`` where one of the two is no figure."""
        return None if self.then is None or self.now is None else self.now - self.then


@dataclass(frozen=True)
class Arrival:
    """What came to the record after the card was closed: ``late``, ``reversed`` or ``split``."""

    what: str
    event: FunnelEvent
    at: datetime


@dataclass(frozen=True)
class SinceClosed:
    """The differences, and of what made them the newest; ``more`` are those not shown."""

    differences: tuple[Difference, ...]
    arrivals: tuple[Arrival, ...]
    more: int

    def __bool__(self) -> bool:
        return bool(self.differences or self.arrivals)


def since_closed(*, card: Card, rep: Rep) -> SinceClosed:
    """What changed for ``rep`` (``team`` loaded) since ``card``, a frozen one, was closed. About ten statements."""
    assert card.as_of is not None, "a frozen card says as of when"
    arrivals = sorted(_arrivals(card, rep, card.as_of), key=lambda one: (one.at, one.event.pk), reverse=True)
    return SinceClosed(
        tuple(_differences(card, rep)), tuple(arrivals[:MOST_SHOWN]), max(len(arrivals) - MOST_SHOWN, 0)
    )


def came_since(cards: Sequence[Card]) -> set[int]:
    """Of ``cards``, closed ones of one month: the reps whom something concerns that came after. Three statements."""
    if not cards:
        return set()
    as_of = min(card.as_of for card in cards if card.as_of is not None)
    start, end = bounds_of(cards[0].months)
    kinds = {part.kind for card in cards for row in card.rows for part in row.metric.parts}
    reps = [card.rep_id for card in cards]
    found: set[int] = set()
    of_late = {"event__recorded_at__gt": as_of}
    of_reversed = {"event__reversed_by__recorded_at__gt": as_of, "event__recorded_at__lte": as_of}
    within = {"event__occurred_at__gte": start, "event__occurred_at__lt": end, "event__kind__in": kinds}
    asked: tuple[tuple[QuerySet[Any], dict[str, Any]], ...] = (
        (EventCredit.objects.all(), of_late),
        (EventCredit.objects.all(), of_reversed),
        (approved_splits(None), {"split__decision__at__gt": as_of}),
    )
    for held, since in asked:
        rows = held.filter(rep__in=reps, **within, **since).order_by()
        found |= set(rows.values_list("rep_id", flat=True).distinct())
    return found


def _differences(card: Card, rep: Rep) -> Iterator[Difference]:
    metrics = [row.metric for row in card.rows]
    parts = [part for _, part in card.layout.funnel]
    by_month = measure(reps=[rep], periods=card.months, metrics=metrics, parts=parts)
    whole = measure(reps=[rep], periods=[card.basis], metrics=metrics, parts=parts)[0][rep.pk]
    # In the currency of the card, whatever team the rep is in by now.
    now = replace(whole, currency=card.currency)
    months = [replace(one[rep.pk], currency=card.currency) for one in by_month]
    for row in card.rows:
        value = row.metric.read(now).value
        if value != row.own:
            yield _of(row.metric, row.own, value)
        for month, then, sums in zip(card.months, row.trend, months, strict=True):
            after = row.metric.read(sums).value
            if after != then and month != card.basis:
                yield _of(row.metric, then, after, month.name)
    for (word, then), (_, after) in zip(card.funnel, funnel_of(card.layout, now), strict=True):
        if then != after:
            yield Difference(f"{word}, in the funnel", Unit.COUNT, then, after)
    yield from _promises(card, rep)


def _of(metric: Metric, then: Fraction | None, now: Fraction | None, over: str = "") -> Difference:
    return Difference(metric.name, metric.unit, then, now, metric.key, over)


def _promises(card: Card, rep: Rep) -> Iterator[Difference]:
    then = {one.name: one for one in card.promises}
    now = {one.name: one for one in promises_of([rep], card.month).get(rep.pk, ())}
    for name in sorted({*then, *now}):
        before, after = then.get(name, Promise(name, 0, 0)), now.get(name, Promise(name, 0, 0))
        if before != after:
            yield Difference(f"{name}, promises kept", Unit.RATE, before.share, after.share)


def _arrivals(card: Card, rep: Rep, as_of: datetime) -> Iterator[Arrival]:
    start, end = (
        bounds_of(card.months) if card.months[0].start <= card.basis.start else bounds_of([card.basis])
    )
    kinds = {part.kind for row in card.rows for part in row.metric.parts}
    kinds |= {part.kind for _, part in card.layout.funnel}
    fresh = FunnelEvent.objects.filter(recorded_at__gt=as_of).select_related(
        "lead", "opportunity", "hand_off__lead", "reverses__lead", "reverses__opportunity"
    )
    within = Q(occurred_at__gte=start, occurred_at__lt=end, credits__rep=rep, kind__in=kinds)
    for event in fresh.filter(within).exclude(kind=EventKind.REVERSED).distinct():
        yield Arrival("late", event, event.recorded_at)
    taken_back = Q(
        reverses__occurred_at__gte=start,
        reverses__occurred_at__lt=end,
        reverses__credits__rep=rep,
        reverses__kind__in=kinds,
        reverses__recorded_at__lte=as_of,
    )
    for event in fresh.filter(taken_back, kind=EventKind.REVERSED).distinct():
        assert event.reverses is not None, "a reversal names its event"
        yield Arrival("reversed", event.reverses, event.recorded_at)
    parts = (
        approved_splits(None)
        .filter(
            rep=rep,
            split__decision__at__gt=as_of,
            event__occurred_at__gte=start,
            event__occurred_at__lt=end,
            event__kind__in=kinds,
        )
        .select_related("event__lead", "event__opportunity", "split__decision")
    )
    part: CreditSplitPart
    for part in parts:
        yield Arrival("split", part.event, part.split.decision.at)
