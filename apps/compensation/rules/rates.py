"""Rate tables and grids: half-open bands, contiguous from zero, and how a base is split over them.

A value on an edge belongs to the higher band (PRODUCT section 9). Pure. What is paid from the split is
``rules.earn``; how a table is written down is ``rules.tables``.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

ONE = Fraction(1)
BELOW = "below the threshold"


class Method(StrEnum):
    """What a band's rate applies to."""

    GRADUATED = "graduated"
    """Each band at its own rate, on the part of the base that lies in it."""

    WHOLE = "whole"
    """The rate of the band that the total reached, on everything."""


@dataclass(frozen=True)
class Band:
    """``[lower, upper)``, in units of the measure, and its rate; ``upper`` is ``None`` in the last.

    ``factor`` is that of an accelerator which holds in the band.
    """

    lower: Fraction
    upper: Fraction | None
    rate: Fraction
    label: str = ""
    factor: Fraction = ONE


@dataclass(frozen=True)
class Piece:
    """The part of a base that lies in one band, in units of the measure. Negative for a correction."""

    band: Band
    base: Fraction


@dataclass(frozen=True)
class RateTable:
    """Bands in order, and the method, which is always said."""

    method: Method
    bands: tuple[Band, ...]

    @property
    def is_flat(self) -> bool:
        return len(self.bands) == 1

    @cached_property
    def _upper_edges(self) -> list[Fraction]:
        return [band.upper for band in self.bands if band.upper is not None]

    def band_at(self, value: Fraction | int) -> Band:
        """The band that ``value`` lies in; below zero it is the first."""
        return self.bands[bisect_right(self._upper_edges, value)]

    def scaled(self, factor: Fraction) -> "RateTable":
        """The same table with every edge multiplied: from percent of a quota to the quota's own units."""
        return RateTable(
            self.method,
            tuple(
                replace(
                    band,
                    lower=band.lower * factor,
                    upper=None if band.upper is None else band.upper * factor,
                )
                for band in self.bands
            ),
        )

    def _cut(self, edges: list[Fraction]) -> list[Band]:
        """The bands, cut at ``edges`` as well."""
        found = []
        for band in self.bands:
            inside = [
                edge for edge in edges if band.lower < edge and (band.upper is None or edge < band.upper)
            ]
            starts: list[Fraction] = [band.lower, *inside]
            ends: list[Fraction | None] = [*inside, band.upper]
            found += [replace(band, lower=start, upper=end) for start, end in zip(starts, ends, strict=True)]
        return found

    def times(self, factors: "RateTable") -> "RateTable":
        """Each part of a band with the factor of the accelerator's band that it lies in."""
        bands = []
        for band in self._cut(factors._upper_edges):
            over = factors.band_at(band.lower)
            label = over.label if self.is_flat else f"{band.label} × {over.label}"
            bands.append(replace(band, factor=band.factor * over.rate, label=label))
        return RateTable(self.method, tuple(bands))

    def above(self, edge: Fraction) -> "RateTable":
        """The same with nothing paid on what lies below ``edge``."""
        if edge <= 0:
            return self
        bands = [
            replace(band, rate=Fraction(0), factor=ONE, label=BELOW)
            if band.upper is not None and band.upper <= edge
            else band
            for band in self._cut([edge])
        ]
        if self.is_flat:
            bands = [band if band.label == BELOW else replace(band, label="above it") for band in bands]
        return RateTable(self.method, tuple(bands))

    def split(self, before: Fraction, base: Fraction, total: Fraction) -> list[Piece]:
        """How ``base`` is paid that takes the running total from ``before`` to ``before + base``.

        Graduated: one piece for each band it passes through. A negative base takes back, at their rates, the
        bands it falls through; below zero the first band goes on. So the pieces of all events sum to what the
        total alone would give, in whatever order the events came. Whole: one piece, at the rate of the band
        that ``total`` (of the period) reached.
        """
        if self.method is Method.WHOLE:
            return [Piece(self.band_at(total), base)]
        after = before + base
        if base == 0:
            return [Piece(self.band_at(before), base)]
        low, high = (before, after) if base > 0 else (after, before)
        first = bisect_right(self._upper_edges, low)
        pieces = []
        for band in self.bands[first:]:
            # The first band has no floor: a total below zero is taken back at its rate.
            inside_from = low if band is self.bands[0] else max(low, band.lower)
            inside_to = high if band.upper is None else min(high, band.upper)
            if inside_to <= inside_from:
                break
            width = inside_to - inside_from
            pieces.append(Piece(band, width if base > 0 else -width))
        return pieces


@dataclass(frozen=True)
class Axis:
    """One side of a grid: what it goes by, and where its bands begin, the first at zero.

    ``by`` is ``amount``, ``total``, ``attainment`` or ``figure:NAME``. Amounts and totals of money are in minor
    units, attainment is a fraction of the quota.
    """

    by: str
    starts: tuple[Fraction, ...]
    labels: tuple[str, ...]

    def place(self, value: Fraction) -> int:
        """The number of the band that ``value`` lies in; below zero it is the first."""
        return max(bisect_right(self.starts, value) - 1, 0)


@dataclass(frozen=True)
class Grid:
    """Rates by two dimensions: ``rates[row][column]``. Each event takes the rate of its cell on all of it."""

    columns: Axis
    rows: Axis
    rates: tuple[tuple[Fraction, ...], ...]

    @property
    def is_flat(self) -> bool:
        return False

    @property
    def compares_totals(self) -> bool:
        """Whether a side goes by the total of the period."""
        return {self.columns.by, self.rows.by} & {"total", "attainment"} != set()

    def cell(self, column: Fraction, row: Fraction) -> Band:
        """The rate for two values, as a band with both labels."""
        return self.band(self.columns.place(column), self.rows.place(row))

    def band(self, column: int, row: int) -> Band:
        """The cell at two places, as ``cell`` gives it."""
        label = f"{self.columns.labels[column]} / {self.rows.labels[row]}"
        return Band(Fraction(0), None, self.rates[row][column], label)


def within(starts_on: date, ends_on: date) -> str:
    """``1 Mar 2026 to 31 Mar 2026``."""
    last = ends_on - timedelta(days=1)
    return f"{starts_on.day} {starts_on:%b %Y} to {last.day} {last:%b %Y}"
