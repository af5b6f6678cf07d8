"""Stage gates: written by version, answered with evidence, and asked when an opportunity moves.

A version is in force from a day on and is never changed after that; what judged an opportunity is kept with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
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
from apps.leads.rules.gates import GateCriterion, Judged, Known

LONGEST_REASON = 300
LONGEST_EVIDENCE = 500


class GateNotMet(DomainError):
    """A criterion of the stage is not met, and nobody overrode it. ``unmet`` names them."""

    code = "gate_not_met"

    def __init__(self, stage: OpportunityStage, unmet: Sequence[Judged], *, may_override: bool) -> None:
        names = ", ".join(one.criterion.name for one in unmet)
        how = "override with a reason" if may_override else "ask the owner's manager to override"
        super().__init__(f"{stage.label} asks for: {names}. Answer with evidence, or {how}.")
        self.unmet, self.may_override = tuple(unmet), may_override


class UnableToOverride(DomainError):
    """Whoever asks may not let an opportunity through a gate that is not met."""

    code = "unable_to_override"
    status = 403


class UnableToWriteGate(DomainError):
    """Somebody wrote a version at the same moment, or this one is in force already."""

    code = "unable_to_write_gate"


class UnableToAnswer(DomainError):
    """The opportunity is closed, or its next stage asks for nothing."""

    code = "unable_to_answer"


@dataclass(frozen=True)
class Standing:
    """How an opportunity stands before a stage: the version that judges, and each criterion as it is known."""

    gate: StageGate
    judged: tuple[Judged, ...]

    @property
    def unmet(self) -> tuple[Judged, ...]:
        return rules.unmet(self.judged)

    @property
    def is_met(self) -> bool:
        return not self.unmet


# --- Reading ----------------------------------------------------------------------------------------


def criteria_of(gate: StageGate) -> tuple[GateCriterion, ...]:
    """What a version asks, as the rules read it."""
    return tuple(GateCriterion(**one) for one in gate.criteria)


def gate_in_force(*, stage: str, kind: str, day: date) -> StageGate | None:
    """The version that judges on the company's ``day``; ``None`` where the stage asks for nothing."""
    found = StageGate.objects.in_force(day).filter(stage=stage, kind=kind).first()
    return found if found is not None and found.criteria else None


def standing_of(*, opportunity: Opportunity, stage: str, at: datetime) -> Standing | None:
    """How it stands before ``stage``; ``None`` where nothing is asked. One statement, three where something is."""
    if stage not in StageGate.STAGES:
        return None
    day = day_of(at, settings.COMPANY_TIME_ZONE)
    gate = gate_in_force(stage=stage, kind=opportunity.kind, day=day)
    if gate is None:
        return None
    criteria = criteria_of(gate)
    given = {
        one.criterion: Known(one.is_met, one.evidence)
        for one in GateAnswer.objects.filter(opportunity=opportunity, stage=stage).order_by("pk")
    }
    fills = {one.fills_from for one in criteria} - {""}
    return Standing(gate, rules.judge(criteria, given, _qualified(opportunity) if fills else {}))


def _qualified(opportunity: Opportunity) -> dict[str, Known]:
    """What the qualification says that came with the hand-off, by its criterion."""
    hand_off = opportunity.hand_off
    if hand_off is None or hand_off.qualification_id is None:
        return {}
    return {one.criterion: known_of(one) for one in _answers_of(hand_off.qualification_id)}


def _answers_of(qualification: int) -> Any:
    return QualificationAnswer.objects.filter(qualification=qualification)


def known_of(answer: QualificationAnswer) -> Known:
    """An answer of the SDR's call as a gate reads it: what was said, with its evidence and who said so."""
    said = f" ({answer.said_by})" if answer.said_by else ""
    words = f"{answer.evidence or answer.answer}{said}".strip()
    return Known(answer.verdict == QualificationAnswer.Verdict.MET, words, from_qualification=True)


def may_override(*, gate: StageGate, opportunity: Opportunity, user: Any) -> bool:
    """The manager of the owner's team, or by the version's setting the owner."""
    if not getattr(user, "pk", None):
        return False
    if opportunity.owner.team.manager_id == user.pk:
        return True
    return gate.overrider == StageGate.Overrider.OWNER and opportunity.owner.user_id == user.pk


