"""A rep's own calendars: add a file or a feed, read it again, remove it; turn what it says into busy times.

What a calendar said last stays until it is read well again: a feed that fails loses nothing. The address of a
feed is a secret and goes into no audit entry.
"""

import re
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.reps.models import BusyCalendar, BusyTime, Rep
from apps.reps.rules.ical_busy import Asked, Read, read_calendar
from apps.reps.rules.ical_text import NotACalendar

BACK = timedelta(days=31)
"""Busy times that ended longer ago are forgotten."""
FEED_AHEAD = timedelta(days=180)
FILE_AHEAD = timedelta(days=366)
"""A file is not read again by itself, so it is read for a year; a feed comes again within the hour."""
MOST_CALENDARS = 5
_CHUNK = 1_000


class TooManyCalendars(DomainError):
    """A rep with as many calendars as one may have."""

    code = "too_many_calendars"


class CalendarNameTaken(InvalidInput):
    """The rep has another calendar of that name."""

    code = "calendar_name_taken"


def add_file(*, rep: Rep, name: str, content: bytes, at: datetime, actor: Any = None) -> BusyCalendar:
    """Read an uploaded file and keep its busy times for a year from ``at``.

    Raises ``InvalidInput`` (field ``file``) for what is no calendar, ``CalendarNameTaken``,
    ``TooManyCalendars``.
    """
    read = _understood(content, rep, at, FILE_AHEAD)
    with transaction.atomic():
        calendar = _added(
            BusyCalendar(rep=rep, kind=BusyCalendar.Kind.FILE, name=name or read.name, added_at=at)
        )
        keep(calendar=calendar, read=read, at=at)
        _record("added", calendar, at, actor, read)
    return calendar


def replace_file(*, calendar: BusyCalendar, content: bytes, at: datetime, actor: Any = None) -> BusyCalendar:
    """Read a newer copy of a file in place of what it said. Raises ``InvalidInput`` (field ``file``)."""
    if calendar.is_feed:
        raise InvalidInput("A feed is read by itself; no file is put in its place.", field="file")
    read = _understood(content, calendar.rep, at, FILE_AHEAD)
    with transaction.atomic():
        keep(calendar=calendar, read=read, at=at)
        _record("replaced", calendar, at, actor, read)
    return calendar


@transaction.atomic
def add_feed(*, rep: Rep, name: str, address: str, at: datetime, actor: Any = None) -> BusyCalendar:
    """Keep the address of a feed; a job reads it (``tasks.py``).

    Raises ``InvalidInput`` (field ``address``) for what is no address of the web, ``CalendarNameTaken``,
    ``TooManyCalendars``.
    """
    clean = checked_address(address)
    host = urlsplit(clean).hostname or ""
    calendar = _added(
        BusyCalendar(rep=rep, kind=BusyCalendar.Kind.FEED, name=name or host, address=clean, added_at=at)
    )
    _record("added", calendar, at, actor)
    return calendar


@transaction.atomic
def remove(*, calendar: BusyCalendar, at: datetime, actor: Any = None) -> None:
    """Forget a calendar with its busy times. A second time changes nothing."""
    if BusyCalendar.objects.select_for_update().filter(pk=calendar.pk).first() is None:
        return
    _record("removed", calendar, at, actor)
    BusyTime.objects.filter(calendar=calendar).delete()
    BusyCalendar.objects.filter(pk=calendar.pk).delete()


def checked_address(address: str) -> str:
    """The address with ``https`` for ``webcal``. Raises ``InvalidInput``; the message does not repeat it."""
    clean = re.sub(r"^webcals?://", "https://", address.strip(), flags=re.IGNORECASE)
    try:
        parts = urlsplit(clean)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not clean.isascii() or not clean.isprintable() or " " in clean:
        raise InvalidInput(
            "Give the whole address of the feed, as https://calendar.example/….ics.", field="address"
        )
    if parts.username or parts.password:
        raise InvalidInput("An address with a name and a password in it is not kept.", field="address")
    if len(clean) > 1_000:
        raise InvalidInput("The address is longer than 1,000 characters.", field="address")
    return clean


