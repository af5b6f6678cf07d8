"""A plan document: what it may say, and its reading into plain values.

The format is described in ``docs/compensation.md``. Pure. Everything that is wrong is found at once and named
by its place (``components[0].rates.bands[2].from``), so that nobody mends a plan one error at a time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import Any

from apps.compensation.rules import words
from apps.compensation.rules.rates import Band, Method, RateTable
from apps.core.errors import InvalidInput

FORMAT = "salesportal.plan/1"


class Pays(StrEnum):
    """What a component pays by."""

    PER_UNIT = "per_unit"
    PERCENT_OF_AMOUNT = "percent_of_amount"
    PERCENT_OF_TARGET = "percent_of_target"


class BandsIn(StrEnum):
    """What the edges of the bands are measured in."""

    UNITS = "units"
    PERCENT_OF_QUOTA = "percent_of_quota"


# The facts that can be paid for, and what one of them is called. Activity is not among them: activity alone
# never pays (PRODUCT section 9).
PAYABLE_EVENTS = {
    "booked": "meeting",
    "handed_off": "hand-off",
    "held": "meeting",
    "accepted": "meeting",
    "stage_1": "opportunity",
    "stage_2": "opportunity",
    "won": "win",
}
CAPACITIES = ("sourced", "owned")
ROLES = ("sdr", "ae", "am", "csm")
QUOTA_IN_MONEY = {"amount_accepted": True, "amount_won": True, "pipeline": True}
QUOTA_MEASURES = {**QUOTA_IN_MONEY, "meetings_accepted": False, "converted_leads": False}


class PlanInvalid(InvalidInput):
    """The document is not a plan. ``problems`` lists (place, sentence)."""

    code = "plan_invalid"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(
            " ".join(f"{place}: {says}" if place else says for place, says in problems), field=problems[0][0]
        )
        self.problems = problems


@dataclass(frozen=True)
class Measure:
    """Which credited events count, and whether they are counted or their amounts summed."""

    event: str
    capacity: str
    sums_amounts: bool
    exploration: bool | None = None
    """``True``: only exploration; ``False``: only within the ideal customer profile; ``None``: both."""

    @property
    def unit(self) -> str:
        return PAYABLE_EVENTS[self.event]


@dataclass(frozen=True)
class QuotaRule:
    """Which quota of the rep the component is measured against, and its share during the ramp."""

    measure: str
    ramp_share: Fraction

    @property
    def is_money(self) -> bool:
        return QUOTA_MEASURES[self.measure]


@dataclass(frozen=True)
class Component:
    """One way of earning. ``target_minor`` is the incentive at 100 %, for percent of target only."""

    key: str
    name: str
    measure: Measure
    pays: Pays
    rates: RateTable
    bands_in: BandsIn = BandsIn.UNITS
    quota: QuotaRule | None = None
    target_minor: int | None = None

    @property
    def rule_in_words(self) -> str:
        """``graduated, per meeting``."""
        basis = {
            Pays.PER_UNIT: f"per {self.measure.unit}",
            Pays.PERCENT_OF_AMOUNT: f"percent of the amount {_PAST[self.measure.event]}",
            Pays.PERCENT_OF_TARGET: "percent of the target incentive by attainment",
        }[self.pays]
        return f"{'flat' if self.rates.is_flat else self.rates.method.value}, {basis}"

    @property
    def counts_when(self) -> str:
        """When an event counts, in words."""
        condition = {None: "", True: ", exploration only", False: ", exploration left out"}
        who = "who sourced it" if self.measure.capacity == "sourced" else "who owns it"
        happens = _COUNTS_WHEN[self.measure.event]
        return f"{happens}; credited to {who}, by its date{condition[self.measure.exploration]}"

    def rate_in_words(self, band: Band, currency: str) -> str:
        if self.pays is Pays.PER_UNIT:
            return words.money(band.rate, currency)
        return words.percent(band.rate)


_PAST = {
    "booked": "at booking", "handed_off": "at hand-off", "held": "at the meeting",
    "accepted": "at acceptance",    "stage_1": "at stage 1", "stage_2": "at stage 2", "won": "won",
}  # fmt: skip
_COUNTS_WHEN = {
    "booked": "A meeting is booked",
    "handed_off": "A lead is handed off",
    "held": "A meeting is held",
    "accepted": "An AE accepts the meeting",
    "stage_1": "An opportunity opens at stage 1",
    "stage_2": "An opportunity reaches stage 2",
    "won": "An opportunity is won",
}


@dataclass(frozen=True)
class PlanRules:
    """A whole plan as plain values. Rates per unit and targets are in minor units of ``currency``."""

    name: str
    role: str
    currency: str
    components: tuple[Component, ...] = field(default=())

    @property
    def quota_rules(self) -> tuple[QuotaRule, ...]:
        return tuple({c.quota: None for c in self.components if c.quota is not None})

    @property
    def events(self) -> frozenset[str]:
        return frozenset(component.measure.event for component in self.components)

    def component(self, key: str) -> Component | None:
        return next((component for component in self.components if component.key == key), None)


class _Reader:
    """Reads values out of a document and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def wrong(self, place: str, says: str) -> None:
        self.problems.append((place, says))

    def known_keys(self, value: Mapping[str, Any], place: str, *allowed: str) -> None:
        for key in value:
            if key not in allowed:
                says = f"“{key}” is not known here; known are {', '.join(allowed)}."
                self.wrong(_join(place, key), says)

    def text(self, value: Mapping[str, Any], key: str, place: str, most: int = 80) -> str:
        found = value.get(key)
        if not isinstance(found, str) or not found.strip() or len(found) > most:
            self.wrong(_join(place, key), f"Write a text of 1 to {most} characters.")
            return ""
        return found.strip()

    def choice(
        self, value: Mapping[str, Any], key: str, place: str, allowed: Any, default: str | None = None
    ) -> str:
        found = value.get(key, default)
        if found not in tuple(allowed):
            self.wrong(_join(place, key), f"Choose one of {', '.join(allowed)}; {found!r} is none of them.")
            return next(iter(allowed))
        return str(found)

    def number(self, found: Any, place: str, least: Fraction | None = Fraction(0)) -> Fraction:
        """A whole number, or a decimal in quotes: a bare decimal would be a float, which is not exact."""
        if isinstance(found, float):
            self.wrong(place, f'Write {found} in quotes ("{found}"): a bare decimal is not exact.')
            return Fraction(0)
        if isinstance(found, bool) or not isinstance(found, (int, str)):
            self.wrong(place, "Write a number, decimals in quotes.")
            return Fraction(0)
        try:
            number = Fraction(Decimal(found))
        except (InvalidOperation, ValueError, OverflowError):
            self.wrong(place, f"{found!r} is not a number.")
            return Fraction(0)
        if least is not None and number < least:
            self.wrong(place, f"{found} is below {least}.")
        return number

    def mapping(self, value: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
        found = value.get(key)
        if not isinstance(found, Mapping):
            self.wrong(_join(place, key), "This part is missing, or is not an object.")
            return {}
        return found

    def items(
        self, value: Mapping[str, Any], key: str, place: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        found = value.get(key)
        if not isinstance(found, list) or not found:
            self.wrong(_join(place, key), "Give at least one.")
            return
        for index, item in enumerate(found):
            where = f"{_join(place, key)}[{index}]"
            if isinstance(item, Mapping):
                yield where, item
            else:
                self.wrong(where, "This is not an object.")


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def parse_plan(document: Any) -> PlanRules:
    """Read a plan document. Raises ``PlanInvalid`` with everything that is wrong, each by its place."""
    read = _Reader()
    if not isinstance(document, Mapping):
        raise PlanInvalid([("", "A plan is a JSON object.")])
    read.known_keys(
        document, "", "format", "name", "role", "currency", "effective_on", "ends_on", "notes", "components"
    )
    if document.get("format") != FORMAT:
        read.wrong("format", f"Write “{FORMAT}”: this portal reads no other.")
    currency = document.get("currency")
    if (
        not isinstance(currency, str)
        or len(currency) != 3
        or not currency.isascii()
        or not currency.isupper()
    ):
        read.wrong("currency", "Write an ISO 4217 code such as EUR.")
        currency = "EUR"
    name = read.text(document, "name", "")
    role = read.choice(document, "role", "", ROLES)
    components = []
    for place, item in read.items(document, "components", ""):
        components.append(_component(read, item, place, currency))
    keys = [component.key for component in components]
    for index, key in enumerate(keys):
        if key and key in keys[:index]:
            read.wrong(
                f"components[{index}].key", f"“{key}” is used twice; each component has a key of its own."
            )
    if read.problems:
        raise PlanInvalid(read.problems)
    return PlanRules(name, role, currency, tuple(components))


def _component(read: _Reader, item: Mapping[str, Any], place: str, currency: str) -> Component:
    read.known_keys(
        item, place, "key", "name", "measure", "scope", "pays", "bands_in", "quota", "target", "rates"
    )
    key = read.text(item, "key", place, most=40)
    if key and not key.replace("_", "").isalnum():
        read.wrong(f"{place}.key", "Use letters, digits and underscores.")
    read.choice(item, "scope", place, ("own",), default="own")
    measure = _measure(read, read.mapping(item, "measure", place), f"{place}.measure")
    pays = Pays(read.choice(item, "pays", place, [one.value for one in Pays]))
    bands_in = BandsIn(read.choice(item, "bands_in", place, [one.value for one in BandsIn], default="units"))
    quota = None
    if "quota" in item:
        quota = _quota(read, read.mapping(item, "quota", place), f"{place}.quota")
    _agrees(read, place, measure, pays, bands_in, quota)
    target = _target(read, item, place, pays, currency)
    rates = _rates(
        read, read.mapping(item, "rates", place), f"{place}.rates", measure, pays, bands_in, currency
    )
    return Component(key, read.text(item, "name", place), measure, pays, rates, bands_in, quota, target)


def _agrees(
    read: _Reader, place: str, measure: Measure, pays: Pays, bands_in: BandsIn, quota: QuotaRule | None
) -> None:
    if pays is Pays.PERCENT_OF_AMOUNT and not measure.sums_amounts:
        read.wrong(f"{place}.pays", "A percentage of the amount needs a measure that sums amounts.")
    if pays is Pays.PER_UNIT and measure.sums_amounts:
        read.wrong(f"{place}.pays", "Pay per unit needs a measure that counts.")
    needs_quota = bands_in is BandsIn.PERCENT_OF_QUOTA or pays is Pays.PERCENT_OF_TARGET
    if needs_quota and quota is None:
        read.wrong(f"{place}.quota", "Say which quota this is measured against.")
    if pays is Pays.PERCENT_OF_TARGET and bands_in is not BandsIn.PERCENT_OF_QUOTA:
        read.wrong(f"{place}.bands_in", "A target incentive is paid by attainment: write percent_of_quota.")
    if quota is not None and quota.is_money != measure.sums_amounts:
        read.wrong(
            f"{place}.quota.measure", "The quota and the measure must both count, or both sum amounts."
        )


def _measure(read: _Reader, item: Mapping[str, Any], place: str) -> Measure:
    read.known_keys(item, place, "event", "capacity", "of", "where")
    event = read.choice(item, "event", place, PAYABLE_EVENTS)
    capacity = read.choice(item, "capacity", place, CAPACITIES)
    of = read.choice(item, "of", place, ("count", "amount"))
    where = item.get("where", {})
    exploration = None
    if not isinstance(where, Mapping):
        read.wrong(f"{place}.where", "This is not an object.")
    else:
        read.known_keys(where, f"{place}.where", "exploration")
        if "exploration" in where:
            exploration = read.choice(where, "exploration", f"{place}.where", ("yes", "no")) == "yes"
    return Measure(event, capacity, of == "amount", exploration)


def _quota(read: _Reader, item: Mapping[str, Any], place: str) -> QuotaRule:
    read.known_keys(item, place, "measure", "ramp_percent")
    measure = read.choice(item, "measure", place, QUOTA_MEASURES)
    ramp = read.number(item.get("ramp_percent", "100"), f"{place}.ramp_percent")
    if ramp > 100 or ramp == 0:
        read.wrong(
            f"{place}.ramp_percent", "The share of the quota during the ramp is above 0 and at most 100."
        )
    return QuotaRule(measure, ramp / 100)


def _target(read: _Reader, item: Mapping[str, Any], place: str, pays: Pays, currency: str) -> int | None:
    if pays is not Pays.PERCENT_OF_TARGET:
        if "target" in item:
            read.wrong(f"{place}.target", "Only percent_of_target has a target.")
        return None
    minor = _minor(read, item.get("target"), f"{place}.target", currency)
    if minor.denominator != 1:
        read.wrong(f"{place}.target", f"{currency} has no such fraction.")
    return int(minor)


def _minor(read: _Reader, found: Any, place: str, currency: str) -> Fraction:
    return read.number(found, place) * 10 ** words.exponent(currency)


def _rates(
    read: _Reader,
    item: Mapping[str, Any],
    place: str,
    measure: Measure,
    pays: Pays,
    bands_in: BandsIn,
    currency: str,
) -> RateTable:
    read.known_keys(item, place, "method", "bands")
    method = Method(read.choice(item, "method", place, [one.value for one in Method]))
    edges: list[tuple[str, Fraction, Fraction | None, Fraction]] = []
    for where, band in read.items(item, "bands", place):
        read.known_keys(band, where, "from", "to", "rate")
        lower = read.number(band.get("from"), f"{where}.from")
        upper = read.number(band["to"], f"{where}.to") if band.get("to") is not None else None
        rate = read.number(band.get("rate"), f"{where}.rate")
        rate = rate * 10 ** words.exponent(currency) if pays is Pays.PER_UNIT else rate / 100
        edges.append((where, lower, upper, rate))
    _contiguous(read, edges)
    # Amounts are written in major units and percentages of a quota as percentages.
    in_quota = bands_in is BandsIn.PERCENT_OF_QUOTA
    scale = (
        Fraction(1, 100)
        if in_quota
        else Fraction(10 ** words.exponent(currency) if measure.sums_amounts else 1)
    )
    unit = " % of quota" if in_quota else ""
    flat = len(edges) == 1
    return RateTable(
        method,
        tuple(
            Band(
                lower * scale,
                None if upper is None else upper * scale,
                rate,
                "flat" if flat else _label(lower, upper, unit),
            )
            for _, lower, upper, rate in edges
        ),
    )


def _label(lower: Fraction, upper: Fraction | None, unit: str) -> str:
    if upper is None:
        return f"{words.decimal(lower)}{unit} and more"
    return f"{words.decimal(lower)} to {words.decimal(upper)}{unit}"


def _contiguous(read: _Reader, edges: list[tuple[str, Fraction, Fraction | None, Fraction]]) -> None:
    """Bands begin at zero, follow each other without a gap or an overlap, and the last has no end."""
    expected: Fraction | None = Fraction(0)
    for index, (where, lower, upper, _) in enumerate(edges):
        if expected is None:
            read.wrong(f"{where}.from", "The band above has no end, so nothing can follow it.")
        elif index == 0 and lower != 0:
            read.wrong(f"{where}.from", "The first band starts at 0.")
        elif lower > expected:
            gap = f"{words.decimal(expected)} to {words.decimal(lower)}"
            read.wrong(f"{where}.from", f"{gap} has no rate. Start at {words.decimal(expected)}.")
        elif lower < expected:
            twice = f"{words.decimal(lower)} to {words.decimal(expected)}"
            read.wrong(f"{where}.from", f"{twice} has two rates. Start at {words.decimal(expected)}.")
        if upper is not None and upper <= lower:
            read.wrong(f"{where}.to", "A band ends above where it starts.")
        expected = upper
    if edges and expected is not None:
        read.wrong(
            f"{edges[-1][0]}.to", "The last band has no end: leave “to” out, or nothing above is paid."
        )
