"""Monthly scorecards, what is said about them and who signed them.

A card of an open month is computed when it is looked at. Its row appears when somebody writes on it or when
the month closes; then ``copy`` holds the card as it was, for good.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.periods import Period, month_of
from apps.reps.models import Rep


class ScorecardState(models.TextChoices):
    OPEN = "open", "Open"
    FROZEN = "frozen", "Frozen"


def reps_with_cards_for(user: Any) -> models.QuerySet[Rep]:
    """The reps whose scorecards ``user`` may open: one's own, those of managed teams, all for RevOps."""
    if user.role == "revops":
        return Rep.objects.all()
    if user.role == "manager":
        return Rep.objects.filter(team__manager=user)
    if user.role in ("sdr", "ae", "am", "csm"):
        return Rep.objects.filter(user=user)
    return Rep.objects.none()


class ScorecardQuerySet(models.QuerySet["Scorecard"]):
    def visible_to(self, user: Any) -> "ScorecardQuerySet":
        """One's own; a manager those of managed teams; RevOps all; nobody else."""
        return self.filter(rep__in=reps_with_cards_for(user))

    def frozen(self) -> "ScorecardQuerySet":
        return self.filter(state=ScorecardState.FROZEN)


class Scorecard(models.Model):
    """A rep's month. Frozen, it never changes again: later events belong beside it, not in it."""

    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="scorecards")
    month_on = models.DateField(help_text="first day of the month")
    state = models.CharField(max_length=6, choices=ScorecardState.choices, default=ScorecardState.OPEN)
    frozen_at = models.DateTimeField(null=True, blank=True)
    copy = models.JSONField(default=dict, blank=True, help_text="the card as it was when the month closed")
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="hash of the copy; signatures carry it"
    )

    objects = ScorecardQuerySet.as_manager()

    class Meta:
        ordering = ["-month_on", "rep_id"]
        constraints = [
            models.UniqueConstraint(fields=["rep", "month_on"], name="scorecard_once_a_month"),
            models.CheckConstraint(condition=Q(month_on__day=1), name="scorecard_month_begins"),
            models.CheckConstraint(
                condition=Q(state="open", frozen_at__isnull=True, fingerprint="")
                | (Q(state="frozen", frozen_at__isnull=False) & ~Q(fingerprint="")),
                name="scorecard_frozen_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.month_on:%Y-%m}"

    @property
    def month(self) -> Period:
        return month_of(self.month_on)

    @property
    def is_frozen(self) -> bool:
        return self.state == ScorecardState.FROZEN


class ScorecardNote(models.Model):
    """What the rep or the manager says about a card. Append-only: a correction is another note."""

    append_only = True

    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    text = models.TextField(max_length=2000)

    class Meta:
        ordering = ["written_at", "pk"]

    def __str__(self) -> str:
        return f"Note {self.pk}"


class SignedAs(models.TextChoices):
    REP = "rep", "Rep"
    MANAGER = "manager", "Manager"


class ScorecardSignature(models.Model):
    """That somebody has read the frozen card with this fingerprint. Append-only, once per part."""

    append_only = True

    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="signatures")
    signed_as = models.CharField(max_length=7, choices=SignedAs.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)

    class Meta:
        ordering = ["signed_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["scorecard", "signed_as"], name="scorecard_signed_once_each"),
            models.CheckConstraint(
                condition=Q(signed_as__in=SignedAs.values), name="scorecard_signed_as_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.signed_as} {self.scorecard_id}"


def signs_as(rep: Rep, user: Any) -> SignedAs | None:
    """As what ``user`` signs a card of ``rep`` (its team loaded), if at all."""
    if rep.user_id is not None and rep.user_id == user.pk:
        return SignedAs.REP
    if rep.team.manager_id is not None and rep.team.manager_id == user.pk:
        return SignedAs.MANAGER
    return None
