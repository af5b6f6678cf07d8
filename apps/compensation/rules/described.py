"""A plan in plain words, item by item; and what one version changes against another. Pure.

Each item is a label and what it says. Two versions are held against each other by the labels of the
components of one key, so that a change reads ``Rate, 0 to 10: €40.00, now €30.00``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from apps.compensation.rules import words
from apps.compensation.rules.rates import Band, Grid, within
from apps.compensation.rules.terms import COUNTS_WHEN, Component, Draw, Holdback, PlanRules
from apps.compensation.rules.vocabulary import BandsIn, Basis, Scope

Item = tuple[str, str]

SCOPES = {
    Scope.OWN: "the rep’s own events",
    Scope.TEAM: "everybody’s in the team; each is paid on the team’s result",
    Scope.TEAM_POOL: "everybody’s in the team, divided among those on the plan",
    Scope.MANAGED: "those of the reps managed",
}
BASES = {
    Basis.RUN: "each payout run",
    Basis.MONTH: "the month",
    Basis.QUARTER: "the quarter",
    Basis.YEAR: "the year",
    Basis.QUARTER_TO_DATE: "the quarter to date",
    Basis.YEAR_TO_DATE: "the year to date",
}
QUOTAS = {
    "amount_accepted": "amount accepted",
    "amount_won": "amount won",
    "pipeline": "pipeline",
    "meetings_accepted": "meetings accepted",
    "converted_leads": "converted leads",
}


@dataclass(frozen=True)
class Change:
    """One item that differs: where, what it said before and says now; "" where it is not there at all."""

    part: str
    label: str
    was: str
    now: str


def described(component: Component, currency: str) -> list[Item]:
    """What a component says, item by item."""
    measure = component.measure
    found: list[Item] = [
        ("Name", component.name),
        ("Counts when", component.counts_when),
        ("Measure", _measure(component)),
        ("Pays", component.rule_in_words),
        ("Whose", SCOPES[component.scope]),
        ("Over", BASES[component.basis]),
    ]
    if measure.term:
        name = measure.term.figure.replace("_", " ")
        found.append(("Several years", f"{measure.term.years} of the years in “{name}” count"))
    if measure.not_below_zero:
        found.append(("Below zero", "counts as zero"))
    if not measure.no_shows_pay:
        found.append(("No-shows", "left out, unless the meeting was held later"))
    if component.split != 1:
        found.append(("Split", f"{words.credit(component.split)} of each event"))
    if component.quota:
        ramp = component.quota.ramp_share
        whose = "the team’s" if component.quota.of_team else "the rep’s own"
        during = f"; {words.credit(ramp)} of a day while ramping" if ramp != 1 else ""
        found.append(("Quota", f"{whose} {QUOTAS[component.quota.measure]}{during}"))
    if component.target_minor is not None:
        found.append(("Target incentive", words.money(component.target_minor, currency)))
    return found + _rates(component, currency) + _limits(component, currency)


def _measure(component: Component) -> str:
    measure = component.measure
    named = f" ({measure.metric.name})" if measure.metric else ""
    if measure.of == "count":
        return f"{measure.unit}s, counted{named}"
    if measure.of == "amount":
        return f"their amounts, summed{named}"
    kind = "an amount of money" if measure.figure_is_money else "a number"
    return f"“{measure.figure.replace('_', ' ')}”, {kind}, summed"


def _rates(component: Component, currency: str) -> list[Item]:
    rates = component.rates
    if isinstance(rates, Grid):
        return [
            (
                f"Rate, {rates.columns.labels[column]} / {rates.rows.labels[row]}",
                _rate(component, rate, currency),
            )
            for row, line in enumerate(rates.rates)
            for column, rate in enumerate(line)
        ]
    return [
        ("Rate" if band.label == "flat" else f"Rate, {band.label}", _rate(component, band.rate, currency))
        for band in rates.bands
    ]


def _rate(component: Component, rate: Fraction, currency: str) -> str:
    return component.rate_in_words(Band(Fraction(0), None, rate), currency)


def _limits(component: Component, currency: str) -> list[Item]:
    found: list[Item] = []
    if threshold := component.threshold:
        then = "everything counts once it is reached" if threshold.pays_all else "only what is above counts"
        edge = threshold.label
        if not threshold.in_quota and component.measure.sums_amounts:
            edge = words.money(threshold.at, currency)
        found.append(("Threshold", f"nothing below {edge}; {then}"))
    for one in component.multipliers:
        if one.conditions:
            held = " and ".join(condition.in_words for condition in one.conditions)
            found.append((one.name, f"times {words.decimal(one.times)} where {held}"))
        for band in one.bands:
            at = "always" if band.label == "flat" else band.label
            how = "what lies in it" if one.method == "graduated" else "everything"
            found.append((f"{one.name}, {at}", f"times {words.decimal(band.rate)} on {how}"))
    for label, minor in (("Cap", component.cap_minor), ("Floor", component.floor_minor)):
        if minor is not None:
            found.append((label, words.money(minor, currency)))
    if component.holdback:
        found.append(("Held back", _holdback(component.holdback)))
    if component.clawback:
        how = "day by day" if component.clawback.pro_rata else "in full"
        found.append(("Taken back", f"{how}, when reversed within {component.clawback.within_days} days"))
    if bonus := component.bonus:
        budget = (
            "" if bonus.budget_minor is None else f", {words.money(bonus.budget_minor, currency)} for all"
        )
        found.append(("SPIFF", within(bonus.starts_on, bonus.ends_on) + budget))
    return found


def _holdback(holdback: Holdback) -> str:
    when = ", ".join(
        f"{words.credit(one.share)} when {one.label or COUNTS_WHEN[one.on].lower()}"
        for one in holdback.releases
    )
    return f"{words.credit(holdback.share)}; released {when}"


def described_draw(draw: Draw, currency: str) -> list[Item]:
    """A plan's draw, item by item."""
    found = [
        ("Name", draw.name),
        ("Each pay period", words.money(draw.amount_minor, currency)),
        ("Taken back", "from later pay above it" if draw.is_recoverable else "never: it is a floor"),
        ("Paid", "in advance; the run settles it" if draw.in_advance else "with the run"),
    ]
    if draw.forgiven_on:
        found.append(("Given up", f"what is owed on {_day(draw.forgiven_on)}"))
    return found


