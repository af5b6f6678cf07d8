"""The forecast of a period's end: what recent weeks brought, continued, with how far they differed. Pure.

The rule, in words: the last eight seven-day weeks before today stand for what a week brings. The forecast is what
was reached plus their mean for each week left; the band is 1.28 sample standard deviations of one week times the
square root of the weeks left on either side, which holds eight outcomes in ten while weeks go on as independent of each
other and alike as those. It never falls below what was reached. With fewer than four weeks there is no forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import isqrt

from apps.core.periods import Period

WEEKS = 8
FEWEST_WEEKS = 4
BAND = Fraction(12816, 10000)
"""Standard deviations on either side that hold 80 % of a normal distribution."""


@dataclass(frozen=True)
class Forecast:
    """At the end of the period: expected, and between which figures eight times in ten."""

    expected: Fraction
    low: Fraction
    high: Fraction
    mean_a_week: Fraction
    spread_a_week: Fraction
    weeks: int
    weeks_left: Fraction

    def chance_words(self, target: Fraction | None) -> str:
        """Where ``target`` lies in the band: ``within reach``, ``above the band`` …"""
        if target is None:
            return ""
        if target <= self.low:
            return "is below the band: it is reached even in a weak rest of the period"
        if target > self.high:
            return "is above the band: at the pace of these weeks it is missed"
        return "lies within the band: it may be reached, or missed"


def root(value: Fraction) -> Fraction:
    """The square root to twelve places, without a float."""
    scale = 10**12
    return Fraction(isqrt(value.numerator * scale * scale // value.denominator), scale)


def weeks_before(day: date, first: date | None = None) -> list[Period]:
    """The last ``WEEKS`` seven-day weeks up to where ``day`` begins, oldest first; none begun before ``first``."""
    found = [
        Period(day - timedelta(days=7 * n), day - timedelta(days=7 * n - 7)) for n in range(WEEKS, 0, -1)
    ]
    return [one for one in found if first is None or one.start >= first]


def forecast(*, weekly: Sequence[Fraction], reached: Fraction, days_left: int) -> Forecast | None:
    """``None`` with fewer than ``FEWEST_WEEKS`` weeks, or when nothing is left of the period."""
    if len(weekly) < FEWEST_WEEKS or days_left <= 0:
        return None
    mean = sum(weekly, Fraction(0)) / len(weekly)
    variance = sum(((one - mean) ** 2 for one in weekly), Fraction(0)) / (len(weekly) - 1)
    left = Fraction(days_left, 7)
    rest, half = mean * left, BAND * root(variance * left)
    return Forecast(
        expected=max(reached + rest, reached),
        low=max(reached + rest - half, reached),
        high=max(reached + rest + half, reached),
        mean_a_week=mean,
        spread_a_week=root(variance),
        weeks=len(weekly),
        weeks_left=left,
    )
