"""Tell the others of a meeting what somebody did to it: its AE and the SDR who booked it, but not who acted."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.leads.models import HandOff, Meeting, Source
from apps.leads.notification_kinds import MEETING
from apps.reps.models import Rep

_TOLD_ELSEWHERE = (Source.DEMO, Source.IMPORT)


def tell_of_no_show(
    *, meeting: Meeting, hand_off: HandOff | None, at: datetime, actor: Any, source: Source
) -> None:
    """The customer did not come: their SDR books again."""
    body = "Book a new time, while it is fresh."
    _tell(meeting, hand_off, "no_show", "did not come", body, at, actor, source)


def tell_of_cancellation(
    *, meeting: Meeting, hand_off: HandOff | None, who: str, at: datetime, actor: Any, source: Source
) -> None:
    """It was called off; ``who``: "The customer" or "We"."""
    body = f"{who} called it off: {meeting.reason}"
    _tell(meeting, hand_off, "cancelled", "is cancelled", body, at, actor, source)


def tell_of_new_time(
    *, meeting: Meeting, hand_off: HandOff | None, before: Meeting, at: datetime, actor: Any, source: Source
) -> None:
    """It has a new time; an AE who no longer has it is told as well."""
    body = f"{meeting.ae.name}; it was {{before}}."
    also = [before.ae] if before.ae_id != meeting.ae_id else []
    _tell(meeting, hand_off, "moved", "has a new time", body, at, actor, source, before=before, also=also)


def tell_of_correction(
    *, meeting: Meeting, hand_off: HandOff | None, reason: str, at: datetime, actor: Any, source: Source
) -> None:
    """What was said of it was wrong."""
    is_now = f"is now noted as {meeting.get_state_display().lower()}"
    _tell(meeting, hand_off, f"corrected:{at.isoformat()}", is_now, reason, at, actor, source)


def _tell(
    meeting: Meeting,
    hand_off: HandOff | None,
    key: str,
    what: str,
    body: str,
    at: datetime,
    actor: Any,
    source: Source,
    *,
    before: Meeting | None = None,
    also: list[Rep] | None = None,
) -> None:
    if source in _TOLD_ELSEWHERE:
        return
    sdr = [hand_off.sdr] if hand_off is not None else []
    actor_id = getattr(actor, "pk", None)
    reps = {
        rep.user_id: rep
        for rep in (meeting.ae, *sdr, *(also or []))
        if rep.user_id is not None and rep.user_id != actor_id
    }
    name = meeting.lead.company or meeting.lead.label
    notify(
        notifications=[
            NewNotification(
                user_id=user_id,
                kind=MEETING,
                key=f"meeting:{meeting.pk}:{key}",
                title=f"{name}, {_when(meeting, rep)}: {what}"[:200],
                body=body.format(before=_when(before, rep)) if before is not None else body,
                url=reverse("leads:meeting", args=[meeting.pk]),
            )
            for user_id, rep in reps.items()
        ],
        at=at,
    )


def _when(meeting: Meeting, rep: Rep) -> str:
    starts = meeting.starts_at.astimezone(ZoneInfo(rep.time_zone))
    return f"{starts:%a} {starts.day} {starts:%b} {starts:%H:%M}"
