"""What limits or delays pay, as a plan document writes it: threshold, cap, floor, split, holdback, clawback,
SPIFF and draw. Read into ``rules.terms``. Pure."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from apps.compensation.rules.rates import Grid, Method, RateTable
from apps.compensation.rules.reading import Reader
from apps.compensation.rules.tables import edge_scale
from apps.compensation.rules.terms import (
    CAPACITIES,
    ONE,
    Bonus,
    Clawback,
    Draw,
    Holdback,
    Measure,
    Release,
    Threshold,
)
from apps.compensation.rules.vocabulary import BandsIn

RELEASING = ("held", "accepted", "stage_1", "stage_2", "won", "paid")


def read_threshold(
    read: Reader,
    component: Mapping[str, Any],
    place: str,
    measure: Measure,
    rates: RateTable | Grid,
    has_quota: bool,
) -> Threshold | None:
    """``threshold``: below it nothing is paid; then everything, or only what is above."""
    if "threshold" not in component:
        return None
    item, where = read.mapping(component, "threshold", place), f"{place}.threshold"
    read.known_keys(item, where, "at", "in", "pays")
    in_quota = read.choice(item, "in", where, [one.value for one in BandsIn]) == "percent_of_quota"
    if in_quota and not has_quota:
        read.wrong(f"{where}.in", "Say in “quota” which quota this is measured against.")
    pays_all = read.choice(item, "pays", where, ("everything", "what_is_above")) == "everything"
    if not pays_all and not (isinstance(rates, RateTable) and rates.method is Method.GRADUATED):
        read.wrong(f"{where}.pays", "Only graduated rates pay what is above: write everything.")
    at = read.number(item.get("at"), f"{where}.at")
    if at == 0:
        read.wrong(f"{where}.at", "A threshold of 0 is none: leave it out.")
    return Threshold(at * edge_scale(measure, in_quota, read.currency), in_quota, pays_all)


def read_limits(read: Reader, component: Mapping[str, Any], place: str) -> tuple[int | None, int | None]:
    """``cap`` and ``floor`` of what the component pays in its period, in minor units."""
    cap, floor = (
        read.whole_minor(component[key], f"{place}.{key}") if key in component else None
        for key in ("cap", "floor")
    )
    if cap is not None and floor is not None and floor > cap:
        read.wrong(f"{place}.floor", "The floor is above the cap.")
    return cap, floor


def read_split(read: Reader, component: Mapping[str, Any], place: str, capacity: str) -> Fraction:
    """``split``: how an event is shared between who sourced and who owns it; this component's part."""
    if "split" not in component:
        return ONE
    item, where = read.mapping(component, "split", place), f"{place}.split"
    read.known_keys(item, where, *CAPACITIES)
    shares = {one: read.number(item.get(one, "0"), f"{where}.{one}") for one in CAPACITIES}
    total = sum(shares.values())
    if total != 100:
        read.wrong(where, f"The shares sum to {_plain(total)} %, not to 100 %.")
    if shares[capacity] == 0:
        read.wrong(f"{where}.{capacity}", "This component pays that role, so its share is above 0.")
    return shares[capacity] / 100


def read_holdback(read: Reader, component: Mapping[str, Any], place: str) -> Holdback | None:
    """``holdback``: a share of each line, and what releases it; the releases sum to 100 %."""
    if "holdback" not in component:
        return None
    item, where = read.mapping(component, "holdback", place), f"{place}.holdback"
    read.known_keys(item, where, "percent", "releases")
    share = read.percent(item.get("percent"), f"{where}.percent")
    releases = []
    for spot, release in read.items(item, "releases", where):
        read.known_keys(release, spot, "on", "label", "percent")
        on = read.choice(release, "on", spot, RELEASING)
        label = read.text(release, "label", spot) if "label" in release else ""
        if label and on != "paid":
            read.wrong(f"{spot}.label", "Only a payment has a label.")
        part = read.percent(release.get("percent", "100"), f"{spot}.percent")
        releases.append(Release(on, part, label))
    total = sum((one.share for one in releases), Fraction(0))
    if releases and total != 1:
        read.wrong(f"{where}.releases", f"The releases sum to {_plain(total * 100)} %, not to 100 %.")
    if len({(one.on, one.label) for one in releases}) != len(releases):
        read.wrong(f"{where}.releases", "Two releases wait for the same thing.")
    return Holdback(share, tuple(releases))


def read_clawback(read: Reader, component: Mapping[str, Any], place: str) -> Clawback | None:
    """``clawback``: the window in days, and full or pro rata."""
    if "clawback" not in component:
        return None
    item, where = read.mapping(component, "clawback", place), f"{place}.clawback"
    read.known_keys(item, where, "within_days", "method")
    days = read.number(item.get("within_days"), f"{where}.within_days", Fraction(1))
    if days.denominator != 1:
        read.wrong(f"{where}.within_days", "Write whole days.")
    return Clawback(int(days), read.choice(item, "method", where, ("full", "pro_rata")) == "pro_rata")


def read_bonus(read: Reader, component: Mapping[str, Any], place: str) -> Bonus | None:
    """``bonus``: a SPIFF's days, the last one excluded, and its budget for all reps together."""
    if "bonus" not in component:
        return None
    item, where = read.mapping(component, "bonus", place), f"{place}.bonus"
    read.known_keys(item, where, "from", "to", "budget")
    starts, ends = read.day(item, "from", where), read.day(item, "to", where)
    budget = read.whole_minor(item["budget"], f"{where}.budget") if "budget" in item else None
    if starts is None or ends is None:
        return None
    if ends <= starts:
        read.wrong(f"{where}.to", "A SPIFF ends after it starts; “to” is the first day no longer.")
    return Bonus(starts, ends, budget)


def read_draw(read: Reader, document: Mapping[str, Any]) -> Draw | None:
    """``draw`` of a plan: an amount for each pay period."""
    if "draw" not in document:
        return None
    item = read.mapping(document, "draw", "")
    read.known_keys(item, "draw", "name", "amount", "recoverable", "paid", "forgiven_on")
    recoverable = read.choice(item, "recoverable", "draw", ("yes", "no")) == "yes"
    forgiven = read.day(item, "forgiven_on", "draw", required=False)
    if forgiven and not recoverable:
        read.wrong("draw.forgiven_on", "What is not taken back needs no forgiving.")
    in_advance = (
        read.choice(item, "paid", "draw", ("with_the_run", "in_advance"), "with_the_run") == "in_advance"
    )
    amount = read.whole_minor(item.get("amount"), "draw.amount")
    return Draw(read.text(item, "name", "draw"), amount, recoverable, in_advance, forgiven)


def _plain(value: Fraction | int) -> str:
    number = Fraction(value)
    return str(number.numerator) if number.denominator == 1 else f"{number.numerator}/{number.denominator}"
