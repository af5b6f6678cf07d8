"""What ends a clock: the thing was done, or is no longer to be done. And who says why one was broken.

A clock's verdict is a function of its due instant and of when the thing was done, so that it does not matter
whether the sweep or the answer comes first, or how often either comes. A fact that is taken back is judged
again from what still holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from apps.audit import services as audit
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_start
from apps.core.prepared import PreparedQuery
from apps.leads.models import EventKind, FunnelEvent, Touch
from apps.leads.services.contests import UPHELD_REASON
from apps.reps.models import TimeOff
from apps.slas.models import BreachReason, Clock, ClockHolder, ClockKind, ClockState
from apps.slas.rules import minutes as where
from apps.slas.rules import promises
from apps.slas.rules.promises import MET, Done
from apps.slas.services import clocks

ANSWERED_BY: Mapping[str, tuple[EventKind, ...]] = {
    # A lead that is booked was answered, even where nobody logged the call.
    ClockKind.FIRST_RESPONSE: (EventKind.TOUCHED, EventKind.HANDED_OFF),
    ClockKind.DISPOSITION: (
        EventKind.QUALIFIED,
        EventKind.HANDED_OFF,
        EventKind.DISQUALIFIED,
        EventKind.RECYCLED,
    ),
    ClockKind.AE_ANSWER: (EventKind.ACCEPTED, EventKind.REJECTED),
}
LEFT = {
    EventKind.HANDED_OFF: "Handed off before all touches",
    EventKind.DISQUALIFIED: "Disqualified before all touches",
    EventKind.RECYCLED: "Recycled before all touches",
}
"""After these nobody is to touch the lead any more: a promise of touches ends without a verdict."""

_JUDGED = (
    "answered_at", "rep", "state", "met_at", "breached_at", "paused_at", "due_at", "warn_at", "next_step_at",
    "done", "cancelled_at", "cancelled_because", *(f"{part}_seconds" for part in where.PARTS),
)  # fmt: skip
_BATCH = 500


class UnableToExplain(DomainError):
    """The promise was not broken, or the reason is none of the known ones."""

    code = "unable_to_explain"


@dataclass(frozen=True)
class Fact:
    """Something that happened to a lead or a hand-off, as a clock judges it; ``rep_id`` did it."""

    kind: str
    at: datetime
    lead_id: int
    hand_off_id: int | None = None
    rep_id: int | None = None


def judge(*, facts: Sequence[Fact], at: datetime) -> int:
    """Hold new facts against the clocks that are not answered yet; how many ended or moved on.

    One look at the clocks and one update for a batch of facts, whatever its size.
    """
    if not facts:
        return 0
    # Facts are told inside the transaction that makes them true: a savepoint would only cost.
    with transaction.atomic(savepoint=False):
        found = _unanswered(facts)
        if not found:
            return 0
        touches = _touches_of([clock for clock in found if clock.kind == ClockKind.TOUCHES])
        changed = [clock for clock in found if _apply(clock, facts, touches, at)]
        _keep(changed, at)
    return len(changed)


def judge_again(*, leads: Iterable[int], at: datetime) -> int:
    """Judge the clocks of these leads by what holds now: some fact was taken back. How many changed."""
    ids = sorted(set(leads))
    if not ids:
        return 0
    with transaction.atomic(savepoint=False):
        found = clocks.locked(lead__in=ids)
        kinds = {kind for kinds in ANSWERED_BY.values() for kind in kinds} | set(LEFT)
        found_events = FunnelEvent.objects.filter(lead__in=ids, kind__in=kinds)
        # A rejection that a judge did not let stand was an answer all the same: the AE kept the promise.
        overruled = Q(kind=EventKind.REJECTED, reversed_by__data__reason=UPHELD_REASON)
        events = (found_events.effective() | found_events.filter(overruled)).order_by("occurred_at", "pk")
        facts = [Fact(one.kind, one.occurred_at, one.lead_id or 0, one.hand_off_id) for one in events]
        touches = _touches_of([clock for clock in found if clock.kind == ClockKind.TOUCHES])
        changed = []
        for clock in found:
            if clock.cancelled_because and clock.cancelled_because not in LEFT.values():
                continue
            before = _plain(clock)
            _open(clock, at)
            _apply(clock, facts, touches, at)
            if _plain(clock) != before:
                changed.append(clock)
        _keep(changed, at)
    return len(changed)


def cancel(*, leads: Iterable[int], because: str, at: datetime) -> int:
    """End the running clocks of leads that nobody is to work any more, without a verdict; how many.

    A verdict that was reached before stays: it was true then.
    """
    with transaction.atomic(savepoint=False):
        found = clocks.locked(lead__in=sorted(set(leads)), state=ClockState.RUNNING, hand_off__isnull=True)
        for clock in found:
            _cancel(clock, because, at)
        _keep(found, at)
    return len(found)


def cancel_answer(*, hand_off: int, because: str, at: datetime) -> int:
    """End the running clock of an AE's answer to this hand-off without a verdict: another AE has it now."""
    with transaction.atomic(savepoint=False):
        found = clocks.locked(hand_off=hand_off, kind=ClockKind.AE_ANSWER, state=ClockState.RUNNING)
        for clock in found:
            _cancel(clock, because, at)
        _keep(found, at)
    return len(found)


