"""Log a touch in one call, with what follows from its disposition. Undoing one is ``services.undoing``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
from apps.leads.models import (
    Channel,
    Disposition,
    EventKind,
    FollowUpPolicy,
    Lead,
    LeadStage,
    Purpose,
    Source,
    Touch,
)
from apps.leads.rules import calling
from apps.leads.rules import dispositions as rules
from apps.leads.services import follow_up, queue, suppressions
from apps.leads.services.advancing import Courses
from apps.leads.services.planning import callable_from
from apps.leads.services.record import NewEvent, record_events, sourced
from apps.leads.services.undoing import UNDO_WITHIN, UnableToUndo, hold_names, snapshot, undo_touch
from apps.leads.signals import owners_changed
from apps.reps.models import Rep

__all__ = [
    "UNDO_WITHIN",
    "NewTouch",
    "OutsideCallingHours",
    "UnableToTouch",
    "UnableToUndo",
    "log_touch",
    "log_touches",
    "undo_touch",
]

CALLBACK_WARNING = timedelta(minutes=5)
"""A promised callback is at risk in its last minutes."""
CALLBACK_GRACE = timedelta(hours=2)
"""So far from its time, a promised callback is made whatever the hour: they asked for it."""

_TOUCHED_FIELDS = (
    "stage", "stage_reason", "owner", "do_not_contact", "first_touch_at", "last_touch_at", "touch_count",
    "next_channel", "callback_at", "next_touch_at", "reentry_on", "due_at", "warn_at",
    "queue_bucket", "queue_sort_at", "queue_ready_at", "claimed_by", "claimed_until", "claimed_at",
    "attempts",
    "postponed_to", "proposal", "proposal_reason", "next_purpose",
)  # fmt: skip
_LONGEST_NOTE = 500
_LONGEST_REASON = 80


class UnableToTouch(DomainError):
    """The lead may not be contacted, not over this channel, or is no longer worked by SDRs."""

    code = "unable_to_touch"


class OutsideCallingHours(UnableToTouch):
    """It is no time to call at the prospect's."""

    code = "outside_calling_hours"


@dataclass(frozen=True)
class NewTouch:
    """One attempt to be logged; ``at`` is when it was made, ``callback_at`` what the customer asked for.

    ``purpose`` is a ``leads.Purpose``; "" derives it. ``they_asked``: the prospect wished to be called then.
    """

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
    purpose: str = ""
    they_asked: bool = False


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
    purpose: str = "",
    they_asked: bool = False,
) -> Touch:
    """Log one touch and move the lead to its next step. The same ``request_key`` logs once.

    Raises ``UnableToTouch`` for an opted-out or finished lead and a closed channel, ``OutsideCallingHours``
    (one of those) for a call at a time that is not proper at the prospect's, unless it answers a promised
    callback or they asked; ``AnothersLead`` for one that somebody else works; ``InvalidInput`` for a callback
    without a time or with one in the past, an unknown disposition, channel or purpose, and for a
    ``request_key`` that logged something else. History from an import is taken as it was.
    """
    new = NewTouch(
        lead,
        rep,
        channel,
        disposition,
        at,
        callback_at,
        note,
        request_key,
        actor=actor,
        source=source,
        purpose=purpose,
        they_asked=they_asked,
    )
    return log_touches(touches=[new])[0]


@dataclass
class _Batch:
    """What a batch of touches is judged by, and what it makes."""

    policy: FollowUpPolicy | None
    rules: rules.Rules
    courses: Courses
    fresh: list[tuple[NewTouch, Touch, list[tuple[EventKind, str]]]]
    taken: dict[int, int | None] = field(default_factory=dict)
    """Leads out of the pool, by id: who touched them first and owns them now."""


