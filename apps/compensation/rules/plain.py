"""Which pay is plain, and its arithmetic as small tables of integers, for a database to apply to each credit. Pure.

A component is plain when a line of it follows from the event's amount, the rep's share and the running total of the
period alone. Its tables come out of the same ``Reckoning`` that works out a line; a line that lies in several bands, or
whose digits no short decimal writes, is left to it.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from apps.compensation.rules import words
from apps.compensation.rules.earn import Reckoning
from apps.compensation.rules.events import WHOLE_SHARE, CreditedEvent, weight
from apps.compensation.rules.rates import Axis, Band, Grid
from apps.compensation.rules.terms import ONE, Component, PlanRules
from apps.compensation.rules.vocabulary import Basis, Pays, Scope

MOST = 2**62
"""What integers of the database keep below, so that doubling one for rounding holds as well."""
PLACES = 8
MINOR = 100
"""Minor units of a major one: currencies with another number are not plain."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held back of a line: ``− (€15.16) × 30 % held back``."""

    numerator: int
    denominator: int
    places: int
    text: str
    term: str


@dataclass(frozen=True, slots=True)
class PlainCell:
    """What lines of one band and share have in common.

    Pay is ``numerator / denominator`` minor units for each minor unit of the event's amount, or for each event;
    ``places`` decimals of a major unit write it. ``before`` and ``after`` stand around the amount in the formula and
    ``terms`` after it in the terms.
    """

    band_at: int
    share: int
    numerator: int
    denominator: int
    places: int
    before: str
    after: str
    remark: str
    terms: str
    band: str
    rate: str


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A component's bands for one rep: a running total in millionths finds its place among ``starts``.

    What goes beyond ``ends`` at that place lies in several bands. ``by_amount``: the event's own amount finds it.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    by_amount: bool
    cells: tuple[PlainCell, ...]
    held: Held | None


@dataclass(frozen=True, slots=True)
class Sums:
    """What a rep is credited with in one component: totals in millionths, the largest amount, the shares."""

    total: int
    total_of_sizes: int
    largest: int
    shares: tuple[int, ...]


def is_plain(plan: PlanRules) -> bool:
    """Whether all that ``plan`` pays is."""
    return (
        bool(plan.components)
        and plan.draw is None
        and words.exponent(plan.currency) == 2
        and all(_is_plain(one) for one in plan.components)
    )


def _is_plain(one: Component) -> bool:
    measure = one.measure
    return (
        one.scope is Scope.OWN
        and one.basis is Basis.RUN
        and one.pays is not Pays.TARGET_BY_BAND
        and measure.of in ("count", "amount")
        and measure.event != "paid"
        and not measure.conditions
        and measure.term is None
        and not measure.not_below_zero
        and measure.no_shows_pay
        and one.split == ONE
        and one.clawback is None
        and one.bonus is None
        and not any(factor.conditions for factor in one.multipliers)
        and (not isinstance(one.rates, Grid) or _is_plain_grid(one.rates))
    )


def _is_plain_grid(grid: Grid) -> bool:
    return {grid.columns.by, grid.rows.by} <= {"amount", "total", "attainment"}


def reckoning(component: Component, currency: str, quota: int | None, total: int) -> Reckoning:
    """The reckoning of a plain component whose period totals ``total`` millionths."""
    found = Reckoning(component, currency, quota)
    found.begin(total, WHOLE_SHARE)
    return found


def plain_table(one: Reckoning, sums: Sums) -> PlainTable | None:
    """The table of ``one``; ``None`` where its numbers might not fit the database's integers."""
    if sums.total_of_sizes >= MOST or sums.largest * WHOLE_SHARE >= MOST:
        return None
    starts, ends, bands, by_amount = _places(one)
    if any(abs(edge) >= MOST for edge in (*starts, *ends)):
        return None
    largest = sums.largest if one.component.measure.sums_amounts else 1
    weighed = {share: _weighed(one, share) for share in sums.shares}
    found = [
        _plain_cell(one, at, band, share, weighed[share], largest)
        for at, band in enumerate(bands)
        for share in sums.shares
    ]
    cells = tuple(cell for cell in found if cell is not None)
    held = _held(one.component, largest, one)
    if not cells or (one.component.holdback is not None and held is None):
        return None
    return PlainTable(starts, ends, by_amount, cells, held)


def _places(one: Reckoning) -> tuple[tuple[int, ...], tuple[int, ...], list[Band], bool]:
    grid = one.component.rates
    if one.edges is not None:
        bands = list(one.edges.bands)
        return tuple(one.edges.starts), tuple(one.edges.ends), bands, False
    assert isinstance(grid, Grid)

    def fixed(axis: Axis) -> int | None:
        if axis.by == "amount":
            return None
        return axis.place(one.total if axis.by == "total" else one.total / (one.quota or 1))

    column, row = fixed(grid.columns), fixed(grid.rows)
    moving = grid.columns if column is None else grid.rows
    if column is not None and row is not None:
        return (), (), [grid.band(column, row)], True
    edges = tuple(ceil(start) for start in moving.starts[1:])
    cells = [
        grid.band(at if column is None else column, at if row is None else row)
        for at in range(len(moving.starts))
    ]
    return edges, (), cells, True


def _weighed(one: Reckoning, share: int) -> tuple[str, list[str]]:
    """What stands around the amount of an event with such a share, and the other factors.

    A whole of one minor unit shows it.
    """
    sums = one.component.measure.sums_amounts
    found = weight(one.component, CreditedEvent(0, "", "", share, 1 if sums else None), one.currency)
    text = found.text.removeprefix(words.money(1, one.currency)) if sums else found.text
    return text, [str(factor) for factor in found.factors[1 if sums else 0 :]]


def _plain_cell(
    one: Reckoning, at: int, band: Band, share: int, weighed: tuple[str, list[str]], largest: int
) -> PlainCell | None:
    cell = one.cell(band, one.always)
    pay = Fraction(cell.numerator * share, cell.denominator * WHOLE_SHARE)
    places = _decimals(pay)
    if places is None or largest * max(abs(pay.numerator), 1) * 10**places >= MOST:
        return None
    text, factors = weighed
    return PlainCell(
        at,
        share,
        pay.numerator,
        pay.denominator,
        places,
        cell.opening,
        f"{text}{cell.closing}",
        cell.remark,
        '","'.join([*factors, *map(str, cell.terms)]),
        band.label,
        cell.rate,
    )


def _decimals(pay: Fraction) -> int | None:
    """How many decimals of a major unit write any multiple of ``pay`` minor units; ``None`` when too many."""
    places = words.places_of(Fraction(1, pay.denominator * MINOR))
    return places if places is not None and places <= PLACES else None


def _held(component: Component, largest: int, one: Reckoning) -> Held | None:
    if component.holdback is None:
        return None
    share = component.holdback.share
    places = _decimals(share)
    # A line is no more than its largest band pays; what is held back of it is less.
    rate = max((abs(Fraction(cell.numerator, cell.denominator)) for cell in one.cells.values()), default=ONE)
    most = int(largest * rate) + 1
    if places is None or most * max(share.numerator, 1) * 10**places >= MOST:
        return None
    return Held(share.numerator, share.denominator, places, words.credit(share), str(share))
