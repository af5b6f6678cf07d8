"""Reads over reps and their time: calendars as plain hours, who is away."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from functools import lru_cache
from typing import Any

from django.db import connection

from apps.core.prepared import USER, PreparedObjects
from apps.reps.models import BusinessCalendar, Rep, TimeOff
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


def own_hours(reps: Iterable[int | None]) -> dict[int, Hours]:
    """The hours of those of these reps (by id) who have own ones. One statement, none for nobody."""
    ids = {pk for pk in reps if pk is not None}
    if not ids:
        return {}
    found = Rep.objects.filter(pk__in=ids, calendar__isnull=False).select_related("calendar").only("calendar")
    hours: dict[int, Hours] = {}
    own = {rep.pk: rep.calendar for rep in found if rep.calendar is not None}
    for calendar in own.values():
        # Many may share one with all its holidays: it is made a plain value once.
        if calendar.pk not in hours:
            hours[calendar.pk] = hours_of(calendar)
    return {pk: hours[calendar.pk] for pk, calendar in own.items()}


def rep_of(user: Any) -> Rep | None:
    """The rep that this user is, if any, with whose hours hold joined in."""
    return _rep_of(connection.vendor).first({USER: user.pk}) if user.pk else None


@lru_cache(maxsize=4)
def _rep_of(_vendor: str) -> PreparedObjects[Rep]:
    # Every page of a rep asks for it.
    one = Rep.objects.select_related("calendar", "team__calendar").filter(user_id=USER).order_by()
    return PreparedObjects(one[:1], USER)


def away_on(day: date, reps: list[int]) -> set[int]:
    """Which of these reps (by id) have time off on ``day``."""
    away = TimeOff.objects.filter(rep_id__in=reps, starts_on__lte=day, ends_on__gt=day)
    return set(away.values_list("rep_id", flat=True))
