"""Start and stop the clocks of promises, and sweep those that ran out.

A clock's verdict is a function of its due instant and of when the thing was done, so that it does not
matter whether the sweep or the answer comes first, or how often either comes.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F, Min

from apps.core.bulk import insert_rows, update_rows
from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead
from apps.leads.services import queue
from apps.reps.models import Team
from apps.reps.rules.business_time import NeverOpen
from apps.reps.selectors import hours_of
from apps.slas.models import Clock, ClockKind, ClockState, Policy
from apps.slas.rules import promises
from apps.slas.rules.promises import MET, Terms

_BATCH = 1_000

RESPONSES = (EventKind.TOUCHED, EventKind.HANDED_OFF)
"""A lead that is booked was answered, even where nobody logged the call."""


def _terms() -> list[Terms]:
    return [policy.terms for policy in Policy.objects.filter(is_active=True)]


@transaction.atomic
def start_first_response(*, leads: Iterable[Lead], at: datetime) -> list[Clock]:
    """Start the first-response clock of leads that just arrived; the queue learns the deadline.

    A lead without a team, or whom no policy promises anything, gets none. One query for the policies
    and one insert, whatever the number of leads.
    """
    terms = _terms()
    clocks = []
    for lead in leads:
        match = promises.first_match(terms, score=lead.score, is_inbound=lead.is_inbound)
        if match is None or match.first_response_minutes is None or lead.team is None:
            continue
        if not lead.is_workable or lead.touch_count:
            continue
        started_at = lead.mql_at or lead.created_at
        due = _due(lead.team, started_at, match.first_response_minutes, match.warn_percent)
        if due is None:
            continue
        clocks.append(
            Clock(
                kind=ClockKind.FIRST_RESPONSE,
                lead=lead,
                policy_id=match.policy_id,
                team_id=lead.team_id,
                rep_id=lead.owner_id,
                started_at=started_at,
                target_minutes=match.first_response_minutes,
                warn_at=due.warn_at,
                due_at=due.due_at,
            )
        )
    insert_rows(clocks)
    queue.promise_many(promises=[(clock.lead, clock.due_at, clock.warn_at) for clock in clocks])
    return clocks


@transaction.atomic
def start_ae_answer(*, hand_off: HandOff, at: datetime) -> Clock | None:
    """Start the clock of the AE's answer and write the promise on the hand-off."""
    lead, ae = hand_off.lead, hand_off.ae
    match = promises.first_match(_terms(), score=lead.score, is_inbound=lead.is_inbound)
    if match is None or match.ae_answer_minutes is None:
        return None
    due = _due(ae.team, at, match.ae_answer_minutes, match.warn_percent)
    if due is None:
        return None
    hand_off.due_at, hand_off.warn_at = due.due_at, due.warn_at
    HandOff.objects.filter(pk=hand_off.pk).update(due_at=due.due_at, warn_at=due.warn_at)
    return Clock.objects.create(
        kind=ClockKind.AE_ANSWER,
        lead=lead,
        hand_off=hand_off,
        policy_id=match.policy_id,
        team_id=ae.team_id,
        rep=ae,
        started_at=at,
        target_minutes=match.ae_answer_minutes,
        warn_at=due.warn_at,
        due_at=due.due_at,
    )


def _due(team: Team, started_at: datetime, minutes: int, warn_percent: int) -> promises.Due | None:
    try:
        return promises.promise(
            hours=hours_of(team.calendar), started_at=started_at, minutes=minutes, warn_percent=warn_percent
        )
    except NeverOpen:
        # A calendar without hours promises nothing; it must not stop a lead from coming in.
        return None


def stop(*, kind: ClockKind, answered: Mapping[int, tuple[datetime, int | None]]) -> int:
    """Stop the clocks of these leads (first response) or hand-offs (AE's answer); how many.

    ``answered``: the id to when it was done and by which rep. A clock that the sweep called breached is
    put right when the answer was in time after all.
    """
    if not answered:
        return 0
    subject = "hand_off_id" if kind == ClockKind.AE_ANSWER else "lead_id"
    # Facts are told inside the transaction that makes them true: a savepoint would only cost.
    with transaction.atomic(savepoint=False):
        found = _unanswered(kind, subject, list(answered))
        for clock in found:
            _judge(clock, *answered[getattr(clock, subject)])
        update_rows(found, ("answered_at", "rep", "state", "met_at", "breached_at"))
    return len(found)


