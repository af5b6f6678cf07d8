"""What inbound and outbound are measured by, for one rep: they are different jobs (PRODUCT section 4).

Inbound: the speed to the first *human* touch, which is a touch logged by a rep (nothing that goes out by itself
is one), and the quality of the meetings booked. Outbound: visits to the site and conversions that the outreach
caused. How much was done stands small beside them and is nobody's goal.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import Count, F
from django.db.models.fields.json import KT

from apps.core.periods import day_of, day_start
from apps.leads.models import (
    Capacity,
    Channel,
    Disposition,
    EventCredit,
    EventKind,
    FunnelEvent,
    Lead,
    LeadStage,
    Touch,
)
from apps.leads.rules import attribution
from apps.leads.selectors import visits as visit_rows
from apps.reps.models import Rep
from apps.reps.rules.business_time import Hours, open_minutes
from apps.reps.selectors import hours_for

WINDOW_DAYS = 30
WEEKS = 8
COHORT_DAYS = 90
"""The rate is taken over people brought in so many days, all of whom have had their thirty days since."""
SHOWN = 6

REACHED = (
    Disposition.CONNECTED,
    Disposition.CALL_BACK,
    Disposition.NOT_NOW,
    Disposition.NOT_A_FIT,
    Disposition.OPT_OUT,
)
"""Somebody answered, whatever they said."""
_MEETINGS = (EventKind.BOOKED, EventKind.HELD, EventKind.NO_SHOW, EventKind.ACCEPTED, EventKind.REJECTED)


def _days_before(at: datetime, days: int) -> datetime:
    """The beginning of the company's day ``days`` before that of ``at``."""
    zone = settings.COMPANY_TIME_ZONE
    return day_start(day_of(at, zone) - timedelta(days=days), zone)


def _week_of(at: datetime, now: datetime) -> int:
    """In which of the last weeks ``at`` lies: 0 is the oldest, ``WEEKS`` - 1 the seven days up to today."""
    days = (day_of(now, settings.COMPANY_TIME_ZONE) - day_of(at, settings.COMPANY_TIME_ZONE)).days
    return WEEKS - 1 - days // 7


# --- Inbound ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FirstAnswer:
    """A first touch of an inbound lead: business minutes that it took, and whether the promise was kept."""

    rep: int
    at: datetime
    minutes: float
    kept: bool | None


@dataclass(frozen=True)
class Speed:
    """First answers of a span: the median, and how many were within what was promised."""

    answers: int
    minutes: int | None
    kept: int
    promised: int

    @property
    def share(self) -> Fraction | None:
        return Fraction(self.kept, self.promised) if self.promised else None

    @classmethod
    def of(cls, answers: Sequence[FirstAnswer], missed: int = 0) -> "Speed":
        """``missed`` are leads whose promise ran out and whom nobody has answered yet."""
        promised = [one.kept for one in answers if one.kept is not None]
        return cls(
            answers=len(answers),
            minutes=round(median(one.minutes for one in answers)) if answers else None,
            kept=sum(promised),
            promised=len(promised) + missed,
        )


@dataclass(frozen=True)
class MeetingQuality:
    """What became of meetings in a span. Flows: a meeting held now may have been booked before."""

    booked: int
    held: int
    no_show: int
    accepted: int
    rejected: int
    criteria: tuple[tuple[str, int], ...]

    @property
    def accepted_rate(self) -> Fraction | None:
        """Accepted of those that AEs answered."""
        answered = self.accepted + self.rejected
        return Fraction(self.accepted, answered) if answered else None

    @property
    def held_rate(self) -> Fraction | None:
        """Held of those that took place or should have."""
        due = self.held + self.no_show
        return Fraction(self.held, due) if due else None

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str]]) -> "MeetingQuality":
        """From (kind of event, criterion) each."""
        kinds = Counter(kind for kind, _ in rows)
        criteria = Counter(
            (criterion or "other").replace("_", " ").capitalize()
            for kind, criterion in rows
            if kind == EventKind.REJECTED
        )
        return cls(
            booked=kinds[EventKind.BOOKED],
            held=kinds[EventKind.HELD],
            no_show=kinds[EventKind.NO_SHOW],
            accepted=kinds[EventKind.ACCEPTED],
            rejected=kinds[EventKind.REJECTED],
            criteria=tuple(sorted(criteria.items(), key=lambda one: (-one[1], one[0]))),
        )


