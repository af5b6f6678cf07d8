"""What a replay found, in one currency: by alternative, person, component and period. A fixed number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from django.db.models import Count, Q, QuerySet, Sum

from apps.compensation.models import (
    Replay,
    ReplayFigure,
    ReplayMeasure,
    ReplayOutcome,
    ReplayPay,
    ReplayPerson,
    ReplayProblem,
)
from apps.compensation.rules.agreement import Paid, Pairs, RankCorrelation, pairs, rank_correlation
from apps.compensation.selectors.replay_world import Asked
from apps.core.periods import Period
from apps.reps.models import RepRole

IN_FORCE_NAME = "As it was"


@dataclass(frozen=True)
class PersonResult:
    """One person: pay by alternative (0 is what the ledger says), revenue credited and meetings accepted."""

    person_id: int
    rep_id: int
    name: str
    role: str
    team: str
    pay: tuple[int, ...]
    won_minor: int
    won_count: int
    accepted: int

    def change(self, alternative: int) -> int:
        """What ``alternative`` pays more than the plans that were in force, in minor units."""
        return self.pay[alternative] - self.pay[ReplayPay.IN_FORCE]


@dataclass(frozen=True)
class SumRow:
    """A component or a period: its sums by alternative, in minor units."""

    key: str
    name: str
    pay: tuple[int, ...]


@dataclass(frozen=True)
class Agreement:
    """How far an alternative's pay agreed with revenue: pairs over all roles, Spearman's rho within each."""

    pairs: Pairs
    by_role: tuple[tuple[str, RankCorrelation], ...]


@dataclass
class ReplayResults:
    """The figures of one currency. ``names`` are the alternatives', by number; 0 is what was paid."""

    replay: Replay
    outcome: ReplayOutcome
    currency: str
    currencies: list[str]
    names: list[str]
    people: list[PersonResult]
    by_component: list[SumRow]
    by_period: list[SumRow]
    left_open: dict[tuple[str, int], int]
    problems: list[ReplayProblem]
    paid_periods: list[Period]
    apart: list[tuple[str, int, int]] = field(default_factory=list)
    """Where the ledger and the engine differ: period, paid and replayed in minor units."""
    _agreements: dict[int, Agreement] = field(default_factory=dict, repr=False)

    @property
    def alternatives(self) -> range:
        """The numbers of what is compared with the plans that were in force."""
        return range(ReplayPay.FIRST_DRAFT, len(self.names))

    def total(self, alternative: int) -> int:
        return sum(row.pay[alternative] for row in self.by_period)

    def change(self, alternative: int) -> int:
        return self.total(alternative) - self.total(ReplayPay.IN_FORCE)

    @property
    def won_minor(self) -> int:
        return self.outcome.won.get(self.currency, [0, 0])[0]

    @property
    def won_count(self) -> int:
        return self.outcome.won.get(self.currency, [0, 0])[1]

    def cost_per_won(self, alternative: int) -> Fraction | None:
        """Pay for each unit of revenue won; ``None`` where nothing above zero was."""
        return Fraction(self.total(alternative), self.won_minor) if self.won_minor > 0 else None

    def agreement(self, alternative: int) -> Agreement:
        """Pay against credited revenue of the same window, among people of one role."""
        if alternative not in self._agreements:
            self._agreements[alternative] = self._agreement(alternative)
        return self._agreements[alternative]

    def _agreement(self, alternative: int) -> Agreement:
        paid: dict[str, list[Paid]] = defaultdict(list)
        for one in self.people:
            paid[one.role].append(Paid(one.role, one.pay[alternative], one.won_minor))
        together = pairs(one for role in paid.values() for one in role)
        labels = dict(RepRole.choices)
        by_role = tuple((labels.get(role, role), rank_correlation(paid[role])) for role in sorted(paid))
        return Agreement(together, by_role)


def currencies_of(replay: Replay) -> list[str]:
    """The currencies that the replay pays in, the one with the most people first."""
    rows = ReplayPay.objects.filter(replay=replay).order_by().values("currency")
    counted = rows.annotate(people=Count("rep", distinct=True)).order_by("-people", "currency")
    return [row["currency"] for row in counted]


def results(replay: Replay, currency: str = "") -> ReplayResults:
    """The figures of ``replay`` in ``currency`` (the main one, when it has none of that)."""
    currencies = currencies_of(replay)
    chosen = currency if currency in currencies else next(iter(currencies), "")
    asked = Asked.of(replay)
    names = ["Paid", IN_FORCE_NAME, *(one["name"] for one in asked.alternatives)]
    pay = ReplayPay.objects.filter(replay=replay, currency=chosen).order_by()
    by_period = _by_period(pay, asked.periods, len(names))
    paid_starts = set(pay.filter(alternative=ReplayPay.PAID).values_list("starts_on", flat=True).distinct())
    return ReplayResults(
        replay=replay,
        outcome=replay.outcome,
        currency=chosen,
        currencies=currencies,
        names=names,
        people=_people(replay, pay, chosen, len(names)),
        by_component=_by_component(pay, len(names)),
        by_period=by_period,
        left_open=_left_open(replay, chosen),
        problems=list(replay.problems.select_related("rep").order_by("rep__name", "pk")),
        paid_periods=[one for one in asked.periods if one.start in paid_starts],
        apart=[
            (row.name, row.pay[ReplayPay.PAID], row.pay[ReplayPay.IN_FORCE])
            for row, period in zip(by_period, asked.periods, strict=True)
            if period.start in paid_starts and row.pay[ReplayPay.PAID] != row.pay[ReplayPay.IN_FORCE]
        ],
    )


