"""The slow oracle of business time: it walks every minute and asks the zone's clock what it shows.

It shares nothing with the rule but the calendar's plain values: local times are found by looking for the
minute that shows them, not by arithmetic with offsets.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from apps.reps.rules.business_time import WEEKDAYS, Hours

MINUTE = timedelta(minutes=1)


class ClockWalk:
    """What the clocks of ``zone`` show in each minute from ``first`` (UTC) on, for ``days`` days."""

    def __init__(self, zone: str, first: datetime, days: int) -> None:
        self.first = first
        self.minutes = days * 24 * 60
        there = ZoneInfo(zone)
        shown = [
            (first + number * MINUTE).astimezone(there).replace(tzinfo=None, fold=0)
            for number in range(self.minutes)
        ]
        self.dates = {reading.date() for reading in shown}
        self._number: dict[datetime, int] = {}
        for number, reading in enumerate(shown):
            self._number.setdefault(reading, number)
        # Where the clocks leap ahead: the first reading that is left out, the next one shown, and by how much.
        self._leaps = [(a + MINUTE, b, b - a - MINUTE) for a, b in pairwise(shown) if b > a + MINUTE]

    def number(self, reading: datetime) -> int:
        """The minute in which the clocks first show ``reading``; what they skip is that much later."""
        for left_out, next_shown, leap in self._leaps:
            if left_out <= reading < next_shown:
                reading += leap
        return self._number[reading]


@lru_cache(maxsize=64)
def clock_walk(zone: str, first: datetime, days: int) -> ClockWalk:
    return ClockWalk(zone, first, days)


def _local(day: date, clock: str) -> datetime:
    midnight = datetime.combine(day, datetime.min.time())
    return midnight + timedelta(hours=int(clock[:2]), minutes=int(clock[3:]))


def walked(
    hours: Hours, first: datetime, days: int, pauses: Iterable[tuple[datetime, datetime]] = ()
) -> list[bool]:
    """For each minute of ``days`` days from ``first`` (UTC) whether it is open."""
    margin = 4
    walk = clock_walk(hours.zone, first - timedelta(days=margin), days + 2 * margin)
    state = bytearray(walk.minutes)
    overrides, dated = dict(hours.overrides), dict(hours.dated_breaks)
    lasting = [
        day for day in sorted(walk.dates) if min(walk.dates) < day < max(walk.dates) - timedelta(days=1)
    ]
    for mark in (1, 0):
        for day in lasting:
            weekday = WEEKDAYS.index(f"{day:%a}".lower())
            if mark:
                usual = () if day in hours.holidays else hours.weekly[weekday]
                windows = overrides.get(day, usual)
            else:
                windows = (() if day in overrides else hours.breaks[weekday]) + dated.get(day, ())
            for opens, closes in windows:
                start, end = _local(day, opens), _local(day, closes)
                number, last = (
                    walk.number(start),
                    walk.number(end if end > start else end + timedelta(days=1)),
                )
                while number < last:
                    state[number] = mark
                    number += 1
    for starts, ends in pauses:
        moment = starts
        while moment < ends:
            number = (moment - walk.first) // MINUTE
            if 0 <= number < walk.minutes:
                state[number] = 0
            moment += MINUTE
    skipped = margin * 24 * 60
    return [bool(one) for one in state[skipped : skipped + days * 24 * 60]]


def changes(zone: str, first_year: int, last_year: int) -> list[datetime]:
    """Every instant (UTC, to the minute) from one year through another at which the zone's offset changes."""
    there = ZoneInfo(zone)
    found = []
    moment = datetime(first_year, 1, 1, tzinfo=UTC)
    while moment.year <= last_year:
        after = moment + timedelta(days=1)
        if moment.astimezone(there).utcoffset() != after.astimezone(there).utcoffset():
            while moment.astimezone(there).utcoffset() == (moment + MINUTE).astimezone(there).utcoffset():
                moment += MINUTE
            found.append(moment + MINUTE)
        moment = after
    return found
