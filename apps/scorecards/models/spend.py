"""What was spent on getting leads, by source, campaign and month. A correction reverses, and enters anew."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q


class SpendQuerySet(models.QuerySet["Spend"]):
    def effective(self, as_of: datetime | None = None) -> "SpendQuerySet":
        """What holds: neither a reversal nor reversed; with ``as_of`` as was entered by that instant."""
        reversals = Spend.objects.filter(reverses=OuterRef("pk"))
        found = self.filter(reverses__isnull=True)
        if as_of is not None:
            reversals = reversals.filter(entered_at__lte=as_of)
            found = found.filter(entered_at__lte=as_of)
        return found.filter(~Exists(reversals))


class Spend(models.Model):
    """One amount for a source (and campaign) in a month; what reverses one carries its amount once more, below zero."""

    append_only = True

    source = models.CharField(max_length=80, help_text="as leads carry it")
    campaign = models.CharField(max_length=80, blank=True, help_text="empty: for the source as a whole")
    month_on = models.DateField(help_text="first day of the month")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    note = models.CharField(max_length=300, blank=True, help_text="what for; of a reversal: why")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    entered_at = models.DateTimeField()
    source_key = models.CharField(max_length=120, unique=True, help_text="the same one is entered once")
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )

    objects = SpendQuerySet.as_manager()

    class Meta:
        ordering = ["-month_on", "source", "campaign", "pk"]
        verbose_name_plural = "spend"
        constraints = [
            models.CheckConstraint(condition=Q(month_on__day=1), name="spend_month_begins"),
            models.CheckConstraint(condition=~Q(currency="") & ~Q(source=""), name="spend_whole"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=True, amount_minor__gt=0)
                | Q(reverses__isnull=False, amount_minor__lt=0),
                name="spend_above_zero_or_reversal",
            ),
        ]
        indexes = [models.Index(fields=["-month_on", "-id"], name="spend_by_month")]

    def __str__(self) -> str:
        return f"{self.source} {self.month_on:%Y-%m}"
