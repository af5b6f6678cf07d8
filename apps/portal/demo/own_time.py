"""The demo company's own calendars: each AE's file, one feed that stopped answering, days off to come."""

from collections.abc import Sequence
from datetime import timedelta

from apps.portal.demo.life import Span
from apps.reps.models import BusyCalendar, Rep, TimeOff

_FILE, _FEED = BusyCalendar.Kind.FILE, BusyCalendar.Kind.FEED
_PROBLEMS = [
    {
        "event": "Partner call, Reykjavik",
        "line": 418,
        "why": "Its time zone “Greenwich (custom)” is not known, and the file does not say what it is.",
    },
    {"event": "Book club", "line": 655, "why": "It ends before it starts."},
]


def calendars_of(aes: Sequence[Rep], span: Span) -> dict[int, BusyCalendar]:
    """A calendar for each AE by id; the busy times are put into it. The second AE's is a feed that fails.

    One statement for all, and one for the first AE's days off.
    """
    rows = [_calendar(rep, place, span) for place, rep in enumerate(aes)]
    BusyCalendar.objects.bulk_create(rows)
    _days_off(aes, span)
    return {row.rep_id: row for row in rows}


def _calendar(rep: Rep, place: int, span: Span) -> BusyCalendar:
    read_at = span.at - timedelta(days=3 + place % 5, hours=place)
    row = BusyCalendar(
        rep=rep,
        kind=_FILE,
        name="Outlook",
        added_at=read_at,
        tried_at=read_at,
        read_at=read_at,
        reaches_to=read_at + timedelta(days=366),
        events=180 + 7 * place,
    )
    if place == 1:
        row.kind, row.name = _FEED, "Web calendar"
        row.address = "https://calendar.larkfield.example/feeds/8f1c2d77/private.ics"
        row.tried_at = span.at - timedelta(minutes=35)
        row.reaches_to = read_at + timedelta(days=180)
        row.failing_since = span.at - timedelta(days=1, hours=2)
        row.failure = "It may not be read (403). Was the address made new?"
    if place == 2:
        row.problems, row.problem_count = _PROBLEMS, len(_PROBLEMS)
    return row


def _days_off(aes: Sequence[Rep], span: Span) -> None:
    """A long weekend of the first AE, past what is booked already and beside other days off."""
    for rep in aes[:1]:
        first = span.today + timedelta(days=35 - span.today.weekday() + 3)
        days = {"starts_on": first, "ends_on": first + timedelta(days=4)}
        if not TimeOff.objects.filter(rep=rep, starts_on__lt=days["ends_on"], ends_on__gt=first).exists():
            TimeOff.objects.create(rep=rep, kind=TimeOff.Kind.HOLIDAY, **days)
