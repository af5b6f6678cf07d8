"""Meetings, and the hand-offs that an AE accepts or rejects (PRODUCT section 6)."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class MeetingState(models.TextChoices):
    BOOKED = "booked", "Booked"
    HELD = "held", "Held"
    NO_SHOW = "no_show", "No-show"
    RESCHEDULED = "rescheduled", "Rescheduled"
    CANCELLED = "cancelled", "Cancelled"


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def visible_to(self, user: Any) -> "MeetingQuerySet":
        """The AE and the SDR of the hand-off, their managers, RevOps. (Earlier times of a hand-off as the newest.)"""
        if user.role == "revops":
            return self
        if user.role == "manager":
            return self.filter(Q(ae__team__manager=user) | Q(for_hand_off__sdr__team__manager=user))
        return self.filter(Q(ae__user=user) | Q(for_hand_off__sdr__user=user))

    def newest(self) -> "MeetingQuerySet":
        """Those that no other time has taken the place of."""
        return self.filter(rescheduled_to__isnull=True)


class Meeting(models.Model):
    """A booked time of an AE with a lead. Two can never take the same AE and time (``TakenSlot``).

    A new time is a new row, ``rescheduled_from`` the one before; ``HandOff.meeting`` is the newest.
    """

    State = MeetingState

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="meetings")
    ae = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="meetings")
    for_hand_off = models.ForeignKey(
        "leads.HandOff", null=True, blank=True, on_delete=models.PROTECT, related_name="meetings"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=11, choices=MeetingState.choices, default=MeetingState.BOOKED)
    state_changed_at = models.DateTimeField()
    rescheduled_from = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="rescheduled_to"
    )
    reason = models.CharField(
        max_length=300, blank=True, help_text="why it was moved, cancelled or corrected"
    )
    recording_url = models.URLField(max_length=500, blank=True)
    was_asked_for = models.BooleanField(default=False, help_text="at a time that the customer had asked for")
    invite_uid = models.CharField(
        max_length=80, blank=True, help_text="the same for every time of a hand-off"
    )
    invite_sequence = models.PositiveIntegerField(default=0)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="meeting_ends_after_start"),
        ]
        indexes = [
            models.Index(fields=["ae", "starts_at"], name="meeting_by_ae"),
            models.Index(fields=["starts_at"], condition=Q(state="booked"), name="meeting_booked"),
        ]

    def __str__(self) -> str:
        return f"{self.ae_id} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return int((self.ends_at - self.starts_at).total_seconds()) // 60


class RejectionReason(models.TextChoices):
    """Why an AE rejects; the digit picks it."""

    UNSUPPORTED = "unsupported", "Answer not supported by evidence"
    WRONG_PERSON = "wrong_person", "Asked the wrong person"
    TOO_FAR_OUT = "too_far_out", "Date too far out"
    DUPLICATE = "duplicate", "Duplicate of an open opportunity"
    OTHER = "other", "Other, say in the comment"


class HandOffState(models.TextChoices):
    PENDING = "pending", "Waiting for the AE"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


class AnsweredHow(models.TextChoices):
    """Whose answer a decided hand-off carries."""

    AE = "ae", "By the AE"
    SILENCE = "silence", "By itself, for want of an answer"
    CONTEST = "contest", "By a neutral manager"


class HandOffQuerySet(models.QuerySet["HandOff"]):
    def visible_to(self, user: Any) -> "HandOffQuerySet":
        """The AE it went to (or who continues), the SDR, their managers, who judges its contest, and the whole view."""
        if user.role in ("revops", "finance", "marketing"):
            return self
        if user.role == "manager":
            return self.filter(
                Q(ae__team__manager=user)
                | Q(sdr__team__manager=user)
                | Q(contest__judge=user)
                | Q(successor__team__manager=user)
            )
        return self.filter(Q(ae__user=user) | Q(sdr__user=user) | Q(successor__user=user))

    def pending(self) -> "HandOffQuerySet":
        """Waiting, the oldest promise first."""
        return self.filter(state=HandOffState.PENDING).order_by(F("due_at").asc(nulls_last=True), "pk")


class HandOff(models.Model):
    """A qualified lead passed from an SDR to an AE, with the routing decision kept whole."""

    State = HandOffState

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="hand_offs")
    qualification = models.ForeignKey(
        "leads.Qualification", null=True, blank=True, on_delete=models.PROTECT, related_name="hand_offs"
    )
    meeting = models.OneToOneField(
        Meeting, null=True, blank=True, on_delete=models.PROTECT, related_name="hand_off"
    )
    sdr = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="hand_offs_made")
    ae = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="hand_offs_received")
    successor = models.ForeignKey(
        "reps.Rep",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="hand_offs_continued",
        help_text="the AE who continues after an upheld contest, where that is another than who rejected it",
    )
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, help_text="by when the AE promised an answer")
    warn_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=HandOffState.choices, default=HandOffState.PENDING)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rejected_criterion = models.CharField(max_length=20, blank=True)
    rejection_reason = models.CharField(max_length=12, choices=RejectionReason.choices, blank=True)
    comment = models.CharField(max_length=1000, blank=True)
    answered_how = models.CharField(max_length=7, choices=AnsweredHow.choices, default=AnsweredHow.AE)
    contest_until = models.DateTimeField(
        null=True, blank=True, help_text="by when the SDR may contest the rejection"
    )
    answer_before = models.JSONField(
        default=dict, blank=True, help_text="what taking the answer back within a minute restores"
    )
    is_exploration = models.BooleanField(default=False)
    routing = models.JSONField(default=dict, help_text="each candidate and why taken or passed over")
    source_system = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=80, blank=True)

    objects = HandOffQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source_system", "external_id"],
                condition=~Q(external_id=""),
                name="hand_off_external_id_once",
            ),
            models.UniqueConstraint(
                fields=["lead"], condition=Q(state="pending"), name="hand_off_pending_once_per_lead"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at__isnull=True)
                | (~Q(state="pending") & Q(decided_at__isnull=False)),
                name="hand_off_decided_with_time",
            ),
        ]
        indexes = [
            models.Index(fields=["ae", "due_at"], condition=Q(state="pending"), name="hand_off_inbox"),
            models.Index(fields=["sdr", "-created_at"], name="hand_off_by_sdr"),
        ]

    def __str__(self) -> str:
        return f"Hand-off {self.pk}"

    @property
    def continues_with(self) -> Any:
        """The AE (a ``Rep``) whose deal it is or will be. Whose answer it had is ``ae``, also after a contest."""
        return self.ae if self.successor_id is None else self.successor