# --- One clock ------------------------------------------------------------------------------------


def _apply(clock: Clock, facts: Sequence[Fact], touches: Mapping[int, list[Done]], at: datetime) -> bool:
    """Move the clock by the facts that concern it, the earliest first; whether anything changed."""
    own = sorted((fact for fact in facts if _concerns(fact, clock)), key=lambda fact: (fact.at, fact.kind))
    if clock.kind == ClockKind.TOUCHES:
        return _apply_touches(clock, own, touches.get(clock.pk, []), at)
    answer = next((fact for fact in own if fact.kind in ANSWERED_BY[clock.kind]), None)
    if answer is None:
        return False
    _answer(clock, answer.at, answer.rep_id)
    return True


def _concerns(fact: Fact, clock: Clock) -> bool:
    if clock.hand_off_id is not None:
        return fact.hand_off_id == clock.hand_off_id
    return fact.lead_id == clock.lead_id


def _apply_touches(clock: Clock, facts: Sequence[Fact], done: list[Done], at: datetime) -> bool:
    counted = len(done)
    moved = counted != clock.done
    clock.done = counted
    kept_at = promises.kept_by_touches(done, wanted=clock.wanted, channels=clock.terms.get("channels", []))
    if kept_at is not None:
        _answer(clock, kept_at, None)
        return True
    left = next((fact for fact in facts if fact.kind in LEFT and fact.at >= clock.started_at), None)
    if left is not None and left.at <= clock.due_at:
        _cancel(clock, LEFT[EventKind(left.kind)], left.at)
        return True
    return moved


def _answer(clock: Clock, when: datetime, rep_id: int | None) -> None:
    if clock.paused_at is not None:
        clocks.end_pause(clock=clock, at=when)
    kept = promises.verdict(due_at=clock.due_at, answered_at=when, now=when) == MET
    clock.answered_at = when
    if rep_id is not None and rep_id != clock.rep_id:
        clock.rep_id = rep_id
    clock.state = ClockState.MET if kept else ClockState.BREACHED
    clock.met_at = when if kept else None
    clock.breached_at = None if kept else clock.due_at
    clock.next_step_at = None


def _cancel(clock: Clock, because: str, at: datetime) -> None:
    clock.state, clock.cancelled_at, clock.cancelled_because = ClockState.CANCELLED, at, because[:80]
    # The sweep may have called it breached before the fact was told.
    clock.met_at = clock.breached_at = None
    clock.next_step_at = None


