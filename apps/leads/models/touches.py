"""Touches: each attempt to reach a lead, and what came of it."""

from django.db import models
from django.db.models import Q

from apps.leads.models.leads import Channel, Persona


class Disposition(models.TextChoices):
    """What came of a touch; its digit logs it (INTERFACE, "Keys")."""

    CONNECTED = "connected", "Connected"
    VOICEMAIL = "voicemail", "Voicemail"
    NO_ANSWER = "no_answer", "No answer"
    GATEKEEPER = "gatekeeper", "Gatekeeper"
    CALL_BACK = "call_back", "Call back"
    BAD_CONTACT = "bad_contact", "Bad number or address"
    NOT_A_FIT = "not_a_fit", "Not a fit"
    NOT_NOW = "not_now", "Not now"
    OPT_OUT = "opt_out", "Opt-out"
    SENT = "sent", "Sent"


class Purpose(models.TextChoices):
    """What a touch is for."""

    ANSWER = "answer", "First answer"
    QUALIFY = "qualify", "Qualify"
    FOLLOW_UP = "follow_up", "Follow up"
    CONFIRM = "confirm", "Confirm a meeting"
    NURTURE = "nurture", "Nurture"
    CLEAN_UP = "clean_up", "Check the data"


class Touch(models.Model):
    """One attempt over one channel. An undone touch stays, marked with when it was undone."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="touches")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="touches")
    channel = models.CharField(max_length=6, choices=Channel.choices)
    disposition = models.CharField(max_length=12, choices=Disposition.choices)
    outside_hours = models.BooleanField(
        default=False, help_text="a call outside the prospect's calling hours, at the prospect's own wish"
    )
    purpose = models.CharField(max_length=10, choices=Purpose.choices, blank=True)
    persona = models.PositiveSmallIntegerField(
        choices=Persona.choices, null=True, blank=True, help_text="the lead's at the time"
    )
    enrolment = models.ForeignKey(
        "leads.Enrolment", null=True, blank=True, on_delete=models.PROTECT, related_name="touches"
    )
    step_number = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="which step of the cadence it was, from 1"
    )
    policy = models.ForeignKey(
        "leads.FollowUpPolicy",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="the rules that named its next step; none where the built-in ones did",
    )
    note = models.CharField(max_length=500, blank=True)
    occurred_at = models.DateTimeField()
    request_key = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        unique=True,
        help_text="one per click, so a second one is harmless",
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    lead_before = models.JSONField(default=dict, blank=True, help_text="what undo restores")

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        verbose_name_plural = "touches"
        indexes = [
            models.Index(fields=["lead", "-occurred_at"], name="touch_by_lead"),
            models.Index(fields=["rep", "occurred_at"], name="touch_by_rep"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="touch_channel_known"),
            models.CheckConstraint(
                condition=Q(disposition__in=Disposition.values), name="touch_disposition_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.disposition}"
