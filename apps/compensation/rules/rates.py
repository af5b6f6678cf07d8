"""Rate tables: half-open bands, contiguous from zero, and how a base is split over them.

A value on an edge belongs to the higher band (PRODUCT section 9). Pure. What is paid from the split is
``rules.earn``; how a table is written down is ``rules.plan``.
"""

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property


class Method(StrEnum):
    """What a band's rate applies to."""

    GRADUATED = "graduated"
    """Each band at its own rate, on the part of the base that lies in it."""

    WHOLE = "whole"
    """The rate of the band that the total reached, on everything."""


@dataclass(frozen=True)
class Band:
    """``[lower, upper)``, in units of the measure, and its rate; ``upper`` is ``None`` in the last."""

    lower: Fraction
    upper: Fraction | None
    rate: Fraction
    label: str = ""


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
                Band(
                    band.lower * factor,
                    None if band.upper is None else band.upper * factor,
                    band.rate,
                    band.label,
                )
                for band in self.bands
            ),
        )

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
