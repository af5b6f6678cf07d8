"""Targets: what a quota asks of part of its time, the run rate still needed, weeks of a period. Pure.

Proration counts calendar days, first and last included (PRODUCT section 9).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from apps.core.periods import Period


@dataclass(frozen=True)
class Asked:
    """A quota as plain values: a count, or minor units, over a period."""

    period: Period
    amount: int


def target_for(period: Period, quotas: Iterable[Asked]) -> Fraction | None:
    """What ``quotas`` ask of ``period``, each by its calendar days in it.

    ``None`` unless they cover the period whole. Where two ask for the same days, the shorter one speaks.
    """
    total, covered = Fraction(0), 0
    shortest_first = sorted(quotas, key=lambda asked: (asked.period.days, asked.period.start))
    taken: set[date] = set()
    for asked in shortest_first:
        first, end = max(period.start, asked.period.start), min(period.end, asked.period.end)
        days = [
            day
            for number in range(max((end - first).days, 0))
            if (day := first + timedelta(days=number)) not in taken
        ]
        taken.update(days)
        covered += len(days)
        total += Fraction(asked.amount * len(days), asked.period.days)
    return total if covered == period.days else None


@dataclass(frozen=True)
class Assumption:
    """What a role is taken to do where no quota says otherwise (PRODUCT section 8, "Capacity").

    ``value`` is per ``per``: a "month", a working "day", or the figure itself ("level": a rate).
    """

    role: str
    metric: str
    value: Decimal
    per: str


DEFAULT_ASSUMPTIONS = (
    Assumption("isr", "leads_worked", Decimal(200), "month"),
    Assumption("osr", "touches", Decimal(200), "day"),
    Assumption("ae", "win_rate", Decimal("0.20"), "level"),
)


def assumed(assumption: Assumption, *, months: int, working_days: int) -> Fraction:
    """What the assumption comes to over so many whole months, or working days."""
    times = {"month": months, "day": working_days, "level": 1}[assumption.per]
    return Fraction(assumption.value) * times


def weeks_of(period: Period) -> list[Period]:
    """The weeks of ``period``, Monday to Sunday, cut at its ends."""
    weeks, start = [], period.start
    while start < period.end:
        end = min(start + timedelta(days=7 - start.weekday()), period.end)
        weeks.append(Period(start, end))
        start = end
    return weeks


@dataclass(frozen=True)
class RunRate:
    """What has to come each week from ``day`` on, against what came each week so far."""

    missing: Fraction
    days_left: int
    needed_a_week: Fraction | None
    so_far_a_week: Fraction


def run_rate(*, reached: Fraction, target: Fraction, period: Period, day: date) -> RunRate:
    """The rate needed when ``day`` has begun: its own time counts as still to come."""
    gone = min(max((day - period.start).days, 0), period.days)
    left = period.days - gone
    missing = max(target - reached, Fraction(0))
    return RunRate(
        missing=missing,
        days_left=left,
        needed_a_week=missing * 7 / left if left else None,
        so_far_a_week=reached * 7 / gone if gone else Fraction(0),
    )


def running_total(values: Sequence[Fraction]) -> list[Fraction]:
    """Each value with all before it added."""
    total, found = Fraction(0), []
    for value in values:
        total += value
        found.append(total)
    return found
