"""A calendar laid out in UTC: sorted open intervals with the open time before each, for bisection.

Pure. Instants are whole microseconds since 1970 (``micros``), so that nothing is rounded. Time is cut into
chunks of 512 days; a chunk is laid out when it is first asked for and kept. Local times become instants by
these rules (``conventions`` of the published cases, PRODUCT section 5):

- a local time that the clocks skip is that much later (02:30 becomes 03:30);
- a local time that comes twice is the first of the two;
- a date that a zone skipped altogether (Apia, 30 December 2011) has no windows.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

from apps.reps.rules.hours import Hours, Windows, is_overnight

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
DAY = 86_400 * SECOND
CHUNK = 512 * DAY
_KEPT = 32
"""Chunks that one calendar keeps: 45 years. Whoever asks further makes room."""

Interval = tuple[int, int]


class Chunk(NamedTuple):
    """Open intervals within ``[start, end)``; ``used[i]`` is the open time before ``opens[i]``."""

    start: int
    end: int
    opens: list[int]
    closes: list[int]
    used: list[int]

    def used_before(self, moment: int) -> int:
        """Open time of this chunk before ``moment``, which lies in it or at its end."""
        index = bisect_right(self.opens, moment) - 1
        if index < 0:
            return 0
        return self.used[index] + min(moment, self.closes[index]) - self.opens[index]


def micros(instant: datetime) -> int:
    """An aware instant as microseconds since 1970. Raises ``TypeError`` for a naive one."""
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def instant_of(moment: int) -> datetime:
    """The UTC instant of so many microseconds since 1970."""
    return EPOCH + timedelta(0, moment // SECOND, moment % SECOND)


class OpenTime:
    """All open time of one calendar, laid out chunk by chunk as it is asked for."""

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self._chunks: dict[int, Chunk] = {}

    def chunk_at(self, moment: int) -> Chunk:
        number = moment // CHUNK
        found = self._chunks.get(number)
        if found is None:
            if len(self._chunks) >= _KEPT:
                self._chunks.clear()
            found = self._chunks[number] = _chunk(self.hours, number)
        return found

    def between(self, start: int, end: int) -> int:
        """Open microseconds in ``[start, end)``."""
        total = 0
        while start < end:
            chunk = self.chunk_at(start)
            until = min(end, chunk.end)
            total += chunk.used_before(until) - chunk.used_before(start)
            start = until
        return total

    def spans(self, start: int, end: int) -> Iterator[Interval]:
        """The open intervals within ``[start, end)``, in order; none touches the next."""
        held: Interval | None = None
        while start < end:
            chunk = self.chunk_at(start)
            index = max(bisect_right(chunk.opens, start) - 1, 0)
            while index < len(chunk.opens) and chunk.opens[index] < end:
                piece = (max(chunk.opens[index], start), min(chunk.closes[index], end))
                index += 1
                if piece[0] >= piece[1]:
                    continue
                if held and held[1] == piece[0]:
                    held = (held[0], piece[1])
                    continue
                if held:
                    yield held
                held = piece
            start = chunk.end
        if held:
            yield held


def open_time_of(hours: Hours) -> OpenTime:
    """The one layout of this calendar, shared by all equal values."""
    # The value remembers its layout: comparing all its dates would cost more than a due time does.
    found: OpenTime | None = hours.__dict__.get("_open_time")
    if found is None:
        found = hours.__dict__["_open_time"] = shared(hours)
    return found


@lru_cache(maxsize=256)
def shared(hours: Hours) -> OpenTime:
    """The layout kept for calendars equal to ``hours``."""
    return OpenTime(hours)


def local_micros(day: date, clock: str, zone: ZoneInfo) -> int:
    """The local time ``clock`` of ``day`` as microseconds; ``"24:00"`` is the midnight at its end."""
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    return micros(datetime.combine(day, time.fromisoformat(clock), zone))


def day_exists(day: date, zone: ZoneInfo) -> bool:
    """Whether the clocks of ``zone`` showed ``day`` at all."""
    return instant_of(local_micros(day, "00:00", zone)).astimezone(zone).date() == day


def day_bounds(day: date, zone: ZoneInfo) -> Interval:
    """When ``day`` begins and ends in ``zone``; it is empty for a date that the zone skipped."""
    start = local_micros(day, "00:00", zone)
    return start, local_micros(day, "24:00", zone) if day_exists(day, zone) else start


def _placed(day: date, windows: Windows, zone: ZoneInfo) -> Iterator[Interval]:
    for window in windows:
        start = local_micros(day, window[0], zone)
        ends_on = day + timedelta(days=1) if is_overnight(window) else day
        end = local_micros(ends_on, window[1], zone)
        if end > start:
            yield start, end


def _merged(intervals: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def without(intervals: list[Interval], cuts: list[Interval]) -> list[Interval]:
    """Sorted, disjoint intervals less sorted, disjoint cuts."""
    left: list[Interval] = []
    first = 0
    for start, end in intervals:
        while first < len(cuts) and cuts[first][1] <= start:
            first += 1
        index = first
        while index < len(cuts) and cuts[index][0] < end:
            if cuts[index][0] > start:
                left.append((start, cuts[index][0]))
            start = max(start, cuts[index][1])
            index += 1
        if start < end:
            left.append((start, end))
    return left


def _chunk(hours: Hours, number: int) -> Chunk:
    """Lay out 512 days: place windows, join them, cut the breaks out, clip to the chunk."""
    zone = ZoneInfo(hours.zone)
    start, end = number * CHUNK, (number + 1) * CHUNK
    opened: list[Interval] = []
    breaks: list[Interval] = []
    # Two days on each side: a zone is up to a day off, and a night runs into the next one.
    day = instant_of(start).date() - timedelta(days=2)
    last = instant_of(end).date() + timedelta(days=2)
    while day <= last:
        windows, cuts = hours.opened_on(day), hours.breaks_on(day)
        if (windows or cuts) and day_exists(day, zone):
            opened.extend(_placed(day, windows, zone))
            breaks.extend(_placed(day, cuts, zone))
        day += timedelta(days=1)
    found = without(_merged(opened), _merged(breaks))
    clipped = [(max(a, start), min(b, end)) for a, b in found if b > start and a < end]
    opens = [a for a, _ in clipped]
    closes = [b for _, b in clipped]
    return Chunk(start, end, opens, closes, [0, *accumulate(b - a for a, b in clipped)])
