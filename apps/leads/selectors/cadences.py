"""Cadences as people read them: their steps, who is in them, and what came of those who were."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from apps.core.keyset import Page, page_of
from apps.leads.models import (
    Cadence,
    CadenceVersion,
    Channel,
    Enrolment,
    EnrolmentAct,
    EventKind,
    FunnelEvent,
    Lead,
    LeadStage,
    Motion,
    Purpose,
    Touch,
)
from apps.leads.rules.cadences import Step, When, parse_steps
from apps.leads.rules.conditions import Condition, parse_conditions
from apps.leads.rules.dispositions import CONTACTS
from apps.leads.selectors.conditions import matching
from apps.leads.selectors.queue import CHANNEL_ICONS

FUNNEL_DAYS = 90
"""The funnel counts who was enrolled within so many days: recent enough to act upon, and bounded."""
MATCH_DAYS = 90


@dataclass(frozen=True)
class StepInWords:
    """A step with its icon, the working day it comes on (1 is the day of enrolment), and what came of it."""

    number: int
    channel: str
    icon: str
    label: str
    wait: str
    short_wait: str
    when: str
    purpose: str
    script: str
    day: int
    done: int = 0
    passed: int = 0


@dataclass(frozen=True)
class Outcome:
    """Of ``enrolled`` enrolments of the last ``FUNNEL_DAYS`` days: how far they came."""

    enrolled: int = 0
    touched: int = 0
    reached: int = 0
    qualified: int = 0

    @property
    def reached_rate(self) -> Fraction | None:
        return Fraction(self.reached, self.enrolled) if self.enrolled else None

    @property
    def qualified_rate(self) -> Fraction | None:
        return Fraction(self.qualified, self.enrolled) if self.enrolled else None

    @property
    def rows(self) -> list[tuple[str, int]]:
        """For the picture of a funnel."""
        return [
            ("Enrolled", self.enrolled),
            ("Touched", self.touched),
            ("Reached", self.reached),
            ("Qualified", self.qualified),
        ]


@dataclass(frozen=True)
class Summary:
    """A cadence in the list."""

    cadence: Cadence
    version: CadenceVersion | None
    steps: list[StepInWords]
    conditions: list[str]
    states: Counter = field(default_factory=Counter)
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def active(self) -> int:
        return self.states[Enrolment.State.ACTIVE.value]

    @property
    def paused(self) -> int:
        return self.states[Enrolment.State.PAUSED.value]

    @property
    def finished(self) -> int:
        return self.states[Enrolment.State.FINISHED.value]

    @property
    def removed(self) -> int:
        return self.states[Enrolment.State.REMOVED.value]

    @property
    def sentence(self) -> str:
        """``9 touches over 14 working days: 5 calls, 3 e-mails, 1 social.``"""
        return course_in_words(self.steps)


_PLURAL = {
    "call": ("call", "calls"),
    "email": ("e-mail", "e-mails"),
    "social": ("social touch", "social touches"),
    "chat": ("chat", "chats"),
    "visit": ("visit", "visits"),
}


def course_in_words(steps: Sequence[StepInWords]) -> str:
    """How many touches, over how long, by which channels."""
    if not steps:
        return "No steps yet."
    counts = Counter(step.channel for step in steps)
    parts = ", ".join(f"{n} {_PLURAL[channel][n != 1]}" for channel, n in counts.most_common())
    days = steps[-1].day
    over = "on one day" if days == 1 else f"over {days} working days"
    return f"{len(steps)} touch{'es' if len(steps) != 1 else ''} {over}: {parts}."


def in_words(steps: Iterable[Step], acts: Counter | None = None) -> list[StepInWords]:
    """Steps as the pages show them; ``acts`` counts (kind, step number)."""
    found = []
    day, hours = 1, 0
    counts: Counter = acts if acts is not None else Counter()
    for step in steps:
        hours += step.wait_hours
        day += step.wait_days + hours // 24
        hours %= 24
        short = f"{step.wait_days} d" if step.wait_days else f"{step.wait_hours} h" if step.wait_hours else ""
        found.append(
            StepInWords(
                number=step.number,
                channel=step.channel,
                icon=CHANNEL_ICONS[Channel(step.channel)],
                label=Channel(step.channel).label,
                wait=step.wait_words if step.number > 1 else _first_wait(step),
                short_wait=short or ("now" if step.number == 1 else "then"),
                when="" if step.when is When.ALWAYS else step.when_words,
                purpose=Purpose(step.purpose).label if step.purpose else "",
                script=step.script,
                day=day,
                done=counts[EnrolmentAct.Kind.STEPPED.value, step.number],
                passed=counts[EnrolmentAct.Kind.SKIPPED.value, step.number],
            )
        )
    return found


def _first_wait(step: Step) -> str:
    return "when enrolled" if step.wait_words == "at once" else step.wait_words.replace(" later", " after")


@dataclass(frozen=True)
class Stop:
    """A working day of the picture with its steps; or ``gap`` days in a row without any."""

    day: int
    steps: list[StepInWords]
    gap: int = 0


_LONGEST_GAP_DRAWN = 4


def course_of(steps: Sequence[StepInWords]) -> list[Stop]:
    """The picture over days: every day from the first to the last, a long gap as one stop."""
    found: list[Stop] = []
    last = 0
    for day in sorted({step.day for step in steps}):
        between = day - last - 1
        if between > _LONGEST_GAP_DRAWN:
            found.append(Stop(last + 1, [], between))
        else:
            found += [Stop(empty, []) for empty in range(last + 1, day)]
        found.append(Stop(day, [step for step in steps if step.day == day]))
        last = day
    return found


# --- The list, one cadence ----------------------------------------------------------------------------


def summaries(at: datetime) -> list[Summary]:
    """Every cadence in the order of asking, retired ones last. Five statements, whatever their number."""
    cadences = sorted(Cadence.objects.all(), key=lambda one: (not one.is_active, one.position, one.pk))
    newest = CadenceVersion.objects.filter(cadence=OuterRef("cadence"), number__gt=OuterRef("number"))
    versions = {one.cadence_id: one for one in CadenceVersion.objects.filter(~Exists(newest))}
    states, outcomes = _states(Q()), _outcomes(Q(), at)
    return [_summary(one, versions.get(one.pk), states.get(one.pk), outcomes.get(one.pk)) for one in cadences]


def summary_of(cadence: Cadence, at: datetime) -> Summary:
    """One cadence with its newest version, and what was done at each of that version's steps."""
    version = cadence.versions.order_by("-number").select_related("created_by").first()
    acts: Counter = Counter()
    if version is not None:
        rows = EnrolmentAct.objects.filter(
            enrolment__version=version, kind__in=(EnrolmentAct.Kind.STEPPED, EnrolmentAct.Kind.SKIPPED)
        )
        for row in rows.order_by().values("kind", "step").annotate(n=Count("pk")):
            acts[row["kind"], row["step"]] = row["n"]
    own = Q(version__cadence=cadence)
    return _summary(cadence, version, _states(own).get(cadence.pk), _outcomes(own, at).get(cadence.pk), acts)


