"""A hiring scenario as its page shows it: months, what breaks first, two side by side. No queries, no rules."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from apps.core.money import in_words, round_half_up
from apps.reps.models import RepRole
from apps.scorecards.rules import hiring
from apps.scorecards.rules.capacity import percent
from apps.scorecards.rules.figures import plain
from apps.scorecards.rules.hiring_draft import Draft

_BREAKS = {
    hiring.HANDS: ("More MQLs than inbound SDRs", "flag"),
    hiring.LEADS: ("Too few leads for the people", "list"),
    hiring.HOURS: ("AE hours", "cal"),
    hiring.BUDGET: ("The budget", "money"),
}


def plan_context(draft: Draft, plan: hiring.Plan, months: Sequence[hiring.Month]) -> dict[str, Any]:
    """A scenario played forward: rows, points of its picture, and what breaks first."""
    found = hiring.breaks(plan, months)
    money = draft.currency
    return {
        "months": [_month(plan, one, money) for one in months],
        "points": [
            (f"{one.month.start:%b}", round_half_up(one.capacity("isr")), round_half_up(one.leads))
            for one in months
        ],
        "hours_points": [
            (f"{one.month.start:%b}", round_half_up(one.capacity("ae")), round_half_up(one.hours_needed))
            for one in months
        ],
        "breaks": [break_words(plan, months, one, money) for one in found],
        "first": break_words(plan, months, found[0], money)["title"] if found else "",
        "sentence": _plan_sentence(months),
        "budget": in_words(plan.budget_minor, money),
        "spent": in_words(months[-1].spent_minor, money),
        "is_over_budget": months[-1].spent_minor > plan.budget_minor,
        "won": plain(sum((one.won for one in months), Fraction(0)), 1),
        "hires": sum(one.count for one in plan.hires),
        "roles": [_plan_role(draft, key) for key in hiring.ROLES],
        "until": months[-1].month.name,
    }


def _month(plan: hiring.Plan, one: hiring.Month, currency: str) -> dict[str, Any]:
    return {
        "name": one.month.name,
        "leads": plain(one.leads, 0),
        "present": plain(one.present["isr"], 0),
        "hired": plain(one.hired["isr"], 0),
        "left_over": plain(one.left_over, 0),
        "is_short": one.left_over < 0,
        "meetings": plain(one.meetings, 0),
        "hours": plain(one.capacity("ae"), 0),
        "hours_needed": plain(one.hours_needed, 0),
        "hours_left": plain(one.hours_left, 0),
        "is_hours_short": one.hours_left < 0,
        "won": plain(one.won, 1),
        "cost": in_words(one.cost_minor, currency),
        "spent": in_words(one.spent_minor, currency),
        "is_over": one.spent_minor > plan.budget_minor,
        "heads": ", ".join(f"{one.heads[key]} {key.upper()}" for key in hiring.ROLES),
    }


def _plan_role(draft: Draft, key: str) -> dict[str, Any]:
    one = draft.roles[key]
    unit = {"isr": "MQLs", "osr": "touches", "ae": "hours in meetings"}[key]
    return {
        "label": RepRole(key).label,
        "heads": one.heads,
        "does": f"{plain(Fraction(one.does), 1)} {unit}",
        "assumed": f"{plain(Fraction(one.assumed), 1)} {unit}",
        "ramp": f"{one.ramp_months} month{'' if one.ramp_months == 1 else 's'}",
        "cost": in_words(one.cost_minor, draft.currency),
        "meetings": f"{plain(Fraction(one.meetings_percent), 2)} %" if key != "ae" else "–",
        "hires": ", ".join(
            f"{count} in {_month_number(draft, month)}"
            for month, role, count in sorted(draft.hires)
            if role == key
        )
        or "none",
    }


def _month_number(draft: Draft, number: int) -> str:
    year, month = divmod(draft.start_on.year * 12 + draft.start_on.month - 1 + number, 12)
    return f"{draft.start_on.replace(year=year, month=month + 1):%B %Y}"


def break_words(
    plan: hiring.Plan, months: Sequence[hiring.Month], one: hiring.Break, currency: str
) -> dict[str, Any]:
    """One thing that gives way, with its rule and numbers."""
    at = months[one.number]
    word, icon = _BREAKS[one.what]
    capacity = at.capacity("isr")
    told = {
        hiring.HANDS: lambda: (
            f"{plain(one.by, 1)} MQLs wait for nobody.",
            (
                f"Expected {plain(at.leads, 1)}, capacity {plain(capacity, 1)}: "
                f"{plain(at.leads, 1)} − {plain(capacity, 1)} = {plain(one.by, 1)}."
            ),
        ),
        hiring.LEADS: lambda: (
            f"{plain(one.by, 1)} MQLs are wanting to fill the people’s time.",
            (
                f"Rule: more than 25 % of capacity unused. ({plain(capacity, 1)} − {plain(at.leads, 1)}) ÷ "
                f"{plain(capacity, 1)} = {percent(at.left_over / capacity)} > 25 %."
            ),
        ),
        hiring.HOURS: lambda: (
            f"{plain(one.by, 1)} hours of meetings have no AE.",
            (
                f"{plain(at.meetings, 1)} meetings × {plain(plan.hours_a_meeting, 2)} h = "
                f"{plain(at.hours_needed, 1)} h; AEs have {plain(at.capacity('ae'), 1)} h."
            ),
        ),
        hiring.BUDGET: lambda: (
            f"{in_words(round_half_up(one.by), currency)} more than there is.",
            f"Spent by then {in_words(at.spent_minor, currency)}, budget {in_words(plan.budget_minor, currency)}.",
        ),
    }[one.what]()
    return {
        "title": f"{one.month.name}: {word[:1].lower()}{word[1:]}.",
        "sentence": told[0],
        "rule": told[1],
        "icon": icon,
        "what": one.what,
        "is_first_month": one.number == 0,
        "in_months": one.number,
    }


def _plan_sentence(months: Sequence[hiring.Month]) -> str:
    short = [one for one in months if one.left_over < 0]
    if not short:
        return "Everybody who qualifies is taken, in every month."
    fits = next(
        (one for one in months if one.left_over >= 0 and one.month.start > short[-1].month.start), None
    )
    waiting = plain(-sum((one.left_over for one in short), Fraction(0)), 0)
    if fits is not None:
        return f"It fits from {fits.month.name} on; until then {waiting} MQLs find nobody."
    return f"It is short to the end: over {len(short)} of {len(months)} months {waiting} MQLs find nobody."


def side_by_side(
    one: tuple[str, Draft, Sequence[hiring.Month]], other: tuple[str, Draft, Sequence[hiring.Month]]
) -> list[dict[str, Any]]:
    """Two scenarios month by month, by the calendar; a month that one does not have is left empty there."""
    sides = [({month.month: month for month in months}, draft.currency) for _, draft, months in (one, other)]
    listed = sorted({month for by_month, _ in sides for month in by_month}, key=lambda month: month.start)
    rows = []
    for month in listed:
        found = [(by_month.get(month), currency) for by_month, currency in sides]
        rows.append(
            {
                "name": month.name,
                "sides": [
                    {
                        "left_over": plain(at.left_over, 0) if at else "–",
                        "is_short": bool(at and at.left_over < 0),
                        "hours_left": plain(at.hours_left, 0) if at else "–",
                        "is_hours_short": bool(at and at.hours_left < 0),
                        "spent": in_words(at.spent_minor, currency) if at else "–",
                        "won": plain(at.won, 1) if at else "–",
                    }
                    for at, currency in found
                ],
            }
        )
    return rows
