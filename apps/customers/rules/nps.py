"""The net promoter score: per cent of promoters (9, 10) less per cent of detractors (0 to 6). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from apps.core.money import round_half_up


@dataclass(frozen=True)
class Score:
    """How many said what; each person counts once, with the latest answer."""

    promoters: int
    passives: int
    detractors: int

    @property
    def count(self) -> int:
        return self.promoters + self.passives + self.detractors

    @property
    def exact(self) -> Fraction | None:
        """From −100 to 100; ``None`` without an answer."""
        return Fraction(100 * (self.promoters - self.detractors), self.count) if self.count else None

    @property
    def shown(self) -> str:
        """``+33``, ``0``, ``− 12``; rounded half away from zero."""
        if self.exact is None:
            return "–"
        whole = round_half_up(self.exact)
        return f"+{whole}" if whole > 0 else f"− {-whole}" if whole < 0 else "0"

    @property
    def words(self) -> str:
        """The arithmetic, in words."""
        if not self.count:
            return "no answer yet"
        return (
            f"{self.promoters} of {self.count} promoters (9–10), {self.passives} passive (7–8), "
            f"{self.detractors} detractors (0–6)"
        )


def word_of(score: int) -> str:
    """``promoter``, ``passive`` or ``detractor``."""
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def score_of(answers: Iterable[int]) -> Score:
    """The score of answers from 0 to 10. Raises ``ValueError`` for another number."""
    found = list(answers)
    if any(not 0 <= one <= 10 for one in found):
        raise ValueError("An answer is a number from 0 to 10.")
    words = [word_of(one) for one in found]
    return Score(words.count("promoter"), words.count("passive"), words.count("detractor"))
