"""What leads cost and brought, by currency: cost per customer won, return on what was spent. Pure; nothing is added
across currencies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

STEPS = ("leads", "mqls", "sqls", "accepted", "rejected", "won")


@dataclass
class Outcome:
    """A cohort of leads: how many reached each step, won amounts and spend in minor units by currency."""

    name: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    revenue: dict[str, int] = field(default_factory=dict)
    spend: dict[str, int] = field(default_factory=dict)

    def count(self, step: str) -> int:
        return self.counts.get(step, 0)

    def add(self, other: "Outcome") -> None:
        """Count another cohort with this one."""
        for step, number in other.counts.items():
            self.counts[step] = self.counts.get(step, 0) + number
        for own, theirs in ((self.revenue, other.revenue), (self.spend, other.spend)):
            for currency, amount in theirs.items():
                own[currency] = own.get(currency, 0) + amount

    @property
    def is_paid_in_one(self) -> bool:
        """Whether all that was spent is in one currency: else no figure stands for the cost of a customer."""
        return len(self.spend) == 1

    def cost_per(self, step: str) -> tuple[Fraction, str] | None:
        """Spend over the number that reached ``step``; ``None`` without either, or with several currencies spent."""
        if not self.is_paid_in_one or not self.count(step):
            return None
        ((currency, amount),) = self.spend.items()
        return Fraction(amount, self.count(step)), currency

    @property
    def roi(self) -> Fraction | None:
        """(Revenue − spend) ÷ spend, both in the one currency spent; ``None`` where anything came in another."""
        if not self.is_paid_in_one:
            return None
        ((currency, amount),) = self.spend.items()
        if any(other != currency and brought for other, brought in self.revenue.items()):
            return None
        return Fraction(self.revenue.get(currency, 0) - amount, amount)


def rate(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


@dataclass(frozen=True)
class Precision:
    """Of the leads that a version of the MQL definition called MQL in a month, how many went on."""

    version: int
    month: str
    called: int
    reached: Mapping[str, int]

    def share(self, step: str) -> Fraction | None:
        return rate(self.reached.get(step, 0), self.called)
