"""Time off, busy times by hand, and how many meetings a rep takes. Every act is audited.

Whoever acts holds the rep's row for the moment, so that two entries at once cannot overlap.
"""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.reps.models import BusyTime, Rep, TimeOff
from apps.reps.models.busy import LONGEST_BUSY

_MOST_DAYS = 730


class TimeOffOverlaps(InvalidInput):
    """Other time off of the rep lies on some of these days."""

    code = "time_off_overlaps"


class BusyTimeOverlaps(InvalidInput):
    """Another busy time entered by hand lies there already."""

    code = "busy_time_overlaps"


class ReadFromCalendar(DomainError):
    """A busy time that a calendar says is changed in that calendar."""

    code = "read_from_calendar"


# --- Time off ---------------------------------------------------------------------------------------


@transaction.atomic
def add_time_off(
    *,
    rep: Rep,
    starts_on: date,
    ends_on: date,
    at: datetime,
    kind: TimeOff.Kind = TimeOff.Kind.HOLIDAY,
    actor: Any = None,
) -> TimeOff:
    """Let ``rep`` be away from ``starts_on`` until ``ends_on``, the first day back.

    Raises ``InvalidInput`` for days in the wrong order or more than two years, ``TimeOffOverlaps``.
    """
    _lock(rep)
    _refuse_bad_days(rep, starts_on, ends_on)
    made = TimeOff.objects.create(rep=rep, starts_on=starts_on, ends_on=ends_on, kind=kind)
    audit.record(verb="reps.time_off.added", subject=made, at=at, actor=actor, data=_said(made))
    return made


@transaction.atomic
def change_time_off(
    *,
    time_off: TimeOff,
    starts_on: date,
    ends_on: date,
    kind: TimeOff.Kind,
    at: datetime,
    actor: Any = None,
) -> TimeOff:
    """Other days or another kind; nothing is written when nothing differs. Raises as ``add_time_off``."""
    _lock(time_off.rep)
    before = _said(time_off)
    if (starts_on, ends_on, kind) == (time_off.starts_on, time_off.ends_on, time_off.kind):
        return time_off
    _refuse_bad_days(time_off.rep, starts_on, ends_on, without=time_off.pk)
    if not TimeOff.objects.filter(pk=time_off.pk).update(starts_on=starts_on, ends_on=ends_on, kind=kind):
        raise InvalidInput("This time off was removed meanwhile.")
    time_off.starts_on, time_off.ends_on, time_off.kind = starts_on, ends_on, kind
    data = {"before": before, "after": _said(time_off)}
    audit.record(verb="reps.time_off.changed", subject=time_off, at=at, actor=actor, data=data)
    return time_off


@transaction.atomic
def end_time_off(*, time_off: TimeOff, today: date, at: datetime, actor: Any = None) -> bool:
    """End it: one that has begun ends with ``today`` as the first day back, one to come is removed.

    What is over stays as it is; says whether anything changed.
    """
    _lock(time_off.rep)
    if time_off.ends_on <= today:
        return False
    rows = TimeOff.objects.filter(pk=time_off.pk, ends_on__gt=today)
    if time_off.starts_on < today:
        changed = rows.update(ends_on=today)
    else:
        changed, _ = rows.delete()
    if changed:
        data = _said(time_off) | {"back_on": today.isoformat()}
        audit.record(verb="reps.time_off.ended", subject=time_off.rep, at=at, actor=actor, data=data)
    return bool(changed)


def _refuse_bad_days(rep: Rep, starts_on: date, ends_on: date, without: int | None = None) -> None:
    if ends_on <= starts_on:
        raise InvalidInput("The first day back comes after the first day off.", field="ends_on")
    if (ends_on - starts_on).days > _MOST_DAYS:
        raise InvalidInput("Time off is at most two years long.", field="ends_on")
    others = TimeOff.objects.filter(rep=rep, starts_on__lt=ends_on, ends_on__gt=starts_on)
    found = (others if without is None else others.exclude(pk=without)).first()
    if found is not None:
        raise TimeOffOverlaps(
            f"There is time off from {_date(found.starts_on)}, back on {_date(found.ends_on)}, already. "
            "Change that one, or choose days outside it.",
            field="starts_on",
        )


