"""The picture of a pay curve: places on the screen in percent, ticks, a sentence, and the table behind it.

Floats are used for places on the screen only; every figure shown is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from apps.compensation.rules import words
from apps.compensation.rules.curve import (
    Curve,
    curve,
    edges_of,
    meeting_points,
    pay_at,
    usual_quota,
    worked_out,
)
from apps.compensation.rules.events import UnableToEarn, in_measure
from apps.compensation.rules.rates import Grid
from apps.compensation.rules.terms import Component
from apps.core.money import in_words, to_major

_ROWS = 5


@dataclass(frozen=True)
class BandShown:
    """One step of a worked example: what lies in it, its rate and its pay."""

    band: str
    base: str
    rate: str
    pay: str


def _tick_word(minor: int, currency: str) -> str:
    major = to_major(minor, currency)
    return f"{major:,.0f}" if major == int(major) else f"{major:,}"


def _pay_ticks(most: int, currency: str) -> list[int]:
    """Round amounts in minor units that reach ``most``."""
    unit = 10 ** words.exponent(currency)
    rough = max(most, unit) / 4
    power = unit
    while power * 10 <= rough:
        power *= 10
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    count = -(-max(most, 1) // step)
    return [step * at for at in range(count + 1)]


def _total_word(component: Component, total: Fraction, currency: str, quota: int | None) -> str:
    if quota:
        return f"{words.decimal(Fraction(round(total * 1000 / quota), 10))} %"
    if component.measure.sums_amounts:
        return _tick_word(int(total), currency)
    return words.decimal(Fraction(round(total * 10), 10))


def _line(points: Sequence[tuple[Fraction, int]], most: Fraction, top: int) -> str:
    return " ".join(f"{float(total / most) * 100:.2f},{100 - pay * 100 / top:.2f}" for total, pay in points)


def curve_picture(
    component: Component,
    currency: str,
    quota: int | None,
    before: Component | None,
    before_name: str,
    now_name: str,
) -> dict[str, Any]:
    """What a template needs to draw the pay of ``component``, and of the version before it where it was there."""
    goal = None
    if component.quota is not None:
        goal = quota or usual_quota(component, currency)
    try:
        now = curve(component, currency, goal)
        old = _comparable(component, before, currency, goal, now)
    except UnableToEarn as error:
        return {"missing": error.message}
    shown = [now, *([old] if old else [])]
    top = max([point.pay_minor for one in shown for point in one.points] + [1])
    ticks = _pay_ticks(top, currency)
    top = ticks[-1]
    totals = [now.most * at / (_ROWS - 1) for at in range(_ROWS)]
    rows = [
        {
            "word": _total_word(component, total, currency, goal),
            "base": in_measure(component.measure, _whole(component, total), currency),
            "now": in_words(pay_at(component, total, currency, goal), currency),
            "was": in_words(old.pay_at(total), currency) if old else "",
        }
        for total in totals
    ]
    return {
        "line": _line([(one.total, one.pay_minor) for one in now.points], now.most, top),
        "old": _line([(one.total, one.pay_minor) for one in old.points], now.most, top) if old else "",
        "ticks": [{"at": f"{tick * 100 / top:.2f}", "figure": _tick_word(tick, currency)} for tick in ticks],
        "words": [
            {
                "at": f"{at * 100 / (_ROWS - 1):.2f}",
                "word": _total_word(component, total, currency, goal),
            }
            for at, total in enumerate(totals)
        ],
        "rows": rows,
        "sentence": _sentence(component, currency, goal, now, old, before_name),
        "axis": _axis(component, currency, goal),
        "before_name": before_name,
        "now_name": now_name,
        "assumed": component.quota is not None and not quota,
        "quota_word": in_measure(component.measure, Fraction(goal), currency) if goal else "",
        "is_grid": isinstance(component.rates, Grid),
    }


def _whole(component: Component, total: Fraction) -> Fraction:
    return Fraction(int(total)) if component.measure.sums_amounts else Fraction(round(total * 100), 100)


def _comparable(
    component: Component, before: Component | None, currency: str, goal: int | None, now: Curve
) -> Curve | None:
    """The curve of the version before, where both are drawn over the same measure."""
    if before is None or before.measure.sums_amounts != component.measure.sums_amounts:
        return None
    other = goal or (usual_quota(before, currency) if before.quota is not None else None)
    return curve(before, currency, other, now.most)


def _axis(component: Component, currency: str, goal: int | None) -> str:
    if goal:
        return f"{currency}, against attainment ({in_measure(component.measure, Fraction(goal), currency)} = 100 %)"
    return f"{currency}, against {'the amount' if component.measure.sums_amounts else component.measure.unit + 's'}"


def _telling(component: Component, currency: str) -> Fraction:
    """The last edge, where something changes; else a round total."""
    edges = edges_of(component, None)
    return edges[-1] if edges else Fraction(usual_quota(component, currency))


def _sentence(
    component: Component, currency: str, goal: int | None, now: Curve, old: Curve | None, before_name: str
) -> str:
    at = Fraction(goal) if goal else _telling(component, currency)
    place = "At 100 % of the quota" if goal else f"At {_total_word(component, at, currency, goal)}"
    if not goal:
        place += "" if component.measure.sums_amounts else f" {component.measure.unit}s"
    pay = pay_at(component, at, currency, goal)
    said = f"{place} it pays {in_words(pay, currency)}"
    if old is None:
        return said + "."
    gap = pay - old.pay_at(at)
    if gap == 0:
        said += f", as {before_name} does."
    else:
        said += f", {in_words(abs(gap), currency)} {'more' if gap > 0 else 'less'} than {before_name}."
    meets = meeting_points(now, old)
    if meets:
        where = ", ".join(_total_word(component, total, currency, goal) for total in meets[:3])
        said += f" The two meet at about {where}."
    return said


def worked_example(component: Component, currency: str, quota: int | None, total: Fraction) -> dict[str, Any]:
    """One total worked out band by band, with its formula in words."""
    goal = (quota or usual_quota(component, currency)) if component.quota is not None else None
    try:
        lines = worked_out(component, total, currency, goal)
    except UnableToEarn as error:
        return {"missing": error.message}
    bands = [
        BandShown(
            one.band, in_measure(component.measure, one.base, currency), one.rate,
            in_words(one.amount_minor, currency),
        )
        for line in lines
        for one in line.parts
    ]  # fmt: skip
    return {
        "total": in_measure(component.measure, total, currency),
        "attainment": f"{words.decimal(Fraction(round(total * 1000 / goal), 10))} % of quota" if goal else "",
        "bands": bands,
        "beside": [line.formula for line in lines if line.event is None],
        "formula": lines[0].formula if lines and lines[0].event is not None else "",
        "pay": in_words(sum(line.amount_minor for line in lines), currency),
    }


def usual_total(component: Component, currency: str, quota: int | None) -> Fraction:
    """A telling total to work out: 120 % of the quota, else four fifths of the curve."""
    goal = (quota or usual_quota(component, currency)) if component.quota is not None else None
    if goal:
        return Fraction(int(Fraction(goal) * Fraction(6, 5)))
    far = curve(component, currency, None).most
    return Fraction(int(far * Fraction(4, 5)))