@transaction.atomic
def log_touches(*, touches: Sequence[NewTouch]) -> list[Touch]:
    """Log many touches, in their order, each moving its lead to the next step; all of them or none.

    Set-based: a handful of statements, whatever the number. Returns a touch for each, where a
    ``request_key`` is known already the one that it logged then. Raises what ``log_touch`` raises.
    """
    hold_names(leads=[new.lead.pk for new in touches if new.disposition == Disposition.OPT_OUT])
    # The leads are locked before the keys are looked up: of two clicks at once the second finds the first's.
    ids = sorted({new.lead.pk for new in touches})
    leads = {lead.pk: lead for lead in Lead.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    keys = [new.request_key for new in touches if new.request_key]
    done = {touch.request_key: touch for touch in Touch.objects.filter(request_key__in=keys)} if keys else {}
    last_at = max((new.at for new in touches), default=None)
    if last_at is None:
        return []
    policy, in_force = follow_up.rules_in_force(last_at)
    reps = {new.rep.pk for new in touches}
    batch = _Batch(policy, in_force, Courses(list(leads.values()), last_at, reps), [])
    logged: list[Touch] = []
    for new in touches:
        touch = done.get(new.request_key)
        if touch is not None and (touch.lead_id, touch.rep_id) != (new.lead.pk, new.rep.pk):
            raise InvalidInput("This click logged another touch before: reload the page.")
        if touch is None:
            touch = _touched(leads[new.lead.pk], new, batch)
            if new.request_key:
                done[new.request_key] = touch
        logged.append(touch)
    if batch.fresh:
        _write(batch, last_at)
    return logged


def _write(batch: _Batch, at: datetime) -> None:
    """Save the touches, their leads and enrolments; record the facts; close who opted out."""
    moved = list({touch.lead.pk: touch.lead for _, touch, _ in batch.fresh}.values())
    for lead in moved:
        queue.settle(lead)
    insert_rows([touch for _, touch, _ in batch.fresh])
    update_rows(moved, _TOUCHED_FIELDS)
    batch.courses.save()
    if batch.taken:
        # Before the events: who holds a promise is who then keeps it.
        owners_changed.send(sender=Lead, owners=batch.taken, at=at)
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
            for new, touch, facts in batch.fresh
            for kind, reason in facts
        ],
        at=at,
    )
    for new, touch, _ in batch.fresh:
        if new.disposition == Disposition.OPT_OUT:
            suppressions.close_lead(lead=touch.lead, at=new.at, actor=new.actor)


def _touched(lead: Lead, new: NewTouch, batch: _Batch) -> Touch:
    """Move ``lead`` by one touch, kept in ``batch`` with its facts; nothing is saved yet."""
    outside_hours = _refuse(lead, new)
    course = batch.courses.of(lead)
    planned, planned_channel = course.planned(lead)
    before = snapshot(lead=lead, enrolment=course.enrolment)
    course.note(new.channel, new.disposition, new.at)
    step = follow_up.what_follows(
        lead=lead, disposition=new.disposition, at=new.at, rules=batch.rules, bad=course.bad
    )
    if step.act is rules.Act.CALL_BACK and (new.callback_at is None or new.callback_at <= new.at):
        raise InvalidInput("Say when to call back: a time that is still to come.", field="callback_at")
    touch = Touch(
        lead=lead,
        rep=new.rep,
        channel=new.channel,
        disposition=new.disposition,
        outside_hours=outside_hours,
        persona=lead.persona,
        policy=batch.policy,
        enrolment=course.enrolment,
        note=new.note.strip()[:_LONGEST_NOTE],
        occurred_at=new.at,
        request_key=new.request_key,
        lead_before=before,
    )
    was_first = lead.first_touch_at is None
    planned_purpose = lead.next_purpose
    if lead.owner_id is None:
        batch.taken[lead.pk] = new.rep.pk
    _count(lead, new)
    extra = apply_step(lead=lead, step=step, at=new.at, callback_at=new.callback_at)
    touch.step_number = batch.courses.advance(
        lead, planned=planned_channel, channel=new.channel, step=step, at=new.at, by=new.actor
    )
    if touch.step_number and planned is not None:
        planned_purpose = planned.purpose or planned_purpose
    touch.purpose = new.purpose or _purpose(lead, was_first, planned_purpose)
    lead.claimed_by_id = lead.claimed_until = lead.claimed_at = None
    facts = [EventKind.TOUCHED, *([extra] if extra else [])]
    batch.fresh.append((new, touch, [(kind, step.reason) for kind in facts]))
    return touch


