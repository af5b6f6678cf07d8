"""How many promises were kept in a period: by kind, team, rep, source and policy, with the sample behind each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from apps.reps.models import Rep
from apps.slas.models import Clock, ClockKind, ClockState
from apps.slas.rules.minutes import PARTS


@dataclass(frozen=True)
class Attainment:
    """Of the promises that were decided, how many were kept. ``rate`` is ``None`` without any."""

    met: int = 0
    breached: int = 0

    @property
    def decided(self) -> int:
        return self.met + self.breached

    @property
    def rate(self) -> Fraction | None:
        return Fraction(self.met, self.decided) if self.decided else None

    def __add__(self, other: "Attainment") -> "Attainment":
        return Attainment(self.met + other.met, self.breached + other.breached)


@dataclass(frozen=True)
class Times:
    """Open seconds by part, summed over ``count`` answered first responses (kept or late)."""

    count: int = 0
    seconds: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: "Times") -> "Times":
        parts = {part: self.seconds.get(part, 0) + other.seconds.get(part, 0) for part in PARTS}
        return Times(self.count + other.count, parts)

    def minutes(self, part: str) -> Fraction | None:
        """The mean of a part in minutes."""
        return Fraction(self.seconds.get(part, 0), 60 * self.count) if self.count else None

    @property
    def speed_to_lead(self) -> Fraction | None:
        """Mean open minutes from the lead's arrival to the answer: all parts together."""
        return Fraction(sum(self.seconds.values()), 60 * self.count) if self.count else None

    @property
    def rep_response(self) -> Fraction | None:
        """Mean open minutes in which the rep who was there had the lead."""
        return self.minutes("rep")


@dataclass(frozen=True)
class Line:
    """A team's, rep's, source's or policy's attainment by kind of promise; ``times`` of first responses."""

    name: str
    by_kind: dict[str, Attainment]
    reps: tuple["Line", ...] = ()
    times: Times = Times()

    @property
    def all_kinds(self) -> Attainment:
        return sum(self.by_kind.values(), Attainment())

    @property
    def first_response(self) -> Attainment:
        return self.by_kind.get(ClockKind.FIRST_RESPONSE, Attainment())

    @property
    def ae_answer(self) -> Attainment:
        return self.by_kind.get(ClockKind.AE_ANSWER, Attainment())


@dataclass(frozen=True)
class Attained:
    """A period's attainment, cut in five ways."""

    total: Line
    kinds: list[tuple[str, Attainment]]
    teams: list[Line]
    sources: list[Line]
    policies: list[Line]


def decided_in(clocks: QuerySet[Clock], start: datetime, end: datetime) -> QuerySet[Clock]:
    """Decided in ``[start, end)``: kept then, or run out then."""
    met = Q(state=ClockState.MET, met_at__gte=start, met_at__lt=end)
    breached = Q(state=ClockState.BREACHED, breached_at__gte=start, breached_at__lt=end)
    return clocks.filter(met | breached, kind__in=ClockKind.values)


def _counts(clocks: QuerySet[Clock], *by: str, **more: Any) -> list[dict[str, Any]]:
    kept, broken = Q(state=ClockState.MET), Q(state=ClockState.BREACHED)
    return list(
        clocks.order_by()
        .values("kind", *by)
        .annotate(met=Count("pk", filter=kept), breached=Count("pk", filter=broken), **more)
    )


def attainment_of_reps(
    *, reps: Iterable[Rep], start: datetime, end: datetime
) -> dict[int, dict[str, Attainment]]:
    """By rep and kind: promises decided in ``[start, end)``. One statement; reps without any are absent."""
    clocks = decided_in(Clock.objects.filter(rep__in=list(reps)), start, end)
    found: dict[int, dict[str, Attainment]] = {}
    for row in _counts(clocks, "rep"):
        found.setdefault(row["rep"], {})[row["kind"]] = Attainment(row["met"], row["breached"])
    return found


def attainment_of_rep(*, rep: Rep, start: datetime, end: datetime) -> dict[str, Attainment]:
    """By kind: the rep's promises decided in ``[start, end)``."""
    return attainment_of_reps(reps=[rep], start=start, end=end).get(rep.pk, {})


def attained(*, user: Any, start: datetime, end: datetime) -> Attained:
    """Promises within the user's scope decided in ``[start, end)``. One statement."""
    clocks = decided_in(Clock.objects.visible_to(user), start, end)
    answered = Q(answered_at__isnull=False, rep_seconds__isnull=False)
    rows = _counts(
        clocks.annotate(
            team_name=F("team__name"),
            rep_name=F("rep__name"),
            source_name=F("lead__source"),
            policy_name=F("policy__name"),
        ),
        "team_name",
        "rep_name",
        "source_name",
        "policy_name",
        answered=Count("pk", filter=answered),
        **{f"{part}_sum": Sum(f"{part}_seconds", filter=answered) for part in PARTS},
    )
    by_team: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_team[row["team_name"] or "No team"].append(row)
    teams = [
        # A lead that lay in the pool counts for nobody of the team.
        _line(name, own, tuple(_cut(own, "rep_name", "The pool")))
        for name, own in sorted(by_team.items())
    ]
    total = _line("All", rows)
    kinds = [(kind.label, total.by_kind[kind]) for kind in ClockKind if kind in total.by_kind]
    sources = sorted(_cut(rows, "source_name", "Not known"), key=lambda one: -one.all_kinds.decided)
    return Attained(total, kinds, teams, sources, _cut(rows, "policy_name", ""))


def _cut(rows: Sequence[dict[str, Any]], by: str, without: str) -> list[Line]:
    parts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        parts[row[by] or without].append(row)
    return [_line(name, own) for name, own in sorted(parts.items())]


def _line(name: str, rows: Sequence[dict[str, Any]], reps: tuple[Line, ...] = ()) -> Line:
    kinds: dict[str, Attainment] = {}
    times = Times()
    for row in rows:
        kinds[row["kind"]] = kinds.get(row["kind"], Attainment()) + Attainment(row["met"], row["breached"])
        if row["kind"] == ClockKind.FIRST_RESPONSE:
            times += Times(row["answered"], {part: row[f"{part}_sum"] or 0 for part in PARTS})
    return Line(name, kinds, reps, times)
