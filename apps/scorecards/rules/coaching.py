"""Small steps, one tier at a time; who is strong at a metric; by when a bottom tier is answered. Pure.

Peers stand on tiers: AEs on those of the ranking, everybody else on thirds of the metric looked at. A practice goal
reaches to the mean of the next tier up and no further (PRODUCT section 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

BOTTOM, TOP = 3, 1
SMALL = Fraction(1, 10)
"""A step that is always small: whoever is beyond the next tier already may aim this much further."""
ANSWER_DAYS = 7
"""So long a manager has to answer; so often an open one is escalated again."""


@dataclass(frozen=True)
class Peer:
    """One rep with the figure of a metric; ``tier`` is that of the ranking, ``None`` where it knows none."""

    rep_id: int
    name: str
    value: Fraction
    tier: int | None = None


def strongest(peers: Sequence[Peer], *, lower: bool = False) -> list[Peer]:
    """Best first; with ``lower`` less is better."""
    return sorted(peers, key=lambda one: (one.value if lower else -one.value, one.name, one.rep_id))


def tiers_of(peers: Sequence[Peer], *, lower: bool = False) -> dict[int, int]:
    """The tier of each rep: the ranking's where all have one, else thirds by the figure, equals on the better one."""
    if peers and all(one.tier is not None for one in peers):
        return {one.rep_id: one.tier or BOTTOM for one in peers}
    found: dict[int, int] = {}
    ordered = strongest(peers, lower=lower)
    for place, one in enumerate(ordered):
        before = ordered[place - 1] if place else None
        same = before is not None and before.value == one.value
        found[one.rep_id] = found[before.rep_id] if same and before else place * BOTTOM // len(ordered) + 1
    return found


@dataclass(frozen=True)
class Step:
    """How far one may aim: ``limit``; ``to_tier`` is the tier whose mean it is, ``None`` for a tenth of one's own."""

    own: Fraction
    limit: Fraction
    from_tier: int
    to_tier: int | None


def next_step(rep_id: int, peers: Sequence[Peer], *, lower: bool = False) -> Step | None:
    """The step to the next tier's mean, or a tenth where one is beyond it or on top.

    ``None`` where there is nothing to step to: the rep has no figure, or nobody has one above zero.
    """
    own = next((one for one in peers if one.rep_id == rep_id), None)
    if own is None:
        return None
    tiers = tiers_of(peers, lower=lower)
    at = tiers[rep_id]
    above = next((tier for tier in range(at - 1, TOP - 1, -1) if tier in tiers.values()), None)
    tenth = own.value * (1 - SMALL if lower else 1 + SMALL)
    if above is not None:
        values = [one.value for one in peers if tiers[one.rep_id] == above]
        mean = sum(values, Fraction(0)) / len(values)
        if (mean < tenth) if lower else (mean > tenth):
            return Step(own.value, mean, at, above)
    return Step(own.value, tenth, at, None) if own.value else None


def is_within(to: Fraction, step: Step, *, lower: bool = False) -> bool:
    """Whether aiming at ``to`` is a step forward and no more than one."""
    return step.limit <= to < step.own if lower else step.own < to <= step.limit


class GoalState(StrEnum):
    RUNNING = "running"
    REACHED = "reached"
    MISSED = "missed"
    ENDED = "ended"


def goal_state(
    now: Fraction | None, to: Fraction, *, lower: bool, is_over: bool, was_ended: bool
) -> GoalState:
    """How a goal stands by what the record holds ``now``."""
    if now is not None and ((now <= to) if lower else (now >= to)):
        return GoalState.REACHED
    if was_ended:
        return GoalState.ENDED
    return GoalState.MISSED if is_over else GoalState.RUNNING


def way_done(own: Fraction, to: Fraction, now: Fraction | None) -> Fraction:
    """Which part of the way from ``own`` to ``to`` is done, between 0 and 1."""
    if now is None or to == own:
        return Fraction(0)
    return min(max((now - own) / (to - own), Fraction(0)), Fraction(1))


def next_escalation(at: datetime) -> datetime:
    """When a support action that is still open is told of again."""
    return at + timedelta(days=ANSWER_DAYS)