def _summary(
    cadence: Cadence,
    version: CadenceVersion | None,
    states: Counter | None,
    outcome: Outcome | None,
    acts: Counter | None = None,
) -> Summary:
    return Summary(
        cadence=cadence,
        version=version,
        steps=in_words(parse_steps(version.steps), acts) if version else [],
        conditions=[one.in_words for one in parse_conditions(cadence.conditions)],
        states=states or Counter(),
        outcome=outcome or Outcome(),
    )


def _states(which: Q) -> dict[int, Counter]:
    """How many are in each state, by cadence. One statement."""
    found: dict[int, Counter] = {}
    rows = Enrolment.objects.filter(which).order_by().values("version__cadence", "state")
    for row in rows.annotate(n=Count("pk")):
        found.setdefault(row["version__cadence"], Counter())[row["state"]] = row["n"]
    return found


def _outcomes(which: Q, at: datetime) -> dict[int, Outcome]:
    """How far those came who were enrolled lately, by cadence. One statement.

    *Reached*: a talk is among the enrolment's touches. *Qualified*: the lead became an SQL after it was
    enrolled and before it was enrolled anew, so that each SQL counts for one enrolment.
    """
    recent = Enrolment.objects.filter(which, enrolled_at__gte=at - timedelta(days=FUNNEL_DAYS))
    own_touches = Touch.objects.filter(enrolment=OuterRef("pk"), undone_at__isnull=True)
    later = Enrolment.objects.filter(
        lead=OuterRef("lead"),
        enrolled_at__gt=OuterRef(OuterRef("enrolled_at")),
        enrolled_at__lte=OuterRef("occurred_at"),
    )
    qualified = (
        FunnelEvent.objects.effective()
        .filter(kind=EventKind.QUALIFIED, lead=OuterRef("lead"), occurred_at__gte=OuterRef("enrolled_at"))
        .filter(~Exists(later))
    )
    rows = (
        recent.annotate(
            is_touched=Exists(own_touches),
            is_reached=Exists(own_touches.filter(disposition__in=sorted(CONTACTS))),
            is_qualified=Exists(qualified),
        )
        .order_by()
        .values("version__cadence")
        .annotate(
            n=Count("pk"),
            # Who came further came this far as well, also where a touch was not logged in the cadence.
            touched=Count("pk", filter=Q(is_touched=True) | Q(is_qualified=True)),
            reached=Count("pk", filter=Q(is_reached=True) | Q(is_qualified=True)),
            qualified=Count("pk", filter=Q(is_qualified=True)),
        )
    )
    return {
        row["version__cadence"]: Outcome(row["n"], row["touched"], row["reached"], row["qualified"])
        for row in rows
    }


