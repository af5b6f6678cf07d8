"""Tell people of the weekly review: that a pack is there, which reasons they owe, which action is theirs."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse

from apps.accounts.models import Role, User
from apps.accounts.services.notifications import NewNotification, notify
from apps.core.periods import Period
from apps.reps.models import Rep, Team
from apps.scorecards.models import LeadComplaint, ReviewItem, WeeklyReview
from apps.scorecards.notification_kinds import (
    COMPLAINT_ANSWERED,
    COMPLAINT_MADE,
    REASONS_ASKED,
    REVIEW_ACTION,
    REVIEW_MADE,
)
from apps.scorecards.selectors.review_pack import Owed


def readers_of(team: Team) -> list[int]:
    """Who is sent a team's pack: its reps, its manager, and marketing (the parts on leads)."""
    own = Q(rep__team=team, rep__left_on__isnull=True) | Q(managed_teams=team)
    return sorted(
        set(User.objects.filter(own | Q(role=Role.MARKETING), is_active=True).values_list("pk", flat=True))
    )


def tell_made(*, review: WeeklyReview, at: datetime) -> None:
    """That the pack is there."""
    lists = review.copy["lists"]
    said = (
        f"{_n(lists['leads']['count'], 'lead')} delivered, {_n(lists['appointments']['count'], 'appointment')}, "
        f"{lists['cold']['count']:,} went cold, {_n(lists['rejected']['count'], 'meeting')} rejected."
    )
    url = reverse("scorecards:review", args=[review.pk])
    notify(
        notifications=[
            NewNotification(
                user_id=user,
                kind=REVIEW_MADE,
                key=f"review:{review.pk}",
                title=f"Weekly review of {review.team.name}, week {review.number}",
                body=said,
                url=url,
            )
            for user in readers_of(review.team)
        ],
        at=at,
    )


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def ask(*, team: Team, week: Period, owed: Sequence[Owed], occasion: str, at: datetime) -> int:
    """Ask each who owes a reason, once for each ``occasion``; what nobody owns is the manager's. How many people."""
    by_rep = Counter(one.row.get("rep") or 0 for one in owed)
    users = dict(Rep.objects.filter(pk__in=by_rep, user__isnull=False).values_list("pk", "user_id"))
    by_user: Counter[int] = Counter()
    for rep, count in by_rep.items():
        user = users.get(rep) or team.manager_id
        if user is not None:
            by_user[user] += count
    return notify(
        notifications=[
            NewNotification(
                user_id=user,
                kind=REASONS_ASKED,
                key=f"reasons:{team.pk}:{week.start}:{occasion}",
                title=f"{_n(count, 'reason')} missing for the weekly review",
                body=f"{team.name}, {week.name}: one press each.",
                url=reverse("scorecards:review_reasons"),
            )
            for user, count in sorted(by_user.items())
        ],
        at=at,
    )


def tell_action(*, item: ReviewItem, at: datetime) -> None:
    """The owner of an action, unless it is who wrote it."""
    if item.owner_id is None or item.owner_id == item.written_by_id or item.due_on is None:
        return
    notify(
        notifications=[
            NewNotification(
                user_id=item.owner_id,
                kind=REVIEW_ACTION,
                key=f"item:{item.pk}",
                title=f"An action of the weekly review is yours: {item.text}",
                body=f"Due on {item.due_on.day} {item.due_on:%b %Y}, agreed with {item.team.name}.",
                url=reverse("scorecards:review_items"),
            )
        ],
        at=at,
    )


def tell_complaint(*, complaint: LeadComplaint, at: datetime) -> None:
    """Marketing."""
    _tell_of(complaint, User.objects.filter(role=Role.MARKETING, is_active=True), COMPLAINT_MADE, "made", at)


def tell_answer(*, complaint: LeadComplaint, answer: int, at: datetime) -> None:
    """Who complained."""
    who = User.objects.filter(rep=complaint.rep_id)
    _tell_of(complaint, who, COMPLAINT_ANSWERED, f"answer:{answer}", at)


def _tell_of(complaint: LeadComplaint, users: Any, kind: str, occasion: str, at: datetime) -> None:
    words = {
        COMPLAINT_MADE: "A complaint about a lead",
        COMPLAINT_ANSWERED: "Your complaint about a lead is answered",
    }
    notify(
        notifications=[
            NewNotification(
                user_id=user,
                kind=kind,
                key=f"complaint:{complaint.pk}:{occasion}",
                title=f"{words[kind]}: {complaint.get_reason_display().lower()}",
                body=complaint.source or "",
                url=reverse("scorecards:complaint", args=[complaint.pk]),
            )
            for user in users.values_list("pk", flat=True)
        ],
        at=at,
    )
