"""Lead velocity rate: by how much qualified leads grew on the month before. Pure (PRODUCT section 8).

From nothing there is no rate, which is said in words and never drawn as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.core.periods import Period
from apps.scorecards.rules.capacity import percent


@dataclass(frozen=True)
class Growth:
    """One month's leads against the month before."""

    month: Period
    before: int
    leads: int

    @property
    def rate(self) -> Fraction | None:
        """``(this month - month before) ÷ month before``; ``None`` where there was none before."""
        return Fraction(self.leads - self.before, self.before) if self.before else None

    @property
    def words(self) -> str:
        """The arithmetic: ``2,742 to 2,924: + 182 ÷ 2,742 = + 6.6 %``."""
        rate, change = self.rate, self.leads - self.before
        if rate is None and not self.leads:
            return "None in either month: there is nothing to grow."
        if rate is None:
            return f"From none to {self.leads:,}: from nothing there is no rate of growth."
        return f"{self.before:,} to {self.leads:,}: {signed(change)} ÷ {self.before:,} = {rate_words(rate)}"


@dataclass(frozen=True)
class Velocity:
    """Growth month by month, oldest first."""

    growths: tuple[Growth, ...]

    @property
    def newest(self) -> Growth:
        return self.growths[-1]

    @property
    def rates(self) -> tuple[Fraction, ...]:
        return tuple(one.rate for one in self.growths if one.rate is not None)

    @property
    def mean(self) -> Fraction | None:
        """The mean of the rates that there are."""
        return sum(self.rates, Fraction(0)) / len(self.rates) if self.rates else None

    @property
    def sentence(self) -> str:
        """What it says in one sentence."""
        one = self.newest
        if one.rate is None:
            return f"{one.month.name}: {one.words}"
        grew = "grew" if one.rate > 0 else "fell" if one.rate < 0 else "stayed as they were"
        size = f" {percent(abs(one.rate))}" if one.rate else ""
        mean = (
            f"; the mean of {len(self.rates)} months is {rate_words(self.mean)}"
            if self.mean is not None
            else ""
        )
        return f"Qualified leads {grew}{size} in {one.month.name}, {one.before:,} to {one.leads:,}{mean}."


def velocity(counts: Sequence[tuple[Period, int]]) -> Velocity:
    """Of consecutive months (month, qualified leads), oldest first; the first is only the base.

    Raises ``ValueError`` for fewer than two.
    """
    if len(counts) < 2:
        raise ValueError("Growth needs two months.")
    return Velocity(
        tuple(
            Growth(month, before, leads)
            for (_, before), (month, leads) in zip(counts, counts[1:], strict=False)
        )
    )


def signed(number: int) -> str:
    """``+ 182``, ``− 78``, ``0``."""
    sign = {1: "+ ", -1: "− "}.get((number > 0) - (number < 0), "")
    return f"{sign}{abs(number):,}"


def rate_words(rate: Fraction | None) -> str:
    """``+ 6.6 %``, ``− 2 %``."""
    if rate is None:
        return "–"
    return f"+ {percent(rate)}" if rate > 0 else percent(rate)
