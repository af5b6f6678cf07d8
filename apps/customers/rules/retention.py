"""What is kept of what was running, and who left: by the contracts and the departures alone. Pure.

A contract runs at its amount spread evenly over its days; what was given up is a yearly amount, spread over 365.
Gross retention counts no more than there was at the start, account by account; net counts what was added too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

YEAR = 365


@dataclass(frozen=True)
class Cut:
    """From ``on`` so much less a year, in minor units of the contract's currency."""

    on: date
    yearly_minor: int


@dataclass(frozen=True)
class Running:
    """A contract as the figures read it; both days are included."""

    account: int
    currency: str
    starts_on: date
    ends_on: date
    amount_minor: int
    cuts: tuple[Cut, ...] = ()

    def yearly(self, day: date) -> Fraction:
        """What it is worth a year on ``day``; nothing outside its term, never below nothing."""
        if not self.starts_on <= day <= self.ends_on:
            return Fraction(0)
        whole = Fraction(self.amount_minor * YEAR, (self.ends_on - self.starts_on).days + 1)
        return max(Fraction(0), whole - sum(cut.yearly_minor for cut in self.cuts if cut.on <= day))


def yearly_by_account(
    contracts: Iterable[Running], left_on: Mapping[int, date], day: date
) -> dict[tuple[int, str], Fraction]:
    """What each account is worth a year on ``day``, by currency; who has left is worth nothing."""
    found: dict[tuple[int, str], Fraction] = {}
    for one in contracts:
        gone = left_on.get(one.account)
        worth = one.yearly(day) if gone is None or day < gone else Fraction(0)
        if worth:
            key = (one.account, one.currency)
            found[key] = found.get(key, Fraction(0)) + worth
    return found


@dataclass(frozen=True)
class Kept:
    """One currency over one period: yearly amounts at its start, what was kept of them, and what they are now."""

    currency: str
    at_start: Fraction
    kept: Fraction
    at_end: Fraction

    @property
    def gross(self) -> Fraction | None:
        return self.kept / self.at_start if self.at_start else None

    @property
    def net(self) -> Fraction | None:
        return self.at_end / self.at_start if self.at_start else None


@dataclass(frozen=True)
class Retention:
    """A period ``[start, end)``: customers at its start, those of them gone at its end, money by currency."""

    start: date
    end: date
    customers: int
    gone: frozenset[int]
    money: tuple[Kept, ...]

    @property
    def churn_rate(self) -> Fraction | None:
        return Fraction(len(self.gone), self.customers) if self.customers else None


def retained(contracts: Iterable[Running], left_on: Mapping[int, date], start: date, end: date) -> Retention:
    """Compare the first day of the period with the day after its last."""
    rows = list(contracts)
    before, after = (yearly_by_account(rows, left_on, day) for day in (start, end))
    customers = {account for account, _ in before}
    still = {account for account, _ in after}
    money = []
    for currency in sorted({currency for _, currency in before}):
        of_currency = {key: worth for key, worth in before.items() if key[1] == currency}
        now = {key: after.get(key, Fraction(0)) for key in of_currency}
        money.append(
            Kept(
                currency,
                sum(of_currency.values(), Fraction(0)),
                sum((min(worth, now[key]) for key, worth in of_currency.items()), Fraction(0)),
                sum(now.values(), Fraction(0)),
            )
        )
    return Retention(start, end, len(customers), frozenset(customers - still), tuple(money))


@dataclass(frozen=True)
class Cohort:
    """The accounts whose first contract began in one month."""

    month_on: date
    size: int
    still: int

    @property
    def rate(self) -> Fraction:
        return Fraction(self.still, self.size)


def cohorts(contracts: Iterable[Running], left_on: Mapping[int, date], day: date) -> tuple[Cohort, ...]:
    """By month, the earliest first: how many began, and how many are customers on ``day``."""
    rows = [one for one in contracts if one.starts_on <= day]
    first: dict[int, date] = {}
    for one in rows:
        first[one.account] = min(first.get(one.account, one.starts_on), one.starts_on)
    here = {account for account, _ in yearly_by_account(rows, left_on, day)}
    months = sorted({day.replace(day=1) for day in first.values()})
    return tuple(
        Cohort(
            month,
            sum(1 for began in first.values() if began.replace(day=1) == month),
            sum(1 for account, began in first.items() if began.replace(day=1) == month and account in here),
        )
        for month in months
    )
