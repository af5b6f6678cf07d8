"""Complain about the quality of a lead, answer a complaint, take one back. What was said stays on record."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Lead
from apps.reps.models import Rep
from apps.scorecards.models import ComplaintAnswer, ComplaintReason, LeadComplaint
from apps.scorecards.services.review_notices import tell_answer, tell_complaint

SHORTEST = 10


class UnableToComplain(DomainError):
    """Who complains is no rep, or has complained about this lead for this reason already."""

    code = "unable_to_complain"


class UnableToAnswer(DomainError):
    """It was taken back."""

    code = "unable_to_answer_complaint"


def _said(text: str, what: str, field: str) -> str:
    text = text.strip()
    if len(text) < SHORTEST:
        raise InvalidInput(what, field=field)
    if len(text) > 1000:
        raise InvalidInput("Write at most 1,000 characters.", field=field)
    return text


@transaction.atomic
def complain(
    *, lead: Lead, reason: str, comment: str, request_key: str = "", at: datetime, actor: Any
) -> LeadComplaint:
    """Say that ``lead`` was not what was agreed; marketing is told. The same ``request_key`` is the same complaint.

    Raises ``InvalidInput`` naming the field, ``UnableToComplain``.
    """
    if reason not in ComplaintReason.values:
        raise InvalidInput("Choose what is wrong with it.", field="reason")
    comment = _said(comment, "Say in a sentence what is wrong: marketing changes what it can see.", "comment")
    rep = Rep.objects.select_for_update(of=("self",)).filter(user=actor).first()
    if rep is None:
        raise UnableToComplain("Only who works a lead complains about it.")
    if request_key:
        present = LeadComplaint.objects.filter(request_key=request_key).first()
        if present is not None:
            return present
    if LeadComplaint.objects.filter(lead=lead, rep=rep, reason=reason).standing().exists():
        raise UnableToComplain("You have complained about this lead for this reason already.")
    complaint = LeadComplaint.objects.create(
        lead=lead,
        team=lead.team or rep.team,
        rep=rep,
        reason=reason,
        comment=comment,
        source=lead.source,
        campaign=lead.campaign,
        made_at=at,
        request_key=request_key or None,
    )
    audit.record(
        verb="scorecards.complaint.made",
        subject=complaint,
        at=at,
        actor=actor,
        data={"lead": lead.pk, "reason": reason},
    )
    tell_complaint(complaint=complaint, at=at)
    return complaint


@transaction.atomic
def answer(*, complaint: LeadComplaint, text: str, at: datetime, actor: Any) -> ComplaintAnswer:
    """What marketing says or has changed; the author is told. Raises ``InvalidInput``, ``UnableToAnswer``."""
    text = _said(text, "Say what you found or changed.", "text")
    if complaint.answers.filter(kind=ComplaintAnswer.Kind.WITHDRAWN).exists():
        raise UnableToAnswer("This complaint was taken back.")
    made = ComplaintAnswer.objects.create(
        complaint=complaint, kind=ComplaintAnswer.Kind.ANSWERED, text=text, by=actor, at=at
    )
    audit.record(verb="scorecards.complaint.answered", subject=complaint, at=at, actor=actor)
    tell_answer(complaint=complaint, answer=made.pk, at=at)
    return made


@transaction.atomic
def withdraw(*, complaint: LeadComplaint, text: str = "", at: datetime, actor: Any) -> ComplaintAnswer:
    """Take one's own complaint back: it stays on record and counts no more. Raises ``UnableToAnswer``."""
    try:
        with transaction.atomic():
            made = ComplaintAnswer.objects.create(
                complaint=complaint,
                kind=ComplaintAnswer.Kind.WITHDRAWN,
                text=text.strip()[:1000],
                by=actor,
                at=at,
            )
    except IntegrityError:
        raise UnableToAnswer("This complaint was taken back already.") from None
    audit.record(verb="scorecards.complaint.withdrawn", subject=complaint, at=at, actor=actor)
    return made
