"""Contracts: what a won opportunity brought, from when to when."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.leads.models import Account


class ContractQuerySet(models.QuerySet["Contract"]):
    def visible_to(self, user: Any) -> "ContractQuerySet":
        return self.filter(account__in=Account.objects.visible_to(user).values("pk"))

    def standing(self) -> "ContractQuerySet":
        """Without those whose win was taken back."""
        return self.filter(voided_at__isnull=True)

    def running(self, day: date) -> "ContractQuerySet":
        return self.standing().filter(starts_on__lte=day, ends_on__gte=day)


class Contract(models.Model):
    """One for each win that is under contract. The amount is the whole term's, in minor units."""

    account = models.ForeignKey("leads.Account", on_delete=models.PROTECT, related_name="contracts")
    opportunity = models.OneToOneField("leads.Opportunity", on_delete=models.PROTECT, related_name="contract")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="the last day, included")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    renewal = models.OneToOneField(
        "leads.Opportunity",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="renews",
        help_text="the opportunity that renews it, opened by the sweep or by hand",
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = ContractQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="contract_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="contract_amount_positive"),
        ]
        indexes = [
            models.Index(fields=["account", "ends_on"], name="contract_by_account"),
            models.Index(
                fields=["ends_on"],
                condition=Q(renewal__isnull=True, voided_at__isnull=True),
                name="contract_to_renew",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}, {self.starts_on} to {self.ends_on}"

    @property
    def days(self) -> int:
        return (self.ends_on - self.starts_on).days + 1
