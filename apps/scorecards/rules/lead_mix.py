"""What the peers would have made of an AE's leads: wins, revenue, deal and cycle expected from the lead mix.

Better AEs are given better leads (PRODUCT section 7), so an AE is set against what the peers made of leads of
the same kind: indirect standardisation. A *cell* is a kind of lead: its tier when it was handed off, and the way
it came. A cell with too few closed deals is joined with its neighbour into a *pool*. Docs: ``docs/ranking.md``.

Pure and exact. Sums are integers, in millionths of a share as the record keeps them (minor units times
millionths for money, seconds times millionths for time); what is made of them are ``Fraction``s.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import add, sub

from apps.leads.rules.metrics import SECONDS_A_DAY, WHOLE

INBOUND, OUTBOUND, ALONE = "inbound", "outbound", "alone"


@dataclass(frozen=True, order=True)
class Cell:
    """A kind of lead: ``tier`` 1 is the best, 0 where there was no lead; ``way`` is how it came."""

    tier: int
    way: str


FOUND_ALONE = Cell(0, ALONE)
"""Deals that no hand-off led to: nobody gave them, so they are no part of what an AE was given."""


@dataclass(frozen=True)
class Deals:
    """What was closed in a cell. ``priced`` are the shares of wins with an amount, ``timed`` those with a cycle."""

    won: int = 0
    closed: int = 0
    revenue: int = 0
    priced: int = 0
    seconds: int = 0
    timed: int = 0

    def __add__(self, other: "Deals") -> "Deals":
        return Deals(*map(add, self.values, other.values))

    def __sub__(self, other: "Deals") -> "Deals":
        return Deals(*map(sub, self.values, other.values))

    @property
    def values(self) -> tuple[int, int, int, int, int, int]:
        return self.won, self.closed, self.revenue, self.priced, self.seconds, self.timed


NONE = Deals()
Mix = Mapping[Cell, Deals]
"""What one AE closed in the period, by cell."""


@dataclass(frozen=True)
class Standard:
    """What all peers of a group made of each kind of lead.

    ``pool_of`` says which cells are judged as one; ``pools`` are their sums; ``of`` is how many peers there are.
    """

    cells: Mapping[Cell, Deals]
    of: int
    least_in_cell: int
    pool_of: Mapping[Cell, tuple[Cell, ...]] = field(default_factory=dict)
    pools: Mapping[tuple[Cell, ...], Deals] = field(default_factory=dict)

    def replaced(self, before: Mix, after: Mix) -> "Standard":
        """The standard with one peer's mix changed."""
        cells = dict(self.cells)
        for cell in {*before, *after}:
            cells[cell] = cells.get(cell, NONE) - before.get(cell, NONE) + after.get(cell, NONE)
        return standard_of_cells(cells, self.of, self.least_in_cell)

    def pooled(self, cell: Cell) -> Deals:
        return self.pools[self.pool_of[cell]]


def standard(mixes: Iterable[Mix], least_in_cell: int) -> Standard:
    """The standard of a group, each member's own deals included, as in the peers' mean."""
    sums: dict[Cell, list[int]] = {}
    of = 0
    for mix in mixes:
        of += 1
        for cell, deals in mix.items():
            found = sums.setdefault(cell, [0] * 6)
            for place, value in enumerate(deals.values):
                found[place] += value
    return standard_of_cells({cell: Deals(*values) for cell, values in sums.items()}, of, least_in_cell)


def standard_of_cells(cells: Mapping[Cell, Deals], of: int, least_in_cell: int) -> Standard:
    """Cells joined until each pool has ``least_in_cell`` closed deals, or is the only one there is."""
    pools = join_thin({cell: deals.closed for cell, deals in cells.items()}, least_in_cell)
    sums = {}
    for pool in pools:
        total = NONE
        for cell in pool:
            total = total + cells[cell]
        sums[pool] = total
    return Standard(dict(cells), of, least_in_cell, {cell: pool for pool in pools for cell in pool}, sums)


def join_thin(closed: Mapping[Cell, int], least_in_cell: int) -> list[tuple[Cell, ...]]:
    """Which cells are judged together, by how much was closed in each (millionths).

    The smallest pool below the minimum is joined with the smallest of the same tier, or of the nearest tier
    where there is none; again, until none is below. Every cell is in one pool, so that what is expected of
    all peers sums to what they made. What was found alone is never joined with what was given.
    """
    pools: list[tuple[Cell, ...]] = [(cell,) for cell in sorted(closed) if cell != FOUND_ALONE]

    def size(pool: tuple[Cell, ...]) -> tuple[int, tuple[Cell, ...]]:
        return sum(closed[cell] for cell in pool), pool

    while len(pools) > 1:
        thin = min(pools, key=size)
        if size(thin)[0] >= least_in_cell * WHOLE:
            break
        others = [pool for pool in pools if pool != thin]
        tiers = {cell.tier for cell in thin}
        near = min(others, key=lambda pool: (_apart(pool, tiers), *size(pool)))
        pools = sorted([*(pool for pool in others if pool != near), tuple(sorted((*near, *thin)))])
    return [(FOUND_ALONE,), *pools] if FOUND_ALONE in closed else pools


