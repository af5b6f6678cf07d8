"""Runs that are not made: what they would pay one rep, one period after the other. Nothing is written.

A run pays its own period and corrects closed ones by the difference to what was posted. A course does the same
with the same engine and keeps what each period would leave behind (draws, held pay, what then stands as
posted), so that the next one reads it. What changes closed periods is as in ``services.computation``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

from django.db.models import Q, Sum

from apps.compensation.models import LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.models.adjustments import SOURCE_PREFIX
from apps.compensation.rules.comparison import PaidLine, correction, of_own, sums, total
from apps.compensation.rules.conversion import KEY as CONVERSION
from apps.compensation.rules.draws import KEY
from apps.compensation.rules.moves import Assigned
from apps.compensation.rules.standings import Standing, standing
from apps.compensation.rules.vocabulary import Basis
from apps.compensation.selectors.balances import (
    Balances,
    DrawLine,
    HeldBack,
    draw_lines_before,
    held_back,
    owed,
)
from apps.compensation.selectors.budgets import Budgets
from apps.compensation.selectors.circles import Circles
from apps.compensation.selectors.credits import reps_changed_since
from apps.compensation.selectors.earnings import Earned, Earnings
from apps.compensation.selectors.inputs import PeriodInputs, PlanShelf, Segment, load_inputs
from apps.compensation.selectors.payouts import Payouts
from apps.compensation.selectors.quotas import QuotaBook
from apps.compensation.selectors.released import reps_released_since
from apps.compensation.selectors.rosters import Roster
from apps.compensation.selectors.supposed import Supposed
from apps.core.periods import Period

Source = tuple[str, str, str]
"""Component key, source key and currency: what a line is for."""


@dataclass
class _AfterTurns(Balances):
    """The ledger, with the lines of some periods as they would be instead of as they are posted."""

    instead: dict[Period, list[Earned]] = field(default_factory=dict)

    def draw_balance(self, rep_id: int, currency: str, before: date, forgiven_on: date | None) -> int:
        starts = {period.start for period in self.instead}
        lines = [one for one in draw_lines_before(rep_id, currency, before) if one.starts_on not in starts]
        for period, found in self.instead.items():
            lines += [
                DrawLine(period.start, period.end, line.source_key, line.amount_minor, int(line.base))
                for line in (one.line for one in found)
                if line.component_key == KEY
                and line.source_key.partition("@")[0] == "draw"
                and line.currency == currency
            ]
        return owed(sorted(lines, key=lambda one: one.starts_on), before, forgiven_on)

    def held_back(self, rep_ids: Iterable[int], before: date) -> dict[int, list[HeldBack]]:
        (rep_id,) = rep_ids
        starts = {period.start for period in self.instead}
        found = [one for one in held_back([rep_id], before).get(rep_id, []) if one.starts_on not in starts]
        for period, lines in self.instead.items():
            if period.start < before:
                found += [
                    HeldBack(
                        rep_id,
                        line.component_key,
                        one.version_id,
                        line.source_key.removeprefix("holdback:"),
                        line.event.event_id,
                        line.currency,
                        -line.amount_minor,
                        period.start,
                    )
                    for one, line in ((one, one.line) for one in lines)
                    if line.kind == "holdback" and line.event is not None and line.amount_minor
                ]
        found.sort(key=lambda one: (one.starts_on, one.component_key, one.source))
        return {rep_id: found}


@dataclass(frozen=True)
class Placed:
    """Where a component stands over the ``days`` that it counts together."""

    days: Period
    standing: Standing


@dataclass(frozen=True)
class Turn:
    """What one period would pay: its lines and corrections, and where its components stand."""

    period: Period
    segments: tuple[Segment, ...]
    lines: tuple[PaidLine, ...]
    placed: tuple[Placed, ...]


class _OwnRoster(Roster):
    """Assignments of one rep, read once for all periods."""

    def __init__(self, rep_id: int) -> None:
        self._rep_ids = [rep_id]
        self._rows: list[Assigned] | None = None

    def within(
        self, days: Period, *, rep_ids: Iterable[int] | None = None, plan_id: int | None = None
    ) -> list[Assigned]:
        if rep_ids is None or list(rep_ids) != self._rep_ids or plan_id is not None:
            return super().within(days, rep_ids=rep_ids, plan_id=plan_id)
        if self._rows is None:
            always = Period(date.min, date.max)
            self._rows = super().within(always, rep_ids=self._rep_ids)
        return [
            one
            for one in self._rows
            if one.starts_on < days.end and (one.ends_on is None or one.ends_on > days.start)
        ]


@dataclass(frozen=True)
class ClosedRun:
    """A closed run's period, and up to when what was recorded is counted and posted for it."""

    period: Period
    known_by: datetime
    run_id: int