# --- Who is in it, who could be -------------------------------------------------------------------------

SHOWN_STATES = ("open", "active", "paused", "finished", "removed")


def enrolments(*, user: Any, cadence: Cadence, state: str, after: str) -> Page:
    """Fifty enrolments within the viewer's scope, the latest first. One statement."""
    found = Enrolment.objects.visible_to(user).filter(version__cadence=cadence)
    if state == "open":
        found = found.open()
    elif state in Enrolment.State.values:
        found = found.filter(state=state)
    found = found.select_related("lead__owner", "version", "enrolled_by")
    return page_of(found, by=("-enrolled_at", "-pk"), after=after)


def _of_motion(motion: str) -> Q:
    """Whom a cadence of that motion is for, besides its conditions."""
    if motion == Motion.RECYCLED:
        return Q(stage=LeadStage.RECYCLED)
    return Q(is_inbound=motion == Motion.INBOUND)


def candidates(*, user: Any, cadence: Cadence, at: datetime) -> QuerySet[Lead]:
    """The leads within the viewer's scope that could be enrolled: they match, are worked, and are in none."""
    running = Enrolment.objects.open().filter(lead=OuterRef("pk"))
    return (
        Lead.objects.visible_to(user)
        .filter(_of_motion(cadence.motion), matching(parse_conditions(cadence.conditions)))
        .filter(stage__in=LeadStage.workable(), do_not_contact=False, merged_into__isnull=True)
        .exclude(stage=LeadStage.RECYCLED, queue_ready_at__gt=at)
        .filter(~Exists(running))
    )


def candidates_page(*, user: Any, cadence: Cadence, at: datetime, after: str) -> Page:
    """Fifty of them, the newest first. One statement."""
    found = candidates(user=user, cadence=cadence, at=at).select_related("owner", "team")
    return page_of(found.defer("score_reasons"), by=("-created_at", "-pk"), after=after)


@dataclass(frozen=True)
class Matches:
    """Of the ``among`` leads that came within ``MATCH_DAYS`` days, ``count`` meet the conditions."""

    count: int
    among: int
    days: int = MATCH_DAYS


def matches(*, user: Any, motion: str, conditions: Sequence[Condition], at: datetime) -> Matches:
    """How many of the latest leads within the viewer's scope would match. One statement.

    Who comes back from nurture was a lead before, so that for that motion the conditions alone are asked.
    """
    recent = Lead.objects.visible_to(user).filter(
        created_at__gte=at - timedelta(days=MATCH_DAYS), merged_into__isnull=True
    )
    wanted = matching(conditions)
    if motion != Motion.RECYCLED:
        wanted &= _of_motion(motion)
    counted = recent.order_by().aggregate(
        among=Count("pk", distinct=True),
        count=Count("pk", filter=wanted or Q(pk__isnull=False), distinct=True),
    )
    return Matches(counted["count"], counted["among"])


def next_position() -> int:
    """Behind the last one that is asked."""
    last = Cadence.objects.order_by("-position").values_list("position", flat=True).first()
    return 1 if last is None else last + 1


@dataclass(frozen=True)
class Way:
    """A step of one enrolment and where it stands: done, passed, now, or to come."""

    step: StepInWords
    state: str


def way_of(enrolment: Enrolment) -> list[Way]:
    """The steps of the version that the lead is enrolled in, each as done, passed over, next or to come."""
    acts = EnrolmentAct.objects.filter(enrolment=enrolment).order_by("at", "pk").values_list("kind", "step")
    stood: dict[int, str] = {}
    for kind, number in acts:
        if kind == EnrolmentAct.Kind.STEPPED:
            stood[number] = "done"
        elif kind == EnrolmentAct.Kind.SKIPPED:
            stood[number] = "passed"
        elif kind == EnrolmentAct.Kind.UNDONE:
            stood.pop(number, None)
    running = enrolment.state in Enrolment.OPEN
    found = []
    for step in in_words(parse_steps(enrolment.version.steps)):
        state = stood.get(step.number, "")
        if not state:
            state = "now" if running and step.number == enrolment.step else "later"
        found.append(Way(step, state))
    return found
