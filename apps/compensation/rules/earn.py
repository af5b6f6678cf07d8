"""What credited events earn under a plan: one line an event and component, with its arithmetic in words.

Pure and exact: bases are fractions, and each line is rounded once, half up, to the minor unit (PRODUCT
section 9, "Money"). Which events a rep is credited with, and in which order, is read elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.compensation.rules import words
from apps.compensation.rules.plan import BandsIn, Component, Pays, PlanRules, QuotaRule
from apps.compensation.rules.rates import Piece, RateTable
from apps.core.errors import DomainError
from apps.core.money import allocate, round_half_up

WHOLE_SHARE = 1_000_000

Quotas = Mapping[QuotaRule, int | None]
"""The prorated target that each rule asks for, in minor units or a count; ``None`` where there is none."""


class UnableToEarn(DomainError):
    """The plan cannot be applied to what happened: a quota is missing, or a currency is another."""

    code = "unable_to_earn"


@dataclass(frozen=True, slots=True)
class CreditedEvent:
    """One event with the rep's share in it, in millionths. ``amount_minor`` is the whole event's."""

    event_id: int
    kind: str
    capacity: str
    share: int = WHOLE_SHARE
    amount_minor: int | None = None
    currency: str = ""
    is_exploration: bool = False


@dataclass(frozen=True, slots=True)
class LinePart:
    """The part of a line that lies in one band; parts sum to the line, by largest remainder."""

    band: str
    base: Fraction
    rate: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Line:
    """What one event earned in one component, before anything that was paid for it earlier.

    ``base`` is a count, or minor units of ``currency``; ``exact`` is the pay in minor units before rounding;
    ``place`` is the event's number in the component (1 is the first of the period).
    """

    component: Component
    event: CreditedEvent
    currency: str
    base: Fraction
    place: int
    parts: tuple[LinePart, ...]
    exact: Fraction
    amount_minor: int
    formula: str

    @property
    def band(self) -> str:
        return ", ".join(part.band for part in self.parts)

    @property
    def rate(self) -> str:
        return ", ".join(part.rate for part in self.parts)


def earn(plan: PlanRules, events: Sequence[CreditedEvent], quotas: Quotas | None = None) -> list[Line]:
    """The lines of one rep and period, by component, in the order of ``events``, which is the record's.

    Raises ``UnableToEarn`` when a component has events and no quota to measure them by, or when their
    currency is not the plan's and bands would have to compare the two.
    """
    lines: list[Line] = []
    for component in plan.components:
        chosen = [event for event in events if _counts(component, event)]
        for currency, group in _by_currency(component, chosen, plan.currency).items():
            lines.extend(_component_lines(component, group, currency, quotas or {}))
    return lines


def _counts(component: Component, event: CreditedEvent) -> bool:
    measure = component.measure
    return (
        event.kind == measure.event
        and event.capacity == measure.capacity
        and (measure.exploration is None or event.is_exploration == measure.exploration)
    )


def _by_currency(
    component: Component, events: Iterable[CreditedEvent], currency: str
) -> dict[str, list[CreditedEvent]]:
    """Events by the currency that they are paid in. Currencies are never added together."""
    if component.pays is Pays.PER_UNIT:
        chosen = list(events)
        return {currency: chosen} if chosen else {}
    groups: dict[str, list[CreditedEvent]] = {}
    for event in events:
        own = event.currency or currency
        if own != currency and not (component.rates.is_flat and component.quota is None):
            raise UnableToEarn(
                f"Event {event.event_id} is in {own}, and the bands of “{component.name}” are in {currency}: "
                "put the rep on a plan in that currency, or give the component one flat rate."
            )
        groups.setdefault(own, []).append(event)
    return groups


def _component_lines(
    component: Component, events: list[CreditedEvent], currency: str, quotas: Quotas
) -> list[Line]:
    quota = _quota(component, quotas)
    table = component.rates
    if component.bands_in is BandsIn.PERCENT_OF_QUOTA:
        table = table.scaled(Fraction(quota or 0))
    bases = [_base(component, event) for event in events]
    total = sum(bases, Fraction(0))
    before = Fraction(0)
    lines = []
    for place, (event, base) in enumerate(zip(events, bases, strict=True), 1):
        lines.append(_line(component, table, event, base, before, total, place, currency, quota))
        before += base
    return lines


def _quota(component: Component, quotas: Quotas) -> int | None:
    if component.quota is None:
        return None
    quota = quotas.get(component.quota)
    if not quota or quota < 0:
        raise UnableToEarn(
            f"“{component.name}” is measured against the quota “{component.quota.measure}”, and there is "
            "none above zero for the period: set it, then compute again."
        )
    return quota


def _base(component: Component, event: CreditedEvent) -> Fraction:
    """The credited part: a share of one, or of the amount (below zero in a correction)."""
    whole = (event.amount_minor or 0) if component.measure.sums_amounts else 1
    return Fraction(whole * event.share, WHOLE_SHARE)


def _line(
    component: Component,
    table: RateTable,
    event: CreditedEvent,
    base: Fraction,
    before: Fraction,
    total: Fraction,
    place: int,
    currency: str,
    quota: int | None,
) -> Line:
    pieces = table.split(before, base, total)
    exact_parts = [_pay(component, piece, quota) for piece in pieces]
    exact = sum(exact_parts, Fraction(0))
    amount = round_half_up(exact)
    parts = tuple(
        LinePart(piece.band.label, piece.base, component.rate_in_words(piece.band, currency), part)
        for piece, part in zip(pieces, _share_out(amount, exact_parts), strict=True)
    )
    formula = _formula(component, event, pieces, exact, amount, currency, quota)
    return Line(component, event, currency, base, place, parts, exact, amount, formula)


def _pay(component: Component, piece: Piece, quota: int | None) -> Fraction:
    if component.pays is Pays.PERCENT_OF_TARGET:
        return Fraction(component.target_minor or 0) * piece.base / (quota or 1) * piece.band.rate
    return piece.base * piece.band.rate


def _share_out(amount: int, exact_parts: list[Fraction]) -> list[int]:
    """The rounded line over its bands, so that the parts sum to it."""
    weights = [abs(part) for part in exact_parts]
    if len(weights) == 1:
        return [amount]
    return allocate(amount, weights) if any(weights) else [0] * len(weights)


def _formula(
    component: Component,
    event: CreditedEvent,
    pieces: list[Piece],
    exact: Fraction,
    amount: int,
    currency: str,
    quota: int | None,
) -> str:
    """``€38,000.00 × 50 % credit × 0.20 % = €38.00``; what was rounded says so."""
    if component.measure.sums_amounts and event.amount_minor is None:
        return f"No amount was given, so there is nothing to pay on: {words.money(0, currency)}"
    whole_credit = event.share == WHOLE_SHARE
    terms = []
    for piece in pieces:
        base = piece.base
        if whole_credit or len(pieces) > 1:
            text = _base_in_words(component, base, currency)
        else:
            text = _base_in_words(component, base * WHOLE_SHARE / event.share, currency)
            text += f" × {words.credit(Fraction(event.share, WHOLE_SHARE))} credit"
        if component.pays is Pays.PERCENT_OF_TARGET:
            goal = _base_in_words(component, Fraction(quota or 1), currency)
            text = f"{words.money(component.target_minor or 0, currency)} × ({text} ÷ {goal})"
        terms.append(f"{text} × {component.rate_in_words(piece.band, currency)}")
    result = words.money(exact, currency)
    if exact.denominator != 1:
        result += f", rounded to {words.money(amount, currency)}"
    return f"{' + '.join(terms)} = {result}"


def _base_in_words(component: Component, base: Fraction, currency: str) -> str:
    if component.measure.sums_amounts:
        return words.money(base, currency)
    unit = component.measure.unit
    return f"{words.decimal(base)} {unit}" + ("" if base == 1 else "s")