@dataclass(frozen=True)
class Calendar:
    """The runs that there are, oldest first."""

    closed: tuple[ClosedRun, ...]
    still_open: tuple[Period, ...]

    @property
    def closed_periods(self) -> list[Period]:
        return [one.period for one in self.closed]


def calendar() -> Calendar:
    """Closed runs and open ones as they are. One query."""
    columns = ("starts_on", "ends_on", "state", "as_of", "created_at", "locked_at")
    runs = list(PayoutRun.objects.order_by("starts_on").only(*columns))
    closed = [run for run in runs if run.is_closed]
    found = []
    for run in closed:
        # A run that was computed once this one was locked has posted what came until then.
        later = [one.as_of for one in closed if one.as_of and run.locked_at and one.as_of >= run.locked_at]
        found.append(ClosedRun(run.period, max([run.as_of or run.created_at, *later]), run.pk))
    return Calendar(tuple(found), tuple(run.period for run in runs if not run.is_closed))


@dataclass
class Course:
    """The runs of one rep, in turn, with what is ``supposed`` beside the record as of ``as_of``."""

    rep_id: int
    as_of: datetime
    calendar: Calendar
    supposed: Supposed = field(default_factory=Supposed)
    shelf: PlanShelf = field(default_factory=PlanShelf)
    circles: Circles = field(default_factory=Circles)
    _loaded: dict[Period, PeriodInputs] = field(default_factory=dict)
    _quotas: dict[tuple[int, int], QuotaBook] = field(default_factory=dict)
    _standing: dict[Period, dict[Source, int]] = field(default_factory=dict)
    _instead: dict[Period, list[Earned]] = field(default_factory=dict)
    _turned: list[Period] = field(default_factory=list)
    _known: dict[str, bool] = field(default_factory=dict)
    roster: Roster = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.roster = self.roster or _OwnRoster(self.rep_id)

    def beside(self, supposed: Supposed) -> "Course":
        """The same course from where it is, with something else supposed from here on."""
        return replace(
            self,
            supposed=supposed,
            _standing=dict(self._standing),
            _instead=dict(self._instead),
            _turned=list(self._turned),
        )

    def inputs(self, period: Period) -> PeriodInputs:
        """The rep's plans and quotas in ``period``. Raises ``NoPlanInForce``."""
        if period not in self._loaded:
            years = (period.start.year, period.last_day.year)
            if years not in self._quotas:
                self._quotas[years] = QuotaBook(period, [self.rep_id])
            self._loaded[period] = load_inputs(
                period,
                rep_ids=[self.rep_id],
                shelf=self.shelf,
                roster=self.roster,
                quotas=self._quotas[years],
            )
        return self._loaded[period]

    def carries(self, period: Period) -> bool:
        """Whether a plan of the period carries something over into later ones, or runs on over several."""
        return self._hands_on(period) or any(
            any(one.basis is not Basis.RUN for one in segment.plan.components)
            for segment in self.inputs(period).of(self.rep_id)
        )

    def turn(self, period: Period) -> Turn:
        """What the run of ``period`` would pay after those before it, the oldest period first.

        Raises ``UnableToEarn`` and ``NoPlanInForce``.
        """
        known = {*self.calendar.closed_periods, *self._turned}
        horizon = max(one.end for one in (*known, period))
        budgets = Budgets(self.as_of, horizon, self.roster, self.supposed)
        own: list[PaidLine] = []
        corrected: list[PaidLine] = []
        placed: tuple[Placed, ...] = ()
        anew, carried = self._anew, False
        for one in sorted({*known, period}):
            earnings = Earnings(
                self.inputs(one),
                [self.rep_id],
                self.as_of,
                horizon,
                self.shelf,
                self.circles,
                budgets,
                _AfterTurns(self._instead),
                self.supposed,
            )
            if one == period:
                earned = self._take(one, earnings)
                own = [of_own(one, found.line) for found in earned.values()]
                placed = tuple(_placed(earnings, self.inputs(one).of(self.rep_id)))
                # What it hands on moves a later period that was closed before it.
                carried = carried or self._hands_on(one)
            elif anew or carried or self._reaches(one, period, horizon):
                corrected += self._corrections(one, earnings)
                carried = carried or self._hands_on(one)
        self._turned.append(period)
        corrected += self._paid_out(period, [*own, *corrected])
        segments = tuple(self.inputs(period).of(self.rep_id))
        return Turn(period, segments, (*own, *corrected), placed)

    def _paid_out(self, period: Period, lines: list[PaidLine]) -> list[PaidLine]:
        """The pairs that turn it all into the currency that the rep is paid in. Raises ``NoRate``."""
        by_currency = {currency: total(parts) for currency, parts in sums(lines).items()}
        payouts = Payouts(period, [self.rep_id], self.as_of)
        return [of_own(period, line) for line in payouts.lines(self.rep_id, by_currency)]

    def _hands_on(self, one: Period) -> bool:
        """Whether a balance, held pay or a budget goes on into later periods."""
        return any(segment.plan.carries_over for segment in self.inputs(one).of(self.rep_id))

    # --- Closed periods ---------------------------------------------------------------------------

    def _reaches(self, one: Period, own: Period, horizon: date) -> bool:
        """Whether something runs on from ``one`` into the open period, and is trued up."""
        return any(
            span.counted.start < own.end and own.start < span.counted.end
            for segment in self.inputs(one).of(self.rep_id)
            for component in segment.plan.components
            if component.basis is not Basis.RUN
            for span in segment.spans(component, horizon)
        )

    @property
    def _anew(self) -> bool:
        """Whether closed periods are to be looked at for what came since they were, or for what is supposed in them.

        Mostly nothing came. Where something did, all of them are worked out: those that it leaves as they are
        differ in nothing. The first turn takes up all that there is to correct.
        """
        if self._turned or not self.calendar.closed:
            return False
        if any(event.on in one.period for event in self.supposed.events for one in self.calendar.closed):
            return True
        if "came" not in self._known:
            self._known["came"] = self._something_came()
        return self._known["came"]

    def _something_came(self) -> bool:
        closed = self.calendar.closed
        for one in closed:
            if self.inputs(one.period).basis(self.rep_id) != self._computed_with.get(one.run_id, ""):
                return True
        whole = Period(closed[0].period.start, max(one.period.end for one in closed))
        people = {pk for one in closed for pk in self._people(one.period)}
        since = min(one.known_by for one in closed)
        if reps_changed_since(period=whole, since=since, as_of=self.as_of, rep_ids=people):
            return True
        held = LedgerEntry.objects.filter(rep=self.rep_id, source_key__startswith="holdback:")
        return held.exists() and self.rep_id in reps_released_since(
            period=whole, since=since, as_of=self.as_of
        )

    def _people(self, one: Period) -> set[int]:
        """Whose events count for the rep in ``one``."""
        inputs = self.inputs(one)
        people = self.circles.around(inputs, [self.rep_id])
        for segment in inputs.of(self.rep_id):
            # A budget is one for all on the plan.
            if any(found.bonus and found.bonus.budget_minor is not None for found in segment.plan.components):
                people |= {found.rep_id for found in self.roster.within(one, plan_id=segment.plan_id)}
        return people

    @cached_property
    def _computed_with(self) -> dict[int, str]:
        rows = Statement.objects.filter(rep=self.rep_id, run__state__in=RunState.closed())
        return dict(rows.order_by("pk").values_list("run_id", "basis"))

    def _corrections(self, one: Period, earnings: Earnings) -> list[PaidLine]:
        posted = self._posted(one)
        earned = self._take(one, earnings)
        found = []
        for key, wanted in earned.items():
            if wanted.line.amount_minor != posted.get(key, 0):
                found.append(
                    correction(one, key, wanted.line.component_name, wanted.line, posted.get(key, 0))
                )
        for key, amount in posted.items():
            if key not in earned and amount:
                found.append(correction(one, key, self._name(one, key[0]), None, amount))
        return found

    def _take(self, one: Period, earnings: Earnings) -> dict[Source, Earned]:
        """What ``one`` earns by source; from here on that stands as posted."""
        earned = {
            (found.line.component_key, found.line.source_key, found.line.currency): found
            for found in earnings.of(self.rep_id)
        }
        self._standing[one] = {key: found.line.amount_minor for key, found in earned.items()}
        self._instead[one] = list(earned.values())
        return earned

    def _posted(self, one: Period) -> dict[Source, int]:
        """What stands for a period by source. Lines of open runs are left out: their turn works them out anew."""
        if one in self._standing:
            return self._standing[one]
        rows = LedgerEntry.objects.filter(
            rep=self.rep_id, starts_on=one.start, ends_on=one.end, run__state__in=RunState.closed()
        ).exclude(Q(component_key=CONVERSION) | Q(source_key__startswith=SOURCE_PREFIX))
        sums = rows.order_by().values_list("component_key", "source_key", "currency")
        return {(key, source, cur): total for key, source, cur, total in sums.annotate(Sum("amount_minor"))}

    def _name(self, one: Period, component_key: str) -> str:
        for segment in self.inputs(one).of(self.rep_id):
            if component := segment.plan.component(component_key):
                return component.name
        return component_key.replace("_", " ")


def _placed(earnings: Earnings, segments: Iterable[Segment]) -> Iterable[Placed]:
    for segment in segments:
        for component in segment.plan.components:
            for span, events, quota in earnings.counted(segment, component):
                yield Placed(span.counted, standing(component, events, segment.plan.currency, quota))
