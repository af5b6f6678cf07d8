"""Contesting a rejection: until when, and who may judge it. Pure (PRODUCT section 6).

A window in working days ends with the close of the last of them, not counting the day of the rejection itself;
one in calendar days ends at the same time of day that many days later. Both are counted by the SDR's calendar.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apps.reps.rules.business_time import Hours, NeverOpen, closing_of_day

WORKING, CALENDAR = "working", "calendar"
MOST_DAYS = 60
DEFAULT_WINDOW_DAYS = 5
DEFAULT_JUDGE_DAYS = 5


@dataclass(frozen=True)
class Terms:
    """Days in which the SDR may contest, days in which the judge decides, and how both are counted."""

    window_days: int = DEFAULT_WINDOW_DAYS
    judge_days: int = DEFAULT_JUDGE_DAYS
    counts: str = WORKING

    @property
    def in_words(self) -> str:
        """``5 working days to contest, 5 to decide``."""
        return f"{_days(self.window_days, self.counts)} to contest, {self.judge_days} to decide"


def _days(number: int, counts: str) -> str:
    return f"{number} {counts} day{'' if number == 1 else 's'}"


def ends_at(*, hours: Hours, start: datetime, days: int, counts: str) -> datetime:
    """The instant (UTC) at which ``days`` days after ``start`` are over.

    A calendar that never opens again counts calendar days, so that nobody is left without an end.
    """
    if counts == CALENDAR:
        return _calendar(hours, start, days)
    try:
        # The day of the rejection itself is not counted.
        own_day = start.astimezone(ZoneInfo(hours.zone)).date()
        return closing_of_day(hours=hours, start=start, days=days, after=own_day)
    except NeverOpen:
        return _calendar(hours, start, days)


def _calendar(hours: Hours, start: datetime, days: int) -> datetime:
    local = start.astimezone(ZoneInfo(hours.zone)) + timedelta(days=days)
    return local.astimezone(start.tzinfo)


@dataclass(frozen=True)
class Sides:
    """Whom a contest concerns, as user ids: nobody of them judges it."""

    people: frozenset[int]
    """The SDR, the AE, whoever answered, and the managers of both."""

    @classmethod
    def of(cls, *users: int | None) -> "Sides":
        return cls(frozenset(user for user in users if user is not None))


def choose_judge(
    *, candidates: Iterable[int], sides: Sides, judged: Mapping[int, tuple[int, int]]
) -> int | None:
    """Of the candidates (user ids) the neutral one with the fewest contests; ``None`` when nobody is neutral.

    ``judged``: contests open and ever given, by user id. Fewest open ones first, then fewest ever, then the
    lowest id: the same facts always name the same judge.
    """
    neutral = [one for one in candidates if one not in sides.people]
    return min(neutral, key=lambda one: (*judged.get(one, (0, 0)), one), default=None)
