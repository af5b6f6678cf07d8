"""Judge a lead by the SQL definition in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
from apps.leads.models import (
    Definition,
    EventKind,
    FunnelEvent,
    Lead,
    LeadStage,
    Qualification,
    QualificationAnswer,
    Source,
)
from apps.leads.services import queue
from apps.leads.services.record import NewEvent, record_event, reverse_event, sourced
from apps.leads.signals import owners_changed
from apps.reps.models import Rep

_LONGEST = {"answer": 300, "evidence": 500, "said_by": 120}


class UnableToQualify(DomainError):
    """No definition is in force, or the lead is not one to be qualified."""

    code = "unable_to_qualify"


@dataclass(frozen=True)
class Answer:
    """To one criterion: ``verdict`` is met, partly or not_met."""

    verdict: str
    answer: str = ""
    evidence: str = ""
    said_by: str = ""


@transaction.atomic
def qualify(
    *,
    lead: Lead,
    rep: Rep,
    answers: Mapping[str, Answer],
    at: datetime,
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Qualification:
    """Keep the answers; the lead becomes an SQL when enough criteria are met.

    The same answers again change nothing. Answers that no longer meet the definition take the SQL back:
    its event is reversed.

    Raises ``UnableToQualify`` without a signed definition, ``AnothersLead`` for a lead that somebody else
    works, ``InvalidInput`` naming the criterion that has no verdict or too long a text.
    """
    definition = definition_in_force(at)
    if definition is None:
        raise UnableToQualify("No SQL definition is signed by marketing and sales yet.")
    lead = Lead.objects.select_for_update().get(pk=lead.pk)
    if lead.do_not_contact:
        raise UnableToQualify("This lead has opted out: nobody may contact them.")
    if not lead.is_workable:
        raise UnableToQualify(f"This lead is {lead.get_stage_display().lower()}: it cannot be qualified.")
    queue.refuse_anothers(lead=lead, rep=rep, at=at)
    for criterion in definition.criteria:
        given = answers.get(criterion["key"])
        if given is None or given.verdict not in QualificationAnswer.Verdict.values:
            raise InvalidInput(f"Say whether {criterion['name']} is met.", field=criterion["key"])
        if given.verdict == "met" and not given.answer.strip():
            raise InvalidInput(
                f"{criterion['name']} is met: say what the answer was.", field=criterion["key"]
            )
        for part, longest in _LONGEST.items():
            if len(getattr(given, part).strip()) > longest:
                raise InvalidInput(
                    f"{criterion['name']}: keep this to {longest} characters.", field=criterion["key"]
                )
    if (same := _same_as_before(lead, definition, answers)) is not None:
        return same
    met = sum(answers[criterion["key"]].verdict == "met" for criterion in definition.criteria)
    qualification = Qualification.objects.create(
        lead=lead,
        definition=definition,
        rep=rep,
        qualified_at=at,
        meets_definition=met >= definition.needed,
    )
    QualificationAnswer.objects.bulk_create(
        [
            QualificationAnswer(
                qualification=qualification,
                criterion=criterion["key"],
                name=criterion["name"],
                position=position,
                verdict=answers[criterion["key"]].verdict,
                answer=answers[criterion["key"]].answer.strip(),
                evidence=answers[criterion["key"]].evidence.strip(),
                said_by=answers[criterion["key"]].said_by.strip(),
            )
            for position, criterion in enumerate(definition.criteria)
        ]
    )
    if qualification.meets_definition and lead.stage != LeadStage.SQL:
        lead.stage = LeadStage.SQL
        from_pool = lead.owner_id is None
        lead.owner_id = lead.owner_id or rep.pk
        queue.settle(lead)
        lead.save()
        if from_pool:
            owners_changed.send(sender=Lead, owners={lead.pk: rep.pk}, at=at)
        record_event(
            event=NewEvent(
                kind=EventKind.QUALIFIED,
                occurred_at=at,
                source=source,
                source_key=f"qualification:{qualification.pk}",
                lead=lead,
                credits=sourced(rep),
                actor=actor,
                data={"definition": definition.version, "met": met},
            ),
            at=at,
        )
    elif not qualification.meets_definition and lead.stage == LeadStage.SQL:
        _take_back(lead, at, actor, source)
    return qualification


def definition_in_force(at: datetime) -> Definition | None:
    """The signed SQL definition that leads are judged by on the company's day of ``at``."""
    day = day_of(at, settings.COMPANY_TIME_ZONE)
    return Definition.objects.in_force(Definition.Kind.SQL, day).first()


def _same_as_before(
    lead: Lead, definition: Definition, answers: Mapping[str, Answer]
) -> Qualification | None:
    """The latest judgement of the lead when it is word for word this one (a second click)."""
    latest = lead.qualifications.prefetch_related("answers").first()
    if latest is None or latest.definition_id != definition.pk:
        return None
    if lead.hand_offs.filter(qualification=latest).exists():
        return None
    before = {
        one.criterion: Answer(one.verdict, one.answer, one.evidence, one.said_by)
        for one in latest.answers.all()
    }
    now = {
        criterion["key"]: Answer(
            answers[criterion["key"]].verdict,
            answers[criterion["key"]].answer.strip(),
            answers[criterion["key"]].evidence.strip(),
            answers[criterion["key"]].said_by.strip(),
        )
        for criterion in definition.criteria
    }
    return latest if before == now else None


def _take_back(lead: Lead, at: datetime, actor: Any, source: Source) -> None:
    event = (
        FunnelEvent.objects.filter(lead=lead, kind=EventKind.QUALIFIED)
        .effective()
        .order_by("-occurred_at", "-pk")
        .first()
    )
    if event is not None:
        reverse_event(event=event, reason="Judged again: criteria not met", at=at, actor=actor, source=source)
    lead.stage = LeadStage.WORKING
    queue.settle(lead)
    lead.save()
