"""Contests: an SDR contests an AE's rejection, a neutral manager decides (PRODUCT section 6)."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.leads.models.hand_offs import RejectionReason


class ContestTerms(models.Model):
    """How long an SDR may contest and a judge may take; the latest row holds. Append-only."""

    append_only = True

    class Counts(models.TextChoices):
        WORKING = "working", "Working days"
        CALENDAR = "calendar", "Calendar days"

    window_days = models.PositiveSmallIntegerField()
    judge_days = models.PositiveSmallIntegerField()
    counts = models.CharField(max_length=8, choices=Counts.choices, default=Counts.WORKING)
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-set_at", "-pk"]
        verbose_name_plural = "contest terms"
        constraints = [
            models.CheckConstraint(
                condition=Q(window_days__gte=1, judge_days__gte=1), name="contest_terms_a_day_at_least"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window_days} and {self.judge_days} {self.counts}"


class ContestState(models.TextChoices):
    OPEN = "open", "Waiting for the judge"
    UPHELD = "upheld", "Upheld"
    DISMISSED = "dismissed", "Dismissed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ContestQuerySet(models.QuerySet["Contest"]):
    def visible_to(self, user: Any) -> "ContestQuerySet":
        """The SDR, the AE, who continues, their managers, the judge, RevOps and marketing."""
        if user.role in ("revops", "marketing"):
            return self
        if user.role == "manager":
            return self.filter(
                Q(hand_off__ae__team__manager=user)
                | Q(hand_off__sdr__team__manager=user)
                | Q(hand_off__successor__team__manager=user)
                | Q(judge=user)
            )
        return self.filter(
            Q(hand_off__ae__user=user) | Q(hand_off__sdr__user=user) | Q(hand_off__successor__user=user)
        )

    def open(self) -> "ContestQuerySet":
        """Waiting for the judge, the one due first."""
        return self.filter(state=ContestState.OPEN).order_by("due_at", "pk")


class Contest(models.Model):
    """One SDR's contest of one rejection, once.

    What was rejected is copied, so that it can be read beside the decision whatever becomes of the hand-off.
    """

    State = ContestState

    hand_off = models.OneToOneField("leads.HandOff", on_delete=models.PROTECT, related_name="contest")
    state = models.CharField(max_length=9, choices=ContestState.choices, default=ContestState.OPEN)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=1000)

    criterion = models.CharField(max_length=20, help_text="on which it was rejected")
    rejection_reason = models.CharField(max_length=12, choices=RejectionReason.choices, blank=True)
    comment = models.CharField(max_length=1000, blank=True, help_text="the AE's, with the rejection")
    rejected_at = models.DateTimeField()
    rejected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    judge = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="contests_to_judge"
    )
    judge_because = models.CharField(max_length=160, help_text="why this judge, in words")
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True)
    overdue_told_at = models.DateTimeField(null=True, blank=True)

    sdr_statement = models.CharField(max_length=1000, blank=True)
    sdr_stated_at = models.DateTimeField(null=True, blank=True)
    ae_statement = models.CharField(max_length=1000, blank=True)
    ae_stated_at = models.DateTimeField(null=True, blank=True)

    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decision_reason = models.CharField(max_length=1000, blank=True)
    followed = models.CharField(max_length=200, blank=True, help_text="what became of the lead, in words")

    objects = ContestQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True)
                | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="contest_closed_with_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="contest_with_reason"),
            models.CheckConstraint(condition=Q(due_at__gte=F("warn_at")), name="contest_warned_before_due"),
        ]
        indexes = [
            # The judge's list, and the sweep's.
            models.Index(fields=["judge", "due_at"], condition=Q(state="open"), name="contest_to_judge"),
        ]

    def __str__(self) -> str:
        return f"Contest {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == ContestState.OPEN
