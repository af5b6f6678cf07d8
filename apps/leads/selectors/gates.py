"""Stage gates as their pages show them: versions, what a draft would stop, overrides and what became of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from apps.core.keyset import Page, page_of
from apps.leads.models import (
    FunnelEvent,
    GateAnswer,
    GatePassage,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
    QualificationAnswer,
    StageGate,
)
from apps.leads.rules import gates as rules
from apps.leads.rules.gates import Change, GateCriterion, Known
from apps.leads.services.gates import criteria_of, known_of

SHOWN_STOPPED = 20


@dataclass(frozen=True)
class Version:
    """One version: whether it judges now, will, did, or was given up; and what it changed."""

    gate: StageGate
    state: str
    criteria: tuple[GateCriterion, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Door:
    """A stage and a kind with all versions, the newest first."""

    stage: OpportunityStage
    kind: OpportunityKind
    versions: tuple[Version, ...]

    @property
    def in_force(self) -> Version | None:
        return next((one for one in self.versions if one.state == "in_force"), None)

    @property
    def coming(self) -> list[Version]:
        return [one for one in self.versions if one.state == "coming"]


def doors(day: date) -> list[Door]:
    """Every stage and kind that can have a gate, on the company's ``day``. One statement."""
    by_door: dict[tuple[str, str], list[StageGate]] = defaultdict(list)
    for gate in StageGate.objects.select_related("written_by").order_by("version"):
        by_door[gate.stage, gate.kind].append(gate)
    return [
        Door(stage, kind, _versions(by_door[stage, kind], day))
        for kind in OpportunityKind
        for stage in StageGate.STAGES
    ]


def door_of(gate: StageGate, day: date) -> Door:
    """The same of one stage and kind."""
    found = StageGate.objects.filter(stage=gate.stage, kind=gate.kind).select_related("written_by")
    versions = _versions(list(found.order_by("version")), day)
    return Door(OpportunityStage(gate.stage), OpportunityKind(gate.kind), versions)


def _versions(gates: Sequence[StageGate], day: date) -> tuple[Version, ...]:
    begun = [one for one in gates if one.withdrawn_at is None and one.effective_on <= day]
    judging = max(begun, key=lambda one: (one.effective_on, one.version), default=None)
    found = []
    before: tuple[GateCriterion, ...] = ()
    for gate in gates:
        if gate.withdrawn_at is not None:
            state = "withdrawn"
        elif gate is judging:
            state = "in_force"
        else:
            state = "coming" if gate.effective_on > day else "past"
        criteria = criteria_of(gate)
        found.append(Version(gate, state, criteria, rules.changes(before, criteria)))
        if state != "withdrawn":
            before = criteria
    return tuple(reversed(found))


# --- Trial ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """How many open opportunities stand before the stage, how many would stop there, and on what."""

    waiting: int
    stopped: int
    by_criterion: tuple[tuple[str, int], ...]
    rows: tuple[tuple[Opportunity, tuple[str, ...]], ...]

    @property
    def through(self) -> int:
        return self.waiting - self.stopped


_BEFORE = {
    OpportunityStage.STAGE_2: OpportunityStage.STAGE_1,
    OpportunityStage.WON: OpportunityStage.STAGE_2,
}


def trial(*, user: Any, stage: str, kind: str, criteria: Sequence[GateCriterion]) -> Trial:
    """What the criteria would stop today among the open ones in ``user``'s scope. Three statements; writes nothing."""
    waiting = (
        Opportunity.objects.visible_to(user)
        .filter(stage=_BEFORE[OpportunityStage(stage)], kind=kind)
        .select_related("owner", "hand_off")
        .order_by("-opened_at", "-pk")
    )
    rows = list(waiting)
    given: dict[int, dict[str, Known]] = defaultdict(dict)
    answers = GateAnswer.objects.filter(opportunity__in=waiting.order_by().values("pk"), stage=stage)
    for one in answers.order_by("pk"):
        given[one.opportunity_id][one.criterion] = Known(one.is_met, one.evidence)
    qualified: dict[int, dict[str, Known]] = defaultdict(dict)
    if any(one.fills_from for one in criteria):
        of_leads = QualificationAnswer.objects.filter(
            qualification__in=waiting.order_by().values("hand_off__qualification")
        )
        for answer in of_leads:
            qualified[answer.qualification_id][answer.criterion] = known_of(answer)
    counts: Counter[str] = Counter()
    stopped = []
    for row in rows:
        of_lead = qualified[row.hand_off.qualification_id or 0] if row.hand_off else {}
        missing = rules.unmet(rules.judge(criteria, given[row.pk], of_lead))
        if missing:
            counts.update(one.criterion.name for one in missing)
            stopped.append((row, tuple(one.criterion.name for one in missing)))
    return Trial(len(rows), len(stopped), tuple(counts.most_common()), tuple(stopped[:SHOWN_STOPPED]))


