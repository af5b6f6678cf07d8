"""Turn what time has done to clocks into facts: call them breached, and take the steps of escalation.

A poller over stored instants: any number may run at once, late or never, and each breach is recorded once with
its true instant, each step taken once. On PostgreSQL rows that somebody else holds are skipped, never waited for;
on either database a step is a row that is unique for its clock.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F, QuerySet

from apps.leads.models import HandOff, Lead
from apps.slas.models import Clock, ClockState
from apps.slas.rules.escalation import NOTIFY_MANAGER, REASSIGN, REMIND
from apps.slas.services.escalating import Round, next_act

_BATCH = 200


def sweep(*, at: datetime) -> int:
    """Call every running clock breached whose due instant has passed; how many this call did.

    Compare and swap, a batch at a time. A clock that somebody answers at this moment is left to the answer.
    """
    swept = 0
    while True:
        batch = _sweep_some(at)
        if not batch:
            return swept
        swept += batch


@transaction.atomic
def _sweep_some(at: datetime) -> int:
    due = _unless_held(Clock.objects.due_before(at).order_by("due_at"))
    return Clock.objects.filter(
        pk__in=list(due.values_list("pk", flat=True)[: 5 * _BATCH]),
        state=ClockState.RUNNING,
        paused_at__isnull=True,
        due_at__lt=at,
    ).update(state=ClockState.BREACHED, breached_at=F("due_at"))


def escalate(*, at: datetime) -> int:
    """Take every step of escalation whose instant has come; how many steps this call took.

    A clock that missed several steps (the sweep was away) takes them one after the other, in order.
    """
    taken = 0
    while True:
        told, others = _tell_some(at)
        given = [clock for clock in others if next_act(clock) == REASSIGN]
        answers = [clock for clock in others if next_act(clock) != REASSIGN]
        steps = told + _give_on(given, at) + sum(_answer(clock, at) for clock in answers)
        if not steps:
            return taken
        taken += steps


@transaction.atomic
def _tell_some(at: datetime) -> tuple[int, list[Clock]]:
    """Take the steps of one batch that only tell somebody; how many, and the clocks whose steps do more."""
    found = list(_unless_held(_pressing(at).order_by("next_step_at", "pk"))[:_BATCH])
    told: list[Clock] = []
    others: list[Clock] = []
    for clock in found:
        (told if next_act(clock) in (REMIND, NOTIFY_MANAGER) else others).append(clock)
    _take(told, at)
    return len(told), others


@transaction.atomic
def _give_on(wanted: Sequence[Clock], at: datetime) -> int:
    """Take the steps that give leads to another rep, all at once; how many."""
    if not wanted:
        return 0
    # A lead is locked before its clocks, as whoever touches it does: neither ever waits for the other.
    leads = _hold(Lead, (clock.lead_id for clock in wanted))
    found = _found_again(wanted, at, lead__in=leads)
    _take(found, at)
    return len(found)


@transaction.atomic
def _answer(wanted: Clock, at: datetime) -> int:
    """Take the step that answers or moves one hand-off; whether it was taken, as a number."""
    if not _hold(HandOff, [wanted.hand_off_id]) or not _hold(Lead, [wanted.lead_id]):
        return 0
    found = _found_again([wanted], at)
    _take(found, at)
    return len(found)


def _take(found: Sequence[Clock], at: datetime) -> None:
    if not found:
        return
    round_ = Round(at)
    round_.give_on([clock for clock in found if next_act(clock) == REASSIGN])
    for clock in found:
        round_.take(clock)
    round_.write(found)


def _pressing(at: datetime) -> QuerySet[Clock]:
    return (
        Clock.objects.filter(next_step_at__lte=at, answered_at__isnull=True, paused_at__isnull=True)
        .exclude(state=ClockState.CANCELLED)
        .select_related("lead")
        # Few and shared by many: read once each, instead of with every clock.
        .prefetch_related("calendar", "team__calendar", "team__manager", "rep", "hand_off", "pauses")
    )


def _found_again(wanted: Sequence[Clock], at: datetime, **more: Any) -> list[Clock]:
    """Those of ``wanted`` whose step is still to be taken, locked, in the order of time."""
    steps = {clock.pk: clock.next_step for clock in wanted}
    found = _unless_held(_pressing(at).filter(pk__in=list(steps), **more).order_by("next_step_at", "pk"))
    return [clock for clock in found if clock.next_step == steps[clock.pk]]


def _hold(model: type[models.Model], ids: Any) -> list[int]:
    """Lock these rows for this transaction, but for those that somebody else holds; which were locked."""
    rows = model._default_manager.filter(pk__in=set(ids)).order_by("pk")
    return list(_unless_held(rows).values_list("pk", flat=True))


def _unless_held(rows: QuerySet[Any]) -> QuerySet[Any]:
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",))
    return rows
