"""What cadences hear of the funnel: who arrives may begin one, who is qualified or gone ends it; and sign-outs.

And what the turns of routing hear of: meetings and answers, which give a turn back or let it count after all.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.utils import timezone

from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead
from apps.leads.selectors.enrolments import any_open
from apps.leads.services import enrolments, queue, routing
from apps.leads.signals import (
    answer_undone,
    events_recorded,
    hand_off_decided,
    leads_arrived,
    meeting_closed,
    meeting_moved,
)
from apps.reps.selectors import rep_of

_ENDS = {
    EventKind.QUALIFIED: "Qualified",
    EventKind.HANDED_OFF: "Meeting booked",
    EventKind.DISQUALIFIED: "Disqualified",
    EventKind.RECYCLED: "Recycled",
}


@receiver(leads_arrived, dispatch_uid="leads.cadences.leads_arrived")
def on_leads_arrived(*, leads: Iterable[Lead], at: datetime, **_: Any) -> None:
    enrolments.enrol_arrivals(leads=list(leads), at=at)


@receiver(events_recorded, dispatch_uid="leads.cadences.events_recorded")
def on_events_recorded(*, events: Iterable[FunnelEvent], at: datetime, **_: Any) -> None:
    # A touch ends the enrolment by itself, with its own reason; this hears of all the other doors.
    ended: dict[str, set[int]] = {}
    for event in events:
        words = _ENDS.get(EventKind(event.kind))
        if words and event.lead_id is not None and not event.source_key.startswith("touch:"):
            ended.setdefault(words, set()).add(event.lead_id)
    for words, leads in ended.items():
        if any_open(leads):
            enrolments.remove_open(leads=Lead.objects.filter(pk__in=leads), reason=words, at=at)


@receiver(hand_off_decided, dispatch_uid="leads.routing.hand_off_decided")
@receiver(answer_undone, dispatch_uid="leads.routing.answer_undone")
@receiver(meeting_closed, dispatch_uid="leads.routing.meeting_closed")
@receiver(meeting_moved, dispatch_uid="leads.routing.meeting_moved")
def on_outcome(*, hand_off: HandOff | None, at: datetime, **_: Any) -> None:
    """The turn comes back, or counts after all (``services.routing.settle``)."""
    if hand_off is not None:
        routing.settle(hand_off=hand_off, at=at)


@receiver(user_logged_out, dispatch_uid="leads.queue.user_logged_out")
def on_signed_out(*, user: Any, **_: Any) -> None:
    """Who signs out works nothing any more: what they held is offered to the others at once."""
    rep = rep_of(user) if user is not None else None
    if rep is not None:
        queue.release(rep=rep, at=timezone.now())
