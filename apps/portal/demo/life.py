"""The calendar of life: seasons, holidays, office hours, and when within a day things happen."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from apps.core.periods import Period, month_of, trailing_months
from apps.portal.demo.chance import Chance
from apps.reps.rules.business_time import Hours, due_at, is_open, next_open

MONTHS_OF_HISTORY = 9

# How busy a month is beside the average one: the dips of August and December, a strong spring and autumn.
_SEASON = (0.92, 1.0, 1.08, 1.0, 0.98, 1.02, 0.86, 0.68, 1.1, 1.12, 1.08, 0.82)
# Monday to Sunday, as inbound leads come.
_WEEKDAY = (1.05, 1.15, 1.12, 1.08, 0.85, 0.22, 0.18)
# Hours of the day at which people fill in forms.
_FORM_HOURS = {
    7: 2,
    8: 5,
    9: 10,
    10: 13,
    11: 12,
    12: 8,
    13: 9,
    14: 12,
    15: 11,
    16: 9,
    17: 6,
    18: 4,
    19: 3,
    20: 3,
    21: 2,
    22: 1,
}

OFFICE = {
    "mon": [["09:00", "17:30"]],
    "tue": [["09:00", "17:30"]],
    "wed": [["09:00", "17:30"]],
    "thu": [["09:00", "17:30"]],
    "fri": [["09:00", "16:30"]],
}
INBOUND_DESK = {day: [["08:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@dataclass(frozen=True)
class Span:
    """From the first day of the history up to the present instant ``at``, in the company's ``zone``."""

    at: datetime
    zone: str

    @cached_property
    def today(self) -> date:
        return self.at.astimezone(ZoneInfo(self.zone)).date()

    @cached_property
    def start(self) -> date:
        return trailing_months(self.today, MONTHS_OF_HISTORY).start

    @cached_property
    def months(self) -> list[Period]:
        """The closed months, oldest first."""
        return trailing_months(self.today, MONTHS_OF_HISTORY).months()

    @cached_property
    def days(self) -> int:
        return (self.today - self.start).days

    def day(self, share: float) -> date:
        """The day at ``share`` of the way from the start to today."""
        return self.start + timedelta(days=int(self.days * share))

    def month_start(self, number: int) -> date:
        """The first day of the ``number``-th month of the history; 0 is the first one."""
        month = month_of(self.start)
        for _ in range(number):
            month = month.following()
        return month.start

    def instant(self, day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
        """A local time of the company as the UTC instant."""
        return datetime.combine(day, time(hour, minute, second), ZoneInfo(self.zone)).astimezone(UTC)

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        return self.instant(day, 0), self.instant(day + timedelta(days=1), 0)


def season(day: date) -> float:
    """How much of the usual happens on ``day`` of the year, weekends left aside."""
    between_the_years = (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 5)
    return _SEASON[day.month - 1] * (0.45 if between_the_years else 1.0)


def weekday(day: date) -> float:
    """The weight of a weekday among the days on which leads come in."""
    return _WEEKDAY[day.weekday()]


def form_time(chance: Chance, span: Span, day: date) -> datetime:
    """When on ``day`` somebody fills in a form."""
    return span.instant(day, chance.pick(_FORM_HOURS), chance.randrange(60), chance.randrange(60))


def after(hours: Hours, start: datetime, minutes: float) -> datetime:
    """``minutes`` of open time after ``start``, to the second."""
    return due_at(hours, start, round(minutes * 60) / 60).replace(microsecond=0)


def within(hours: Hours, instant: datetime, chance: Chance, lag: float = 20) -> datetime:
    """``instant`` when the office is open, else a little (``lag`` minutes, about) after it opens next."""
    if is_open(hours, instant):
        return instant
    return after(hours, next_open(hours, instant), chance.about(lag, 0.8))


def working_day(hours: Hours, day: date, count: int) -> date:
    """The ``count``-th day after ``day`` on which the office opens."""
    while count > 0:
        day += timedelta(days=1)
        if hours.windows_on(day):
            count -= 1
    return day
