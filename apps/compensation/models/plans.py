"""Plans, their versions, and who is on which plan when (PRODUCT section 9, "Plan").

A version is written by one person and approved by another; an approved one is closed in the database
(``database_guards``). What a document may say is ``rules.plan``.
"""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compensation.rules.plan import parse_plan
from apps.compensation.rules.plan_file import document_fingerprint
from apps.compensation.rules.terms import PlanRules


class PlanRole(models.TextChoices):
    """Whom a plan is for."""

    SDR = "sdr", "SDR"
    AE = "ae", "Account executive"
    AM = "am", "Account manager"
    CSM = "csm", "Customer success manager"
    MANAGER = "manager", "Manager"


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
    role = models.CharField(max_length=7, choices=PlanRole.choices)
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
    """A draft is its author's alone; what was submitted waits for somebody else and does not change."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"
    APPROVED = "approved", "Approved"


class PlanVersionQuerySet(models.QuerySet["PlanVersion"]):
    def visible_to(self, user: Any) -> "PlanVersionQuerySet":
        """The versions of the plans that ``user`` sees; whoever is paid by one sees what was approved."""
        seen = self.filter(plan__in=Plan.objects.visible_to(user).order_by().values("pk"))
        if user.role in ("revops", "finance", "manager"):
            return seen
        return seen.filter(state=VersionState.APPROVED)


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
    state = models.CharField(max_length=9, choices=VersionState.choices, default=VersionState.DRAFT)
    typed = models.JSONField(
        null=True, blank=True, help_text="a draft as it was typed last, while that is no plan yet"
    )
    saved_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1, help_text="counts how often the draft was saved")
    submitted_at = models.DateTimeField(null=True, blank=True)
    sent_back_at = models.DateTimeField(null=True, blank=True)
    sent_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sent_back_because = models.CharField(max_length=500, blank=True)

    objects = PlanVersionQuerySet.as_manager()

    class Meta:
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_once"),
            models.CheckConstraint(
                condition=Q(approver__isnull=True) | ~Q(approver=F("author")),
                name="plan_author_is_not_approver",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "submitted"), approver__isnull=True, approved_at__isnull=True)
                | Q(state="approved", approver__isnull=False, approved_at__isnull=False),
                name="plan_version_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(typed__isnull=True) | Q(state="draft"), name="plan_version_unfinished_is_draft"
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

    @property
    def is_draft(self) -> bool:
        return self.state == VersionState.DRAFT

    @property
    def is_submitted(self) -> bool:
        return self.state == VersionState.SUBMITTED

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the version says: what is approved and acknowledged is exactly this."""
        return document_fingerprint(self.document)

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
