"""Which of many AEs cannot take one time, and why: read reason by reason, each of those whom none has closed yet.

Exactly what ``rules.availability.why_closed`` says of their whole diaries (``selectors.availability``), without
reading them: routing asks it of every AE for every meeting. The statements are compiled once a process and do not
grow with the AEs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce

from apps.core.among import Among
from apps.core.periods import day_of, day_start
from apps.core.prepared import AT, TODAY, PreparedQuery
from apps.leads.models import TakenSlot
from apps.reps.models import BusinessCalendar, BusyTime, Rep, TimeOff
from apps.reps.models.busy import LONGEST_BUSY
from apps.reps.rules.asked_time import AskedTime, Closed, Why, monday_of
from apps.reps.rules.availability import GRID, SLOT
from apps.reps.rules.hours import Hours
from apps.reps.rules.open_time import Interval, micros
from apps.reps.selectors import hours_of

__all__ = ["Moments", "Person", "as_text", "people", "plain", "weeks_about", "why_not_free"]

_IDS, _HOLDS, _MEETING, _HOLD = (-101,), (-102,), -103, -104
_FIRST, _LAST, _BUSY_FROM, _DAY, _NEXT_DAY = (AT + timedelta(days=number) for number in range(1, 6))
_LEAVES, _BACK = TODAY, TODAY + timedelta(days=1)
_NOBODY = -1
"""No row has this key: what is left out where nothing is."""
_WIDEST = timedelta(hours=15)
"""No zone's clocks are further from UTC's."""


class Person(NamedTuple):
    """An AE as routing and availability see one; ``calendar_id`` is whose hours hold, their own or the team's."""

    pk: int
    name: str
    team_id: int
    tier: int | None
    rank: int | None
    time_zone: str
    hired_on: date
    left_on: date | None
    daily_meeting_cap: int
    weekly_meeting_cap: int
    booking_notice_minutes: int
    calendar_id: int


_PLAIN = [name for name in Person._fields if name != "calendar_id"]


def plain(reps: QuerySet[Rep]) -> QuerySet[Rep, Any]:
    """Those of ``reps`` in their order, as the rows that a ``Person`` is made of."""
    return reps.values_list(*_PLAIN, Coalesce("calendar_id", "team__calendar_id"))


def people(reps: QuerySet[Rep]) -> list[Person]:
    """Those of ``reps`` in their order, as plain values. One statement."""
    return [Person._make(row) for row in plain(reps)]


def why_not_free(
    *,
    aes: Sequence[Rep] | Sequence[Person],
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    ignore_meeting: Any = None,
    ignore_hold: Any = None,
    with_notice: bool = True,
) -> dict[int, Closed]:
    """For every AE (by id) who cannot take ``[starts_at, ends_at)`` at ``at``, why; the free ones are not in it.

    ``ignore_meeting`` is one that is being moved, ``ignore_hold`` the hold that is being booked: neither
    closes a time nor counts for a cap. ``with_notice=False`` leaves the minimum notice aside, as when a
    meeting that stands is passed to another AE.
    """
    asked = AskedTime(starts_at, ends_at, at)
    told = _Told(asked, ends_at, ignore_meeting, ignore_hold)
    closed: dict[int, Closed] = {}
    open_to = _plain(aes)
    for reasons in (told.not_here, told.taken, told.busy, told.at_cap):
        if not open_to:
            return closed
        closed.update(reasons(open_to))
        open_to = [one for one in open_to if one.pk not in closed]
    for one in open_to:
        notice = timedelta(minutes=one.booking_notice_minutes if with_notice else 0)
        if late := asked.too_soon(notice):
            closed[one.pk] = late
    return closed


def _plain(aes: Sequence[Rep] | Sequence[Person]) -> list[Person]:
    first = next(iter(aes), None)
    if first is None or isinstance(first, Person):
        return list(aes)  # type: ignore[arg-type]
    by_id = {one.pk: one for one in people(Rep.objects.filter(Among("pk", [ae.pk for ae in aes])).order_by())}
    return [by_id[ae.pk] for ae in aes if ae.pk in by_id]


Reasons = Iterator[tuple[int, Closed]]


