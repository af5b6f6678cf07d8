"""A plan document, read into plain values.

The format is described in ``docs/compensation.md``; format 1 is read as well. Pure. Everything that is wrong is
found at once and named by its place (``components[0].rates.bands[2].from``), so that nobody mends a plan one
error at a time. ``rules.writing`` is the way back.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from apps.compensation.rules.conditions import read_conditions
from apps.compensation.rules.conversion import KEY as CONVERSION_KEY
from apps.compensation.rules.conversion import OtherCurrencies
from apps.compensation.rules.currencies import ISO_4217
from apps.compensation.rules.limits import (
    read_bonus,
    read_clawback,
    read_draw,
    read_holdback,
    read_limits,
    read_split,
    read_threshold,
)
from apps.compensation.rules.rates import Grid, Method, RateTable
from apps.compensation.rules.reading import PlanInvalid, Reader
from apps.compensation.rules.tables import read_multipliers, read_rates
from apps.compensation.rules.terms import (
    CAPACITIES,
    PAYABLE_EVENTS,
    QUOTA_MEASURES,
    Component,
    Measure,
    PlanRules,
    QuotaRule,
    Term,
)
from apps.compensation.rules.vocabulary import BandsIn, Basis, Pays, Scope

__all__ = ["FORMAT", "FORMATS", "ROLES", "PlanInvalid", "parse_plan"]

FORMAT_1, FORMAT = "salesportal.plan/1", "salesportal.plan/2"
FORMATS = (FORMAT_1, FORMAT)
ROLES = ("sdr", "ae", "am", "csm", "manager")
_COMPONENT_1 = ("key", "name", "measure", "scope", "pays", "target", "quota", "bands_in", "rates")
_COMPONENT_2 = (
    *_COMPONENT_1, "basis", "split", "threshold", "multipliers", "cap", "floor", "holdback", "clawback", "bonus",
)  # fmt: skip


def parse_plan(document: Any) -> PlanRules:
    """The plan that ``document`` says. Raises ``PlanInvalid`` with everything that is wrong."""
    if not isinstance(document, Mapping):
        raise PlanInvalid([("", "A plan is a JSON object.")])
    read = Reader()
    head = ("format", "name", "role", "currency", "effective_on", "ends_on", "notes", "components")
    is_first = document.get("format") == FORMAT_1
    read.known_keys(document, "", *head, *(() if is_first else ("draw",)))
    if document.get("format") not in FORMATS:
        read.wrong("format", f"Write {FORMAT}: this portal reads no other (but {FORMAT_1}).")
    read.currency = _currency(read, document)
    name = read.text(document, "name", "")
    role = read.choice(document, "role", "", ROLES[:4] if is_first else ROLES)
    starts = read.day(document, "effective_on", "", required=False)
    ends = read.day(document, "ends_on", "", required=False)
    if starts and ends and ends <= starts:
        read.wrong("ends_on", "A plan ends after it starts.")
    notes = document.get("notes", "")
    if not isinstance(notes, str):
        read.wrong("notes", "Write a text.")
        notes = ""
    components = [
        _component(read, item, where, _COMPONENT_1 if is_first else _COMPONENT_2)
        for where, item in read.items(document, "components", "")
    ]
    _keys_once(read, components)
    draw = read_draw(read, document)
    if read.problems:
        raise PlanInvalid(read.problems)
    return PlanRules(name, role, read.currency, tuple(components), draw, starts, ends, notes)


def _currency(read: Reader, document: Mapping[str, Any]) -> str:
    currency = document.get("currency")
    if currency in ISO_4217:
        return str(currency)
    read.wrong("currency", f"Write an ISO 4217 code, such as EUR; {currency!r} is none.")
    return ""


def _keys_once(read: Reader, components: list[Component]) -> None:
    seen: set[str] = {"draw", CONVERSION_KEY}
    for index, component in enumerate(components):
        if component.key in seen:
            own = {"draw": "is the draw's", CONVERSION_KEY: "is the conversion's"}
            used = own.get(component.key, "is used twice")
            read.wrong(f"components[{index}].key", f"“{component.key}” {used}: a key names one component.")
        seen.add(component.key)


def _component(read: Reader, item: Mapping[str, Any], place: str, known: tuple[str, ...]) -> Component:
    read.known_keys(item, place, *known)
    key = read.text(item, "key", place, most=40)
    if key and not key.replace("_", "").isalnum():
        read.wrong(f"{place}.key", "Use letters, digits and underscores.")
    is_first = known is _COMPONENT_1
    scope = Scope(
        read.choice(item, "scope", place, ("own",) if is_first else [one.value for one in Scope], "own")
    )
    basis = Basis(read.choice(item, "basis", place, [one.value for one in Basis], "run"))
    measure = _measure(read, read.mapping(item, "measure", place), f"{place}.measure", is_first)
    pays = Pays(read.choice(item, "pays", place, [one.value for one in Pays]))
    bands_in = BandsIn(read.choice(item, "bands_in", place, [one.value for one in BandsIn], default="units"))
    quota = None
    if "quota" in item:
        quota = _quota(read, read.mapping(item, "quota", place), f"{place}.quota", scope)
    rates = read_rates(read, read.mapping(item, "rates", place), f"{place}.rates", measure, pays, bands_in)
    multipliers = read_multipliers(read, item, place, measure, rates, quota is not None)
    threshold = read_threshold(read, item, place, measure, rates, quota is not None)
    cap, floor = read_limits(read, item, place)
    component = Component(
        key=key,
        name=read.text(item, "name", place),
        measure=measure,
        pays=pays,
        rates=rates,
        bands_in=bands_in,
        quota=quota,
        target_minor=_target(read, item, place, pays),
        scope=scope,
        basis=basis,
        split=read_split(read, item, place, measure.capacity),
        threshold=threshold,
        multipliers=multipliers,
        cap_minor=cap,
        floor_minor=floor,
        holdback=read_holdback(read, item, place),
        clawback=read_clawback(read, item, place),
        bonus=read_bonus(read, item, place),
    )
    _agrees(read, place, component)
    return component


def _agrees(read: Reader, place: str, one: Component) -> None:
    """What only shows when the parts of a component are held against each other."""
    money = one.measure.sums_amounts
    if one.measure.other_currencies is OtherCurrencies.OWN and one.needs_one_currency:
        read.wrong(
            f"{place}.measure.other_currencies",
            "Bands, quotas, targets and budgets would compare two currencies: convert, or refuse.",
        )
    by_target = one.pays in (Pays.PERCENT_OF_TARGET, Pays.TARGET_BY_BAND)
    if one.pays is Pays.PERCENT_OF_AMOUNT and not money:
        read.wrong(f"{place}.pays", "A percentage of the amount needs a measure that sums amounts.")
    if one.pays is Pays.PER_UNIT and money:
        read.wrong(f"{place}.pays", "Pay per unit needs a measure that counts.")
    if (one.bands_in is BandsIn.PERCENT_OF_QUOTA or one.pays is Pays.PERCENT_OF_TARGET) and one.quota is None:
        read.wrong(f"{place}.quota", "Say which quota this is measured against.")
    if one.pays is Pays.PERCENT_OF_TARGET and one.bands_in is not BandsIn.PERCENT_OF_QUOTA:
        read.wrong(f"{place}.bands_in", "A target incentive is paid by attainment: write percent_of_quota.")
    if one.quota is not None and one.quota.is_money != money:
        read.wrong(
            f"{place}.quota.measure", "The quota and the measure must both count, or both sum amounts."
        )
    if isinstance(one.rates, Grid):
        if by_target:
            read.wrong(f"{place}.rates.method", "A grid pays per unit, or a percentage of the amount.")
        if "attainment" in (one.rates.columns.by, one.rates.rows.by) and one.quota is None:
            read.wrong(f"{place}.quota", "Say which quota the grid's attainment is measured against.")
    elif one.pays is Pays.TARGET_BY_BAND:
        if one.rates.method is not Method.WHOLE:
            read.wrong(
                f"{place}.rates.method", "The reached band names the share of the target: write whole."
            )
        if one.holdback or one.clawback or one.multipliers or one.threshold or one.scope is Scope.TEAM_POOL:
            says = "A share of the target by band is one line for the period: it takes only cap and floor."
            read.wrong(f"{place}.pays", says)
    if one.bonus and one.bonus.budget_minor is not None:
        if not one.is_flat or one.scope is not Scope.OWN or one.basis is not Basis.RUN:
            says = "A SPIFF with a budget pays each rep’s own events at one flat rate, run by run."
            read.wrong(f"{place}.bonus.budget", says)
    if one.scope is Scope.TEAM_POOL and (
        one.cap_minor is not None or one.floor_minor is not None or one.holdback
    ):
        read.wrong(f"{place}.scope", "A pool takes no cap, floor or holdback.")
    if one.basis is not Basis.RUN and one.holdback and isinstance(one.rates, RateTable):
        if one.rates.method is Method.WHOLE:
            read.wrong(
                f"{place}.holdback", "What is trued up later cannot be held back: use graduated rates."
            )


def _measure(read: Reader, item: Mapping[str, Any], place: str, is_first: bool) -> Measure:
    more = () if is_first else ("figure", "unit", "term", "not_below_zero", "no_shows", "other_currencies")
    read.known_keys(item, place, "event", "capacity", "of", "where", *more)
    events = [one for one in PAYABLE_EVENTS if not (is_first and one == "paid")]
    event = read.choice(item, "event", place, events)
    capacity = read.choice(item, "capacity", place, CAPACITIES)
    of = read.choice(item, "of", place, ("count", "amount") if is_first else ("count", "amount", "figure"))
    figure, is_money = "", False
    if of == "figure":
        figure = read.text(item, "figure", place, most=40)
        is_money = read.choice(item, "unit", place, ("money", "number")) == "money"
    elif "figure" in item or "unit" in item:
        read.wrong(f"{place}.figure", "Only a measure of a figure names one.")
    return Measure(
        event,
        capacity,
        of,
        figure,
        is_money,
        read_conditions(read, item, place),
        _term(read, item, place, of),
        read.yes(item, "not_below_zero", place),
        read.choice(item, "no_shows", place, ("pay", "left_out"), _no_shows(event, is_first)) == "pay",
        _other_currencies(read, item, place, is_money or of == "amount"),
    )


def _other_currencies(
    read: Reader, item: Mapping[str, Any], place: str, sums_amounts: bool
) -> OtherCurrencies:
    if "other_currencies" not in item:
        return OtherCurrencies.USUAL
    if not sums_amounts:
        read.wrong(f"{place}.other_currencies", "Only an amount or a figure in money has a currency.")
    said = [one.value for one in OtherCurrencies if one.value]
    return OtherCurrencies(read.choice(item, "other_currencies", place, said))


def _no_shows(event: str, is_first: bool) -> str:
    """A booking or hand-off whose meeting nobody came to does not pay, unless the plan says so."""
    return "left_out" if event in ("booked", "handed_off") and not is_first else "pay"


def _term(read: Reader, item: Mapping[str, Any], place: str, of: str) -> Term | None:
    if "term" not in item:
        return None
    term, where = read.mapping(item, "term", place), f"{place}.term"
    read.known_keys(term, where, "figure", "years")
    if of == "count":
        read.wrong(where, "Only an amount is divided by its years.")
    years = read.number(term.get("years", 1), f"{where}.years", Fraction(1))
    if years.denominator != 1:
        read.wrong(f"{where}.years", "Write whole years.")
    return Term(read.text(term, "figure", where, most=40), int(years))


def _quota(read: Reader, item: Mapping[str, Any], place: str, scope: Scope) -> QuotaRule:
    read.known_keys(item, place, "measure", "ramp_percent", "of")
    measure = read.choice(item, "measure", place, QUOTA_MEASURES)
    ramp = read.number(item.get("ramp_percent", "100"), f"{place}.ramp_percent")
    if ramp > 100 or ramp == 0:
        read.wrong(
            f"{place}.ramp_percent", "The share of the quota during the ramp is above 0 and at most 100."
        )
    usual = "team" if scope in (Scope.TEAM, Scope.TEAM_POOL) else "rep"
    return QuotaRule(measure, ramp / 100, read.choice(item, "of", place, ("rep", "team"), usual) == "team")


def _target(read: Reader, item: Mapping[str, Any], place: str, pays: Pays) -> int | None:
    if pays not in (Pays.PERCENT_OF_TARGET, Pays.TARGET_BY_BAND):
        if "target" in item:
            read.wrong(f"{place}.target", "Only percent_of_target and target_by_band have a target.")
        return None
    return read.whole_minor(item.get("target"), f"{place}.target")
