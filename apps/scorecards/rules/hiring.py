"""A hiring plan played forward month by month, and what breaks first: leads, hands, AE hours, budget. Pure.

The funnel of the plan: MQLs are taken by inbound SDRs, touches are made by outbound SDRs; a share of either becomes
meetings; a meeting takes hours of an AE; AEs close a share. Everybody who is here does what the team does now; who is
hired does the assumption, times the attainment factor, times the ramp. All figures are exact; nothing is rounded
before it is shown (PRODUCT section 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.core.periods import Period
from apps.scorecards.rules.capacity import UNUSED_ABOVE

ROLES = ("isr", "osr", "ae")
LONGEST_MONTHS = 12


@dataclass(frozen=True)
class Role:
    """One role of the plan. ``does`` is what one of the present people does in a month, ``assumed`` what a new one
    is taken to do once ramped: MQLs, touches, or an AE's hours in meetings. ``meetings`` is the share of an SDR's
    work that becomes meetings. ``cost_minor`` is a head's cost in a month.
    """

    heads: int
    does: Fraction
    assumed: Fraction
    ramp_months: int
    cost_minor: int
    meetings: Fraction = Fraction(0)


@dataclass(frozen=True)
class Hire:
    """``count`` people of a role who begin with ``month`` (its number in the plan, from 0)."""

    month: int
    role: str
    count: int


@dataclass(frozen=True)
class Plan:
    """A scenario as plain values. ``leads`` is the MQLs of the month before the first, growing by ``growth``."""

    start: Period
    months: int
    leads: Fraction
    growth: Fraction
    attainment: Fraction
    hours_a_meeting: Fraction
    close_rate: Fraction
    budget_minor: int
    roles: dict[str, Role]
    hires: tuple[Hire, ...]


@dataclass(frozen=True)
class Month:
    """One month of the plan: what comes, who is there to take it, and what it costs."""

    month: Period
    leads: Fraction
    present: dict[str, Fraction]
    hired: dict[str, Fraction]
    heads: dict[str, int]
    meetings: Fraction
    hours_needed: Fraction
    won: Fraction
    cost_minor: int
    spent_minor: int

    def capacity(self, role: str) -> Fraction:
        return self.present[role] + self.hired[role]

    @property
    def left_over(self) -> Fraction:
        """MQLs that could still be taken; below zero those that nobody takes."""
        return self.capacity("isr") - self.leads

    @property
    def hours_left(self) -> Fraction:
        return self.capacity("ae") - self.hours_needed


@dataclass(frozen=True)
class Break:
    """Something that gives way: in which month, by how much, and the rule with its numbers."""

    what: str
    number: int
    month: Period
    by: Fraction


HANDS, LEADS, HOURS, BUDGET = "hands", "leads", "hours", "budget"


def ramp_share(months_in: int, ramp_months: int) -> Fraction:
    """What part of the assumption a hire does in the month ``months_in`` after the first: in equal steps to 1."""
    if months_in < 0:
        return Fraction(0)
    return Fraction(1) if ramp_months <= 1 else min(Fraction(months_in + 1, ramp_months), Fraction(1))


def hired_capacity(plan: Plan, role: str, number: int) -> Fraction:
    """What all hires of ``role`` do in the month ``number``."""
    one = plan.roles[role]
    shares = sum(
        (
            hire.count * ramp_share(number - hire.month, one.ramp_months)
            for hire in plan.hires
            if hire.role == role
        ),
        Fraction(0),
    )
    return shares * one.assumed * plan.attainment


def play(plan: Plan) -> list[Month]:
    """The months of ``plan``, first to last."""
    found: list[Month] = []
    leads, month, spent = plan.leads, plan.start, 0
    for number in range(plan.months):
        leads *= 1 + plan.growth
        present = {key: one.heads * one.does for key, one in plan.roles.items()}
        hired = {key: hired_capacity(plan, key, number) for key in plan.roles}
        begun = {
            key: sum(hire.count for hire in plan.hires if hire.role == key and hire.month <= number)
            for key in plan.roles
        }
        inbound, outbound = plan.roles["isr"], plan.roles["osr"]
        worked = min(leads, present["isr"] + hired["isr"])
        meetings = worked * inbound.meetings + (present["osr"] + hired["osr"]) * outbound.meetings
        needed = meetings * plan.hours_a_meeting
        hours = present["ae"] + hired["ae"]
        taken = min(meetings, hours / plan.hours_a_meeting)
        cost = sum(begun[key] * one.cost_minor for key, one in plan.roles.items())
        spent += cost
        found.append(
            Month(
                month=month,
                leads=leads,
                present=present,
                hired=hired,
                heads={key: one.heads + begun[key] for key, one in plan.roles.items()},
                meetings=meetings,
                hours_needed=needed,
                won=taken * plan.close_rate,
                cost_minor=cost,
                spent_minor=spent,
            )
        )
        month = month.following()
    return found


def breaks(plan: Plan, months: Sequence[Month]) -> list[Break]:
    """What gives way, each once, at its first month; the earliest first."""
    found: list[Break] = []

    def first(what: str, by: Sequence[Fraction]) -> None:
        number = next((number for number, value in enumerate(by) if value > 0), None)
        if number is not None:
            found.append(Break(what, number, months[number].month, by[number]))

    first(HANDS, [-one.left_over for one in months])
    first(LEADS, [idle(one) for one in months])
    first(HOURS, [-one.hours_left for one in months])
    first(BUDGET, [Fraction(one.spent_minor - plan.budget_minor) for one in months])
    return sorted(found, key=lambda one: (one.number, (HANDS, LEADS, HOURS, BUDGET).index(one.what)))


def idle(month: Month) -> Fraction:
    """MQLs that are wanting, where they fill so little of the capacity that more than a quarter is unused; else 0."""
    capacity = month.capacity("isr")
    return month.left_over if capacity and month.left_over / capacity > UNUSED_ABOVE else Fraction(0)
