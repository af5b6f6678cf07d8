"""Who hears of an inquiry: who asked, its owner, who may approve a change, and the finance lead when it is late.

Titles name the inquiry and never an amount or what was asked: they go out by e-mail.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.compensation.models import Inquiry, InquiryMessage, PayAdjustment, Verdict
from apps.compensation.notification_kinds import (
    ADJUSTMENT_TO_APPROVE,
    INQUIRY,
    INQUIRY_LATE,
    INQUIRY_TO_ANSWER,
)
from apps.compensation.rules.inquiry_clock import ESCALATE_FIRST, REMIND_FIRST
from apps.compensation.services.inquiry_terms import answerers


def tell_owner(*, inquiry: Inquiry, at: datetime, actor: Any) -> None:
    """Tell the owner that it is theirs; nobody is told what they did themselves."""
    if inquiry.owner_id == getattr(actor, "pk", None):
        return
    _tell(
        [inquiry.owner_id],
        INQUIRY_TO_ANSWER,
        f"inquiry:{inquiry.pk}:owner:{inquiry.owner_id}:{at.isoformat()}",
        f"Inquiry {inquiry.pk} is yours to answer",
        f"A first answer is promised by {inquiry.first_due_at:%-d %B}, an outcome by {inquiry.due_at:%-d %B}.",
        inquiry,
        at,
    )


def tell_message(*, message: InquiryMessage, at: datetime) -> None:
    """Tell the other side that something was said."""
    inquiry = message.inquiry
    if message.by_id == inquiry.asked_by_id:
        told, kind, title = inquiry.owner_id, INQUIRY_TO_ANSWER, f"Inquiry {inquiry.pk}: who asked replied"
    elif message.kind == InquiryMessage.Kind.ASKS_BACK:
        told, kind, title = inquiry.asked_by_id, INQUIRY, f"Inquiry {inquiry.pk}: a question for you"
    else:
        told, kind, title = inquiry.asked_by_id, INQUIRY, f"Inquiry {inquiry.pk}: somebody replied"
    body = "It stands still until you reply." if message.kind == InquiryMessage.Kind.ASKS_BACK else ""
    _tell([told], kind, f"inquiry:{inquiry.pk}:message:{message.number}", title, body, inquiry, at)


def tell_settled(*, inquiry: Inquiry, at: datetime) -> None:
    """Tell who asked what came of it."""
    until = f"You may open it again until {inquiry.reopen_until:%-d %B}." if inquiry.reopen_until else ""
    _tell(
        [inquiry.asked_by_id],
        INQUIRY,
        f"inquiry:{inquiry.pk}:settled:{inquiry.round}",
        f"Inquiry {inquiry.pk}: {inquiry.get_outcome_display().lower()}",
        until,
        inquiry,
        at,
    )


def tell_by_asker(*, inquiry: Inquiry, what: str, at: datetime) -> None:
    """Tell the owner that who asked opened it again or withdrew it."""
    key = f"inquiry:{inquiry.pk}:{what}:{inquiry.round}"
    title = f"Inquiry {inquiry.pk} was {what}"
    _tell([inquiry.owner_id], INQUIRY_TO_ANSWER, key, title, "", inquiry, at)


def tell_soon_due(*, inquiry: Inquiry, step: str, at: datetime) -> None:
    """Remind the owner."""
    first = step == REMIND_FIRST
    due_at = inquiry.first_due_at if first else inquiry.due_at
    _tell(
        [inquiry.owner_id],
        INQUIRY_TO_ANSWER,
        f"inquiry:{inquiry.pk}:{step}:{inquiry.round}:{inquiry.owner_id}",
        f"Inquiry {inquiry.pk}: {'a first answer' if first else 'an outcome'} is soon due",
        f"It is promised by {due_at:%-d %B, %H:%M} UTC.",
        inquiry,
        at,
    )


def tell_late(*, inquiry: Inquiry, step: str, leads: Iterable[int], at: datetime) -> None:
    """Tell the owner and the finance lead; nobody whom the inquiry concerns."""
    first = step == ESCALATE_FIRST
    due_at = inquiry.first_due_at if first else inquiry.due_at
    told = {inquiry.owner_id, *leads} - {inquiry.asked_by_id, inquiry.rep.user_id}
    _tell(
        told,
        INQUIRY_LATE,
        f"inquiry:{inquiry.pk}:{step}:{inquiry.round}",
        f"Inquiry {inquiry.pk}: {'the first answer' if first else 'the outcome'} is late",
        f"{inquiry.owner.name} owns it; it was promised by {due_at:%-d %B, %H:%M} UTC.",
        inquiry,
        at,
    )


def tell_proposed(*, adjustment: PayAdjustment, at: datetime) -> None:
    """Tell those who may approve it."""
    inquiry = adjustment.inquiry
    without = {adjustment.proposed_by_id, inquiry.asked_by_id, inquiry.rep.user_id}
    told = [pk for pk in answerers().values_list("pk", flat=True) if pk not in without]
    _tell(
        told,
        ADJUSTMENT_TO_APPROVE,
        f"adjustment:{adjustment.pk}:proposed",
        f"Inquiry {inquiry.pk}: a change of pay waits for approval",
        f"Proposed by {adjustment.proposed_by.name}.",
        inquiry,
        at,
    )


def tell_decided(*, adjustment: PayAdjustment, at: datetime) -> None:
    """Tell who proposed it; of one that counts the asker hears by ``tell_settled``, or here of a reversal."""
    decision, inquiry = adjustment.decision, adjustment.inquiry
    told: set[int | None] = {adjustment.proposed_by_id}
    if decision.verdict == Verdict.APPROVED and adjustment.reverses_id is not None:
        told |= {inquiry.asked_by_id, inquiry.rep.user_id}
    said = decision.get_verdict_display().lower()
    _tell(
        told - {decision.by_id},
        INQUIRY_TO_ANSWER if told == {adjustment.proposed_by_id} else INQUIRY,
        f"adjustment:{adjustment.pk}:{decision.verdict}",
        f"Inquiry {inquiry.pk}: the change of pay was {said} by {decision.by.name}",
        "",
        inquiry,
        at,
    )


def _tell(
    users: Iterable[int | None], kind: str, key: str, title: str, body: str, inquiry: Inquiry, at: datetime
) -> None:
    url = reverse("compensation:inquiry", args=[inquiry.pk])
    notify(
        notifications=[
            NewNotification(
                user_id=user, kind=kind, key=key[:120], title=title[:160], body=body[:400], url=url
            )
            for user in sorted({user for user in users if user is not None})
        ],
        at=at,
    )
