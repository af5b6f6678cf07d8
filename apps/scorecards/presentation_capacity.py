"""Capacity as its page shows it: verdicts in sentences, figures in words. No queries, no rules."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.urls import reverse

from apps.core.money import exponent, quantize
from apps.leads.rules.metrics import METRICS, Unit
from apps.scorecards.models import Assumption
from apps.scorecards.presentation import period_words
from apps.scorecards.rules import capacity as rules
from apps.scorecards.rules.capacity import listed, percent
from apps.scorecards.rules.figures import in_figures, plain
from apps.scorecards.rules.targets import Assumption as Assumed
from apps.scorecards.rules.velocity import Velocity, rate_words
from apps.scorecards.selectors.capacity import RoleCapacity, RoleSkew

MOST_BARS = 40

_PER = {"month": "a month", "day": "a working day", "level": ""}
_PLURALS = {
    "isr": "inbound SDRs",
    "osr": "outbound SDRs",
    "ae": "AEs",
    "am": "account managers",
    "csm": "customer success managers",
}


def plural(role: str) -> str:
    return _PLURALS[role]


# --- Assumptions ----------------------------------------------------------------------------------


def rate(value: Fraction | None, assumption: Assumed) -> str:
    """A figure in the assumption's unit: ``208.9``, ``22.4 %``."""
    if value is None:
        return "–"
    return percent(value) if assumption.per == rules.LEVEL else plain(value, 1)


def assumption_words(assumption: Assumed) -> str:
    """``200 leads worked a month``, ``a win rate of 20 %``."""
    metric = METRICS[assumption.metric]
    value = rate(Fraction(assumption.value), assumption)
    if assumption.per == rules.LEVEL:
        return f"{metric.name.lower()} of {value}"
    return f"{value} {metric.name.lower()} {_PER[assumption.per]}"


def assumption_row(one: Assumption) -> dict[str, Any]:
    """A row of the history."""
    plainly = Assumed(one.role, one.metric, one.value, one.per)
    return {
        "row": one,
        "role": one.get_role_display(),
        "metric": METRICS[one.metric].name,
        "words": assumption_words(plainly),
        "from": f"{one.effective_on:%B %Y}",
    }


# --- Unused capacity ------------------------------------------------------------------------------


def role_rows(found: Sequence[RoleCapacity]) -> list[dict[str, Any]]:
    """One verdict for each assumption, with its people."""
    return [_role(one) for one in found]


def _role(one: RoleCapacity) -> dict[str, Any]:
    verdict = one.verdict
    assumed = verdict.assumption
    people = plural(one.role)
    below, counted = len(verdict.below), len(verdict.counted)
    return {
        "id": f"{one.role}-{one.metric.key}",
        "role": one.label,
        "metric": one.metric.name,
        "says": one.metric.says,
        "unit": f"{one.metric.name.lower()} {_PER[assumed.per]}".strip(),
        "basis": period_words(one.basis) if one.basis.months() else one.basis.name,
        "is_unused": verdict.is_unused,
        "is_silent": verdict.share is None,
        "title": _title(verdict, people),
        "sentence": f"{below} of {counted} {'is' if below == 1 else 'are'} below "
        f"{rate(Fraction(assumed.value), assumed)} {one.metric.name.lower()} {_PER[assumed.per]}".strip() + "."
        if counted
        else "",
        "rule": " ".join(filter(None, [rules.RULE, verdict.rule_words, _raised(verdict), verdict.not_counted_words])),
        "assumed": rate(Fraction(assumed.value), assumed),
        "mean": rate(verdict.mean, assumed),
        "bullet": (float(verdict.mean), float(assumed.value)) if verdict.mean is not None and assumed.value else None,
        "below": f"{below} of {counted}, {percent(verdict.share)}" if verdict.share is not None else "nobody counts",
        "bars": _bars(verdict),
        "bars_mark": _shown(Fraction(assumed.value), assumed),
        "bars_unit": "%" if assumed.per == rules.LEVEL else "",
        "bars_sentence": _bars_sentence(verdict),
        "people": [_person(one, person) for person in verdict.people[-MOST_BARS:]],
        "left_out": max(0, len(verdict.people) - MOST_BARS),
    }  # fmt: skip


def _title(verdict: rules.Verdict, people: str) -> str:
    if verdict.share is None:
        return f"Nothing to say of {people} yet."
    if verdict.is_unused:
        return f"Unused capacity: improve before hiring {people}."
    return f"{people[:1].upper()}{people[1:]} are in use."


def _raised(verdict: rules.Verdict) -> str:
    if not verdict.missing or verdict.assumption.per == rules.LEVEL:
        return ""
    who = "the one" if len(verdict.below) == 1 else f"the {len(verdict.below)}"
    return f"Raised to the assumption, {who} below would take {plain(verdict.missing, 1)} more."


def _shown(value: Fraction, assumed: Assumed) -> Decimal:
    return quantize(value * 100, 1) if assumed.per == rules.LEVEL else quantize(value, 1)


def _bars(verdict: rules.Verdict) -> list[tuple[str, Decimal]]:
    return [
        (one.name, _shown(one.rate, verdict.assumption))
        for one in verdict.counted[-MOST_BARS:]
        if one.rate is not None
    ]