def _open(clock: Clock, at: datetime) -> None:
    """As if nothing had been done yet: running, or breached where the time is up."""
    clock.answered_at = clock.met_at = clock.cancelled_at = None
    clock.cancelled_because = ""
    if clock.hand_off_id is None:
        clock.rep_id = clock.lead.owner_id
    for part in where.PARTS:
        setattr(clock, f"{part}_seconds", None)
    over = promises.verdict(due_at=clock.due_at, answered_at=None, now=at) != promises.RUNNING
    clock.state = ClockState.BREACHED if over else ClockState.RUNNING
    clock.breached_at = clock.due_at if over else None
    clock.next_step_at = clocks.step_at(
        clock=clock, hours=clocks.hours_of_clock(clock), pauses=clocks.pauses_of(clock=clock, until=at)
    )


def _plain(clock: Clock) -> tuple[Any, ...]:
    return tuple(clock.rep_id if name == "rep" else getattr(clock, name) for name in _JUDGED)


# --- Reading and writing many -----------------------------------------------------------------------


def _unanswered(facts: Sequence[Fact]) -> list[Clock]:
    """The clocks that these facts may end or move, locked; not looked up whole where there are none."""
    of_lead = {kind for clock, kinds in ANSWERED_BY.items() if clock != ClockKind.AE_ANSWER for kind in kinds}
    leads = {fact.lead_id for fact in facts if fact.kind in of_lead or fact.kind in LEFT}
    answers = [fact.hand_off_id for fact in facts if fact.kind in ANSWERED_BY[ClockKind.AE_ANSWER]]
    hand_offs = {pk for pk in answers if pk is not None}
    found: list[int] = []
    # Two lists, each by its own index; a batch at a time, for SQLite's limit on variables.
    for name, ids in (("lead", sorted(leads)), ("hand_off", sorted(hand_offs))):
        for start in range(0, len(ids), _BATCH):
            found += _waiting(name, ids[start : start + _BATCH])
    return [
        clock
        for start in range(0, len(found), _BATCH)
        for clock in clocks.locked(pk__in=found[start : start + _BATCH], answered_at__isnull=True)
        if clock.state != ClockState.CANCELLED
    ]


def _waiting(name: str, ids: Sequence[int]) -> list[int]:
    """The keys of the clocks of these leads (``hand_off`` empty) or hand-offs that nothing has answered yet."""
    if len(ids) == 1:
        return [row[0] for row in _waiting_for_one(connection.vendor, name).rows({_SUBJECT: ids[0]})]
    return list(_unanswered_of(name, f"{name}__in", ids))


_SUBJECT = -101


@lru_cache(maxsize=8)
def _waiting_for_one(_vendor: str, name: str) -> PreparedQuery:
    # Most facts come alone, and to most of them no clock runs.
    return PreparedQuery(_unanswered_of(name, f"{name}_id", _SUBJECT), _SUBJECT)


def _unanswered_of(name: str, lookup: str, value: Any) -> QuerySet[Any, Any]:
    waiting = Clock.objects.filter(**{lookup: value}, answered_at__isnull=True)
    waiting = waiting.exclude(state=ClockState.CANCELLED)
    if name == "lead":
        waiting = waiting.filter(hand_off__isnull=True)
    return waiting.order_by("pk").values_list("pk", flat=True)


def _touches_of(found: Sequence[Clock]) -> dict[int, list[Done]]:
    """By clock: the touches since its start that were not undone. One statement a batch."""
    if not found:
        return {}
    by_lead: dict[int, list[Done]] = {}
    first = min(clock.started_at for clock in found)
    rows = Touch.objects.filter(
        lead__in={clock.lead_id for clock in found}, undone_at__isnull=True, occurred_at__gte=first
    ).values_list("lead_id", "occurred_at", "channel")
    for lead_id, occurred_at, channel in rows:
        by_lead.setdefault(lead_id, []).append(Done(occurred_at, channel))
    return {
        clock.pk: [one for one in by_lead.get(clock.lead_id, []) if one.at >= clock.started_at]
        for clock in found
    }


