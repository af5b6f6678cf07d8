"""Set running clocks anew on purpose, by the policy and the calendar in force now. Nothing else moves one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.leads.selectors.conditions import known_of
from apps.leads.services import queue
from apps.reps.rules.business_time import NeverOpen
from apps.slas.models import Clock, ClockKind, ClockRebase, ClockState
from apps.slas.rules import escalation, promises
from apps.slas.services import clocks
from apps.slas.services.calendar_copies import copies_of, copy_of
from apps.slas.services.policies import terms_in_force

MOST = 1_000


class UnableToRebase(DomainError):
    """The clock has ended, stands still, or no policy promises the thing any more."""

    code = "unable_to_rebase"


@transaction.atomic
def rebase(*, running: Sequence[Clock], why: str, at: datetime, actor: Any) -> list[ClockRebase]:
    """Work out these running clocks again from their start, by the terms and hours in force at ``at``.

    All of them or none; what each was and became is kept. Raises ``InvalidInput`` without a reason or for too
    many, ``UnableToRebase`` for one that cannot be set anew.
    """
    if not why.strip():
        raise InvalidInput("Say why these promises are set anew.", field="why")
    if not 0 < len(running) <= MOST:
        raise InvalidInput(f"Choose between 1 and {MOST:,} promises.", field="clock")
    found = clocks.locked(pk__in=[clock.pk for clock in running])
    terms = terms_in_force()
    before = [_plain(clock) for clock in found]
    copies = copies_of({hours for clock in found if (hours := clocks.hours_now(clock))})
    for clock in found:
        _set_anew(clock, promises.first_match(terms, known_of(clock.lead)), copies, at)
    update_rows(
        found,
        (
            "policy",
            "calendar",
            "target_minutes",
            "wanted",
            "terms",
            "warn_at",
            "due_at",
            "next_step",
            "next_step_at",
        ),
    )
    queue.promise_many(
        promises=[
            (clock.lead, clock.due_at, clock.warn_at)
            for clock in found
            if clock.kind == ClockKind.FIRST_RESPONSE
        ]
    )
    rows = [
        ClockRebase(clock=clock, at=at, by=actor, why=why.strip()[:200], before=was, after=_plain(clock))
        for clock, was in zip(found, before, strict=True)
    ]
    insert_rows(rows)
    audit.record(
        verb="slas.clocks.rebased",
        subject=found[0],
        at=at,
        actor=actor,
        data={"clocks": [clock.pk for clock in found], "why": why.strip()[:200]},
    )
    return rows


@dataclass(frozen=True)
class Preview:
    """What setting a clock anew would make of it: ``after`` is ``None`` where it cannot be, ``why_not`` says why."""

    clock: Clock
    before: dict[str, Any]
    after: dict[str, Any] | None
    due_before: datetime
    due_after: datetime
    why_not: str = ""


def preview(*, running: Sequence[Clock], at: datetime) -> list[Preview]:
    """What ``rebase`` would do to each at ``at``; nothing is written. Reads as many statements as for one."""
    found = list(
        Clock.objects.filter(pk__in=[clock.pk for clock in running[:MOST]])
        .select_related("calendar", "team__calendar", "rep__calendar", "lead")
        .prefetch_related("pauses")
    )
    terms = terms_in_force()
    # Nothing is saved: a copy that is not kept yet stands for each calendar.
    copies = {hours: copy_of(hours) for hours in {clocks.hours_now(one) for one in found} if hours}
    rows = []
    for clock in found:
        before, due_at = _plain(clock), clock.due_at
        try:
            _set_anew(clock, promises.first_match(terms, known_of(clock.lead)), copies, at)
        except UnableToRebase as error:
            rows.append(Preview(clock, before, None, due_at, due_at, error.message))
        else:
            rows.append(Preview(clock, before, _plain(clock), due_at, clock.due_at))
    return rows


def _set_anew(clock: Clock, terms: promises.Terms | None, copies: dict, at: datetime) -> None:
    hours = clocks.hours_now(clock)
    if clock.state != ClockState.RUNNING or clock.paused_at is not None or hours is None:
        raise UnableToRebase(f"{clock.lead.label}: only a promise that runs can be set anew.")
    minutes, wanted, channels = _target(clock, terms, hours)
    if terms is None or minutes is None:
        raise UnableToRebase(f"{clock.lead.label}: no policy promises this any more; cancel it instead.")
    steps = terms.steps
    if clock.kind == ClockKind.AE_ANSWER:
        steps = escalation.with_fallback(terms.steps, terms.fallback)
    clock.policy_id, clock.calendar = terms.policy_id, copies[hours]
    clock.target_minutes, clock.wanted = minutes, wanted
    clock.terms = {
        "policy": terms.name,
        "conditions": [one.in_words for one in terms.conditions],
        "warn_percent": terms.warn_percent,
        "steps": [step.as_dict() for step in steps],
        "channels": channels,
    }
    # Steps that were taken stay taken: the next one is the first not taken yet.
    clock.next_step = min(clock.next_step, len(steps))
    clocks.set_instants(clock=clock, at=at)


def _target(clock: Clock, terms: promises.Terms | None, hours: Any) -> tuple[float | None, int, list[str]]:
    if terms is None:
        return None, 1, []
    if clock.kind != ClockKind.TOUCHES:
        return terms.minutes_for(clock.kind), 1, []
    if terms.touch_count is None or terms.touch_days is None:
        return None, 1, []
    try:
        minutes = promises.minutes_of_days(hours=hours, started_at=clock.started_at, days=terms.touch_days)
    except NeverOpen:
        return None, 1, []
    return minutes, terms.touch_count, list(terms.touch_channels)


def _plain(clock: Clock) -> dict[str, Any]:
    return {
        "policy": clock.terms.get("policy", ""),
        "target_minutes": clock.target_minutes,
        "wanted": clock.wanted,
        "warn_at": clock.warn_at.isoformat(),
        "due_at": clock.due_at.isoformat(),
    }
