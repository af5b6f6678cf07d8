"""Business calendars: make one, change it, say whose it is. Every act is audited with what it changed.

No promise that is already running moves by any of this: a clock keeps the due instant that it was given
(``slas``), and what begins afterwards is computed with the calendar as it then is.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.reps.models import BusinessCalendar, Rep, Team
from apps.reps.rules.calendar_draft import Draft, Fault, faults, holiday_rows
from apps.reps.selectors import draft_of


class CalendarInvalid(InvalidInput):
    """A draft with faults; ``faults`` says which, by weekday and date."""

    code = "calendar_invalid"

    def __init__(self, found: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.words for fault in found), field=found[0].part)
        self.faults = list(found)


class CalendarChangedMeanwhile(DomainError):
    """Somebody else changed the calendar after it was read."""

    code = "calendar_changed_meanwhile"


class UnableToRemoveCalendar(DomainError):
    """A calendar that somebody works by, or that is the company's."""

    code = "calendar_in_use"


_NAME_TAKEN = "Another calendar has this name."


@transaction.atomic
def create_calendar(
    *, name: str, at: datetime, actor: Any = None, like: BusinessCalendar | None = None
) -> BusinessCalendar:
    """A new calendar: office hours, or all that ``like`` has. The first one is the company's.

    Raises ``CalendarInvalid``.
    """
    fresh = BusinessCalendar(name=name.strip())
    if like is not None:
        _write(fresh, draft_of(like))
        fresh.name = name.strip()
    found = faults(draft_of(fresh))
    if not found and BusinessCalendar.objects.filter(name=fresh.name).exists():
        found = [Fault("name", "", _NAME_TAKEN)]
    if found:
        raise CalendarInvalid(found)
    fresh.is_default = not BusinessCalendar.objects.filter(is_default=True).exists()
    _save(fresh)
    audit.record(
        verb="reps.calendar.created",
        subject=fresh,
        at=at,
        actor=actor,
        data={"name": fresh.name, "like": like.pk if like else None},
    )
    return fresh


@transaction.atomic
def change_calendar(
    *, calendar: BusinessCalendar, draft: Draft, read_version: int, at: datetime, actor: Any = None
) -> BusinessCalendar:
    """Keep ``draft`` in place of what ``calendar`` says; nothing is written when nothing differs.

    ``read_version`` is the version that the draft was made from. Raises ``CalendarInvalid``, and
    ``CalendarChangedMeanwhile`` when somebody else was quicker.
    """
    found = faults(draft)
    if not found and BusinessCalendar.objects.exclude(pk=calendar.pk).filter(name=draft.name).exists():
        found = [Fault("name", "", _NAME_TAKEN)]
    if found:
        raise CalendarInvalid(found)
    before = draft_of(calendar)
    changed = _changed(before, draft)
    if not changed and read_version == calendar.version:
        return calendar
    _write(calendar, draft)
    values = {name: getattr(calendar, name) for name in _NAMES}
    try:
        with transaction.atomic():
            written = BusinessCalendar.objects.filter(pk=calendar.pk, version=read_version).update(
                version=F("version") + 1, **values
            )
    except IntegrityError as error:
        raise CalendarInvalid([Fault("name", "", _NAME_TAKEN)]) from error
    if not written:
        raise CalendarChangedMeanwhile(
            "Somebody else changed this calendar meanwhile. Look at it as it is now, then change it again."
        )
    calendar.version = read_version + 1
    audit.record(
        verb="reps.calendar.changed",
        subject=calendar,
        at=at,
        actor=actor,
        data={"version": calendar.version, "changed": changed},
    )
    return calendar


@transaction.atomic
def make_default(*, calendar: BusinessCalendar, at: datetime, actor: Any = None) -> None:
    """Let ``calendar`` hold for whoever has neither a team nor an own one. Twice changes nothing."""
    # The rows are locked in one order, so that two at once do not wait for each other.
    rows = list(BusinessCalendar.objects.select_for_update().order_by("pk"))
    before = next((one.pk for one in rows if one.is_default), None)
    if before == calendar.pk:
        return
    BusinessCalendar.objects.filter(is_default=True).update(is_default=False)
    BusinessCalendar.objects.filter(pk=calendar.pk).update(is_default=True)
    calendar.is_default = True
    audit.record(
        verb="reps.calendar.made_default", subject=calendar, at=at, actor=actor, data={"before": before}
    )


@transaction.atomic
def give_to_team(*, calendar: BusinessCalendar, team: Team, at: datetime, actor: Any = None) -> None:
    """Let ``team`` work by ``calendar``; reps with an own one keep it. Twice changes nothing."""
    before = team.calendar_id
    moved = Team.objects.filter(pk=team.pk).exclude(calendar=calendar).update(calendar=calendar)
    if moved:
        team.calendar = calendar
        data = {"before": before, "after": calendar.pk}
        audit.record(verb="reps.team.calendar_changed", subject=team, at=at, actor=actor, data=data)


@transaction.atomic
def give_to_rep(*, calendar: BusinessCalendar | None, rep: Rep, at: datetime, actor: Any = None) -> None:
    """Let ``rep`` work by an own ``calendar``, or by the team's again (None). Twice changes nothing."""
    before, after = rep.calendar_id, calendar.pk if calendar else None
    others = Rep.objects.filter(pk=rep.pk)
    others = others.filter(calendar__isnull=False) if after is None else others.exclude(calendar=after)
    if others.update(calendar=calendar):
        rep.calendar = calendar
        data = {"before": before, "after": after}
        audit.record(verb="reps.rep.calendar_changed", subject=rep, at=at, actor=actor, data=data)


@transaction.atomic
def remove_calendar(*, calendar: BusinessCalendar, at: datetime, actor: Any = None) -> None:
    """Remove a calendar that nobody works by. Raises ``UnableToRemoveCalendar``."""
    if calendar.is_default:
        raise UnableToRemoveCalendar("This is the company’s calendar. Make another one the company’s first.")
    audit.record(
        verb="reps.calendar.removed", subject=calendar, at=at, actor=actor, data={"name": calendar.name}
    )
    try:
        calendar.delete()
    except ProtectedError as error:
        raise UnableToRemoveCalendar(
            "Somebody works by this calendar. Give them another one first."
        ) from error


# --- Rows -------------------------------------------------------------------------------------------

_NAMES = tuple(one.name for one in fields(Draft))


def _write(calendar: BusinessCalendar, draft: Draft) -> None:
    for name in _NAMES:
        setattr(calendar, name, getattr(draft, name))


def _save(calendar: BusinessCalendar) -> None:
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as error:
        raise CalendarInvalid([Fault("name", "", _NAME_TAKEN)]) from error


def _changed(before: Draft, after: Draft) -> dict[str, Any]:
    """What differs, before and after; of long lists only what went and came."""
    found: dict[str, Any] = {}
    for name in _NAMES:
        old, new = getattr(before, name), getattr(after, name)
        if name == "holidays":
            was, now = holiday_rows(old), holiday_rows(new)
            if was != now:
                gone, come = [one for one in was if one not in now], [one for one in now if one not in was]
                found[name] = {"before": gone, "after": come}
        elif old != new:
            if isinstance(old, dict):
                keys = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
                old, new = {key: old.get(key) for key in keys}, {key: new.get(key) for key in keys}
            found[name] = {"before": old, "after": new}
    return found
