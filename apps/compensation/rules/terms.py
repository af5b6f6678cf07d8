"""What a plan can say, as plain values: components with their measure, quota, limits and what is held back.

Pure. How a document is read into these is ``rules.plan``; what they pay is ``rules.earn``. Money is in minor
units of the plan's currency, percentages are fractions of one.
"""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from apps.compensation.rules import words
from apps.compensation.rules.conversion import OtherCurrencies
from apps.compensation.rules.rates import Band, Grid, Method, RateTable
from apps.compensation.rules.vocabulary import BandsIn, Basis, Pays, Scope
from apps.leads.rules.metrics import OF_QUOTA, Metric, Unit, metric_measured

ONE = Fraction(1)


# The facts that can be paid for, and what one of them is called. Activity is not among them: activity alone
# never pays (PRODUCT section 9). ``paid`` is a payment by the customer.
PAYABLE_EVENTS = {
    "booked": "meeting",
    "handed_off": "hand-off",
    "held": "meeting",
    "accepted": "meeting",
    "stage_1": "opportunity",
    "stage_2": "opportunity",
    "won": "win",
    "paid": "payment",
}
CAPACITIES = ("sourced", "owned")
# What a quota can ask for, each by the metric that it is a target of, and whether that is money.
QUOTA_MEASURES = {key: one.unit is Unit.MONEY for key, one in OF_QUOTA.items()}

_PAST = {
    "booked": "at booking", "handed_off": "at hand-off", "held": "at the meeting",
    "accepted": "at acceptance", "stage_1": "at stage 1", "stage_2": "at stage 2", "won": "won", "paid": "paid",
}  # fmt: skip
COUNTS_WHEN = {
    "booked": "A meeting is booked",
    "handed_off": "A lead is handed off",
    "held": "A meeting is held",
    "accepted": "An AE accepts the meeting",
    "stage_1": "An opportunity opens at stage 1",
    "stage_2": "An opportunity reaches stage 2",
    "won": "An opportunity is won",
    "paid": "The customer pays",
}


@dataclass(frozen=True)
class Condition:
    """A row that must hold for an event to count: ``industry is one_of Finance, Retail``.

    Numbers are compared as numbers, everything else as text, capitals aside.
    """

    field: str
    operator: str
    values: tuple[str, ...]

    @property
    def in_words(self) -> str:
        what = self.field.removeprefix("figure:").replace("_", " ")
        return f"{what} {OPERATORS[self.operator]} {' or '.join(self.values)}"


OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "one_of": "is one of",
    "at_least": "is at least",
    "below": "is below",
}
NUMBER_FIELDS = ("amount", "employees", "score_points")
TEXT_FIELDS = ("source", "campaign", "industry", "city", "score", "currency", "persona")
YES_NO_FIELDS = ("exploration", "inbound", "meets_definition")


@dataclass(frozen=True)
class Term:
    """An amount for several years: it is divided by the years in ``figure``, and ``years`` of them count."""

    figure: str
    years: int = 1


@dataclass(frozen=True)
class Measure:
    """Which credited events count, and whether they are counted or something of theirs is summed.

    ``of`` is ``count``, ``amount`` or ``figure``; a figure is a number that came with the event, in money
    (margin) or not (seats). ``not_below_zero``: a figure or amount below zero counts as zero.
    """

    event: str
    capacity: str
    of: str = "count"
    figure: str = ""
    figure_is_money: bool = False
    conditions: tuple[Condition, ...] = ()
    term: Term | None = None
    not_below_zero: bool = False
    no_shows_pay: bool = True
    other_currencies: OtherCurrencies = OtherCurrencies.USUAL

    @property
    def sums_amounts(self) -> bool:
        """Whether the base is money."""
        return self.of == "amount" or (self.of == "figure" and self.figure_is_money)

    @property
    def metric(self) -> Metric | None:
        """The metric of the catalogue that this measures, whole; ``None`` where only some events of it count."""
        if self.conditions or self.term is not None or self.not_below_zero or not self.no_shows_pay:
            return None
        return metric_measured(self.event, self.capacity, self.of)

    @property
    def unit(self) -> str:
        if self.of == "figure" and not self.figure_is_money:
            return self.figure.replace("_", " ").removesuffix("s")
        return PAYABLE_EVENTS[self.event]


