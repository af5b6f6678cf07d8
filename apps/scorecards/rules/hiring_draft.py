"""A hiring scenario as people write it: checked, kept as text, read back, and made into exact values to play forward.

Pure.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from apps.core.errors import InvalidInput
from apps.core.periods import month_of
from apps.scorecards.rules.hiring import LONGEST_MONTHS, ROLES, Hire, Plan, Role

MOST_HIRES = 500
LARGEST = Decimal(10_000_000)
LARGEST_MINOR = 10**13


@dataclass(frozen=True)
class RoleDraft:
    """One role as it is written: people, what one does and is assumed to do a month, months of ramp, cost a head.

    ``meetings_percent`` of an SDR's work becomes meetings; an AE has none.
    """

    heads: int
    does: Decimal
    assumed: Decimal
    ramp_months: int
    cost_minor: int
    meetings_percent: Decimal = Decimal(0)


@dataclass(frozen=True)
class Draft:
    """A scenario as it is written. ``hires`` are (number of the month from 0, role, how many)."""

    name: str
    currency: str
    start_on: date
    months: int
    leads: int
    growth_percent: Decimal
    attainment_percent: Decimal
    hours_a_meeting: Decimal
    close_percent: Decimal
    budget_minor: int
    roles: dict[str, RoleDraft]
    hires: tuple[tuple[int, str, int], ...] = ()


def plan_of(draft: Draft) -> Plan:
    """The draft as exact values to play forward."""
    return Plan(
        start=month_of(draft.start_on),
        months=draft.months,
        leads=Fraction(draft.leads),
        growth=_share(draft.growth_percent),
        attainment=_share(draft.attainment_percent),
        hours_a_meeting=Fraction(draft.hours_a_meeting),
        close_rate=_share(draft.close_percent),
        budget_minor=draft.budget_minor,
        roles={
            key: Role(
                one.heads,
                Fraction(one.does),
                Fraction(one.assumed),
                one.ramp_months,
                one.cost_minor,
                _share(one.meetings_percent),
            )
            for key, one in draft.roles.items()
        },
        hires=tuple(Hire(month, role, count) for month, role, count in draft.hires if month < draft.months),
    )


def _share(percent: Decimal) -> Fraction:
    return Fraction(percent) / 100


def checked(draft: Draft) -> Draft:
    """The draft itself. Raises ``InvalidInput`` naming the field."""
    if not draft.name.strip() or len(draft.name.strip()) > 80:
        raise InvalidInput("Name it, in at most 80 characters.", field="name")
    if draft.start_on.day != 1:
        raise InvalidInput("It starts with the first day of a month.", field="start")
    if not 1 <= draft.months <= LONGEST_MONTHS:
        raise InvalidInput(f"Look 1 to {LONGEST_MONTHS} months ahead.", field="months")
    _within("leads", Decimal(draft.leads), Decimal(0), LARGEST)
    _within("growth_percent", draft.growth_percent, Decimal(-100), Decimal(100))
    _within("attainment_percent", draft.attainment_percent, Decimal(0), Decimal(200))
    _within("close_percent", draft.close_percent, Decimal(0), Decimal(100))
    if draft.hours_a_meeting <= 0 or draft.hours_a_meeting > 40:
        raise InvalidInput("A meeting takes more than 0 and at most 40 hours.", field="hours_a_meeting")
    if not 0 <= draft.budget_minor <= LARGEST_MINOR:
        raise InvalidInput("Write a budget that is not below zero.", field="budget")
    if set(draft.roles) != set(ROLES):
        raise InvalidInput("Say what inbound SDRs, outbound SDRs and AEs do.", field="roles")
    for key, one in draft.roles.items():
        _within(f"{key}_heads", Decimal(one.heads), Decimal(0), Decimal(100_000))
        _within(f"{key}_does", one.does, Decimal(0), LARGEST)
        _within(f"{key}_assumed", one.assumed, Decimal(0), LARGEST)
        _within(f"{key}_ramp_months", Decimal(one.ramp_months), Decimal(0), Decimal(24))
        _within(f"{key}_meetings_percent", one.meetings_percent, Decimal(0), Decimal(100))
        if not 0 <= one.cost_minor <= LARGEST_MINOR:
            raise InvalidInput("Write a cost that is not below zero.", field=f"{key}_cost")
    for month, role, count in draft.hires:
        if role not in ROLES or not 0 <= month < LONGEST_MONTHS or not 0 <= count <= MOST_HIRES:
            raise InvalidInput(
                f"Hire 0 to {MOST_HIRES} people of a role in a month of the plan.", field="hires"
            )
    return draft


def _within(field: str, value: Decimal, least: Decimal, most: Decimal) -> None:
    if not value.is_finite() or not least <= value <= most:
        raise InvalidInput(f"Write a number from {least:,} to {most:,}.", field=field)


# --- To and from the row ----------------------------------------------------------------------


def document_of(draft: Draft) -> dict[str, Any]:
    """The draft as it is kept: exact figures as text."""
    return {
        "currency": draft.currency,
        "start": draft.start_on.isoformat(),
        "months": draft.months,
        "leads": draft.leads,
        "growth_percent": str(draft.growth_percent),
        "attainment_percent": str(draft.attainment_percent),
        "hours_a_meeting": str(draft.hours_a_meeting),
        "close_percent": str(draft.close_percent),
        "budget_minor": draft.budget_minor,
        "roles": {
            key: {
                "heads": one.heads,
                "does": str(one.does),
                "assumed": str(one.assumed),
                "ramp_months": one.ramp_months,
                "cost_minor": one.cost_minor,
                "meetings_percent": str(one.meetings_percent),
            }
            for key, one in draft.roles.items()
        },
        "hires": [[month, role, count] for month, role, count in draft.hires if count],
    }


def read_draft(name: str, document: dict[str, Any]) -> Draft:
    """A draft from its document. Raises ``InvalidInput`` for what is none."""
    try:
        return Draft(
            name=name,
            currency=str(document["currency"]),
            start_on=date.fromisoformat(document["start"]),
            months=int(document["months"]),
            leads=int(document["leads"]),
            growth_percent=Decimal(document["growth_percent"]),
            attainment_percent=Decimal(document["attainment_percent"]),
            hours_a_meeting=Decimal(document["hours_a_meeting"]),
            close_percent=Decimal(document["close_percent"]),
            budget_minor=int(document["budget_minor"]),
            roles={
                key: RoleDraft(
                    int(one["heads"]),
                    Decimal(one["does"]),
                    Decimal(one["assumed"]),
                    int(one["ramp_months"]),
                    int(one["cost_minor"]),
                    Decimal(one["meetings_percent"]),
                )
                for key, one in document["roles"].items()
            },
            hires=tuple((int(month), str(role), int(count)) for month, role, count in document["hires"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise InvalidInput(f"The plan cannot be read: {error}.", field="plan") from error
