"""Thousands of promises that fall due within seconds, some answered meanwhile: made set-based, and how each ends.

Used inside the processes of an installation (``tests/processes.py``) as well as in a test's own. A promise is
known by its number (``Lead.external_id``), from which everything about it follows.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.core.bulk import insert_rows
from apps.leads.models import Channel, Disposition, HandOff, Lead, LeadStage, Source
from apps.leads.services.touches import NewTouch, log_touches
from apps.reps.models import Rep
from apps.reps.rules.hours import WEEKDAYS, Hours
from apps.slas.models import Clock, ClockKind, Policy
from apps.slas.services import clocks
from apps.slas.services.calendar_copies import copies_of
from tests.cast import Cast, assemble

SYSTEM = "falling-due"
TARGET = timedelta(minutes=5)
"""One percent of it is three seconds."""

OFF = timedelta(seconds=2)
"""So long before or after its due instant a promise is answered, where it is."""

NOTHING: tuple[tuple[str, int], ...] = ()
TOLD = (("remind", 99), ("notify_manager", 100))
GIVEN = (("remind", 99), ("reassign", 101))
ACCEPTED = (("remind", 99), ("auto_accept", 101))


@dataclass(frozen=True)
class Fate:
    """How the promise with this number is made, and when it is answered, from its due instant on."""

    steps: tuple[tuple[str, int], ...]
    owned: bool = True
    answered: timedelta | None = None

    @property
    def with_an_ae(self) -> bool:
        return self.steps is ACCEPTED


def fate(number: int) -> Fate:
    """Four in ten without steps, some accepted by themselves, two in ten given on, the rest told of."""
    if number % 50 == 49:
        return Fate(ACCEPTED)
    place = number % 10
    if place in (7, 8):
        return Fate(GIVEN)
    if place == 9:
        return Fate(TOLD, owned=False)
    answered = {0: -OFF, 5: OFF}.get(number % 25)
    return Fate(NOTHING if place < 4 else TOLD, owned=place >= 4, answered=answered)


def fill(*, count: int, first_due: datetime, spread: timedelta) -> Cast:
    """So many promises, due one after the other over ``spread`` from ``first_due`` on."""
    cast = assemble()
    Policy.objects.all().delete()
    policy = Policy.objects.create(name="Five minutes", position=1, state=Policy.State.ON)
    hours = Hours.of("UTC", {day: [["00:00", "24:00"]] for day in WEEKDAYS})
    with transaction.atomic():
        copy = copies_of([hours])[hours]
        leads = [_lead(number, cast, first_due) for number in range(count)]
        insert_rows(leads)
        hand_offs = {
            lead.pk: HandOff(
                lead=lead, sdr=cast.rep(cast.sdr), ae=cast.rep(cast.ae), created_at=lead.created_at
            )
            for number, lead in enumerate(leads)
            if fate(number).with_an_ae
        }
        insert_rows(list(hand_offs.values()))
        made = []
        for number, lead in enumerate(leads):
            due_at = first_due + spread * number / count
            clock = _clock(number, lead, hand_offs.get(lead.pk), due_at, policy)
            clock.calendar = copy
            clock.next_step_at = clocks.step_at(clock=clock, hours=hours, pauses=())
            made.append(clock)
        insert_rows(made)
    return cast


_reps: dict[Any, Rep] = {}


def _lead(number: int, cast: Cast, at: datetime) -> Lead:
    for user in (cast.sdr, cast.ae):
        if user.pk not in _reps:
            _reps[user.pk] = cast.rep(user)
    its = fate(number)
    return Lead(
        name=f"Person {number}",
        source_system=SYSTEM,
        external_id=str(number),
        team=cast.sdr_team,
        owner=_reps[cast.sdr.pk] if its.owned else None,
        stage=LeadStage.HANDED_OFF if its.with_an_ae else LeadStage.MQL,
        created_at=at - TARGET,
        mql_at=at - TARGET,
    )


def _clock(number: int, lead: Lead, hand_off: HandOff | None, due_at: datetime, policy: Policy) -> Clock:
    its = fate(number)
    rep = hand_off.ae if hand_off else lead.owner
    return Clock(
        kind=ClockKind.AE_ANSWER if hand_off else ClockKind.FIRST_RESPONSE,
        lead=lead,
        hand_off=hand_off,
        policy=policy,
        team=hand_off.ae.team if hand_off else lead.team,
        rep=rep,
        started_with=rep,
        started_at=due_at - TARGET,
        target_minutes=TARGET // timedelta(minutes=1),
        warn_at=due_at - TARGET * 3 // 10,
        due_at=due_at,
        terms={
            "policy": policy.name,
            "warn_percent": 70,
            "steps": [{"act": act, "at_percent": percent} for act, percent in its.steps],
            "channels": [],
        },
    )


def answer_all() -> None:
    """Answer what is to be answered as soon as its time has come; begun anew, go on with what is left."""
    rep = Rep.objects.select_related("team__calendar").get(name="Sdr")
    waiting = list(_to_answer())
    while waiting:
        ready = [one for one in waiting if one[0] <= timezone.now()][:20]
        answer(ready, rep)
        waiting = [one for one in waiting if one not in ready]
        if not ready:
            time.sleep(0.05)


def answer(ready: list[tuple[datetime, Lead]], rep: Rep) -> None:
    log_touches(
        touches=[
            NewTouch(
                lead, rep, Channel.EMAIL, Disposition.SENT, at, request_key=f"{SYSTEM}:{lead.external_id}"
            )
            for at, lead in ready
        ]
    )


def _to_answer() -> Iterator[tuple[datetime, Lead]]:
    for clock in Clock.objects.filter(lead__touch_count=0).select_related("lead").order_by("due_at"):
        its = fate(int(clock.lead.external_id))
        if its.answered is not None:
            yield clock.due_at + its.answered, clock.lead


def faults_found() -> list[str]:
    """Everything that did not end as promised, in words; none where all is well. To ask when all is over."""
    found: list[str] = []
    acts: dict[int, list[Any]] = {}
    for act in _rows("EscalationAct", "clock_id", "step", "act", "planned_at", "outcome"):
        acts.setdefault(act[0], []).append(act)
    told = sorted(_keys_told())
    expected_keys: list[str] = []
    for clock in Clock.objects.select_related("lead", "hand_off").order_by("pk"):
        number = int(clock.lead.external_id)
        own = sorted(acts.get(clock.pk, []), key=lambda act: act[1])
        found += [f"{number}: {fault}" for fault in _faults_of(clock, fate(number), own)]
        for _, step, act, _, outcome in own:
            if outcome.startswith(("Given to", "Sdr was", "Ae was", "Manager was")):
                expected_keys.append(f"clock:{clock.pk}:{step}:{'given' if act == 'reassign' else 'told'}")
    if told != sorted(expected_keys):
        found.append(f"told {len(told)} times, by the acts {len(expected_keys)}")
    return found


def _faults_of(clock: Clock, its: Fate, acts: list[Any]) -> Iterator[str]:
    if clock.due_at != clock.started_at + TARGET:
        yield "its due instant moved"
    answered_at = clock.due_at + its.answered if its.answered is not None else None
    kept = its.answered is not None and its.answered < timedelta(0)
    if clock.state != ("met" if kept else "breached"):
        yield f"is {clock.state}"
    if clock.breached_at != (None if kept else clock.due_at):
        yield f"broken at {clock.breached_at}"
    if not its.with_an_ae and clock.answered_at != answered_at:
        yield f"answered at {clock.answered_at}"
    if clock.next_step_at is not None:
        yield "waits for another step"
    steps = [
        (index, act, clock.started_at + TARGET * percent / 100)
        for index, (act, percent) in enumerate(its.steps)
    ]
    done = [(step, act, planned_at) for _, step, act, planned_at, _ in acts]
    if done != (steps[: len(done)] if its.answered is not None else steps):
        yield f"took the steps {done}"
    if its.steps is GIVEN and (acts[-1][4], clock.lead.owner_id) != ("Given to Teammate", clock.rep_id):
        yield f"was given on: {acts[-1][4]}"
    if clock.hand_off is not None and (clock.hand_off.state, clock.answered_at is None) != (
        "accepted",
        False,
    ):
        yield f"its hand-off is {clock.hand_off.state}"


def _rows(name: str, *fields: str) -> Any:
    from django.apps import apps

    return apps.get_model("slas", name).objects.order_by().values_list(*fields)


def _keys_told() -> list[str]:
    from apps.accounts.models import Notification

    return list(
        Notification.objects.filter(key__startswith="clock:").order_by().values_list("key", flat=True)
    )


def others_found() -> dict[str, int]:
    """Counts of what must have happened once for each lead given on and each hand-off accepted."""
    from apps.audit.models import AuditEntry
    from apps.leads.models import EventKind, FunnelEvent, Opportunity
    from apps.slas.models import ClockHolder

    return {
        "passed on": AuditEntry.objects.filter(verb="leads.passed_on").count(),
        "handed over": ClockHolder.objects.filter(rep__name="Teammate").count(),
        "accepted": FunnelEvent.objects.filter(kind=EventKind.ACCEPTED).count(),
        "opportunities": Opportunity.objects.count(),
        "touched": FunnelEvent.objects.filter(kind=EventKind.TOUCHED).count(),
    }


def others_expected(count: int) -> dict[str, int]:
    fates = [fate(number) for number in range(count)]
    given = sum(one.steps is GIVEN for one in fates)
    accepted = sum(one.with_an_ae for one in fates)
    return {
        "passed on": given,
        "handed over": given,
        "accepted": accepted,
        "opportunities": accepted,
        "touched": sum(one.answered is not None for one in fates),
    }


def so_far() -> dict[str, int]:
    """How much has been done by now."""
    return {
        "breached": Clock.objects.filter(state="breached").count(),
        "met": Clock.objects.filter(state="met").count(),
        "steps": _rows("EscalationAct", "pk").count(),
    }


def escalate_until(at: datetime) -> None:
    """Take the steps of the first instants only."""
    from apps.slas.services import sweep

    sweep.escalate(at=at)


def everything() -> list[Any]:
    """All that a step of escalation may write, to see that nothing of it changed."""
    from apps.audit.models import AuditEntry

    return [
        list(Clock.objects.order_by("pk").values_list("next_step", "state", "rep")),
        list(Lead.objects.order_by("pk").values_list("owner", "stage")),
        list(HandOff.objects.order_by("pk").values_list("state", flat=True)),
        _rows("EscalationAct", "pk").count(),
        _rows("ClockHolder", "pk").count(),
        AuditEntry.objects.count(),
        len(_keys_told()),
    ]


def one_lead(*, within: timedelta) -> None:
    """One lead by the usual way in, to be answered ``within`` so long from now."""
    from apps.leads.services.intake import Incoming, take_in

    cast = assemble()
    cast.sdr_team.calendar.weekly = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
    cast.sdr_team.calendar.save()
    Policy.objects.update(state=Policy.State.RETIRED)
    Policy.objects.create(name="At once", position=1, state=Policy.State.ON, first_response_minutes=1)
    take_in(
        incoming=Incoming(company="Brightmoor", email="p@brightmoor.example", source="Demo request"),
        team=cast.sdr_team,
        at=timezone.now() - timedelta(minutes=1) + within,
        source=Source.PAGE,
        source_key="form:1",
    )
    assert Clock.objects.get().state == "running"


def the_lead() -> dict[str, Any]:
    clock = Clock.objects.select_related("lead").get()
    return {
        "state": clock.state,
        "due_at": clock.due_at.isoformat(),
        "breached_at": clock.breached_at and clock.breached_at.isoformat(),
        "touches": clock.lead.touch_count,
    }
