"""Write certifications, plan sessions, record who passed; take a mistaken result back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.locks import hold
from apps.core.periods import day_of
from apps.reps.models import Rep, RepRole
from apps.scorecards.models import (
    Certification,
    CertificationResult,
    TrainingAttendance,
    TrainingSession,
)
from apps.scorecards.notification_kinds import TRAINING_DUE
from apps.scorecards.rules import training as rules
from apps.scorecards.services import training_due

MOST_ATTENDEES = 500


class UnableToTrain(DomainError):
    """The name is taken, the result is there already or was taken back, or the certification is of another role."""

    code = "unable_to_train"


@dataclass(frozen=True)
class CertificationDraft:
    """A certification as it is written. ``pass_score`` of 100, ``None`` for pass or fail alone."""

    role: str
    name: str
    asked_from: date
    valid_months: int = 12
    pass_score: int | None = None
    says: str = ""


@transaction.atomic
def write_certification(
    *, draft: CertificationDraft, at: datetime, actor: Any = None, certification: Certification | None = None
) -> Certification:
    """Ask a new certification of a role, or change ``certification``. What was passed keeps its own last day.

    Raises ``InvalidInput`` naming the field, ``UnableToTrain`` for a name that is taken.
    """
    if draft.role not in RepRole.values:
        raise InvalidInput("Choose a role from the list.", field="role")
    if not draft.name.strip() or len(draft.name.strip()) > 80:
        raise InvalidInput("Name it, in at most 80 characters.", field="name")
    if not 1 <= draft.valid_months <= rules.LONGEST_MONTHS:
        raise InvalidInput(f"It holds 1 to {rules.LONGEST_MONTHS} months.", field="valid_months")
    if draft.pass_score is not None and not 0 <= draft.pass_score <= 100:
        raise InvalidInput("Write 0 to 100, or nothing.", field="pass_score")
    if certification is not None and certification.role != draft.role:
        raise InvalidInput("The role stays: write another certification for another role.", field="role")
    values = {
        "name": draft.name.strip(),
        "says": draft.says.strip()[:300],
        "valid_months": draft.valid_months,
        "pass_score": draft.pass_score,
        "asked_from": draft.asked_from,
    }
    try:
        with transaction.atomic():
            if certification is None:
                certification = Certification.objects.create(role=draft.role, **values)
            else:
                Certification.objects.filter(pk=certification.pk).update(**values)
                certification.refresh_from_db()
    except IntegrityError:
        raise UnableToTrain(
            f"There is a certification called {draft.name.strip()!r} for this role already.", field="name"
        ) from None
    audit.record(
        verb="scorecards.certification.written",
        subject=certification,
        at=at,
        actor=actor,
        data={"role": draft.role, **values, "asked_from": draft.asked_from.isoformat()},
    )
    training_due.refresh(at=at)
    return certification


@transaction.atomic
def retire_certification(*, certification: Certification, at: datetime, actor: Any = None) -> bool:
    """Ask it of nobody any more; its results stay. Whether this call did it."""
    done = Certification.objects.filter(pk=certification.pk, retired_at__isnull=True).update(retired_at=at)
    if done:
        audit.record(
            verb="scorecards.certification.retired", subject=certification, at=at, actor=actor, data={}
        )
        training_due.refresh(at=at)
    return bool(done)


@transaction.atomic
def plan_session(
    *,
    title: str,
    starts_at: datetime,
    trainer: Any,
    reps: Sequence[Rep],
    certification: Certification | None = None,
    material_url: str = "",
    at: datetime,
    actor: Any = None,
) -> TrainingSession:
    """Plan a session, or keep one that was held, with those who are asked to it; whoever is still to come is told.

    Raises ``InvalidInput`` naming the field, ``UnableToTrain`` for somebody of another role.
    """
    if not title.strip() or len(title.strip()) > 120:
        raise InvalidInput("Say what it is about, in at most 120 characters.", field="title")
    if not reps or len(reps) > MOST_ATTENDEES:
        raise InvalidInput(f"Choose 1 to {MOST_ATTENDEES} people.", field="reps")
    if material_url and not is_https(material_url):
        raise InvalidInput("Give the whole web address, with https://.", field="material_url")
    other = [one.name for one in reps if certification is not None and one.role != certification.role]
    if other:
        raise UnableToTrain(f"{other[0]} is of another role than {certification} is asked of.", field="reps")
    session = TrainingSession.objects.create(
        title=title.strip(),
        certification=certification,
        starts_at=starts_at,
        trainer=trainer,
        material_url=material_url,
        planned_at=at,
    )
    TrainingAttendance.objects.bulk_create(TrainingAttendance(session=session, rep=one) for one in reps)
    audit.record(
        verb="scorecards.training.planned",
        subject=session,
        at=at,
        actor=actor,
        data={"title": session.title, "reps": sorted(one.pk for one in reps)},
    )
    if starts_at > at:
        _tell(session, reps, at)
    return session


def _tell(session: TrainingSession, reps: Sequence[Rep], at: datetime) -> None:
    page = reverse("scorecards:own_training")
    day = day_of(session.starts_at, settings.COMPANY_TIME_ZONE)
    title = f"You are asked to a training on {day.day} {day:%B}: {session.title}"
    found = [
        NewNotification(one.user_id, TRAINING_DUE, f"session:{session.pk}", title, session.trainer.name, page)
        for one in reps
        if one.user_id is not None
    ]
    notify(notifications=found, at=at)


@transaction.atomic
def record_result(
    *,
    certification: Certification,
    rep: Rep,
    taken_on: date,
    score: int | None = None,
    is_pass: bool | None = None,
    session: TrainingSession | None = None,
    note: str = "",
    at: datetime,
    actor: Any,
) -> CertificationResult:
    """Keep how ``rep`` did on ``taken_on``. The same again changes nothing; another one of that day is refused.

    Where the certification asks a score, the score decides; else ``is_pass``. Raises ``InvalidInput`` naming the
    field, ``UnableToTrain``.
    """
    if taken_on > day_of(at, settings.COMPANY_TIME_ZONE):
        raise InvalidInput("That day is still to come.", field="taken_on")
    if taken_on < rep.hired_on:
        raise InvalidInput(f"{rep.name} was not here yet.", field="taken_on")
    if score is not None and not 0 <= score <= 100:
        raise InvalidInput("Write 0 to 100.", field="score")
    if certification.role != rep.role:
        raise UnableToTrain(f"{rep.name} is of another role than {certification} is asked of.", field="rep")
    passed = rules.is_pass(score, certification.pass_score, is_pass)
    if passed is None:
        asked = certification.pass_score is not None
        raise InvalidInput(
            "Write the score: it decides." if asked else "Say whether it was passed.",
            field="score" if asked else "is_pass",
        )
    hold([f"certification:{certification.pk}:{rep.pk}"])
    there = CertificationResult.objects.standing().filter(
        certification=certification, rep=rep, taken_on=taken_on
    )
    before = there.first()
    if before is not None:
        if (before.score, before.is_pass) == (score, passed):
            return before
        raise UnableToTrain(
            f"{rep.name} has another result of {taken_on} already: take that one back first.",
            field="taken_on",
        )
    result = CertificationResult.objects.create(
        certification=certification,
        rep=rep,
        session=session,
        taken_on=taken_on,
        score=score,
        is_pass=passed,
        valid_until=rules.months_later(taken_on, certification.valid_months) if passed else None,
        note=note.strip()[:300],
        recorded_by=actor,
        recorded_at=at,
    )
    audit.record(
        verb="scorecards.certification.result",
        subject=result,
        at=at,
        actor=actor,
        data={"rep": rep.pk, "passed": passed, "score": score, "taken_on": taken_on.isoformat()},
    )
    training_due.refresh(at=at, reps=[rep.pk])
    return result


@transaction.atomic
def take_back_result(
    *, result: CertificationResult, reason: str, at: datetime, actor: Any
) -> CertificationResult:
    """A mistake: the result counts no more; both stay on record. Raises ``UnableToTrain`` for one that was."""
    if not reason.strip():
        raise InvalidInput("Say why it is taken back.", field="reason")
    if result.takes_back_id is not None:
        raise UnableToTrain("This row takes another one back: record the result anew instead.")
    try:
        with transaction.atomic():
            back = CertificationResult.objects.create(
                certification=result.certification,
                rep=result.rep,
                session=result.session,
                taken_on=result.taken_on,
                score=result.score,
                is_pass=result.is_pass,
                valid_until=result.valid_until,
                note=reason.strip()[:300],
                takes_back=result,
                recorded_by=actor,
                recorded_at=at,
            )
    except IntegrityError:
        raise UnableToTrain("It was taken back already.") from None
    audit.record(
        verb="scorecards.certification.result_taken_back",
        subject=back,
        at=at,
        actor=actor,
        data={"rep": result.rep_id, "result": result.pk, "reason": reason.strip()[:300]},
    )
    training_due.refresh(at=at, reps=[result.rep_id])
    return back


def is_https(url: str) -> bool:
    """Whether it is a whole web address that nobody on the way can read."""
    try:
        URLValidator(schemes=["https"])(url)
    except ValidationError:
        return False
    return len(url) <= 500
