"""Whose bookable time somebody may see and change, and what it is made of: calendars, time off, entries by hand."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.reps.models import BusyCalendar, BusyTime, Rep, RepRole, TimeOff

TAKERS = (RepRole.AE, RepRole.AM, RepRole.CSM)
"""Those who take meetings."""
_SOON = timedelta(days=14)


def takers(user: Any) -> QuerySet[Rep]:
    """Reps who take meetings: one's own, those of the teams one manages, for RevOps all."""
    reps = Rep.objects.filter(role__in=TAKERS)
    if user.role == "revops":
        return reps
    if user.role == "manager":
        return reps.filter(Q(team__manager=user) | Q(user=user))
    return reps.filter(user=user)


def time_off_in_scope(user: Any) -> QuerySet[TimeOff]:
    return TimeOff.objects.filter(rep__in=takers(user)).select_related("rep")


def by_hand_in_scope(user: Any) -> QuerySet[BusyTime]:
    """Busy times; only those entered by hand can be changed."""
    return BusyTime.objects.filter(rep__in=takers(user)).select_related("rep")


def calendars_in_scope(user: Any) -> QuerySet[BusyCalendar]:
    return BusyCalendar.objects.visible_to(user).filter(rep__in=takers(user)).select_related("rep__user")


@dataclass(frozen=True)
class Source:
    """A calendar with how it stands: ``fine``, ``waiting``, ``failing`` or ``ending``."""

    calendar: BusyCalendar
    times: int
    state: str

    @property
    def more_problems(self) -> int:
        return self.calendar.problem_count - len(self.calendar.problems)


def sources_of(rep: Rep, at: datetime) -> list[Source]:
    """The rep's calendars with how many busy times each gives from ``at`` on. One statement."""
    found = BusyCalendar.objects.filter(rep=rep).annotate(
        coming=Count("times", filter=Q(times__ends_at__gt=at))
    )
    return [Source(one, one.coming, state_of(one, at)) for one in found]


def state_of(calendar: BusyCalendar, at: datetime) -> str:
    if calendar.failing_since:
        return "failing"
    if calendar.read_at is None:
        return "waiting"
    if not calendar.is_feed and calendar.reaches_to and calendar.reaches_to < at + _SOON:
        return "ending"
    return "fine"


def time_off_of(rep: Rep, today: date) -> list[TimeOff]:
    """What is running or to come, soonest first."""
    return list(TimeOff.objects.filter(rep=rep, ends_on__gt=today))


def by_hand_of(rep: Rep, at: datetime, most: int = 50) -> list[BusyTime]:
    """Busy times entered by hand that are not over."""
    return list(BusyTime.objects.filter(rep=rep, calendar__isnull=True, ends_at__gt=at)[:most])