# --- Answering and passing ----------------------------------------------------------------------------


@transaction.atomic
def answer_criteria(
    *,
    opportunity: Opportunity,
    stage: OpportunityStage,
    answers: Mapping[str, Known],
    at: datetime,
    actor: Any = None,
) -> int:
    """Answer criteria of the stage to come, by key; how many answers are new. What stands already is not repeated.

    Raises ``UnableToAnswer`` once it is closed or where nothing is asked, ``InvalidInput`` naming the criterion
    for a met one without evidence and for a key that is not asked.
    """
    opportunity = Opportunity.objects.select_for_update(of=("self",)).get(pk=opportunity.pk)
    if not opportunity.is_open:
        raise UnableToAnswer("It is closed: its answers stand as they were.")
    standing = standing_of(opportunity=opportunity, stage=stage, at=at)
    if standing is None:
        raise UnableToAnswer(f"{OpportunityStage(stage).label} asks for nothing.")
    known = {one.criterion.key: one for one in standing.judged}
    fresh = []
    for key, given in answers.items():
        if key not in known:
            raise InvalidInput("This is not asked here.", field=key)
        evidence = given.evidence.strip()
        if given.is_met and not evidence:
            raise InvalidInput(f"{known[key].criterion.name}: say by what evidence it is met.", field=key)
        if len(evidence) > LONGEST_EVIDENCE:
            raise InvalidInput(f"Keep the evidence to {LONGEST_EVIDENCE} characters.", field=key)
        before = known[key].known
        if before is None or (before.is_met, before.evidence) != (given.is_met, evidence):
            fresh.append((key, given.is_met, evidence))
    GateAnswer.objects.bulk_create(
        GateAnswer(
            opportunity=opportunity,
            stage=stage,
            criterion=key,
            is_met=is_met,
            evidence=evidence,
            answered_at=at,
            answered_by=actor if getattr(actor, "pk", None) else None,
        )
        for key, is_met, evidence in fresh
    )
    if fresh:
        audit.record(
            verb="leads.gate.answered",
            subject=opportunity,
            at=at,
            actor=actor,
            data={"stage": str(stage), "answers": {key: is_met for key, is_met, _ in fresh}},
        )
    return len(fresh)


def check_gate(
    *, opportunity: Opportunity, stage: OpportunityStage, override: str, at: datetime, actor: Any
) -> Standing | None:
    """What judged the move, if anything did. The caller holds the opportunity's row locked.

    Raises ``GateNotMet`` where a criterion is not met and ``override`` (the reason) is empty,
    ``UnableToOverride`` for somebody who may not, ``InvalidInput`` for a reason that is too long.
    """
    standing = standing_of(opportunity=opportunity, stage=stage, at=at)
    if standing is None or standing.is_met:
        return standing
    allowed = may_override(gate=standing.gate, opportunity=opportunity, user=actor)
    if not override.strip():
        raise GateNotMet(stage, standing.unmet, may_override=allowed)
    if not allowed:
        raise UnableToOverride(
            "Only the owner's manager may let it through"
            + (", or the owner." if standing.gate.overrider == StageGate.Overrider.OWNER else ".")
        )
    if len(override.strip()) > LONGEST_REASON:
        raise InvalidInput(f"Keep the reason to {LONGEST_REASON} characters.", field="override")
    return standing


def record_passage(
    *,
    opportunity: Opportunity,
    standing: Standing,
    event: FunnelEvent,
    override: str,
    at: datetime,
    actor: Any,
) -> GatePassage:
    """Keep how it came through; an override also stands in the audit log, by name and reason."""
    is_override = not standing.is_met
    passage = GatePassage.objects.create(
        opportunity=opportunity,
        gate=standing.gate,
        event=event,
        stage=standing.gate.stage,
        passed_at=at,
        passed_by=actor if getattr(actor, "pk", None) else None,
        judged=as_judged(standing.judged),
        is_override=is_override,
        reason=override.strip() if is_override else "",
    )
    if is_override:
        audit.record(
            verb="leads.gate.overridden",
            subject=opportunity,
            at=at,
            actor=actor,
            data={
                "stage": passage.stage,
                "gate": standing.gate.pk,
                "unmet": [one.criterion.key for one in standing.unmet],
            },
        )
    return passage


