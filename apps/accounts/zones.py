"""The time zone in which a person reads instants."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings


def zone_of(user: Any) -> ZoneInfo:
    """The user's own zone; the company's where there is none or it is not known."""
    return zone_called(getattr(user, "time_zone", ""))


def zone_called(name: str) -> ZoneInfo:
    """The zone of that name; the company's where there is none or it is not known."""
    try:
        return ZoneInfo(name or settings.COMPANY_TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(settings.COMPANY_TIME_ZONE)
