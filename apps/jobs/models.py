"""A job (one recorded run of long work) and the slots of scheduled work. Handlers live in each app."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.jobs.handlers import title_of

# This app stands below accounts, so it knows roles by their value only.
SEES_EVERY_JOB = ("revops", "finance")


class JobState(models.TextChoices):
    """Where a job stands. Queued and running are *active*; a failed or cancelled one can be resumed."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE = (JobState.QUEUED, JobState.RUNNING)


class JobQuerySet(models.QuerySet["Job"]):
    """Narrowings that callers use by name."""

    def visible_to(self, user: Any) -> Self:
        """The jobs that ``user`` may see: their own; all of them for RevOps and finance."""
        if getattr(user, "role", "") in SEES_EVERY_JOB:
            return self
        return self.filter(requested_by_id=user.pk) if user.pk else self.none()

    def active(self) -> Self:
        return self.filter(state__in=ACTIVE)


class Job(models.Model):
    """One recorded run of long work. The row is the truth; a message in the broker only wakes a worker.

    A worker *holds* a running job by ``lease_token``: whatever it writes here is conditional on that token,
    so a worker that was taken for dead cannot go on beside its successor.
    """

    kind = models.CharField(
        max_length=80, help_text="Which handler does it, such as compensation.run_payouts."
    )
    key = models.CharField(max_length=200, help_text="What it is done to; one active job per kind and key.")
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    params = models.JSONField(default=dict)

    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True, help_text="What it is doing now, for a person.")
    checkpoint = models.JSONField(default=dict, help_text="What the handler needs to go on where it stopped.")
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True, help_text="Why it failed, for a person.")

    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    requested_at = models.DateTimeField()
    woken_at = models.DateTimeField(help_text="When a worker was last sent a message about it.")
    started_at = models.DateTimeField(null=True, blank=True, help_text="When the present attempt began.")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Starts since the last saved checkpoint."
    )
    lease_token = models.CharField(max_length=32, blank=True)
    lease_process = models.CharField(max_length=80, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(state__in=ACTIVE), name="job_one_active_per_key"
            ),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=~Q(state=JobState.RUNNING)
                | (~Q(lease_token="") & Q(started_at__isnull=False) & Q(heartbeat_at__isnull=False)),
                name="job_running_is_held",
            ),
            models.CheckConstraint(
                condition=Q(progress_total__isnull=True) | Q(progress_done__lte=F("progress_total")),
                name="job_progress_within_total",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "heartbeat_at"], condition=Q(state__in=ACTIVE), name="job_active"),
            models.Index(fields=["requested_by", "-requested_at"], name="job_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def title(self) -> str:
        """What people call this kind of work."""
        return title_of(self.kind)

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_resumable(self) -> bool:
        return self.state in (JobState.FAILED, JobState.CANCELLED)

    @property
    def is_stopping(self) -> bool:
        """Asked to stop, and not stopped yet."""
        return self.state == JobState.RUNNING and self.cancel_requested_at is not None

    @property
    def percent(self) -> int | None:
        """How far it is, 0 to 100, rounded down; ``None`` while the total is not known."""
        if self.state == JobState.DONE:
            return 100
        if not self.progress_total:
            return None
        return self.progress_done * 100 // self.progress_total

    @property
    def took(self) -> str:
        """How long the last attempt took, in words; "" while it is not over or never began."""
        if self.started_at is None or self.finished_at is None:
            return ""
        seconds = round((self.finished_at - self.started_at).total_seconds())
        if seconds < 1:
            return "under 1 s"
        minutes, rest = divmod(seconds, 60)
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"

    def seconds_left(self, at: datetime) -> int | None:
        """A straight-line guess of the seconds left at instant ``at``; ``None`` when nothing can be said."""
        if self.state != JobState.RUNNING or not (
            self.progress_total and self.progress_done and self.started_at
        ):
            return None
        # After a resume some steps were done before this attempt began: then the guess is on the low side.
        spent = (at - self.started_at).total_seconds()
        if spent < 1:
            return None
        return round(spent * (self.progress_total - self.progress_done) / self.progress_done)


class ScheduledSlot(models.Model):
    """A slot of scheduled work that somebody has taken: a second schedule finds it taken and does nothing."""

    name = models.CharField(max_length=80)
    starts_at = models.DateTimeField()
    claimed_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "starts_at"]
        constraints = [models.UniqueConstraint(fields=["name", "starts_at"], name="scheduled_slot_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.starts_at:%Y-%m-%d %H:%M:%S}"
