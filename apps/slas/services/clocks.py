"""Start the clocks of promises, pause them and let them go on. What ends them is in ``services.verdicts``.

A clock copies its target, its calendar and its steps when it starts; nothing that is edited later moves it
(``services.rebasing`` does, on purpose).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import HandOff, Lead
from apps.leads.selectors.conditions import known_of
from apps.leads.services import queue
from apps.reps.rules.business_time import NeverOpen, Pause
from apps.reps.rules.hours import Hours
from apps.reps.selectors import hours_for, hours_of, own_hours
from apps.slas.models import Clock, ClockHolder, ClockKind, ClockPause, ClockState
from apps.slas.rules import escalation, promises
from apps.slas.rules.promises import Terms
from apps.slas.services.calendar_copies import copies_of, hours_in
from apps.slas.services.policies import terms_in_force


class UnableToPause(DomainError):
    """The clock has ended, or stands still already (or runs already)."""

    code = "unable_to_pause"


@dataclass(frozen=True)
class _Promise:
    """A clock about to start: who promised what, to be kept by when."""

    kind: ClockKind
    minutes: float
    due: promises.Due
    wanted: int = 1
    channels: tuple[str, ...] = ()


@transaction.atomic
def start_for_leads(*, leads: Iterable[Lead], at: datetime) -> list[Clock]:
    """Start the clocks of leads that just arrived; the queue learns the deadline of the first answer.

    A lead without a team, or whom no policy promises anything, gets none. The hours are the owner's own
    where there are such, else the team's. A fixed number of statements,
    whatever the number of leads, beyond the batches of the insert.
    """
    terms = terms_in_force()
    arrived = list(leads)
    own = own_hours(lead.owner_id for lead in arrived)
    made: list[tuple[Clock, Hours]] = []
    for lead in arrived:
        if lead.team is None or not lead.is_workable:
            continue
        match = promises.first_match(terms, known_of(lead))
        if match is None:
            continue
        hours = own.get(lead.owner_id or 0) or hours_of(lead.team.calendar)
        started_at = lead.mql_at or lead.created_at
        for promise in _promised(lead, match, hours, started_at):
            clock = _clock(promise, match, hours, started_at, lead=lead, team_id=lead.team_id)
            clock.rep_id = clock.started_with_id = lead.owner_id
            made.append((clock, hours))
    clocks = _insert(made)
    queue.promise_many(
        promises=[
            (clock.lead, clock.due_at, clock.warn_at)
            for clock in clocks
            if clock.kind == ClockKind.FIRST_RESPONSE
        ]
    )
    return clocks


@transaction.atomic
def start_ae_answer(*, hand_off: HandOff, at: datetime) -> Clock | None:
    """Start the clock of the AE's answer and write the promise on the hand-off."""
    lead, ae = hand_off.lead, hand_off.ae
    match = promises.first_match(terms_in_force(), known_of(lead))
    if match is None or match.ae_answer_minutes is None:
        return None
    hours = hours_for(ae)
    due = _due(hours, at, match.ae_answer_minutes, match.warn_percent)
    if due is None:
        return None
    hand_off.due_at, hand_off.warn_at = due.due_at, due.warn_at
    HandOff.objects.filter(pk=hand_off.pk).update(due_at=due.due_at, warn_at=due.warn_at)
    promise = _Promise(ClockKind.AE_ANSWER, match.ae_answer_minutes, due)
    clock = _clock(promise, match, hours, at, lead=lead, team_id=ae.team_id)
    clock.hand_off, clock.rep, clock.started_with = hand_off, ae, ae
    return _insert([(clock, hours)])[0]


def _promised(lead: Lead, terms: Terms, hours: Hours, started_at: datetime) -> list[_Promise]:
    found = []
    for kind in (ClockKind.FIRST_RESPONSE, ClockKind.DISPOSITION):
        minutes = terms.minutes_for(kind)
        if minutes is None or (kind == ClockKind.FIRST_RESPONSE and lead.touch_count):
            continue
        due = _due(hours, started_at, minutes, terms.warn_percent)
        if due is not None:
            found.append(_Promise(kind, minutes, due))
    if terms.touch_count is not None and terms.touch_days is not None:
        due = _due_in_days(hours, started_at, terms.touch_days, terms.warn_percent)
        if due is not None:
            found.append(
                _Promise(ClockKind.TOUCHES, due.minutes, due, terms.touch_count, terms.touch_channels)
            )
    return found


def _due(hours: Hours, started_at: datetime, minutes: float, warn_percent: int) -> promises.Due | None:
    try:
        return promises.promise(
            hours=hours, started_at=started_at, minutes=minutes, warn_percent=warn_percent
        )
    except NeverOpen:
        # A calendar without hours promises nothing; it must not stop a lead from coming in.
        return None


