"""Agree on a change of pay: proposed by one person for an inquiry, approved by another, taken back in the same way.

Approving pays nothing by itself: the next computation of an open run posts what was approved (``agreed_changes``).
Neither who asked, nor who is paid by it, nor who proposed it approves; the database refuses it as well.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.audit import services as audit
from apps.compensation.models import (
    Inquiry,
    InquiryMessage,
    LedgerEntry,
    PayAdjustment,
    PayAdjustmentDecision,
    PlanVersion,
    Statement,
    Verdict,
)
from apps.compensation.models.adjustments import SOURCE_PREFIX
from apps.compensation.rules import words
from apps.compensation.services import inquiry_news as news
from apps.compensation.services.inquiry_outcomes import settle
from apps.compensation.services.inquiry_rows import held, reason_of, refuse_unless_running
from apps.compensation.services.inquiry_thread import refuse_concerned, say
from apps.core.errors import DomainError, InvalidInput

MOST_MINOR = 10**12


class UnableToAdjust(DomainError):
    """The inquiry has another state, another change waits, or there is nothing to take back."""

    code = "unable_to_adjust"


class UnableToDecide(DomainError):
    """It was decided already, or this person may not decide it."""

    code = "unable_to_decide"


@dataclass(frozen=True)
class Basis:
    """To what a change may belong: the plan version, its components by key, the period, the currencies."""

    plan_version: PlanVersion
    components: dict[str, str]
    starts_on: date
    ends_on: date
    currencies: tuple[str, ...]


def basis_of(inquiry: Inquiry) -> Basis | None:
    """Read from the questioned line, else from the statement; ``None`` where nobody's plan was ever paid.

    ``statement__run`` joined in.
    """
    statement, line = inquiry.statement, inquiry.line
    version = line.plan_version if line else statement.plan_version
    if version is None:
        newest = LedgerEntry.objects.filter(statement=statement).order_by("-pk").first()
        if newest is None:
            return None
        version = newest.plan_version
    components = {one.key: one.name for one in version.rules.components}
    if line is not None:
        components = {line.component_key: line.component_name} | components
    beside = Statement.objects.filter(run=statement.run_id, rep=statement.rep_id).order_by("currency")
    currencies = dict.fromkeys([statement.currency, *beside.values_list("currency", flat=True)])
    starts_on, ends_on = (
        (line.starts_on, line.ends_on) if line else (statement.run.starts_on, statement.run.ends_on)
    )
    return Basis(version, components, starts_on, ends_on, tuple(currencies))


@transaction.atomic
def propose(
    *,
    inquiry: Inquiry,
    amount_minor: int,
    currency: str,
    component_key: str,
    reason: str,
    at: datetime,
    actor: Any,
) -> PayAdjustment:
    """Propose to pay ``amount_minor`` more (or less, below zero) for the questioned period.

    Asking twice for what waits in the same words is asking once. Raises ``InvalidInput`` naming the field,
    ``UnableToAdjust``, ``UnableToHandle``.
    """
    reason = reason_of(
        reason, field="reason", says="Say why: who approves it reads this, and it stands on the statement."
    )
    inquiry = held(inquiry)
    refuse_unless_running(inquiry)
    refuse_concerned(inquiry=inquiry, actor=actor)
    basis = _basis(inquiry, amount_minor, currency, component_key)
    waiting = inquiry.adjustments.waiting().first()
    if waiting is not None:
        same = (waiting.amount_minor, waiting.currency, waiting.component_key, waiting.reason)
        if same == (amount_minor, currency, component_key, reason) and waiting.proposed_by_id == actor.pk:
            return waiting
        raise UnableToAdjust("A change waits for its approval: have it decided or withdrawn first.")
    number = _next_number(inquiry)
    return _proposed(
        PayAdjustment(
            inquiry=inquiry,
            number=number,
            rep=inquiry.rep,
            plan_version=basis.plan_version,
            component_key=component_key,
            component_name=basis.components[component_key],
            starts_on=basis.starts_on,
            ends_on=basis.ends_on,
            amount_minor=amount_minor,
            currency=currency,
            reason=reason,
            proposed_by=actor,
            proposed_at=at,
            source_key=f"{SOURCE_PREFIX}{inquiry.pk}:{number}",
        ),
        inquiry,
        at,
    )


def _basis(inquiry: Inquiry, amount_minor: int, currency: str, component_key: str) -> Basis:
    if not amount_minor or abs(amount_minor) > MOST_MINOR:
        raise InvalidInput("Write an amount other than zero.", field="amount")
    basis = basis_of(inquiry)
    if basis is None:
        raise UnableToAdjust(
            "No plan pays this rep in that period, so nothing can be posted: assign one first."
        )
    if component_key not in basis.components:
        raise InvalidInput("Choose a component of the plan.", field="component")
    if currency not in basis.currencies:
        raise InvalidInput("Choose a currency in which the rep has a statement.", field="currency")
    return basis


def _next_number(inquiry: Inquiry) -> int:
    return (inquiry.adjustments.aggregate(Max("number"))["number__max"] or 0) + 1


def _proposed(adjustment: PayAdjustment, inquiry: Inquiry, at: datetime) -> PayAdjustment:
    adjustment.save()
    audit.record(
        verb="compensation.adjustment.proposed",
        subject=adjustment,
        at=at,
        actor=adjustment.proposed_by,
        data={
            "inquiry": inquiry.pk,
            "amount_minor": adjustment.amount_minor,
            "currency": adjustment.currency,
            "component": adjustment.component_key,
            "reverses": adjustment.reverses_id,
        },
    )
    news.tell_proposed(adjustment=adjustment, at=at)
    return adjustment


@transaction.atomic
def propose_reversal(*, adjustment: PayAdjustment, reason: str, at: datetime, actor: Any) -> PayAdjustment:
    """Propose to take all of an approved change back; somebody else approves that as well.

    Raises ``InvalidInput`` without a reason, ``UnableToAdjust`` when it does not count (any more).
    """
    reason = reason_of(reason, field="reason", says="Say why it is taken back: who approves it reads this.")
    inquiry = held(adjustment.inquiry)
    refuse_concerned(inquiry=inquiry, actor=actor)
    found = PayAdjustment.objects.select_related("decision").get(pk=adjustment.pk)
    if found.verdict != Verdict.APPROVED or found.reverses_id is not None:
        raise UnableToAdjust("Only a change that counts can be taken back.")
    if PayAdjustment.objects.filter(reverses=found).approved().exists():
        raise UnableToAdjust("It was taken back already.")
    if inquiry.adjustments.waiting().exists():
        raise UnableToAdjust("A change waits for its approval: have it decided or withdrawn first.")
    return _proposed(
        PayAdjustment(
            inquiry=inquiry,
            number=_next_number(inquiry),
            rep_id=found.rep_id,
            plan_version_id=found.plan_version_id,
            component_key=found.component_key,
            component_name=found.component_name,
            starts_on=found.starts_on,
            ends_on=found.ends_on,
            amount_minor=-found.amount_minor,
            currency=found.currency,
            reason=reason,
            proposed_by=actor,
            proposed_at=at,
            reverses=found,
            source_key=found.source_key,
            sequence=2,
        ),
        inquiry,
        at,
    )


def why_not_approve(*, adjustment: PayAdjustment, user: Any) -> str:
    """Why ``user`` does not approve it; "" when nothing speaks against it. Roles are the policy's matter."""
    if adjustment.proposed_by_id == user.pk:
        return "Who proposed a change does not approve it."
    if user.pk in (adjustment.inquiry.asked_by_id, adjustment.rep.user_id):
        return "Nobody approves a change of their own pay."
    return ""