class _Told:
    """The reasons of those who are asked, each kind from one statement or two."""

    def __init__(self, asked: AskedTime, ends_at: datetime, meeting: Any, hold: Any) -> None:
        self.asked, self.starts_at, self.ends_at = asked, asked.starts_at, ends_at
        self.live = {
            _MEETING: meeting.pk if meeting is not None else _NOBODY,
            _HOLD: hold.pk if hold is not None else _NOBODY,
            AT: asked.at,
        }

    def not_here(self, people: Sequence[Person]) -> Reasons:
        hours = _hours({one.calendar_id for one in people})
        away: defaultdict[int, list[tuple[date, date]]] = defaultdict(list)
        values = {
            _IDS: _ids(people),
            _LEAVES: (self.ends_at + _WIDEST).astimezone(UTC).date(),
            _BACK: (self.starts_at - _WIDEST).astimezone(UTC).date(),
        }
        for pk, leaves, back in _statements(connection.vendor).away.rows(values):
            away[pk].append((leaves, back))
        for one in people:
            days = away.get(one.pk, ())
            why = self.asked.not_here(one.time_zone, hours[one.calendar_id], one.hired_on, one.left_on, days)
            if why:
                yield one.pk, why

    def taken(self, people: Sequence[Person]) -> Reasons:
        """A meeting goes before a hold, each in its whole length."""
        statements = _statements(connection.vendor)
        begins = self.starts_at - SLOT
        values = {**self.live, _IDS: _ids(people), _FIRST: begins, _LAST: self.ends_at}
        rows = statements.taken.rows(values)
        if not rows:
            return
        whole = statements.slots_of.rows(
            {
                _IDS: tuple({one[1] for one in rows if one[1]}),
                _HOLDS: tuple({one[2] for one in rows if one[2]}),
            }
        )
        meetings, holds = _joined(whole)
        for one in people:
            why = self.asked.taken(Why.MEETING, meetings[one.pk], one.time_zone) or self.asked.taken(
                Why.HELD, holds[one.pk], one.time_zone
            )
            if why:
                yield one.pk, why

    def busy(self, people: Sequence[Person]) -> Reasons:
        spans: defaultdict[int, list[Interval]] = defaultdict(list)
        moments = Moments()
        values = {
            _IDS: _ids(people),
            _BUSY_FROM: self.starts_at - LONGEST_BUSY,
            _LAST: self.ends_at,
            _FIRST: self.starts_at,
        }
        for pk, starts, ends in _statements(connection.vendor).busy.rows(values):
            spans[pk].append((moments[starts], moments[ends]))
        for one in people:
            if one.pk in spans and (why := self.asked.taken(Why.BUSY, spans[one.pk], one.time_zone)):
                yield one.pk, why

    def at_cap(self, people: Sequence[Person]) -> Reasons:
        """Whose half hours reach no cap have no meetings that do; only the others' are read."""
        zones = {one.time_zone for one in people}
        begin, until = weeks_about(zones, self.starts_at, self.ends_at)
        days = [day_start(self.asked.dates(zone)[0], zone) for zone in zones]
        values = {
            **self.live,
            _IDS: _ids(people),
            _FIRST: begin,
            _LAST: until,
            _DAY: min(days),
            _NEXT_DAY: max(days) + timedelta(hours=25),
        }
        statements = _statements(connection.vendor)
        full = tuple(pk for (pk, *_) in statements.maybe_full.rows(values))
        never = [one for one in people if not one.daily_meeting_cap or not one.weekly_meeting_cap]
        if not full and not never:
            return
        meetings, holds = _joined(statements.taken.rows({**values, _IDS: full})) if full else _joined(())
        for one in people:
            begun = [start for start, _ in (*meetings[one.pk], *holds[one.pk])]
            why = self.asked.at_cap(one.time_zone, begun, one.daily_meeting_cap, one.weekly_meeting_cap)
            if why:
                yield one.pk, why


# --- Rows to plain values ---------------------------------------------------------------------------


def _ids(people: Iterable[Person]) -> tuple[int, ...]:
    return tuple(one.pk for one in people)


def _hours(calendars: set[int]) -> dict[int, Hours]:
    """Many share a calendar with all its holidays: each is made a plain value once."""
    return {one.pk: hours_of(one) for one in BusinessCalendar.objects.filter(Among("pk", calendars))}