def _due_in_days(hours: Hours, started_at: datetime, days: int, warn_percent: int) -> promises.Due | None:
    try:
        minutes = promises.minutes_of_days(hours=hours, started_at=started_at, days=days)
    except NeverOpen:
        return None
    return _due(hours, started_at, minutes, warn_percent)


def _clock(
    promise: _Promise, terms: Terms, hours: Hours, started_at: datetime, *, lead: Lead, team_id: int | None
) -> Clock:
    steps = terms.steps
    if promise.kind == ClockKind.AE_ANSWER:
        steps = escalation.with_fallback(terms.steps, terms.fallback)
    clock = Clock(
        kind=promise.kind,
        lead=lead,
        policy_id=terms.policy_id,
        team_id=team_id,
        started_at=started_at,
        target_minutes=promise.minutes,
        warn_at=promise.due.warn_at,
        due_at=promise.due.due_at,
        wanted=promise.wanted,
        terms={
            "policy": terms.name,
            "conditions": [one.in_words for one in terms.conditions],
            "warn_percent": terms.warn_percent,
            "steps": [step.as_dict() for step in steps],
            "channels": list(promise.channels),
        },
    )
    clock.next_step_at = step_at(clock=clock, hours=hours, pauses=())
    return clock


def _insert(made: Sequence[tuple[Clock, Hours]]) -> list[Clock]:
    if not made:
        return []
    copies = copies_of(hours for _, hours in made)
    for clock, hours in made:
        clock.calendar = copies[hours]
    clocks = [clock for clock, _ in made]
    insert_rows(clocks)
    return clocks


# --- What a clock counts by -----------------------------------------------------------------------


def hours_of_clock(clock: Clock) -> Hours:
    """The calendar by which the clock was started; ``calendar`` and ``team__calendar`` are read with it."""
    if clock.calendar is not None:
        return hours_in(clock.calendar)
    return hours_of(clock.team.calendar) if clock.team else Hours.of("UTC", {})


def hours_now(clock: Clock) -> Hours | None:
    """What a promise set anew counts by: its rep's own hours, else its team's. Joined in as by ``locked``."""
    if clock.team is None:
        return None
    own = clock.rep.calendar if clock.rep is not None else None
    return hours_of(own or clock.team.calendar)


def pauses_of(*, clock: Clock, until: datetime) -> list[Pause]:
    """The clock's pauses as spans; one that still lasts ends at ``until``. Prefetch ``pauses`` for many."""
    return [(pause.from_at, pause.until_at or max(until, pause.from_at)) for pause in clock.pauses.all()]


def step_at(*, clock: Clock, hours: Hours, pauses: Sequence[Pause]) -> datetime | None:
    """The planned instant of the clock's next step of escalation; ``None`` when none is left."""
    steps = escalation.parse_steps(clock.terms.get("steps", []))
    if clock.next_step >= len(steps):
        return None
    try:
        return escalation.planned_at(
            steps[clock.next_step],
            hours=hours,
            started_at=clock.started_at,
            minutes=clock.target_minutes,
            pauses=pauses,
        )
    except NeverOpen:
        return None


def set_instants(*, clock: Clock, at: datetime, pauses: Sequence[Pause] | None = None) -> None:
    """Work out warning, due and next step again from start, target and pauses; the caller saves."""
    hours, pauses = hours_of_clock(clock), pauses_of(clock=clock, until=at) if pauses is None else pauses
    due = promises.promise(
        hours=hours,
        started_at=clock.started_at,
        minutes=clock.target_minutes,
        warn_percent=clock.terms.get("warn_percent", 70),
        pauses=pauses,
    )
    clock.warn_at, clock.due_at = due.warn_at, due.due_at
    clock.next_step_at = step_at(clock=clock, hours=hours, pauses=pauses)


def locked(**lookup: Any) -> list[Clock]:
    """These clocks, locked for this transaction, with what their arithmetic reads. The order is by id."""
    return list(
        Clock.objects.select_for_update(of=("self",))
        .filter(**lookup)
        .select_related("calendar", "team__calendar", "rep__calendar", "lead")
        .prefetch_related("pauses", "holders")
        .order_by("pk")
    )


def without_clock(leads: Iterable[Lead]) -> list[Lead]:
    """Those to whom no first response runs, was kept or was missed."""
    found = list(leads)
    promised = set(
        Clock.objects.filter(kind=ClockKind.FIRST_RESPONSE, lead__in=[lead.pk for lead in found])
        .exclude(state=ClockState.CANCELLED)
        .values_list("lead", flat=True)
    )
    return [lead for lead in found if lead.pk not in promised]