@dataclass(frozen=True)
class QuotaRule:
    """Which quota the component is measured against, and its share during the ramp."""

    measure: str
    ramp_share: Fraction
    of_team: bool = False

    @property
    def is_money(self) -> bool:
        return QUOTA_MEASURES[self.measure]


@dataclass(frozen=True)
class Threshold:
    """Below it nothing is paid. ``pays_all``: once reached, everything counts (a cliff)."""

    at: Fraction
    in_quota: bool
    pays_all: bool

    @property
    def label(self) -> str:
        return f"{words.decimal(self.at * 100)} % of quota" if self.in_quota else words.decimal(self.at)


@dataclass(frozen=True)
class Multiplier:
    """Times what the rates pay: by bands of attainment or of the total, or for events of a kind.

    With ``bands`` their ``rate`` is the factor; ``method`` says whether a band's factor holds for what lies in
    it or for everything. With ``conditions`` it is ``times`` for the events for which they hold.
    """

    name: str
    bands: tuple[Band, ...] = ()
    in_quota: bool = False
    method: Method = Method.GRADUATED
    conditions: tuple[Condition, ...] = ()
    times: Fraction = ONE

    def table(self, quota: Fraction) -> RateTable:
        """The factors by edges in the measure's own units."""
        found = RateTable(self.method, self.bands)
        return found.scaled(quota) if self.in_quota else found


@dataclass(frozen=True)
class Release:
    """A share of what is held back, paid when ``on`` happens to the same deal."""

    on: str
    share: Fraction
    label: str = ""


@dataclass(frozen=True)
class Holdback:
    """A share of each line that waits for its releases, whose shares sum to the whole."""

    share: Fraction
    releases: tuple[Release, ...]


@dataclass(frozen=True)
class Clawback:
    """What happens to an event that is reversed within ``within_days`` of its own day.

    Full: all is taken back. Pro rata: each day that passed keeps its share. Afterwards nothing is.
    """

    within_days: int
    pro_rata: bool

    def kept(self, days: int) -> Fraction:
        """The share that stays earned when the reversal came ``days`` after the event."""
        if days >= self.within_days:
            return ONE
        return Fraction(max(days, 0), self.within_days) if self.pro_rata else Fraction(0)


@dataclass(frozen=True)
class Bonus:
    """A SPIFF: for events from ``starts_on`` up to, not including, ``ends_on``; for all reps together."""

    starts_on: date
    ends_on: date
    budget_minor: int | None = None


@dataclass(frozen=True)
class Draw:
    """Pay that does not depend on results. Recoverable: an advance, taken back from later pay above it.

    In advance: payroll paid it before the run, which settles it. A balance on ``forgiven_on`` is given up.
    """

    name: str
    amount_minor: int
    is_recoverable: bool
    in_advance: bool = False
    forgiven_on: date | None = None


