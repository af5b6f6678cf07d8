"""What each AE closed, by the kind of lead it came from: what the adjusted index is made of (``rules.lead_mix``)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Case, CharField, F, IntegerField, Q, Sum, Value, When
from django.db.models.functions import Coalesce

from apps.compensation.selectors.measures import SplitEvent, split_events
from apps.core.periods import Period
from apps.leads.models import Capacity, EventKind, FunnelEvent
from apps.leads.selectors.measures import SecondsBetween, bucket, credited, opened_at
from apps.reps.models import Rep
from apps.scorecards.rules.lead_mix import ALONE, INBOUND, NONE, OUTBOUND, Cell, Deals

_TIER_OF_SCORE = Case(
    When(hand_off__lead__score="A", then=Value(1)),
    When(hand_off__lead__score="B", then=Value(2)),
    default=Value(3),
    output_field=IntegerField(),
)
_TIER = Case(
    When(hand_off__isnull=True, then=Value(0)),
    default=Coalesce(F("hand_off__received__tier"), _TIER_OF_SCORE),
    output_field=IntegerField(),
)
"""As it was handed off; by the lead's score of today where nothing was kept of that day."""
_IS_INBOUND = Q(hand_off__received__is_inbound=True) | Q(
    hand_off__received__isnull=True, hand_off__lead__is_inbound=True
)
_WAY = Case(
    When(hand_off__isnull=True, then=Value(ALONE)),
    When(_IS_INBOUND, then=Value(INBOUND)),
    default=Value(OUTBOUND),
    output_field=CharField(),
)


class Closed(NamedTuple):
    """What one rep closed of one kind of lead in one currency, in the period of this number."""

    rep_id: int
    number: int
    cell: Cell
    currency: str
    deals: Deals


def closed_by_kind(
    *, reps: Iterable[int], periods: Sequence[Period], as_of: datetime | None = None
) -> Iterator[Closed]:
    """What ``reps`` (ids) closed in each of the consecutive ``periods`` as known at ``as_of``. One statement."""
    events = FunnelEvent.objects.effective(as_of, of_many=True)
    rows = (
        credited(events, reps, Capacity.OWNED, periods)
        .filter(kind__in=(EventKind.WON, EventKind.LOST))
        .alias(opened_at=opened_at(as_of))
        .annotate(bucket=bucket(periods), tier=_TIER, way=_WAY)
        .values_list("credits__rep", "bucket", "tier", "way", "currency")
        .annotate(**_sums())
        .order_by()
    )
    for rep, number, tier, way, currency, won, closed, revenue, priced, seconds, timed in rows:
        deals = Deals(won or 0, closed, int(revenue or 0), priced or 0, int(seconds or 0), timed or 0)
        yield Closed(rep, number, Cell(tier, way), currency, deals)


def mixes_of(
    *, reps: Iterable[Rep], period: Period, as_of: datetime | None = None
) -> dict[int, dict[Cell, Deals]]:
    """By rep (``team`` loaded) and kind of lead, what was closed in ``period`` as known at ``as_of``.

    Amounts count in the currency of the rep's team only, as in the raw metrics. One statement.
    """
    currencies = {rep.pk: rep.team.currency for rep in reps}
    if not currencies:
        return {}
    return added_up(currencies, closed_by_kind(reps=currencies, periods=[period], as_of=as_of))


def added_up(currencies: Mapping[int, str], rows: Iterable[Closed]) -> dict[int, dict[Cell, Deals]]:
    """The mix of each rep of ``currencies``, whose values are the only currency that counts for money."""
    found: dict[int, dict[Cell, Deals]] = {pk: {} for pk in currencies}
    for rep, _, cell, currency, deals in rows:
        if currency != currencies[rep]:
            deals = replace(deals, revenue=0, priced=0)
        mix = found[rep]
        mix[cell] = mix[cell] + deals if cell in mix else deals
    return found


def mixes_with_splits(
    mixes: Mapping[int, Mapping[Cell, Deals]],
    *,
    reps: Iterable[Rep],
    period: Period,
    as_of: datetime | None = None,
) -> dict[int, dict[Cell, Deals]]:
    """``mixes``, made of the record, with what splits approved by ``as_of`` moved (``compensation.…measures``)."""
    currencies = {rep.pk: rep.team.currency for rep in reps}
    found = {pk: dict(mix) for pk, mix in mixes.items()}
    splits = split_events(periods=[period], kinds=(EventKind.WON, EventKind.LOST), as_of=as_of)
    if not splits:
        return found
    events = FunnelEvent.objects.filter(pk__in=[split.pk for split in splits])
    kinds = {
        pk: Cell(tier, way)
        for pk, tier, way in events.annotate(tier=_TIER, way=_WAY).values_list("pk", "tier", "way")
    }
    for split in splits:
        cell = kinds[split.pk]
        for rep in split.reps & found.keys():
            owned = (rep, Capacity.OWNED.value)
            more = split.standing.get(owned, 0) - split.recorded.get(owned, 0)
            moved = found[rep].get(cell, NONE) + _moved(split, more, currencies[rep])
            found[rep] = {**found[rep], cell: moved}
            if moved == NONE:
                del found[rep][cell]
    return found


def _moved(split: SplitEvent, more: int, currency: str) -> Deals:
    """What ``more`` of the event (millionths of it) adds to who owns that much more of it."""
    if split.kind == EventKind.LOST:
        return Deals(closed=more)
    is_priced = split.amount_minor is not None and split.currency == currency
    is_timed = split.cycle_seconds is not None
    return Deals(
        won=more,
        closed=more,
        revenue=(split.amount_minor or 0) * more if is_priced else 0,
        priced=more if is_priced else 0,
        seconds=(split.cycle_seconds or 0) * more,
        timed=more if is_timed else 0,
    )


def _sums() -> dict[str, Any]:
    won = Q(kind=EventKind.WON)
    priced = won & Q(amount_minor__isnull=False)
    share = F("credits__share")
    whole = BigIntegerField()
    return {
        "won": Sum(share, filter=won),
        "closed": Sum(share),
        "revenue": Sum(F("amount_minor") * share, filter=priced, output_field=whole),
        "priced": Sum(share, filter=priced),
        # Without an opening there are no seconds to sum: that is asked once, in the share that they are of.
        "seconds": Sum(
            SecondsBetween(F("opened_at"), F("occurred_at")) * share, filter=won, output_field=whole
        ),
        "timed": Sum(share, filter=won & Q(opened_at__isnull=False)),
    }
