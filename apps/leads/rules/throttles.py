"""Throttles: how much a rep is given in a day, and how steps spread when a day is full.

Nothing comes before its own due time, no day is above its limits, and of two steps over the same channel the
one due first is never placed on a later day than the other, as long as both are due on working days.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

LOOK_AHEAD = 400
"""Days after which a step is placed whatever the limits: a limit of zero must not hide leads for ever."""


@dataclass(frozen=True)
class Limits:
    """The most in a day, ``None`` where there is no limit. ``by_channel`` limits the steps of one channel."""

    steps: int | None = None
    by_channel: Mapping[str, int] = field(default_factory=dict)
    enrolments: int | None = None
    new_leads: int | None = None

    @property
    def limits_steps(self) -> bool:
        return self.steps is not None or bool(self.by_channel)


@dataclass
class Days:
    """What is planned on each day of one rep, all together and by channel; grows as steps are placed."""

    limits: Limits
    taken: Counter[tuple[date, str]] = field(default_factory=Counter)

    def has_room(self, day: date, channel: str) -> bool:
        most = self.limits.by_channel.get(channel)
        if most is not None and self.taken[day, channel] >= most:
            return False
        return self.limits.steps is None or self.all_on(day) < self.limits.steps

    def all_on(self, day: date) -> int:
        return self.taken[day, ""]

    def take(self, day: date, channel: str) -> None:
        self.taken[day, ""] += 1
        self.taken[day, channel] += 1


def place(
    days: Days,
    *,
    due_at: datetime,
    channel: str,
    day_of: Callable[[datetime], date],
    from_day: Callable[[date], datetime],
) -> datetime:
    """When a step due at ``due_at`` is planned: then, or at the beginning of the first later day with room.

    ``day_of`` names the rep's day of an instant; ``from_day`` the first proper instant from the beginning of
    the day *after* the given one (working hours, the prospect's calling hours). Takes the place.
    """
    at = due_at
    for _ in range(LOOK_AHEAD):
        day = day_of(at)
        if days.has_room(day, channel):
            break
        at = max(from_day(day), due_at)
    days.take(day_of(at), channel)
    return at
