"""Log a touch in one call, with what follows from its disposition; undo it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Channel, Disposition, EventKind, FunnelEvent, Lead, LeadStage, Source, Touch
from apps.leads.rules import dispositions as rules
from apps.leads.services import follow_up, queue
from apps.leads.services.record import NewEvent, record_events, reverse_event, sourced
from apps.reps.models import Rep

UNDO_WITHIN = timedelta(minutes=10)
CALLBACK_WARNING = timedelta(minutes=5)
"""A promised callback is at risk in its last minutes."""

_UNDONE_FIELDS = (
    "stage", "stage_reason", "owner_id", "do_not_contact", "first_touch_at", "last_touch_at", "touch_count",
    "next_channel", "callback_at", "next_touch_at", "reentry_on", "due_at", "warn_at", "attempts",
    "postponed_to", "proposal", "proposal_reason", "next_purpose",
)  # fmt: skip
_TOUCHED_FIELDS = (
    "stage", "stage_reason", "owner", "do_not_contact", "first_touch_at", "last_touch_at", "touch_count",
    "next_channel", "callback_at", "next_touch_at", "reentry_on", "due_at", "warn_at",
    "queue_bucket", "queue_sort_at", "queue_ready_at", "claimed_by", "claimed_until", "attempts",
    "postponed_to", "proposal", "proposal_reason", "next_purpose",
)  # fmt: skip
_LONGEST_NOTE = 500


class UnableToTouch(DomainError):
    """The lead may not be contacted, or is no longer worked by SDRs."""

    code = "unable_to_touch"


class UnableToUndo(DomainError):
    """Not the latest touch, not one's own, undone before, or too long ago."""

    code = "unable_to_undo"


@dataclass(frozen=True)
class NewTouch:
    """One attempt to be logged; ``at`` is when it was made, ``callback_at`` what the customer asked for."""

    lead: Lead
    rep: Rep
    channel: Channel
    disposition: Disposition
    at: datetime
    callback_at: datetime | None = None
    note: str = ""
    request_key: str | None = None
    actor: Any = None
    source: Source = Source.PAGE


