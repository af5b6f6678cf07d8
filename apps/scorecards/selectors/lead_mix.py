"""What each AE closed, by the kind of lead it came from: what the adjusted index is made of (``rules.lead_mix``)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, F, IntegerField, Q, Sum, Value, When
from django.db.models.functions import Coalesce

from apps.core.periods import Period
from apps.leads.models import Capacity, EventKind, FunnelEvent
from apps.leads.selectors.measures import SecondsBetween, credited, opened_at
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


def mixes_of(
    *, reps: Iterable[Rep], period: Period, as_of: datetime | None = None
) -> dict[int, dict[Cell, Deals]]:
    """By rep (``team`` loaded) and kind of lead, what was closed in ``period`` as known at ``as_of``.

    Amounts count in the currency of the rep's team only, as in the raw metrics. One statement.
    """
    currencies = {rep.pk: rep.team.currency for rep in reps}
    found: dict[int, dict[Cell, Deals]] = {pk: {} for pk in currencies}
    if not currencies:
        return found
    events = FunnelEvent.objects.effective(as_of, of_many=True)
    rows = (
        credited(events, currencies, Capacity.OWNED, [period])
        .filter(kind__in=(EventKind.WON, EventKind.LOST))
        .alias(opened_at=opened_at(as_of))
        .annotate(tier=_TIER, way=_WAY)
        .values_list("credits__rep", "tier", "way", "currency")
        .annotate(**_sums())
        .order_by()
    )
    for rep, tier, way, currency, closed, won, revenue, priced, seconds, timed in rows:
        own = currency == currencies[rep]
        deals = Deals(
            won=won or 0,
            closed=closed,
            revenue=int(revenue or 0) if own else 0,
            priced=priced or 0 if own else 0,
            seconds=int(seconds or 0),
            timed=timed or 0,
        )
        cell = Cell(tier, way)
        found[rep][cell] = found[rep].get(cell, NONE) + deals
    return found


def _sums() -> dict[str, Any]:
    won = Q(kind=EventKind.WON)
    priced = won & Q(amount_minor__isnull=False)
    share = F("credits__share")
    whole = BigIntegerField()
    return {
        "closed": Sum(share),
        "won": Sum(share, filter=won),
        "revenue": Sum(F("amount_minor") * share, filter=priced, output_field=whole),
        "priced": Sum(share, filter=priced),
        # Without an opening there are no seconds to sum: that is asked once, in the share that they are of.
        "seconds": Sum(
            SecondsBetween(F("opened_at"), F("occurred_at")) * share, filter=won, output_field=whole
        ),
        "timed": Sum(share, filter=won & Q(opened_at__isnull=False)),
    }
