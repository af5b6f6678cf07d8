"""Each promise that was made, as a row with its instants copied, so that a changed policy moves none."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q


class ClockKind(models.TextChoices):
    FIRST_RESPONSE = "first_response", "First response"
    AE_ANSWER = "ae_answer", "AE's answer"


class ClockState(models.TextChoices):
    RUNNING = "running", "Running"
    MET = "met", "Met"
    BREACHED = "breached", "Breached"


class ClockQuerySet(models.QuerySet["Clock"]):
    def visible_to(self, user: Any) -> "ClockQuerySet":
        """RevOps sees all, a manager those of managed teams, a rep those to keep."""
        if user.role == "revops":
            return self
        if user.role == "manager":
            return self.filter(team__manager=user)
        return self.filter(rep__user=user)

    def due_before(self, at: datetime) -> "ClockQuerySet":
        """Running, and past their due instant."""
        return self.filter(state=ClockState.RUNNING, due_at__lt=at)


class Clock(models.Model):
    """One promise to one lead or for one hand-off.

    ``answered_at`` is when it was done, in time or late. ``breached_at`` is the due instant itself, however
    late the sweep came by.
    """

    kind = models.CharField(max_length=14, choices=ClockKind.choices)
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="clocks")
    hand_off = models.ForeignKey(
        "leads.HandOff", null=True, blank=True, on_delete=models.PROTECT, related_name="clocks"
    )
    policy = models.ForeignKey("slas.Policy", on_delete=models.PROTECT, related_name="clocks")
    team = models.ForeignKey(
        "reps.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="clocks"
    )
    rep = models.ForeignKey(
        "reps.Rep",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="clocks",
        help_text="who is to keep it, or kept it; empty while the lead lies in the team's pool",
    )
    started_at = models.DateTimeField()
    target_minutes = models.PositiveIntegerField()
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=ClockState.choices, default=ClockState.RUNNING)
    answered_at = models.DateTimeField(null=True, blank=True)
    met_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)

    objects = ClockQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "lead"],
                condition=Q(state="running", hand_off__isnull=True),
                name="clock_running_once_per_lead",
            ),
            models.UniqueConstraint(
                fields=["kind", "hand_off"],
                condition=Q(state="running", hand_off__isnull=False),
                name="clock_running_once_per_hand_off",
            ),
            models.CheckConstraint(
                condition=Q(state="running", met_at__isnull=True, breached_at__isnull=True)
                | Q(state="met", met_at__isnull=False, breached_at__isnull=True)
                | Q(state="breached", met_at__isnull=True, breached_at=F("due_at")),
                name="clock_state_with_time",
            ),
        ]
        indexes = [
            # The sweep's: what runs, by due instant.
            models.Index(fields=["due_at"], condition=Q(state="running"), name="clock_due"),
            # The board's: what is late and still unanswered.
            models.Index(
                fields=["team", "due_at"], condition=Q(answered_at__isnull=True), name="clock_unanswered"
            ),
            models.Index(fields=["lead", "kind"], name="clock_by_lead"),
            models.Index(fields=["hand_off"], name="clock_by_hand_off"),
            # Attainment counts what was decided in a period.
            models.Index(fields=["kind", "met_at"], condition=Q(state="met"), name="clock_met"),
            models.Index(
                fields=["kind", "breached_at"], condition=Q(state="breached"), name="clock_breached"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.lead_id} {self.state}"