@dataclass(frozen=True)
class Component:
    """One way of earning. ``target_minor`` is the incentive at 100 %, where pay is a part of a target."""

    key: str
    name: str
    measure: Measure
    pays: Pays
    rates: RateTable | Grid
    bands_in: BandsIn = BandsIn.UNITS
    quota: QuotaRule | None = None
    target_minor: int | None = None
    scope: Scope = Scope.OWN
    basis: Basis = Basis.RUN
    split: Fraction = ONE
    threshold: Threshold | None = None
    multipliers: tuple[Multiplier, ...] = ()
    cap_minor: int | None = None
    floor_minor: int | None = None
    holdback: Holdback | None = None
    clawback: Clawback | None = None
    bonus: Bonus | None = None

    @property
    def is_flat(self) -> bool:
        """Whether everything is paid at one rate, whatever the total."""
        return self.rates.is_flat and not self.compares

    @property
    def needs_one_currency(self) -> bool:
        """Whether amounts in another currency would be held against, or added to, those of the plan's."""
        return not self.is_flat or (self.bonus is not None and self.bonus.budget_minor is not None)

    @property
    def compares(self) -> bool:
        """Whether a quota, a limit or a factor by bands compares events, which must be in one currency then."""
        return bool(
            self.quota
            or self.threshold
            or self.cap_minor is not None
            or self.floor_minor is not None
            or any(one.bands for one in self.multipliers)
        )

    def table(self, quota: int | None) -> RateTable:
        """The rates by edges in the measure's own units: threshold and accelerators cut in."""
        assert isinstance(self.rates, RateTable), "a grid has cells and no table"
        goal = Fraction(quota or 0)
        table = self.rates.scaled(goal) if self.bands_in is BandsIn.PERCENT_OF_QUOTA else self.rates
        for multiplier in self.multipliers:
            if multiplier.bands and multiplier.method is Method.GRADUATED:
                table = table.times(multiplier.table(goal))
        if self.threshold is not None and not self.threshold.pays_all:
            edge = self.threshold.at * goal if self.threshold.in_quota else self.threshold.at
            table = table.above(edge)
        return table

    def shown_bands(self) -> list[Band]:
        """The bands as a page lists them; none for a grid."""
        return list(self.table(1).bands) if isinstance(self.rates, RateTable) else []

    @property
    def rule_in_words(self) -> str:
        """``graduated, per meeting``."""
        basis = {
            Pays.PER_UNIT: f"per {self.measure.unit}",
            Pays.PERCENT_OF_AMOUNT: f"percent of the {self._base_name}",
            Pays.PERCENT_OF_TARGET: "percent of the target incentive by attainment",
            Pays.TARGET_BY_BAND: "share of the target incentive that the reached band names",
        }[self.pays]
        how = "by grid" if isinstance(self.rates, Grid) else self.rates.method.value
        found = f"{'flat' if self.is_flat else how}, {basis}"
        return found + ("" if self.basis is Basis.RUN else f", by {self.basis.value.replace('_', ' ')}")

    @property
    def _base_name(self) -> str:
        if self.measure.of == "figure":
            return self.measure.figure.replace("_", " ")
        return f"amount {_PAST[self.measure.event]}"

    @property
    def counts_when(self) -> str:
        """When an event counts, in words."""
        found = f"{COUNTS_WHEN[self.measure.event]}; {self._whose}, by its date"
        for one in self.measure.conditions:
            if one == Condition("exploration", "is", ("yes",)):
                found += ", exploration only"
            elif one == Condition("exploration", "is", ("no",)):
                found += ", exploration left out"
            else:
                found += f", where {one.in_words}"
        return found

    @property
    def _whose(self) -> str:
        who = "who sourced it" if self.measure.capacity == "sourced" else "who owns it"
        return {
            Scope.OWN: f"credited to {who}",
            Scope.TEAM: "credited to anybody of the team",
            Scope.TEAM_POOL: "credited to anybody of the team, and shared",
            Scope.MANAGED: "credited to anybody managed",
        }[self.scope]

    def rate_in_words(self, band: Band, currency: str) -> str:
        rate = words.money(band.rate, currency) if self.pays is Pays.PER_UNIT else words.percent(band.rate)
        return rate if band.factor == 1 else f"{rate} × {words.decimal(band.factor)}"


@dataclass(frozen=True)
class PlanRules:
    """A whole plan as plain values. Rates per unit and targets are in minor units of ``currency``."""

    name: str
    role: str
    currency: str
    components: tuple[Component, ...] = field(default=())
    draw: Draw | None = None
    effective_on: date | None = None
    ends_on: date | None = None
    notes: str = ""

    @property
    def quota_rules(self) -> tuple[QuotaRule, ...]:
        return tuple({c.quota: None for c in self.components if c.quota is not None})

    @property
    def events(self) -> frozenset[str]:
        return frozenset(component.measure.event for component in self.components)

    @property
    def carries_over(self) -> bool:
        """Whether a period's pay depends on earlier ones: a balance, what was held back, a budget."""
        return self.draw is not None or any(
            component.holdback or (component.bonus and component.bonus.budget_minor is not None)
            for component in self.components
        )

    def component(self, key: str) -> Component | None:
        return next((component for component in self.components if component.key == key), None)