# --- Standing still -------------------------------------------------------------------------------


def _lock_subject(clock: Clock) -> None:
    """Lead, then hand-off, then clock: the order in which everybody locks, so that nobody waits in a ring."""
    Lead.objects.select_for_update(of=("self",)).get(pk=clock.lead_id)
    if clock.hand_off_id is not None:
        HandOff.objects.select_for_update().get(pk=clock.hand_off_id)


@transaction.atomic
def pause(*, clock: Clock, reason: str, at: datetime, actor: Any = None) -> Clock:
    """Let a running clock stand still from ``at``, because the customer asked to wait; never for time off.

    Raises ``UnableToPause`` for one that ended, is overdue or stands still, ``InvalidInput`` without a reason.
    """
    if not reason.strip():
        raise InvalidInput("Say why: who asked to wait, and for what.", field="reason")
    _lock_subject(clock)
    clock = locked(pk=clock.pk)[0]
    if clock.state != ClockState.RUNNING or clock.due_at < at:
        raise UnableToPause("Only a promise that still runs can be paused.")
    if clock.paused_at is not None:
        raise UnableToPause("This promise stands still already.")
    ClockPause.objects.create(clock=clock, from_at=at, reason=reason.strip()[:120], by=_person(actor))
    clock.paused_at = at
    clock.save(update_fields=["paused_at"])
    _tell_queue([clock])
    audit.record(verb="slas.clock.paused", subject=clock, at=at, actor=actor, data={"reason": reason[:120]})
    return clock


@transaction.atomic
def resume(*, clock: Clock, at: datetime, actor: Any = None) -> Clock:
    """Let a clock go on: it is due later by the open time that it stood still. Raises ``UnableToPause``."""
    _lock_subject(clock)
    clock = locked(pk=clock.pk)[0]
    if clock.paused_at is None:
        raise UnableToPause("This promise does not stand still.")
    end_pause(clock=clock, at=at)
    clock.save(update_fields=["paused_at", "warn_at", "due_at", "next_step_at"])
    _tell_queue([clock])
    audit.record(
        verb="slas.clock.resumed", subject=clock, at=at, actor=actor, data={"due": clock.due_at.isoformat()}
    )
    return clock


def end_pause(*, clock: Clock, at: datetime) -> None:
    """Close the open pause of a locked clock at ``at`` and set its instants; the caller saves the clock."""
    for one in clock.pauses.all():
        if one.until_at is None:
            if one.from_at >= at:
                one.delete()
            else:
                one.until_at = at
                one.save(update_fields=["until_at"])
    clock.paused_at = None
    set_instants(
        clock=clock, at=at, pauses=[(one.from_at, one.until_at or at) for one in clock.pauses.order_by("pk")]
    )


def _tell_queue(clocks: Iterable[Clock]) -> None:
    """The lead shows the deadline of its first answer, and none while that stands still."""
    queue.promise_many(
        promises=[
            (clock.lead, None, None) if clock.paused_at else (clock.lead, clock.due_at, clock.warn_at)
            for clock in clocks
            if clock.kind == ClockKind.FIRST_RESPONSE
        ]
    )


# --- Who is to keep it ----------------------------------------------------------------------------


@transaction.atomic
def hand_over(*, owners: Mapping[int, int | None], at: datetime) -> int:
    """Leads changed hands at ``at`` (lead id to rep id): their unanswered clocks go with them; how many.

    The due instants stay as promised: the customer does not wait longer because somebody else answers.
    """
    if not owners:
        return 0
    found = [
        clock
        for clock in Clock.objects.select_for_update(of=("self",))
        .filter(lead__in=list(owners), hand_off__isnull=True, answered_at__isnull=True)
        .exclude(state=ClockState.CANCELLED)
        .select_related("lead")
        .order_by("pk")
        if (clock.rep_id, clock.team_id) != (owners[clock.lead_id], clock.lead.team_id)
    ]
    passed = [clock for clock in found if clock.rep_id != owners[clock.lead_id]]
    for clock in found:
        # With its team, whose manager sees it and is told; it goes on counting by the calendar it copied.
        clock.rep_id, clock.team_id = owners[clock.lead_id], clock.lead.team_id
    update_rows(found, ("rep", "team"))
    insert_rows([ClockHolder(clock=clock, rep_id=clock.rep_id, from_at=at) for clock in passed])
    return len(found)


def _person(actor: Any) -> Any:
    return actor if getattr(actor, "pk", None) else None
