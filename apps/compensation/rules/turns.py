"""Which pay period a day falls into, and which are computed in turn until it is paid. Pure.

Runs may be of months, quarters or any span of days. Where there is none yet, periods go on as the newest run did;
without any run they are months.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from apps.core.periods import Period, month_of

FURTHEST = 14
"""So many periods ahead are worked out in turn; of a longer row the last ones."""


def period_of(day: date, known: Sequence[Period]) -> Period:
    """The period that ``day`` is paid in, by the ``known`` ones, oldest first."""
    for period in known:
        if day in period:
            return period
    if known and day >= known[-1].end:
        period = known[-1].following()
        while day >= period.end:
            period = period.following()
        return period
    month = month_of(day)
    # A month between two runs, or before the first, never reaches into them.
    starts = max([month.start, *(one.end for one in known if one.end <= day)])
    ends = min([month.end, *(one.start for one in known if one.start > day)])
    return Period(starts, ends)


def paid_in(day: date, closed: Sequence[Period], still_open: Sequence[Period]) -> Period:
    """Where what happened on ``day`` is paid: in its own period, or in the next open one when that is closed."""
    known = sorted([*closed, *still_open])
    own = period_of(day, known)
    if own not in closed:
        return own
    later = sorted(still_open)
    return later[0] if later else period_of(max(one.end for one in closed), known)


def in_turn(
    targets: Iterable[Period], closed: Sequence[Period], still_open: Sequence[Period]
) -> list[Period]:
    """Every period from the first open one to the last of ``targets``, oldest first, as runs would take them."""
    wanted = sorted(set(targets))
    known = sorted([*closed, *still_open])
    last = wanted[-1]
    found = {*wanted, *(period for period in still_open if period.start < last.end)}
    if closed:
        cursor = max(one.end for one in closed)
        while cursor < last.start:
            period = period_of(cursor, known)
            if period.end > last.start:
                break
            found.add(period)
            cursor = period.end
    row = sorted(found)
    return [*(one for one in row[:-FURTHEST] if one in wanted), *row[-FURTHEST:]]
