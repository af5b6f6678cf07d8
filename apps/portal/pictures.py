"""Geometry of the pictures: plain values in, percentages and words out. Pure; no markup.

Floats are used here for places on the screen only, never for the figures shown.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, log10
from typing import Any

from apps.core.money import in_words, quantize, to_major

Number = int | float | Decimal


def clamp(share: float) -> float:
    """``share`` held between 0 and 1."""
    return min(max(share, 0.0), 1.0)


def in_figures(value: Any, currency: str = "", unit: str = "", symbol: bool = False) -> str:
    """A value for reading: minor units where there is a currency, else a plain number with ``unit``."""
    if value is None:
        return "–"
    if currency:
        text = in_words(abs(int(value)), currency) if symbol else f"{to_major(abs(int(value)), currency):,}"
    else:
        size = abs(value)
        text = f"{size:,}" if isinstance(size, (int, Decimal)) else f"{size:,.10g}"
        text += f" {unit}" if unit else ""
    return f"− {text}" if value < 0 else text


def _axis_figure(value: float, currency: str, unit: str) -> str:
    """Short: an axis is read at a glance (major units, 20k, 1.5m)."""
    amount = float(to_major(int(value), currency)) if currency else value
    size = abs(amount)
    for bound, letter in ((1e6, "m"), (1e4, "k")):
        if size >= bound:
            text = f"{size / (1e6 if letter == 'm' else 1e3):.3g}{letter}"
            break
    else:
        text = f"{size:,.10g}"
    if unit and not currency:
        text += f" {unit}"
    return f"− {text}" if amount < 0 else text


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values (1, 2, 2.5 or 5 times a power of ten) that cover ``low`` to ``high``."""
    # Values that differ by less than they can show are one value.
    if high - low <= max(abs(low), abs(high)) * 1e-9:
        high = low + max(1.0, abs(low) * 0.1)
    rough = (high - low) / count
    power = 10 ** floor(log10(rough))
    step = next(times * power for times in (1, 2, 2.5, 5, 10) if times * power >= rough)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


# --- Waterfall -------------------------------------------------------------------------------


def waterfall(
    steps: Sequence[tuple[str, int]], currency: str, total: str = "Payable", sentence: str = ""
) -> dict[str, Any]:
    """From the first amount through additions and deductions to their sum, which is drawn last.

    ``steps`` are (word, amount in minor units), the first being where it starts. The total is summed here, so
    the picture cannot disagree with itself. Where deductions would be too thin to see, bars are cut at a
    round amount, which is said, and a switch shows the full axis.
    """
    steps = [(str(word), int(amount)) for word, amount in steps]
    levels: list[tuple[int, int]] = []
    running = 0
    for _, amount in steps:
        levels.append((running, running + amount))
        running += amount
    net = running
    reached = [after for _, after in levels] or [0]
    high, low = max([*reached, 0]), min([*reached, 0])
    cut = _cut_at(min(reached), high) if low == 0 else 0
    amounts = [*[amount for _, amount in steps], net]
    words = [*[word for word, _ in steps], total]
    spans = [*levels, (0, net)]
    off = sum(amount for amount in amounts[1:-1] if amount < 0)
    first = steps[0][0] if steps else ""
    return {
        "full": _columns(words, amounts, spans, low, high, currency),
        "short": _columns(words, amounts, spans, cut, high, currency) if cut else None,
        "cut_at": in_figures(cut, currency) if cut else "",
        "currency": currency,
        "rows": [
            {"word": word, "figure": in_figures(amount, currency)}
            for word, amount in zip(words, amounts, strict=True)
        ],
        "sentence": sentence
        or f"{first} {in_figures(amounts[0], currency)}; {in_figures(abs(off), currency)} was taken off; "
        f"{total.lower()} {in_figures(net, currency)}.",
    }


def _cut_at(lowest: int, high: int) -> int:
    """A round amount below every level, or 0 where the full axis shows enough."""
    if lowest < high * 0.6 or lowest == high:
        return 0
    room = max((high - lowest) * 2.2, high * 0.06)
    step = max(1, 10 ** floor(log10(room)))
    return max(0, floor((high - room) / step) * step)


def _columns(
    words: list[str], amounts: list[int], spans: list[tuple[int, int]], low: int, high: int, currency: str
) -> list[dict[str, Any]]:
    # A tenth of the height is kept for the figure above the highest bar.
    scale = 88 / ((high - low) or 1)
    columns = []
    for index, (word, amount, (start, end)) in enumerate(zip(words, amounts, spans, strict=True)):
        bottom, top = sorted((max(start, low), max(end, low)))
        last = index == len(words) - 1
        columns.append(
            {
                "word": word,
                "figure": in_figures(amount, currency),
                "kind": "net" if last else "sum" if index == 0 else "up" if amount > 0 else "down",
                "place": f"--a:{(bottom - low) * scale:.2f}%;--h:{(top - bottom) * scale:.2f}%;"
                f"--from:{(max(end if last else start, low) - low) * scale:.2f}%",
            }
        )
    return columns


