"""Reads over reps and their time: calendars as plain hours, who is away, the period's quota."""

from dataclasses import fields
from datetime import date
from typing import Any

from apps.core.periods import Period
from apps.reps.models import BusinessCalendar, Quota, Rep, Team, TimeOff
from apps.reps.rules.business_time import Hours
from apps.reps.rules.calendar_draft import Draft


def hours_of(calendar: BusinessCalendar) -> Hours:
    """The calendar as the plain value that ``rules.business_time`` computes with."""
    return Hours.of(
        calendar.time_zone, calendar.weekly, calendar.holidays, calendar.overrides, calendar.breaks
    )


def draft_of(calendar: BusinessCalendar) -> Draft:
    """The calendar as the plain value that ``rules.calendar_draft`` judges and a page changes."""
    return Draft(**{one.name: getattr(calendar, one.name) for one in fields(Draft)})


def company_calendar() -> BusinessCalendar | None:
    """The one that holds for whoever has neither a team nor an own one, if RevOps named one."""
    return BusinessCalendar.objects.filter(is_default=True).first()


def calendar_of(rep: Rep | None) -> BusinessCalendar | None:
    """Whose hours hold: the rep's own calendar, else the team's; for nobody the company's.

    Asks nothing more of a rep read with ``calendar`` and ``team__calendar`` joined in.
    """
    return company_calendar() if rep is None else rep.calendar or rep.team.calendar


def hours_for(rep: Rep) -> Hours:
    """The hours of this rep: own ones, else the team's. Joined in as for ``calendar_of``."""
    return hours_of(rep.calendar or rep.team.calendar)


def rep_of(user: Any) -> Rep | None:
    """The rep that this user is, if any."""
    return Rep.objects.select_related("calendar", "team__calendar").filter(user=user).first()


def away_on(day: date, reps: list[int]) -> set[int]:
    """Which of these reps (by id) have time off on ``day``."""
    away = TimeOff.objects.filter(rep_id__in=reps, starts_on__lte=day, ends_on__gt=day)
    return set(away.values_list("rep_id", flat=True))


def team_quotas(team: Team, period: Period) -> dict[str, Quota]:
    """The team's quotas for exactly this period, by measure."""
    found = Quota.objects.filter(team=team, starts_on=period.start, ends_on=period.end)
    return {quota.measure: quota for quota in found}
