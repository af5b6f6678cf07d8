"""The time zone in which a person reads instants."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings


def zone_of(user: Any) -> ZoneInfo:
    """The user's own zone; the company's where there is none or it is not known."""
    try:
        return ZoneInfo(getattr(user, "time_zone", "") or settings.COMPANY_TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(settings.COMPANY_TIME_ZONE)