@dataclass(frozen=True)
class InboundHome:
    """An inbound rep's measures at one instant; ``speeds`` and ``accepted`` run by week, oldest first."""

    today: Speed
    recent: Speed
    waiting_late: int
    meetings: MeetingQuality
    before: MeetingQuality
    speeds: list[int | None]
    accepted: list[int]


def first_answers(reps: Sequence[Rep], start: datetime, end: datetime) -> list[FirstAnswer]:
    """First touches in ``[start, end)`` of inbound leads, by these reps. One statement.

    Reps need ``calendar`` and ``team__calendar`` loaded. The promise is the one that stood on the lead when
    it was touched.
    """
    hours: dict[int, Hours] = {rep.pk: hours_for(rep) for rep in reps}
    rows = (
        Touch.objects.filter(
            rep__in=list(hours),
            occurred_at__gte=start,
            occurred_at__lt=end,
            undone_at__isnull=True,
            lead__is_inbound=True,
            lead__first_touch_at=F("occurred_at"),
        )
        .order_by("occurred_at", "pk")
        .values_list("rep_id", "occurred_at", "lead__mql_at", "lead__created_at", KT("lead_before__due_at"))
    )
    found = []
    for rep, at, mql_at, created_at, promised in rows:
        since = mql_at if mql_at is not None and mql_at <= at else created_at
        due = datetime.fromisoformat(promised) if promised else None
        minutes = open_minutes(hours[rep], min(since, at), at)
        found.append(FirstAnswer(rep, at, minutes, None if due is None else at <= due))
    return found


def inbound_home(*, rep: Rep, at: datetime) -> InboundHome:
    """The inbound rep's measures. Three statements."""
    until = at + timedelta(microseconds=1)
    answers = first_answers([rep], _days_before(at, WEEKS * 7 - 1), until)
    today, recent = _days_before(at, 0), _days_before(at, WINDOW_DAYS - 1)
    late = list(
        Lead.objects.filter(
            owner=rep,
            is_inbound=True,
            touch_count=0,
            due_at__lte=at,
            stage__in=LeadStage.workable(),
            do_not_contact=False,
            merged_into__isnull=True,
        )
        .order_by()
        .values_list("due_at", flat=True)
    )
    meetings = meetings_of([rep.pk], _days_before(at, 2 * WINDOW_DAYS - 1), until)
    weekly: list[list[float]] = [[] for _ in range(WEEKS)]
    for one in answers:
        weekly[_week_of(one.at, at)].append(one.minutes)
    accepted = [0] * WEEKS
    for _, occurred_at, kind, _ in meetings:
        if kind == EventKind.ACCEPTED and _week_of(occurred_at, at) >= 0:
            accepted[_week_of(occurred_at, at)] += 1
    return InboundHome(
        today=Speed.of([one for one in answers if one.at >= today], sum(due >= today for due in late if due)),
        recent=Speed.of(
            [one for one in answers if one.at >= recent], sum(due >= recent for due in late if due)
        ),
        waiting_late=len(late),
        meetings=MeetingQuality.of([(kind, why) for _, when, kind, why in meetings if when >= recent]),
        before=MeetingQuality.of([(kind, why) for _, when, kind, why in meetings if when < recent]),
        speeds=[round(median(week)) if week else None for week in weekly],
        accepted=accepted,
    )


def meetings_of(reps: Sequence[int], start: datetime, end: datetime) -> list[tuple[int, datetime, str, str]]:
    """(rep, instant, kind, criterion) of what became of meetings that these reps sourced. One statement."""
    rows = (
        FunnelEvent.objects.effective()
        .between(start, end)
        .filter(kind__in=_MEETINGS, credits__rep__in=list(reps), credits__capacity=Capacity.SOURCED)
        .order_by()
        .values_list("credits__rep", "occurred_at", "kind", KT("data__criterion"))
    )
    return [(rep, at, kind, criterion or "") for rep, at, kind, criterion in rows]