def _keep(changed: Sequence[Clock], at: datetime) -> None:
    """Write the clocks, with where their time went for those that ended."""
    _note_holders(changed, at)
    ended = [clock for clock in changed if clock.answered_at is not None]
    away = absences(one.rep_id for clock in ended for one in held_by(clock))
    for clock in ended:
        _apportion(clock, away)
    update_rows(changed, _JUDGED)


def _note_holders(changed: Sequence[Clock], at: datetime) -> None:
    """Whoever answered held it from then on, where somebody else (or the pool) did before."""
    rows = []
    for clock in changed:
        held = list(clock.holders.all())
        last = held[-1].rep_id if held else clock.started_with_id
        if clock.rep_id != last:
            rows.append(ClockHolder(clock=clock, rep_id=clock.rep_id, from_at=clock.answered_at or at))
    insert_rows(rows)


def _apportion(clock: Clock, away: Mapping[int, Sequence[where.Span]]) -> None:
    assert clock.answered_at is not None
    found = where.where_it_went(
        hours=clocks.hours_of_clock(clock),
        arrived_at=clock.lead.created_at if clock.hand_off_id is None else clock.started_at,
        started_at=clock.started_at,
        ended_at=clock.answered_at,
        held=held_by(clock),
        away=dict(away),
        pauses=clocks.pauses_of(clock=clock, until=clock.answered_at),
    )
    for part, seconds in found.items():
        setattr(clock, f"{part}_seconds", seconds)


def held_by(clock: Clock) -> list[where.Held]:
    """Who was to keep the clock, from when; prefetch ``holders`` for many."""
    return [
        where.Held(clock.started_at, clock.started_with_id),
        *(where.Held(one.from_at, one.rep_id) for one in clock.holders.all()),
    ]


def absences(reps: Iterable[int | None]) -> dict[int, list[where.Span]]:
    """By rep: the days off as spans of instants, cut in the rep's own time zone. One statement."""
    ids = {pk for pk in reps if pk is not None}
    if not ids:
        return {}
    found: dict[int, list[where.Span]] = {}
    for off in TimeOff.objects.filter(rep__in=ids).select_related("rep"):
        zone = off.rep.time_zone
        found.setdefault(off.rep_id, []).append(
            (day_start(off.starts_on, zone), day_start(off.ends_on, zone))
        )
    return found


# --- Why it was broken ------------------------------------------------------------------------------


@transaction.atomic
def give_reason(*, clock: Clock, reason: str, note: str, at: datetime, actor: Any) -> Clock:
    """Say why a promise was broken; a later answer replaces an earlier one, and both are in the audit log.

    Raises ``UnableToExplain`` for a promise that was not broken, ``InvalidInput`` for an unknown reason and for
    "another reason" without a note.
    """
    if reason not in BreachReason.values:
        raise InvalidInput("Choose the reason.", field="reason")
    if reason == BreachReason.OTHER and not note.strip():
        raise InvalidInput("Say in a few words what the reason was.", field="note")
    clock = Clock.objects.select_for_update().get(pk=clock.pk)
    if clock.state != ClockState.BREACHED:
        raise UnableToExplain("This promise was not broken: there is no reason to give.")
    before = clock.breach_reason
    clock.breach_reason, clock.breach_note = reason, note.strip()[:300]
    clock.reason_by, clock.reason_at = actor, at
    clock.save(update_fields=["breach_reason", "breach_note", "reason_by", "reason_at"])
    audit.record(
        verb="slas.clock.reason_given",
        subject=clock,
        at=at,
        actor=actor,
        data={"before": before, "reason": reason},
    )
    return clock


def without_reason() -> Q:
    """Broken promises of which nobody has said why."""
    return Q(state=ClockState.BREACHED, breach_reason="")
