"""When calling somebody is proper: the prospect's own time zone decides (PRODUCT section 4)."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

OPENS, CLOSES = time(8), time(18)
"""Proper from eight to six, local to the prospect, on working days."""


@dataclass(frozen=True)
class TheirTime:
    """``local`` is the prospect’s wall clock; ``next_proper`` the instant from which one may call."""

    local: datetime
    is_proper: bool
    next_proper: datetime

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
    if zone is None:
        return None
    local = now.astimezone(zone)
    if is_proper(local):
        return TheirTime(local, True, local)
    day = local.date() if local.time() < OPENS else local.date() + timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return TheirTime(local, False, datetime.combine(day, OPENS, zone))
