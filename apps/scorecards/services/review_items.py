"""Agree on a decision or an action in the weekly review, and end one: done, or dropped with a reason."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
from apps.scorecards.models import ReviewItem, ReviewItemEnd, ReviewSection, WeeklyReview
from apps.scorecards.selectors.review_items import owners_for
from apps.scorecards.services.review_notices import tell_action

LONGEST_DAYS = 366


class UnableToEnd(DomainError):
    """It was ended before."""

    code = "unable_to_end"


@transaction.atomic
def add_item(
    *,
    review: WeeklyReview,
    kind: str,
    text: str,
    section: str = ReviewSection.ACTIONS,
    owner: User | None = None,
    due_on: date | None = None,
    request_key: str = "",
    at: datetime,
    actor: Any,
) -> ReviewItem:
    """Note a decision, or an action with its owner and day; the owner is told. The same ``request_key`` again is the
    same item. Raises ``InvalidInput`` naming the field."""
    text = " ".join(text.split())
    if kind not in ReviewItem.Kind.values:
        raise InvalidInput("Choose a decision or an action.", field="kind")
    if section not in ReviewSection.values:
        raise InvalidInput("Choose a part of the review.", field="section")
    if not text:
        raise InvalidInput("Say what was agreed.", field="text")
    if len(text) > 300:
        raise InvalidInput("Write at most 300 characters.", field="text")
    if kind == ReviewItem.Kind.ACTION:
        _check_action(review, owner, due_on, day_of(at, settings.COMPANY_TIME_ZONE))
    elif owner is not None and not owners_for(review.team).filter(pk=owner.pk).exists():
        raise InvalidInput("Choose somebody of the team, its manager, marketing or RevOps.", field="owner")
    if request_key:
        present = ReviewItem.objects.filter(request_key=request_key).first()
        if present is not None:
            return present
    try:
        with transaction.atomic():
            item = ReviewItem.objects.create(
                review=review,
                team=review.team,
                kind=kind,
                section=section,
                text=text,
                owner=owner,
                due_on=due_on,
                written_by=actor,
                written_at=at,
                request_key=request_key or None,
            )
    except IntegrityError:
        return ReviewItem.objects.get(request_key=request_key)
    audit.record(
        verb="scorecards.review.agreed",
        subject=item,
        at=at,
        actor=actor,
        data={"kind": kind, "owner": owner.pk if owner else None, "due_on": str(due_on or "")},
    )
    tell_action(item=item, at=at)
    return item


def _check_action(review: WeeklyReview, owner: User | None, due_on: date | None, today: date) -> None:
    if owner is None:
        raise InvalidInput("Say whose action it is.", field="owner")
    if not owners_for(review.team).filter(pk=owner.pk).exists():
        raise InvalidInput("Choose somebody of the team, its manager, marketing or RevOps.", field="owner")
    if due_on is None:
        raise InvalidInput("Say by which day.", field="due_on")
    if not today <= due_on <= today + timedelta(days=LONGEST_DAYS):
        raise InvalidInput("Choose a day from today on, within a year.", field="due_on")


@transaction.atomic
def end_item(*, item: ReviewItem, how: str, reason: str = "", at: datetime, actor: Any) -> ReviewItemEnd:
    """Call an item done, or drop it with a reason: it is carried no further.

    Raises ``UnableToEnd``, ``InvalidInput``.
    """
    reason = reason.strip()
    if how not in ReviewItemEnd.How.values:
        raise InvalidInput("Choose done or dropped.", field="how")
    if how == ReviewItemEnd.How.DROPPED and not reason:
        raise InvalidInput("Say why it is dropped.", field="reason")
    if len(reason) > 300:
        raise InvalidInput("Write at most 300 characters.", field="reason")
    try:
        with transaction.atomic():
            end = ReviewItemEnd.objects.create(item=item, how=how, reason=reason, ended_by=actor, ended_at=at)
    except IntegrityError:
        raise UnableToEnd("This was ended already: reload to see how.") from None
    audit.record(verb="scorecards.review.ended", subject=item, at=at, actor=actor, data={"how": how})
    return end
