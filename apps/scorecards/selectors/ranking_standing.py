"""Where one AE stands: in a kept ranking, or worked out as of any day; with the course over months, holds, moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django.conf import settings

from apps.core.periods import Period, day_of, day_start, month_of, trailing_months
from apps.reps.models import Rep, TierChange
from apps.scorecards.models import RankingHold, RankingPolicy, RankingRow, RankingSnapshot
from apps.scorecards.rules import ranking as rules
from apps.scorecards.selectors.ranking import (
    Group,
    current_policy,
    groups_in,
    latest_snapshot,
    standings_of,
)

COURSE_MONTHS = 12
STRONGEST = 2


@dataclass(frozen=True)
class Ranking:
    """A ranking to look at. ``snapshot`` is ``None`` where it was worked out for this look.

    ``known_at`` is ``None`` where everything that is on record counts.
    """

    policy: RankingPolicy
    as_of: date
    period: Period
    known_at: datetime | None
    groups: Sequence[Group]
    snapshot: RankingSnapshot | None

    def group_of(self, rep: int) -> Group | None:
        return next((group for group in self.groups if rep in group.reps), None)


def ranking_as_of(*, day: date, at: datetime, rep: int | None = None) -> Ranking:
    """The ranking of ``day``: as it was kept, or worked out anew from what was on record by the end of it.

    Of today without a kept one: over the same whole months, by all that is on record now. ``rep`` narrows a
    kept one to that AE's peers.
    """
    snapshot = RankingSnapshot.objects.filter(as_of=day).select_related("policy").order_by("-policy__version")
    found = snapshot.first()
    if found is not None:
        groups = groups_in(found, None if rep is None else [rep])
        return Ranking(found.policy, day, found.period, found.known_at, groups, found)
    policy = current_policy(day)
    known_at = day_start(day + timedelta(days=1), settings.COMPANY_TIME_ZONE)
    as_of = known_at if known_at <= at else None
    period = trailing_months(day, policy.months)
    groups = standings_of(policy=policy, period=period, day=day, as_of=as_of)
    return Ranking(policy, day, period, as_of, groups, None)


def ranking_so_far(*, at: datetime) -> Ranking:
    """What the next ranking would say if its last month ended now: the running month is the last one."""
    day = day_of(at, settings.COMPANY_TIME_ZONE)
    end = month_of(day).end
    policy = current_policy(end)
    period = trailing_months(end, policy.months)
    groups = standings_of(policy=policy, period=period, day=day)
    return Ranking(policy, day, period, None, groups, None)


def newest_day(*, on: date) -> date:
    """The day of the newest kept ranking by ``on``; ``on`` itself without one."""
    found = latest_snapshot(on=on)
    return found.as_of if found else on


@dataclass(frozen=True)
class Strong:
    """Who does best on a metric among the peers: names and their own figures, never pay."""

    key: str
    best: tuple[tuple[str, Fraction], ...]


def strong_peers(group: Group, own: rules.Standing, edges: rules.Rules) -> list[Strong]:
    """On each metric the two best of the others who are better than ``own``."""
    found = []
    for metric in edges.metrics:
        sign = 1 if metric.lower_is_better else -1
        mine = own.peer.values.get(metric.key)
        others = sorted(
            (
                (value, group.reps[one.peer.rep_id].name)
                for one in group.standings
                if one.peer.rep_id != own.peer.rep_id
                and (value := one.peer.values.get(metric.key)) is not None
                and (mine is None or sign * value < sign * mine)
            ),
            key=lambda pair: (sign * pair[0], pair[1]),
        )
        found.append(Strong(metric.key, tuple((name, value) for value, name in others[:STRONGEST])))
    return found


@dataclass(frozen=True)
class Past:
    """One month of an AE's course: raw and adjusted index, place and tier as the ranking left them."""

    month: Period
    row: RankingRow

    @property
    def index(self) -> Fraction:
        return Fraction(self.row.metrics["index"])

    @property
    def adjusted(self) -> Fraction | None:
        found = (self.row.metrics.get("adjusted") or {}).get("index")
        return None if found is None else Fraction(found)


def course_of(rep: Rep, *, until: date) -> list[Past]:
    """The last months of ``rep``, oldest first: the frozen ranking of each month, else the newest over it."""
    rows = (
        RankingRow.objects.filter(rep=rep, snapshot__as_of__lte=until)
        .select_related("snapshot")
        .order_by("snapshot__ends_on", "snapshot__as_of")
    )
    by_end: dict[date, RankingRow] = {}
    for row in rows:
        kept = by_end.get(row.snapshot.ends_on)
        if kept is None or not kept.snapshot.is_frozen:
            by_end[row.snapshot.ends_on] = row
    return [Past(month_of(end - timedelta(days=1)), row) for end, row in by_end.items()][-COURSE_MONTHS:]


def tier_history(rep: Rep) -> list[TierChange]:
    """Every move of ``rep``, newest first."""
    return list(TierChange.objects.filter(rep=rep).order_by("-effective_on", "-pk"))


def holds_of(rep: Rep, user: Any) -> list[RankingHold]:
    """The holds of ``rep`` that ``user`` may read, newest first."""
    found = RankingHold.objects.visible_to(user).filter(rep=rep)
    return list(found.select_related("held_by", "lift__lifted_by"))


@dataclass(frozen=True)
class Since:
    """What was recorded after a ranking was made changes it to this; the kept one stays."""

    rep: Rep
    then: rules.Standing
    now: rules.Standing

    @property
    def differs(self) -> bool:
        return (self.then.index, self.then.peer.closed, self.then.peer.values) != (
            self.now.index,
            self.now.peer.closed,
            self.now.peer.values,
        )


def since_frozen(snapshot: RankingSnapshot, groups: Sequence[Group]) -> list[Since]:
    """Whose figures over the snapshot's months are others by what was recorded since, in the order of ``groups``."""
    fresh = standings_of(policy=snapshot.policy, period=snapshot.period, day=snapshot.as_of)
    by_rep = {one.peer.rep_id: one for group in fresh for one in group.standings}
    found = [
        Since(group.reps[one.peer.rep_id], one, by_rep[one.peer.rep_id])
        for group in groups
        for one in group.standings
        if one.peer.rep_id in by_rep
    ]
    return [one for one in found if one.differs]
