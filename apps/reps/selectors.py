"""Reads over reps and their time: calendars as plain hours, who is away, the period's quota."""

from datetime import date
from typing import Any

from apps.core.periods import Period
from apps.reps.models import BusinessCalendar, Quota, Rep, Team, TimeOff
from apps.reps.rules.business_time import Hours


def hours_of(calendar: BusinessCalendar) -> Hours:
    """The calendar as the plain value that ``rules.business_time`` computes with."""
    return Hours.of(calendar.time_zone, calendar.weekly, calendar.holidays, calendar.overrides)


def rep_of(user: Any) -> Rep | None:
    """The rep that this user is, if any."""
    return Rep.objects.select_related("team__calendar").filter(user=user).first()


def away_on(day: date, reps: list[int]) -> set[int]:
    """Which of these reps (by id) have time off on ``day``."""
    away = TimeOff.objects.filter(rep_id__in=reps, starts_on__lte=day, ends_on__gt=day)
    return set(away.values_list("rep_id", flat=True))


def team_quotas(team: Team, period: Period) -> dict[str, Quota]:
    """The team's quotas for exactly this period, by measure."""
    found = Quota.objects.filter(team=team, starts_on=period.start, ends_on=period.end)
    return {quota.measure: quota for quota in found}
