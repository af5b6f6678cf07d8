"""Whom nobody may contact, or not over one channel. A suppression always wins (PRODUCT section 4)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.leads.models.leads import Channel


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def in_force(self) -> "SuppressionQuerySet":
        return self.filter(lifted_at__isnull=True)


class Suppression(models.Model):
    """An address, a phone number or a whole domain that is closed, for one channel or for all.

    ``value`` is normalised (``rules.suppression``). Lifting keeps the row, with who did it and why.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail address"
        PHONE = "phone", "Phone number"
        DOMAIN = "domain", "Whole company (domain)"

    class Reason(models.TextChoices):
        OPT_OUT = "opt_out", "They opted out"
        REGISTER = "register", "On a do-not-call register"
        LEGAL = "legal", "Legal reasons"
        COMPETITOR = "competitor", "Competitor"
        OTHER = "other", "Other"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    value = models.CharField(max_length=254)
    written_as = models.CharField(
        max_length=254, blank=True, default="", help_text="as somebody wrote it: a number with its country"
    )
    channel = models.CharField(
        max_length=6, choices=Channel.choices, blank=True, help_text="empty means every channel"
    )
    reason = models.CharField(max_length=10, choices=Reason.choices)
    note = models.CharField(max_length=200, blank=True)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_because = models.CharField(max_length=200, blank=True)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        ordering = ["-added_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value", "channel"],
                condition=Q(lifted_at__isnull=True),
                name="suppression_in_force_once",
            ),
            models.CheckConstraint(condition=~Q(value=""), name="suppression_names_a_value"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} suppression {self.pk}"

    @property
    def shown(self) -> str:
        """The value as people know it."""
        return self.written_as or self.value