def log_touch(
    *,
    lead: Lead,
    rep: Rep,
    channel: Channel,
    disposition: Disposition,
    at: datetime,
    callback_at: datetime | None = None,
    note: str = "",
    request_key: str | None = None,
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Touch:
    """Log one touch and move the lead to its next step. The same ``request_key`` logs once.

    Raises ``UnableToTouch`` for an opted-out or finished lead, ``AnothersLead`` for one that somebody
    else works, ``InvalidInput`` for a callback without a time or with one in the past, an unknown
    disposition or channel, and for a ``request_key`` that logged something else.
    """
    new = NewTouch(
        lead, rep, channel, disposition, at, callback_at, note, request_key, actor=actor, source=source
    )
    return log_touches(touches=[new])[0]


@transaction.atomic
def log_touches(*, touches: Sequence[NewTouch]) -> list[Touch]:
    """Log many touches, in their order, each moving its lead to the next step; all of them or none.

    Set-based: a handful of statements, whatever the number. Returns a touch for each, where a
    ``request_key`` is known already the one that it logged then. Raises what ``log_touch`` raises.
    """
    # The leads are locked before the keys are looked up: of two clicks at once the second finds the first's.
    ids = sorted({new.lead.pk for new in touches})
    leads = {lead.pk: lead for lead in Lead.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    keys = [new.request_key for new in touches if new.request_key]
    done = {touch.request_key: touch for touch in Touch.objects.filter(request_key__in=keys)} if keys else {}
    _, in_force = follow_up.rules_in_force(max(new.at for new in touches))
    fresh: list[tuple[NewTouch, Touch, list[tuple[EventKind, str]]]] = []
    logged: list[Touch] = []
    for new in touches:
        touch = done.get(new.request_key)
        if touch is not None and (touch.lead_id, touch.rep_id) != (new.lead.pk, new.rep.pk):
            raise InvalidInput("This click logged another touch before: reload the page.")
        if touch is None:
            touch, facts = _touched(leads[new.lead.pk], new, in_force)
            fresh.append((new, touch, facts))
            if new.request_key:
                done[new.request_key] = touch
        logged.append(touch)
    if not fresh:
        return logged
    moved = list({touch.lead.pk: touch.lead for _, touch, _ in fresh}.values())
    for lead in moved:
        queue.settle(lead)
    insert_rows([touch for _, touch, _ in fresh])
    update_rows(moved, _TOUCHED_FIELDS)
    record_events(
        events=[
            NewEvent(
                kind=kind,
                occurred_at=new.at,
                recorded_at=new.at,
                source=new.source,
                source_key=f"touch:{touch.pk}:{kind}",
                lead=touch.lead,
                credits=sourced(new.rep),
                actor=new.actor,
                data={"channel": new.channel, "disposition": new.disposition, "reason": reason},
            )
            for new, touch, facts in fresh
            for kind, reason in facts
        ],
        at=max(new.at for new, _, _ in fresh),
    )
    return logged


def _touched(lead: Lead, new: NewTouch, in_force: rules.Rules) -> tuple[Touch, list[tuple[EventKind, str]]]:
    """Move ``lead`` by one touch; the touch and its facts (kind, reason), none of them saved yet."""
    if lead.do_not_contact:
        raise UnableToTouch("This lead has opted out: nobody may contact them.")
    if not lead.is_workable:
        raise UnableToTouch(f"This lead is {lead.get_stage_display().lower()}: there is nothing to log.")
    queue.refuse_anothers(lead=lead, rep=new.rep, at=new.at)
    if new.channel not in Channel.values:
        raise InvalidInput("Choose the channel.", field="channel")
    if new.disposition not in Disposition.values:
        raise InvalidInput("Choose what came of it.", field="disposition")
    step = follow_up.what_follows(lead=lead, disposition=new.disposition, at=new.at, rules=in_force)
    if step.act is rules.Act.CALL_BACK and (new.callback_at is None or new.callback_at <= new.at):
        raise InvalidInput("Say when to call back: a time that is still to come.", field="callback_at")
    touch = Touch(
        lead=lead,
        rep=new.rep,
        channel=new.channel,
        disposition=new.disposition,
        note=new.note.strip()[:_LONGEST_NOTE],
        occurred_at=new.at,
        request_key=new.request_key,
        lead_before={name: _plain(getattr(lead, name)) for name in _UNDONE_FIELDS},
    )
    lead.first_touch_at = lead.first_touch_at or new.at
    lead.last_touch_at = new.at
    lead.touch_count += 1
    lead.attempts = 0 if new.disposition in rules.CONTACTS else lead.attempts + 1
    lead.owner_id = lead.owner_id or new.rep.pk
    if lead.stage in (LeadStage.MCL, LeadStage.MQL, LeadStage.RECYCLED):
        lead.stage = LeadStage.WORKING
    extra = apply_step(lead=lead, step=step, at=new.at, callback_at=new.callback_at)
    lead.claimed_by_id = lead.claimed_until = None
    facts = [EventKind.TOUCHED, *([extra] if extra else [])]
    return touch, [(kind, step.reason) for kind in facts]


def apply_step(
    *, lead: Lead, step: rules.NextStep, at: datetime, callback_at: datetime | None = None
) -> EventKind | None:
    """Set the lead's fields for the next step; the event that marks an exit, if it is one."""
    lead.callback_at = lead.next_touch_at = lead.reentry_on = None
    lead.next_channel = ""
    lead.due_at = lead.warn_at = None
    lead.proposal = lead.proposal_reason = ""
    match step.act:
        case rules.Act.CALL_BACK:
            lead.callback_at = lead.due_at = callback_at
            lead.warn_at = callback_at - CALLBACK_WARNING if callback_at else None
            lead.next_channel = Channel.CALL
        case rules.Act.RETRY | rules.Act.QUALIFY:
            lead.next_touch_at = at + step.wait
            lead.next_channel = step.channel
        case rules.Act.PROPOSE:
            lead.next_touch_at, lead.next_channel = at, step.channel
            lead.proposal, lead.proposal_reason = step.proposal, step.reason
        case rules.Act.RECYCLE:
            lead.stage, lead.stage_reason = LeadStage.RECYCLED, step.reason
            lead.reentry_on = at.date() + timedelta(days=step.recycle_days)
            lead.attempts = lead.postponed_to = 0
            return EventKind.RECYCLED
        case rules.Act.DISQUALIFY:
            lead.stage, lead.stage_reason = LeadStage.DISQUALIFIED, step.reason
            return EventKind.DISQUALIFIED
        case rules.Act.NEVER_CONTACT:
            lead.stage, lead.stage_reason = LeadStage.DISQUALIFIED, step.reason
            lead.do_not_contact = True
            return EventKind.DISQUALIFIED
    return None


@transaction.atomic
def undo_touch(*, touch: Touch, rep: Rep, at: datetime, actor: Any = None) -> Lead:
    """Take back one's own latest touch: its events are reversed, the lead is as it was.

    Raises ``UnableToUndo``. A promise that the touch kept stays kept: the customer was reached.
    """
    lead = Lead.objects.select_for_update().get(pk=touch.lead_id)
    touch = Touch.objects.select_for_update().get(pk=touch.pk)
    if touch.rep_id != rep.pk:
        raise UnableToUndo("Only the person who logged a touch can undo it.")
    if touch.undone_at is not None:
        raise UnableToUndo("This touch was undone already.")
    if at - touch.occurred_at > UNDO_WITHIN:
        raise UnableToUndo("A touch can be undone for ten minutes; log a new one with what is true.")
    later = Touch.objects.filter(lead=lead, undone_at__isnull=True, pk__gt=touch.pk).exists()
    if (
        later
        or lead.hand_offs.filter(created_at__gte=touch.occurred_at).exists()
        or lead.qualifications.filter(qualified_at__gte=touch.occurred_at).exists()
    ):
        raise UnableToUndo("Something happened after this touch: undo that first.")
    for name, value in touch.lead_before.items():
        setattr(lead, name, _restored(name, value))
    queue.settle(lead)
    lead.save()
    touch.undone_at = at
    touch.save(update_fields=["undone_at"])
    for event in FunnelEvent.objects.filter(source_key__startswith=f"touch:{touch.pk}:").effective():
        reverse_event(event=event, reason="Touch undone", at=at, actor=actor)
    return lead


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _restored(name: str, value: Any) -> Any:
    if isinstance(value, str) and name.endswith("_at"):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and name.endswith("_on"):
        return date.fromisoformat(value)
    return value
