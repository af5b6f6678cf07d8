"""Credited events as pay sees them: whether one counts in a component, and what it weighs there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from apps.compensation.rules import words
from apps.compensation.rules.conditions import holds
from apps.compensation.rules.conversion import Conversion
from apps.compensation.rules.terms import ONE, Component, Condition, Measure
from apps.core.errors import DomainError

WHOLE_SHARE = 1_000_000


class UnableToEarn(DomainError):
    """The plan cannot be applied to what happened: a quota or figure is missing, or a currency is another."""

    code = "unable_to_earn"


@dataclass(frozen=True, slots=True)
class Ended:
    """The event was reversed ``days`` calendar days after its own, by the event ``by_id``."""

    days: int
    by_id: int


# Neither this nor Weight is frozen, though nobody changes one: a run makes a million of each, and a frozen one takes
# three times as long to make.
@dataclass(slots=True)
class CreditedEvent:
    """One event with the rep's share in it, in millionths. ``amount_minor`` is the whole event's.

    ``figures`` are numbers that came with it (money in major units), ``facts`` what conditions ask for. With
    ``conversion`` its money is in that one's currency still, and ``currency`` is the one it is paid in.
    """

    event_id: int
    kind: str
    capacity: str
    share: int = WHOLE_SHARE
    amount_minor: int | None = None
    currency: str = ""
    is_exploration: bool = False
    figures: Mapping[str, Fraction] | None = None
    facts: Mapping[str, Any] | None = None
    is_no_show: bool = False
    ended: Ended | None = None
    source: str = ""
    on: date | None = None
    conversion: Conversion | None = None

    @property
    def own_currency(self) -> str:
        """The currency that its amount and figures are in."""
        return self.conversion.from_currency if self.conversion else self.currency

    @property
    def worth(self) -> Fraction:
        """The whole amount in minor units of ``currency``; nothing where there is none."""
        return (self.amount_minor or 0) * (self.conversion.factor if self.conversion else ONE)

    @property
    def source_key(self) -> str:
        return self.source or f"event:{self.event_id}"

    @property
    def is_plain(self) -> bool:
        """Whether nothing but its share tells it from another of its kind where events are counted."""
        return self.ended is None and self.figures is None

    def figure(self, name: str) -> Fraction | None:
        """A number that came with the event; ``None`` when it did not."""
        return (self.figures or {}).get(name)


def counts(component: Component, event: CreditedEvent) -> bool:
    """Whether ``component`` looks at ``event`` at all."""
    measure = component.measure
    if event.kind != measure.event or event.capacity != measure.capacity:
        return False
    if event.ended is not None and component.clawback is None:
        return False
    if event.is_no_show and not measure.no_shows_pay:
        return False
    if component.bonus is not None and not _in_days(component, event):
        return False
    return not measure.conditions or all(meets(condition, event) for condition in measure.conditions)


def _in_days(component: Component, event: CreditedEvent) -> bool:
    bonus = component.bonus
    return bonus is None or event.on is None or bonus.starts_on <= event.on < bonus.ends_on


def meets(condition: Condition, event: CreditedEvent) -> bool:
    """Whether ``condition`` holds for ``event``."""
    what = condition.field
    if what == "exploration":
        known: Any = event.is_exploration
    elif what == "amount":
        known = _major(event)
    elif what == "currency":
        known = event.currency
    elif what.startswith("figure:"):
        known = event.figure(what.removeprefix("figure:"))
    else:
        known = (event.facts or {}).get(what)
    return holds(condition, {what: known})


def _major(event: CreditedEvent) -> Fraction | None:
    if event.amount_minor is None:
        return None
    return event.worth / 10 ** words.exponent(event.currency)


@dataclass(slots=True)
class Weight:
    """What an event weighs in a component: ``base`` is the product of ``factors``, and ``text`` says so.

    ``missing`` names what was not given, where there is nothing to pay on; ``note`` says how it was converted.
    """

    base: Fraction
    factors: tuple[Fraction, ...]
    text: str
    missing: str = ""
    note: str = ""


def weight(component: Component, event: CreditedEvent, currency: str) -> Weight:
    """The credited part of ``event``: a share of one, of the amount, or of a figure.

    Raises ``UnableToEarn`` when the amount is for several years and the event does not say for how many.
    """
    measure = component.measure
    whole, missing = _value(measure, event, currency)
    text = in_measure(measure, whole, event.own_currency or currency)
    factors, note = [whole], ""
    if event.conversion is not None and measure.sums_amounts and not missing:
        factors.append(event.conversion.factor)
        note = f"{text} {event.conversion.in_words}"
        text = note
    if event.share != WHOLE_SHARE:
        share, said = _credited(event.share)
        factors.append(share)
        text += said
    if component.split != 1:
        factors.append(component.split)
        text += f" × {words.credit(component.split)} split"
    if measure.term is not None and not missing:
        years, counted = _years(component, event)
        factors.append(counted / years)
        text += f" ÷ {words.decimal(years)} years"
        text += f" × {words.decimal(counted)} years" if counted != 1 else ""
    if event.ended is not None and component.clawback is not None:
        kept = component.clawback.kept(event.ended.days)
        if kept != 1:
            factors.append(kept)
            text += _kept_in_words(kept, event.ended.days, component.clawback.within_days)
    base = whole
    for factor in factors[1:]:
        base *= factor
    return Weight(base, tuple(factors), text, missing, note)


@lru_cache(maxsize=4096)
def _credited(millionths: int) -> tuple[Fraction, str]:
    share = Fraction(millionths, WHOLE_SHARE)
    return share, f" × {words.credit(share)} credit"


def weights(component: Component, events: Sequence[CreditedEvent], currency: str) -> list[Weight]:
    """``weight`` of each event; what is alike is worked out once. Raises as ``weight``."""
    alike: dict[int, Weight] = {}
    found = []
    for event in events:
        if component.measure.of == "count" and event.is_plain:
            one = alike.get(event.share)
            if one is None:
                one = alike[event.share] = weight(component, event, currency)
        else:
            one = weight(component, event, currency)
        found.append(one)
    return found


def _kept_in_words(kept: Fraction, days: int, window: int) -> str:
    return " × 0 kept" if kept == 0 else f" × {days} ÷ {window} days kept"


def _value(measure: Measure, event: CreditedEvent, currency: str) -> tuple[Fraction, str]:
    if measure.of == "count":
        return ONE, ""
    if measure.of == "amount":
        found = None if event.amount_minor is None else Fraction(event.amount_minor)
        name = "amount"
    else:
        figure = event.figure(measure.figure)
        scale = 10 ** words.exponent(event.own_currency or currency) if measure.figure_is_money else 1
        found, name = (None if figure is None else figure * scale), measure.figure.replace("_", " ")
    if found is None:
        return Fraction(0), name
    return (max(found, Fraction(0)) if measure.not_below_zero else found), ""


def _years(component: Component, event: CreditedEvent) -> tuple[Fraction, Fraction]:
    term = component.measure.term
    assert term is not None
    years = event.figure(term.figure)
    if years is None or years <= 0:
        raise UnableToEarn(
            f"“{component.name}” divides the amount by “{term.figure}”, and event {event.event_id} says none "
            "above zero: record it, then compute again."
        )
    return years, min(years, Fraction(term.years))


def in_measure(measure: Measure, base: Fraction, currency: str) -> str:
    """A base in words: money, or ``2.5 meetings``; what no decimal writes exactly as a division."""
    if measure.sums_amounts:
        return words.exactly(base, currency)
    number = (
        words.decimal(base)
        if words.places_of(base) is not None
        else f"({base.numerator} ÷ {base.denominator})"
    )
    return f"{number} {measure.unit}" + ("" if base == 1 else "s")
