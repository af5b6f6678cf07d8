"""The sums of a ranking read from the monthly totals: equal to the record's, without going through its events.

Who is credited by an event that the totals do not hold yet (``RankingTotalMark``) is read from the record, so
what comes out is the record's figure at every moment.
"""

from collections.abc import Iterable, Sequence

from django.db.models import Q, Sum

from apps.core.periods import Period
from apps.leads.models import Capacity, EventCredit
from apps.reps.models import Rep
from apps.scorecards.models import RankingTotal, RankingTotalMark, RankingTotalsBuild
from apps.scorecards.rules.metrics import LOST, TAKEN, TURNED_DOWN, WON, Metric, Part, Sums, metric
from apps.scorecards.selectors.measures import measure

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

_SUMMED = (*PARTS, "revenue", "priced", "self_sourced", "cycle_seconds", "cycle_share")


def reps_of_marks(marks: Iterable[int] | None = None) -> set[int]:
    """Whom the totals are behind for: those credited as owners by marked events, or elsewhere in their deals."""
    marked = RankingTotalMark.objects.all()
    if marks is not None:
        marked = marked.filter(pk__in=list(marks))
    deals = marked.filter(event__opportunity__isnull=False).values("event__opportunity")
    owned = EventCredit.objects.filter(capacity=Capacity.OWNED)
    # A later opening changes the cycle of a win that credits somebody else.
    touched = owned.filter(Q(event__in=marked.values("event")) | Q(event__opportunity__in=deals))
    return set(touched.values_list("rep", flat=True).distinct())


def sums_by_totals(*, reps: Sequence[Rep], period: Period) -> dict[int, Sums] | None:
    """What ``measure`` would give for ``METRICS`` over ``period`` (whole months); ``None`` without totals.

    Two statements and a look at what is marked; those marked are read from the record.
    """
    if not RankingTotalsBuild.objects.exists():
        return None
    found = _summed(reps, period)
    if RankingTotalMark.objects.exists():
        behind = reps_of_marks()
        late = [rep for rep in reps if rep.pk in behind]
        if late:
            found |= measure(reps=late, periods=[period], metrics=METRICS, parts=(WON, LOST))[0]
    return found


def _summed(reps: Sequence[Rep], period: Period) -> dict[int, Sums]:
    currencies = {rep.pk: rep.team.currency for rep in reps}
    found = {pk: Sums(currency) for pk, currency in currencies.items()}
    rows = (
        RankingTotal.objects.filter(month_on__gte=period.start, month_on__lt=period.end)
        .values_list("rep", "currency")
        .annotate(**{f"{name}_": Sum(name) for name in _SUMMED})
        .order_by()
    )
    raw: dict[int, list[tuple]] = {}
    for rep, *sums in rows:
        if rep in currencies:
            raw.setdefault(rep, []).append(tuple(sums))
    for rep, lines in raw.items():
        found[rep] = _sums(currencies[rep], lines)
    return found


def _sums(own: str, lines: Sequence[tuple]) -> Sums:
    shares: dict[Part, int] = {}
    amounts: dict[tuple[Part, str], int] = {}
    priced: dict[tuple[Part, str], int] = {}
    alone: dict[str, int] = {}
    seconds = share = 0
    for currency, won, lost, taken, turned_down, revenue, of, self_sourced, cycle, cycles in lines:
        for part, value in ((WON, won), (LOST, lost), (TAKEN, taken), (TURNED_DOWN, turned_down)):
            if value:
                shares[part] = shares.get(part, 0) + int(value)
        if of:
            amounts[WON, currency], priced[WON, currency] = int(revenue), int(of)
        if self_sourced:
            alone[currency] = int(self_sourced)
        seconds, share = seconds + int(cycle), share + int(cycles)
    return Sums(
        own,
        shares=shares,
        amounts=amounts,
        priced=priced,
        self_sourced=alone,
        cycle_seconds=seconds,
        cycle_share=share,
    )