# --- Funnel, bars ----------------------------------------------------------------------------


def funnel(steps: Sequence[tuple], sentence: str = "") -> dict[str, Any]:
    """Counts from stage to stage, with the share that goes on from each to the next.

    ``steps`` are (word, count) or (word, count, address). A count may have parts, where credit is shared.
    """
    counts = [Fraction(step[1]) for step in steps]
    most = max(counts, default=Fraction(0)) or Fraction(1)
    rows = []
    for index, (step, count) in enumerate(zip(steps, counts, strict=True)):
        before = counts[index - 1] if index else Fraction(0)
        rows.append(
            {
                "word": step[0],
                "count": _counted(count),
                "width": f"{float(100 * count / most):.2f}",
                "url": step[2] if len(step) > 2 else "",
                "share": f"{quantize(100 * count / before, 1)} %" if before else "",
                "lost": _counted(before - count) if before > count else "",
            }
        )
    return {"rows": rows, "sentence": sentence}


def _counted(count: Fraction) -> str:
    """``1,234`` or ``2.5``: with two decimals at the most."""
    text = f"{quantize(count, 2):,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def hbars(
    rows: Sequence[tuple], target: Any = None, maximum: Any = None, currency: str = "", unit: str = "",
    sentence: str = "", target_word: str = "target",
) -> dict[str, Any]:  # fmt: skip
    """Bars of one measure on one visible scale; light below ``target``.

    ``rows`` are (word, value), (word, value, note) or (word, value, note, is_missing): hatched, for what nobody has
    given a reason for.
    """
    values = [row[1] or 0 for row in rows]
    top = float(maximum) if maximum else float(max([*values, target or 0], default=0)) or 1.0
    ticks = nice_ticks(0, top)
    top = ticks[-1]
    return {
        "rows": [
            {
                "word": row[0],
                # The unit stands once, at the end of the scale; a percentage keeps its sign.
                "figure": in_figures(row[1], currency, unit if unit == "%" else ""),
                "note": row[2] if len(row) > 2 else "",
                "width": f"{clamp(float(row[1] or 0) / top) * 100:.2f}",
                "below": target is not None and (row[1] or 0) < target,
                "missing": len(row) > 3 and bool(row[3]),
            }
            for row in rows
        ],
        "mark": f"{clamp(float(target) / top) * 100:.2f}" if target is not None else "",
        "target": in_figures(target, currency, unit) if target is not None else "",
        "target_word": target_word,
        "step": f"{100 / (len(ticks) - 1):.4f}",
        "ticks": [
            {
                "at": f"{100 * tick / top:.2f}",
                "figure": _axis_figure(tick, currency, unit if tick == top else ""),
            }
            for tick in ticks
        ],
        "sentence": sentence,
    }


# --- The team's target ------------------------------------------------------------------------


def target_chart(
    points: Sequence[tuple[str, Any, Any]], currency: str = "", unit: str = "",
    sentence: str = "", actual_word: str = "actual", target_word: str = "target",
    others: Sequence[tuple[str, Sequence[Any]]] = (),
) -> dict[str, Any]:  # fmt: skip
    """What was reached against what was agreed, both as sums to date.

    ``others`` are further lines on the same scale: (word, a value for each point or ``None``).

    ``points`` are (word of the week, reached or ``None`` for a week to come, target to date), oldest first. A
    dotted line from the last known point to the end of the target is the run rate still needed.
    """
    known = [index for index, point in enumerate(points) if point[1] is not None]
    values = [float(value) for point in points for value in point[1:] if value is not None]
    values += [float(value) for _, line in others for value in line if value is not None]
    ticks = nice_ticks(min([0.0, *values]), max([0.0, *values]))
    low, high = ticks[0], ticks[-1]

    def x(index: int) -> float:
        return 100 * index / max(len(points) - 1, 1)

    def y(value: Any) -> float:
        return 100 * (float(value) - low) / (high - low)

    def line(indexes: list[int], column: int) -> str:
        return " ".join(f"{x(index):.2f},{100 - y(points[index][column]):.2f}" for index in indexes)

    agreed = [index for index, point in enumerate(points) if point[2] is not None]
    now = known[-1] if known else None
    end = agreed[-1] if agreed else None
    need = ""
    if now is not None and end is not None and end > now:
        need = f"{x(now):.2f},{100 - y(points[now][1]):.2f} {x(end):.2f},{100 - y(points[end][2]):.2f}"
    every = max(1, ceil(len(points) / 8))
    return {
        "actual": line(known, 1),
        "target": line(agreed, 2),
        "others": [
            {
                "word": word,
                "line": " ".join(
                    f"{x(index):.2f},{100 - y(value):.2f}"
                    for index, value in enumerate(of)
                    if value is not None
                ),
            }
            for word, of in others
        ],
        "need": need,
        "area": f"{x(known[0]):.2f},100 {line(known, 1)} {x(known[-1]):.2f},100" if len(known) > 1 else "",
        "last": {
            "left": f"{x(now):.2f}",
            "bottom": f"{y(points[now][1]):.2f}",
            "figure": in_figures(points[now][1], currency, unit),
            "side": "right" if x(now) > 80 else "left" if x(now) < 20 else "",
            "under": y(points[now][1]) < y(points[now][2] or 0) if points[now][2] is not None else False,
        }
        if now is not None
        else None,
        "ticks": [{"at": f"{y(tick):.2f}", "figure": _axis_figure(tick, currency, unit)} for tick in ticks],
        "words": [
            {"at": f"{x(index):.2f}", "word": point[0], "optional": index % 2 == 1}
            for index, point in enumerate(points)
            # The last one is always told; the one before it would run into it.
            if (index % every == 0 and len(points) - 1 - index >= every) or index == len(points) - 1
        ],
        "rows": [
            {
                "word": word,
                "actual": in_figures(reached, currency, unit),
                "target": in_figures(goal, currency, unit),
                "others": [
                    in_figures(of[index] if index < len(of) else None, currency, unit) for _, of in others
                ],
                "gap": in_figures(reached - goal, currency, unit)
                if reached is not None and goal is not None
                else "–",
            }
            for index, (word, reached, goal) in enumerate(points)
        ],
        "actual_word": actual_word,
        "target_word": target_word,
        "sentence": sentence or _target_sentence(points, now, end, currency, unit),
    }


