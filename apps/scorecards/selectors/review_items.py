"""Decisions and actions as a review shows them: what was carried over and how often, what is new, what has ended."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from apps.accounts.models import Role, User
from apps.core.periods import day_of
from apps.reps.models import Team
from apps.scorecards.models import LeadComplaint, ReviewItem, WeeklyReview


def owners_for(team: Team) -> QuerySet[User]:
    """Who may own an action of ``team``'s review: its people, its manager, marketing and RevOps."""
    roles = Q(role__in=(Role.MARKETING, Role.REVOPS))
    own = Q(rep__team=team, rep__left_on__isnull=True) | Q(managed_teams=team)
    return User.objects.filter(own | roles, is_active=True).order_by("name", "pk").distinct()


@dataclass(frozen=True)
class Shown:
    """An item in a review: ``carried`` reviews since it was agreed, ``late`` days past its due date."""

    item: ReviewItem
    carried: int
    late: int

    @property
    def is_open(self) -> bool:
        return not hasattr(self.item, "end")


def _with_carried(items: QuerySet[ReviewItem], up_to: date | None) -> "QuerySet[Any]":
    """Each with how many reviews of its team came after the one it was agreed in, until it ended."""
    later = Q(team__weekly_reviews__week_on__gt=F("review__week_on")) & (
        Q(end__isnull=True) | Q(team__weekly_reviews__made_at__lt=F("end__ended_at"))
    )
    if up_to is not None:
        later &= Q(team__weekly_reviews__week_on__lte=up_to)
    counted = Count("team__weekly_reviews", filter=later, distinct=True)
    return items.annotate(carried=counted).select_related(
        "owner", "written_by", "team", "review", "end__ended_by"
    )


def items_of(review: WeeklyReview, *, today: date) -> list[Shown]:
    """What stands in ``review``: carried over into it (open when it was made), and agreed in it; oldest first.

    One statement.
    """
    carried_over = Q(review__week_on__lt=review.week_on) & (
        Q(end__isnull=True) | Q(end__ended_at__gte=review.made_at)
    )
    items = ReviewItem.objects.filter(Q(review=review) | carried_over, team=review.team)
    found = _with_carried(items, review.week_on).order_by("written_at", "pk")
    return [Shown(one, one.carried, _late(one, today)) for one in found]


def _late(item: ReviewItem, today: date) -> int:
    if not item.is_action:
        return 0
    end = getattr(item, "end", None)
    return item.days_late(day_of(end.ended_at, settings.COMPANY_TIME_ZONE) if end else today)


def open_items(user: Any, *, today: date, own: bool, most: int = 200) -> list[Shown]:
    """Open actions that ``user`` sees (``own``: those to do), the soonest due first. One statement."""
    items = ReviewItem.objects.visible_to(user).open().filter(kind=ReviewItem.Kind.ACTION)
    if own:
        items = items.filter(owner=user)
    found = _with_carried(items, None).order_by("due_on", "pk")[:most]
    return [Shown(one, one.carried, _late(one, today)) for one in found]


def open_actions_query(user: Any, *, most: int) -> QuerySet[ReviewItem]:
    """The open actions of ``user``, at most ``most``: for a count."""
    return ReviewItem.objects.open().filter(owner=user.pk, kind=ReviewItem.Kind.ACTION).order_by()[:most]


def unanswered_query(user: Any, *, most: int) -> QuerySet[LeadComplaint]:
    """The complaints that ``user`` sees and that nobody has answered, at most ``most``: for a count."""
    return LeadComplaint.objects.visible_to(user).filter(answers__isnull=True).order_by()[:most]