def _held(adjustment: PayAdjustment) -> tuple[PayAdjustment, Inquiry]:
    """Both, once nobody else acts on the inquiry. Raises ``UnableToDecide`` when it was decided."""
    inquiry = held(adjustment.inquiry)
    found = PayAdjustment.objects.select_related("rep", "proposed_by").get(pk=adjustment.pk)
    found.inquiry = inquiry
    decision = PayAdjustmentDecision.objects.select_related("by").filter(adjustment=found).first()
    if decision is not None:
        raise UnableToDecide(
            f"This change was {decision.get_verdict_display().lower()} by {decision.by.name} "
            f"on {decision.at:%-d %b %Y}."
        )
    return found, inquiry


def _decide(
    adjustment: PayAdjustment, verdict: Verdict, *, at: datetime, actor: Any, words: str = ""
) -> PayAdjustment:
    try:
        with transaction.atomic():
            decision = PayAdjustmentDecision.objects.create(
                adjustment=adjustment, verdict=verdict, by=actor, at=at, words=words
            )
    except IntegrityError as error:
        raise UnableToDecide("Somebody was quicker: look at it again.") from error
    adjustment.decision = decision
    audit.record(
        verb=f"compensation.adjustment.{verdict.value}",
        subject=adjustment,
        at=at,
        actor=actor,
        data={"inquiry": adjustment.inquiry_id},
    )
    news.tell_decided(adjustment=adjustment, at=at)
    return adjustment


