"""Who sells, in which team, when they work, what they are asked for, which tier they are on."""

from apps.reps.models.busy import BusyCalendar, BusyTime
from apps.reps.models.calendars import BusinessCalendar, TimeOff
from apps.reps.models.people import Agency, Rep, RepRole, Team, Tier, TierChange
from apps.reps.models.quotas import Quota, QuotaMeasure

__all__ = [
    "Agency",
    "BusinessCalendar",
    "BusyCalendar",
    "BusyTime",
    "Quota",
    "QuotaMeasure",
    "Rep",
    "RepRole",
    "Team",
    "Tier",
    "TierChange",
    "TimeOff",
]