def _joined(
    rows: Iterable[Sequence[Any]],
) -> tuple[defaultdict[int, list[Interval]], defaultdict[int, list[Interval]]]:
    """Half hours in order (AE, meeting, hold, begin) put together: the spans of meetings and of holds by AE."""
    moments = Moments()
    spans: dict[tuple[int, int | None, int | None], Interval] = {}
    for pk, meeting, hold, starts_at in rows:
        start, key = moments[starts_at], (pk, meeting, hold)
        spans[key] = (spans[key][0] if key in spans else start, start + GRID)
    meetings: defaultdict[int, list[Interval]] = defaultdict(list)
    holds: defaultdict[int, list[Interval]] = defaultdict(list)
    for (pk, meeting, _), span in spans.items():
        (meetings if meeting else holds)[pk].append(span)
    return meetings, holds


class Moments(dict[str, int]):
    """Instants as the database writes them → microseconds; each is read once, for many rows share them."""

    def __missing__(self, text: str) -> int:
        found = datetime.fromisoformat(text)
        self[text] = moment = micros(found if found.tzinfo else found.replace(tzinfo=UTC))
        return moment


def as_text(name: str) -> Cast:
    """The instant as ``Moments`` reads it."""
    return Cast(name, TextField())


def weeks_about(zones: Iterable[str], first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """From the earliest start to the latest end of the weeks of the span in any of these zones."""
    begins, ends = [first - SLOT], [last]
    for zone in zones:
        begins.append(day_start(monday_of(day_of(first, zone)), zone))
        ends.append(day_start(monday_of(day_of(last, zone)) + timedelta(days=7), zone))
    return min(begins), max(ends)


# --- Statements -------------------------------------------------------------------------------------


class _Statements(NamedTuple):
    """Days off; half hours taken in a span; all of these meetings and holds; busy times; whom a cap may close."""

    away: PreparedQuery
    taken: PreparedQuery
    slots_of: PreparedQuery
    busy: PreparedQuery
    maybe_full: PreparedQuery


@lru_cache(maxsize=4)
def _statements(_vendor: str) -> _Statements:
    columns = ("ae_id", "meeting_id", "hold_id", as_text("starts_at"))
    standing = TakenSlot.objects.filter(Q(hold__isnull=True) | Q(hold__expires_at__gt=AT))
    standing = standing.exclude(meeting_id=_MEETING).exclude(hold_id=_HOLD)
    within = standing.filter(Among("ae_id", _IDS), starts_at__gte=_FIRST, starts_at__lt=_LAST)
    taken = within.order_by("starts_at").values_list(*columns)
    whole = TakenSlot.objects.filter(Among("meeting_id", _IDS) | Among("hold_id", _HOLDS))
    busy = BusyTime.objects.filter(
        Among("rep_id", _IDS), starts_at__gt=_BUSY_FROM, starts_at__lt=_LAST, ends_at__gt=_FIRST
    )
    of_the_day = Q(starts_at__gte=_DAY, starts_at__lt=_NEXT_DAY)
    halves = within.order_by().values("ae_id").annotate(week=Count("pk"), day=Count("pk", filter=of_the_day))
    full = halves.filter(Q(week__gte=F("ae__weekly_meeting_cap")) | Q(day__gte=F("ae__daily_meeting_cap")))
    live = (_IDS, _FIRST, _LAST, _MEETING, _HOLD, AT)
    away = TimeOff.objects.filter(Among("rep_id", _IDS), starts_on__lte=_LEAVES, ends_on__gte=_BACK)
    return _Statements(
        PreparedQuery(away.values_list("rep_id", "starts_on", "ends_on"), _IDS, _LEAVES, _BACK),
        PreparedQuery(taken, *live),
        PreparedQuery(whole.order_by("starts_at").values_list(*columns), _IDS, _HOLDS),
        PreparedQuery(
            busy.order_by("starts_at", "ends_at").values_list(
                "rep_id", as_text("starts_at"), as_text("ends_at")
            ),
            _IDS,
            _BUSY_FROM,
            _LAST,
            _FIRST,
        ),
        PreparedQuery(full.values_list("ae_id", "week", "day"), *live, _DAY, _NEXT_DAY),
    )
