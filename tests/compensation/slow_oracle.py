"""What a plan document pays, worked out slowly and by other means than the engine's.

It reads the document itself (nothing of ``apps`` is imported) and knows only fractions. Where the engine cuts an
amount into pieces, this adds up a density over the running total; where the engine looks bands up, this tries
each one. The engine is held against it case by case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import floor
from typing import Any

Document = Mapping[str, Any]
Key = tuple[str, str, str]
"""Component, source, currency."""

PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}


class Refused(Exception):
    """The plan cannot be applied to these deals."""


@dataclass(frozen=True)
class Deal:
    """A credited event as somebody would tell it. ``share`` in millionths, ``amount`` in minor units.

    ``gone_after``: it was reversed so many days later.
    """

    number: int
    kind: str
    capacity: str
    share: int = 1_000_000
    amount: int | None = None
    currency: str = "EUR"
    figures: Mapping[str, str] = field(default_factory=dict)
    industry: str = ""
    exploration: bool = False
    no_show: bool = False
    day: date = date(2026, 1, 15)
    gone_after: int | None = None
    source: str = ""


def rounded(value: Fraction) -> int:
    """To a whole number, a half away from zero."""
    nearest = floor(abs(value) + Fraction(1, 2))
    return -nearest if value < 0 else nearest


def pay_of(
    document: Document, deals: Sequence[Deal], quotas: Mapping[str, int | None], days: Fraction = Fraction(1)
) -> dict[Key, int]:
    """Every line of the period in minor units. ``quotas`` by measure; ``days`` is the part of them on the plan."""
    found: dict[Key, int] = {}
    for component in document["components"]:
        lines = component_lines(component, deals, document["currency"], quotas)
        found.update(lines)
        found.update(limits(component, lines, document["currency"], days))
    return found


def component_lines(
    component: Document, deals: Sequence[Deal], currency: str, quotas: Mapping[str, int | None]
) -> dict[Key, int]:
    """The lines of one component, without cap and floor."""
    counted = [deal for deal in deals if looks_at(component, deal)]
    groups: dict[str, list[Deal]] = {}
    for deal in counted:
        paid_in = (deal.currency or currency) if is_money(component) else currency
        if paid_in != currency and not is_flat(component):
            raise Refused(f"{deal.number} is in {paid_in}")
        groups.setdefault(paid_in, []).append(deal)
    found: dict[Key, int] = {}
    for paid_in, group in groups.items():
        found.update(_group(component, group, currency, paid_in, quotas))
    return found


def limits(component: Document, lines: Mapping[Key, int], currency: str, days: Fraction) -> dict[Key, int]:
    """What brings the component down to its cap, or up to its floor."""
    sums = sum(minor for (_, _, paid_in), minor in lines.items() if paid_in == currency)
    unit = 10 ** PLACES[currency]
    if "cap" in component and sums > Fraction(component["cap"]) * unit:
        return {(component["key"], "cap", currency): int(Fraction(component["cap"]) * unit) - sums}
    if "floor" in component:
        least = rounded(Fraction(component["floor"]) * unit * days)
        if sums < least:
            return {(component["key"], "floor", currency): least - sums}
    return {}


# --- Which deals count, and for how much -----------------------------------------------------------


def is_money(component: Document) -> bool:
    measure = component["measure"]
    return measure["of"] == "amount" or (measure["of"] == "figure" and measure["unit"] == "money")


def is_flat(component: Document) -> bool:
    rates = component["rates"]
    compares = {"quota", "threshold", "cap", "floor"} & set(component)
    factors = any("bands" in one for one in component.get("multipliers", ()))
    return rates["method"] != "grid" and len(rates["bands"]) == 1 and not compares and not factors


def looks_at(component: Document, deal: Deal) -> bool:
    measure = component["measure"]
    if (deal.kind, deal.capacity) != (measure["event"], measure["capacity"]):
        return False
    if deal.gone_after is not None and "clawback" not in component:
        return False
    usual = "left_out" if measure["event"] in ("booked", "handed_off") else "pay"
    if deal.no_show and measure.get("no_shows", usual) == "left_out":
        return False
    if "bonus" in component:
        first, end = (date.fromisoformat(component["bonus"][edge]) for edge in ("from", "to"))
        if deal.day < first or deal.day >= end:
            return False
    return all(is_true(row, deal) for row in measure.get("where", ()))


def is_true(row: Document, deal: Deal) -> bool:
    said = row["value"] if isinstance(row["value"], list) else [row["value"]]
    what, how = row["field"], row["is"]
    known: Any
    if what == "industry":
        known, said = deal.industry.lower() or None, [one.lower() for one in said]
    elif what == "exploration":
        known = "yes" if deal.exploration else "no"
    elif what == "currency":
        known, said = deal.currency.lower() or None, [one.lower() for one in said]
    else:
        if what == "amount":
            known = None if deal.amount is None else Fraction(deal.amount, 10 ** PLACES[deal.currency])
        else:
            written = deal.figures.get(what.partition(":")[2])
            known = None if written is None else Fraction(written)
        said = [Fraction(one) for one in said]
    if known is None:
        return bool(how == "is_not")
    if how == "at_least":
        return bool(known >= said[0])
    if how == "below":
        return bool(known < said[0])
    return any(known == one for one in said) is (how != "is_not")


def worth(component: Document, deal: Deal, paid_in: str) -> Fraction:
    """The credited part of the deal: units, or minor units."""
    measure = component["measure"]
    if measure["of"] == "count":
        value = Fraction(1)
    elif measure["of"] == "amount":
        value = Fraction(deal.amount or 0)
        missing = deal.amount is None
    else:
        value = Fraction(deal.figures.get(measure["figure"], "0"))
        value *= 10 ** PLACES[paid_in] if measure["unit"] == "money" else 1
        missing = measure["figure"] not in deal.figures
    if measure.get("not_below_zero") == "yes" and value < 0:
        value = Fraction(0)
    value = value * deal.share / 1_000_000
    if "split" in component:
        value = value * Fraction(component["split"][measure["capacity"]]) / 100
    if "term" in measure and not missing:
        years = Fraction(deal.figures.get(measure["term"]["figure"], "0"))
        if years <= 0:
            raise Refused(f"{deal.number} says no years")
        value = value / years * min(years, Fraction(measure["term"].get("years", 1)))
    if deal.gone_after is not None:
        clawback = component["clawback"]
        window = int(clawback["within_days"])
        if deal.gone_after < window:
            value = value * deal.gone_after / window if clawback["method"] == "pro_rata" else Fraction(0)
    return value


# --- What is paid for them --------------------------------------------------------------------------


def _group(
    component: Document, deals: list[Deal], currency: str, paid_in: str, quotas: Mapping[str, int | None]
) -> dict[Key, int]:
    goal = Fraction(0)
    if "quota" in component:
        given = quotas.get(component["quota"]["measure"])
        if not given or given < 0:
            raise Refused("no quota")
        goal = Fraction(given)
    worths = [worth(component, deal, paid_in) for deal in deals]
    total = sum(worths, Fraction(0))
    unit = 10 ** PLACES[currency]
    if component["pays"] == "target_by_band":
        share = _reached(_bands(component, component["rates"]["bands"], "rate", currency, goal), total) / 100
        return {(component["key"], "target", paid_in): rounded(Fraction(component["target"]) * unit * share)}
    # What one unit of pay stands for: a minor unit, a hundredth, or a part of the target.
    scale = {
        "per_unit": Fraction(unit),
        "percent_of_amount": Fraction(1, 100),
        "percent_of_target": Fraction(component.get("target", "0")) * unit / 100 / (goal or 1),
    }[component["pays"]]
    found: dict[Key, int] = {}
    running = Fraction(0)
    for deal, own in zip(deals, worths, strict=True):
        if _below_cliff(component, total, currency, goal):
            value = Fraction(0)
        elif component["rates"]["method"] == "grid":
            value = own * _cell(component, deal, total, currency, goal)
        elif component["rates"]["method"] == "whole":
            rates = _bands(component, component["rates"]["bands"], "rate", currency, goal)
            value = own * _reached(rates, total)
        else:
            value = _area(component, running, running + own, currency, goal)
        for one in component.get("multipliers", ()):
            value *= _factor(component, one, deal, total, currency, goal)
        found[component["key"], deal.source or f"event:{deal.number}", paid_in] = rounded(value * scale)
        running += own
    return found


_Bands = list[tuple[Fraction, Fraction | None, Fraction]]


def _edge(component: Document, written: str, in_quota: bool, currency: str, goal: Fraction) -> Fraction:
    value = Fraction(written)
    if in_quota:
        return value * goal / 100
    return value * 10 ** PLACES[currency] if is_money(component) else value


def _bands(
    component: Document,
    written: Sequence[Document],
    value: str,
    currency: str,
    goal: Fraction,
    in_quota: bool | None = None,
) -> _Bands:
    by_quota = component.get("bands_in") == "percent_of_quota" if in_quota is None else in_quota
    return [
        (
            _edge(component, band["from"], by_quota, currency, goal),
            _edge(component, band["to"], by_quota, currency, goal) if "to" in band else None,
            Fraction(band[value]),
        )
        for band in written
    ]


def _reached(bands: _Bands, value: Fraction) -> Fraction:
    found = bands[0][2]
    for lower, _, rate in bands:
        if value >= lower:
            found = rate
    return found


def _area(component: Document, start: Fraction, end: Fraction, currency: str, goal: Fraction) -> Fraction:
    """The density of pay between two running totals, added up; backwards it is taken away."""
    if end < start:
        return -_area(component, end, start, currency, goal)
    rates = _bands(component, component["rates"]["bands"], "rate", currency, goal)
    factors = [
        _bands(component, one["bands"], "times", currency, goal, one["bands_in"] == "percent_of_quota")
        for one in component.get("multipliers", ())
        if one.get("method") == "graduated"
    ]
    nothing_below = None
    threshold = component.get("threshold")
    if threshold and threshold["pays"] == "what_is_above":
        nothing_below = _edge(
            component, threshold["at"], threshold["in"] == "percent_of_quota", currency, goal
        )
    cuts = {start, end, *(lower for table in (rates, *factors) for lower, _, _ in table)}
    if nothing_below is not None:
        cuts.add(nothing_below)
    inside = sorted(cut for cut in cuts if start <= cut <= end)
    area = Fraction(0)
    for low, high in zip(inside, inside[1:], strict=False):
        middle = (low + high) / 2
        density = (
            Fraction(0) if nothing_below is not None and middle < nothing_below else _reached(rates, middle)
        )
        for table in factors:
            density *= _reached(table, middle)
        area += (high - low) * density
    return area


def _below_cliff(component: Document, total: Fraction, currency: str, goal: Fraction) -> bool:
    threshold = component.get("threshold")
    if not threshold or threshold["pays"] != "everything":
        return False
    return total < _edge(component, threshold["at"], threshold["in"] == "percent_of_quota", currency, goal)


def _factor(
    component: Document, one: Document, deal: Deal, total: Fraction, currency: str, goal: Fraction
) -> Fraction:
    if "where" in one:
        return Fraction(one["times"]) if all(is_true(row, deal) for row in one["where"]) else Fraction(1)
    if one["method"] == "graduated":
        return Fraction(1)
    in_quota = one["bands_in"] == "percent_of_quota"
    return _reached(_bands(component, one["bands"], "times", currency, goal, in_quota), total)


def _cell(component: Document, deal: Deal, total: Fraction, currency: str, goal: Fraction) -> Fraction:
    def place(side: Document) -> int:
        by = side["by"]
        unit = 10 ** PLACES[currency]
        if by == "amount":
            value = Fraction(deal.amount or 0, unit)
        elif by == "total":
            value = total / unit if is_money(component) else total
        elif by == "attainment":
            value = total / goal * 100
        else:
            value = Fraction(deal.figures.get(by.partition(":")[2], "0"))
        return max(sum(value >= Fraction(start) for start in side["from"]) - 1, 0)

    rates = component["rates"]
    return Fraction(rates["rates"][place(rates["rows"])][place(rates["columns"])])
