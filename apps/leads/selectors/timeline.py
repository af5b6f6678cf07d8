"""Everything that happened to a lead, newest first: the record, with the notes of touches beside it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch

from apps.leads.models import (
    Capacity,
    Channel,
    Disposition,
    EventCredit,
    EventKind,
    FunnelEvent,
    Lead,
    Qualification,
    RejectionReason,
    Touch,
)
from apps.leads.selectors.queue import CHANNEL_ICONS

MOST = 50

_ICONS = {
    EventKind.COLLECTED: "inbox",
    EventKind.MQL: "star",
    EventKind.QUALIFIED: "checkc",
    EventKind.BOOKED: "cal",
    EventKind.HANDED_OFF: "route",
    EventKind.HELD: "check",
    EventKind.NO_SHOW: "xc",
    EventKind.ACCEPTED: "handshake",
    EventKind.REJECTED: "xc",
    EventKind.STAGE_1: "flag",
    EventKind.STAGE_2: "flag",
    EventKind.WON: "medal",
    EventKind.LOST: "minus",
    EventKind.AMOUNT_CHANGED: "edit",
    EventKind.DISQUALIFIED: "ban",
    EventKind.RECYCLED: "refresh",
    EventKind.REVERSED: "undo",
}


@dataclass(frozen=True)
class Happening:
    """One thing that happened. ``event_id`` leads to its explanation; none for what is no event."""

    at: datetime
    icon: str
    what: str
    who: str
    note: str = ""
    event_id: int | None = None
    is_undone: bool = False


@dataclass(frozen=True)
class Timeline:
    """The latest ``MOST`` happenings; ``cut`` when there were more."""

    happenings: list[Happening]
    cut: bool


def timeline_of(lead: Lead) -> Timeline:
    """Four statements, whatever the length of the lead's history."""
    events = list(
        FunnelEvent.objects.filter(lead=lead)
        .select_related("reverses", "reversed_by")
        .prefetch_related(Prefetch("credits", EventCredit.objects.select_related("rep")))
        .order_by("-occurred_at", "-pk")[: MOST + 1]
    )
    notes = {
        f"touch:{pk}:{EventKind.TOUCHED}": note
        for pk, note in Touch.objects.filter(lead=lead)
        .exclude(note="")
        .order_by("-occurred_at")
        .values_list("pk", "note")[: MOST + 1]
    }
    found = [_told(event, notes.get(event.source_key, "")) for event in events[:MOST]]
    # A judgement that the lead did not pass is no event, but it happened.
    for judged in Qualification.objects.filter(lead=lead, meets_definition=False).select_related("rep")[:10]:
        found.append(Happening(judged.qualified_at, "doc", "Judged: criteria not met", judged.rep.name))
    found.sort(key=lambda one: one.at, reverse=True)
    return Timeline(found[:MOST], cut=len(events) > MOST)


def _told(event: FunnelEvent, note: str) -> Happening:
    data = event.data if isinstance(event.data, dict) else {}
    return Happening(
        at=event.occurred_at,
        icon=_icon(event, data),
        what=what_happened(event),
        who=_who(event),
        note=note,
        event_id=event.pk,
        is_undone=hasattr(event, "reversed_by"),
    )


def _icon(event: FunnelEvent, data: dict) -> str:
    if event.kind == EventKind.TOUCHED:
        return CHANNEL_ICONS.get(data.get("channel", ""), "phone")
    return _ICONS.get(EventKind(event.kind), "clock")


def _who(event: FunnelEvent) -> str:
    wanted = Capacity.OWNED if event.kind in (EventKind.ACCEPTED, EventKind.REJECTED) else Capacity.SOURCED
    shares = list(event.credits.all())
    by = next((one.rep.name for one in shares if one.capacity == wanted), "")
    if event.kind in (EventKind.HANDED_OFF, EventKind.BOOKED):
        to = next((one.rep.name for one in shares if one.capacity == Capacity.OWNED), "")
        return f"{by} to {to}" if by and to else by or to
    return by


def what_happened(event: FunnelEvent) -> str:
    """The event in a few words."""
    data = event.data if isinstance(event.data, dict) else {}
    label = EventKind(event.kind).label
    match event.kind:
        case EventKind.TOUCHED:
            channel = dict(Channel.choices).get(data.get("channel", ""), "Touch")
            disposition = dict(Disposition.choices).get(data.get("disposition", ""), "")
            return f"{channel}: {disposition.lower()}" if disposition else channel
        case EventKind.COLLECTED:
            return data.get("source") or label
        case EventKind.MQL:
            return f"{label}, score {data['score']}" if data.get("score") else label
        case EventKind.REJECTED:
            why = dict(RejectionReason.choices).get(data.get("reason", ""), "")
            return f"Rejected on {data.get('criterion', 'a criterion')}: {why.lower()}".rstrip(": ")
        case EventKind.REVERSED if event.reverses is not None:
            was = EventKind(event.reverses.kind).label.lower()
            return f"Taken back: {was} ({data.get('reason', 'no reason given')})"
        case _:
            reason = data.get("reason")
            return f"{label}: {reason.lower()}" if isinstance(reason, str) and reason else label