def as_judged(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Each criterion as it stood, for the copy that a passage keeps."""
    return [
        {
            "key": one.criterion.key,
            "name": one.criterion.name,
            "met": one.is_met,
            "evidence": one.known.evidence if one.known else "",
            "filled": one.known.from_qualification if one.known else False,
        }
        for one in judged
    ]


# --- Writing ------------------------------------------------------------------------------------------


@transaction.atomic
def write_gate(
    *,
    stage: OpportunityStage,
    kind: OpportunityKind,
    criteria: Sequence[GateCriterion],
    overrider: StageGate.Overrider,
    effective_on: date,
    today: date,
    at: datetime,
    note: str = "",
    actor: Any = None,
) -> StageGate:
    """The next version for a stage and a kind, in force from a day that is not past; no criteria asks nothing.

    Raises ``InvalidInput`` naming the field, ``UnableToWriteGate`` when somebody was quicker.
    """
    if stage not in StageGate.STAGES:
        raise InvalidInput("Choose stage 2 or closed won.", field="stage")
    if kind not in OpportunityKind.values:
        raise InvalidInput("Choose a kind of opportunity.", field="kind")
    if effective_on < today:
        raise InvalidInput("It cannot be in force before it is written.", field="effective_on")
    if overrider not in StageGate.Overrider.values:
        raise InvalidInput("Choose who may override.", field="overrider")
    if len(note.strip()) > 300:
        raise InvalidInput("Keep the reason to 300 characters.", field="note")
    _check_criteria(criteria)
    last = StageGate.objects.filter(stage=stage, kind=kind).aggregate(last=Max("version"))["last"] or 0
    try:
        with transaction.atomic():
            gate = StageGate.objects.create(
                stage=stage,
                kind=kind,
                version=last + 1,
                criteria=[one.as_dict() for one in criteria],
                overrider=overrider,
                effective_on=effective_on,
                note=note.strip(),
                written_by=actor if getattr(actor, "pk", None) else None,
                written_at=at,
            )
    except IntegrityError:
        raise UnableToWriteGate("Somebody wrote a version a moment ago: look at it first.") from None
    audit.record(
        verb="leads.gate.written",
        subject=gate,
        at=at,
        actor=actor,
        data={"stage": str(stage), "kind": str(kind), "version": gate.version},
    )
    return gate


def _check_criteria(criteria: Sequence[GateCriterion]) -> None:
    if len(criteria) > rules.MOST_CRITERIA:
        raise InvalidInput(f"Ask for {rules.MOST_CRITERIA} things at most.", field="criteria")
    keys = [one.key for one in criteria]
    names = [one.name.strip().lower() for one in criteria]
    if not all(keys) or not all(names) or len(set(keys)) < len(keys) or len(set(names)) < len(names):
        raise InvalidInput("Give each criterion a name of its own.", field="criteria")
    for one in criteria:
        if len(one.key) > 20 or len(one.name) > rules.LONGEST_NAME or len(one.asks) > rules.LONGEST_QUESTION:
            raise InvalidInput(
                f"{one.name[:40]}: keep the name to {rules.LONGEST_NAME} letters and the question to "
                f"{rules.LONGEST_QUESTION}.",
                field="criteria",
            )


@transaction.atomic
def withdraw_gate(*, gate: StageGate, today: date, at: datetime, actor: Any = None) -> StageGate:
    """Give up a version that is not in force yet. Twice is once. Raises ``UnableToWriteGate`` once it judges."""
    gate = StageGate.objects.select_for_update().get(pk=gate.pk)
    if gate.withdrawn_at is not None:
        return gate
    if gate.effective_on <= today or gate.passages.exists():
        raise UnableToWriteGate("It is in force: write another version that replaces it.")
    gate.withdrawn_at = at
    gate.save(update_fields=["withdrawn_at"])
    audit.record(verb="leads.gate.withdrawn", subject=gate, at=at, actor=actor)
    return gate
