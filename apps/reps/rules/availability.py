"""When a rep can be booked, and why not: hours, time off, own calendar, meetings, holds, caps.

Pure. A ``Diary`` is all that is known of one rep over a span; instants are whole microseconds since 1970
as in ``rules.open_time``, spans are half-open. Days and weeks (Monday first) are those of the rep's own
zone, so that a cap of six a day means six between two local midnights (PRODUCT section 6).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from apps.reps.rules.asked_time import AskedTime, Closed, Why, monday_of
from apps.reps.rules.hours import Hours
from apps.reps.rules.open_time import (
    SECOND,
    Interval,
    instant_of,
    local_micros,
    micros,
    open_time_of,
    without,
)

__all__ = ["GRID", "SLOT", "Closed", "Diary", "Why", "free_starts", "in_hours", "monday_of", "why_closed"]

SLOT = timedelta(minutes=30)
"""Meetings lie on a grid of half hours of UTC."""
GRID = 30 * 60 * SECOND


@dataclass(frozen=True)
class Diary:
    """What is known of one rep. ``away`` holds half-open local dates, the three others sorted UTC spans.

    ``meetings`` and ``holds`` must reach over the whole local weeks in question, for the caps count them;
    a hold counts like the meeting that it is going to be. ``notice`` is how long before its start a
    meeting must be booked.
    """

    hours: Hours
    zone: str
    hired_on: date
    left_on: date | None = None
    away: Sequence[tuple[date, date]] = ()
    busy: Sequence[Interval] = ()
    meetings: Sequence[Interval] = ()
    holds: Sequence[Interval] = ()
    day_cap: int = 65_535
    week_cap: int = 65_535
    notice: timedelta = timedelta()
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", ZoneInfo(self.zone))

    @cached_property
    def begun(self) -> list[int]:
        """When each meeting and hold begins, the meetings first."""
        return [start for start, _ in (*self.meetings, *self.holds)]

    @cached_property
    def by_day(self) -> "Counter[date]":
        """Meetings and holds that begin on each local day."""
        return Counter(map(self.day_of, self.begun))

    @cached_property
    def by_week(self) -> "Counter[date]":
        """Meetings and holds of each local week, by its Monday."""
        weeks: Counter[date] = Counter()
        for day, count in self.by_day.items():
            weeks[monday_of(day)] += count
        return weeks

    @property
    def may_be_at_cap(self) -> bool:
        """Whether there are enough meetings for any cap: most often not, and no day need be told."""
        return len(self.begun) >= min(self.day_cap, self.week_cap)

    def day_of(self, moment: int) -> date:
        """The rep's own date at ``moment``."""
        return instant_of(moment).astimezone(self._zone).date()

    def begins(self, day: date) -> int:
        """The rep's own midnight at which ``day`` begins."""
        return local_micros(day, "00:00", self._zone)


def why_closed(diary: Diary, starts_at: datetime, ends_at: datetime, at: datetime) -> Closed | None:
    """The first reason why ``[starts_at, ends_at)`` cannot be booked at ``at``; ``None`` when it can."""
    asked = AskedTime(starts_at, ends_at, at)
    return (
        asked.not_here(diary.zone, diary.hours, diary.hired_on, diary.left_on, diary.away)
        or asked.taken(Why.MEETING, diary.meetings, diary.zone)
        or asked.taken(Why.HELD, diary.holds, diary.zone)
        or asked.taken(Why.BUSY, diary.busy, diary.zone)
        or asked.at_cap(diary.zone, diary.begun, diary.day_cap, diary.week_cap)
        or asked.too_soon(diary.notice)
    )


def in_hours(diary: Diary, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether ``[starts_at, ends_at)`` lies wholly within the working hours, whatever else closes it."""
    return AskedTime(starts_at, ends_at, starts_at).is_within(diary.hours)


def free_starts(
    diary: Diary, first: datetime, last: datetime, at: datetime, length: timedelta = SLOT
) -> Iterator[datetime]:
    """The instants of the half-hour grid in ``[first, last)`` at which ``why_closed`` finds nothing.

    Walks the free spans, not the grid: what is open less all that is taken.
    """
    long = length // timedelta(microseconds=1)
    begin = max(micros(first), micros(at + diary.notice), micros(at))
    until = micros(last)
    if begin >= until:
        return
    opened = list(open_time_of(diary.hours).spans(begin, until + long))
    capped = _capped(diary, begin, until)
    for start, end in without(opened, _joined(_closures(diary, begin, until + long))):
        moment = -(-start // GRID) * GRID
        while moment + long <= end and moment < until:
            if not capped or not _inside(capped, moment):
                yield instant_of(moment)
            moment += GRID


# --- Spans ------------------------------------------------------------------------------------------


def _closures(diary: Diary, begin: int, until: int) -> Iterator[Interval]:
    """All that takes a time away but the hours and the caps, in no order."""
    yield from diary.busy
    yield from diary.meetings
    yield from diary.holds
    for leaves, back in diary.away:
        yield diary.begins(leaves), diary.begins(back)
    yield begin, max(begin, diary.begins(diary.hired_on))
    if diary.left_on:
        yield min(until, diary.begins(diary.left_on)), until


def _capped(diary: Diary, begin: int, until: int) -> list[Interval]:
    """The local days and weeks at their cap: no meeting may *begin* in them."""
    if not diary.may_be_at_cap:
        return []
    found = [
        (diary.begins(day), diary.begins(day + timedelta(days=1)))
        for day, count in diary.by_day.items()
        if count >= diary.day_cap
    ]
    found += [
        (diary.begins(monday), diary.begins(monday + timedelta(days=7)))
        for monday, count in diary.by_week.items()
        if count >= diary.week_cap
    ]
    if not diary.day_cap or not diary.week_cap:
        found.append((begin, until))
    return _joined(found)


def _inside(spans: Sequence[Interval], moment: int) -> bool:
    index = bisect_right(spans, moment, key=_first) - 1
    return index >= 0 and moment < spans[index][1]


def _first(span: Interval) -> int:
    return span[0]


def _joined(spans: Iterable[Interval]) -> list[Interval]:
    """Spans in order, those that touch as one, empty ones left out."""
    joined: list[Interval] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            if end > joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
