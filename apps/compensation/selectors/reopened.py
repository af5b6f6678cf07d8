"""Closed periods that a computation works out again, and for whom: what changed for them since they were closed."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from apps.compensation.models import EntryKind, LedgerEntry, PayoutRun, Statement
from apps.compensation.rules.vocabulary import Basis, Scope
from apps.compensation.selectors.budgets import Budgets
from apps.compensation.selectors.circles import Circles, scopes_of
from apps.compensation.selectors.credits import reps_changed_since
from apps.compensation.selectors.earnings import Earned, Earnings
from apps.compensation.selectors.inputs import PeriodInputs, PlanShelf, load_inputs
from apps.compensation.selectors.planning import read_by_keys
from apps.compensation.selectors.released import reps_released_since
from apps.core.periods import Period


@dataclass(frozen=True)
class Reopened:
    """A closed run, and the reps for whom something changed since it was computed."""

    run_id: int
    period: Period
    known_by: datetime
    rep_ids: frozenset[int]

    @classmethod
    def of(cls, closed: PayoutRun, rep_ids: frozenset[int]) -> "Reopened":
        return cls(closed.pk, closed.period, closed.as_of or closed.created_at, rep_ids)


@dataclass(frozen=True)
class Books:
    """What every part of one computation reads: plans, teams, the instant and how far a year reaches."""

    shelf: PlanShelf
    circles: Circles
    budgets: Budgets
    as_of: datetime
    horizon: date

    def earnings(self, inputs: PeriodInputs, rep_ids: list[int]) -> Earnings:
        return Earnings(inputs, rep_ids, self.as_of, self.horizon, self.shelf, self.circles, self.budgets)


def books_of(run: PayoutRun, as_of: datetime) -> Books:
    """The books of a computation of ``run`` by what was recorded by ``as_of``."""
    ends = PayoutRun.objects.closed().order_by().values_list("ends_on", flat=True)
    horizon = max([run.ends_on, *ends])
    return Books(PlanShelf(), Circles(), Budgets(as_of, horizon), as_of, horizon)


def earned_by(run: PayoutRun, rep_id: int) -> list[Earned]:
    """What one rep earns in the run's own period by what its computation knew: the lines that it posts for them.

    Raises ``UnableToEarn``.
    """
    with transaction.atomic():
        read_by_keys()
        books = books_of(run, run.as_of or run.created_at)
        inputs = load_inputs(run.period, rep_ids=[rep_id], shelf=books.shelf)
        return books.earnings(inputs, [rep_id]).of(rep_id)


def reopened(run: PayoutRun, books: Books) -> list[Reopened]:
    """The closed runs to look at again, oldest first, and for whom.

    New or reversed events, also of those whose events count for them; another plan, version or quota; a basis that
    the open period or another changed one belongs to, which trues up; whoever's balance an older period moved; and
    whoever's pay of the period was corrected before, since what is undone must be found as well.
    """
    runs = list(PayoutRun.objects.closed().exclude(pk=run.pk).order_by("starts_on"))
    closed = [_Closed(one, load_inputs(one.period, shelf=books.shelf)) for one in runs]
    for one in closed:
        one.changed |= _changed(one, runs, books)
    moved = [(one.run.period, frozenset(one.changed)) for one in closed if one.changed]
    for one in closed:
        one.changed |= _moved_along(one, moved, run.period, books)
    carried: set[int] = set()
    own = load_inputs(run.period, shelf=books.shelf)
    found = []
    for one in closed:
        # What the run itself hands on moves a later month that was closed before it.
        if run.starts_on < one.run.starts_on:
            carried |= _carrying(own)
        one.changed |= carried
        carried |= one.changed & _carrying(one.inputs)
        if one.changed:
            found.append(Reopened.of(one.run, frozenset(one.changed)))
    return found


@dataclass
class _Closed:
    """A closed run while it is looked at: what it is computed with by now, and for whom something changed."""

    run: PayoutRun
    inputs: PeriodInputs
    changed: set[int] = field(default_factory=set)

    @property
    def known_by(self) -> datetime:
        return self.run.as_of or self.run.created_at


def _changed(one: _Closed, runs: list[PayoutRun], books: Books) -> set[int]:
    """For whom the record, a plan, a quota, or what releases held pay changed since the run was computed."""
    period, inputs, since = one.run.period, one.inputs, one.known_by
    found = reps_changed_since(period=period, since=since, as_of=books.as_of)
    found |= reps_released_since(period=period, since=since, as_of=books.as_of)
    computed_with = dict(Statement.objects.filter(run=one.run).order_by("pk").values_list("rep_id", "basis"))
    for rep_id in {*inputs.segments, *computed_with}:
        if inputs.basis(rep_id) != computed_with.get(rep_id, ""):
            found.add(rep_id)
    corrected = LedgerEntry.objects.filter(
        kind__in=(EntryKind.ADJUSTMENT, EntryKind.CLAWBACK), starts_on=period.start, ends_on=period.end
    )
    found |= set(corrected.order_by().values_list("rep_id", flat=True).distinct())
    return found | _changed_beyond(one, runs, books)


def _changed_beyond(one: _Closed, runs: list[PayoutRun], books: Books) -> set[int]:
    """Whose basis reaches beyond the period, to days on which something changed."""
    reaching = {rep_id: reach for rep_id, reach in _reaches(one.inputs, books).items() if reach}
    if not reaching:
        return set()
    # A run that was computed with this one closed has looked at it; what came since has been seen by nobody.
    seen = [
        other.as_of
        for other in runs
        if other.as_of and one.run.locked_at and other.as_of >= one.run.locked_at
    ]
    whole = Period(
        min(span.start for reach in reaching.values() for span in reach),
        max(span.end for reach in reaching.values() for span in reach),
    )
    moved = reps_changed_since(period=whole, since=max([one.known_by, *seen]), as_of=books.as_of)
    return {rep_id for rep_id in reaching if moved & _whose_events(one.inputs, rep_id, books)}


def _reaches(inputs: PeriodInputs, books: Books) -> dict[int, list[Period]]:
    """By rep, the days that count where a basis is longer than the period."""
    return {
        rep_id: [
            span.counted
            for segment in segments
            for component in segment.plan.components
            if component.basis is not Basis.RUN
            for span in segment.spans(component, books.horizon)
        ]
        for rep_id, segments in inputs.segments.items()
    }


def _whose_events(inputs: PeriodInputs, rep_id: int, books: Books) -> set[int]:
    return {
        other
        for scope in scopes_of(inputs, rep_id) | {Scope.OWN}
        for other in books.circles.of(rep_id, scope)
    }


def _moved_along(
    one: _Closed, moved: list[tuple[Period, frozenset[int]]], own: Period, books: Books
) -> set[int]:
    """Who is paid on what changed for others, or over a basis that reaches into another changed period."""
    inputs, changed = one.inputs, one.changed
    found = set()
    # A budget is one for all on the plan: what one uses up, others do not get.
    budgeted = {
        segment.plan_id
        for rep_id in changed
        for segment in inputs.of(rep_id)
        if any(one.bonus and one.bonus.budget_minor is not None for one in segment.plan.components)
    }
    reaches = _reaches(inputs, books)
    for rep_id, segments in inputs.segments.items():
        if any(segment.plan_id in budgeted for segment in segments):
            found.add(rep_id)
        beside = scopes_of(inputs, rep_id) - {Scope.OWN}
        if any(changed & set(books.circles.of(rep_id, scope)) for scope in beside):
            found.add(rep_id)
        if not reaches[rep_id]:
            continue
        whose = _whose_events(inputs, rep_id, books)
        days = [own, *(period for period, reps in moved if reps & whose)]
        if any(
            counted.start < other.end and other.start < counted.end
            for counted in reaches[rep_id]
            for other in days
        ):
            found.add(rep_id)
    return found


def _carrying(inputs: PeriodInputs) -> set[int]:
    """Whose plans carry something over into later periods: a draw's balance, or held pay."""
    return {
        rep_id
        for rep_id, segments in inputs.segments.items()
        if any(segment.plan.carries_over for segment in segments)
    }
