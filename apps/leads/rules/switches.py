"""A day's context switches beside a rep's own usual (PRODUCT section 4, "Focus blocks"). Pure.

A switch is a touch over another channel than the touch before it on the same day; a switch between personas is
counted apart. The day's first touch is none. A touch whose persona is not known counts as a group of its own,
as the queue groups it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from statistics import median

USUAL_DAYS = 20
"""The last working days with touches that the usual is taken over."""
_PER = 10
_CLOSE = Fraction(1, 10)
"""So near to the usual rate the day is like any other."""


@dataclass(frozen=True)
class DayOfSwitches:
    """One day of one rep: touches that stand, and switches between channels and between personas."""

    day: date
    touches: int
    switches: int
    persona_switches: int

    @property
    def per_ten(self) -> Fraction | None:
        """Switches for each ten touches, so that busy days compare fairly; ``None`` without touches."""
        return Fraction(self.switches * _PER, self.touches) if self.touches else None


@dataclass(frozen=True)
class Comparison:
    """Today (``current``) beside the usual; ``days``, oldest first, are those that it is taken over."""

    current: DayOfSwitches
    days: tuple[DayOfSwitches, ...]

    @property
    def usual(self) -> Fraction | None:
        """The median of switches a day."""
        return _median([Fraction(one.switches) for one in self.days])

    @property
    def usual_per_ten(self) -> Fraction | None:
        """The median of the days' switches for each ten touches."""
        return _median([one.per_ten for one in self.days if one.per_ten is not None])

    @property
    def usual_between_personas(self) -> Fraction | None:
        return _median([Fraction(one.persona_switches) for one in self.days])

    @property
    def verdict(self) -> str:
        """``calmer``, ``usual`` or ``busier`` by the rate; "" while there is nothing to compare."""
        mine, usual = self.current.per_ten, self.usual_per_ten
        if mine is None or usual is None:
            return ""
        if abs(mine - usual) <= usual * _CLOSE:
            return "usual"
        return "calmer" if mine < usual else "busier"

    @property
    def words(self) -> str:
        """``9 switches today; your median is 14.``"""
        count = self.current.switches
        said = f"{count} switch{'' if count == 1 else 'es'} today"
        if self.usual is None:
            return f"{said}; there is no earlier day to compare with yet."
        return f"{said}; your median is {plain(self.usual)}."

    @property
    def words_of_another(self) -> str:
        """The same for somebody else to read."""
        return self.words.replace("your median", "their median")

    @property
    def course_words(self) -> str:
        """``Switches a day, from 4 to 9, in 21 days``: what the picture shows."""
        course = self.course
        return f"Switches a day in {len(course)} days: {min(course)} to {max(course)}, today {course[-1]}"

    @property
    def rate_words(self) -> str:
        """The same for each ten touches; "" while there is nothing to compare."""
        mine, usual = self.current.per_ten, self.usual_per_ten
        if mine is None or usual is None:
            return ""
        return f"{plain(mine)} for each ten touches, against {plain(usual)}."

    @property
    def newest_first(self) -> list[DayOfSwitches]:
        return [self.current, *reversed(self.days)]

    @property
    def course(self) -> list[int]:
        """Switches a day, oldest first, today last: for a sparkline."""
        return [one.switches for one in (*self.days, self.current)]


def _median(values: Sequence[Fraction]) -> Fraction | None:
    return median(values) if values else None


def plain(value: Fraction) -> str:
    """``14`` or ``13.5``: one decimal where there is one, rounded half up."""
    tenths = (value * 20 + 1) // 2
    whole, part = divmod(tenths, 10)
    return f"{whole}.{part}" if part else f"{whole}"