def _bars_sentence(verdict: rules.Verdict) -> str:
    above = len(verdict.counted) - len(verdict.below)
    below = len(verdict.below)
    if not below:
        return f"All {above} reach the assumption."
    return f"{above} reach the assumption, {below} {'is' if below == 1 else 'are'} below it."


def _person(of: RoleCapacity, one: rules.Taken) -> dict[str, Any]:
    assumed = of.verdict.assumption
    return {
        "name": one.name,
        "rep_id": one.rep_id,
        "rate": rate(one.rate, assumed),
        "total": in_figures(one.total, of.metric.unit),
        "days": one.days,
        "missing": (percent if assumed.per == rules.LEVEL else lambda value: plain(value, 1))(one.missing)
        if one.is_below
        else "",
        "is_below": one.is_below,
        "why_not": one.why_not,
        "url": reverse("scorecards:events", args=[one.rep_id, of.basis.code, of.metric.key]),
    }


# --- Superstar skew -------------------------------------------------------------------------------


def skew_rows(found: Sequence[RoleSkew]) -> list[dict[str, Any]]:
    return [_skew(one) for one in found]


def _skew(one: RoleSkew) -> dict[str, Any]:
    unit, two = one.metric.unit, one.without_two

    def shown(value: Fraction | None) -> str:
        return in_figures(value, unit, one.currency) if unit is Unit.MONEY else _plainly(value)

    lines = [_skew_line(skew, shown) for skew in (one.without_one, two)]
    bars: list[tuple[str, Decimal]] = []
    if two.mean is not None:
        bars.append((f"Mean of {two.count}", _bar(two.mean, unit, one.currency)))
    for skew, word in ((one.without_one, "Without the first"), (two, "Without the top two")):
        if skew.mean_without is not None:
            bars.append((word, _bar(skew.mean_without, unit, one.currency)))
    return {
        "id": f"skew-{one.role}-{one.currency or 'all'}",
        "title": f"{one.label}, {one.metric.name.lower()}",
        "currency": one.currency,
        "basis": period_words(one.basis) if one.basis.months() else one.basis.name,
        "is_carried": one.without_one.is_carried or two.is_carried,
        "is_silent": two.count < rules.FEWEST or two.fall is None,
        "sentence": _skew_sentence(one),
        "lines": [line for line in lines if line],
        "rule": rules.SKEW_RULE,
        "bars": bars,
        "values": [(name, shown(value)) for name, value in one.values[:MOST_BARS]],
        "left_out": max(0, len(one.values) - MOST_BARS),
    }


def _plainly(value: Fraction | None) -> str:
    return "–" if value is None else plain(value, 1)


def _bar(value: Fraction, unit: Unit, currency: str) -> Decimal:
    if unit is not Unit.MONEY:
        return quantize(value, 1)
    return quantize(value / 10 ** exponent(currency), 0)


def _skew_line(skew: rules.Skew, shown: Any) -> str:
    if skew.mean is None or skew.mean_without is None:
        return ""
    top = " and ".join(f"{name} {shown(value)}" for name, value in skew.top)
    start = f"{shown(skew.total)} ÷ {skew.count} = {shown(skew.mean)}"
    rest = f"Less {top}: {shown(skew.rest)} ÷ {skew.left} = {shown(skew.mean_without)}"
    if skew.fall is None:
        return f"{start}. {rest}; of a mean of nothing there is no share to fall by."
    return f"{start}. {rest}, {percent(skew.fall)} lower."


def _skew_sentence(one: RoleSkew) -> str:
    two, first = one.without_two, one.without_one
    said = two if two.fall is not None else first
    if said.fall is None:
        return "There are too few people, or nothing was made, so no mean can fall."
    if two.count < rules.FEWEST:
        return f"Of {two.count} nobody can be said to carry the rest; the mean without the top is shown."
    names = listed([name for name, _ in said.top])
    if said.is_carried:
        verb = "carries" if len(said.top) == 1 else "carry"
        return f"{names} {verb} the rest: without them the mean falls by {percent(said.fall)}."
    if first.is_carried:
        name, fall = first.top[0][0], percent(first.fall or Fraction(0))
        return f"{name} carries the rest: without them the mean falls by {fall}."
    return f"Nobody carries the rest: without {names} the mean falls by {percent(said.fall)}."


# --- Lead velocity --------------------------------------------------------------------------------


def velocity_context(found: Velocity) -> dict[str, Any]:
    """The growth by month with its arithmetic, and the points of its chart (percent)."""
    mean = quantize(found.mean * 100, 1) if found.mean is not None else None
    return {
        "sentence": found.sentence,
        "rate": rate_words(found.newest.rate),
        "mean": rate_words(found.mean),
        "points": [
            (f"{one.month.start:%b}", quantize(one.rate * 100, 1) if one.rate is not None else None, mean)
            for one in found.growths
        ],
        "has_points": bool(found.rates),
        "rows": [
            {
                "month": one.month.name,
                "before": f"{one.before:,}",
                "leads": f"{one.leads:,}",
                "words": one.words,
                "falls": one.rate is not None and one.rate < 0,
            }
            for one in reversed(found.growths)
        ],
    }