def _by_period(pay: QuerySet[ReplayPay], periods: Sequence[Period], width: int) -> list[SumRow]:
    sums: dict[date, list[int]] = defaultdict(lambda: [0] * width)
    for starts_on, alternative, total in pay.values_list("starts_on", "alternative").annotate(
        total=Sum("amount_minor")
    ):
        sums[starts_on][alternative] = total
    return [SumRow(one.code, one.name, tuple(sums[one.start])) for one in periods]


def _by_component(pay: QuerySet[ReplayPay], width: int) -> list[SumRow]:
    """Components by their key; one that goes by several names is called as the last alternative calls it."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * width)
    names: dict[str, str] = {}
    rows = pay.values_list("component_key", "alternative", "component_name").annotate(
        total=Sum("amount_minor")
    )
    for key, alternative, name, total in rows.order_by("component_key", "alternative", "component_name"):
        sums[key][alternative] += total
        names[key] = name
    found = [SumRow(key, names[key], tuple(pays)) for key, pays in sums.items()]
    return sorted(found, key=lambda row: (-row.pay[ReplayPay.IN_FORCE], row.name))


def _people(replay: Replay, pay: QuerySet[ReplayPay], currency: str, width: int) -> list[PersonResult]:
    sums: dict[int, list[int]] = defaultdict(lambda: [0] * width)
    for rep_id, alternative, total in pay.values_list("rep_id", "alternative").annotate(
        total=Sum("amount_minor")
    ):
        sums[rep_id][alternative] = total
    figures: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    wanted = Q(measure=ReplayMeasure.WON, currency=currency) | Q(measure=ReplayMeasure.ACCEPTED)
    rows = ReplayFigure.objects.filter(wanted, replay=replay).order_by().values_list("rep_id", "measure")
    for rep_id, measure, amount, count in rows.annotate(amount=Sum("amount_minor"), events=Sum("count")):
        figures[rep_id][measure] = (amount, count)
    people = ReplayPerson.objects.filter(replay=replay).order_by("rep__name", "rep_id")
    found = []
    columns = ("pk", "rep_id", "rep__name", "role", "team__name")
    for person_id, rep_id, name, role, team in people.values_list(*columns):
        own = figures[rep_id]
        won, won_count = own.get(ReplayMeasure.WON, (0, 0))
        if rep_id not in sums and not won:
            continue
        accepted = own.get(ReplayMeasure.ACCEPTED, (0, 0))[1]
        found.append(
            PersonResult(person_id, rep_id, name, role, team, tuple(sums[rep_id]), won, won_count, accepted)
        )
    return found


def _left_open(replay: Replay, currency: str) -> dict[tuple[str, int], int]:
    """By measure (held, owed) and alternative, what is open at the end of the window."""
    rows = ReplayFigure.objects.filter(
        replay=replay, currency=currency, measure__in=(ReplayMeasure.HELD, ReplayMeasure.OWED)
    )
    sums = rows.order_by().values_list("measure", "alternative").annotate(total=Sum("amount_minor"))
    return {(measure, alternative): total for measure, alternative, total in sums}


@dataclass(frozen=True)
class PersonRow:
    """One period and component of one person, by alternative; ``kinds`` tells what is held, released, drawn."""

    period: Period
    key: str
    name: str
    kind: str
    pay: tuple[int, ...]


def person_rows(replay: Replay, rep_id: int, currency: str) -> list[PersonRow]:
    """What each component paid the person in each period. One query."""
    asked = Asked.of(replay)
    width = len(asked.alternatives) + ReplayPay.FIRST_DRAFT
    sums: dict[tuple[date, str, str], list[int]] = defaultdict(lambda: [0] * width)
    names: dict[str, str] = {}
    rows = ReplayPay.objects.filter(replay=replay, rep=rep_id, currency=currency)
    columns = ("starts_on", "component_key", "kind", "alternative", "component_name", "amount_minor")
    for starts_on, key, kind, alternative, name, amount in rows.order_by("alternative", "pk").values_list(
        *columns
    ):
        # What was paid stands in one sum a component: it goes with the earnings, not with what was held or released.
        kind = "earning" if kind in ("posted", "bonus") else kind
        sums[starts_on, key, kind][alternative] += amount
        names[key] = name
    periods = {one.start: one for one in asked.periods}
    return [
        PersonRow(periods[starts_on], key, names[key], kind, tuple(pay))
        for (starts_on, key, kind), pay in sorted(sums.items())
    ]
