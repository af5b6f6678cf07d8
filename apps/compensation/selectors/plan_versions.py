"""Versions of plans as they stand to each other: which comes before which, what waits for whom."""

from typing import Any

from django.db.models import Q, QuerySet

from apps.compensation.models import PlanVersion


def version_before(version: PlanVersion) -> PlanVersion | None:
    """The approved version that ``version`` replaces: the newest that begins no later, else the newest."""
    approved = PlanVersion.objects.filter(plan=version.plan_id, state=PlanVersion.State.APPROVED)
    others = approved.exclude(pk=version.pk).select_related("plan")
    if version.is_approved:
        others = others.filter(
            Q(effective_on__lt=version.effective_on)
            | Q(effective_on=version.effective_on, number__lt=version.number)
        )
        return others.order_by("-effective_on", "-number").first()
    earlier = (
        others.filter(effective_on__lte=version.effective_on).order_by("-effective_on", "-number").first()
    )
    return earlier or others.order_by("-number").first()


def to_approve_query(user: Any, *, most: int) -> QuerySet[PlanVersion]:
    """The versions that wait for approval and that ``user`` may approve, to be counted."""
    waiting = PlanVersion.objects.filter(state=PlanVersion.State.SUBMITTED).exclude(author=user)
    return waiting.exclude(plan__assignments__rep__user=user).order_by()[:most]