def _apart(pool: Sequence[Cell], tiers: set[int]) -> int:
    return min(abs(cell.tier - tier) for cell in pool for tier in tiers)


# --- What is expected of one AE -----------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One pool in an AE's arithmetic: so many deals closed, at the peers' rate so many wins expected."""

    cells: tuple[Cell, ...]
    closed: Fraction
    won: Fraction
    rate: Fraction
    expected: Fraction


def lines_of(mix: Mix, against: Standard) -> tuple[Line, ...]:
    """The wins expected from the own leads, pool by pool."""
    found: dict[tuple[Cell, ...], list[int]] = {}
    for cell, deals in mix.items():
        sums = found.setdefault(against.pool_of[cell], [0, 0])
        sums[0] += deals.closed
        sums[1] += deals.won
    lines = []
    for pool, (closed, won) in sorted(found.items()):
        if not closed:
            continue
        all_of = against.pools[pool]
        rate = Fraction(all_of.won, all_of.closed)
        lines.append(
            Line(pool, Fraction(closed, WHOLE), Fraction(won, WHOLE), rate, rate * Fraction(closed, WHOLE))
        )
    return tuple(lines)


def expected_wins(lines: Iterable[Line]) -> Fraction:
    return sum((line.expected for line in lines), Fraction(0))


def expected_of(key: str, mix: Mix, against: Standard) -> Fraction | None:
    """What the peers would have made of these leads, in place of the peers' mean of the metric ``key``.

    ``None`` where nothing can be expected (nothing closed, nothing won). Raises ``KeyError`` for a metric that
    leads have no part in (``DEPENDS_ON_LEADS``).
    """
    return DEPENDS_ON_LEADS[key](mix, against)


def _win_rate(mix: Mix, against: Standard) -> Fraction | None:
    lines = lines_of(mix, against)
    closed = sum((line.closed for line in lines), Fraction(0))
    return expected_wins(lines) / closed if closed else None


def _given(mix: Mix, against: Standard, name: str) -> Fraction:
    """Of the leads given: own closed deals, each at the pool's sum over its closed deals. And the peers' mean
    of what they found alone: nobody gave it, so as much is expected of everybody."""
    total = Fraction(0)
    for cell, deals in mix.items():
        if cell != FOUND_ALONE and deals.closed:
            pool = against.pooled(cell)
            total += Fraction(deals.closed * getattr(pool, name), pool.closed)
    alone = getattr(against.cells.get(FOUND_ALONE, NONE), name)
    return (total + Fraction(alone, against.of)) / WHOLE


def _of_wins(mix: Mix, against: Standard, top: str, bottom: str) -> Fraction | None:
    """Own wins, each at the pool's mean over its wins."""
    total, count = Fraction(0), 0
    for cell, deals in mix.items():
        own = getattr(deals, bottom)
        if own:
            pool = against.pooled(cell)
            total += Fraction(own * getattr(pool, top), getattr(pool, bottom))
            count += own
    return total / count if count else None


def _cycle(mix: Mix, against: Standard) -> Fraction | None:
    seconds = _of_wins(mix, against, "seconds", "timed")
    return None if seconds is None else seconds / SECONDS_A_DAY


DEPENDS_ON_LEADS = {
    "revenue_won": lambda mix, against: _given(mix, against, "revenue"),
    "deals_won": lambda mix, against: _given(mix, against, "won"),
    "win_rate": _win_rate,
    "average_deal": lambda mix, against: _of_wins(mix, against, "revenue", "priced"),
    "sales_cycle": _cycle,
}
"""The metrics that the leads received have a part in. Self-sourced pipeline and the like stay as they are."""


def with_win(mix: Mix, more: int, deal: Fraction) -> dict[Cell, Deals]:
    """The mix with ``more`` wins of ``deal`` minor units, of the kind of lead that was closed most often."""
    given = {cell: deals for cell, deals in mix.items() if cell != FOUND_ALONE}
    among = given or mix
    cell = min(among, key=lambda one: (-among[one].closed, one)) if among else FOUND_ALONE
    shares = more * WHOLE
    won = Deals(shares, shares, int(deal * shares), shares)
    return {**mix, cell: mix.get(cell, NONE) + won}


def with_days_off(mix: Mix, days: int) -> dict[Cell, Deals]:
    """The mix with ``days`` off each win's cycle."""
    return {
        cell: deals + Deals(seconds=-days * SECONDS_A_DAY * deals.timed) if deals.timed else deals
        for cell, deals in mix.items()
    }
