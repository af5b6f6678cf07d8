"""When the next step of a lead comes: the hours of who works it, the prospect's calling hours, the throttles.

A ``Planner`` is loaded once for a batch of leads, whatever their number; the caller has locked the leads.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.core.periods import day_of
from apps.leads.models import Channel, Lead
from apps.leads.rules import cadences as rules
from apps.leads.rules import calling, throttles
from apps.leads.services.throttles import days_of, limits_of_reps, lock_reps
from apps.reps.models import Rep, Team
from apps.reps.rules.business_time import Hours, NeverOpen, next_open
from apps.reps.selectors import hours_for, hours_of

_ROUNDS = 14
"""How often the two kinds of hours are tried in turn: two weeks without a common hour have none."""


def callable_from(*, lead: Lead, at: datetime) -> datetime:
    """``at``, or the next instant at which calling this lead is proper; in UTC."""
    return calling.next_proper(lead.time_zone, at, fallback=settings.COMPANY_TIME_ZONE)


class Planner:
    """The hours and the throttles of those who work a batch of leads."""

    def __init__(self, leads: Iterable[Lead], at: datetime, reps: Iterable[int] = ()) -> None:
        leads = list(leads)
        self._at = at
        ids = {lead.owner_id for lead in leads if lead.owner_id} | set(reps)
        self._reps = Rep.objects.select_related("calendar", "team__calendar").in_bulk(sorted(ids))
        unowned = {lead.team_id for lead in leads if not lead.owner_id and lead.team_id}
        self._teams = {rep.team_id: rep.team for rep in self._reps.values()}
        if missing := unowned - set(self._teams):
            self._teams |= Team.objects.select_related("calendar").in_bulk(sorted(missing))
        self._days = self._load_days({lead.pk for lead in leads})

    def _load_days(self, leads: set[int]) -> dict[int, throttles.Days]:
        limits = limits_of_reps(list(self._reps.values())) if self._reps else {}
        limited = [rep for rep in limits if limits[rep].limits_steps]
        if limited:
            lock_reps(limited)
        return {
            rep: days_of(rep=self._reps[rep], limits=limits[rep], at=self._at, without=leads)
            for rep in limited
        }

    def step_due(self, lead: Lead, step: rules.Step, channel: str, since: datetime) -> datetime:
        """When ``step`` is planned over ``channel``, counted from ``since``. Takes its place in the rep's day."""
        hours = self._hours(lead)
        due = rules.due_at(step, since=since, hours=hours) if hours else since + _plain_wait(step)
        return self._placed(lead, channel, self.fit(lead, channel, due))

    def soonest(self, lead: Lead, channel: str, at: datetime) -> datetime:
        """The first proper instant from ``at`` on with room in the rep's day. Takes its place."""
        return self._placed(lead, channel, self.fit(lead, channel, at))

    def keep(self, lead: Lead, channel: str, at: datetime) -> None:
        """Count a step of this batch that stays where it is, or that was just done."""
        days = self._days.get(lead.owner_id or 0)
        if days is not None:
            days.take(day_of(max(at, self._at), self._reps[lead.owner_id].time_zone), channel)

    def fit(self, lead: Lead, channel: str, at: datetime) -> datetime:
        """``at``, or the next instant inside the team's hours and, for a call, the prospect's.

        Where the two have no hour in common, a call follows the prospect's alone.
        """
        hours = self._hours(lead)
        if hours is None:
            return callable_from(lead=lead, at=at) if channel == Channel.CALL else at
        found = _opening(hours, at)
        if channel != Channel.CALL:
            return found
        for _ in range(_ROUNDS):
            proper = callable_from(lead=lead, at=found)
            if proper == found:
                return found
            found = _opening(hours, proper)
        return callable_from(lead=lead, at=at)

    def _placed(self, lead: Lead, channel: str, due_at: datetime) -> datetime:
        days = self._days.get(lead.owner_id or 0)
        if days is None:
            return due_at
        zone = self._reps[lead.owner_id].time_zone

        def from_day(day: date) -> datetime:
            morning = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone))
            return self.fit(lead, channel, morning)

        # What is overdue takes the room of today.
        return throttles.place(
            days,
            due_at=max(due_at, self._at),
            channel=channel,
            day_of=lambda instant: day_of(instant, zone),
            from_day=from_day,
        )

    def _hours(self, lead: Lead) -> Hours | None:
        owner = self._reps.get(lead.owner_id or 0)
        if owner is not None:
            return hours_for(owner)
        team = self._teams.get(lead.team_id or 0)
        return hours_of(team.calendar) if team else None


def _opening(hours: Hours, at: datetime) -> datetime:
    try:
        return next_open(hours, at)
    except NeverOpen:
        return at


def _plain_wait(step: rules.Step) -> timedelta:
    return timedelta(days=step.wait_days, hours=step.wait_hours)
