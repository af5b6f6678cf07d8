"""The pictures of a replay: the slope of each person from what was to what would have been, and bars by period."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from apps.compensation.models import ReplayPay
from apps.compensation.presentation_replay import Sides, number_word, sides, verb
from apps.compensation.selectors.replay_results import ReplayResults
from apps.core.money import quantize, to_major

SLOPES = 12
"""More lines than this nobody reads: those who change most are drawn, and the table has everybody."""

_LEAST_GAP = Fraction(6)


@dataclass(frozen=True)
class Slope:
    """A line from what was to what would have been; heights and the label's place in percent from the bottom."""

    name: str
    change: str
    kind: str
    start: str
    end: str
    label: str
    from_top_start: str
    from_top_end: str


@dataclass(frozen=True)
class SlopeChart:
    """The picture: lines, the ticks of its scale, a sentence, and how many people are drawn of how many."""

    slopes: list[Slope]
    ticks: list[tuple[str, str]]
    sentence: tuple[str, str]
    drawn: int
    people: int
    from_words: str


def slope_chart(found: ReplayResults, alternative: int) -> SlopeChart:
    """The people whose pay changes most, as slopes on one scale, labels kept apart."""
    both = sides(found, alternative)
    drawn = [*both.gain, *both.lose] or both.same
    order = sorted(drawn, key=lambda one: (-abs(one.change(alternative)), one.name))[:SLOPES]
    values = [one.pay[place] for one in order for place in (ReplayPay.IN_FORCE, alternative)]
    ticks = scale(values, found.currency)
    low, high = ticks[0], ticks[-1]
    place = {minor: _percent(minor, low, high) for minor in {*values, *ticks}}
    ends = _apart([(one.rep_id, place[one.pay[alternative]]) for one in order])
    slopes = [
        Slope(
            one.name,
            _short(one.change(alternative), found.currency),
            "gain" if one.change(alternative) > 0 else "loss" if one.change(alternative) < 0 else "same",
            _css(place[one.pay[ReplayPay.IN_FORCE]]),
            _css(place[one.pay[alternative]]),
            _css(ends[one.rep_id]),
            _css(100 - place[one.pay[ReplayPay.IN_FORCE]]),
            _css(100 - place[one.pay[alternative]]),
        )
        for one in order
    ]
    return SlopeChart(
        slopes,
        [(_tick(minor, found.currency), _css(place[minor])) for minor in ticks],
        _slope_sentence(both),
        len(order),
        len(found.people),
        _tick(low, found.currency),
    )


def _slope_sentence(both: Sides) -> tuple[str, str]:
    if not both.gain and not both.lose:
        return "Every line is level.", ""
    moves = [
        f"{number_word(len(some))} {verb(word, some)}" if some else f"none {word}s"
        for word, some in (("rise", both.gain), ("fall", both.lose))
    ]
    first = f"Of {number_word(len(both.gain) + len(both.lose))} lines {', '.join(moves)}."
    said = []
    if both.gain:
        said.append(f"{both.gain[0].name} gains most")
    if both.lose:
        said.append(f"{both.lose[0].name} loses most")
    return first, f"{'; '.join(said)}." if said else ""


def scale(values: Sequence[int], currency: str) -> list[int]:
    """Four to nine round marks, in minor units, around all ``values``."""
    low, high = min(values, default=0), max(values, default=0)
    unit = int(1 / to_major(1, currency)) if values else 100
    spread = max(high - low, unit)
    step = unit
    while spread / step > 6:
        step = step * 5 // 2 if str(step // unit).startswith("2") else step * 2
    first = low // step * step
    last = max(-(-high // step) * step, first + step)
    return list(range(first, last + step, step))


def _percent(minor: int, low: int, high: int) -> Fraction:
    return Fraction(100 * (minor - low), high - low)


def _css(value: Fraction) -> str:
    return str(quantize(value, 2))


def _apart(places: Iterable[tuple[int, Fraction]]) -> dict[int, Fraction]:
    """Labels from the lowest up, each at least a line's height above the one below, none above the top."""
    found: dict[int, Fraction] = {}
    ordered = sorted(places, key=lambda one: (one[1], one[0]))
    last = None
    for key, place in ordered:
        found[key] = place if last is None else max(place, last + _LEAST_GAP)
        last = found[key]
    ceiling = Fraction(100)
    for key, _ in reversed(ordered):
        found[key] = min(found[key], ceiling)
        ceiling = found[key] - _LEAST_GAP
    return found


def _short(minor: int, currency: str) -> str:
    """The change in whole units, for beside a line."""
    whole = quantize(to_major(abs(minor), currency), 0)
    return f"{'+ ' if minor > 0 else '− ' if minor < 0 else ''}{whole:,}"


def _tick(minor: int, currency: str) -> str:
    whole = to_major(minor, currency)
    if abs(whole) >= 10_000 and whole % 1000 == 0:
        return f"{quantize(whole / 1000, 0):,}k"
    return f"{quantize(whole, 0):,}"


def month_bars(found: ReplayResults, alternative: int) -> dict[str, Any]:
    """The two sums of each pay period, as bars on one scale from zero."""
    values = [row.pay[place] for row in found.by_period for place in (ReplayPay.IN_FORCE, alternative)]
    top = scale([0, *values], found.currency)[-1]

    def width(minor: int) -> str:
        return _css(max(_percent(minor, 0, top), Fraction(0)))

    return {
        "rows": [
            {
                "name": row.name,
                "before": width(row.pay[ReplayPay.IN_FORCE]),
                "after": width(row.pay[alternative]),
                "change": _short(row.pay[alternative] - row.pay[ReplayPay.IN_FORCE], found.currency),
            }
            for row in found.by_period
        ],
        "ticks": [(_tick(top * part // 4, found.currency), 25 * part) for part in range(5)],
    }
