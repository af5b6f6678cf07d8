"""The weekly review as plain values: ISO weeks, when the meeting is, which promises of time its agenda makes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.core.periods import Period

SILENT_DAYS = 14
"""A lead without any sign of work for so long has gone cold, whether somebody said so or not."""


def week_of(day: date) -> Period:
    """The ISO week of ``day``, Monday to Sunday."""
    monday = day - timedelta(days=day.weekday())
    return Period(monday, monday + timedelta(days=7))


def last_whole_week(today: date) -> Period:
    """The week before that of ``today``."""
    return week_of(today - timedelta(days=7))


def meeting_at(week: Period, weekday: int, starts_at: time, zone: str) -> datetime:
    """When the meeting about ``week`` begins: on ``weekday`` of the week after it, by the clock of ``zone``; UTC."""
    day = week.end + timedelta(days=weekday)
    return datetime.combine(day, starts_at, ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True)
class Slot:
    """A part of the agenda: ``minutes`` long, over ``until`` minutes after the meeting began."""

    section: str
    minutes: int
    until: int


WEIGHTS = {
    "actions": 5,
    "leads": 4,
    "appointments": 4,
    "cold": 7,
    "promises": 7,
    "touches": 5,
    "complaints": 5,
    "rejected": 8,
}
"""Of the agenda: how 45 minutes are shared out; another length is shared in proportion."""


def agenda(sections: Sequence[str], minutes: int) -> list[Slot]:
    """``minutes`` shared among ``sections`` by their weights, in whole minutes that sum to it (largest remainder)."""
    if not sections:
        return []
    whole = sum(WEIGHTS[one] for one in sections)
    parts = [divmod(minutes * WEIGHTS[one], whole) for one in sections]
    given = [part for part, _ in parts]
    left = minutes - sum(given)
    for index in sorted(range(len(parts)), key=lambda place: (-parts[place][1], place))[:left]:
        given[index] += 1
    slots, until = [], 0
    for section, length in zip(sections, given, strict=True):
        until += length
        slots.append(Slot(section, length, until))
    return slots
