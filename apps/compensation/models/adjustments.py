"""Adjustments of pay that people agree on: proposed by one person for an inquiry, approved by another.

Nothing here is changed or deleted. The next computation of an open run posts what is approved
(``services.agreed_changes``); a mistake is reversed by another adjustment, which takes the same source back and needs
four eyes as well.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compensation.models.splits import Verdict

SOURCE_PREFIX = "inquiry:"
"""How the source of an agreed change begins in the ledger. No computation earns it, so none takes it back."""


class PayAdjustmentQuerySet(models.QuerySet["PayAdjustment"]):
    def waiting(self) -> "PayAdjustmentQuerySet":
        """Without a decision."""
        return self.filter(decision__isnull=True)

    def approved(self) -> "PayAdjustmentQuerySet":
        return self.filter(decision__verdict=Verdict.APPROVED)


class PayAdjustment(models.Model):
    """A proposed amount for one rep, component and period; ``number`` counts those of an inquiry.

    ``source_key`` and ``sequence`` are those of its line in the ledger: what reverses another is the second line of
    the same source, so that the ledger itself takes only one.
    """

    append_only = True

    inquiry = models.ForeignKey("compensation.Inquiry", on_delete=models.PROTECT, related_name="adjustments")
    number = models.PositiveIntegerField()
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="+")
    plan_version = models.ForeignKey("compensation.PlanVersion", on_delete=models.PROTECT, related_name="+")
    component_key = models.CharField(max_length=40)
    component_name = models.CharField(max_length=80)
    starts_on = models.DateField(help_text="the period to which it belongs")
    ends_on = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=500)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    reverses = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversals",
        help_text="the adjustment that this one takes back",
    )  # fmt: skip
    source_key = models.CharField(max_length=80)
    sequence = models.PositiveIntegerField(default=1)

    objects = PayAdjustmentQuerySet.as_manager()

    class Meta:
        ordering = ["inquiry_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["inquiry", "number"], name="pay_adjustment_numbered_once"),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="pay_adjustment_of_something"),
            models.CheckConstraint(condition=~Q(reason=""), name="pay_adjustment_with_reason"),
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")), name="pay_adjustment_period_whole"
            ),
            models.CheckConstraint(
                condition=Q(reverses__isnull=True, sequence=1) | Q(reverses__isnull=False, sequence=2),
                name="pay_adjustment_reversal_is_second",
            ),
        ]
        indexes = [models.Index(fields=["rep"], name="pay_adjustment_by_rep")]

    def __str__(self) -> str:
        return f"Adjustment {self.number} of inquiry {self.inquiry_id}"

    @property
    def verdict(self) -> str:
        """What was decided; "" while it waits. (The decision fetched along.)"""
        decision = getattr(self, "decision", None)
        return decision.verdict if decision else ""


class PayAdjustmentDecision(models.Model):
    """What became of an adjustment, once. Neither asker, payee nor proposer approves it (``inquiry_guards``)."""

    append_only = True

    adjustment = models.OneToOneField(PayAdjustment, on_delete=models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=9, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.CharField(max_length=500, blank=True, help_text="why it was declined")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="pay_adjustment_verdict_known"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="declined") | ~Q(words=""), name="pay_adjustment_declined_with_words"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.adjustment_id}"
