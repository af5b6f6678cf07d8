"""What credited events earn under a plan: one line an event and component, with its arithmetic in words.

Pure and exact: bases are fractions, and each line is rounded once, half up, to the minor unit (PRODUCT
section 9, "Money"). Each line carries its arithmetic twice: as a sentence, and as ``terms``, a sum of products
of exact numbers. Which events a rep is credited with, and in which order, is read elsewhere.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, lcm

from apps.compensation.rules import words
from apps.compensation.rules.conversion import OtherCurrencies
from apps.compensation.rules.events import (
    WHOLE_SHARE,
    CreditedEvent,
    UnableToEarn,
    Weight,
    counts,
    in_measure,
    meets,
    weights,
)
from apps.compensation.rules.lines import Line, LinePart, limit_lines
from apps.compensation.rules.rates import BELOW, ONE, Band, Grid, Method, Piece, RateTable
from apps.compensation.rules.terms import Component, PlanRules, QuotaRule
from apps.compensation.rules.vocabulary import Pays
from apps.core.money import allocate, round_half_up

__all__ = ["WHOLE_SHARE", "CreditedEvent", "Quotas", "UnableToEarn", "earn", "earn_component"]

Quotas = Mapping[QuotaRule, int | None]
"""The prorated target that each rule asks for, in minor units or a count; ``None`` where there is none."""


def earn(plan: PlanRules, events: Sequence[CreditedEvent], quotas: Quotas | None = None) -> list[Line]:
    """The lines of one rep and period, by component, in the order of ``events``, which is the record's.

    Raises ``UnableToEarn`` when a component has events and no quota to measure them by, or when their
    currency is not the plan's and bands would have to compare the two.
    """
    lines: list[Line] = []
    for component in plan.components:
        quota = (quotas or {}).get(component.quota) if component.quota else None
        found = earn_component(component, events, plan.currency, quota)
        lines += found
        lines += limit_lines(component, found, plan.currency)
    return lines


def earn_component(
    component: Component, events: Iterable[CreditedEvent], currency: str, quota: int | None
) -> list[Line]:
    """The lines of one component over the events of its period, without cap and floor. Raises as ``earn``."""
    chosen = [event for event in events if counts(component, event)]
    lines: list[Line] = []
    for paid_in, group in _by_currency(component, chosen, currency).items():
        lines += Reckoning(component, paid_in, _quota(component, quota)).lines(group)
    return lines


def _by_currency(
    component: Component, events: Sequence[CreditedEvent], currency: str
) -> dict[str, list[CreditedEvent]]:
    """Events by the currency that they are paid in. Currencies are never added together."""
    if not component.measure.sums_amounts:
        return {currency: list(events)} if events else {}
    groups: dict[str, list[CreditedEvent]] = {}
    for event in events:
        own = event.currency or currency
        refused = component.measure.other_currencies is OtherCurrencies.REFUSED
        if own != currency and refused:
            raise UnableToEarn(
                f"Event {event.event_id} is in {own}, and “{component.name}” pays in {currency} alone: put the "
                "rep on a plan in that currency, or have the component convert."
            )
        if own != currency and component.needs_one_currency:
            raise UnableToEarn(
                f"Event {event.event_id} is in {own}, and the bands of “{component.name}” are in {currency}: "
                "put the rep on a plan in that currency, have the component convert, or give it one flat rate."
            )
        groups.setdefault(own, []).append(event)
    return groups


def _quota(component: Component, quota: int | None) -> int | None:
    if component.quota is None:
        return None
    if not quota or quota < 0:
        raise UnableToEarn(
            f"“{component.name}” is measured against the quota “{component.quota.measure}”, and there is "
            "none above zero for the period: set it, then compute again."
        )
    return quota


Factors = tuple[tuple[str, Fraction], ...]
"""Multipliers of a whole line: name and factor."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A band, and what every line in it has in common: what a base is multiplied by, and how it is said.

    Pay is ``numerator / denominator`` minor units for each unit of the base. The band is kept because cells are
    found by its identity.
    """

    band: Band
    numerator: int
    denominator: int
    rate: str
    terms: tuple[Fraction, ...]
    opening: str
    closing: str
    remark: str


@dataclass(frozen=True, slots=True)
class Edges:
    """A table's bands with edges in whole parts of ``scale``: rounded, which moves no integer across one."""

    bands: tuple[Band, ...]
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, table: RateTable, total: Fraction, scale: int) -> "Edges":
        if table.method is Method.WHOLE:
            return cls((table.band_at(total),), [], [])
        edges = [band.upper * scale for band in table.bands if band.upper is not None]
        return cls(table.bands, [ceil(edge) for edge in edges], [floor(edge) for edge in edges])

    def one_band(self, before: int, base: int) -> Band | None:
        """The band that takes all of ``base``; ``None`` where several do. ``RateTable.split`` says why."""
        if not self.starts:
            return self.bands[0]
        low, high = (before, before + base) if base >= 0 else (before + base, before)
        place = bisect_right(self.starts, low)
        return self.bands[place] if place == len(self.ends) or high <= self.ends[place] else None


