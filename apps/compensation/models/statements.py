"""A statement: what one rep is paid by one run, in one currency."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from apps.compensation.models.runs import RunState


class StatementQuerySet(models.QuerySet["Statement"]):
    def visible_to(self, user: Any) -> "StatementQuerySet":
        """Pay is private: the rep's own; a manager those of managed reps; finance and RevOps all.

        Reps and managers see a statement once its run was submitted: before, its figures may still move.
        """
        if user.role in ("finance", "revops"):
            return self
        if user.role == "marketing":
            return self.none()
        own = Q(rep__user=user)
        if user.role == "manager":
            own |= Q(rep__team__manager=user)
        return self.filter(own).exclude(run__state__in=RunState.unsettled())


class Statement(models.Model):
    """The sums of a rep's ledger lines in a run. Written while the run computes, closed afterwards.

    ``earned_minor`` is for the run's own period, ``adjustments_minor`` for periods before it.
    """

    run = models.ForeignKey("compensation.PayoutRun", on_delete=models.PROTECT, related_name="statements")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="statements")
    currency = models.CharField(max_length=3)
    team = models.ForeignKey(
        "reps.Team", on_delete=models.PROTECT, related_name="+", help_text="the rep's when it was computed"
    )
    plan_version = models.ForeignKey(
        "compensation.PlanVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the one the period ends under; empty when there are only adjustments",
    )
    earned_minor = models.BigIntegerField(default=0)
    adjustments_minor = models.BigIntegerField(default=0)
    payable_minor = models.BigIntegerField(default=0)
    line_count = models.PositiveIntegerField(default=0)
    basis = models.CharField(
        max_length=64, blank=True, help_text="hash of the plans, versions and quotas it was computed with"
    )
    digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="SHA-256 over its lines; empty without lines, and where they were posted before digests were kept",
    )

    inputs = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="hash of all that its lines follow from, credits too; empty where that is not known",
    )

    objects = StatementQuerySet.as_manager()

    class Meta:
        ordering = ["-run__starts_on", "rep__name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "rep", "currency"], name="statement_once"),
            models.CheckConstraint(
                condition=Q(payable_minor=F("earned_minor") + F("adjustments_minor")),
                name="statement_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["rep", "run"], name="statement_by_rep")]

    def __str__(self) -> str:
        return f"Statement {self.pk}"
