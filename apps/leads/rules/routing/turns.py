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

WHOLE = Fraction(1)
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


def shares_of(members: Sequence[Member], standings: Mapping[int, Standing]) -> dict[int, Fraction]:
    """What each is due by this lead; sums to one where anybody may be due anything.

    Who is not free and is owed a whole turn already is due no more until it is taken.
    """
    counted = [one for one in members if one.is_present and one.weight > 0]
    open_to = [
        one for one in counted if one.is_free or standings.get(one.rep_id, Standing()).owed < WHOLE
    ] or counted
    total = sum(one.weight for one in open_to)
    return {one.rep_id: Fraction(one.weight, total) for one in open_to}


def next_turn(members: Sequence[Member], standings: Mapping[int, Standing]) -> Turn:
    """Whose turn it is among ``members``, by what each is owed in ``standings`` (a new one is level)."""
    shares = shares_of(members, standings)
    before = {one.rep_id: standings.get(one.rep_id, Standing()).owed for one in members}
    ordered = sorted(members, key=lambda one: _place(one, before, shares))
    chosen = next((one.rep_id for one in ordered if one.is_free), None)
    return Turn(chosen, shares, tuple(one.rep_id for one in ordered), before)


def _place(
    member: Member, before: Mapping[int, Fraction], shares: Mapping[int, Fraction]
) -> tuple[int, int, Fraction, int, int]:
    """Sorts by: owed anything; the fewest further leads until the next turn falls due; owed most; rank; id."""
    share = shares.get(member.rep_id, Fraction(0))
    owed = before[member.rep_id] + share
    if member.weight <= 0:
        return (2, 0, -owed, member.rank, member.rep_id)
    # Somebody who is present and due nothing by this lead is owed a turn already: it falls due at once.
    leads = max(0, -((owed - 1) // share)) if share else 0
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
