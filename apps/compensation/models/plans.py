"""Plans, their versions, and who is on which plan when (PRODUCT section 9, "Plan").

A version is written by one person and approved by another; an approved one is closed in the database
(``database_guards``). What a document may say is ``rules.plan``.
"""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compensation.rules.plan import PlanRules, parse_plan


class PlanRole(models.TextChoices):
    """Whom a plan is for."""

    SDR = "sdr", "SDR"
    AE = "ae", "Account executive"
    AM = "am", "Account manager"
    CSM = "csm", "Customer success manager"


class PlanQuerySet(models.QuerySet["Plan"]):
    def visible_to(self, user: Any) -> "PlanQuerySet":
        """RevOps and finance see all; a manager those of managed reps; a rep those the rep is or was on."""
        if user.role in ("revops", "finance"):
            return self
        if user.role == "marketing":
            return self.none()
        own = Q(assignments__rep__user=user)
        if user.role == "manager":
            own |= Q(assignments__rep__team__manager=user)
        return self.filter(own).distinct()


class Plan(models.Model):
    """A plan under its name, in one currency; what it pays is in its versions."""

    name = models.CharField(max_length=80)
    role = models.CharField(max_length=3, choices=PlanRole.choices)
    currency = models.CharField(max_length=3)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["name", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["name", "currency"], name="plan_name_once_per_currency"),
            models.CheckConstraint(condition=Q(role__in=PlanRole.values), name="plan_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class VersionState(models.TextChoices):
    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Approved"


class PlanVersion(models.Model):
    """What a plan says from a day on. The newest approved version that is effective counts."""

    State = VersionState

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    effective_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="first day it no longer counts")
    document = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=VersionState.choices, default=VersionState.DRAFT)

    class Meta:
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_once"),
            models.CheckConstraint(
                condition=Q(approver__isnull=True) | ~Q(approver=F("author")),
                name="plan_author_is_not_approver",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", approver__isnull=True, approved_at__isnull=True)
                | Q(state="approved", approver__isnull=False, approved_at__isnull=False),
                name="plan_version_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("effective_on")),
                name="plan_version_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan.name}, version {self.number}"

    @property
    def rules(self) -> PlanRules:
        """The document as plain values."""
        return parse_plan(self.document)

    @property
    def is_approved(self) -> bool:
        return self.state == VersionState.APPROVED

    def covers(self, day: date) -> bool:
        return self.effective_on <= day and (self.ends_on is None or day < self.ends_on)


class PlanAssignment(models.Model):
    """A rep is on a plan from ``starts_on`` up to, not including, ``ends_on``; never on two on one day."""

    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="plan_assignments")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="assignments")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["rep", "starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")),
                name="plan_assignment_ends_after_start",
            ),
            # That two never overlap is kept by the database as well (database_guards).
            models.UniqueConstraint(fields=["rep", "starts_on"], name="plan_assignment_starts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} on {self.plan_id} from {self.starts_on}"
