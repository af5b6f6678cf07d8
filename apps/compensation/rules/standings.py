"""Where a component stands: what it has counted, on which band that is, and how far the next one is. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from apps.compensation.rules import words
from apps.compensation.rules.events import CreditedEvent, counts, in_measure, weight
from apps.compensation.rules.rates import Axis, Band, Grid, Method, RateTable
from apps.compensation.rules.terms import Component, Multiplier
from apps.compensation.rules.vocabulary import Pays

AXES = {"total": "Total", "attainment": "Attainment"}


@dataclass(frozen=True, slots=True)
class Next:
    """The next step up: it begins at ``at``, and ``left`` is missing; in the measure's units."""

    at: Fraction
    left: Fraction
    pays: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """One row of bands of a component: rates, an accelerator, a threshold. ``reached`` is a band's label."""

    name: str
    reached: str
    pays: str
    next: Next | None
    on_everything: bool = False
    """Whether the reached band holds for all that was counted, not only for what lies in it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A component over one of its spans: ``total`` and ``quota`` in minor units or a count."""

    component: Component
    currency: str
    total: Fraction
    quota: int | None
    ladders: tuple[Ladder, ...]

    @property
    def attainment(self) -> Fraction | None:
        """The total as a share of the quota; ``None`` without one."""
        return self.total / self.quota if self.quota else None

    def in_words(self, value: Fraction) -> str:
        """A base of this measure: money, or ``2.5 meetings``."""
        return in_measure(self.component.measure, value, self.currency)


def standing(
    component: Component, events: Iterable[CreditedEvent], currency: str, quota: int | None
) -> Standing:
    """Where ``component`` stands with ``events``. What is in another currency than ``currency`` is left out.

    Raises ``UnableToEarn`` as earning does.
    """
    money = component.measure.sums_amounts
    counted = (
        one
        for one in events
        if counts(component, one) and not (money and (one.currency or currency) != currency)
    )
    reached = sum((weight(component, one, currency).base for one in counted), Fraction(0))
    found = Standing(component, currency, reached, quota, ())
    if component.quota is not None and not quota:
        return found
    return Standing(component, currency, reached, quota, tuple(_ladders(component, found)))


def _ladders(component: Component, at: Standing) -> Iterable[Ladder]:
    threshold = component.threshold
    if threshold is not None and threshold.pays_all:
        edge = threshold.at * (at.quota or 0) if threshold.in_quota else threshold.at
        passed = at.total >= edge
        ahead = None if passed else Next(edge, edge - at.total, "everything counts")
        word = "reached" if passed else f"below {threshold.label}"
        yield Ladder("Threshold", word, "everything counts" if passed else "nothing is paid", ahead, True)
    rates = component.rates
    if isinstance(rates, Grid):
        for axis in (rates.columns, rates.rows):
            if axis.by in AXES:
                yield _axis(axis, at)
    else:
        yield from _table(component, at)
    for one in component.multipliers:
        if one.bands and (one.method is Method.WHOLE or isinstance(rates, Grid)):
            yield _factors(one, at)


def _table(component: Component, at: Standing) -> Iterable[Ladder]:
    table = component.table(at.quota)
    if table.is_flat:
        return
    yield _climb(
        "Share of the target" if component.pays is Pays.TARGET_BY_BAND else "Rates",
        table,
        at,
        lambda band: component.rate_in_words(band, at.currency),
        table.method is Method.WHOLE,
    )


def _factors(one: Multiplier, at: Standing) -> Ladder:
    table = one.table(Fraction(at.quota or 0))
    return _climb(one.name, table, at, lambda band: f"times {words.decimal(band.rate)}", True)


def _climb(
    name: str, table: RateTable, at: Standing, pays: Callable[[Band], str], on_everything: bool
) -> Ladder:
    band = table.band_at(at.total)
    ahead = None
    if band.upper is not None:
        higher = table.band_at(band.upper)
        ahead = Next(band.upper, band.upper - at.total, pays(higher))
    return Ladder(name, band.label, pays(band), ahead, on_everything)


def _axis(axis: Axis, at: Standing) -> Ladder:
    value = at.total if axis.by == "total" else (at.attainment or Fraction(0))
    scale = Fraction(1) if axis.by == "total" else Fraction(at.quota or 0)
    place = axis.place(value)
    ahead = None
    if place + 1 < len(axis.starts):
        edge = axis.starts[place + 1] * scale
        ahead = Next(edge, edge - at.total, f"the column or row {axis.labels[place + 1]}")
    return Ladder(AXES[axis.by], axis.labels[place], "", ahead, False)
