"""Reads over promises: what is at risk or late now, and how many were kept in a period."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from apps.reps.models import Rep
from apps.slas.models import Clock, ClockKind, ClockState

MOST = 50


@dataclass(frozen=True)
class Attainment:
    """Of the promises that were decided, how many were kept. ``rate`` is ``None`` without any."""

    met: int = 0
    breached: int = 0

    @property
    def decided(self) -> int:
        return self.met + self.breached

    @property
    def rate(self) -> float | None:
        return self.met / self.decided if self.decided else None

    def __add__(self, other: "Attainment") -> "Attainment":
        return Attainment(self.met + other.met, self.breached + other.breached)


@dataclass(frozen=True)
class Line:
    """A team's or a rep's attainment by kind of promise."""

    name: str
    by_kind: dict[str, Attainment]
    reps: tuple["Line", ...] = ()

    @property
    def first_response(self) -> Attainment:
        return self.by_kind.get(ClockKind.FIRST_RESPONSE, Attainment())

    @property
    def ae_answer(self) -> Attainment:
        return self.by_kind.get(ClockKind.AE_ANSWER, Attainment())


@dataclass(frozen=True)
class Board:
    """``at_risk`` and ``late`` hold the most urgent ``MOST`` of each; the counts are of all."""

    now: datetime
    at_risk: list[Clock]
    late: list[Clock]
    running_count: int
    at_risk_count: int
    late_count: int
    total: Line
    teams: list[Line]


def _decided_in(clocks: QuerySet[Clock], start: datetime, end: datetime) -> QuerySet[Clock]:
    """Decided in ``[start, end)``: kept then, or run out then."""
    met = Q(state=ClockState.MET, met_at__gte=start, met_at__lt=end)
    breached = Q(state=ClockState.BREACHED, breached_at__gte=start, breached_at__lt=end)
    return clocks.filter(met | breached)


def _counts(clocks: QuerySet[Clock], *by: str) -> list[dict[str, Any]]:
    kept, broken = Q(state=ClockState.MET), Q(state=ClockState.BREACHED)
    return list(
        clocks.order_by()
        .values("kind", *by)
        .annotate(met=Count("pk", filter=kept), breached=Count("pk", filter=broken))
    )


def attainment_of_reps(
    *, reps: Iterable[Rep], start: datetime, end: datetime
) -> dict[int, dict[str, Attainment]]:
    """By rep and kind: promises decided in ``[start, end)``. One statement; reps without any are absent."""
    clocks = _decided_in(Clock.objects.filter(rep__in=list(reps)), start, end)
    found: dict[int, dict[str, Attainment]] = {}
    for row in _counts(clocks, "rep"):
        found.setdefault(row["rep"], {})[row["kind"]] = Attainment(row["met"], row["breached"])
    return found


def attainment_of_rep(*, rep: Rep, start: datetime, end: datetime) -> dict[str, Attainment]:
    """By kind: the rep's promises decided in ``[start, end)``."""
    return attainment_of_reps(reps=[rep], start=start, end=end).get(rep.pk, {})


def board(*, user: Any, now: datetime, start: datetime, end: datetime) -> Board:
    """What runs out or ran out within the user's scope, and attainment in ``[start, end)``."""
    visible = Clock.objects.visible_to(user)
    joined = visible.select_related("lead", "hand_off", "rep", "team", "policy")
    at_risk = joined.filter(state=ClockState.RUNNING, warn_at__lte=now, due_at__gt=now)
    late = joined.filter(answered_at__isnull=True, due_at__lte=now)
    sums = visible.filter(answered_at__isnull=True).aggregate(
        running=Count("pk", filter=Q(due_at__gt=now)),
        risk=Count("pk", filter=Q(warn_at__lte=now, due_at__gt=now)),
        late=Count("pk", filter=Q(due_at__lte=now)),
    )
    teams = _lines(_decided_in(visible, start, end))
    total: dict[str, Attainment] = {}
    for team in teams:
        for kind, attained in team.by_kind.items():
            total[kind] = total.get(kind, Attainment()) + attained
    return Board(
        now=now,
        at_risk=list(at_risk.order_by("due_at", "pk")[:MOST]),
        late=list(late.order_by("-due_at", "pk")[:MOST]),
        running_count=sums["running"],
        at_risk_count=sums["risk"],
        late_count=sums["late"],
        total=Line("All", total),
        teams=teams,
    )


def _lines(clocks: QuerySet[Clock]) -> list[Line]:
    """Attainment by team, and inside each by rep; a lead that lay in the pool counts for nobody."""
    rows = _counts(
        clocks.annotate(team_name=F("team__name"), rep_name=F("rep__name")), "team_name", "rep_name"
    )
    teams: dict[str, dict[str, dict[str, Attainment]]] = {}
    for row in rows:
        reps = teams.setdefault(row["team_name"] or "No team", {})
        kinds = reps.setdefault(row["rep_name"] or "The pool", {})
        kinds[row["kind"]] = Attainment(row["met"], row["breached"])
    lines = []
    for team, reps in sorted(teams.items()):
        by_kind: dict[str, Attainment] = {}
        for kinds in reps.values():
            for kind, attained in kinds.items():
                by_kind[kind] = by_kind.get(kind, Attainment()) + attained
        lines.append(Line(team, by_kind, tuple(Line(name, kinds) for name, kinds in sorted(reps.items()))))
    return lines


def pressing_count(*, user: Any, now: datetime) -> int:
    """How many promises within the scope are at risk or late and unanswered."""
    return Clock.objects.visible_to(user).filter(answered_at__isnull=True, warn_at__lte=now).count()
