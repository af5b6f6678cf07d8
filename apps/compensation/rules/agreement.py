"""How far pay agreed with the revenue that came. Pure and exact; roots and logarithms are decimals.

Two figures, both on ranks, so that one large deal or one large target does not decide alone:

- **Pairs**: of all pairs of people in the same role whose revenue differs, in how many the one who brought more
  was paid more. A pair that was paid the same counts half. It can be added up over roles.
- **Spearman's rank correlation** within one role, with ties at their mean rank, and its 95 % interval by Fisher's
  transformation with the standard error of Bonett and Wright (2000), sqrt((1 + rho² / 2) / (n - 3)).
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import groupby

FEW = 10
"""Below this many people no interval is told: it would look surer than it is."""

_PRECISION = 28
_NORMAL_95 = Decimal("1.959963984540054")


@dataclass(frozen=True, slots=True)
class Paid:
    """One person: in which role, paid how much, and the revenue credited; minor units of one currency."""

    role: str
    pay_minor: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of peers whose revenue differs: paid in the same order, alike, or the other way round."""

    agree: int = 0
    tied: int = 0
    against: int = 0

    @property
    def compared(self) -> int:
        return self.agree + self.tied + self.against

    @property
    def share(self) -> Fraction | None:
        """The share that agrees, a tie counting half; ``None`` without a pair."""
        return Fraction(2 * self.agree + self.tied, 2 * self.compared) if self.compared else None

    def __add__(self, other: "Pairs") -> "Pairs":
        return Pairs(self.agree + other.agree, self.tied + other.tied, self.against + other.against)


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Spearman's rho over ``people``; ``None`` where nothing varies. ``low`` and ``high`` bound it at 95 %."""

    people: int
    rho: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def is_few(self) -> bool:
        return self.people < FEW


def pairs(people: Iterable[Paid]) -> Pairs:
    """All pairs within each role, added up. Takes n log n comparisons."""
    ordered = sorted(people, key=lambda one: (one.role, one.revenue_minor))
    found = Pairs()
    for _, role in groupby(ordered, key=lambda one: one.role):
        less_revenue: list[int] = []
        for _, alike in groupby(role, key=lambda one: one.revenue_minor):
            pays = [one.pay_minor for one in alike]
            for pay in pays:
                below, upto = bisect_left(less_revenue, pay), bisect_right(less_revenue, pay)
                found += Pairs(below, upto - below, len(less_revenue) - upto)
            for pay in pays:
                insort(less_revenue, pay)
    return found


def rank_correlation(people: Sequence[Paid]) -> RankCorrelation:
    """Spearman's rank correlation of pay and revenue over ``people``, who are peers."""
    count = len(people)
    pay, revenue = _ranks([one.pay_minor for one in people]), _ranks([one.revenue_minor for one in people])
    middle = Fraction(count + 1, 2)
    together = sum(((a - middle) * (b - middle) for a, b in zip(pay, revenue, strict=True)), Fraction(0))
    spread = sum(((a - middle) ** 2 for a in pay), Fraction(0)) * sum(
        ((b - middle) ** 2 for b in revenue), Fraction(0)
    )
    if spread == 0:
        return RankCorrelation(count, None)
    with localcontext(prec=_PRECISION):
        rho = _decimal(together) / _decimal(spread).sqrt()
        rho = max(Decimal(-1), min(Decimal(1), rho))
        if count < FEW or together**2 == spread:
            return RankCorrelation(count, rho)
        z = ((1 + rho) / (1 - rho)).ln() / 2
        reach = _NORMAL_95 * ((1 + rho * rho / 2) / (count - 3)).sqrt()
        return RankCorrelation(count, rho, _tanh(z - reach), _tanh(z + reach))


def _ranks(values: Sequence[int]) -> list[Fraction]:
    """The rank of each value, 1 for the least; equal ones share the mean of theirs."""
    ordered = sorted(values)
    return [Fraction(bisect_left(ordered, value) + 1 + bisect_right(ordered, value), 2) for value in values]


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _tanh(value: Decimal) -> Decimal:
    grown = (2 * value).exp()
    return (grown - 1) / (grown + 1)
