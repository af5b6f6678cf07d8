"""Business time as sorted UTC intervals: when it is open, when a number of minutes is used up.

Pure. Windows are half-open ``[open, close)`` in the calendar's zone and are turned into UTC, so
that a change of the clocks lengthens or shortens a window by real minutes; a target used up exactly
at closing time is due at that closing instant; a zero-minute target outside hours is due at the
next opening (PRODUCT section 5, "Rules for the clock").
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN_DAYS = 400


class NeverOpen(ValueError):
    """The calendar has no open time within reach, so nothing can fall due."""


@dataclass(frozen=True)
class Hours:
    """A calendar as plain values, hashable so that its intervals are built once.

    ``weekly`` has seven tuples (Monday first) of ``("09:00", "17:00")`` windows; a window whose end is
    not after its start runs overnight. ``holidays`` are local dates; ``overrides`` replace a date.
    """

    zone: str
    weekly: tuple[tuple[tuple[str, str], ...], ...]
    holidays: frozenset[date] = frozenset()
    overrides: tuple[tuple[date, tuple[tuple[str, str], ...]], ...] = field(default=())

    @classmethod
    def of(
        cls, zone: str, weekly: dict, holidays: list | None = None, overrides: dict | None = None
    ) -> "Hours":
        """From the JSON shapes that ``reps.BusinessCalendar`` keeps."""
        return cls(
            zone,
            tuple(tuple(tuple(window) for window in weekly.get(day, [])) for day in WEEKDAYS),
            frozenset(date.fromisoformat(day) for day in holidays or []),
            tuple(
                (date.fromisoformat(day), tuple(tuple(window) for window in windows))
                for day, windows in sorted((overrides or {}).items())
            ),
        )

    def windows_on(self, day: date) -> tuple[tuple[str, str], ...]:
        for overridden, windows in self.overrides:
            if overridden == day:
                return windows
        return () if day in self.holidays else self.weekly[day.weekday()]


@lru_cache(maxsize=512)
def _intervals(hours: Hours, first: date) -> tuple[list[datetime], list[datetime], list[float]]:
    """Openings, closings and open seconds used up before each, over ``_SPAN_DAYS`` days from ``first``."""
    zone = ZoneInfo(hours.zone)
    found: list[tuple[datetime, datetime]] = []
    for offset in range(-1, _SPAN_DAYS):
        day = first + timedelta(days=offset)
        for opens, closes in hours.windows_on(day):
            start = datetime.combine(day, time.fromisoformat(opens), zone).astimezone(UTC)
            ends_at = time(0) if closes == "24:00" else time.fromisoformat(closes)
            ends_on = day if closes != "24:00" and closes > opens else day + timedelta(days=1)
            end = datetime.combine(ends_on, ends_at, zone).astimezone(UTC)
            if end > start:
                found.append((start, end))
    found.sort()
    merged: list[list[datetime]] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    opens_at = [start for start, _ in merged]
    closes_at = [end for _, end in merged]
    lengths = [(end - start).total_seconds() for start, end in merged]
    return opens_at, closes_at, [0.0, *accumulate(lengths)]


def _span(hours: Hours, instant: datetime) -> tuple[list[datetime], list[datetime], list[float]]:
    # Spans begin on a New Year's Day, so that every instant of a year shares one cached calendar.
    return _intervals(hours, date(instant.astimezone(UTC).year, 1, 1))


def _used_before(span: tuple[list[datetime], list[datetime], list[float]], instant: datetime) -> float:
    opens_at, closes_at, used = span
    index = bisect_right(opens_at, instant) - 1
    if index < 0:
        return 0.0
    within = (min(instant, closes_at[index]) - opens_at[index]).total_seconds()
    return used[index] + within


def is_open(hours: Hours, instant: datetime) -> bool:
    opens_at, closes_at, _ = _span(hours, instant)
    index = bisect_right(opens_at, instant) - 1
    return index >= 0 and instant < closes_at[index]


def next_open(hours: Hours, instant: datetime) -> datetime:
    """``instant`` itself when open, else the next opening. Raises ``NeverOpen``."""
    return due_at(hours, instant, 0)


def next_close(hours: Hours, instant: datetime) -> datetime:
    """The closing after ``instant``: of the window it lies in, else of the next one. Raises ``NeverOpen``."""
    moment = next_open(hours, instant)
    opens_at, closes_at, _ = _span(hours, moment)
    return closes_at[bisect_right(opens_at, moment) - 1]


def due_at(hours: Hours, start: datetime, minutes: float) -> datetime:
    """The UTC instant at which ``minutes`` of open time after ``start`` are used up.

    Raises ``NeverOpen`` when ten years of the calendar do not hold that much open time.
    """
    start = start.astimezone(UTC)
    remaining = minutes * 60
    moment = start
    for _ in range(10):
        opens_at, closes_at, used = span = _span(hours, moment)
        target = _used_before(span, moment) + remaining
        if remaining == 0:
            index = bisect_right(opens_at, moment) - 1
            if index >= 0 and moment < closes_at[index]:
                return moment
            if index + 1 < len(opens_at):
                return opens_at[index + 1]
        elif target <= used[-1]:
            # The first interval whose end reaches the target: an exact end is due at that closing.
            index = bisect_left(used, target) - 1
            return opens_at[index] + timedelta(seconds=target - used[index])
        horizon = datetime(moment.year + 1, 1, 1, tzinfo=UTC)
        remaining -= max(0.0, _used_before(span, horizon) - _used_before(span, moment))
        moment = horizon
    raise NeverOpen(f"The calendar in {hours.zone} has no open time for {minutes:g} minutes after {start}.")


def open_minutes(hours: Hours, start: datetime, end: datetime) -> float:
    """Open minutes between two instants (real minutes, so a DST change counts as it happens)."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    total = 0.0
    while start < end:
        span = _span(hours, start)
        until = min(end, datetime(start.year + 1, 1, 1, tzinfo=UTC))
        total += max(0.0, _used_before(span, until) - _used_before(span, start))
        start = until
    return total / 60
