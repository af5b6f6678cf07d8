"""Geometry of a statement's waterfall, for the page's SVG and for the PDF. Pure: plain values in and out.

Floats are places on the screen only. Figures are minor units in words; the total is summed here, so that the picture
cannot disagree with the table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from apps.core.money import to_major

WIDTH, HEIGHT = 692.0, 196.0
_TOP, _BOTTOM = 34.0, 162.0
_ZIGZAG = 11.5


def figure(minor: int, currency: str) -> str:
    """``− 1,234.50``: without the currency, with a true minus."""
    text = f"{to_major(abs(minor), currency):,}"
    return f"− {text}" if minor < 0 else text


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: where its bar stands, in units of the picture, and what is written above and below."""

    word: str
    figure: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    line_y: float
    next_x: float
    torn: str = ""

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def right(self) -> float:
        return round(self.x + self.width, 1)

    @property
    def figure_y(self) -> float:
        return round(self.y - 7, 1)

    @property
    def is_end(self) -> bool:
        """Whether the bar stands on the ground: what was earned, and what is payable."""
        return self.kind in ("sum", "net")


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Bars from the first step to their sum, and the rows of the table behind them."""

    bars: tuple[Bar, ...]
    rows: tuple[tuple[str, str], ...]
    ground: float
    cut_at: str
    label: str


def waterfall(steps: Sequence[tuple[str, int]], currency: str, total: str = "Payable") -> Waterfall:
    """``steps`` are words and amounts in minor units, the first being where it starts; ``total`` is drawn last.

    Where what is added or taken off would be too thin to see, the bars are cut at a round amount, which is said.
    """
    levels, running = [], 0
    for _, amount in steps:
        levels.append((running, running + amount))
        running += amount
    amounts = [*(amount for _, amount in steps), running]
    names = [*(word for word, _ in steps), total]
    reached = [after for _, after in levels] or [0]
    high, low = max([*reached, 0]), min([*reached, 0])
    cut = _cut_at(min(reached), high) if low == 0 else 0
    low = cut or low
    scale = (_BOTTOM - _TOP) / ((high - low) or 1)
    pitch = WIDTH / len(names)
    wide = min(pitch * 0.66, 96.0)
    bars = []
    for at, (name, amount, (start, end)) in enumerate(
        zip(names, amounts, [*levels, (0, running)], strict=True)
    ):
        lower, upper = sorted((max(start, low), max(end, low)))
        y = _BOTTOM - (upper - low) * scale
        tall = max((upper - lower) * scale, 1.5)
        is_last = at == len(names) - 1
        kind = "net" if is_last else "sum" if at == 0 else "up" if amount >= 0 else "down"
        x = at * pitch + (pitch - wide) / 2
        after = _BOTTOM - (max(end, low) - low) * scale
        torn = _torn(x, y, wide, tall) if cut and kind in ("sum", "net") else ""
        left, top, width, height, level, right = (
            round(one, 1) for one in (x, y, wide, tall, after, x + pitch)
        )
        words = figure(amount, currency)
        bars.append(Bar(name, words, kind, left, top, width, height, level, right, torn))
    rows = tuple((name, figure(amount, currency)) for name, amount in zip(names, amounts, strict=True))
    ground = round(_BOTTOM + min(low, 0) * scale, 1) if low < 0 else _BOTTOM
    said = ", ".join(f"{name.lower()} {text.replace('− ', 'minus ')}" for name, text in rows)
    label = f"Waterfall in {currency}: {said}"
    return Waterfall(tuple(bars), rows, ground, figure(cut, currency) if cut else "", label)


def _cut_at(lowest: int, high: int) -> int:
    """A round amount below every level, or 0 where bars from zero show enough."""
    if high <= 0 or lowest < high * 0.6 or lowest == high:
        return 0
    room = max((high - lowest) * 2.2, high * 0.06)
    step = max(1, 10 ** floor(log10(room)))
    return max(0, floor((high - room) / step) * step)


def _torn(x: float, y: float, wide: float, tall: float) -> str:
    """The outline of a bar whose foot is torn off, as the points of a polygon."""
    foot = y + tall
    teeth = max(int(wide / _ZIGZAG), 2)
    points = [(x, y), (x + wide, y)]
    for tooth in range(teeth, -1, -1):
        points.append((x + wide * tooth / teeth, foot - (5 if tooth % 2 else 0)))
    return " ".join(f"{one:.1f},{other:.1f}" for one, other in points)