def _target_sentence(
    points: Sequence[tuple], now: int | None, end: int | None, currency: str, unit: str
) -> str:
    if now is None or end is None or points[now][2] is None:
        return "Nothing has been reached yet."
    gap = points[now][1] - points[now][2]
    side = "ahead of" if gap >= 0 else "behind"
    return (
        f"{in_figures(points[now][1], currency, unit)} by {points[now][0]}, "
        f"{in_figures(abs(gap), currency, unit)} {side} the line "
        f"to {in_figures(points[end][2], currency, unit)}."
    )


# --- Peers -----------------------------------------------------------------------------------

_STRIP_WIDTH = 620
_LETTER = 6.2


def spread(
    points: Sequence[tuple[str, Number]], own: str = "", marks: Sequence[tuple[Number, str]] = (),
    better: str = "up", sentence: str = "", unit: str = "", currency: str = "", own_word: str = "You",
) -> dict[str, Any]:  # fmt: skip
    """Where one stands among peers: a point each on one scale, one's own larger and named.

    ``points`` are (name, value); ``own`` is the name of one's own. ``marks`` are (value, word) such as
    (0.8, "0.80 down"); what lies beyond the last is shaded as good, before the first as low.
    """
    values = [float(value) for _, value in points] + [float(value) for value, _ in marks]
    if not values:
        return {"empty": True, "sentence": sentence}
    low, high = min(values), max(values)
    pad = (high - low) * 0.06 or 1
    low, high = low - pad, high + pad

    def at(value: Number) -> float:
        share = 100 * (float(value) - low) / (high - low)
        return share if better == "up" else 100 - share

    placed = sorted(
        ((at(value), name, value) for name, value in points), key=lambda point: (point[0], point[1])
    )
    peers, mine, free = [], None, {"": -1e9, "low": -1e9}
    for left, name, value in placed:
        figure = in_figures(value, currency, unit)
        if name == own and mine is None:
            side = "at-left" if left < 12 else "at-right" if left > 88 else ""
            mine = {"left": f"{left:.2f}", "word": f"{own_word} {figure}", "side": side}
            continue
        half = (len(name) + len(figure) + 1) * _LETTER / 2
        middle = left / 100 * _STRIP_WIDTH
        row = next((row for row in ("", "low") if middle - half > free[row]), "bare")
        if row != "bare":
            free[row] = middle + half + 6
        peers.append({"left": f"{left:.2f}", "name": name, "figure": figure, "row": row})
    edges = sorted(at(value) for value, _ in marks)
    ranked = sorted(
        points, key=lambda point: (-float(point[1]) if better == "up" else float(point[1]), point[0])
    )
    return {
        "peers": peers,
        "own": mine,
        "own_is_you": own_word == "You",
        "marks": [{"left": f"{at(value):.2f}", "word": word} for value, word in marks],
        "low_width": f"{edges[0]:.2f}" if len(edges) > 1 else "",
        "good_left": f"{edges[-1]:.2f}" if len(edges) > 1 else "",
        "good_width": f"{100 - edges[-1]:.2f}" if len(edges) > 1 else "",
        "lower_is_better": better == "down",
        "ends": (in_figures(ranked[-1][1], currency, unit), in_figures(ranked[0][1], currency, unit))
        if not marks
        else None,
        "rows": [
            {"rank": rank, "name": name, "figure": in_figures(value, currency, unit), "own": name == own}
            for rank, (name, value) in enumerate(ranked, 1)
        ],
        "sentence": sentence,
    }
