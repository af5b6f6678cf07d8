"""A plan as a document of format 2: the inverse of ``rules.plan``. Pure.

What is usual is left out, so that a written plan reads like one that somebody wrote.
"""

from fractions import Fraction
from typing import Any

from apps.compensation.rules import words
from apps.compensation.rules.conditions import write_conditions
from apps.compensation.rules.plan import FORMAT
from apps.compensation.rules.tables import edge_scale, padded, plain, write_multipliers, write_rates
from apps.compensation.rules.terms import Component, Holdback, Measure, PlanRules, QuotaRule
from apps.compensation.rules.vocabulary import BandsIn, Basis, Scope


def write_plan(plan: PlanRules) -> dict[str, Any]:
    """The document that ``parse_plan`` reads as ``plan``."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": plan.name,
        "role": plan.role,
        "currency": plan.currency,
    }
    if plan.effective_on:
        document["effective_on"] = plan.effective_on.isoformat()
    if plan.ends_on:
        document["ends_on"] = plan.ends_on.isoformat()
    if plan.notes:
        document["notes"] = plan.notes
    if draw := plan.draw:
        document["draw"] = {
            "name": draw.name,
            "amount": _major(draw.amount_minor, plan.currency),
            "recoverable": "yes" if draw.is_recoverable else "no",
            "paid": "in_advance" if draw.in_advance else "with_the_run",
        } | ({"forgiven_on": draw.forgiven_on.isoformat()} if draw.forgiven_on else {})
    document["components"] = [_component(one, plan.currency) for one in plan.components]
    return document


def _major(minor: int, currency: str) -> str:
    return padded(Fraction(minor, 10 ** words.exponent(currency)), words.exponent(currency))


def _component(one: Component, currency: str) -> dict[str, Any]:
    found: dict[str, Any] = {"key": one.key, "name": one.name, "measure": _measure(one.measure)}
    if one.scope is not Scope.OWN:
        found["scope"] = one.scope.value
    if one.basis is not Basis.RUN:
        found["basis"] = one.basis.value
    if one.split != 1:
        found["split"] = _split(one)
    if one.quota:
        found["quota"] = _quota(one.quota)
    found["pays"] = one.pays.value
    if one.target_minor is not None:
        found["target"] = _major(one.target_minor, currency)
    if one.bands_in is not BandsIn.UNITS:
        found["bands_in"] = one.bands_in.value
    found["rates"] = write_rates(one, currency)
    return found | _limits(one, currency)


def _limits(one: Component, currency: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if one.multipliers:
        found["multipliers"] = write_multipliers(one, currency)
    if threshold := one.threshold:
        scale = edge_scale(one.measure, threshold.in_quota, currency)
        found["threshold"] = {
            "at": plain(threshold.at / scale),
            "in": (BandsIn.PERCENT_OF_QUOTA if threshold.in_quota else BandsIn.UNITS).value,
            "pays": "everything" if threshold.pays_all else "what_is_above",
        }
    if one.cap_minor is not None:
        found["cap"] = _major(one.cap_minor, currency)
    if one.floor_minor is not None:
        found["floor"] = _major(one.floor_minor, currency)
    if one.holdback:
        found["holdback"] = _holdback(one.holdback)
    if one.clawback:
        method = "pro_rata" if one.clawback.pro_rata else "full"
        found["clawback"] = {"within_days": str(one.clawback.within_days), "method": method}
    if one.bonus:
        found["bonus"] = {"from": one.bonus.starts_on.isoformat(), "to": one.bonus.ends_on.isoformat()}
        if one.bonus.budget_minor is not None:
            found["bonus"]["budget"] = _major(one.bonus.budget_minor, currency)
    return found


def _measure(measure: Measure) -> dict[str, Any]:
    found: dict[str, Any] = {"event": measure.event, "capacity": measure.capacity, "of": measure.of}
    if measure.of == "figure":
        found["figure"] = measure.figure
        found["unit"] = "money" if measure.figure_is_money else "number"
    if measure.conditions:
        found["where"] = write_conditions(measure.conditions)
    if measure.term:
        found["term"] = {"figure": measure.term.figure, "years": str(measure.term.years)}
    if measure.not_below_zero:
        found["not_below_zero"] = "yes"
    found["no_shows"] = "pay" if measure.no_shows_pay else "left_out"
    if measure.other_currencies:
        found["other_currencies"] = measure.other_currencies.value
    return found


def _split(one: Component) -> dict[str, str]:
    other = "owned" if one.measure.capacity == "sourced" else "sourced"
    return {one.measure.capacity: plain(one.split * 100), other: plain(100 - one.split * 100)}


def _quota(quota: QuotaRule) -> dict[str, str]:
    found = {"measure": quota.measure, "of": "team" if quota.of_team else "rep"}
    if quota.ramp_share != 1:
        found["ramp_percent"] = plain(quota.ramp_share * 100)
    return found


def _holdback(holdback: Holdback) -> dict[str, Any]:
    return {
        "percent": plain(holdback.share * 100),
        "releases": [
            {"on": one.on, "percent": plain(one.share * 100)} | ({"label": one.label} if one.label else {})
            for one in holdback.releases
        ],
    }
