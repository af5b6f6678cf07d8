"""Tell people about plans: what waits for approval, what was decided, what waits for a rep's name."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.accounts.models import Role, User
from apps.accounts.services.notifications import NewNotification, notify
from apps.compensation.models import PlanVersion
from apps.compensation.notification_kinds import PLAN_SENT_BACK, PLAN_SUBMITTED, PLAN_TO_SIGN
from apps.compensation.selectors import acknowledgements
from apps.core.periods import day_of


def _address(version: PlanVersion) -> str:
    return reverse("compensation:plan_version", args=[version.pk])


def tell_submitted(*, version: PlanVersion, at: datetime) -> None:
    """Tell everybody who may approve it."""
    approvers = User.objects.filter(role__in=(Role.FINANCE, Role.REVOPS), is_active=True)
    told = [
        NewNotification(
            user_id=pk,
            kind=PLAN_SUBMITTED,
            key=f"plan:{version.pk}:submitted:{version.revision}",
            title=f"{version} waits for approval",
            body=f"{version.author.name} wrote it; it counts from {_day(version.effective_on)}.",
            url=_address(version),
        )
        for pk in approvers.exclude(pk=version.author_id).order_by("pk").values_list("pk", flat=True)
    ]
    notify(notifications=told, at=at)


def tell_sent_back(*, version: PlanVersion, by: Any, at: datetime) -> None:
    """Tell the author why it came back."""
    one = NewNotification(
        user_id=version.author_id,
        kind=PLAN_SENT_BACK,
        key=f"plan:{version.pk}:back:{version.revision}",
        title=f"{version} came back",
        body=f"{by.name}: {version.sent_back_because}",
        url=_address(version),
    )
    notify(notifications=[one], at=at)


def tell_approved(*, version: PlanVersion, at: datetime) -> None:
    """Tell the author that it is in force, and each rep whom it pays that it waits for a name."""
    one = NewNotification(
        user_id=version.author_id,
        kind=PLAN_SENT_BACK,
        key=f"plan:{version.pk}:approved",
        title=f"{version} is approved",
        body=f"It counts from {_day(version.effective_on)}.",
        url=_address(version),
    )
    notify(notifications=[one], at=at)
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    waiting = acknowledgements.waiting(today=today, version_ids=[version.pk])
    tell_to_sign(waiting=waiting, occasion="approved", at=at)


def tell_to_sign(*, waiting: Iterable["acknowledgements.Standing"], occasion: str, at: datetime) -> int:
    """Ask reps for their names under versions; each once for an ``occasion``. How many were asked."""
    told = [
        NewNotification(
            user_id=one.rep.user_id,
            kind=PLAN_TO_SIGN,
            key=f"plan:{one.version.pk}:sign:{occasion}",
            title=f"Read and acknowledge {one.version}",
            body=f"It counts for you from {_day(one.counts_from)}.",
            url=_address(one.version) + "#sign",
        )
        for one in waiting
        if one.rep.user_id is not None
    ]
    notify(notifications=told, at=at)
    return len(told)


def _day(day: Any) -> str:
    return f"{day.day} {day:%B %Y}"