@transaction.atomic
def approve(*, adjustment: PayAdjustment, at: datetime, actor: Any) -> PayAdjustment:
    """Let it count: the next computation of an open run posts it. The inquiry is settled by it.

    Raises ``UnableToDecide``, also when the inquiry was settled in another way meanwhile.
    """
    adjustment, inquiry = _held(adjustment)
    if refused := why_not_approve(adjustment=adjustment, user=actor):
        raise UnableToDecide(refused)
    taken_back = PayAdjustment.objects.filter(reverses=adjustment.reverses_id).approved()
    if adjustment.reverses_id is not None and taken_back.exists():
        raise UnableToDecide("The change was taken back already.")
    if adjustment.reverses_id is None and not inquiry.is_running:
        raise UnableToDecide("The inquiry was settled in another way: have it opened again first.")
    found = _decide(adjustment, Verdict.APPROVED, at=at, actor=actor)
    if adjustment.reverses_id is None:
        said = in_words(adjustment)
        say(inquiry=inquiry, kind=InquiryMessage.Kind.OUTCOME, text=said, at=at, actor=actor)
        settle(
            inquiry=inquiry,
            state=Inquiry.State.AGREED,
            outcome=Inquiry.Outcome.AGREED,
            words=said,
            at=at,
            actor=actor,
        )
    return found


@transaction.atomic
def decline(*, adjustment: PayAdjustment, text: str, at: datetime, actor: Any) -> PayAdjustment:
    """Say no, and why; the inquiry goes on. Raises ``InvalidInput`` without a reason, ``UnableToDecide``."""
    text = reason_of(text, field="words", says="Say why: who proposed it reads it.")
    adjustment, inquiry = _held(adjustment)
    if adjustment.proposed_by_id == actor.pk:
        raise UnableToDecide("Withdraw what you proposed yourself.")
    if inquiry.concerns(actor):
        raise UnableToDecide("Nobody decides a change of their own pay.")
    return _decide(adjustment, Verdict.DECLINED, at=at, actor=actor, words=text)


@transaction.atomic
def withdraw(*, adjustment: PayAdjustment, at: datetime, actor: Any) -> PayAdjustment:
    """Take back what one proposed oneself, before it is decided. Raises ``UnableToDecide``."""
    adjustment, _ = _held(adjustment)
    if adjustment.proposed_by_id != actor.pk:
        raise UnableToDecide("Only who proposed it withdraws it: decline it instead.")
    return _decide(adjustment, Verdict.WITHDRAWN, at=at, actor=actor)


def in_words(adjustment: PayAdjustment) -> str:
    """``€80.00 more for “Accepted meetings”: the meeting counted for somebody else.``"""
    amount = words.money(abs(adjustment.amount_minor), adjustment.currency)
    way = "more" if adjustment.amount_minor > 0 else "less"
    return f"{amount} {way} for “{adjustment.component_name}”: {adjustment.reason}"
