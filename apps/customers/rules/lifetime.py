"""What a customer is worth over its life, by one written formula. Pure, exact: fractions, days, minor units.

For each currency, with everything taken from the record:

    value    = margin × (won + expected)
    won      = what was won with the account, net of wins that were taken back
    expected = won ÷ days under contract × days still to come
    days still to come = mean life of a customer − days under contract, never below zero; none after churn
    mean life = customer-days of the last 365 days ÷ customers that left within them

``expected`` needs at least ``LEAST_LEFT`` departures and ``LEAST_CUSTOMERS`` customers; with fewer it is left
out, and the page says so. Currencies are never added. (docs/customers.md)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from apps.core.money import round_half_up

OBSERVED_DAYS = 365
LEAST_LEFT = 5
LEAST_CUSTOMERS = 20


@dataclass(frozen=True)
class Life:
    """What was observed of all customers: how long they were there, and how many left."""

    customers: int
    customer_days: int
    left: int

    @property
    def is_enough(self) -> bool:
        return self.left >= LEAST_LEFT and self.customers >= LEAST_CUSTOMERS

    @property
    def mean_days(self) -> Fraction | None:
        """Days that a customer stays on average; ``None`` while too little was seen."""
        return Fraction(self.customer_days, self.left) if self.is_enough else None


@dataclass(frozen=True)
class Span:
    """Days from ``starts_on`` to ``ends_on``, both included."""

    starts_on: date
    ends_on: date

    @property
    def days(self) -> int:
        return max(0, (self.ends_on - self.starts_on).days + 1)


def covered(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same days, each once: spans that overlap or meet become one, the earliest first."""
    found: list[Span] = []
    for one in sorted(spans, key=lambda span: (span.starts_on, span.ends_on)):
        if found and one.starts_on <= found[-1].ends_on + timedelta(days=1):
            last = found.pop()
            found.append(Span(last.starts_on, max(last.ends_on, one.ends_on)))
        elif one.days:
            found.append(one)
    return tuple(found)


def observed(contracts: Mapping[int, Iterable[Span]], left_on: Mapping[int, date], on: date) -> Life:
    """What the last ``OBSERVED_DAYS`` before ``on`` show. ``contracts`` and ``left_on`` are by account.

    A customer's days end with the day before it left.
    """
    first, last = on - timedelta(days=OBSERVED_DAYS), on - timedelta(days=1)
    customers = days = 0
    for account, spans in contracts.items():
        gone = left_on.get(account)
        until = last if gone is None else min(last, gone - timedelta(days=1))
        seen = sum(Span(max(one.starts_on, first), min(one.ends_on, until)).days for one in covered(spans))
        days += seen
        customers += seen > 0
    left = sum(1 for day in left_on.values() if first <= day <= last)
    return Life(customers, days, left)


@dataclass(frozen=True)
class LifetimeValue:
    """One account in one currency, with every step of the arithmetic. Amounts are minor units."""

    currency: str
    won_minor: int
    covered_days: int
    mean_days: Fraction | None
    has_left: bool
    margin_percent: int

    @property
    def days_to_come(self) -> Fraction | None:
        """``None`` where it cannot be told: too few departures, or no contract to take a day's worth from."""
        if self.has_left:
            return Fraction(0)
        if self.mean_days is None or not self.covered_days:
            return None
        return max(Fraction(0), self.mean_days - self.covered_days)

    @property
    def a_day(self) -> Fraction | None:
        """What was won for each day under contract, in minor units."""
        return Fraction(self.won_minor, self.covered_days) if self.covered_days else None

    @property
    def expected(self) -> Fraction | None:
        if self.days_to_come is None:
            return None
        if self.days_to_come == 0:
            return Fraction(0)
        return None if self.a_day is None else self.a_day * self.days_to_come

    @property
    def value_minor(self) -> int:
        """Rounded once, half up; without the expected part where it cannot be told."""
        return round_half_up((self.won_minor + (self.expected or 0)) * Fraction(self.margin_percent, 100))

    @property
    def expected_minor(self) -> int | None:
        return None if self.expected is None else round_half_up(self.expected)
