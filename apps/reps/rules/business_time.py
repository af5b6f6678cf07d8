"""Business time: when it is open, when a number of minutes is used up, how much of a span was open.

Pure. Windows are half-open ``[open, close)`` in real (UTC) time, so that a change of the clocks lengthens
or shortens a window by real minutes; a target used up exactly at closing time is due at that closing
instant; a zero-minute target outside hours is due at the next opening (PRODUCT section 5, "Rules for the
clock"). Pauses are half-open spans of instants in which a clock does not run: they are closed time.

Calculated in whole microseconds by bisection over ``rules.open_time``; no day is walked.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Sequence
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from apps.reps.rules.hours import WEEKDAYS, Hours
from apps.reps.rules.open_time import CHUNK, SECOND, Interval, OpenTime, instant_of, micros, open_time_of

__all__ = [
    "WEEKDAYS",
    "Hours",
    "NeverOpen",
    "Pause",
    "apportion",
    "due_at",
    "is_open",
    "next_close",
    "next_open",
    "open_minutes",
    "open_seconds",
    "open_spans",
]

Pause = tuple[datetime, datetime]
Label = TypeVar("Label", bound=Hashable)

_REACH = 8
"""Chunks (11 years) in which a due time is looked for."""


class NeverOpen(ValueError):
    """The calendar has no open time within reach, so nothing can fall due."""


def is_open(hours: Hours, instant: datetime) -> bool:
    moment = micros(instant)
    chunk = open_time_of(hours).chunk_at(moment)
    index = bisect_right(chunk.opens, moment) - 1
    return index >= 0 and moment < chunk.closes[index]


def next_open(hours: Hours, instant: datetime) -> datetime:
    """``instant`` itself when open, else the next opening. Raises ``NeverOpen``."""
    return due_at(hours, instant, 0)


def next_close(hours: Hours, instant: datetime) -> datetime:
    """The closing after ``instant``: of the window it lies in, else of the next one. Raises ``NeverOpen``.

    A calendar that is open around the clock has none: the end of what was looked at (over 500 days on)
    stands for it.
    """
    time = open_time_of(hours)
    moment = _opening(time, micros(instant))
    chunk = time.chunk_at(moment)
    closes = chunk.closes[bisect_right(chunk.opens, moment) - 1]
    if closes == chunk.end:
        # The window was clipped at the chunk's end and may go on in the next.
        after = time.chunk_at(closes)
        if after.opens and after.opens[0] == closes:
            closes = after.closes[0]
    return instant_of(closes)


def due_at(hours: Hours, start: datetime, minutes: float, pauses: Iterable[Pause] = ()) -> datetime:
    """The UTC instant at which ``minutes`` of open time after ``start`` are used up, outside all pauses.

    A target used up as a pause begins is due at that instant; a zero-minute one within a pause is due when
    it is open again. Raises ``NeverOpen`` when eleven years do not hold that much open time, ``ValueError``
    for a negative target.
    """
    if minutes < 0:
        raise ValueError("A target is not negative.")
    time = open_time_of(hours)
    left = round(minutes * 60 * SECOND)
    moment = micros(start)
    for begins, ends in _joined(pauses) if pauses else ():
        if ends <= moment:
            continue
        if left:
            used = time.between(moment, begins)
            if used >= left:
                break
            left -= used
        elif _opening(time, moment) < begins:
            break
        moment = max(moment, ends)
    return instant_of(_used_up(time, moment, left) if left else _opening(time, moment))


def closing_of_day(*, hours: Hours, start: datetime, days: int, after: date | None = None) -> datetime:
    """The closing of the ``days``-th business day from ``start``; days up to ``after`` are not counted.

    A business day is a local date on which the calendar is open; a night that runs into the next date belongs to the
    date on which it began. With 0 days it is the closing before the first counted day, or ``start`` without one.
    Raises ``NeverOpen``.
    """
    zone = ZoneInfo(hours.zone)
    closing, moment, last, seen = start, next_open(hours, start), after, 0
    while True:
        day = moment.astimezone(zone).date()
        if day != last:
            seen, last = seen + 1, day
            if seen > days:
                return closing
        closing = next_close(hours, moment)
        try:
            moment = next_open(hours, closing)
        except NeverOpen:
            if seen == days:
                return closing
            raise


def open_minutes(hours: Hours, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> float:
    """Open minutes between two instants (real minutes, so a DST change counts as it happens), less pauses.

    The one division is the last step: whole minutes come out whole.
    """
    return _open(open_time_of(hours), micros(start), micros(end), _joined(pauses)) / (60 * SECOND)


def open_seconds(hours: Hours, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> int:
    """Whole open seconds between two instants, less pauses; a second counts once it is used up."""
    return _open(open_time_of(hours), micros(start), micros(end), _joined(pauses)) // SECOND


def apportion(
    hours: Hours, spans: Iterable[tuple[Label, datetime, datetime]], pauses: Iterable[Pause] = ()
) -> dict[Label, int]:
    """Whole open seconds of each label over ``(label, start, end)`` spans, in their order.

    Spans that follow one another without a gap add up to ``open_seconds`` of the whole, to the second:
    what a span leaves of a second is carried to the next. A label may come several times.
    """
    time, cuts = open_time_of(hours), _joined(pauses)
    found: dict[Label, int] = {}
    total = 0
    for label, start, end in spans:
        before = total // SECOND
        total += _open(time, micros(start), micros(end), cuts)
        found[label] = found.get(label, 0) + total // SECOND - before
    return found


def open_spans(
    hours: Hours, start: datetime, end: datetime, pauses: Iterable[Pause] = ()
) -> list[tuple[datetime, datetime]]:
    """The open spans within ``[start, end)`` as UTC instants, in order, less pauses."""
    first, last = micros(start), micros(end)
    cuts: list[Interval | None] = [*_joined(pauses), None]
    found = []
    for cut in cuts:
        until = min(last, cut[0]) if cut else last
        found += [(instant_of(a), instant_of(b)) for a, b in open_time_of(hours).spans(first, until)]
        if cut:
            first = max(first, cut[1])
    return found


# --- In microseconds --------------------------------------------------------------------------------


def _joined(pauses: Iterable[Pause]) -> Sequence[Interval]:
    """Pauses in order, overlapping ones as one, empty ones left out."""
    joined: list[Interval] = []
    for start, end in sorted((micros(start), micros(end)) for start, end in pauses):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _open(time: OpenTime, start: int, end: int, cuts: Sequence[Interval]) -> int:
    total = time.between(start, end)
    for begins, ends in cuts:
        total -= time.between(max(begins, start), min(ends, end))
    return total


def _opening(time: OpenTime, moment: int) -> int:
    """``moment`` itself when open, else the next opening."""
    begun = moment
    for _ in range(_REACH):
        chunk = time.chunk_at(moment)
        index = bisect_right(chunk.opens, moment) - 1
        if index >= 0 and moment < chunk.closes[index]:
            return moment
        if index + 1 < len(chunk.opens):
            return chunk.opens[index + 1]
        moment = chunk.end
    raise _never(time, begun)


def _used_up(time: OpenTime, moment: int, left: int) -> int:
    """When ``left`` microseconds (more than none) of open time after ``moment`` are used up."""
    begun = moment
    for _ in range(_REACH):
        _, end, opens, closes, used = time.chunk_at(moment)
        # As ``Chunk.used_before``, written out: this is what a due time costs.
        index = bisect_right(opens, moment) - 1
        before = used[index] + min(moment, closes[index]) - opens[index] if index >= 0 else 0
        target = before + left
        if target <= used[-1]:
            # The first interval whose end reaches the target: an exact end is due at that closing.
            index = bisect_left(used, target) - 1
            return opens[index] + target - used[index]
        left = target - used[-1]
        moment = end
    raise _never(time, begun)


def _never(time: OpenTime, moment: int) -> NeverOpen:
    years = _REACH * CHUNK // (365 * 86_400 * SECOND)
    return NeverOpen(
        f"The calendar in {time.hours.zone} has not enough open time in the {years} years after "
        f"{instant_of(moment):%Y-%m-%d %H:%M} UTC."
    )