def in_words(component: Component, currency: str, quota: str = "") -> str:
    """One sentence that says what a component pays, for whoever reads the plan."""
    rates = component.rates
    base = component.rule_in_words
    if isinstance(rates, Grid):
        paid = "the rate of its cell"
    elif rates.is_flat:
        paid = _rate(component, rates.bands[0].rate, currency)
    else:
        first, last = rates.bands[0], rates.bands[-1]
        paid = (
            f"from {_rate(component, first.rate, currency)} ({first.label}) to "
            f"{_rate(component, last.rate, currency)} ({last.label})"
        )
    against = f" against {quota}" if quota and component.bands_in is BandsIn.PERCENT_OF_QUOTA else ""
    return f"{COUNTS_WHEN[component.measure.event]}: {paid}, {base}{against}."


# --- Between versions -----------------------------------------------------------------------------


def changes(before: PlanRules, after: PlanRules) -> list[Change]:
    """Everything that ``after`` says otherwise than ``before``, by part."""
    found = _between("Plan", _head(before), _head(after))
    old = {one.key: one for one in before.components}
    new = {one.key: one for one in after.components}
    for key, one in new.items():
        items = described(one, after.currency)
        if key in old:
            found += _between(one.name, described(old[key], before.currency), items)
        else:
            found.append(Change(one.name, "Component", "", f"new: {in_words(one, after.currency)}"))
    found += [
        Change(one.name, "Component", in_words(one, before.currency), "")
        for key, one in old.items()
        if key not in new
    ]
    draws = [described_draw(one.draw, one.currency) if one.draw else [] for one in (before, after)]
    return found + _between("Draw", *draws)


def _head(plan: PlanRules) -> list[Item]:
    found = [("Name", plan.name), ("Currency", plan.currency), ("Role", plan.role)]
    if plan.effective_on:
        found.append(("In effect from", _day(plan.effective_on)))
    if plan.ends_on:
        found.append(("Until, not including", _day(plan.ends_on)))
    if plan.notes:
        found.append(("Notes", plan.notes))
    return found


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _between(part: str, before: Iterable[Item], after: Iterable[Item]) -> list[Change]:
    old, new = dict(before), dict(after)
    found = [
        Change(part, label, old.get(label, ""), now) for label, now in new.items() if old.get(label) != now
    ]
    return found + [Change(part, label, was, "") for label, was in old.items() if label not in new]
