"""What follows from silence on a hand-off, in words for the AE: reminder, manager, next AE or acceptance."""

from datetime import datetime

from apps.leads.models import HandOff
from apps.leads.selectors.what_follows import Following
from apps.reps.rules.business_time import NeverOpen
from apps.slas.models import Clock, ClockKind, ClockState
from apps.slas.rules import escalation
from apps.slas.services import clocks


def following(hand_off: HandOff, now: datetime) -> list[Following]:
    """The steps still to come of the hand-off's latest promise. Two statements; none after the last step."""
    clock = (
        Clock.objects.filter(hand_off=hand_off, kind=ClockKind.AE_ANSWER, answered_at__isnull=True)
        .exclude(state=ClockState.CANCELLED)
        .select_related("calendar", "team__calendar", "team__manager")
        .prefetch_related("pauses")
        .order_by("-started_at", "-pk")
        .first()
    )
    if clock is None:
        return []
    hours, pauses = clocks.hours_of_clock(clock), clocks.pauses_of(clock=clock, until=now)
    found = []
    for step in escalation.parse_steps(clock.terms.get("steps", []))[clock.next_step :]:
        try:
            at = escalation.planned_at(
                step, hours=hours, started_at=clock.started_at, minutes=clock.target_minutes, pauses=pauses
            )
        except NeverOpen:
            at = None
        found.append(Following(_words(step.act, hand_off, clock), None if clock.paused_at else at))
    return found


def _words(act: str, hand_off: HandOff, clock: Clock) -> str:
    manager = clock.team.manager if clock.team else None
    return {
        escalation.REMIND: f"reminds {hand_off.ae.name}",
        escalation.NOTIFY_MANAGER: f"tells {manager.name if manager else 'the manager'}",
        escalation.REROUTE: "goes to the next AE who is free then",
        escalation.AUTO_ACCEPT: "counts as accepted",
    }.get(act, escalation.WORDS[act])
