"""What pay would be with events that have not happened, and what it is without them. Nothing is written.

The engine is that of the runs (``selectors.courses``). Who may ask about whom is decided before; what can be
supposed, and how it is read from a form, is ``selectors.estimate_offers``.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from apps.compensation.rules.comparison import Moved, Sums, moved, sums
from apps.compensation.rules.turns import in_turn, paid_in
from apps.compensation.selectors.courses import Calendar, Course, Turn, calendar
from apps.compensation.selectors.supposed import Supposed
from apps.core.periods import Period
from apps.reps.models import Rep


@dataclass(frozen=True)
class PeriodEstimate:
    """One pay period with and without. ``is_target``: something supposed is paid in it."""

    without: Turn
    beside: Turn
    is_target: bool

    @property
    def period(self) -> Period:
        return self.without.period

    @property
    def has_plan(self) -> bool:
        return bool(self.without.segments)

    @property
    def sums_without(self) -> Sums:
        return sums(self.without.lines)

    @property
    def sums_with(self) -> Sums:
        return sums(self.beside.lines)

    @property
    def moved(self) -> list[Moved]:
        """The lines that differ: new ones, and those that move to another band or limit."""
        return moved(self.without.lines, self.beside.lines)


@dataclass(frozen=True)
class Estimate:
    """Pay with and without what is supposed, period by period, the oldest first.

    ``ahead`` are open periods that come before: they are worked out on the way, as if they were run in turn.
    """

    supposed: Supposed
    periods: tuple[PeriodEstimate, ...]
    ahead: tuple[Period, ...]


def whose_pay(user: Any) -> QuerySet[Rep]:
    """Whose pay ``user`` may estimate: the own, and that of the reps of managed teams; nobody else's."""
    whose = Q(user=user)
    if user.role == "manager":
        whose |= Q(team__manager=user)
    return Rep.objects.filter(whose)


def course_of(rep_id: int, as_of: datetime) -> Course:
    """The runs of a rep as the record stands; what an estimate begins with."""
    return Course(rep_id, as_of, calendar())


def estimate(*, course: Course, supposed: Supposed, today: date) -> Estimate:
    """Pay of a rep with ``supposed`` and without, in every period that it is paid in (today's without any).

    Raises ``UnableToEarn`` and ``NoPlanInForce`` with what is missing, as a run would.
    """
    runs = course.calendar
    days = [event.on for event in supposed.events] or [today]
    closed, still_open = runs.closed_periods, list(runs.still_open)
    targets = {paid_in(day, closed, still_open) for day in days}
    row = _worth_a_turn(course, in_turn(targets, closed, still_open), targets, runs)
    first = min(days)
    beside: Course | None = None
    found = []
    for period in row:
        if beside is None and first < period.end:
            beside = course.beside(supposed)
        without = course.turn(period)
        found.append(PeriodEstimate(without, beside.turn(period) if beside else without, period in targets))
    shown = [one for one in found if one.is_target or one.moved]
    return Estimate(supposed, tuple(shown), tuple(one.period for one in found if not one.is_target))


def _worth_a_turn(course: Course, row: list[Period], targets: set[Period], runs: Calendar) -> list[Period]:
    """Without those periods between that nobody has begun and from which nothing is carried over."""
    kept = {row[0], *targets, *runs.still_open}
    return [one for one in row if one in kept or course.carries(one)]