# --- What was read ----------------------------------------------------------------------------------


def asked_of(*, rep: Rep, at: datetime, ahead: timedelta) -> Asked:
    """What a calendar of ``rep`` is read for at ``at``: the span, the rep's clocks, who the rep is."""
    address = rep.user.email.lower() if rep.user else ""
    return Asked(
        first=at - BACK,
        last=at + ahead,
        zone=rep.time_zone,
        addresses=frozenset({address} - {""}),
        own_domain=urlsplit(settings.PORTAL_URL).hostname or "portal",
    )


def _understood(content: bytes, rep: Rep, at: datetime, ahead: timedelta) -> Read:
    try:
        return read_calendar(content, asked_of(rep=rep, at=at, ahead=ahead))
    except NotACalendar as error:
        raise InvalidInput(str(error), field="file") from error


@transaction.atomic
def keep(*, calendar: BusyCalendar, read: Read, at: datetime) -> tuple[int, int]:
    """Let the busy times of ``calendar`` be those read; returns how many rows came and went.

    Only what changed is written, so reading the same again writes no busy time.
    """
    BusyCalendar.objects.select_for_update().filter(pk=calendar.pk).first()
    wanted = {(one.starts_at, one.ends_at): one.title for one in read.busy}
    gone: list[int] = []
    renamed: list[BusyTime] = []
    for row in BusyTime.objects.filter(calendar=calendar).only("pk", "starts_at", "ends_at", "title"):
        title = wanted.pop((row.starts_at, row.ends_at), None)
        if title is None:
            gone.append(row.pk)
        elif title != row.title:
            row.title = title
            renamed.append(row)
    for start in range(0, len(gone), _CHUNK):
        BusyTime.objects.filter(pk__in=gone[start : start + _CHUNK]).delete()
    BusyTime.objects.bulk_update(renamed, ["title"], batch_size=_CHUNK)
    BusyTime.objects.bulk_create(
        [
            BusyTime(rep_id=calendar.rep_id, calendar=calendar, starts_at=starts, ends_at=ends, title=title)
            for (starts, ends), title in sorted(wanted.items())
        ],
        batch_size=_CHUNK,
        ignore_conflicts=True,
    )
    calendar.events = read.events
    calendar.problems = [asdict(one) for one in read.problems]
    calendar.problem_count = read.problem_count
    calendar.read_at = calendar.tried_at = at
    calendar.reaches_to = at + (FEED_AHEAD if calendar.is_feed else FILE_AHEAD)
    calendar.failing_since, calendar.failure = None, ""
    BusyCalendar.objects.filter(pk=calendar.pk).update(**{name: getattr(calendar, name) for name in _WRITTEN})
    return len(wanted), len(gone)


_WRITTEN = (
    "events",
    "problems",
    "problem_count",
    "read_at",
    "tried_at",
    "reaches_to",
    "failing_since",
    "failure",
)


# --- Rows -------------------------------------------------------------------------------------------


def _added(calendar: BusyCalendar) -> BusyCalendar:
    # The rep's row is the lock: two at once do not pass the limit together.
    Rep.objects.select_for_update().filter(pk=calendar.rep_id).order_by().values_list("pk").first()
    if BusyCalendar.objects.filter(rep=calendar.rep).count() >= MOST_CALENDARS:
        raise TooManyCalendars(f"At most {MOST_CALENDARS} calendars. Remove one first.")
    calendar.name = (calendar.name or "Calendar").strip()[:80]
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as error:
        raise CalendarNameTaken(
            "There is a calendar of this name. Give this one another.", field="name"
        ) from error
    return calendar


def _record(act: str, calendar: BusyCalendar, at: datetime, actor: Any, read: Read | None = None) -> None:
    data: dict[str, Any] = {"rep": calendar.rep_id, "kind": calendar.kind, "name": calendar.name}
    if read is not None:
        data |= {"events": read.events, "busy": len(read.busy), "problems": read.problem_count}
    audit.record(verb=f"reps.busy_calendar.{act}", subject=calendar, at=at, actor=actor, data=data)
