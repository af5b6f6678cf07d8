"""One time that is asked of many reps, and the first reason why each cannot be booked then.

Pure. What reps share is worked out once and kept for the next: the dates of a zone, the open time of a calendar,
a span in words. ``rules.availability`` asks it about whole diaries; whoever reads only what a time needs asks it
reason by reason, in the order in which they stand here (PRODUCT section 6).
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from apps.reps.rules.hours import Hours
from apps.reps.rules.open_time import Interval, instant_of, local_micros, micros, open_time_of


class Why(StrEnum):
    """Why a time cannot be booked."""

    NOT_BEGUN = "not_begun"
    LEFT = "left"
    AWAY = "away"
    HOURS = "hours"
    MEETING = "meeting"
    HELD = "held"
    BUSY = "busy"
    DAY_CAP = "day_cap"
    WEEK_CAP = "week_cap"
    NOTICE = "notice"


class Closed(NamedTuple):
    """One reason why a time cannot be booked, with words for whoever books."""

    kind: Why
    words: str


_TAKEN_WORDS = {Why.MEETING: "In a meeting", Why.HELD: "Held for another booking", Why.BUSY: "Busy"}


class AskedTime:
    """``[starts_at, ends_at)``, asked for at ``at``."""

    def __init__(self, starts_at: datetime, ends_at: datetime, at: datetime) -> None:
        self.starts_at, self.at = starts_at, at
        self.start, self.end = micros(starts_at), micros(ends_at)
        self._dates: dict[str, tuple[date, date]] = {}
        self._open: dict[int, tuple[Hours, bool]] = {}
        self._words: dict[tuple[str, int, int], str] = {}

    # --- Shared by many reps --------------------------------------------------------------------------

    def dates(self, zone: str) -> tuple[date, date]:
        """The local dates on which the time begins and on which its last instant lies."""
        found = self._dates.get(zone)
        if found is None:
            clocks = ZoneInfo(zone)
            found = self._dates[zone] = (
                instant_of(self.start).astimezone(clocks).date(),
                instant_of(self.end - 1).astimezone(clocks).date(),
            )
        return found

    def is_within(self, hours: Hours) -> bool:
        """Whether it lies wholly within the working hours, whatever else closes it."""
        # By the object, which is kept so that no other takes its number: equal hours would all be compared.
        found = self._open.get(id(hours))
        if found is None:
            length = self.end - self.start
            found = hours, open_time_of(hours).between(self.start, self.end) == length
            self._open[id(hours)] = found
        return found[1]

    # --- Reasons, in the order in which they are asked ------------------------------------------------

    def not_here(
        self,
        zone: str,
        hours: Hours,
        hired_on: date,
        left_on: date | None,
        away: Iterable[tuple[date, date]],
    ) -> Closed | None:
        """Not begun, left, time off (half-open local dates), outside working hours."""
        first, last = self.dates(zone)
        if first < hired_on:
            return Closed(Why.NOT_BEGUN, f"Begins on {_date(hired_on)}")
        if left_on and last >= left_on:
            return Closed(Why.LEFT, "No longer here")
        for leaves, back in away:
            if leaves <= last and first < back:
                return Closed(Why.AWAY, f"On leave, back on {_date(back)}")
        return None if self.is_within(hours) else Closed(Why.HOURS, "Outside working hours")

    def taken(self, why: Why, spans: Sequence[Interval], zone: str) -> Closed | None:
        """The first of ``spans`` that overlaps it: meetings first, then holds, then busy times."""
        for begins, ends in spans:
            if begins < self.end and ends > self.start:
                return Closed(why, f"{_TAKEN_WORDS[why]} {self._span(zone, begins, ends)}")
        return None

    def too_soon(self, notice: timedelta) -> Closed | None:
        """Past, or less than ``notice`` ahead."""
        if self.starts_at < self.at:
            return Closed(Why.NOTICE, "Past")
        if self.starts_at < self.at + notice:
            return Closed(Why.NOTICE, f"Booked at least {_length(notice)} ahead")
        return None

    def at_cap(self, zone: str, begun: Sequence[int], day_cap: int, week_cap: int) -> Closed | None:
        """The cap of the rep's own day, then of their week; ``begun`` is when each meeting and hold begins."""
        if len(begun) < min(day_cap, week_cap):
            return None
        clocks = ZoneInfo(zone)
        day = self.dates(zone)[0]
        booked = _between(begun, day, 1, clocks)
        if booked >= day_cap:
            return Closed(Why.DAY_CAP, f"At cap, {booked} of {day_cap} that day")
        booked = _between(begun, monday_of(day), 7, clocks)
        if booked >= week_cap:
            return Closed(Why.WEEK_CAP, f"At cap, {booked} of {week_cap} that week")
        return None

    def _span(self, zone: str, begins: int, ends: int) -> str:
        """``13:30 to 14:30 CET``, in the rep's own time; with the dates where it goes past midnight."""
        found = self._words.get((zone, begins, ends))
        if found is None:
            found = self._words[zone, begins, ends] = _span_words(ZoneInfo(zone), begins, ends)
        return found


def monday_of(day: date) -> date:
    """The Monday of the week of ``day``."""
    return day - timedelta(days=day.weekday())


def _between(begun: Sequence[int], day: date, days: int, clocks: ZoneInfo) -> int:
    """How many begin on these local days."""
    first = local_micros(day, "00:00", clocks)
    last = local_micros(day + timedelta(days=days), "00:00", clocks)
    return sum(first <= start < last for start in begun)


def _span_words(clocks: ZoneInfo, start: int, end: int) -> str:
    begins, ends = (instant_of(one).astimezone(clocks) for one in (start, end))
    if begins.date() == instant_of(end - 1).astimezone(clocks).date():
        return f"{begins:%H:%M} to {ends:%H:%M %Z}"
    return f"{begins.day} {begins:%b %H:%M} to {ends.day} {ends:%b %H:%M %Z}"


def _date(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _length(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    hours, rest = divmod(minutes, 60)
    if rest:
        return f"{minutes} minutes"
    return f"{hours} hour{'s' if hours != 1 else ''}"
