"""What the people of each role took in a month against what is assumed of them, and who carries the mean.

Set-based: a few statements over the record whatever the number of reps; days are counted per calendar, not per rep.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from apps.compensation.selectors.measures import measure
from apps.core.periods import Period, month_of, trailing_months
from apps.leads.rules.metrics import METRICS, Metric, Unit
from apps.reps.models import Rep, RepRole, TimeOff
from apps.reps.rules.hours import Hours
from apps.reps.selectors import hours_for
from apps.scorecards.rules import capacity as rules
from apps.scorecards.rules.layout import LAYOUTS
from apps.scorecards.rules.targets import Assumption
from apps.scorecards.selectors.assumptions import in_force


@dataclass(frozen=True)
class RoleCapacity:
    """One assumption of one role against the record of ``basis``."""

    role: str
    metric: Metric
    basis: Period
    verdict: rules.Verdict

    @property
    def label(self) -> str:
        return str(RepRole(self.role).label)


@dataclass(frozen=True)
class RoleSkew:
    """Who carries the headline figure of a role; money only within one ``currency``."""

    role: str
    metric: Metric
    currency: str
    basis: Period
    without_one: rules.Skew
    without_two: rules.Skew
    values: tuple[tuple[str, Fraction], ...]

    @property
    def label(self) -> str:
        return str(RepRole(self.role).label)


@dataclass(frozen=True)
class Capacity:
    month: Period
    is_running: bool
    roles: tuple[RoleCapacity, ...]
    skews: tuple[RoleSkew, ...]


def basis_of(per: str, month: Period, months: int, today: date) -> Period | None:
    """Over which days a figure is read: the month up to today, or the months that end with it for a share.

    ``None`` for a month of which no day has passed.
    """
    start = trailing_months(month.end, months).start if per == rules.LEVEL else month.start
    end = min(month.end, today)
    return Period(start, end) if start < end and month.start < end else None


def capacity_of(*, reps: Iterable[Rep], month: Period, today: date) -> Capacity:
    """Each role of ``reps`` (``team__calendar`` and ``calendar`` loaded) in ``month``; what is over by ``today``."""
    people = [rep for rep in reps if _is_in(rep, month)]
    assumed = in_force(month)
    days = WorkingDays(people, month)
    roles: list[RoleCapacity] = []
    skews: list[RoleSkew] = []
    for role in RepRole.values:
        of_role = [rep for rep in people if rep.role == role]
        if not of_role:
            continue
        for (_, key), assumption in sorted(one for one in assumed.items() if one[0][0] == role):
            basis = basis_of(assumption.per, month, LAYOUTS[role].months, today)
            if basis is not None:
                roles.append(_role(of_role, METRICS[key], assumption, basis, days))
        skews += _skews(of_role, role, month, today, days)
    return Capacity(month, month_of(today) == month, tuple(roles), tuple(skews))


def _is_in(rep: Rep, month: Period) -> bool:
    return rep.hired_on < month.end and (rep.left_on is None or rep.left_on > month.start)


def _role(
    reps: list[Rep], metric: Metric, assumption: Assumption, basis: Period, days: "WorkingDays"
) -> RoleCapacity:
    sums = measure(reps=reps, periods=[basis], metrics=[metric])[0]
    people = [
        rules.taken(
            rep_id=rep.pk,
            name=rep.name,
            total=metric.read(sums[rep.pk]).value,
            presence=rules.Presence(days.worked(rep, basis), days.whole(rep)),
            assumption=assumption,
            is_ramping=rep.is_ramping_on(basis.start),
        )
        for rep in reps
    ]
    return RoleCapacity(assumption.role, metric, basis, rules.verdict(assumption, people))


def _skews(reps: list[Rep], role: str, month: Period, today: date, days: "WorkingDays") -> list[RoleSkew]:
    """Of the role's headline metric, among those who are past their ramp and were there."""
    layout = LAYOUTS[role]
    metric = METRICS[layout.headline]
    basis = basis_of(rules.LEVEL, month, layout.months, today)
    if basis is None:
        return []
    counted = [rep for rep in reps if not rep.is_ramping_on(basis.start) and days.worked(rep, basis)]
    sums = measure(reps=counted, periods=[basis], metrics=[metric])[0]
    groups: dict[str, list[tuple[str, Fraction]]] = {}
    for rep in counted:
        currency = rep.team.currency if metric.unit is Unit.MONEY else ""
        value = metric.read(sums[rep.pk]).value
        if value is not None:
            groups.setdefault(currency, []).append((rep.name, value))
    return [
        RoleSkew(
            role,
            metric,
            currency,
            basis,
            rules.skew(values, 1),
            rules.skew(values, 2),
            tuple(sorted(values, key=lambda one: (-one[1], one[0]))),
        )
        for currency, values in sorted(groups.items())
    ]


class WorkingDays:
    """Working days of many reps around a month: by calendar, time off and employment counted out. One statement."""

    def __init__(self, reps: Sequence[Rep], month: Period) -> None:
        self._month = month
        # A share is read over up to three months that end with this one.
        self._span = Period(trailing_months(month.end, 3).start, month.end)
        self._open: dict[Hours, list[date]] = {}
        self._hours: dict[int, Hours] = {}
        self._calendars: dict[tuple[int | None, int], Hours] = {}
        self._off: dict[int, list[Period]] = {}
        for rep in reps:
            key = (rep.calendar_id, rep.team_id)
            if key not in self._calendars:
                self._calendars[key] = hours_for(rep)
            self._hours[rep.pk] = self._calendars[key]
        away = TimeOff.objects.filter(
            rep__in=[rep.pk for rep in reps], starts_on__lt=self._span.end, ends_on__gt=self._span.start
        )
        for pk, start, end in away.values_list("rep_id", "starts_on", "ends_on"):
            self._off.setdefault(pk, []).append(Period(start, end))

    def whole(self, rep: Rep) -> int:
        """Working days of the month in the rep's calendar, whoever was there."""
        return sum(1 for day in self._days(rep) if day in self._month)

    def worked(self, rep: Rep, basis: Period) -> int:
        """Of the working days of ``basis``, those on which the rep was employed and not off."""
        off = self._off.get(rep.pk, ())
        return sum(
            1
            for day in self._days(rep)
            if day in basis
            and day >= rep.hired_on
            and (rep.left_on is None or day < rep.left_on)
            and not any(day in one for one in off)
        )

    def _days(self, rep: Rep) -> list[date]:
        hours = self._hours[rep.pk]
        if hours not in self._open:
            span = (self._span.start + timedelta(days=number) for number in range(self._span.days))
            self._open[hours] = [day for day in span if hours.windows_on(day)]
        return self._open[hours]
