"""What a calendar comes to: the open time of each day with why, of a month, and where two calendars differ.

Pure. A day is the local date, midnight to midnight as the zone's clocks run, so a night counts to both of
its dates and a date on which the clocks change has its real hours (PRODUCT section 5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.reps.rules.business_time import open_spans
from apps.reps.rules.hours import Hours
from apps.reps.rules.open_time import DAY, SECOND, day_bounds, instant_of

OVERRIDE, HOLIDAY, USUAL = "override", "holiday", "usual"


def hours_words(seconds: int) -> str:
    """``7 h 30``, ``8 h``, ``0 h``; without a sign, and a part of a minute is left out."""
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{hours:,} h {minutes:02}" if minutes else f"{hours:,} h"


@dataclass(frozen=True)
class Day:
    """One local date. ``spans`` are open, in local clocks; ``shift`` is by how many minutes it is longer."""

    day: date
    kind: str
    name: str
    spans: tuple[tuple[str, str], ...]
    seconds: int
    shift: int
    exists: bool
    has_breaks: bool

    @property
    def is_open(self) -> bool:
        return self.seconds > 0

    @property
    def hours(self) -> str:
        return hours_words(self.seconds)


def day_of(hours: Hours, day: date, names: Mapping[date, str], notes: Mapping[str, str]) -> Day:
    """``names`` are those of the holidays that count; ``notes`` say why a date differs."""
    zone = ZoneInfo(hours.zone)
    start, end = day_bounds(day, zone)
    found = open_spans(hours, instant_of(start), instant_of(end))
    shift = (end - start - DAY) // (60 * SECOND) if end > start else 0
    kind = OVERRIDE if hours.is_overridden(day) else HOLIDAY if day in hours.holidays else USUAL
    words = [names.get(day, "")] if day in hours.holidays else []
    words.append(notes.get(day.isoformat(), ""))
    return Day(
        day=day,
        kind=kind,
        name=", ".join(filter(None, words)),
        spans=tuple((_clock(a, zone, shift), _until(b, day, zone, shift)) for a, b in found),
        seconds=int(sum((b - a for a, b in found), timedelta()).total_seconds()),
        shift=shift,
        exists=end > start,
        has_breaks=bool(hours.breaks_on(day)) and bool(found),
    )


def _clock(instant: datetime, zone: ZoneInfo, shift: int) -> str:
    # On the day of a change a clock alone may mean two instants.
    local = instant.astimezone(zone)
    return f"{local:%H:%M} {local:%Z}" if shift else f"{local:%H:%M}"


def _until(instant: datetime, day: date, zone: ZoneInfo, shift: int) -> str:
    return "24:00" if instant.astimezone(zone).date() > day else _clock(instant, zone, shift)


def days_of(
    hours: Hours, first: date, count: int, names: Mapping[date, str], notes: Mapping[str, str]
) -> list[Day]:
    """``count`` days from ``first`` on."""
    return [day_of(hours, first + timedelta(days=number), names, notes) for number in range(count)]


@dataclass(frozen=True)
class Difference:
    """A date on which two calendars differ: open seconds before and after."""

    day: date
    before: int
    after: int


def differences(before: Hours, after: Hours, first: date, count: int) -> list[Difference]:
    """The dates of ``count`` days from ``first`` on that are open otherwise under ``after``."""
    found = []
    for number in range(count):
        day = first + timedelta(days=number)
        old, new = day_of(before, day, {}, {}), day_of(after, day, {}, {})
        if old.spans != new.spans or (before.zone != after.zone and (old.spans or new.spans)):
            found.append(Difference(day, old.seconds, new.seconds))
    return found
