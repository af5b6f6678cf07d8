"""Which times of an AE are taken: by a meeting, or for a few minutes by a hold.

Times lie on one half-hour grid. What takes an hour takes two rows, so that one unique constraint, the same on
both databases, keeps two from ever taking the same AE and time (PRODUCT section 6).
"""

from django.db import models
from django.db.models import F, Q

from apps.leads.models.hand_offs import Meeting


class SlotHold(models.Model):
    """An AE's time kept for an SDR who is filling the form; it lapses by itself at ``expires_at``."""

    class State(models.TextChoices):
        HELD = "held", "Held"
        USED = "used", "Booked"
        RELEASED = "released", "Given back"
        LAPSED = "lapsed", "Lapsed"

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="slot_holds")
    sdr = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="slot_holds")
    ae = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="held_slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.HELD)
    routing = models.JSONField(default=dict, help_text="why this AE, as it is kept on the hand-off")

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="hold_ends_after_start"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="hold_lapses_after_it_begins"
            ),
            # One SDR keeps one time for one lead: asking for another gives the first back.
            models.UniqueConstraint(
                fields=["lead", "sdr"], condition=Q(state="held"), name="hold_once_per_lead_and_sdr"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ae_id} {self.starts_at:%Y-%m-%d %H:%M}"


class TakenSlot(models.Model):
    """One half hour of one AE, taken by one meeting or one hold."""

    ae = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="taken_slots")
    starts_at = models.DateTimeField()
    meeting = models.ForeignKey(
        Meeting, null=True, blank=True, on_delete=models.CASCADE, related_name="slots"
    )
    hold = models.ForeignKey(SlotHold, null=True, blank=True, on_delete=models.CASCADE, related_name="slots")

    class Meta:
        ordering = ["starts_at", "ae_id"]
        constraints = [
            models.UniqueConstraint(fields=["ae", "starts_at"], name="taken_slot_once"),
            models.CheckConstraint(
                condition=Q(meeting__isnull=False, hold__isnull=True)
                | Q(meeting__isnull=True, hold__isnull=False),
                name="taken_slot_by_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ae_id} {self.starts_at:%Y-%m-%d %H:%M}"
