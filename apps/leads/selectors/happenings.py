"""What can stand in a lead's timeline, source by source: each gives its latest happenings before an instant.

A source is one bounded statement (two for events, with their credits). ``selectors.timeline`` merges them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from apps.leads.models import (
    Capacity,
    Channel,
    Disposition,
    EnrolmentAct,
    EventCredit,
    EventKind,
    FunnelEvent,
    Lead,
    Qualification,
    RejectionReason,
    Touch,
)
from apps.leads.selectors.queue import CHANNEL_ICONS

TOUCHES, SIGNALS, JUDGED, HANDED, CADENCE, CHANGES = (
    "touches", "signals", "judged", "handed", "cadence", "changes",
)  # fmt: skip
KINDS = {
    TOUCHES: "Touches",
    SIGNALS: "Visits and asks",
    JUDGED: "Judgements",
    HANDED: "Hand-offs",
    CADENCE: "Cadence",
    CHANGES: "Changes",
}
"""The chips over a timeline; every happening is of one kind."""

_OF_KIND = {
    TOUCHES: (EventKind.TOUCHED,),
    SIGNALS: (EventKind.COLLECTED, EventKind.ASKED, EventKind.VISITED, EventKind.ATTENDED),
    JUDGED: (EventKind.MQL, EventKind.QUALIFIED, EventKind.DISQUALIFIED, EventKind.RECYCLED),
    HANDED: (
        EventKind.BOOKED, EventKind.HANDED_OFF, EventKind.HELD, EventKind.NO_SHOW, EventKind.ACCEPTED,
        EventKind.REJECTED, EventKind.STAGE_1, EventKind.STAGE_2, EventKind.WON, EventKind.LOST,
        EventKind.AMOUNT_CHANGED, EventKind.RESCHEDULED, EventKind.CANCELLED, EventKind.CONTESTED,
        EventKind.UPHELD, EventKind.DISMISSED, EventKind.PASSED_ON,
    ),
    CHANGES: (EventKind.MERGED, EventKind.REVERSED),
}  # fmt: skip
_KIND_OF = {event: kind for kind, events in _OF_KIND.items() for event in events}

_ICONS = {
    EventKind.COLLECTED: "inbox",
    EventKind.ASKED: "question",
    EventKind.VISITED: "globe",
    EventKind.ATTENDED: "people",
    EventKind.MQL: "star",
    EventKind.QUALIFIED: "checkc",
    EventKind.BOOKED: "cal",
    EventKind.HANDED_OFF: "route",
    EventKind.HELD: "check",
    EventKind.NO_SHOW: "xc",
    EventKind.RESCHEDULED: "refresh",
    EventKind.CANCELLED: "ban",
    EventKind.CONTESTED: "flag",
    EventKind.UPHELD: "checkc",
    EventKind.DISMISSED: "minus",
    EventKind.PASSED_ON: "people",
    EventKind.ACCEPTED: "handshake",
    EventKind.REJECTED: "xc",
    EventKind.STAGE_1: "flag",
    EventKind.STAGE_2: "flag",
    EventKind.WON: "medal",
    EventKind.LOST: "minus",
    EventKind.AMOUNT_CHANGED: "edit",
    EventKind.DISQUALIFIED: "ban",
    EventKind.RECYCLED: "refresh",
    EventKind.MERGED: "link",
    EventKind.REVERSED: "undo",
}


@dataclass(frozen=True)
class Happening:
    """One thing that happened, newest first by ``(at, rank, pk)``.

    ``event_id`` leads to its explanation, if it is an event. ``undone`` is the word for what no longer
    counts. ``origin`` names the merged lead that it happened to; "" for the lead itself.
    """

    at: datetime
    rank: int
    pk: int
    kind: str
    icon: str
    what: str
    lead_id: int = 0
    who: str = ""
    note: str = ""
    detail: str = ""
    event_id: int | None = None
    event_key: str = ""
    undone: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Asked:
    """What a source is asked for: the leads whose history it is, of one kind or "" for all, behind a place."""

    leads: Sequence[Lead]
    kind: str
    before: tuple[datetime, int, int] | None
    most: int

    @property
    def ids(self) -> list[int]:
        return [lead.pk for lead in self.leads]

    def wants(self, kind: str) -> bool:
        return self.kind in ("", kind)

    def cut(self, rows: QuerySet, at: str, rank: int) -> list[Any]:
        """The newest rows behind the place, one more than shown, so that the rest is known to be there."""
        if self.before is not None:
            instant, its_rank, pk = self.before
            rows = rows.filter(**{f"{at}__lte": instant})
            # Of one instant the higher rank stands first: it was on the page before.
            if rank > its_rank:
                rows = rows.filter(**{f"{at}__lt": instant})
            elif rank == its_rank:
                rows = rows.filter(Q(**{f"{at}__lt": instant}) | Q(**{at: instant, "pk__lt": pk}))
        return list(rows.order_by(f"-{at}", "-pk")[: self.most + 1])


# --- Events -------------------------------------------------------------------------------------------


def events(asked: Asked, rank: int) -> list[Happening]:
    """The record, without what touches and judgements tell better themselves."""
    if asked.kind == CADENCE:
        return []
    rows = (
        FunnelEvent.objects.filter(lead__in=asked.ids)
        .exclude(kind=EventKind.TOUCHED, source_key__startswith="touch:")
        .exclude(kind=EventKind.QUALIFIED, source_key__startswith="qualification:")
        .select_related("reverses", "reversed_by", "actor")
        .prefetch_related(Prefetch("credits", EventCredit.objects.select_related("rep")))
    )
    if asked.kind:
        rows = rows.filter(kind__in=_OF_KIND[asked.kind])
    return [_told(event, rank) for event in asked.cut(rows, "occurred_at", rank)]


def _told(event: FunnelEvent, rank: int) -> Happening:
    data = event.data if isinstance(event.data, dict) else {}
    icon = _ICONS.get(EventKind(event.kind), "clock")
    if event.kind == EventKind.TOUCHED:
        icon = CHANNEL_ICONS.get(data.get("channel", ""), "phone")
    return Happening(
        at=event.occurred_at,
        rank=rank,
        pk=event.pk,
        kind=_KIND_OF.get(EventKind(event.kind), CHANGES),
        icon=icon,
        what=what_happened(event),
        lead_id=event.lead_id or 0,
        who=_who(event),
        detail=_behind(event, data),
        event_id=event.pk,
        undone="taken back" if hasattr(event, "reversed_by") else "",
    )


def _who(event: FunnelEvent) -> str:
    wanted = Capacity.OWNED if event.kind in (EventKind.ACCEPTED, EventKind.REJECTED) else Capacity.SOURCED
    shares = list(event.credits.all())
    by = next((one.rep.name for one in shares if one.capacity == wanted), "")
    if event.kind in (EventKind.HANDED_OFF, EventKind.BOOKED):
        to = next((one.rep.name for one in shares if one.capacity == Capacity.OWNED), "")
        return f"{by} to {to}" if by and to else by or to
    if event.kind in (EventKind.VISITED, EventKind.ASKED, EventKind.ATTENDED):
        # The rep whose outreach caused it did not do it: the cause is told beside it.
        return ""
    return by or (event.actor.name if event.actor else "")


def _behind(event: FunnelEvent, data: Mapping[str, Any]) -> str:
    """What led to it, where the record says so: the campaign, or the outreach that caused a visit."""
    campaign = str(data.get("campaign") or "")
    if event.kind in (EventKind.VISITED, EventKind.ASKED, EventKind.ATTENDED):
        caused = str(data.get("cause") or "")
        words = {"touch": "after our outreach", "campaign": "", "unknown": ""}.get(caused, caused)
        if channel := dict(Channel.choices).get(str(data.get("channel") or "")):
            words = f"after our {channel.lower()}"
        return ", ".join(filter(None, [words, f"campaign {campaign}" if campaign else ""]))
    return f"campaign {campaign}" if campaign else ""


def what_happened(event: FunnelEvent) -> str:
    """The event in a few words."""
    data = event.data if isinstance(event.data, dict) else {}
    label = EventKind(event.kind).label
    match event.kind:
        case EventKind.TOUCHED:
            return _touch_words(str(data.get("channel", "")), str(data.get("disposition", "")))
        case EventKind.COLLECTED:
            return data.get("source") or label
        case EventKind.ASKED | EventKind.ATTENDED:
            about = data.get("source") or data.get("form") or data.get("event")
            return f"{label}: {about}" if about else label
        case EventKind.VISITED:
            return f"Visited {data['page']}" if data.get("page") else label
        case EventKind.MQL:
            return f"{label}, score {data['score']}" if data.get("score") else label
        case EventKind.REJECTED:
            why = dict(RejectionReason.choices).get(data.get("reason", ""), "")
            return f"Rejected on {data.get('criterion', 'a criterion')}: {why.lower()}".rstrip(": ")
        case EventKind.REVERSED if event.reverses is not None:
            was = EventKind(event.reverses.kind).label
            # "Rejected by the AE" goes on in small letters, an AE does not.
            was = was if was[1:2].isupper() else was[:1].lower() + was[1:]
            return f"Taken back: {was} ({data.get('reason', 'no reason given')})"
        case _:
            reason = data.get("reason")
            return f"{label}: {reason.lower()}" if isinstance(reason, str) and reason else label


def _touch_words(channel: str, disposition: str) -> str:
    over = dict(Channel.choices).get(channel, "Touch")
    came = dict(Disposition.choices).get(disposition, "")
    return f"{over}: {came.lower()}" if came else over


# --- Touches, judgements, cadences ------------------------------------------------------------------------


def touches(asked: Asked, rank: int) -> list[Happening]:
    """Each attempt with its purpose and note, undone ones too."""
    if not asked.wants(TOUCHES):
        return []
    rows = Touch.objects.filter(lead__in=asked.ids).select_related("rep", "enrolment__version__cadence")
    return [
        Happening(
            at=touch.occurred_at,
            rank=rank,
            pk=touch.pk,
            kind=TOUCHES,
            icon=CHANNEL_ICONS.get(touch.channel, "phone"),
            what=_touch_words(touch.channel, touch.disposition),
            lead_id=touch.lead_id,
            who=touch.rep.name,
            note=touch.note,
            detail=_touch_detail(touch),
            event_key=f"touch:{touch.pk}:{EventKind.TOUCHED}",
            undone="undone" if touch.undone_at else "",
        )
        for touch in asked.cut(rows, "occurred_at", rank)
    ]


def _touch_detail(touch: Touch) -> str:
    parts = [touch.get_purpose_display().lower() if touch.purpose else ""]
    if touch.enrolment and touch.step_number:
        parts.append(f"step {touch.step_number} of {touch.enrolment.version.cadence.name}")
    if touch.outside_hours:
        parts.append("outside their hours, at their wish")
    return ", ".join(filter(None, parts))


def judgements(asked: Asked, rank: int) -> list[Happening]:
    """Each time the lead was judged by an SQL definition, also when it did not pass."""
    if not asked.wants(JUDGED):
        return []
    rows = Qualification.objects.filter(lead__in=asked.ids).select_related("rep", "definition")
    return [
        Happening(
            at=one.qualified_at,
            rank=rank,
            pk=one.pk,
            kind=JUDGED,
            icon="checkc" if one.meets_definition else "doc",
            what="Qualified (SQL)" if one.meets_definition else "Judged: criteria not met",
            lead_id=one.lead_id,
            who=one.rep.name,
            detail=f"by {one.definition.name}, version {one.definition.version}",
            event_key=f"qualification:{one.pk}",
        )
        for one in asked.cut(rows, "qualified_at", rank)
    ]


_ACT_ICONS = {
    EnrolmentAct.Kind.ENROLLED: "list",
    EnrolmentAct.Kind.STEPPED: "check",
    EnrolmentAct.Kind.SKIPPED: "arrow",
    EnrolmentAct.Kind.PAUSED: "pause",
    EnrolmentAct.Kind.RESUMED: "play",
    EnrolmentAct.Kind.REMOVED: "xc",
    EnrolmentAct.Kind.FINISHED: "flag",
    EnrolmentAct.Kind.UNDONE: "undo",
}


def enrolment_acts(asked: Asked, rank: int) -> list[Happening]:
    """What was done to the lead's enrolments. A step done is told by its touch, save under its own chip."""
    if not asked.wants(CADENCE):
        return []
    rows = EnrolmentAct.objects.filter(enrolment__lead__in=asked.ids).select_related(
        "enrolment__version__cadence", "by"
    )
    if not asked.kind:
        rows = rows.exclude(kind=EnrolmentAct.Kind.STEPPED)
    return [
        Happening(
            at=act.at,
            rank=rank,
            pk=act.pk,
            kind=CADENCE,
            icon=_ACT_ICONS.get(EnrolmentAct.Kind(act.kind), "list"),
            what=_act_words(act),
            lead_id=act.enrolment.lead_id,
            who=act.by.name if act.by else "by itself",
            detail=act.reason,
        )
        for act in asked.cut(rows, "at", rank)
    ]


