"""Everything of one promise in words, for its page."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from apps.leads.models import Channel
from apps.reps.models import Rep
from apps.reps.rules.business_time import NeverOpen
from apps.slas.models import Clock, ClockKind, ClockPause, ClockRebase, ClockState, EscalationAct
from apps.slas.rules import escalation
from apps.slas.rules import minutes as where
from apps.slas.services import clocks
from apps.slas.services.verdicts import absences, held_by

_PARTS = {
    where.INTAKE: ("Intake", "from arrival until it was read", "c1"),
    where.ROUTING: ("Routing", "while nobody had it", "c2"),
    where.UNAVAILABLE: ("Rep unavailable", "days off of whoever had it", "c3"),
    where.REP: ("Rep", "there, and it was theirs", "c4"),
}


@dataclass(frozen=True)
class Holder:
    """Who was to keep it from an instant on."""

    name: str
    from_at: datetime


@dataclass(frozen=True)
class Coming:
    """A step of escalation that is planned; ``at`` is ``None`` where the calendar has no such time."""

    words: str
    at: datetime | None


@dataclass(frozen=True)
class PartOfTime:
    """Open minutes of one part, and its share of the whole in percent for the picture."""

    word: str
    note: str
    minutes: Fraction
    width: str
    css: str


@dataclass(frozen=True)
class ClockPage:
    """One promise: its terms, its course, what comes, where the time went."""

    clock: Clock
    terms: list[str]
    holders: list[Holder]
    pauses: list[ClockPause]
    acts: list[EscalationAct]
    coming: list[Coming]
    parts: list[PartOfTime]
    rebases: list[ClockRebase]

    @property
    def runs(self) -> bool:
        return self.clock.state == ClockState.RUNNING

    @property
    def total(self) -> Fraction:
        """Open minutes from the lead's arrival until the answer, or until now."""
        return sum((part.minutes for part in self.parts), Fraction(0))


def with_everything(clocks_seen: Any) -> Any:
    """The queryset with what the page reads; five statements more for what there are many of."""
    return clocks_seen.select_related(
        "lead", "hand_off", "rep", "started_with", "team__calendar", "calendar", "policy", "reason_by"
    ).prefetch_related("pauses__by", "holders", "acts", "rebases__by")


def clock_page(*, clock: Clock, now: datetime) -> ClockPage:
    """What the page of ``clock`` shows; read it by ``with_everything``. Two statements."""
    held = held_by(clock)
    names = dict(Rep.objects.filter(pk__in={one.rep_id for one in held}).values_list("pk", "name"))
    holders = [Holder(names.get(one.rep_id or 0, "the team’s pool"), one.from_at) for one in held]
    return ClockPage(
        clock=clock,
        terms=_terms(clock),
        holders=holders,
        pauses=list(clock.pauses.all()),
        acts=list(clock.acts.all()),
        coming=_coming(clock, now),
        parts=_parts(clock, held, now),
        rebases=list(clock.rebases.all()),
    )


def _terms(clock: Clock) -> list[str]:
    terms = clock.terms
    hours = clocks.hours_of_clock(clock)
    found = [_target(clock)]
    conditions = terms.get("conditions") or []
    found.append(
        f"Promised by {terms.get('policy') or clock.policy.name}"
        + (f", because {'; '.join(conditions)}." if conditions else ", which holds for every lead.")
    )
    found.append(f"At risk once {terms.get('warn_percent', 70)} % of its time is used up.")
    found.append(f"Counted by the working hours as they were at its start ({hours.zone}).")
    return found


def _target(clock: Clock) -> str:
    if clock.kind == ClockKind.TOUCHES:
        channels = [str(Channel(one).label).lower() for one in clock.terms.get("channels", [])]
        among = f", among them {' and '.join(channels)}" if channels else ""
        return f"{clock.wanted} touches within {clock.target_minutes:,} working minutes{among}; {clock.done} made."
    return f"{clock.get_kind_display()} within {clock.target_minutes:,} working minutes."


def _coming(clock: Clock, now: datetime) -> list[Coming]:
    if clock.answered_at is not None or clock.state == ClockState.CANCELLED:
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
        found.append(Coming(step.in_words, at))
    return found


def _parts(clock: Clock, held: list[where.Held], now: datetime) -> list[PartOfTime]:
    if clock.rep_seconds is not None:
        seconds = {part: getattr(clock, f"{part}_seconds") or 0 for part in where.PARTS}
    else:
        ended_at = clock.cancelled_at or clock.answered_at or now
        seconds = where.where_it_went(
            hours=clocks.hours_of_clock(clock),
            arrived_at=clock.lead.created_at if clock.hand_off_id is None else clock.started_at,
            started_at=clock.started_at,
            ended_at=max(ended_at, clock.started_at),
            held=held,
            away=dict(absences(one.rep_id for one in held)),
            pauses=clocks.pauses_of(clock=clock, until=ended_at),
        )
    whole = sum(seconds.values())
    return [
        PartOfTime(
            word, note, Fraction(seconds[part], 60), f"{100 * seconds[part] / whole if whole else 0:.2f}", css
        )
        for part, (word, note, css) in _PARTS.items()
    ]
