"""What is recorded about a customer: health, answers, departures. Append-only; a mistake is reversed by its event."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.leads.models import Account, FunnelEvent


class ReadingQuerySet(models.QuerySet):
    """Of accounts in scope, and those that hold: not taken back."""

    def visible_to(self, user: Any) -> "ReadingQuerySet":
        return self.filter(account__in=Account.objects.visible_to(user).values("pk"))

    def effective(self) -> "ReadingQuerySet":
        return self.filter(~Exists(FunnelEvent.objects.filter(reverses=OuterRef("event"))))


class Recorded(models.Model):
    """What every reading has: of whom, by which event, when, by whom."""

    append_only = True

    account = models.ForeignKey("leads.Account", on_delete=models.PROTECT, related_name="%(class)ss")
    event = models.OneToOneField("leads.FunnelEvent", on_delete=models.PROTECT, related_name="%(class)s")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ReadingQuerySet.as_manager()

    class Meta:
        abstract = True


class HealthReading(Recorded):
    """How an account is doing, why, and what drives it."""

    class Status(models.TextChoices):
        GREEN = "green", "Healthy"
        AMBER = "amber", "Wants attention"
        RED = "red", "At risk"

    class Driver(models.TextChoices):
        USAGE = "usage", "Usage"
        VALUE = "value", "Value seen"
        SUPPORT = "support", "Support"
        SPONSOR = "sponsor", "Sponsor"
        PAYMENT = "payment", "Payment"
        PRODUCT = "product", "Product gaps"
        COMPETITOR = "competitor", "Competitor"

    status = models.CharField(max_length=5, choices=Status.choices)
    why = models.CharField(max_length=300)
    drivers = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=("green", "amber", "red")), name="health_known")
        ]
        indexes = [models.Index(fields=["account", "-recorded_at"], name="health_by_account")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.status}"

    @property
    def driver_words(self) -> str:
        words = dict(self.Driver.choices)
        return ", ".join(words.get(one, one) for one in self.drivers)


class NpsAnswer(Recorded):
    """How likely somebody at the customer is to recommend us, 0 to 10, and what they said."""

    score = models.PositiveSmallIntegerField()
    respondent = models.CharField(max_length=120, help_text="who answered")
    comment = models.CharField(max_length=500, blank=True)
    answered_on = models.DateField()

    class Meta:
        ordering = ["-answered_on", "-pk"]
        constraints = [models.CheckConstraint(condition=Q(score__lte=10), name="nps_in_range")]
        indexes = [models.Index(fields=["account", "-answered_on"], name="nps_by_account")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.score}"


class Churn(Recorded):
    """A customer that left, wholly or in part, from a day on."""

    class Extent(models.TextChoices):
        FULL = "full", "Left altogether"
        PARTIAL = "partial", "Gave up a part"

    class Reason(models.TextChoices):
        PRICE = "price", "Price"
        COMPETITOR = "competitor", "Went to a competitor"
        VALUE = "value", "Saw too little value"
        SERVICE = "service", "Service or product"
        CLOSED = "closed", "Closed down or was bought"
        OTHER = "other", "Other"

    extent = models.CharField(max_length=7, choices=Extent.choices)
    contract = models.ForeignKey(
        "customers.Contract", null=True, blank=True, on_delete=models.PROTECT, related_name="churns"
    )
    churned_on = models.DateField(help_text="the first day without")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    note = models.CharField(max_length=300, blank=True)
    lost = models.JSONField(
        default=list, help_text='a year, by currency: [{"amount_minor": 1200000, "currency": "EUR"}]'
    )

    class Meta:
        ordering = ["-churned_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(extent="full", contract__isnull=True)
                | Q(extent="partial", contract__isnull=False),
                name="churn_part_of_a_contract",
            )
        ]
        indexes = [models.Index(fields=["account", "churned_on"], name="churn_by_account")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.extent} on {self.churned_on}"