def _refuse(lead: Lead, new: NewTouch) -> bool:
    """Raise what ``log_touch`` raises for this lead; whether the call lies outside the calling hours."""
    if lead.do_not_contact:
        raise UnableToTouch("This lead has opted out: nobody may contact them.")
    if lead.merged_into_id is not None:
        raise UnableToTouch("This lead was merged into another: log it there.")
    if not lead.is_workable:
        raise UnableToTouch(f"This lead is {lead.get_stage_display().lower()}: there is nothing to log.")
    queue.refuse_anothers(lead=lead, rep=new.rep, at=new.at)
    if new.channel not in Channel.values:
        raise InvalidInput("Choose the channel.", field="channel")
    if new.disposition not in Disposition.values:
        raise InvalidInput("Choose what came of it.", field="disposition")
    if new.purpose and new.purpose not in Purpose.values:
        raise InvalidInput("Choose what it was for.", field="purpose")
    is_history = new.source == Source.IMPORT
    if new.channel in lead.closed_channels and not is_history:
        raise UnableToTouch(f"They closed this channel ({Channel(new.channel).label.lower()}): use another.")
    if new.channel != Channel.CALL:
        return False
    theirs = calling.their_time(lead.time_zone, new.at, fallback=settings.COMPANY_TIME_ZONE)
    if theirs.is_proper:
        return False
    promised = lead.callback_at is not None and abs(new.at - lead.callback_at) <= CALLBACK_GRACE
    if not (promised or new.they_asked or is_history):
        whose = "their time" if theirs.is_known else "company time (theirs is not known)"
        raise OutsideCallingHours(
            f"It is {theirs.local:%a %H:%M} {whose}. Calling is proper {theirs.hour_words}; "
            "log it all the same if they asked for it.",
            field="they_asked",
        )
    return True


def _count(lead: Lead, new: NewTouch) -> None:
    lead.first_touch_at = lead.first_touch_at or new.at
    lead.last_touch_at = new.at
    lead.touch_count += 1
    lead.attempts += 1
    if new.disposition in rules.CONTACTS:
        lead.attempts = lead.postponed_to = 0
    lead.owner_id = lead.owner_id or new.rep.pk
    if lead.stage in (LeadStage.MCL, LeadStage.MQL, LeadStage.RECYCLED):
        lead.stage = LeadStage.WORKING


def _purpose(lead: Lead, was_first: bool, planned: str) -> str:
    """What a touch was for where nobody said so."""
    if was_first and lead.is_inbound:
        return Purpose.ANSWER
    return planned if planned in Purpose.values else Purpose.FOLLOW_UP


def apply_step(
    *, lead: Lead, step: rules.NextStep, at: datetime, callback_at: datetime | None = None
) -> EventKind | None:
    """Set the lead's fields for the next step; the event that marks an exit, if it is one."""
    lead.callback_at = lead.next_touch_at = lead.reentry_on = None
    lead.next_channel = lead.next_purpose = ""
    lead.due_at = lead.warn_at = None
    lead.proposal = lead.proposal_reason = ""
    match step.act:
        case rules.Act.CALL_BACK:
            lead.callback_at = lead.due_at = callback_at
            lead.warn_at = callback_at - CALLBACK_WARNING if callback_at else None
            lead.next_channel = Channel.CALL
        case rules.Act.RETRY | rules.Act.QUALIFY:
            lead.next_touch_at = _proper(lead, step.channel, at + step.wait)
            lead.next_channel = step.channel
            lead.next_purpose = Purpose.QUALIFY if step.act is rules.Act.QUALIFY else Purpose.FOLLOW_UP
        case rules.Act.PROPOSE:
            # It asks for an answer now; the row stands among the touches due.
            lead.next_touch_at, lead.next_channel = at, step.channel
            lead.proposal, lead.proposal_reason = step.proposal, step.reason[:_LONGEST_REASON]
        case rules.Act.RECYCLE:
            lead.stage, lead.stage_reason = LeadStage.RECYCLED, step.reason
            lead.reentry_on = day_of(at, settings.COMPANY_TIME_ZONE) + timedelta(days=step.recycle_days)
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


def _proper(lead: Lead, channel: str, at: datetime) -> datetime:
    """A call is planned into the prospect's calling hours."""
    return callable_from(lead=lead, at=at) if channel == Channel.CALL else at
