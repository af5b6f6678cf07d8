"""Each promise that was made, as a row with its instants copied, so that a changed policy moves none."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.slas.rules import in_words


class ClockKind(models.TextChoices):
    FIRST_RESPONSE = "first_response", "First response"
    TOUCHES = "touches", "Touches"
    DISPOSITION = "disposition", "Disposition"
    AE_ANSWER = "ae_answer", "AE's answer"


class ClockState(models.TextChoices):
    RUNNING = "running", "Running"
    MET = "met", "Met"
    BREACHED = "breached", "Breached"
    CANCELLED = "cancelled", "Cancelled"


class BreachReason(models.TextChoices):
    """Why a promise was broken, as the team says (PRODUCT section 5, "Every breach wants a reason")."""

    CAPACITY = "capacity", "Too many leads at once"
    AWAY = "away", "The owner was away"
    ROUTED_LATE = "routed_late", "It came to the owner late"
    BAD_DATA = "bad_data", "The contact data was wrong"
    NOT_SEEN = "not_seen", "It was not seen"
    CUSTOMER = "customer", "The customer asked to wait"
    OTHER = "other", "Another reason"


class ClockQuerySet(models.QuerySet["Clock"]):
    def visible_to(self, user: Any) -> "ClockQuerySet":
        """RevOps sees all, a manager those of managed teams, a rep those to keep."""
        if user.role == "revops":
            return self
        if user.role == "manager":
            return self.filter(team__manager=user)
        return self.filter(rep__user=user)

    def due_before(self, at: datetime) -> "ClockQuerySet":
        """Running, not paused, and past their due instant."""
        return self.filter(state=ClockState.RUNNING, paused_at__isnull=True, due_at__lt=at)


class CalendarCopy(models.Model):
    """A business calendar as it was when clocks started by it, shared by all that did. Append-only."""

    append_only = True

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 over the hours as JSON")
    hours = models.JSONField(help_text="as reps.rules.hours.Hours.of takes them")

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "calendar copies"

    def __str__(self) -> str:
        return f"{self.hours.get('zone', '')} {self.digest[:8]}"


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
    calendar = models.ForeignKey(
        CalendarCopy, null=True, blank=True, on_delete=models.PROTECT, related_name="clocks", db_index=False
    )
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
    started_with = models.ForeignKey(
        "reps.Rep",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="who was to keep it at first; later ones are ClockHolder rows",
    )
    started_at = models.DateTimeField()
    target_minutes = models.PositiveIntegerField()
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    terms = models.JSONField(
        default=dict, blank=True, help_text="the policy's name, warning, steps and channels, copied"
    )
    wanted = models.PositiveSmallIntegerField(default=1, help_text="touches that keep it")
    done = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=9, choices=ClockState.choices, default=ClockState.RUNNING)
    paused_at = models.DateTimeField(null=True, blank=True, help_text="since when it stands still")
    next_step = models.PositiveSmallIntegerField(default=0, help_text="index of the escalation step to come")
    next_step_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_because = models.CharField(max_length=80, blank=True)
    breach_reason = models.CharField(max_length=11, choices=BreachReason.choices, blank=True)
    breach_note = models.CharField(max_length=300, blank=True)
    reason_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason_at = models.DateTimeField(null=True, blank=True)
    intake_seconds = models.PositiveIntegerField(null=True, blank=True, help_text="set when it ends")
    routing_seconds = models.PositiveIntegerField(null=True, blank=True)
    unavailable_seconds = models.PositiveIntegerField(null=True, blank=True)
    rep_seconds = models.PositiveIntegerField(null=True, blank=True)
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
                | Q(state="breached", met_at__isnull=True, breached_at=F("due_at"))
                | Q(
                    state="cancelled",
                    met_at__isnull=True,
                    breached_at__isnull=True,
                    cancelled_at__isnull=False,
                ),
                name="clock_state_with_time",
            ),
        ]
        indexes = [
            # The sweep's: what runs, by due instant.
            models.Index(
                fields=["due_at"], condition=Q(state="running", paused_at__isnull=True), name="clock_due"
            ),
            models.Index(
                fields=["next_step_at"],
                condition=Q(next_step_at__isnull=False, paused_at__isnull=True),
                name="clock_next_step",
            ),
            # The board's: what is late and still unanswered.
            models.Index(
                fields=["team", "due_at"],
                condition=Q(answered_at__isnull=True) & ~Q(state="cancelled"),
                name="clock_unanswered",
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

    @property
    def promised(self) -> str:
        """What it asks for, in words: ``in 30 min``."""
        return in_words.promised(self.target_minutes, self.wanted)


class ClockPause(models.Model):
    """A stretch in which a clock stands still, ``[from_at, until_at)``; open while it still does."""

    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="pauses")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=120)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["from_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["clock"], condition=Q(until_at__isnull=True), name="clock_paused_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gt=F("from_at")), name="clock_pause_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clock_id} from {self.from_at}"


class ClockHolder(models.Model):
    """Who was to keep a clock from an instant on: a rep, or the team's pool. Append-only."""

    append_only = True

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="holders")
    rep = models.ForeignKey("reps.Rep", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    from_at = models.DateTimeField()

    class Meta:
        ordering = ["from_at", "pk"]

    def __str__(self) -> str:
        return f"{self.clock_id}: {self.rep_id} from {self.from_at}"


class ClockRebase(models.Model):
    """A running clock set anew on purpose, by a person with a reason: what it was and what it became."""

    append_only = True

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="rebases")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=200)
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.clock_id} at {self.at}"


class EscalationAct(models.Model):
    """A step of escalation that was taken: once for each clock and step. Append-only."""

    append_only = True

    class Act(models.TextChoices):
        REMIND = "remind", "Reminded"
        NOTIFY_MANAGER = "notify_manager", "Manager told"
        REASSIGN = "reassign", "Given to another rep"
        REROUTE = "reroute", "Routed again"
        AUTO_ACCEPT = "auto_accept", "Accepted by itself"

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="acts")
    step = models.PositiveSmallIntegerField(help_text="index in the clock's steps")
    act = models.CharField(max_length=14, choices=Act.choices)
    planned_at = models.DateTimeField()
    at = models.DateTimeField()
    outcome = models.CharField(max_length=200, help_text="what was done, or why it could not be")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["clock", "step"], name="escalated_once_per_step")]
        indexes = [models.Index(fields=["-at", "-id"], name="escalation_newest")]

    def __str__(self) -> str:
        return f"{self.act} {self.clock_id}"
