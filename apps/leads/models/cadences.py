"""Cadences: planned sequences of touches, who is in one, and what happened to each enrolment."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.leads.models.leads import Lead


class Motion(models.TextChoices):
    """Inbound and outbound are different jobs (PRODUCT section 4)."""

    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"
    RECYCLED = "recycled", "Back from nurture"


class Cadence(models.Model):
    """A named sequence. Its steps are versioned; the first active one whose conditions match is proposed."""

    name = models.CharField(max_length=80, unique=True)
    motion = models.CharField(max_length=8, choices=Motion.choices)
    position = models.PositiveSmallIntegerField(default=0, help_text="asked in this order")
    conditions = models.JSONField(
        default=list, blank=True, help_text='[{"field": "score", "operator": "in", "value": ["A", "B"]}, …]'
    )
    enrols_by_itself = models.BooleanField(default=False, help_text="on arrival, where its conditions match")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


class CadenceVersion(models.Model):
    """The steps as they were on one day; who is enrolled keeps the version enrolled in."""

    cadence = models.ForeignKey(Cadence, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    steps = models.JSONField(help_text="as rules.cadences reads them")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["cadence", "-number"]
        constraints = [models.UniqueConstraint(fields=["cadence", "number"], name="cadence_version_once")]

    def __str__(self) -> str:
        return f"{self.cadence_id} v{self.number}"


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def visible_to(self, user: Any) -> "EnrolmentQuerySet":
        """Those of the leads that the user sees."""
        return self.filter(lead__in=Lead.objects.visible_to(user).values("pk"))

    def open(self) -> "EnrolmentQuerySet":
        return self.filter(state__in=Enrolment.OPEN)


class Enrolment(models.Model):
    """One lead in one version of a cadence. ``step`` is the number, from 1, of the step that comes next."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        FINISHED = "finished", "Finished"
        REMOVED = "removed", "Removed"

    OPEN = ("active", "paused")

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="enrolments")
    version = models.ForeignKey(CadenceVersion, on_delete=models.PROTECT, related_name="enrolments")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    step = models.PositiveSmallIntegerField(default=1)
    enrolled_at = models.DateTimeField()
    enrolled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    due_at = models.DateTimeField(null=True, blank=True, help_text="when the step that comes next is planned")
    check_at = models.DateTimeField(
        null=True, blank=True, help_text="when the condition of the step that comes next is looked at"
    )
    resumes_on = models.DateField(null=True, blank=True, help_text="comes out of its pause by itself")
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=120, blank=True, help_text="why paused or removed")

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        ordering = ["-enrolled_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(state__in=("active", "paused")), name="enrolled_in_one_cadence"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("active", "paused"), ended_at__isnull=True)
                | Q(state__in=("finished", "removed"), ended_at__isnull=False),
                name="enrolment_ends_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["resumes_on"],
                condition=Q(state="paused", resumes_on__isnull=False),
                name="enrolment_to_resume",
            ),
            models.Index(
                fields=["check_at"],
                condition=Q(state="active", check_at__isnull=False),
                name="enrolment_to_check",
            ),
            models.Index(fields=["due_at"], condition=Q(state="active"), name="enrolment_by_due"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} in {self.version_id}"


class EnrolmentAct(models.Model):
    """What was done to an enrolment, when, by whom and why. Append-only."""

    append_only = True

    class Kind(models.TextChoices):
        ENROLLED = "enrolled", "Enrolled"
        STEPPED = "stepped", "Step done"
        SKIPPED = "skipped", "Step passed over"
        PAUSED = "paused", "Paused"
        RESUMED = "resumed", "Resumed"
        REMOVED = "removed", "Removed"
        FINISHED = "finished", "Finished"
        UNDONE = "undone", "Taken back"

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    step = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.enrolment_id}"


class FollowUpPolicy(models.Model):
    """A version of what follows from a disposition. Never changed: the next version replaces it."""

    version = models.PositiveIntegerField(unique=True)
    agreed_touches = models.PositiveSmallIntegerField(help_text="without contact, before leaving is proposed")
    recycle_days = models.PositiveSmallIntegerField(help_text="calendar days until re-entry")
    rules = models.JSONField(help_text="ordered rows, as rules.dispositions reads them")
    effective_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "follow-up policies"
        constraints = [
            models.CheckConstraint(condition=Q(agreed_touches__gte=1), name="follow_up_some_touches"),
            models.CheckConstraint(condition=Q(recycle_days__gte=1), name="follow_up_some_days"),
        ]

    def __str__(self) -> str:
        return f"Follow-up policy v{self.version}"


class Throttle(models.Model):
    """The most that a rep is given in a day. The rep's own row wins over the team's, that over the company's."""

    class Kind(models.TextChoices):
        STEPS = "steps", "Cadence steps a day"
        ENROLMENTS = "enrolments", "Leads enrolled a day"
        NEW_LEADS = "new_leads", "Untouched leads taken a day"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    channel = models.CharField(max_length=6, blank=True, help_text="of steps; empty means all together")
    team = models.ForeignKey("reps.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    rep = models.ForeignKey("reps.Rep", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    most = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["kind", "channel", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "channel"],
                condition=Q(team__isnull=True, rep__isnull=True),
                name="throttle_of_company_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "channel", "team"],
                condition=Q(team__isnull=False),
                name="throttle_of_team_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "channel", "rep"], condition=Q(rep__isnull=False), name="throttle_of_rep_once"
            ),
            models.CheckConstraint(
                condition=Q(team__isnull=True) | Q(rep__isnull=True), name="throttle_of_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.most} {self.kind}"
