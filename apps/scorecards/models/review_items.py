"""Decisions and actions of the weekly review. What was agreed and how it ended are two rows, neither ever changed."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.reps.models import Rep
from apps.scorecards.models.review import ReviewSection


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def visible_to(self, user: Any) -> "ReviewItemQuerySet":
        """RevOps and marketing see all, a manager those of managed teams, a rep the own team's; each the own ones."""
        if user.role in ("revops", "marketing"):
            return self
        own = Q(owner=user)
        if user.role == "manager":
            return self.filter(own | Q(team__manager=user))
        return self.filter(own | Q(team__in=_teams_of(user)))

    def open(self) -> "ReviewItemQuerySet":
        """Neither done nor dropped."""
        return self.filter(end__isnull=True)


def _teams_of(user: Any) -> models.QuerySet:
    return Rep.objects.filter(user=user).values("team_id")


class ReviewItem(models.Model):
    """A decision, or an action with its owner and due date. Append-only; carried to each week until it has an end."""

    append_only = True

    class Kind(models.TextChoices):
        DECISION = "decision", "Decision"
        ACTION = "action", "Action"

    review = models.ForeignKey("scorecards.WeeklyReview", on_delete=models.PROTECT, related_name="items")
    team = models.ForeignKey("reps.Team", on_delete=models.PROTECT, related_name="review_items")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    section = models.CharField(max_length=12, choices=ReviewSection.choices, default=ReviewSection.ACTIONS)
    text = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="review_items",
    )
    due_on = models.DateField(null=True, blank=True)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    request_key = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        unique=True,
        help_text="one per form, so a second click is harmless",
    )

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        ordering = ["written_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="decision") | Q(kind="action", owner__isnull=False, due_on__isnull=False),
                name="review_action_has_owner_and_day",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="review_item_says_what"),
        ]
        indexes = [models.Index(fields=["team", "-written_at"], name="review_item_by_team")]

    def __str__(self) -> str:
        return self.text

    @property
    def is_action(self) -> bool:
        return self.kind == self.Kind.ACTION

    def days_late(self, today: date) -> int:
        """How many days past its due date; none while there is time."""
        return max((today - self.due_on).days, 0) if self.due_on else 0


class ReviewItemEnd(models.Model):
    """How an item ended: done, or dropped with a reason. Append-only, once."""

    append_only = True

    class How(models.TextChoices):
        DONE = "done", "Done"
        DROPPED = "dropped", "Dropped"

    item = models.OneToOneField(ReviewItem, on_delete=models.PROTECT, related_name="end")
    how = models.CharField(max_length=7, choices=How.choices)
    reason = models.CharField(max_length=300, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["ended_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(how="done") | (Q(how="dropped") & ~Q(reason="")),
                name="review_dropped_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} {self.how}"
