"""A team's day as ``rules.forecast`` plays it: who is at work, what waits, how long one lead takes."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.expressions import RawSQL

from apps.core.periods import day_of, day_start
from apps.leads.models import Lead, Touch
from apps.leads.rules import queue as queue_rules
from apps.leads.services.throttles import limits_of_reps, today_of
from apps.reps.models import Rep, Team
from apps.reps.rules.business_time import Hours, open_spans
from apps.reps.selectors import hours_for, hours_of
from apps.slas.models import Clock, ClockKind, ClockState
from apps.slas.rules import forecast as rules
from apps.slas.rules import handling
from apps.slas.rules.forecast import Forecast, Plan, Waiting, Worker
from apps.slas.services.verdicts import absences

READ = 500
"""So many leads of each list are looked at: more than anybody handles in a day."""
WORKING_DAYS = 20
_LOOK_BACK = timedelta(days=45)
_LOOK_AHEAD = timedelta(days=10)


@dataclass(frozen=True)
class TeamForecast:
    """A team's play with what it was played from; ``reps`` by id, ``rep`` where it is one rep's part."""

    team: Team
    waiting: list[Waiting]
    found: Forecast
    reps: dict[int, Rep]
    rep: Rep | None = None

    @property
    def lead_ids(self) -> list[int]:
        return [one.lead_id for one in self.found.breaking]


def teams_in_scope(user: Any) -> list[Team]:
    """The open teams with SDRs of which ``user`` may see the forecast. One statement."""
    today = Rep.objects.sdrs().filter(left_on__isnull=True).values("team")
    return list(
        Team.objects.visible_to(user)
        .filter(is_open=True, pk__in=today)
        .select_related("calendar")
        .order_by("name")
    )


def team_forecast(*, team: Team, at: datetime) -> TeamForecast:
    """The team's queues played until the end of this working day, or of the next. Seven statements at most."""
    hours = hours_of(team.calendar)
    until = day_ends(hours, at)
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    reps = list(
        Rep.objects.sdrs()
        .active_on(today)
        .filter(team=team)
        .select_related("calendar", "team__calendar")
        .order_by("pk")
    )
    workers = _workers(reps, hours, at, until)
    waiting = _waiting(team, reps, at, until)
    found = rules.forecast(waiting=waiting, workers=workers, now=at, until=until)
    return TeamForecast(team, waiting, found, {rep.pk: rep for rep in reps})


def rep_forecast(*, rep: Rep, at: datetime) -> TeamForecast:
    """One rep's part of the team's forecast."""
    whole = team_forecast(team=rep.team, at=at)
    found = rules.of_rep(waiting=whole.waiting, found=whole.found, rep_id=rep.pk)
    return TeamForecast(whole.team, whole.waiting, found, whole.reps, rep)


def plan(one: TeamForecast) -> Plan:
    """Who could still answer what will break; no statement."""
    found = one.found
    return rules.plan_moves(waiting=one.waiting, workers=found.workers, now=found.at, until=found.until)


def day_ends(hours: Hours, at: datetime) -> datetime:
    """The last closing of the first local day with open time from ``at`` on; ``at`` itself without any."""
    spans = open_spans(hours, at, at + _LOOK_AHEAD)
    if not spans:
        return at
    first = day_of(spans[0][0], hours.zone)
    return max(closes for opens, closes in spans if day_of(opens, hours.zone) == first)


# --- Who is at work -------------------------------------------------------------------------------


def _workers(reps: Sequence[Rep], hours: Hours, at: datetime, until: datetime) -> list[Worker]:
    away = absences(rep.pk for rep in reps)
    gaps = _gaps(reps, hours, at)
    team = [gap for own in gaps.values() for gap in own]
    left = _new_left(reps, at)
    otherwise = timedelta(minutes=settings.FORECAST_HANDLING_MINUTES)
    return [
        Worker(
            rep_id=rep.pk,
            name=rep.name,
            handling=handling.usual(name=rep.name, own=gaps[rep.pk], team=team, otherwise=otherwise),
            windows=tuple(open_spans(hours_for(rep), at, until, away.get(rep.pk, ()))) if until > at else (),
            new_left=left.get(rep.pk),
        )
        for rep in reps
    ]


