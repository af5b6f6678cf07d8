"""Amounts of one currency in another, at a dated rate that is kept with what was made of it. Pure.

Currencies are never added together (PRODUCT section 9, "Money"): an amount is converted first, exactly, and rounded
once on its line.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from apps.compensation.rules import words

if TYPE_CHECKING:
    from apps.compensation.rules.events import CreditedEvent
    from apps.compensation.rules.terms import Component

KEY, NAME = "conversion", "Conversion"


class OtherCurrencies(StrEnum):
    """What a component does with an amount that is in another currency than its plan."""

    USUAL = ""
    """One flat rate pays in the amount's own currency; bands and quotas, which would compare, refuse."""

    REFUSED = "refused"
    OWN = "own"
    EVENT_DAY = "event_day"
    MONTH_END = "month_end"

    @property
    def converts(self) -> bool:
        return self in (OtherCurrencies.EVENT_DAY, OtherCurrencies.MONTH_END)


@dataclass(frozen=True, slots=True)
class Conversion:
    """One unit of ``from_currency`` is ``rate`` units of ``to_currency``; published for ``on`` by ``source``.

    ``inverted``: the rate was published the other way round, and ``rate`` is one divided by it.
    """

    from_currency: str
    to_currency: str
    rate: Fraction
    on: date
    source: str
    inverted: bool = False

    @property
    def factor(self) -> Fraction:
        """From minor units to minor units: currencies differ in how many make a whole."""
        places = words.exponent(self.to_currency) - words.exponent(self.from_currency)
        return self.rate * Fraction(10) ** places

    @property
    def published(self) -> Fraction:
        return 1 / self.rate if self.inverted else self.rate

    @property
    def in_words(self) -> str:
        """``× 0.92 “EUR per USD, ECB, 31 Oct 2026”``; what stands in quotes is no arithmetic."""
        pair = (self.to_currency, self.from_currency)
        of, per = reversed(pair) if self.inverted else pair
        day = f"{self.on.day} {self.on:%b %Y}"
        sign = "÷" if self.inverted else "×"
        return f"{sign} {_digits(self.published)} “{of} per {per}, {self.source}, {day}”"

    def kept(self, minor: int) -> dict[str, Any]:
        """As a ledger line keeps it; ``minor`` is the amount that was converted, in minor units."""
        return {
            "from": self.from_currency,
            "to": self.to_currency,
            "rate": str(self.rate),
            "published": _digits(self.published),
            "inverted": self.inverted,
            "on": self.on.isoformat(),
            "source": self.source,
            "minor": minor,
        }


def _digits(rate: Fraction) -> str:
    """All decimals of a rate: a published one has ten at most."""
    places = words.places_of(rate)
    assert places is not None, f"{rate} was published by nobody"
    whole, rest = divmod(rate.numerator * 10**places // rate.denominator, 10**places)
    return f"{whole:,}" + (f".{rest:0{places}d}" if places else "")


RateOf = Callable[[str, str, date], Conversion]
"""The conversion from one currency to another on a day; raises ``UnableToEarn`` where no rate is known."""


def rate_day(component: "Component", on: date) -> date:
    """The day whose rate counts for what happened on ``on``."""
    if component.measure.other_currencies is OtherCurrencies.EVENT_DAY:
        return on
    return (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def converted(
    component: "Component", events: "list[CreditedEvent]", currency: str, rate_of: RateOf
) -> "list[CreditedEvent]":
    """``events`` with those in another currency converted to the plan's, where the component asks for it."""
    if not component.measure.other_currencies.converts:
        return events
    return [_converted(component, event, currency, rate_of) for event in events]


def _converted(
    component: "Component", event: "CreditedEvent", currency: str, rate_of: RateOf
) -> "CreditedEvent":
    measure = component.measure
    if event.kind != measure.event or event.capacity != measure.capacity or event.on is None:
        return event
    if not event.currency or event.currency == currency:
        return event
    conversion = rate_of(event.currency, currency, rate_day(component, event.on))
    return replace(event, currency=currency, conversion=conversion)