def without_clock(leads: Iterable[Lead]) -> list[Lead]:
    """Those to whom no first response runs, was kept or was missed."""
    found = list(leads)
    promised = set(
        Clock.objects.filter(kind=ClockKind.FIRST_RESPONSE, lead__in=[lead.pk for lead in found]).values_list(
            "lead", flat=True
        )
    )
    return [lead for lead in found if lead.pk not in promised]


@transaction.atomic
def cancel_first_response(*, leads: Iterable[Lead]) -> int:
    """Take away the running first-response clocks of leads that nobody is to answer any more; how many.

    A verdict that was reached before stays: it was true then.
    """
    running = Clock.objects.filter(
        kind=ClockKind.FIRST_RESPONSE, state=ClockState.RUNNING, lead__in=[lead.pk for lead in leads]
    )
    return running.delete()[0]


def take_back(*, answered: Mapping[int, datetime]) -> int:
    """Undo the first answers to these leads (id, and when it was): their clocks run again; how many.

    Where another answer is on record, the earliest one counts instead. A lead whose clock was started anew
    meanwhile keeps that one.
    """
    if not answered:
        return 0
    with transaction.atomic(savepoint=False):
        clocks = Clock.objects.filter(kind=ClockKind.FIRST_RESPONSE, lead__in=answered)
        running = set(clocks.filter(state=ClockState.RUNNING).values_list("lead_id", flat=True))
        stopped = (
            clocks.filter(answered_at__isnull=False).select_related("lead").select_for_update(of=("self",))
        )
        found = [one for one in stopped if one.answered_at == answered[one.lead_id]]
        left = _earliest_answers(answered)
        changed = []
        for clock in found:
            if clock.lead_id in left:
                _judge(clock, left[clock.lead_id], None)
            elif clock.lead_id not in running:
                clock.answered_at = clock.met_at = clock.breached_at = None
                clock.state, clock.rep_id = ClockState.RUNNING, clock.lead.owner_id
            else:
                continue
            changed.append(clock)
        update_rows(changed, ("answered_at", "rep", "state", "met_at", "breached_at"))
    return len(changed)


def _earliest_answers(leads: Iterable[int]) -> dict[int, datetime]:
    """When each lead was first answered, by what still holds on the record."""
    answers = FunnelEvent.objects.filter(lead__in=list(leads), kind__in=RESPONSES).effective()
    return dict(answers.order_by().values_list("lead_id").annotate(Min("occurred_at")))


def _unanswered(kind: ClockKind, subject: str, ids: list[int]) -> list[Clock]:
    found: list[Clock] = []
    for start in range(0, len(ids), _BATCH):
        part = {f"{subject}__in": ids[start : start + _BATCH]}
        found.extend(Clock.objects.filter(kind=kind, answered_at__isnull=True, **part).select_for_update())
    return found


def _judge(clock: Clock, when: datetime, rep_id: int | None) -> None:
    kept = promises.verdict(due_at=clock.due_at, answered_at=when, now=when) == MET
    clock.answered_at = when
    clock.rep_id = rep_id or clock.rep_id
    clock.state = ClockState.MET if kept else ClockState.BREACHED
    clock.met_at = when if kept else None
    clock.breached_at = None if kept else clock.due_at


def sweep(*, at: datetime) -> int:
    """Call every running clock breached whose due instant has passed; how many this call did.

    Compare and swap, a batch at a time: two sweeps at once, or one that comes an hour late, record each
    breach once and with its true instant.
    """
    swept = 0
    while True:
        batch = list(Clock.objects.due_before(at).order_by("due_at").values_list("pk", flat=True)[:_BATCH])
        if not batch:
            return swept
        swept += Clock.objects.filter(pk__in=batch, state=ClockState.RUNNING).update(
            state=ClockState.BREACHED, breached_at=F("due_at")
        )
