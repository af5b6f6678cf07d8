"""The last months under a draft of the ranking policy: who would have moved, beside what the policy of then did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from django.conf import settings

from apps.core.periods import Period, day_start, month_of, trailing_months
from apps.reps.models import Rep
from apps.scorecards.models import RankingPolicy
from apps.scorecards.rules import ranking as rules
from apps.scorecards.selectors.ranking import Group, current_policy, standings_of

MONTHS = (3, 6, 12)


@dataclass(frozen=True)
class Side:
    """One AE at the end of a month under one policy. ``index`` is the one that decides under it."""

    index: Fraction
    tier_before: int
    tier_after: int
    reason: str


@dataclass(frozen=True)
class Line:
    """One AE at the end of a month, under the policy of then and under the draft."""

    rep: Rep
    then: Side | None
    draft: Side

    @property
    def differs(self) -> bool:
        return self.then is None or self.then.tier_after != self.draft.tier_after


@dataclass(frozen=True)
class Month:
    """A ranking's day: the first after ``month``."""

    month: Period
    lines: tuple[Line, ...]

    def moves(self, side: str) -> int:
        found = [getattr(line, side) for line in self.lines]
        return sum(1 for one in found if one is not None and one.tier_after != one.tier_before)

    @property
    def differing(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.differs)


@dataclass(frozen=True)
class Replay:
    """``months`` oldest first; ``ends`` the tier of each AE after the last, then and under the draft."""

    months: tuple[Month, ...]
    ends: tuple[tuple[Rep, int, int], ...]

    @property
    def changed(self) -> tuple[tuple[Rep, int, int], ...]:
        return tuple(one for one in self.ends if one[1] != one[2])


def replay(*, draft: RankingPolicy, today: date, months: int) -> Replay:
    """The last ``months`` whole months, each ranked as of the day after it from what was known by then.

    Both sides begin with the tiers that the AEs held before the first, and then go by their own moves; holds of
    that time hold in both. Sixteen statements a month at the most.
    """
    last = month_of(today).previous()
    wanted = [last]
    while len(wanted) < months:
        wanted.insert(0, wanted[0].previous())
    tiers: dict[str, dict[int, int]] = {"then": {}, "draft": {}}
    found: list[Month] = []
    seen: dict[int, Rep] = {}
    for month in wanted:
        day = month.end
        sides = {
            "then": _side(current_policy(day), day, tiers["then"]),
            "draft": _side(draft, day, tiers["draft"]),
        }
        reps = {pk: rep for groups in sides.values() for one in groups for pk, rep in one.reps.items()}
        seen |= reps
        for name, groups in sides.items():
            tiers[name] |= {one.peer.rep_id: one.tier_after for group in groups for one in group.standings}
        found.append(Month(month, _lines(sides, draft, current_policy(day), reps)))
    ends = [(rep, tiers["then"][pk], tiers["draft"][pk]) for pk, rep in seen.items()]
    return Replay(tuple(found), tuple(sorted(ends, key=lambda one: (one[0].name, one[0].pk))))


def _side(policy: RankingPolicy, day: date, tiers: Mapping[int, int]) -> Sequence[Group]:
    known_at = day_start(day + timedelta(days=1), settings.COMPANY_TIME_ZONE)
    period = trailing_months(day, policy.months)
    return standings_of(policy=policy, period=period, day=day, as_of=known_at, tiers=tiers)


def _lines(
    sides: Mapping[str, Sequence[Group]], draft: RankingPolicy, then: RankingPolicy, reps: Mapping[int, Rep]
) -> tuple[Line, ...]:
    by_rep: dict[str, dict[int, Side]] = {}
    for name, policy in (("then", then), ("draft", draft)):
        edges = policy.rules
        by_rep[name] = {
            one.peer.rep_id: _as_side(one, edges) for group in sides[name] for one in group.standings
        }
    return tuple(
        Line(reps[pk], by_rep["then"].get(pk), side)
        for pk, side in sorted(by_rep["draft"].items(), key=lambda item: (reps[item[0]].name, item[0]))
    )


def _as_side(one: rules.Standing, edges: rules.Rules) -> Side:
    return Side(one.deciding(edges), one.peer.tier, one.tier_after, one.reason)
