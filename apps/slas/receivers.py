"""What promises hear of the funnel: one call for each fact."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, Meeting
from apps.leads.signals import (
    events_recorded,
    hand_off_created,
    leads_arrived,
    leads_closed,
    leads_reopened,
    meeting_closed,
    meeting_moved,
    owners_changed,
)
from apps.slas.services import clocks, standing_still, verdicts
from apps.slas.services.verdicts import ANSWERED_BY, LEFT, Fact

_HEARD = frozenset(kind for kinds in ANSWERED_BY.values() for kind in kinds) | frozenset(LEFT)


@receiver(leads_arrived, dispatch_uid="slas.leads_arrived")
def on_leads_arrived(*, leads: Iterable[Lead], at: datetime, **_: Any) -> None:
    clocks.start_for_leads(leads=leads, at=at)


@receiver(leads_reopened, dispatch_uid="slas.leads_reopened")
def on_leads_reopened(*, leads: Iterable[Lead], at: datetime, **_: Any) -> None:
    clocks.start_for_leads(leads=clocks.without_clock(leads), at=at)


@receiver(hand_off_created, dispatch_uid="slas.hand_off_created")
def on_hand_off_created(*, hand_off: HandOff, at: datetime, **_: Any) -> None:
    clocks.start_ae_answer(hand_off=hand_off, at=at)


@receiver(meeting_closed, dispatch_uid="slas.meeting_closed")
def on_meeting_closed(*, meeting: Meeting, hand_off: HandOff | None, at: datetime, **_: Any) -> None:
    if hand_off is None or hand_off.state != HandOff.State.PENDING or hand_off.meeting_id != meeting.pk:
        return
    if meeting.state == Meeting.State.HELD:
        standing_still.go_on(hand_off=hand_off, with_another=False, at=at)
    else:
        standing_still.stand_still(hand_off=hand_off, at=at)


@receiver(meeting_moved, dispatch_uid="slas.meeting_moved")
def on_meeting_moved(
    *, meeting: Meeting, before: Meeting, hand_off: HandOff | None, at: datetime, **_: Any
) -> None:
    if hand_off is not None and hand_off.state == HandOff.State.PENDING:
        standing_still.go_on(hand_off=hand_off, with_another=before.ae_id != meeting.ae_id, at=at)


@receiver(leads_closed, dispatch_uid="slas.leads_closed")
def on_leads_closed(*, leads: Iterable[Lead], at: datetime, **_: Any) -> None:
    verdicts.cancel(leads=[lead.pk for lead in leads], because="Nobody is to work the lead any more", at=at)


@receiver(owners_changed, dispatch_uid="slas.owners_changed")
def on_owners_changed(*, owners: Mapping[int, int | None], at: datetime, **_: Any) -> None:
    clocks.hand_over(owners=owners, at=at)


@receiver(events_recorded, dispatch_uid="slas.events_recorded")
def on_events_recorded(*, events: Iterable[FunnelEvent], at: datetime, **_: Any) -> None:
    facts: list[Fact] = []
    taken_back: set[int] = set()
    for event in events:
        if event.lead_id is None:
            continue
        if event.kind in _HEARD:
            facts.append(
                Fact(event.kind, event.occurred_at, event.lead_id, event.hand_off_id, _owner_of(event))
            )
        elif event.reverses is not None and event.reverses.kind in _HEARD:
            taken_back.add(event.lead_id)
    verdicts.judge_again(leads=taken_back, at=at)
    verdicts.judge(facts=facts, at=at)


def _owner_of(event: FunnelEvent) -> int | None:
    """Who answered: the lead went to whoever touched it first (no query where the event holds its lead)."""
    if event.kind != EventKind.TOUCHED:
        return None
    return event.lead.owner_id if FunnelEvent.lead.is_cached(event) and event.lead else None
