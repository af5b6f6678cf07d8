"""When calling somebody is proper: the prospect's own time zone decides (PRODUCT section 4)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

OPENS, CLOSES = time(8), time(18)
"""Proper from eight to six, local to the prospect, on working days."""


@dataclass(frozen=True)
class TheirTime:
    """``local`` is the prospect’s wall clock; ``next_proper`` the instant from which one may call.

    ``is_known`` is false where their zone is not known and the company's stands in for it.
    """

    local: datetime
    is_proper: bool
    next_proper: datetime
    is_known: bool = True

    @property
    def hour_words(self) -> str:
        """``until 18:00`` while proper, else ``from Mon 08:00``."""
        if self.is_proper:
            return f"until {CLOSES:%H:%M}"
        same_day = self.next_proper.date() == self.local.date()
        return f"from {self.next_proper:%H:%M}" if same_day else f"from {self.next_proper:%a %H:%M}"


@lru_cache(maxsize=512)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of that name, or ``None`` for one that is empty or unknown (imports carry both)."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def is_proper(local: datetime) -> bool:
    """Whether one may call at this wall-clock time of the prospect."""
    return local.weekday() < 5 and OPENS <= local.time() < CLOSES


def at_prospect(time_zone: str, now: datetime) -> TheirTime | None:
    """The prospect's time at ``now``; ``None`` when the zone is not known."""
    zone = zone_named(time_zone)
    return None if zone is None else _time_in(zone, now)


def their_time(time_zone: str, now: datetime, *, fallback: str) -> TheirTime:
    """The prospect's time at ``now``; where their zone is not known, that of ``fallback``, marked as such.

    A city is not turned into a zone: many share a name, and a call at night is worse than one that waits.
    """
    found = at_prospect(time_zone, now)
    return found if found is not None else replace(_time_in(ZoneInfo(fallback), now), is_known=False)


def next_proper(time_zone: str, at: datetime, *, fallback: str) -> datetime:
    """``at`` itself where one may call then, else the next instant from which one may; in UTC."""
    return their_time(time_zone, at, fallback=fallback).next_proper.astimezone(UTC)


@lru_cache(maxsize=256)
def _time_in(zone: ZoneInfo, now: datetime) -> TheirTime:
    # The leads of one page live in a few zones.
    local = now.astimezone(zone)
    if is_proper(local):
        return TheirTime(local, True, local)
    day = local.date() if local.time() < OPENS else local.date() + timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return TheirTime(local, False, datetime.combine(day, OPENS, zone))
