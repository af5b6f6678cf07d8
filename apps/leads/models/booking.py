"""What stands around a meeting: the company's booking rules, preferred times, comments, mails of invitation."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


class BookingRules(models.Model):
    """How the company books: one row, made when it is first changed; until then the defaults hold."""

    class Minutes(models.IntegerChoices):
        HALF = 30, "30 minutes"
        HOUR = 60, "1 hour"
        LONG = 90, "1 hour 30"

    meeting_minutes = models.PositiveSmallIntegerField(
        "Usual length", choices=Minutes.choices, default=Minutes.HALF
    )
    hold_minutes = models.PositiveSmallIntegerField(
        "A time is held for",
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
        help_text="minutes, while an SDR fills the form",
    )
    longest_hold_minutes = models.PositiveSmallIntegerField(
        "At the longest",
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text="minutes, however long the form stays open",
    )
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="booking_rules_once"),
            models.CheckConstraint(
                condition=Q(hold_minutes__gte=1, longest_hold_minutes__gte=F("hold_minutes")),
                name="booking_rules_hold_bounds",
            ),
            models.CheckConstraint(
                condition=Q(meeting_minutes__in=(30, 60, 90)), name="booking_rules_length"
            ),
        ]

    def __str__(self) -> str:
        return "Booking rules"


class PartOfDay(models.TextChoices):
    """A part of the customer's day; the hours are in ``rules.preferences``."""

    ANY = "any", "Any time"
    MORNING = "morning", "Morning"
    MIDDAY = "midday", "Midday"
    AFTERNOON = "afternoon", "Afternoon"
    EVENING = "evening", "Evening"


class Weekday(models.IntegerChoices):
    MONDAY = 0, "Mondays"
    TUESDAY = 1, "Tuesdays"
    WEDNESDAY = 2, "Wednesdays"
    THURSDAY = 3, "Thursdays"
    FRIDAY = 4, "Fridays"
    SATURDAY = 5, "Saturdays"
    SUNDAY = 6, "Sundays"


class PreferredTime(models.Model):
    """When a customer would like to meet: one window, or a part of a weekday in the customer's own zone."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="preferred_times")
    position = models.PositiveSmallIntegerField(help_text="1 is liked best")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    weekday = models.PositiveSmallIntegerField(
        choices=Weekday.choices, null=True, blank=True, help_text="empty: any working day"
    )
    part = models.CharField(max_length=9, choices=PartOfDay.choices, blank=True)
    noted_at = models.DateTimeField()

    class Meta:
        ordering = ["lead", "position"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "position"], name="preferred_time_once_in_order"),
            models.CheckConstraint(
                condition=Q(
                    starts_at__isnull=False, ends_at__gt=F("starts_at"), weekday__isnull=True, part=""
                )
                | Q(starts_at__isnull=True, ends_at__isnull=True, part__in=PartOfDay.values),
                name="preferred_time_window_or_part",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.position}"


class MeetingComment(models.Model):
    """What somebody noted on a meeting, for those who see it. Append-only."""

    append_only = True

    meeting = models.ForeignKey("leads.Meeting", on_delete=models.PROTECT, related_name="comments")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    words = models.CharField(max_length=1000)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.words[:40]


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def to_send(self, at: Any) -> "InvitationQuerySet":
        """Due at ``at`` and neither sent nor given up."""
        return self.filter(due_at__lte=at, sent_at__isnull=True)


class Invitation(models.Model):
    """One calendar mail to one attendee, written with the booking and sent after it (the outbox).

    ``ics`` is what is attached, word for word. ``due_at`` is empty once it is sent or given up.
    """

    class Method(models.TextChoices):
        REQUEST = "REQUEST", "Invitation"
        CANCEL = "CANCEL", "Cancellation"

    class To(models.TextChoices):
        CUSTOMER = "customer", "The customer"
        AE = "ae", "The AE"

    meeting = models.ForeignKey("leads.Meeting", on_delete=models.PROTECT, related_name="invitations")
    method = models.CharField(max_length=7, choices=Method.choices)
    sequence = models.PositiveIntegerField()
    to = models.CharField(max_length=8, choices=To.choices)
    address = models.EmailField()
    subject = models.CharField(max_length=200)
    words = models.TextField()
    ics = models.TextField()
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="claims whose outcome is not known")
    sent_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=120, blank=True, help_text="why it was not sent")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["meeting", "method", "sequence", "address"], name="invitation_once"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="invitation_due"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.meeting_id} {self.sequence}"
