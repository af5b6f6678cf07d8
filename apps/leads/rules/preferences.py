"""A customer's preferred times: what they stand for on the calendar, in the order of the wish.

PRODUCT section 6: "the customer's preferred times come first". A wish is one window, or a part of a weekday in
the customer's own zone; a part of a day ends where the next begins.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

PARTS: dict[str, tuple[time, time]] = {
    "any": (time(8), time(18)),
    "morning": (time(8), time(12)),
    "midday": (time(11), time(14)),
    "afternoon": (time(12), time(18)),
    "evening": (time(16), time(20)),
}
"""From and to, on the customer's wall clock."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS = {
    "any": "any time",
    "morning": "morning",
    "midday": "midday",
    "afternoon": "afternoon",
    "evening": "evening",
}


@dataclass(frozen=True)
class Wish:
    """A window (``starts_at`` and ``ends_at``), or ``part`` of ``weekday`` (``None``: Monday to Friday)."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekday: int | None = None
    part: str = ""

    def in_words(self, zone: tzinfo) -> str:
        """``Tuesdays, morning``, or ``Tue 17 Nov, 10:00 to 11:00`` in ``zone``."""
        if self.starts_at is not None and self.ends_at is not None:
            begins, ends = self.starts_at.astimezone(zone), self.ends_at.astimezone(zone)
            return f"{begins:%a} {begins.day} {begins:%b}, {begins:%H:%M} to {ends:%H:%M}"
        day = f"{_DAYS[self.weekday]}s" if self.weekday is not None else "Working days"
        return f"{day}, {_WORDS[self.part]}"


@dataclass(frozen=True)
class Occasion:
    """One time at which a wish comes true: ``[starts_at, ends_at)``, with how it reads."""

    wish: int
    starts_at: datetime
    ends_at: datetime
    words: str


def occasions(wishes: Iterable[Wish], *, zone: tzinfo, first: datetime, last: datetime) -> Iterator[Occasion]:
    """The occasions of each wish that end after ``first`` and begin before ``last``, wish by wish."""
    for number, wish in enumerate(wishes):
        if wish.starts_at is not None and wish.ends_at is not None:
            if wish.ends_at > first and wish.starts_at < last:
                yield Occasion(number, wish.starts_at, wish.ends_at, wish.in_words(zone))
            continue
        opens, closes = PARTS[wish.part]
        for day in _days(first.astimezone(zone).date(), last.astimezone(zone).date()):
            if not (day.weekday() == wish.weekday if wish.weekday is not None else day.weekday() < 5):
                continue
            begins, ends = (datetime.combine(day, clock, zone) for clock in (opens, closes))
            if ends > first and begins < last:
                words = f"{begins:%a} {day.day} {begins:%b}, {_WORDS[wish.part]}"
                # In UTC: a difference of two instants of one zone would be that of their wall clocks.
                yield Occasion(number, begins.astimezone(UTC), ends.astimezone(UTC), words)


def fits(starts_at: datetime, length: timedelta, occasion: Occasion) -> bool:
    """Whether a meeting of ``length`` from ``starts_at`` lies within the occasion as a whole.

    A window that is shorter than the meeting says when it should begin.
    """
    if occasion.ends_at - occasion.starts_at < length:
        return occasion.starts_at <= starts_at < occasion.ends_at
    return occasion.starts_at <= starts_at and starts_at + length <= occasion.ends_at


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
