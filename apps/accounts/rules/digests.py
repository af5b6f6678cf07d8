"""When a person's digest goes out, and what in it is told by its number alone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DIGEST_TIME = time(8, 30)
"""In the person's own time zone, Monday to Friday."""

FLOOD = 5
"""More of one kind in one message than this is one line that counts them."""

_SATURDAY = 5


def next_digest(at: datetime, zone: ZoneInfo) -> datetime:
    """The first digest after the instant ``at``, in UTC: 08:30 in ``zone`` on a weekday.

    What happens at 08:30 itself waits for the next one.
    """
    at = at.astimezone(UTC)
    day = at.astimezone(zone).date()
    while True:
        goes_out = datetime.combine(day, DIGEST_TIME, zone).astimezone(UTC)
        if day.weekday() < _SATURDAY and goes_out > at:
            return goes_out
        day += timedelta(days=1)


def is_flood(count: int) -> bool:
    """Whether ``count`` of one kind is told as one line."""
    return count > FLOOD
