"""Stage gates: what each stage asks, what is known of an opportunity, and how it came through (PRODUCT section 6)."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.leads.models.opportunities import Opportunity, OpportunityKind, OpportunityStage


class StageGateQuerySet(models.QuerySet["StageGate"]):
    def in_force(self, day: date) -> "StageGateQuerySet":
        """Those that judge on ``day``, the newest of each stage and kind first."""
        return self.filter(effective_on__lte=day, withdrawn_at__isnull=True).order_by(
            "-effective_on", "-version"
        )


class StageGate(models.Model):
    """One version of what a stage asks of a kind of opportunity. Once in force it is never changed."""

    class Overrider(models.TextChoices):
        MANAGER = "manager", "The owner's manager"
        OWNER = "owner", "The owner, or the owner's manager"

    STAGES = (OpportunityStage.STAGE_2, OpportunityStage.WON)

    stage = models.CharField(max_length=9, choices=[(one.value, one.label) for one in STAGES])
    kind = models.CharField(max_length=7, choices=OpportunityKind.choices, default=OpportunityKind.NEW)
    version = models.PositiveIntegerField()
    criteria = models.JSONField(
        default=list, help_text="rows as rules.gates.GateCriterion; none asks nothing"
    )
    overrider = models.CharField(max_length=7, choices=Overrider.choices, default=Overrider.MANAGER)
    effective_on = models.DateField()
    note = models.CharField(max_length=300, blank=True, help_text="why this version")
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    written_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="given up before it was in force")

    objects = StageGateQuerySet.as_manager()

    class Meta:
        ordering = ["stage", "kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["stage", "kind", "version"], name="gate_version_once"),
            models.CheckConstraint(condition=Q(stage__in=("stage_2", "won")), name="gate_stage_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_stage_display()}, {self.get_kind_display().lower()}, v{self.version}"


class GateAnswer(models.Model):
    """What somebody said about one criterion of one stage. The latest holds; the earlier ones stay on record."""

    append_only = True

    opportunity = models.ForeignKey(Opportunity, on_delete=models.PROTECT, related_name="gate_answers")
    stage = models.CharField(max_length=9)
    criterion = models.CharField(max_length=20)
    is_met = models.BooleanField()
    evidence = models.CharField(max_length=500, blank=True)
    answered_at = models.DateTimeField()
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_met=False) | ~Q(evidence=""), name="gate_answer_met_by_evidence"
            )
        ]
        indexes = [models.Index(fields=["opportunity", "stage"], name="gate_answer_by_opportunity")]

    def __str__(self) -> str:
        return f"{self.criterion}: {'met' if self.is_met else 'not met'}"


class GatePassageQuerySet(models.QuerySet["GatePassage"]):
    def overrides(self) -> "GatePassageQuerySet":
        return self.filter(is_override=True)

    def visible_to(self, user: Any) -> "GatePassageQuerySet":
        """Those of the opportunities that the user may open."""
        return self.filter(opportunity__in=Opportunity.objects.visible_to(user).values("pk"))


class GatePassage(models.Model):
    """How an opportunity entered a stage: by which version, on which answers, or against what, by whom and why."""

    append_only = True

    opportunity = models.ForeignKey(Opportunity, on_delete=models.PROTECT, related_name="passages")
    gate = models.ForeignKey(StageGate, on_delete=models.PROTECT, related_name="passages")
    event = models.OneToOneField("leads.FunnelEvent", on_delete=models.PROTECT, related_name="passage")
    stage = models.CharField(max_length=9)
    passed_at = models.DateTimeField()
    passed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    judged = models.JSONField(
        default=list, help_text='each criterion as it stood: [{"key", "name", "met", "evidence", "filled"}]'
    )
    is_override = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)

    objects = GatePassageQuerySet.as_manager()

    class Meta:
        ordering = ["-passed_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_override=False) | (~Q(reason="") & Q(passed_by__isnull=False)),
                name="override_by_name_with_reason",
            )
        ]
        indexes = [
            models.Index(fields=["-passed_at"], condition=Q(is_override=True), name="override_by_time"),
            models.Index(fields=["opportunity", "stage"], name="passage_by_opportunity"),
        ]

    def __str__(self) -> str:
        return f"{self.opportunity_id} into {self.stage}"

    @property
    def unmet(self) -> list[str]:
        """The names of the criteria that were not met."""
        return [one["name"] for one in self.judged if not one["met"]]
