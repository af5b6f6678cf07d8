"""What a new hiring scenario starts from: the people, what they do now, and what is assumed, out of the record."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from apps.compensation.selectors.measures import measure
from apps.core.money import quantize
from apps.core.periods import Period, month_of
from apps.leads.rules.metrics import METRICS, Part
from apps.reps.models import Rep
from apps.scorecards.rules.capacity import DAY
from apps.scorecards.rules.hiring import ROLES
from apps.scorecards.rules.hiring_draft import Draft, RoleDraft
from apps.scorecards.rules.velocity import Velocity
from apps.scorecards.selectors.capacity import Capacity, RoleCapacity

DAYS_A_MONTH = 21
MEETING_HOURS = Decimal(1)
AE_HOURS = Decimal(24)
"""Six meetings a week for four weeks: what the calendars are planned with until somebody says otherwise."""
USUAL_RAMP = {"isr": 3, "osr": 3, "ae": 6}
"""Months until a hire does what is assumed of one."""

_WORK = {"isr": "leads_worked", "osr": "touches"}
_BOOKED = Part("booked", "sourced")


def starting_point(
    *, reps: Sequence[Rep], capacity: Capacity, growth: Velocity, today: date, currency: str
) -> Draft:
    """A draft that goes on as ``capacity``'s month was: nobody hired, no budget, figures of the record."""
    month = capacity.month
    people = [rep for rep in reps if rep.left_on is None or rep.left_on > today]
    by_role = {one.role: one for one in capacity.roles if one.metric.key == _WORK.get(one.role)}
    close = next((one for one in capacity.roles if (one.role, one.metric.key) == ("ae", "win_rate")), None)
    return Draft(
        name="",
        currency=currency,
        start_on=month_of(today).following().start,
        months=6,
        leads=growth.newest.leads,
        growth_percent=_percent(growth.mean or Fraction(0)),
        attainment_percent=Decimal(100),
        hours_a_meeting=MEETING_HOURS,
        close_percent=_percent(
            (close.verdict.mean if close else None) or Fraction(close.verdict.assumption.value)
            if close
            else Fraction(1, 5)
        ),
        budget_minor=0,
        roles={
            key: _role(key, [rep for rep in people if rep.role == key], by_role.get(key), month)
            for key in ROLES
        },
    )


def _role(key: str, reps: list[Rep], found: RoleCapacity | None, month: Period) -> RoleDraft:
    if key == "ae":
        return RoleDraft(len(reps), AE_HOURS, AE_HOURS, USUAL_RAMP[key], 0)
    assumed, mean = Fraction(0), Fraction(0)
    if found is not None:
        times = DAYS_A_MONTH if found.verdict.assumption.per == DAY else 1
        assumed = Fraction(found.verdict.assumption.value) * times
        mean = (found.verdict.mean or Fraction(0)) * times
    return RoleDraft(
        heads=len(reps),
        does=quantize(mean, 1),
        assumed=quantize(assumed, 1),
        ramp_months=USUAL_RAMP[key],
        cost_minor=0,
        meetings_percent=_meetings(key, reps, month),
    )


def _meetings(key: str, reps: list[Rep], month: Period) -> Decimal:
    """Of what the role's people worked on in ``month``, the share that became meetings, in percent."""
    metric = METRICS[_WORK[key]]
    sums = measure(reps=reps, periods=[month], metrics=[metric], parts=[_BOOKED])[0]
    worked = sum((metric.read(one).value or Fraction(0) for one in sums.values()), Fraction(0))
    booked = sum((one.count(_BOOKED) for one in sums.values()), Fraction(0))
    return _percent(min(booked / worked, Fraction(1))) if worked else Decimal(0)


def _percent(share: Fraction) -> Decimal:
    return quantize(share * 100, 2)
