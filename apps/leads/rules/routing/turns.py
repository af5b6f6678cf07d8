"""The weighted round robin: whose turn it is, in exact fractions.

Each lead is one turn, divided among those present by their weights: that is what each is *due*. Who takes it has
taken one. ``owed`` is due less taken. Of those who are owed anything the one whose next turn falls due first takes
the lead (earliest deadline first over the windows in which each turn lies), so that while the same people are
present under the same weights nobody is ever a whole turn ahead or behind, whatever the weights (docs/routing.md).

Who is away is due nothing and keeps what they were owed, less than a turn: coming back floods nobody. Who is at
work but not free at the customer's time keeps the turn, one at most. A turn that is given back never was: all that
was due and taken by it is taken out again. New members begin level, owed nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

_FINEST = 10**12
"""Fractions of many different sums of weights would grow without end: beyond this they are rounded to
``_GRAIN`` of a turn, so that the sum stays. Under one sum of weights nothing is ever rounded."""
_GRAIN = 10**9


@dataclass(frozen=True)
class Standing:
    """One member's account: turns due and taken since they joined."""

    due: Fraction = Fraction(0)
    taken: int = 0

    @property
    def owed(self) -> Fraction:
        return self.due - self.taken


@dataclass(frozen=True)
class Member:
    """Somebody of the pool at one lead. ``weight`` 0 takes no turns; ``rank`` breaks ties after all else."""

    rep_id: int
    weight: int
    is_present: bool
    is_free: bool
    rank: int = 0


@dataclass(frozen=True)
class Turn:
    """Who takes the lead (``None``: nobody was free) and what each was due by it, in parts of a turn.

    ``order`` is the order of asking: the first who was free took it.
    """

    chosen: int | None
    shares: Mapping[int, Fraction]
    order: tuple[int, ...]
    before: Mapping[int, Fraction] = field(default_factory=dict)

    def owed_after(self, rep_id: int) -> Fraction:
        """What this member is owed once the turn is taken."""
        taken = 1 if rep_id == self.chosen else 0
        return self.before.get(rep_id, Fraction(0)) + self.shares.get(rep_id, Fraction(0)) - taken


def next_turn(members: Sequence[Member], standings: Mapping[int, Standing]) -> Turn:
    """Whose turn it is among ``members``, by what each is owed in ``standings`` (a new one is level)."""
    level = Standing()
    held = {one.rep_id: standings.get(one.rep_id, level) for one in members}
    # Whole parts of one denominator: as exact as fractions, and compared many times as quickly.
    parts = lcm(*(one.due.denominator for one in held.values()))
    owed = {
        rep: one.due.numerator * (parts // one.due.denominator) - one.taken * parts
        for rep, one in held.items()
    }
    open_to = _open_to(members, owed, parts)
    total = sum(one.weight for one in open_to) or 1
    times = lcm(parts, total) // parts
    whole = parts * times
    due = {one.rep_id: one.weight * (whole // total) for one in open_to}
    ordered = sorted(
        members, key=lambda one: _place(one, owed[one.rep_id] * times, due.get(one.rep_id, 0), whole)
    )
    chosen = next((one.rep_id for one in ordered if one.is_free), None)
    by_weight = {weight: Fraction(weight, total) for weight in {one.weight for one in open_to}}
    return Turn(
        chosen,
        {one.rep_id: by_weight[one.weight] for one in open_to},
        tuple(one.rep_id for one in ordered),
        {rep: Fraction(value, parts) for rep, value in owed.items()},
    )


def _open_to(members: Sequence[Member], owed: Mapping[int, int], whole: int) -> list[Member]:
    """Those who are due a part of this lead, by their weights; all are due one whole turn together.

    Who is not free and is owed a whole turn already is due no more until it is taken.
    """
    counted = [one for one in members if one.is_present and one.weight > 0]
    return [one for one in counted if one.is_free or owed[one.rep_id] < whole] or counted


def _place(member: Member, before: int, share: int, whole: int) -> tuple[int, int, int, int, int]:
    """Sorts by: owed anything; the fewest further leads until the next turn falls due; owed most; rank; id.

    ``before``, ``share`` and the ``whole`` turn are in the same parts of a turn.
    """
    owed = before + share
    if member.weight <= 0:
        return (2, 0, -owed, member.rank, member.rep_id)
    # Somebody who is present and due nothing by this lead is owed a turn already: it falls due at once.
    leads = max(0, -((owed - whole) // share)) if share else 0
    return (0 if owed > 0 else 1, leads, -owed, member.rank, member.rep_id)


def after(standings: Mapping[int, Standing], turn: Turn) -> dict[int, Standing]:
    """The standings once the turn is taken; as they were when nobody took it."""
    found = dict(standings)
    if turn.chosen is None:
        return found
    for rep_id, share in turn.shares.items():
        was = found.get(rep_id, Standing())
        found[rep_id] = Standing(was.due + share, was.taken)
    was = found.get(turn.chosen, Standing())
    found[turn.chosen] = Standing(was.due, was.taken + 1)
    return _rounded(found, turn.shares)


def without(
    standings: Mapping[int, Standing], shares: Mapping[int, Fraction], chosen: int
) -> dict[int, Standing]:
    """The standings as though the turn had never been: what was due and taken by it is taken out again."""
    return _moved(standings, shares, chosen, -1)


def again(
    standings: Mapping[int, Standing], shares: Mapping[int, Fraction], chosen: int
) -> dict[int, Standing]:
    """The standings when a turn that was given back counts after all (the answer was taken back)."""
    return _moved(standings, shares, chosen, 1)


def _moved(
    standings: Mapping[int, Standing], shares: Mapping[int, Fraction], chosen: int, by: int
) -> dict[int, Standing]:
    found = dict(standings)
    for rep_id, share in shares.items():
        was = found.get(rep_id, Standing())
        found[rep_id] = Standing(was.due + by * share, was.taken)
    was = found.get(chosen, Standing())
    found[chosen] = Standing(was.due, was.taken + by)
    return _rounded(found, shares)


def _rounded(standings: dict[int, Standing], touched: Collection[int]) -> dict[int, Standing]:
    """Rounds what has grown too fine, largest remainder first, so that the sum due stays what it was.

    Everybody's is rounded at once: only all together have a sum (one for each turn) that lies on the grain.
    """
    if all(standings[one].due.denominator <= _FINEST for one in touched):
        return standings
    ids = sorted(standings)
    exact = [standings[one].due * _GRAIN for one in ids]
    floors = [value // 1 for value in exact]
    short = round(sum(exact) - sum(floors))
    by_rest = sorted(range(len(ids)), key=lambda place: (floors[place] - exact[place], ids[place]))
    for place in by_rest[:short]:
        floors[place] += 1
    for one, value in zip(ids, floors, strict=True):
        standings[one] = Standing(Fraction(value, _GRAIN), standings[one].taken)
    return standings