# --- Outbound ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """Touches over a channel (or several), and how many of them somebody answered."""

    touches: int
    reached: int

    @property
    def rate(self) -> Fraction | None:
        return Fraction(self.reached, self.touches) if self.touches else None


@dataclass(frozen=True)
class OutboundHome:
    """An outbound rep's measures at one instant; ``weekly`` is visits caused by week, oldest first."""

    visits_today: int
    visits: int
    visits_before: int
    conversions: int
    conversions_before: int
    latest: list[visit_rows.Conversion]
    rate: attribution.Rate
    calls: Answered
    written: Answered
    weekly: list[int]

    @property
    def touches(self) -> int:
        return self.calls.touches + self.written.touches


def outbound_home(*, rep: Rep, at: datetime) -> OutboundHome:
    """The outbound rep's measures. Six statements, three of them for the latest conversions' causes."""
    until = at + timedelta(microseconds=1)
    matured = at - attribution.CONVERTS_WITHIN
    cohort = matured - timedelta(days=COHORT_DAYS)
    today, recent = _days_before(at, 0), _days_before(at, WINDOW_DAYS - 1)
    before = _days_before(at, 2 * WINDOW_DAYS - 1)
    caused = _visits_of(rep, min(cohort, before), until)
    converted: list[Any] = list(
        visit_rows.by_rep(visit_rows.conversions_caused(), [rep.pk])
        .filter(
            occurred_at__gte=min(cohort, before),
            occurred_at__lt=until,
            lead__in={lead for lead, _ in caused},
        )
        .select_related("lead")
        .order_by("-occurred_at", "-pk")
    )
    in_cohort = {lead for lead, when in caused if cohort <= when < matured}
    weekly = [0] * WEEKS
    for _, when in caused:
        if (week := _week_of(when, at)) >= 0:
            weekly[week] += 1
    calls, written = _answered(rep, recent, until)
    return OutboundHome(
        visits_today=sum(when >= today for _, when in caused),
        visits=sum(when >= recent for _, when in caused),
        visits_before=sum(before <= when < recent for _, when in caused),
        conversions=sum(one.occurred_at >= recent for one in converted),
        conversions_before=sum(before <= one.occurred_at < recent for one in converted),
        latest=visit_rows.told([one for one in converted if one.occurred_at >= recent][:SHOWN]),
        rate=attribution.Rate(
            len({one.lead_id for one in converted if cohort <= one.visited_at < matured}), len(in_cohort)
        ),
        calls=calls,
        written=written,
        weekly=weekly,
    )


def _visits_of(rep: Rep, start: datetime, end: datetime) -> list[tuple[int, datetime]]:
    """(lead, instant) of the visits that the rep's touches caused. One statement."""
    credited = EventCredit.objects.filter(
        rep=rep,
        capacity=Capacity.SOURCED,
        event__kind=EventKind.VISITED,
        event__occurred_at__gte=start,
        event__occurred_at__lt=end,
        event__reversed_by__isnull=True,
    )
    return list(credited.order_by().values_list("event__lead_id", "event__occurred_at"))


def _answered(rep: Rep, start: datetime, end: datetime) -> tuple[Answered, Answered]:
    """Calls, and what was written, with how many were answered. One statement."""
    rows = (
        Touch.objects.filter(rep=rep, occurred_at__gte=start, occurred_at__lt=end, undone_at__isnull=True)
        .filter(channel__in=attribution.OUTREACH)
        .order_by()
        .values_list("channel", "disposition")
        .annotate(n=Count("pk"))
    )
    counts: Counter[tuple[bool, bool]] = Counter()
    for channel, disposition, count in rows:
        counts[channel == Channel.CALL, disposition in REACHED] += count

    def of(is_call: bool) -> Answered:
        return Answered(counts[is_call, True] + counts[is_call, False], counts[is_call, True])

    return of(True), of(False)
