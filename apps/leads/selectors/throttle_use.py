"""Daily limits as the settings page shows them: what holds for whom, from where it comes, and today's use."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from apps.core.periods import day_of, day_start
from apps.leads.models import Channel, Enrolment, Throttle, Touch
from apps.reps.models import Rep, Team

Kind = Throttle.Kind


@dataclass(frozen=True)
class Column:
    """What is limited: the kind, of steps the channel, and its words."""

    kind: str
    channel: str
    word: str
    says: str

    @property
    def name(self) -> str:
        """Of the form's field and the query."""
        return f"{self.kind}-{self.channel}" if self.channel else self.kind


COLUMNS = (
    Column(Kind.NEW_LEADS, "", "New leads", "untouched leads taken"),
    Column(Kind.ENROLMENTS, "", "Enrolled", "leads put into a cadence"),
    Column(Kind.STEPS, "", "Steps", "cadence steps, all together"),
    *(
        Column(
            Kind.STEPS, channel, Channel(channel).label, f"cadence steps by {Channel(channel).label.lower()}"
        )
        for channel in (Channel.CALL, Channel.EMAIL, Channel.SOCIAL)
    ),
)

Key = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """One limit of one owner: ``most`` that holds, whose it is, and how much of it was used today."""

    column: Column
    most: int | None
    whose: str
    used: int | None = None

    @property
    def is_own(self) -> bool:
        return self.whose == "own"

    @property
    def share(self) -> int:
        """Per cent of the limit, at most 100, for the bar."""
        if not self.most or self.used is None:
            return 100 if self.most == 0 and self.used else 0
        return min(100, round(100 * self.used / self.most))

    @property
    def is_full(self) -> bool:
        return self.most is not None and self.used is not None and self.used >= self.most


@dataclass(frozen=True)
class Line:
    """The limits of one rep, with today's use."""

    rep: Rep
    cells: list[Cell]


@dataclass(frozen=True)
class TeamLines:
    """A team's own limits and its reps'."""

    team: Team
    cells: list[Cell]
    lines: list[Line]


@dataclass(frozen=True)
class Board:
    """The company's limits and those of every team within the viewer's scope."""

    company: list[Cell]
    teams: list[TeamLines]


def reps_in_scope(user: Any, day: date) -> QuerySet[Rep]:
    """The SDRs whose limits the user may look at: an SDR the own, a manager the teams', RevOps all."""
    found = Rep.objects.visible_to(user).sdrs().active_on(day)
    if user.role == "sdr":
        found = found.filter(user=user)
    return found.select_related("team").order_by("team__name", "name", "pk")


def teams_in_scope(user: Any) -> QuerySet[Team]:
    """The teams whose limits the user may set: a manager the managed ones, RevOps all."""
    teams = Team.objects.visible_to(user)
    return teams if user.role == "revops" else teams.filter(manager=user)


def board(*, user: Any, at: datetime, day: date) -> Board:
    """Everything the page shows. Five statements, whatever the number of reps."""
    reps = list(reps_in_scope(user, day))
    rows = list(Throttle.objects.all())
    used = use_today(reps, at)
    company = _own(rows, None, None)
    teams: dict[int, TeamLines] = {}
    for rep in reps:
        of_team = _own(rows, rep.team_id, None)
        group = teams.setdefault(
            rep.team_id, TeamLines(rep.team, _cells(((of_team, "own"), (company, "company"))), [])
        )
        layers = ((_own(rows, None, rep.pk), "own"), (of_team, "team"), (company, "company"))
        group.lines.append(Line(rep, _cells(layers, used.get(rep.pk, Counter()))))
    return Board(_cells(((company, "own"),)), list(teams.values()))


def own_limits(*, team: Team | None, rep: Rep | None) -> dict[str, int]:
    """An owner's own limits by the column's name; of the company without either."""
    rows = list(Throttle.objects.filter(team=team, rep=rep))
    return {
        column.name: most
        for column in COLUMNS
        for (kind, channel), most in _own(rows, team.pk if team else None, rep.pk if rep else None).items()
        if (kind, channel) == (column.kind, column.channel)
    }


def inherited(*, team: Team | None, rep: Rep | None) -> dict[str, tuple[int, str]]:
    """What would hold without an own limit, by the column's name: the limit, and whose it is."""
    if team is None and rep is None:
        return {}
    rows = list(Throttle.objects.filter(Q(rep__isnull=True)))
    layers = [(_own(rows, None, None), "the company’s")]
    if rep is not None:
        layers.insert(0, (_own(rows, rep.team_id, None), "the team’s"))
    cells = _cells(layers)
    return {cell.column.name: (cell.most, cell.whose) for cell in cells if cell.most is not None}


def _own(rows: Collection[Throttle], team: int | None, rep: int | None) -> dict[Key, int]:
    return {(row.kind, row.channel): row.most for row in rows if row.team_id == team and row.rep_id == rep}


def _cells(layers: Sequence[tuple[dict[Key, int], str]], used: Counter | None = None) -> list[Cell]:
    """Per column the limit of the first layer that has one."""
    found = []
    for column in COLUMNS:
        key = (column.kind, column.channel)
        most, whose = next(((layer[key], whose) for layer, whose in layers if key in layer), (None, ""))
        found.append(Cell(column, most, whose, None if used is None else used[key]))
    return found


# --- Today's use ----------------------------------------------------------------------------------------


def use_today(reps: Collection[Rep], at: datetime) -> dict[int, Counter]:
    """How much of each limit every rep used today, on the rep's own calendar day. Two statements per time zone.

    Steps are counted as those done; what is planned for later today still comes.
    """
    found: dict[int, Counter] = {}
    zones: dict[str, list[int]] = {}
    for rep in reps:
        zones.setdefault(rep.time_zone, []).append(rep.pk)
    for zone, ids in zones.items():
        day = day_of(at, zone)
        bounds = (day_start(day, zone), day_start(day + timedelta(days=1), zone))
        _count_touches(found, ids, bounds)
        _count_enrolled(found, ids, bounds)
    return found


def _count_touches(found: dict[int, Counter], ids: list[int], bounds: tuple[datetime, datetime]) -> None:
    today = Touch.objects.filter(
        rep__in=ids, occurred_at__gte=bounds[0], occurred_at__lt=bounds[1], undone_at__isnull=True
    )
    rows = (
        today.order_by()
        .values("rep", "channel")
        .annotate(
            steps=Count("pk", filter=Q(step_number__isnull=False)),
            new=Count("pk", filter=Q(lead__first_touch_at=F("occurred_at"))),
        )
    )
    for row in rows:
        counts = found.setdefault(row["rep"], Counter())
        counts[Kind.STEPS.value, ""] += row["steps"]
        counts[Kind.STEPS.value, row["channel"]] += row["steps"]
        counts[Kind.NEW_LEADS.value, ""] += row["new"]


def _count_enrolled(found: dict[int, Counter], ids: list[int], bounds: tuple[datetime, datetime]) -> None:
    rows = (
        Enrolment.objects.filter(lead__owner__in=ids, enrolled_at__gte=bounds[0], enrolled_at__lt=bounds[1])
        .order_by()
        .values("lead__owner")
        .annotate(n=Count("pk"))
    )
    for row in rows:
        found.setdefault(row["lead__owner"], Counter())[Kind.ENROLMENTS.value, ""] += row["n"]