def _act_words(act: EnrolmentAct) -> str:
    name = act.enrolment.version.cadence.name
    match act.kind:
        case EnrolmentAct.Kind.STEPPED | EnrolmentAct.Kind.SKIPPED:
            return f"{act.get_kind_display()}: {act.step} of {name}"
        case EnrolmentAct.Kind.UNDONE:
            return f"Step {act.step} of {name} taken back"
        case EnrolmentAct.Kind.ENROLLED:
            return f"Enrolled in {name}, version {act.enrolment.version.number}"
        case EnrolmentAct.Kind.REMOVED:
            return f"Removed from {name}"
        case _:
            return f"{name}: {act.get_kind_display().lower()}"


# --- Their events ---------------------------------------------------------------------------------------


def with_events(found: Sequence[Happening]) -> list[Happening]:
    """The events of those that are told by a touch or a judgement, one statement for all."""
    keys = [one.event_key for one in found if one.event_key]
    if not keys:
        return list(found)
    known = {
        key: (pk, reversal)
        for key, pk, reversal in FunnelEvent.objects.filter(source_key__in=keys).values_list(
            "source_key", "pk", "reversed_by"
        )
    }
    told = []
    for one in found:
        pk, reversal = known.get(one.event_key, (one.event_id, None))
        undone = one.undone or ("taken back" if reversal else "")
        told.append(replace(one, event_id=pk, undone=undone))
    return told
