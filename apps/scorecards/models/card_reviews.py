"""What rep and manager agree on over a scorecard, and what a manager keeps to themselves. Append-only all of it."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.scorecards.models.cards import Scorecard, reps_with_cards_for


class ScorecardActionQuerySet(models.QuerySet["ScorecardAction"]):
    def visible_to(self, user: Any) -> "ScorecardActionQuerySet":
        """As the scorecards that they stand on."""
        return self.filter(scorecard__rep__in=reps_with_cards_for(user))

    def open(self) -> "ScorecardActionQuerySet":
        return self.filter(closing__isnull=True)


class ScorecardAction(models.Model):
    """What was agreed over a card, who does it and by when. What became of it is its ``ScorecardActionClosing``."""

    append_only = True

    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="actions")
    text = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the rep or the manager",
    )
    due_on = models.DateField()
    agreed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField()

    objects = ScorecardActionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="card_action_says_what")]

    def __str__(self) -> str:
        return f"Action {self.pk}"

    @property
    def outcome(self) -> str:
        """``done`` or ``dropped``; "" while it is open. (The closing fetched along.)"""
        closing = getattr(self, "closing", None)
        return closing.outcome if closing else ""

    def is_overdue(self, today: date) -> bool:
        return not self.outcome and self.due_on < today


class ActionOutcome(models.TextChoices):
    DONE = "done", "Done"
    DROPPED = "dropped", "Dropped"


class ScorecardActionClosing(models.Model):
    """That an action was done, or is no longer wanted. Once for each."""

    append_only = True

    action = models.OneToOneField(ScorecardAction, on_delete=models.PROTECT, related_name="closing")
    outcome = models.CharField(max_length=7, choices=ActionOutcome.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=ActionOutcome.values), name="card_action_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.action_id}"


class ScorecardPrivateNoteQuerySet(models.QuerySet["ScorecardPrivateNote"]):
    def visible_to(self, user: Any) -> "ScorecardPrivateNoteQuerySet":
        """Who wrote it, and nobody else."""
        return self.filter(author=user)


class ScorecardPrivateNote(models.Model):
    """What a manager keeps to themselves about a card: read by nobody else, printed nowhere."""

    append_only = True

    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="private_notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    text = models.TextField(max_length=2000)

    objects = ScorecardPrivateNoteQuerySet.as_manager()

    class Meta:
        ordering = ["written_at", "pk"]

    def __str__(self) -> str:
        return f"Private note {self.pk}"
