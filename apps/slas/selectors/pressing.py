"""What runs out or ran out now, who holds it, which step comes next, and the steps taken today."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from apps.core.periods import day_of, day_start
from apps.slas.models import Clock, ClockKind, ClockState, EscalationAct
from apps.slas.rules import escalation

MOST = 50
STEPS_SHOWN = 12


@dataclass(frozen=True)
class Row:
    """A promise of the lists: who holds it, and the step that comes next in words ("" without one)."""

    clock: Clock
    holder: str
    in_pool: bool
    step: str
    step_at: datetime | None


@dataclass(frozen=True)
class KindNow:
    """How many promises of a kind run, and of those that are unanswered are at risk and late."""

    label: str
    running: int
    at_risk: int
    late: int


@dataclass(frozen=True)
class Pressing:
    """``at_risk`` and ``late`` hold the most urgent ``MOST`` of each; the counts are of all."""

    now: datetime
    at_risk: list[Row]
    late: list[Row]
    kinds: list[KindNow]

    @property
    def running_count(self) -> int:
        return sum(one.running for one in self.kinds)

    @property
    def at_risk_count(self) -> int:
        return sum(one.at_risk for one in self.kinds)

    @property
    def late_count(self) -> int:
        return sum(one.late for one in self.kinds)

    @property
    def fingerprint(self) -> str:
        """Changes when what is shown does; what ticks in the browser is not part of it."""
        rows = [
            (name, row.clock.pk, row.clock.due_at, row.holder, row.step)
            for name in ("at_risk", "late")
            for row in getattr(self, name)
        ]
        return _digest((rows, self.kinds))


@dataclass(frozen=True)
class StepsToday:
    """The newest steps of escalation taken today, and how many there were."""

    acts: list[EscalationAct]
    count: int

    @property
    def fingerprint(self) -> str:
        return _digest(([act.pk for act in self.acts], self.count))


def _digest(shown: Any) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def unanswered(clocks: QuerySet[Clock]) -> QuerySet[Clock]:
    """Promises that somebody still waits for: not answered, and not let go."""
    return clocks.filter(answered_at__isnull=True).exclude(state=ClockState.CANCELLED)


def pressing(*, user: Any, now: datetime) -> Pressing:
    """What is at risk and late within the user's scope. Three statements."""
    open_ = unanswered(Clock.objects.visible_to(user))
    ticking = open_.filter(paused_at__isnull=True)
    joined = ticking.select_related("lead", "hand_off", "rep", "team", "policy")
    risk, late = Q(warn_at__lte=now, due_at__gt=now), Q(due_at__lte=now)
    sums = {
        row["kind"]: row
        for row in ticking.order_by()
        .values("kind")
        .annotate(
            running=Count("pk", filter=Q(due_at__gt=now)),
            risk=Count("pk", filter=risk),
            late=Count("pk", filter=late),
        )
    }
    return Pressing(
        now=now,
        at_risk=[_row(one) for one in joined.filter(risk).order_by("due_at", "pk")[:MOST]],
        late=[_row(one) for one in joined.filter(late).order_by("-due_at", "pk")[:MOST]],
        kinds=[
            KindNow(kind.label, sums[kind]["running"], sums[kind]["risk"], sums[kind]["late"])
            for kind in ClockKind
            if kind in sums
        ],
    )


def steps_today(*, user: Any, now: datetime) -> StepsToday:
    """The steps taken since midnight in the company's zone. Two statements."""
    start = day_start(day_of(now, settings.COMPANY_TIME_ZONE), settings.COMPANY_TIME_ZONE)
    acts = EscalationAct.objects.filter(at__gte=start)
    if user.role != "revops":
        acts = acts.filter(clock__in=Clock.objects.visible_to(user).values("pk"))
    newest = list(acts.select_related("clock__lead").order_by("-at", "-pk")[: STEPS_SHOWN + 1])
    count = len(newest) if len(newest) <= STEPS_SHOWN else acts.count()
    return StepsToday(newest[:STEPS_SHOWN], count)


def next_step(clock: Clock) -> escalation.Step | None:
    """The step of escalation that comes next; ``None`` when none is planned."""
    steps = escalation.parse_steps(clock.terms.get("steps", []))
    return steps[clock.next_step] if clock.next_step_at and clock.next_step < len(steps) else None


def _row(clock: Clock) -> Row:
    step = next_step(clock)
    pool = f"{clock.team.name}, pool" if clock.team else "Nobody"
    return Row(
        clock=clock,
        holder=clock.rep.name if clock.rep else pool,
        in_pool=clock.rep is None,
        step=escalation.WORDS[step.act] if step else "",
        step_at=clock.next_step_at if step else None,
    )


def pressing_count(*, user: Any, now: datetime) -> int:
    """How many promises within the scope are at risk or late and unanswered."""
    ticking = unanswered(Clock.objects.visible_to(user)).filter(paused_at__isnull=True)
    return ticking.filter(warn_at__lte=now).count()
