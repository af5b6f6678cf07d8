"""A close rate seen beside the one expected: how sure the figure is, and what may be said of it.

The interval is Wilson's score interval at 95 %, which stays within 0 and 1 and is honest for few deals.
Source: PRODUCT section 3.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import sqrt

MINIMUM = 20
"""Below so many decided opportunities a close rate says too little to be compared."""

_Z = 1.959963984540054
"""Standard deviations on either side that hold 95 % of a normal distribution."""


class Verdict(StrEnum):
    """What may be said of a close rate. Values are words for a page's icon and colour."""

    TOO_FEW = "too_few"
    BELOW = "below"
    ABOVE = "above"
    AS_EXPECTED = "as_expected"
    UNSURE = "unsure"
    NOT_EXPECTED = "not_expected"


@dataclass(frozen=True)
class Rate:
    """``won`` of ``decided`` (won and lost), and per cents expected, if any were agreed."""

    won: int
    decided: int
    expected: tuple[int, int] | None = None

    @property
    def seen(self) -> Fraction | None:
        return Fraction(self.won, self.decided) if self.decided else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between which rates the true one lies with 95 % confidence; ``None`` while nothing is decided."""
        return wilson(self.won, self.decided) if self.decided else None

    @property
    def verdict(self) -> Verdict:
        if self.decided < MINIMUM:
            return Verdict.TOO_FEW
        if self.expected is None:
            return Verdict.NOT_EXPECTED
        low, high = wilson(self.won, self.decided)
        least, most = (share / 100 for share in self.expected)
        if high < least:
            return Verdict.BELOW
        if low > most:
            return Verdict.ABOVE
        if least <= self.won / self.decided <= most:
            return Verdict.AS_EXPECTED
        return Verdict.UNSURE

    @property
    def in_words(self) -> str:
        match self.verdict:
            case Verdict.TOO_FEW:
                return f"Too few to say: {self.decided} decided, {MINIMUM} are needed."
            case Verdict.NOT_EXPECTED:
                return "Nothing was agreed to expect."
            case Verdict.BELOW:
                return "Below what was expected, beyond chance."
            case Verdict.ABOVE:
                return "Above what was expected, beyond chance."
            case Verdict.AS_EXPECTED:
                return "As expected."
            case _:
                side = "Below" if self.won * 100 < self.decided * (self.expected or (0, 0))[0] else "Above"
                return f"{side} what was expected, but chance may be why."


def wilson(won: int, decided: int) -> tuple[float, float]:
    """The 95 % score interval of ``won`` of ``decided``; ``decided`` is at least 1."""
    rate = won / decided
    squared = _Z * _Z / decided
    middle = (rate + squared / 2) / (1 + squared)
    half = _Z * sqrt(rate * (1 - rate) / decided + squared / (4 * decided)) / (1 + squared)
    # At the ends the interval touches 0 and 1 exactly; what is left of them is rounding.
    low = 0.0 if won == 0 else max(0.0, middle - half)
    high = 1.0 if won == decided else min(1.0, middle + half)
    return low, high
