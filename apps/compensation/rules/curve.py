"""What a component pays along its total: the points of its pay curve, and one total worked out. Pure.

Both come from the engine that runs use. Conditions and days are left aside: the curve is of what counts.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from apps.compensation.rules import words
from apps.compensation.rules.earn import WHOLE_SHARE, CreditedEvent, earn_component
from apps.compensation.rules.lines import Line, limit_lines
from apps.compensation.rules.rates import Axis, Grid, RateTable
from apps.compensation.rules.terms import ONE, Component
from apps.compensation.rules.vocabulary import BandsIn

STEPS = 40
_USUAL_COUNT, _USUAL_MAJOR = 10, 100_000


@dataclass(frozen=True)
class Point:
    """``total`` in units of the measure (a count, or minor units), and the pay there, in minor units."""

    total: Fraction
    pay_minor: int


@dataclass(frozen=True)
class Curve:
    """The points in order, up to ``most``; against ``quota``, where the component knows one."""

    points: tuple[Point, ...]
    most: Fraction
    quota: int | None
    by_attainment: bool

    def pay_at(self, total: Fraction) -> int:
        """The pay at a total, read off between two points, rounded down to the minor unit."""
        before = self.points[0]
        for point in self.points:
            if point.total == total:
                return point.pay_minor
            if point.total > total:
                span = point.total - before.total
                share = (total - before.total) / span if span else ONE
                return int(before.pay_minor + (point.pay_minor - before.pay_minor) * share)
            before = point
        return before.pay_minor


def needs_quota(component: Component) -> bool:
    """Whether nothing can be worked out without one."""
    return component.quota is not None


def usual_quota(component: Component, currency: str) -> int:
    """A round quota to draw with, where nobody has one yet."""
    if component.measure.sums_amounts:
        return _USUAL_MAJOR * 10 ** words.exponent(currency)
    return _USUAL_COUNT


def bare(component: Component) -> Component:
    """The component without what depends on the kind or the day of an event."""
    measure = replace(component.measure, conditions=(), term=None, no_shows_pay=True)
    return replace(
        component,
        measure=measure,
        bonus=None,
        split=ONE,
        multipliers=tuple(one for one in component.multipliers if one.bands),
    )


def event_of(component: Component, total: Fraction, currency: str) -> CreditedEvent:
    """One event that weighs ``total``. Figures that a grid goes by are those of its middle band."""
    measure = component.measure
    figures: dict[str, Fraction] = {}
    if isinstance(component.rates, Grid):
        for axis in (component.rates.columns, component.rates.rows):
            if axis.by.startswith("figure:"):
                figures[axis.by.removeprefix("figure:")] = middle(axis)
    amount, share = None, WHOLE_SHARE
    if measure.of == "count":
        share = int(total * WHOLE_SHARE)
    elif measure.of == "amount":
        amount = int(total)
    else:
        scale = 10 ** words.exponent(currency) if measure.figure_is_money else 1
        figures[measure.figure] = total / scale
    return CreditedEvent(1, measure.event, measure.capacity, share, amount, currency, figures=figures)


def middle(axis: Axis) -> Fraction:
    """Where the middle band of a side begins."""
    return axis.starts[len(axis.starts) // 2]


def worked_out(component: Component, total: Fraction, currency: str, quota: int | None) -> list[Line]:
    """The lines that ``total`` alone gives: its pay by band, then cap or floor."""
    one = bare(component)
    event = event_of(one, total, currency)
    lines = earn_component(one, [event], currency, quota)
    return lines + limit_lines(one, lines, currency)


def pay_at(component: Component, total: Fraction, currency: str, quota: int | None) -> int:
    """What ``total`` pays, in minor units."""
    return sum(line.amount_minor for line in worked_out(component, total, currency, quota))


def edges_of(component: Component, quota: int | None) -> list[Fraction]:
    """Where something changes, in units of the measure, in order."""
    goal = Fraction(quota or 0)
    found: set[Fraction] = set()
    if isinstance(component.rates, RateTable):
        in_quota = component.bands_in is BandsIn.PERCENT_OF_QUOTA
        found |= {band.lower * (goal if in_quota else 1) for band in component.rates.bands}
    else:
        for axis in (component.rates.columns, component.rates.rows):
            if axis.by in ("amount", "total", "attainment"):
                found |= {start * (goal if axis.by == "attainment" else 1) for start in axis.starts}
    for one in component.multipliers:
        found |= {band.lower * (goal if one.in_quota else 1) for band in one.bands}
    if threshold := component.threshold:
        found.add(threshold.at * (goal if threshold.in_quota else 1))
    return sorted(edge for edge in found if edge > 0)


def reach(component: Component, currency: str, quota: int | None) -> Fraction:
    """How far a curve goes: twice the quota, and half as far again as the last edge."""
    far = [edge * Fraction(3, 2) for edge in edges_of(component, quota)[-1:]]
    if quota:
        far.append(Fraction(2 * quota))
    return max(far, default=Fraction(2 * usual_quota(component, currency)))


def curve(component: Component, currency: str, quota: int | None, most: Fraction | None = None) -> Curve:
    """The pay of one component along its total, with a point at each edge and one just below it."""
    goal = quota if component.quota is not None else None
    end = most or reach(component, currency, goal)
    step = Fraction(1, WHOLE_SHARE) if component.measure.of == "count" else ONE
    totals = {end * at / STEPS for at in range(STEPS + 1)}
    for edge in edges_of(component, goal):
        if edge <= end:
            totals |= {edge, edge - step}
    if component.measure.of == "amount":
        totals = {Fraction(int(total)) for total in totals}
    points = tuple(
        Point(total, pay_at(component, total, currency, goal)) for total in sorted(totals) if total >= 0
    )
    return Curve(points, end, goal, by_attainment=bool(goal))


def meeting_points(one: Curve, other: Curve) -> list[Fraction]:
    """The totals at which two curves meet and part again, beyond zero; read off between their points."""
    totals = sorted({point.total for point in (*one.points, *other.points)})
    found: list[Fraction] = []
    sign = 0
    last = Fraction(0)
    for total in totals:
        gap = one.pay_at(total) - other.pay_at(total)
        now_sign = (gap > 0) - (gap < 0)
        if now_sign and sign and now_sign != sign:
            found.append(last)
        if now_sign:
            sign = now_sign
        last = total
    return found
