"""Complaints about the quality of a lead, by the SDR or AE who works it; and what marketing answers."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q


class ComplaintReason(models.TextChoices):
    """What is wrong with the lead itself, not with how it was worked."""

    WRONG_CONTACT = "wrong_contact", "Contact data wrong or missing"
    NOT_IN_PROFILE = "not_in_profile", "Outside the profile we agreed on"
    NEVER_ASKED = "never_asked", "Never asked for anything"
    NOT_A_BUYER = "not_a_buyer", "Student, competitor or job seeker"
    DUPLICATE = "duplicate", "We have them already"
    TOO_EARLY = "too_early", "Scored too high for what they want"
    OTHER = "other", "Another reason"


class LeadComplaintQuerySet(models.QuerySet["LeadComplaint"]):
    def visible_to(self, user: Any) -> "LeadComplaintQuerySet":
        """Marketing and RevOps see all, a manager those of managed teams, an SDR or AE the own ones."""
        if user.role in ("revops", "marketing"):
            return self
        if user.role == "manager":
            return self.filter(Q(team__manager=user) | Q(rep__team__manager=user))
        return self.filter(rep__user=user)

    def standing(self) -> "LeadComplaintQuerySet":
        """Not taken back."""
        return self.exclude(answers__kind=ComplaintAnswer.Kind.WITHDRAWN)


class LeadComplaint(models.Model):
    """That a lead was not what was agreed. Append-only; source and campaign are the lead's at the time."""

    append_only = True

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="complaints")
    team = models.ForeignKey(
        "reps.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="the lead's"
    )
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="lead_complaints")
    reason = models.CharField(max_length=14, choices=ComplaintReason.choices)
    comment = models.CharField(max_length=1000)
    source = models.CharField(max_length=80, blank=True)
    campaign = models.CharField(max_length=80, blank=True)
    made_at = models.DateTimeField()
    request_key = models.CharField(max_length=64, null=True, blank=True, unique=True)

    objects = LeadComplaintQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__in=ComplaintReason.values), name="complaint_reason_known"
            ),
            models.CheckConstraint(condition=~Q(comment=""), name="complaint_says_what"),
        ]
        indexes = [
            models.Index(fields=["team", "made_at"], name="complaint_by_team"),
            models.Index(fields=["-made_at", "-id"], name="complaint_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.lead_id}"


class ComplaintAnswer(models.Model):
    """What marketing answers, or that the author took the complaint back. Append-only."""

    append_only = True

    class Kind(models.TextChoices):
        ANSWERED = "answered", "Answered"
        WITHDRAWN = "withdrawn", "Taken back"

    complaint = models.ForeignKey(LeadComplaint, on_delete=models.PROTECT, related_name="answers")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    text = models.CharField(max_length=1000, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["complaint"], condition=Q(kind="withdrawn"), name="complaint_withdrawn_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="withdrawn") | (Q(kind="answered") & ~Q(text="")),
                name="complaint_answer_says_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.complaint_id}"