def _gaps(reps: Sequence[Rep], hours: Hours, at: datetime) -> dict[int, list[timedelta]]:
    """By rep: the gaps between touches within each of the last 20 working days before today. One statement."""
    today = day_start(day_of(at, hours.zone), hours.zone)
    days = sorted({day_of(opens, hours.zone) for opens, _ in open_spans(hours, today - _LOOK_BACK, today)})
    found: dict[int, list[timedelta]] = {rep.pk: [] for rep in reps}
    if not days:
        return found
    zones = {rep.pk: rep.time_zone for rep in reps}
    made: dict[int, list[tuple[Any, datetime]]] = defaultdict(list)
    rows = Touch.objects.filter(
        rep__in=found,
        occurred_at__gte=day_start(days[-WORKING_DAYS:][0], hours.zone),
        occurred_at__lt=today,
        undone_at__isnull=True,
    )
    for rep_id, moment in rows.order_by("rep", "occurred_at").values_list("rep_id", "occurred_at"):
        made[rep_id].append((day_of(moment, zones[rep_id]), moment))
    return found | {rep_id: handling.gaps_of(touches) for rep_id, touches in made.items()}


def _new_left(reps: Sequence[Rep], at: datetime) -> dict[int, int]:
    """How many leads never touched each may still take today; only those with a limit. Two statements at most."""
    most = {pk: one.new_leads for pk, one in limits_of_reps(reps).items() if one.new_leads is not None}
    if not most:
        return {}
    days = {rep.pk: today_of(rep=rep, at=at) for rep in reps if rep.pk in most}
    taken: Counter[int] = Counter()
    rows = Touch.objects.filter(
        rep__in=most,
        occurred_at__gte=min(start for start, _ in days.values()),
        undone_at__isnull=True,
        lead__first_touch_at=F("occurred_at"),
    ).values_list("rep_id", "occurred_at")
    for rep_id, moment in rows:
        taken[rep_id] += days[rep_id][0] <= moment < days[rep_id][1]
    return {pk: max(0, number - taken[pk]) for pk, number in most.items()}


# --- What waits -----------------------------------------------------------------------------------


def _waiting(team: Team, reps: Sequence[Rep], at: datetime, until: datetime) -> list[Waiting]:
    """The first leads of each rep's list and of the pool, with the promise of their first answer."""
    queued = Lead.objects.filter(queue_bucket__isnull=False, queue_ready_at__lte=max(until, at))
    lists = [queued.filter(owner=rep) for rep in reps] + [queued.filter(owner__isnull=True, team=team)]
    heads: list[str] = []
    params: list[Any] = []
    for number, one in enumerate(lists):
        first = one.order_by("queue_bucket", "queue_sort_at", "pk").values("id")[:READ]
        sql, values = first.query.sql_with_params()
        heads.append(f"SELECT id FROM ({sql}) AS head{number}")  # noqa: S608 - Django's own text
        params.extend(values)
    found = Lead.objects.filter(pk__in=RawSQL(" UNION ALL ".join(heads), params))  # noqa: S611 - parameters  # nosec B611
    leads = list(
        found.only(
            "queue_bucket", "queue_sort_at", "queue_ready_at", "owner_id", "claimed_by_id", "claimed_until",
            "touch_count", "next_channel", "time_zone",
        ).order_by("pk")
    )  # fmt: skip
    due = dict(
        Clock.objects.filter(
            kind=ClockKind.FIRST_RESPONSE,
            lead__in=found.values("pk"),
            answered_at__isnull=True,
            paused_at__isnull=True,
        )
        .exclude(state=ClockState.CANCELLED)
        .values_list("lead_id", "due_at")
    )
    return [_one(lead, due.get(lead.pk), at) for lead in leads]


def _one(lead: Lead, due_at: datetime | None, at: datetime) -> Waiting:
    assert lead.queue_bucket
    assert lead.queue_sort_at
    assert lead.queue_ready_at
    place = queue_rules.Place(lead.queue_bucket, lead.queue_sort_at, lead.queue_ready_at)
    zone = queue_rules.effective_zone(lead.time_zone, settings.COMPANY_TIME_ZONE)
    is_held = lead.claimed_until is not None and lead.claimed_until > at
    return Waiting(
        lead_id=lead.pk,
        bucket=lead.queue_bucket,
        sort_at=lead.queue_sort_at,
        ready_at=queue_rules.offered_from(place, channel=lead.next_channel, time_zone=zone, now=at),
        due_at=due_at,
        rep_id=lead.owner_id,
        held_by=lead.claimed_by_id if is_held else None,
        is_new=lead.touch_count == 0,
    )