# --- How they came through ----------------------------------------------------------------------------


def passages_of(opportunity: Opportunity) -> list[GatePassage]:
    """How one came into each stage, the latest first; ``is_void`` where the move was taken back. One statement."""
    return list(_with_outcome(GatePassage.objects.filter(opportunity=opportunity)))


def _with_outcome(passages: QuerySet[GatePassage]) -> Any:
    """With ``is_void``: whether the move was taken back."""
    reversals = FunnelEvent.objects.filter(reverses=OuterRef("event"))
    return passages.select_related("gate", "passed_by", "opportunity__owner").annotate(
        is_void=Exists(reversals)
    )


def overrides(user: Any, *, after: str = "") -> Page:
    """A page of the overrides in scope, the latest first, each with what became of its opportunity."""
    rows = _with_outcome(GatePassage.objects.visible_to(user).overrides())
    return page_of(rows, by=("-passed_at", "-pk"), after=after)


def overrides_between(user: Any, start: datetime, end: datetime) -> list[GatePassage]:
    """Those of ``[start, end)``, the latest first: what the weekly review reads. One statement."""
    within = GatePassage.objects.visible_to(user).overrides()
    return list(_with_outcome(within.filter(passed_at__gte=start, passed_at__lt=end)))


@dataclass(frozen=True)
class Became:
    """What the opportunities came to that were let through: by override, and by meeting the criteria."""

    count: int = 0
    open: int = 0
    won: int = 0
    lost: int = 0

    @property
    def decided(self) -> int:
        return self.won + self.lost


def became(user: Any) -> dict[bool, Became]:
    """By whether it was an override: opportunities (each once) whose passage still stands. One statement."""
    rows = (
        _with_outcome(GatePassage.objects.visible_to(user))
        .filter(is_void=False)
        .order_by()
        .values_list("opportunity", "is_override", "opportunity__stage")
        .distinct()
    )
    overridden = {pk for pk, is_override, _ in rows if is_override}
    seen: dict[int, str] = {pk: stage for pk, _, stage in rows if stage in OpportunityStage.counted()}
    found: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for pk, stage in seen.items():
        found[pk in overridden][stage] += 1
    return {
        side: Became(
            count=sum(counts.values()),
            open=sum(counts[one] for one in OpportunityStage.open_stages()),
            won=counts[OpportunityStage.WON],
            lost=counts[OpportunityStage.LOST],
        )
        for side, counts in found.items()
    }


@dataclass(frozen=True)
class Flags:
    """Why an opportunity wants a second look: beyond the profile, not fully qualified, let through."""

    is_exploration: bool = False
    is_weak: bool = False
    overridden: int = 0

    def __bool__(self) -> bool:
        return self.is_exploration or self.is_weak or self.overridden > 0


def flags_of(opportunities: Iterable[Opportunity]) -> dict[int, Flags]:
    """Flags by id, for those that have any. Two statements, whatever their number."""
    ids = [one.pk for one in opportunities]
    if not ids:
        return {}
    counts: Counter[int] = Counter(
        _with_outcome(GatePassage.objects.filter(opportunity__in=ids).overrides())
        .filter(is_void=False)
        .order_by()
        .values_list("opportunity", flat=True)
    )
    found = {}
    rows = Opportunity.objects.filter(pk__in=ids).values_list(
        "pk", "hand_off__is_exploration", "hand_off__qualification__meets_definition"
    )
    for pk, is_exploration, meets in rows:
        flags = Flags(bool(is_exploration), meets is False, counts[pk])
        if flags:
            found[pk] = flags
    return found
