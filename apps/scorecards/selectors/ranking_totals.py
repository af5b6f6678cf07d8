"""The sums of a ranking read from the monthly totals: equal to the record's, without going through its events.

Who is credited by an event that the totals do not hold yet (``RankingTotalMark``) is read from the record, so
what comes out is the record's figure at every moment.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import BigIntegerField, Sum
from django.db.models.functions import Cast

from apps.core.periods import Period
from apps.core.prepared import TODAY, PreparedQuery
from apps.leads.models import Capacity, EventCredit
from apps.leads.rules.metrics import LOST, TAKEN, TURNED_DOWN, WON, Metric, Part, Sums, metric
from apps.leads.selectors.measures import measure
from apps.reps.models import Rep
from apps.scorecards.models import LeadMixTotal, RankingTotal, RankingTotalMark, RankingTotalsBuild
from apps.scorecards.rules.lead_mix import Cell, Deals
from apps.scorecards.selectors.lead_mix import Closed, added_up, mixes_of

METRICS: tuple[Metric, ...] = tuple(
    metric(key)
    for key in (
        "revenue_won",
        "deals_won",
        "win_rate",
        "average_deal",
        "sales_cycle",
        "self_sourced_pipeline",
        "hand_off_acceptance_rate",
    )
)
"""What the totals hold: every metric that a ranking policy may weigh."""
PARTS: dict[str, Part] = {"won": WON, "lost": LOST, "taken": TAKEN, "turned_down": TURNED_DOWN}

_COUNTS = (*PARTS, "cycle_seconds", "cycle_share")
_AMOUNTS = ("revenue", "priced", "self_sourced")
_NOTHING = (0,) * (1 + len(_COUNTS))
_FIRST, _END = TODAY, TODAY + timedelta(days=1)


def reps_of_marks(marks: Iterable[int] | None = None) -> set[int]:
    """Whom the totals are behind for: those credited as owners by marked events, or elsewhere in their deals."""
    marked = RankingTotalMark.objects.all()
    if marks is not None:
        marked = marked.filter(pk__in=list(marks))
    deals = marked.filter(event__opportunity__isnull=False).values("event__opportunity")
    owned = EventCredit.objects.filter(capacity=Capacity.OWNED)
    # A later opening changes the cycle of a win that credits somebody else.
    # Asked apart: each by its index, where both together would go through all credits.
    both = owned.filter(event__in=marked.values("event")), owned.filter(event__opportunity__in=deals)
    return {rep for found in both for rep in found.order_by().values_list("rep", flat=True).distinct()}


class ByTotals(NamedTuple):
    """What a ranking is made of, by rep: the sums behind its metrics, and what was closed by kind of lead."""

    sums: dict[int, Sums]
    mixes: dict[int, dict[Cell, Deals]]


def ranked_by_totals(*, reps: Sequence[Rep], period: Period) -> ByTotals | None:
    """``sums_by_totals`` and ``mixes_by_totals`` with one look at what is marked."""
    late = _late(reps)
    return (
        None
        if late is None
        else ByTotals(_sums_by_rep(reps, late, period), _mixes_by_rep(reps, late, period))
    )


def sums_by_totals(*, reps: Sequence[Rep], period: Period) -> dict[int, Sums] | None:
    """What ``measure`` would give for ``METRICS`` over ``period`` (whole months); ``None`` without totals.

    Three statements and a look at what is marked; those marked are read from the record.
    """
    late = _late(reps)
    return None if late is None else _sums_by_rep(reps, late, period)


def mixes_by_totals(*, reps: Sequence[Rep], period: Period) -> dict[int, dict[Cell, Deals]] | None:
    """What ``mixes_of`` would give over ``period`` (whole months); ``None`` without totals."""
    late = _late(reps)
    return None if late is None else _mixes_by_rep(reps, late, period)


def _late(reps: Sequence[Rep]) -> list[Rep] | None:
    """Those whom the totals are behind for; ``None`` where there are no totals.

    Looked up before the totals are read: whoever is brought up to date in between is read from the record still,
    and nobody is read from totals that were behind with the mark gone.
    """
    if not RankingTotalsBuild.objects.exists():
        return None
    if not RankingTotalMark.objects.exists():
        return []
    behind = reps_of_marks()
    return [rep for rep in reps if rep.pk in behind]


def _sums_by_rep(reps: Sequence[Rep], late: Sequence[Rep], period: Period) -> dict[int, Sums]:
    found = _summed(reps, period)
    if late:
        found |= measure(reps=late, periods=[period], metrics=METRICS, parts=(WON, LOST))[0]
    return found


def _mixes_by_rep(reps: Sequence[Rep], late: Sequence[Rep], period: Period) -> dict[int, dict[Cell, Deals]]:
    currencies = {rep.pk: rep.team.currency for rep in reps}
    rows = _statements(connection.vendor).mixes.statement.rows({_FIRST: period.start, _END: period.end})
    cells = {(tier, way): Cell(tier, way) for _, tier, way, *_ in rows}
    found = added_up(
        currencies,
        (
            Closed(
                rep,
                0,
                cells[tier, way],
                currency,
                Deals(won, closed, int(revenue), priced, int(seconds), timed),
            )
            for rep, tier, way, currency, won, closed, revenue, priced, seconds, timed in rows
            if rep in currencies
        ),
    )
    return found | mixes_of(reps=late, period=period) if late else found


def _summed(reps: Sequence[Rep], period: Period) -> dict[int, Sums]:
    statements, values = _statements(connection.vendor), {_FIRST: period.start, _END: period.end}
    # As the database gives them, without a look at each: there are tens of thousands.
    counts = {row[0]: row for row in statements.counts.statement.rows(values)}
    money: dict[int, tuple[tuple[Any, ...], ...]] = {}
    for row in statements.money.statement.rows(values):
        money[row[0]] = (*money.get(row[0], ()), row)
    return {
        rep.pk: _sums(rep.team.currency, counts.get(rep.pk, _NOTHING), money.get(rep.pk, ())) for rep in reps
    }


def _sums(own: str, counts: tuple[int, ...], money: Iterable[tuple[Any, ...]]) -> Sums:
    """One rep's totals: counts and cycles, and a row of amounts for each currency.

    Said out plainly, for it is said thousands of times: most of a ranking's reading is this.
    """
    _, won, lost, taken, turned_down, seconds, share = counts
    shares: dict[Part, int] = {}
    if won:
        shares[WON] = won
    if lost:
        shares[LOST] = lost
    if taken:
        shares[TAKEN] = taken
    if turned_down:
        shares[TURNED_DOWN] = turned_down
    amounts: dict[tuple[Part, str], int] = {}
    priced: dict[tuple[Part, str], int] = {}
    alone: dict[str, int] = {}
    for _, currency, revenue, of, self_sourced in money:
        if of:
            key = (WON, currency)
            amounts[key], priced[key] = int(revenue), of
        if self_sourced:
            alone[currency] = int(self_sourced)
    return Sums(own, shares, {}, amounts, priced, alone, seconds, share)


class _Statements(NamedTuple):
    """What has no currency, by rep; amounts by rep and currency; what was closed, by kind of lead as well."""

    counts: PreparedQuery
    money: PreparedQuery
    mixes: PreparedQuery


@lru_cache(maxsize=4)
def _statements(_vendor: str) -> _Statements:
    """Counts come as whole numbers, not as the decimals that the database sums them to; amounts may outgrow those."""
    totals = RankingTotal.objects.filter(month_on__gte=_FIRST, month_on__lt=_END)
    counts, money = totals.filter(currency=""), totals.exclude(currency="")
    counted = {f"{name}_": Cast(Sum(name), BigIntegerField()) for name in _COUNTS}
    summed: dict[str, Any] = {f"{name}_": Sum(name) for name in _AMOUNTS}
    summed["priced_"] = Cast(Sum("priced"), BigIntegerField())
    shares = ("won", "closed", "priced", "timed")
    mixed: dict[str, Any] = {
        f"{name}_": Cast(Sum(name), BigIntegerField()) if name in shares else Sum(name)
        for name in ("won", "closed", "revenue", "priced", "seconds", "timed")
    }
    mixes = LeadMixTotal.objects.filter(month_on__gte=_FIRST, month_on__lt=_END)
    return _Statements(
        PreparedQuery(counts.values_list("rep").annotate(**counted).order_by(), _FIRST, _END),
        PreparedQuery(money.values_list("rep", "currency").annotate(**summed).order_by(), _FIRST, _END),
        PreparedQuery(
            mixes.values_list("rep", "tier", "way", "currency").annotate(**mixed).order_by(), _FIRST, _END
        ),
    )