@dataclass
class Reckoning:
    """One component over one period's events in one currency."""

    component: Component
    currency: str
    quota: int | None

    def lines(self, events: list[CreditedEvent]) -> list[Line]:
        weighed = weights(self.component, events, self.currency)
        # Everything in whole parts of one size, so that running totals and bands are integers.
        scale = lcm(*{one.base.denominator for one in weighed})
        bases = [one.base.numerator * (scale // one.base.denominator) for one in weighed]
        self.begin(sum(bases), scale)
        if self.component.pays is Pays.TARGET_BY_BAND:
            return [self._target_line(events)]
        before, found = 0, []
        for place, (event, one, base) in enumerate(zip(events, weighed, bases, strict=True), 1):
            found.append(self.line_of(event, one, before, base, place))
            before += base
        return found

    def begin(self, total: int, scale: int) -> None:
        """Take the period's total, in parts of ``scale``: what bands, thresholds and factors look at."""
        self.scale = scale
        self.total = Fraction(total, scale)
        self.table = self._table()
        self.kind = "bonus" if self.component.bonus else "earning"
        self.always = self._factors(None)
        self.by_event = any(one.conditions for one in self.component.multipliers)
        self.cells: dict[tuple[int, Factors], Cell] = {}
        self.of_grid: dict[tuple[int, int], Band] = {}
        self.edges = Edges.of(self.table, self.total, self.scale) if self.table else None

    def line_of(self, event: CreditedEvent, one: Weight, before: int, base: int, place: int) -> Line:
        """The line of one event, where the running total was ``before`` and ``base`` is what it weighs, in parts."""
        factors = self._factors(event) if self.by_event else self.always
        band = self.edges.one_band(before, base) if self.edges else self._cell_of(event)
        if band is None:
            return self._line(event, one, factors, Fraction(before, self.scale), place)
        return self._line_in(band, factors, event, one, base, place)

    def _table(self) -> RateTable | None:
        """The rates in the measure's units; all at nothing below a cliff; ``None`` for a grid."""
        threshold = self.component.threshold
        if threshold is not None and threshold.pays_all:
            edge = threshold.at * (self.quota or 0) if threshold.in_quota else threshold.at
            if self.total < edge:
                return RateTable(Method.WHOLE, (Band(Fraction(0), None, Fraction(0), BELOW),))
        return self.component.table(self.quota) if isinstance(self.component.rates, RateTable) else None

    # --- A line within one band -------------------------------------------------------------------

    def _line_in(
        self, band: Band, factors: Factors, event: CreditedEvent, one: Weight, base: int, place: int
    ) -> Line:
        """As ``_line``, where all of ``base`` (in parts of ``scale``) lies in ``band``."""
        cell = self.cell(band, factors)
        numerator, denominator = base * cell.numerator, self.scale * cell.denominator
        exact = Fraction(numerator, denominator) if denominator != 1 else Fraction(numerator)
        rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
        amount = rounded if numerator >= 0 else -rounded
        if one.missing:
            formula = self._nothing_given(one)
        else:
            formula = words.result(f"{cell.opening}{one.text}{cell.closing}", exact, amount, self.currency)
            formula += cell.remark
        return Line(
            self.component,
            event,
            self.currency,
            one.base,
            place,
            (LinePart(band.label, one.base, cell.rate, amount),),
            exact,
            amount,
            formula,
            (one.factors + cell.terms,),
            self.kind,
        )

    def cell(self, band: Band, factors: Factors) -> Cell:
        """What every line in ``band`` has in common."""
        found = self.cells.get((id(band), factors))
        if found is None:
            found = self.cells[id(band), factors] = self._cell(band, factors)
        return found

    def _cell(self, band: Band, factors: Factors) -> Cell:
        pay = self._pay(Piece(band, ONE))
        for _, factor in factors:
            pay *= factor
        opening, closing = self._around(band, factors)
        remark = self._below(band) if band.label == BELOW else ""
        return Cell(
            band,
            pay.numerator,
            pay.denominator,
            self._rate(band),
            self._rates_of(band, factors),
            opening,
            closing,
            remark,
        )

    # --- A line over several bands ----------------------------------------------------------------

    def _line(
        self, event: CreditedEvent, one: Weight, factors: Factors, before: Fraction, place: int
    ) -> Line:
        assert self.table is not None, "the cell of a grid is one band"
        pieces = self.table.split(before, one.base, self.total)
        times = ONE
        for _, factor in factors:
            times *= factor
        exact_parts = [self._pay(piece) * times for piece in pieces]
        exact = sum(exact_parts, Fraction(0))
        amount = round_half_up(exact)
        parts = tuple(
            LinePart(piece.band.label, piece.base, self._rate(piece.band), part)
            for piece, part in zip(pieces, _share_out(amount, exact_parts), strict=True)
        )
        return Line(
            self.component,
            event,
            self.currency,
            one.base,
            place,
            parts,
            exact,
            amount,
            self._formula(one, pieces, factors, exact, amount),
            tuple((piece.base, *self._rates_of(piece.band, factors)) for piece in pieces),
            self.kind,
        )

    def _cell_of(self, event: CreditedEvent) -> Band:
        grid = self.component.rates
        assert isinstance(grid, Grid)
        column, row = (axis.place(self._on_axis(axis.by, event)) for axis in (grid.columns, grid.rows))
        if (column, row) not in self.of_grid:
            self.of_grid[column, row] = grid.band(column, row)
        return self.of_grid[column, row]

    def _on_axis(self, by: str, event: CreditedEvent) -> Fraction:
        if by == "amount":
            return Fraction(event.worth)
        if by == "total":
            return self.total
        if by == "attainment":
            return self.total / (self.quota or 1)
        return event.figure(by.removeprefix("figure:")) or Fraction(0)

    def _factors(self, event: CreditedEvent | None) -> Factors:
        """What multiplies the whole line: by the period's total, or because the event is of a kind."""
        found = []
        for one in self.component.multipliers:
            if one.conditions:
                if event is not None and all(meets(condition, event) for condition in one.conditions):
                    found.append((one.name, one.times))
            elif one.method is Method.WHOLE:
                found.append((one.name, one.table(Fraction(self.quota or 0)).band_at(self.total).rate))
        return tuple(found)

    def _pay(self, piece: Piece) -> Fraction:
        pay = piece.base * piece.band.rate * piece.band.factor
        if self.component.pays is Pays.PERCENT_OF_TARGET:
            return Fraction(self.component.target_minor or 0) * pay / (self.quota or 1)
        return pay

    def _rate(self, band: Band) -> str:
        return self.component.rate_in_words(band, self.currency)

    # --- Its arithmetic ---------------------------------------------------------------------------

    def _rates_of(self, band: Band, factors: Factors) -> tuple[Fraction, ...]:
        """What a base in ``band`` is multiplied by, as the terms say it."""
        found = [band.rate]
        if band.factor != 1:
            found.append(band.factor)
        if self.component.pays is Pays.PERCENT_OF_TARGET:
            found += [Fraction(self.component.target_minor or 0), Fraction(1, self.quota or 1)]
        return (*found, *(factor for _, factor in factors))

    def _around(self, band: Band, factors: Factors) -> tuple[str, str]:
        """What stands before and after the base in the words of a product."""
        opening = closing = ""
        if self.component.pays is Pays.PERCENT_OF_TARGET:
            goal = in_measure(self.component.measure, Fraction(self.quota or 1), self.currency)
            opening = f"{words.money(self.component.target_minor or 0, self.currency)} × ("
            closing = f" ÷ {goal})"
        closing += f" × {self._rate(band)}"
        return opening, closing + "".join(f" × {words.decimal(factor)} “{name}”" for name, factor in factors)

    def _nothing_given(self, one: Weight) -> str:
        return f"No {one.missing} was given, so there is nothing to pay on: {words.money(0, self.currency)}"

    def _below(self, band: Band) -> str:
        """What a line says that lies below a cliff."""
        threshold = self.component.threshold
        if band.label != BELOW or threshold is None or not threshold.pays_all:
            return ""
        reached = in_measure(self.component.measure, self.total, self.currency)
        return f"; {reached} is below the threshold of {threshold.label}"

    def _formula(
        self, one: Weight, pieces: list[Piece], factors: Factors, exact: Fraction, amount: int
    ) -> str:
        """``€38,000.00 × 50 % credit × 0.20 % = €38.00``; what was rounded says so."""
        if one.missing:
            return self._nothing_given(one)
        said = []
        for piece in pieces:
            opening, closing = self._around(piece.band, factors)
            said.append(opening + in_measure(self.component.measure, piece.base, self.currency) + closing)
        formula = words.result(" + ".join(said), exact, amount, self.currency)
        return formula + (f"; {one.note}" if one.note else "") + self._below(pieces[0].band)

    def _target_line(self, events: list[CreditedEvent]) -> Line:
        """The share of the target that the reached band names: one line for the period."""
        assert self.table is not None
        measure, band = self.component.measure, self.table.band_at(self.total)
        exact = Fraction(self.component.target_minor or 0) * band.rate
        amount = round_half_up(exact)
        target = words.money(self.component.target_minor or 0, self.currency)
        formula = words.result(f"{target} × {self._rate(band)}", exact, amount, self.currency)
        formula += f"; {in_measure(measure, self.total, self.currency)} reached {band.label}"
        if self.quota is not None:
            formula += f" of {in_measure(measure, Fraction(self.quota), self.currency)}"
        part = LinePart(band.label, self.total, self._rate(band), amount)
        terms = ((Fraction(self.component.target_minor or 0), band.rate),)
        return Line(
            self.component, None, self.currency, self.total, len(events), (part,), exact, amount, formula, terms,
            source="target",
        )  # fmt: skip


def _share_out(amount: int, exact_parts: list[Fraction]) -> list[int]:
    """The rounded line over its bands, so that the parts sum to it."""
    weights = [abs(part) for part in exact_parts]
    if len(weights) == 1:
        return [amount]
    return allocate(amount, weights) if any(weights) else [0] * len(weights)
