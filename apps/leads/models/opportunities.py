"""Opportunities: what an accepted meeting may become."""

from typing import Any

from django.db import models
from django.db.models import Q


class OpportunityStage(models.TextChoices):
    STAGE_1 = "stage_1", "Stage 1"
    STAGE_2 = "stage_2", "Stage 2"
    WON = "won", "Closed won"
    LOST = "lost", "Closed lost"
    WITHDRAWN = "withdrawn", "Withdrawn"

    @classmethod
    def open_stages(cls) -> tuple[str, str]:
        return (cls.STAGE_1, cls.STAGE_2)

    @classmethod
    def counted(cls) -> tuple[str, ...]:
        """Every stage that stands in lists, boards and figures: all but an acceptance that was taken back."""
        return (cls.STAGE_1, cls.STAGE_2, cls.WON, cls.LOST)


class OpportunityKind(models.TextChoices):
    """What is sold to whom: a new customer, a contract again, or more to a customer."""

    NEW = "new", "New business"
    RENEWAL = "renewal", "Renewal"
    UPSELL = "upsell", "Upsell"


class LossReason(models.TextChoices):
    NO_BUDGET = "no_budget", "No budget"
    COMPETITOR = "competitor", "Chose a competitor"
    NO_DECISION = "no_decision", "No decision"
    TIMING = "timing", "Timing"
    UNQUALIFIED = "unqualified", "Should not have been accepted"
    CHURNED = "churned", "The customer left"
    OTHER = "other", "Other"


class OpportunityQuerySet(models.QuerySet["Opportunity"]):
    def visible_to(self, user: Any) -> "OpportunityQuerySet":
        """The owner, the SDR who sourced it, who looks after its account, managers, RevOps and finance."""
        if user.role in ("revops", "finance"):
            return self
        if user.role == "marketing":
            return self.none()
        if user.role == "manager":
            return self.filter(Q(owner__team__manager=user) | Q(sourced_by__team__manager=user))
        return self.filter(Q(owner__user=user) | Q(sourced_by__user=user) | Q(account__owner__user=user))

    def open(self) -> "OpportunityQuerySet":
        return self.filter(stage__in=OpportunityStage.open_stages())

    def counted(self) -> "OpportunityQuerySet":
        """Without those whose acceptance was taken back: they count nowhere."""
        return self.filter(stage__in=OpportunityStage.counted())


class Opportunity(models.Model):
    """A deal. The stage and the amount are the latest; each change is a funnel event."""

    name = models.CharField(max_length=160)
    account = models.ForeignKey(
        "leads.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="opportunities"
    )
    lead = models.ForeignKey(
        "leads.Lead", null=True, blank=True, on_delete=models.PROTECT, related_name="opportunities"
    )
    hand_off = models.OneToOneField(
        "leads.HandOff", null=True, blank=True, on_delete=models.PROTECT, related_name="opportunity"
    )
    owner = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="opportunities")
    sourced_by = models.ForeignKey(
        "reps.Rep",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sourced_opportunities",
        help_text="the SDR; empty when the owner found it",
    )
    kind = models.CharField(max_length=7, choices=OpportunityKind.choices, default=OpportunityKind.NEW)
    stage = models.CharField(max_length=9, choices=OpportunityStage.choices, default=OpportunityStage.STAGE_1)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="EUR")
    opened_at = models.DateTimeField()
    stage_changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    loss_reason = models.CharField(max_length=12, choices=LossReason.choices, blank=True)
    expected_close_on = models.DateField(null=True, blank=True)
    next_step = models.CharField(max_length=200, blank=True)

    objects = OpportunityQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        verbose_name_plural = "opportunities"
        constraints = [
            models.CheckConstraint(
                condition=Q(stage__in=("stage_1", "stage_2"), closed_at__isnull=True)
                | Q(stage__in=("won", "lost", "withdrawn"), closed_at__isnull=False),
                name="opportunity_closed_with_time",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "stage", "-opened_at"], name="opportunity_by_owner"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_self_sourced(self) -> bool:
        return self.sourced_by_id is None

    @property
    def is_open(self) -> bool:
        return self.stage in OpportunityStage.open_stages()
