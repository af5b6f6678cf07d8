"""Which AEs are free when, and why the others are not: the one answer that booking and routing go by.

What is read: working hours (the rep's own calendar, else the team's), time off, busy times of the rep's own
calendars, half hours taken by meetings and by holds that have not lapsed, and the caps (PRODUCT section 6).
The number of statements does not grow with the AEs or the days. Here are whole diaries and all that is free in
a span; one time asked of many is ``selectors.free_at``.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, prefetch_related_objects

from apps.core.among import Among
from apps.leads.models import TakenSlot
from apps.leads.selectors.free_at import Moments, as_text, weeks_about, why_not_free
from apps.reps.models import BusyTime, Rep, TimeOff
from apps.reps.models.busy import LONGEST_BUSY
from apps.reps.rules.availability import GRID, SLOT, Closed, Diary, Why, free_starts
from apps.reps.rules.hours import Hours
from apps.reps.rules.open_time import Interval
from apps.reps.selectors import hours_of

__all__ = ["Closed", "Why", "diaries", "free_slots", "why_not_free"]


def free_slots(
    *,
    aes: Sequence[Rep],
    first: datetime,
    last: datetime,
    at: datetime,
    length: timedelta = SLOT,
) -> dict[datetime, list[int]]:
    """The half hours (UTC) in ``[first, last)`` at which somebody is free for ``length``, soonest first.

    Each with the ids of those who are, in the order of ``aes``: exactly those whom ``why_not_free`` would
    not name.
    """
    free: defaultdict[datetime, list[int]] = defaultdict(list)
    for pk, diary in diaries(aes=aes, first=first, last=last + length, at=at).items():
        for start in free_starts(diary, first, last, at, length):
            free[start].append(pk)
    return {start: free[start] for start in sorted(free)}


def diaries(
    *,
    aes: Sequence[Rep],
    first: datetime,
    last: datetime,
    at: datetime,
    ignore_meeting: Any = None,
    ignore_hold: Any = None,
    with_notice: bool = True,
) -> dict[int, Diary]:
    """What is known of each AE (by id) over ``[first, last)``. Three statements, and the calendars' two."""
    reps = list(aes)
    prefetch_related_objects(reps, "calendar", "team__calendar")
    ids = [rep.pk for rep in reps]
    away: defaultdict[int, list[Any]] = defaultdict(list)
    for pk, *days in _days_off(ids, first, last):
        away[pk].append(tuple(days))
    busy = _busy(ids, first, last)
    taken = _taken(reps, first, last, at, ignore_meeting, ignore_hold)
    hours: dict[int, Hours] = {}
    return {
        rep.pk: Diary(
            hours=_hours(rep, hours),
            zone=rep.time_zone,
            hired_on=rep.hired_on,
            left_on=rep.left_on,
            away=away[rep.pk],
            busy=busy[rep.pk],
            meetings=taken[rep.pk].meetings,
            holds=taken[rep.pk].holds,
            day_cap=rep.daily_meeting_cap,
            week_cap=rep.weekly_meeting_cap,
            notice=timedelta(minutes=rep.booking_notice_minutes if with_notice else 0),
        )
        for rep in reps
    }


def _hours(rep: Rep, known: dict[int, Hours]) -> Hours:
    """Many share a calendar with all its holidays: each is made a plain value once."""
    calendar = rep.calendar or rep.team.calendar
    if calendar.pk not in known:
        known[calendar.pk] = hours_of(calendar)
    return known[calendar.pk]


def _days_off(ids: list[int], first: datetime, last: datetime) -> Any:
    """Time off about the span. A day more on each side: the reps' dates are not those of UTC."""
    return TimeOff.objects.filter(
        Among("rep_id", ids),
        starts_on__lte=(last + timedelta(days=1)).astimezone(UTC).date(),
        ends_on__gte=(first - timedelta(days=1)).astimezone(UTC).date(),
    ).values_list("rep_id", "starts_on", "ends_on")


def _busy(ids: list[int], first: datetime, last: datetime) -> defaultdict[int, list[Interval]]:
    """Busy times that overlap the span, in order. The index finds them: no row is longer than a day."""
    rows = BusyTime.objects.filter(
        Among("rep_id", ids), starts_at__gt=first - LONGEST_BUSY, starts_at__lt=last, ends_at__gt=first
    ).order_by("starts_at", "ends_at")
    found: defaultdict[int, list[Interval]] = defaultdict(list)
    moments = Moments()
    for pk, starts_at, ends_at in rows.values_list("rep_id", as_text("starts_at"), as_text("ends_at")):
        found[pk].append((moments[starts_at], moments[ends_at]))
    return found


@dataclass
class _Taken:
    meetings: list[Interval] = field(default_factory=list)
    holds: list[Interval] = field(default_factory=list)


def _taken(
    reps: Sequence[Rep], first: datetime, last: datetime, at: datetime, meeting: Any, hold: Any
) -> defaultdict[int, _Taken]:
    """Meetings and holds of each AE over the local weeks of the span, their half hours put together."""
    begin, until = weeks_about({rep.time_zone for rep in reps}, first, last)
    rows = TakenSlot.objects.filter(
        Q(hold__isnull=True) | Q(hold__expires_at__gt=at),
        Among("ae_id", [rep.pk for rep in reps]),
        starts_at__gte=begin,
        starts_at__lt=until,
    ).order_by("starts_at")
    if meeting is not None:
        rows = rows.exclude(meeting_id=meeting.pk)
    if hold is not None:
        rows = rows.exclude(hold_id=hold.pk)
    spans: dict[tuple[int, int | None, int | None], Interval] = {}
    moments = Moments()
    for pk, of_meeting, of_hold, starts_at in rows.values_list(
        "ae_id", "meeting_id", "hold_id", as_text("starts_at")
    ):
        start = moments[starts_at]
        key = (pk, of_meeting, of_hold)
        spans[key] = (spans[key][0] if key in spans else start, start + GRID)
    found: defaultdict[int, _Taken] = defaultdict(_Taken)
    for (pk, of_meeting, _), span in spans.items():
        (found[pk].meetings if of_meeting else found[pk].holds).append(span)
    return found
