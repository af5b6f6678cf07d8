"""Over which days a component's bands, quota and limits run, seen from a pay period. Pure.

A month, quarter or year goes on over several pay periods: each pays for its own events, at what the period to
date gives, and what that changes for earlier events is trued up. ``rules.lines.since_before`` does the same for
cap, floor and target.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from apps.compensation.rules.vocabulary import Basis
from apps.core.periods import Period, month_of, quarter_of, year_of

_WHOLE = {
    Basis.MONTH: month_of,
    Basis.QUARTER: quarter_of,
    Basis.QUARTER_TO_DATE: quarter_of,
    Basis.YEAR: year_of,
    Basis.YEAR_TO_DATE: year_of,
}
_TO_DATE = (Basis.QUARTER_TO_DATE, Basis.YEAR_TO_DATE)


@dataclass(frozen=True)
class Span:
    """``counted``: whose events count together; ``quota_days``: whose days the quota is for.

    ``paid``: the days among them that the pay period itself pays for.
    """

    counted: Period
    quota_days: Period
    paid: Period


def spans_of(basis: Basis, days: Period, assigned: Period, horizon: date) -> list[Span]:
    """The spans of ``basis`` for the ``days`` of a pay period on which somebody is on the plan.

    ``assigned``: all days on the plan, which bound what counts; ``horizon``: the end of the newest pay period
    that is computed, since what happened up to there moves the rates of what came before.
    """
    if basis is Basis.RUN:
        return [Span(days, days, days)]
    found = []
    whole = _WHOLE[basis](days.start)
    while whole.start < days.end:
        inside = Period(max(whole.start, assigned.start), min(whole.end, assigned.end))
        paid = Period(max(whole.start, days.start), min(whole.end, days.end))
        counted = Period(inside.start, max(paid.end, min(inside.end, horizon)))
        found.append(Span(counted, counted if basis in _TO_DATE else inside, paid))
        whole = _WHOLE[basis](whole.end)
    return found


def far(starts_on: date, ends_on: date | None) -> Period:
    """Days on a plan as a period; without an end it lasts for as long as anybody computes."""
    return Period(starts_on, ends_on or date.max - timedelta(days=1))
