"""Half-open periods of calendar days: months, quarters, years and their neighbours.

Pure: nothing here reads a clock; whoever asks passes the day or the instant.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class NotAPeriod(ValueError):
    """Text that names no period; the message lists the forms that do."""


@dataclass(frozen=True, order=True)
class Period:
    """The days from ``start`` up to, but not including, ``end``."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise NotAPeriod(f"A period ends after it starts; {self.start} to {self.end} does not.")

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        return self.code

    @property
    def days(self) -> int:
        """How many calendar days, first and last included."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def code(self) -> str:
        """``2026-10``, ``2026Q4``, ``2026`` or ``2026-10-05..2026-10-12``."""
        if self == month_of(self.start):
            return f"{self.start:%Y-%m}"
        if self == quarter_of(self.start):
            return f"{self.start.year}Q{(self.start.month + 2) // 3}"
        if self == year_of(self.start):
            return f"{self.start.year}"
        return f"{self.start}..{self.end}"

    @property
    def name(self) -> str:
        """For people: ``October 2026``, ``Q4 2026``, ``2026``, ``5 Oct to 11 Oct 2026``."""
        if self == month_of(self.start):
            return f"{self.start:%B %Y}"
        if self == quarter_of(self.start):
            return f"Q{(self.start.month + 2) // 3} {self.start.year}"
        if self == year_of(self.start):
            return f"{self.start.year}"
        return f"{self.start.day} {self.start:%b} to {self.last_day.day} {self.last_day:%b %Y}"

    def bounds(self, zone: str = "UTC") -> tuple[datetime, datetime]:
        """The two UTC instants at which the period starts and ends in ``zone``."""
        return day_start(self.start, zone), day_start(self.end, zone)

    def previous(self) -> "Period":
        """The period of the same kind just before."""
        before = self.start - timedelta(days=1)
        for kind in (month_of, quarter_of, year_of):
            if self == kind(self.start):
                return kind(before)
        return Period(self.start - timedelta(days=self.days), self.start)

    def following(self) -> "Period":
        """The period of the same kind just after."""
        for kind in (month_of, quarter_of, year_of):
            if self == kind(self.start):
                return kind(self.end)
        return Period(self.end, self.end + timedelta(days=self.days))

    def months(self) -> list["Period"]:
        """The calendar months it covers, oldest first (whole months only)."""
        found, month = [], month_of(self.start)
        while month.end <= self.end:
            if month.start >= self.start:
                found.append(month)
            month = month_of(month.end)
        return found


def day_start(day: date, zone: str = "UTC") -> datetime:
    """The UTC instant at which ``day`` begins in ``zone``."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_of(instant: datetime, zone: str = "UTC") -> date:
    """The calendar day of ``instant`` in ``zone``. A naive instant is refused."""
    if instant.tzinfo is None:
        raise ValueError("A naive datetime has no day of its own: give it a time zone.")
    return instant.astimezone(ZoneInfo(zone)).date()


def _first_of_next(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)


def month_of(day: date) -> Period:
    return Period(day.replace(day=1), _first_of_next(day.year, day.month))


def quarter_of(day: date) -> Period:
    first = (day.month - 1) // 3 * 3 + 1
    return Period(date(day.year, first, 1), _first_of_next(day.year, first + 2))


def year_of(day: date) -> Period:
    return Period(date(day.year, 1, 1), date(day.year + 1, 1, 1))


def trailing_months(day: date, count: int) -> Period:
    """The ``count`` whole months before the month of ``day`` (PRODUCT section 7: trailing three)."""
    end = day.replace(day=1)
    start = end
    for _ in range(count):
        start = (start - timedelta(days=1)).replace(day=1)
    return Period(start, end)


def parse_period(text: str) -> Period:
    """``2026-10`` a month, ``2026Q4`` or ``2026-Q4`` a quarter, ``2026`` a year.

    Raises ``NotAPeriod`` with the forms that are understood.
    """
    text = text.strip()
    if re.match(r"0|999[89]", text):
        raise NotAPeriod(f"{text!r} is not a period: the portal knows the years 1000 to 9997.")
    try:
        if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
            return month_of(date(int(match[1]), int(match[2]), 1))
        if match := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text):
            return quarter_of(date(int(match[1]), int(match[2]) * 3, 1))
        if match := re.fullmatch(r"(\d{4})", text):
            return year_of(date(int(match[1]), 1, 1))
        if match := re.fullmatch(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})", text):
            return Period(date.fromisoformat(match[1]), date.fromisoformat(match[2]))
    except ValueError as error:
        raise NotAPeriod(f"{text!r} is not a period: {error}.") from error
    raise NotAPeriod(f"{text!r} is not a period. Write 2026-10 (month), 2026Q4 (quarter) or 2026 (year).")
