"""Every metric, defined once, by name: what it counts, in which unit, which way is better.

Pay, scorecards, ranking and the team target read the definitions here; how the sums that they are made of are
read from the funnel record in bulk stands in ``selectors.measures``. Pure: kinds of events are named by word.

Shares are in millionths (``leads.EventCredit``), so that a split meeting counts its part; everything that
comes out is an exact ``Fraction``: minor units for money, whole numbers or parts for counts, days, minutes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from apps.leads.rules.sums import WHOLE, Part, Sums

SECONDS_A_DAY = 86_400


class Unit(StrEnum):
    """In what a metric is measured."""

    COUNT = "count"
    MONEY = "money"
    RATE = "rate"
    DAYS = "days"
    MINUTES = "minutes"


class Better(StrEnum):
    """Which way is better."""

    HIGHER = "up"
    LOWER = "down"


class Extra(StrEnum):
    """What cannot be summed from single events and is read by a statement of its own."""

    CYCLE = "cycle"
    SELF_SOURCED = "self_sourced"
    LEADS_WORKED = "leads_worked"
    FIRST_TOUCH = "first_touch"
    CONVERSIONS = "conversions"


@dataclass(frozen=True)
class Figure:
    """A metric's value. ``value`` is ``None`` where there is nothing to divide by.

    ``top`` and ``bottom`` are what a rate or a mean was divided from; ``apart`` are amounts in other
    currencies, in minor units, that were left out.
    """

    value: Fraction | None
    top: Fraction | None = None
    bottom: Fraction | None = None
    apart: dict[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """One metric. ``says`` defines it; ``parts`` are the events behind it; ``extra`` is a read of its own.

    ``of`` is how a plan and a quota would say it, where it is one part counted or its amounts summed.
    """

    key: str
    name: str
    unit: Unit
    says: str
    parts: tuple[Part, ...]
    read: Callable[[Sums], Figure]
    better: Better = Better.HIGHER
    extra: Extra | None = None
    of: str = ""

    @property
    def adds_up(self) -> bool:
        """Whether the sums of two months make those of both."""
        return self.extra not in (Extra.LEADS_WORKED, Extra.FIRST_TOUCH)


def _counted(part: Part) -> Callable[[Sums], Figure]:
    return lambda sums: Figure(sums.count(part))


def _summed(part: Part) -> Callable[[Sums], Figure]:
    return lambda sums: Figure(sums.money(part), apart=sums.apart(part))


def _over(top: Part, *bottom: Part) -> Callable[[Sums], Figure]:
    def read(sums: Sums) -> Figure:
        part = sums.count(top)
        whole = sum((sums.count(one) for one in bottom), Fraction(0))
        return Figure(part / whole if whole else None, part, whole)

    return read


def _deal(sums: Sums) -> Figure:
    won, amount = Fraction(sums.priced.get((WON, sums.currency), 0), WHOLE), sums.money(WON)
    return Figure(amount / won if won else None, amount, won, sums.apart(WON))


def _cycle(sums: Sums) -> Figure:
    seconds, share = Fraction(sums.cycle_seconds, WHOLE), Fraction(sums.cycle_share, WHOLE)
    days = seconds / SECONDS_A_DAY
    return Figure(days / share if share else None, days, share)


def _self_sourced(sums: Sums) -> Figure:
    others = {
        currency: Fraction(amount, WHOLE)
        for currency, amount in sorted(sums.self_sourced.items())
        if currency != sums.currency and amount
    }
    return Figure(Fraction(sums.self_sourced.get(sums.currency, 0), WHOLE), apart=others)


def _first_touch(sums: Sums) -> Figure:
    seconds = sums.first_touch_seconds
    return Figure(None if seconds is None else seconds / 60)


def _count(key: str, name: str, says: str, part: Part, better: Better = Better.HIGHER) -> Metric:
    return Metric(key, name, Unit.COUNT, says, (part,), _counted(part), better, of="count")


def _sum(key: str, name: str, says: str, part: Part) -> Metric:
    return Metric(key, name, Unit.MONEY, says, (part,), _summed(part), of="amount")


def _rate(key: str, name: str, says: str, top: Part, *bottom: Part, better: Better = Better.HIGHER) -> Metric:
    # What it is divided by names the parts, in the order in which they are listed.
    return Metric(key, name, Unit.RATE, says, bottom, _over(top, *bottom), better)


WON = Part("won", "owned")
LOST = Part("lost", "owned")
OPENED = Part("stage_1", "owned")
PIPELINE = Part("stage_2", "owned")
RECEIVED = Part("handed_off", "owned")
TAKEN = Part("accepted", "owned")
TURNED_DOWN = Part("rejected", "owned")
TOUCHED = Part("touched", "sourced")
BOOKED = Part("booked", "sourced")
HANDED = Part("handed_off", "sourced")
HELD = Part("held", "sourced")
NO_SHOW = Part("no_show", "sourced")
VISITED = Part("visited", "sourced")
ACCEPTED = Part("accepted", "sourced")
REJECTED = Part("rejected", "sourced")
SOURCED_PIPELINE = Part("stage_2", "sourced")
SOURCED_WON = Part("won", "sourced")

_ALL = (
    _sum(
        "revenue_won",
        "Revenue won",
        "The amounts of deals closed won in the period, by the rep’s share as their owner.",
        WON,
    ),
    _count(
        "deals_won",
        "Deals won",
        "Deals closed won in the period, by the rep’s share as their owner.",
        WON,
    ),
    _rate(
        "win_rate",
        "Win rate",
        "Deals closed won over all deals closed in the period, won or lost.",
        WON,
        WON,
        LOST,
    ),
    Metric(
        "average_deal",
        "Average deal",
        Unit.MONEY,
        "Revenue won over the deals that it was won with; there is none without a win.",
        (WON,),
        _deal,
    ),
    Metric(
        "sales_cycle",
        "Sales cycle",
        Unit.DAYS,
        "Mean days from stage 1 to closed won, over the deals won in the period.",
        (WON,),
        _cycle,
        Better.LOWER,
        Extra.CYCLE,
    ),
    Metric(
        "self_sourced_pipeline",
        "Self-sourced pipeline",
        Unit.MONEY,
        "The amounts, as they were opened, of opportunities that reached stage 1 in the period and that "
        "nobody but their owner is credited with finding.",
        (OPENED,),
        _self_sourced,
        extra=Extra.SELF_SOURCED,
    ),
    _count(
        "opportunities_opened",
        "Opportunities opened",
        "Opportunities that reached stage 1 in the period, by the rep’s share as their owner.",
        OPENED,
    ),
    _sum(
        "pipeline",
        "Pipeline",
        "The amounts of opportunities that reached stage 2 in the period, by the rep’s share as their owner.",
        PIPELINE,
    ),
    _count(
        "hand_offs_accepted",
        "Hand-offs accepted",
        "Hand-offs to this rep that were accepted in the period.",
        TAKEN,
    ),
    _count(
        "hand_offs_rejected",
        "Hand-offs rejected",
        "Hand-offs to this rep that were rejected in the period.",
        TURNED_DOWN,
        better=Better.LOWER,
    ),
    _rate(
        "hand_off_acceptance_rate",
        "Acceptance rate",
        "Hand-offs accepted over those answered in the period, by the AE who received them.",
        TAKEN,
        TAKEN,
        TURNED_DOWN,
    ),
    _count(
        "touches",
        "Touches",
        "Touches logged in the period and not undone.",
        TOUCHED,
    ),
    Metric(
        "leads_worked",
        "Leads worked",
        Unit.COUNT,
        "Different leads touched in the period.",
        (TOUCHED,),
        lambda sums: Figure(Fraction(sums.leads_worked)),
        extra=Extra.LEADS_WORKED,
    ),
    _count(
        "meetings_booked",
        "Meetings booked",
        "Meetings booked in the period, by the rep’s share in sourcing them.",
        BOOKED,
    ),
    _count(
        "leads_handed_off",
        "Leads handed off",
        "Leads handed off to an AE in the period, by the rep’s share in sourcing them.",
        HANDED,
    ),
    _count(
        "meetings_held",
        "Meetings held",
        "Meetings to which the customer came in the period, by the rep’s share in sourcing them.",
        HELD,
    ),
    _count(
        "meetings_accepted",
        "Meetings accepted",
        "Hand-offs that an AE accepted in the period, by the rep’s share in sourcing them.",
        ACCEPTED,
    ),
    _rate(
        "acceptance_rate",
        "Acceptance rate",
        "Hand-offs accepted over those answered in the period, by the SDR who sourced them.",
        ACCEPTED,
        ACCEPTED,
        REJECTED,
    ),
    _rate(
        "no_show_rate",
        "No-show rate",
        "Meetings to which the customer did not come, over those with an outcome in the period.",
        NO_SHOW,
        NO_SHOW,
        HELD,
        better=Better.LOWER,
    ),
    _sum(
        "accepted_amount",
        "Accepted pipeline",
        "The amounts of hand-offs accepted in the period, corrections below zero included.",
        ACCEPTED,
    ),
    _count(
        "opportunities_sourced",
        "Opportunities sourced",
        "Opportunities that reached stage 2 in the period, by the rep’s share in sourcing them.",
        SOURCED_PIPELINE,
    ),
    _sum(
        "pipeline_sourced",
        "Pipeline, sourced",
        "The amounts of opportunities that reached stage 2 in the period, by the rep’s share in sourcing them.",
        SOURCED_PIPELINE,
    ),
    _count(
        "deals_won_sourced",
        "Deals won, sourced",
        "Deals closed won in the period, by the rep’s share in sourcing them.",
        SOURCED_WON,
    ),
    _sum(
        "won_amount_sourced",
        "Won, sourced",
        "The amounts of deals closed won in the period that this rep sourced.",
        SOURCED_WON,
    ),
    Metric(
        "first_touch_minutes",
        "Speed to first touch",
        Unit.MINUTES,
        "Median minutes, nights and weekends included, from when a lead became an MQL (or was collected, "
        "where it never did) to its first touch, over first touches in the period.",
        (TOUCHED,),
        _first_touch,
        Better.LOWER,
        Extra.FIRST_TOUCH,
    ),
    _count(
        "visits_caused",
        "Site visits caused",
        "Visits to the site in the period that a touch by the rep caused, as known when they were recorded.",
        VISITED,
    ),
    Metric(
        "conversions_caused",
        "Conversions caused",
        Unit.COUNT,
        "Leads qualified or booked in the period within 30 days of a visit that the rep caused, once a visit.",
        (VISITED,),
        lambda sums: Figure(Fraction(sums.conversions)),
        extra=Extra.CONVERSIONS,
    ),
)

METRICS: dict[str, Metric] = {metric.key: metric for metric in _ALL}


_BY_MEASURE = {(*one.parts[0], one.of): one for one in _ALL if one.of}

OF_QUOTA = {
    "meetings_accepted": METRICS["meetings_accepted"],
    "converted_leads": METRICS["leads_handed_off"],
    "amount_accepted": METRICS["accepted_amount"],
    "pipeline": METRICS["pipeline"],
    "amount_won": METRICS["revenue_won"],
}
"""What each quota (``reps.QuotaMeasure``) asks for."""


def metric_measured(kind: str, capacity: str, of: str) -> Metric | None:
    """The metric that counts (``count``), or sums the amounts of (``amount``), events of one kind and capacity."""
    return _BY_MEASURE.get((kind, capacity, of))


class UnknownMetric(KeyError):
    """No metric has this name."""


def metric(key: str) -> Metric:
    """The metric called ``key``. Raises ``UnknownMetric``."""
    try:
        return METRICS[key]
    except KeyError:
        raise UnknownMetric(f"There is no metric called {key!r}.") from None


def median(values: Iterable[Fraction]) -> Fraction | None:
    """The middle value, or the mean of the two in the middle; ``None`` of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
