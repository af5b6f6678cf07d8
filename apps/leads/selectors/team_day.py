"""A manager's view of the day: each SDR's queue in figures, and what lies unowned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from apps.core.periods import day_of, day_start
from apps.leads.models import Capacity, EventCredit, EventKind, Lead
from apps.leads.selectors.reassignment import Takers
from apps.reps.models import Rep, Team
from apps.reps.selectors import away_on


@dataclass(frozen=True)
class Member:
    """One SDR: ``waiting`` leads, of those ``at_risk`` and ``late`` by promise, and today's work."""

    rep: Rep
    waiting: int
    at_risk: int
    late: int
    touches: int
    booked: int
    is_away: bool


@dataclass(frozen=True)
class TeamDay:
    """One team: its SDRs, and its pool of unowned leads."""

    team: Team
    members: list[Member]
    pool: int
    pool_late: int


@dataclass(frozen=True)
class Day:
    """All teams within the viewer's scope at one instant."""

    teams: list[TeamDay]
    now: datetime

    @property
    def takers(self) -> Takers:
        """Whom the viewer may give leads to: those of the page."""
        members = [member for one in self.teams for member in one.members]
        return Takers(
            sorted((member.rep for member in members), key=lambda rep: (rep.name, rep.pk)),
            {member.rep.pk for member in members if member.is_away},
        )

    @property
    def waiting(self) -> int:
        return sum(one.pool + sum(member.waiting for member in one.members) for one in self.teams)

    @property
    def late(self) -> int:
        return sum(one.pool_late + sum(member.late for member in one.members) for one in self.teams)

    @property
    def at_risk(self) -> int:
        return sum(member.at_risk for one in self.teams for member in one.members)


def team_day(*, user: Any, at: datetime) -> Day:
    """Five statements, whatever the number of reps."""
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    reps = list(
        Rep.objects.visible_to(user)
        .sdrs()
        .active_on(today)
        .select_related("team")
        .order_by("team__name", "name")
    )
    ids = [rep.pk for rep in reps]
    teams = {rep.team_id: rep.team for rep in reps}
    ready = Lead.objects.filter(queue_bucket__isnull=False, queue_ready_at__lte=at).order_by()
    late, risk = Q(due_at__lte=at), Q(due_at__gt=at, warn_at__lte=at)
    figures = {"n": Count("pk"), "late": Count("pk", filter=late), "risk": Count("pk", filter=risk)}
    own: dict[int, Any] = {
        row["owner"]: row for row in ready.filter(owner__in=ids).values("owner").annotate(**figures)
    }
    pool: dict[int, Any] = {
        row["team"]: row
        for row in ready.filter(owner__isnull=True, team__in=teams).values("team").annotate(**figures)
    }
    done = {
        (rep, kind): count
        for rep, kind, count in EventCredit.objects.filter(
            rep__in=ids,
            capacity=Capacity.SOURCED,
            event__kind__in=(EventKind.TOUCHED, EventKind.BOOKED),
            event__occurred_at__gte=day_start(today, settings.COMPANY_TIME_ZONE),
            event__occurred_at__lte=at,
            event__reversed_by__isnull=True,
        )
        .order_by()
        .values_list("rep", "event__kind")
        .annotate(n=Count("pk"))
    }
    away = away_on(today, ids)
    nothing: Any = {"n": 0, "late": 0, "risk": 0}
    members: dict[int, list[Member]] = {}
    for rep in reps:
        row = own.get(rep.pk, nothing)
        members.setdefault(rep.team_id, []).append(
            Member(
                rep,
                row["n"],
                row["risk"],
                row["late"],
                done.get((rep.pk, EventKind.TOUCHED), 0),
                done.get((rep.pk, EventKind.BOOKED), 0),
                rep.pk in away,
            )
        )
    return Day(
        [
            TeamDay(team, members[pk], pool.get(pk, nothing)["n"], pool.get(pk, nothing)["late"])
            for pk, team in teams.items()
        ],
        at,
    )
