"""Who hears of a split of credit: those who may approve it, and afterwards everybody whose share it moves."""

from datetime import datetime

from django.urls import reverse

from apps.accounts.models import Role, User
from apps.accounts.services.notifications import NewNotification, notify
from apps.compensation.models import CreditSplit, Verdict
from apps.compensation.notification_kinds import SPLIT_DECIDED, SPLIT_TO_APPROVE


def _address(split: CreditSplit) -> str:
    return reverse("compensation:split", args=[split.pk])


def _what(split: CreditSplit) -> str:
    return f"{split.event.get_kind_display()} (event {split.event_id})"


def tell_proposed(*, split: CreditSplit, at: datetime) -> None:
    """Tell RevOps and finance, those aside who proposed it or gain by it."""
    gaining = {
        part.rep.user_id for part in split.parts.select_related("rep") if part.share > part.share_before
    }
    approvers = User.objects.filter(role__in=(Role.REVOPS, Role.FINANCE), is_active=True)
    told = [
        NewNotification(
            user_id=pk,
            kind=SPLIT_TO_APPROVE,
            key=f"split:{split.pk}:proposed",
            title=f"{_what(split)}: another split of the credit waits",
            body=f"{split.proposed_by.name}: {split.reason}"[:300],
            url=_address(split),
        )
        for pk in approvers.order_by("pk").values_list("pk", flat=True)
        if pk != split.proposed_by_id and pk not in gaining
    ]
    notify(notifications=told, at=at)


def tell_decided(*, split: CreditSplit, at: datetime) -> None:
    """Tell who proposed it; and, once it counts, everybody whose share is another."""
    decision = split.decision
    told: set[int | None] = {split.proposed_by_id}
    if decision.verdict == Verdict.APPROVED:
        told |= {part.rep.user_id for part in split.parts.select_related("rep")}
    said = decision.get_verdict_display().lower()
    body = decision.words if decision.verdict == Verdict.DECLINED else split.reason
    notify(
        notifications=[
            NewNotification(
                user_id=pk,
                kind=SPLIT_DECIDED,
                key=f"split:{split.pk}:{decision.verdict}",
                title=f"{_what(split)}: the split of the credit was {said} by {decision.by.name}",
                body=body[:300],
                url=_address(split),
            )
            for pk in sorted(pk for pk in told if pk is not None and pk != decision.by_id)
        ],
        at=at,
    )
