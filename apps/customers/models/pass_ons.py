"""An account on its way from the AE who won it to the AM or CSM who looks after it, with what was promised."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q


class PassOnQuerySet(models.QuerySet["PassOn"]):
    def visible_to(self, user: Any) -> "PassOnQuerySet":
        """Who gives, who receives, who looks after the account, their managers, RevOps and finance."""
        if user.role in ("revops", "finance"):
            return self
        if user.role == "manager":
            return self.filter(
                Q(giver__team__manager=user)
                | Q(receiver__team__manager=user)
                | Q(account__owner__team__manager=user)
            )
        return self.filter(Q(giver__user=user) | Q(receiver__user=user) | Q(account__owner__user=user))

    def open(self) -> "PassOnQuerySet":
        return self.filter(state__in=(PassOn.State.TO_WRITE, PassOn.State.OFFERED))


class PassOn(models.Model):
    """One for each won opportunity of new business; accepted by its receiver, void when the win is taken back."""

    class State(models.TextChoices):
        TO_WRITE = "to_write", "To be written"
        OFFERED = "offered", "Waiting for its receiver"
        ACCEPTED = "accepted", "Accepted"
        VOID = "void", "Void: the win was taken back"

    account = models.ForeignKey("leads.Account", on_delete=models.PROTECT, related_name="pass_ons")
    opportunity = models.OneToOneField("leads.Opportunity", on_delete=models.PROTECT, related_name="pass_on")
    giver = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="pass_ons_given")
    receiver = models.ForeignKey(
        "reps.Rep", null=True, blank=True, on_delete=models.PROTECT, related_name="pass_ons_received"
    )
    chosen_because = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.TO_WRITE)
    contacts = models.TextField(max_length=1000, blank=True, help_text="whom to know at the customer")
    note = models.TextField(max_length=1000, blank=True)
    question = models.CharField(max_length=300, blank=True, help_text="why its receiver sent it back")
    created_at = models.DateTimeField()
    offered_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PassOnQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="accepted", accepted_at__isnull=False, receiver__isnull=False)
                | Q(state="offered", offered_at__isnull=False, receiver__isnull=False)
                | Q(state__in=("to_write", "void")),
                name="pass_on_state_whole",
            )
        ]
        indexes = [models.Index(fields=["state", "-created_at"], name="pass_on_by_state")]

    def __str__(self) -> str:
        return f"Pass-on of {self.account_id}"


class Promise(models.Model):
    """Something that was promised to the customer before the win, in words; kept or not yet."""

    pass_on = models.ForeignKey(PassOn, on_delete=models.CASCADE, related_name="promises")
    position = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=200)
    due_on = models.DateField(null=True, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True)
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["pass_on", "position"], name="promise_once_per_position")
        ]

    def __str__(self) -> str:
        return self.words