def _said(time_off: TimeOff) -> dict[str, Any]:
    # Sickness is nobody's business: that somebody is away is what counts.
    return {
        "rep": time_off.rep_id,
        "starts_on": time_off.starts_on.isoformat(),
        "ends_on": time_off.ends_on.isoformat(),
    }


def _date(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


# --- Busy times by hand -----------------------------------------------------------------------------


@transaction.atomic
def add_busy(
    *, rep: Rep, starts_at: datetime, ends_at: datetime, at: datetime, title: str = "", actor: Any = None
) -> BusyTime:
    """Close ``[starts_at, ends_at)`` by hand. Raises ``InvalidInput``, ``BusyTimeOverlaps``."""
    _lock(rep)
    if ends_at <= starts_at:
        raise InvalidInput("It ends after it starts.", field="ends_at")
    if ends_at - starts_at > LONGEST_BUSY:
        raise InvalidInput("At most a day. Enter longer absence as time off.", field="ends_at")
    if ends_at <= at:
        raise InvalidInput("Choose a time that is still to come.", field="starts_at")
    others = BusyTime.objects.filter(
        rep=rep,
        calendar__isnull=True,
        starts_at__gt=starts_at - LONGEST_BUSY,
        starts_at__lt=ends_at,
        ends_at__gt=starts_at,
    )
    if others.exists():
        raise BusyTimeOverlaps("You entered a busy time there already.", field="starts_at")
    made = BusyTime.objects.create(rep=rep, starts_at=starts_at, ends_at=ends_at, title=title.strip()[:120])
    audit.record(verb="reps.busy_time.added", subject=made, at=at, actor=actor, data=_when(made))
    return made


@transaction.atomic
def remove_busy(*, busy: BusyTime, at: datetime, actor: Any = None) -> None:
    """Open a time again that was closed by hand. Raises ``ReadFromCalendar``; twice changes nothing."""
    if busy.calendar_id is not None:
        raise ReadFromCalendar("This time comes from a calendar. Change it there.")
    if BusyTime.objects.filter(pk=busy.pk, calendar__isnull=True).delete()[0]:
        audit.record(verb="reps.busy_time.removed", subject=busy.rep, at=at, actor=actor, data=_when(busy))


def _when(busy: BusyTime) -> dict[str, Any]:
    return {
        "rep": busy.rep_id,
        "starts_at": busy.starts_at.isoformat(),
        "ends_at": busy.ends_at.isoformat(),
    }


# --- Caps -------------------------------------------------------------------------------------------


@transaction.atomic
def set_caps(
    *, rep: Rep, daily: int, weekly: int, notice_minutes: int, at: datetime, actor: Any = None
) -> Rep:
    """How many meetings a day and a week, and how long ahead they are booked. Twice changes nothing.

    Raises ``InvalidInput`` naming the field.
    """
    for field, value, most in (
        ("daily_meeting_cap", daily, 48),
        ("weekly_meeting_cap", weekly, 336),
        ("booking_notice_minutes", notice_minutes, 20_160),
    ):
        if not 0 <= value <= most:
            raise InvalidInput(f"A whole number from 0 to {most:,}.", field=field)
    _lock(rep)
    values = {
        "daily_meeting_cap": daily,
        "weekly_meeting_cap": weekly,
        "booking_notice_minutes": notice_minutes,
    }
    before = Rep.objects.values(*values).get(pk=rep.pk)
    changed = {name: [before[name], value] for name, value in values.items() if before[name] != value}
    if changed:
        Rep.objects.filter(pk=rep.pk).update(**values)
        for name, value in values.items():
            setattr(rep, name, value)
        audit.record(verb="reps.rep.caps_changed", subject=rep, at=at, actor=actor, data={"changed": changed})
    return rep


def _lock(rep: Rep) -> None:
    list(Rep.objects.select_for_update().filter(pk=rep.pk).order_by().values_list("pk"))
