"""Rules that share the credit of what is recorded: hand-off splits and territory splits, by date and condition.

A rule is drafted by one person and approved by another; from then on it is not changed, only ended. What it may
say is ``rules.credit_rules``; it is applied as an event is recorded, and the credit says by which rule.
"""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.leads.models.record import Capacity


class CreditRuleQuerySet(models.QuerySet["CreditRule"]):
    def visible_to(self, user: Any) -> "CreditRuleQuerySet":
        """Everybody who is credited may read by which rules; marketing has no part in it."""
        return self.none() if user.role == "marketing" else self

    def in_force(self, day: date) -> "CreditRuleQuerySet":
        """Approved, begun and not ended, in the order in which they are asked."""
        begun = self.filter(approved_at__isnull=False, starts_on__lte=day)
        return begun.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day)).order_by("position", "pk")


class CreditRule(models.Model):
    """For events of ``kinds`` whose lead meets the conditions, ``capacity`` is shared as ``shares`` says."""

    name = models.CharField(max_length=80)
    capacity = models.CharField(max_length=7, choices=Capacity.choices)
    kinds = models.JSONField(help_text='["won", "stage_2"]')
    conditions = models.JSONField(default=list, help_text="rows as rules.conditions.Condition; all must hold")
    shares = models.JSONField(
        help_text='[{"to": "credited", "share": 800000}, {"to": "rep:12", "share": 200000}]'
    )
    position = models.PositiveIntegerField(default=10, help_text="the first rule that fits is taken")
    starts_on = models.DateField(help_text="for what occurred from this day on")
    ends_on = models.DateField(null=True, blank=True, help_text="first day it no longer counts")
    note = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = CreditRuleQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approver__isnull=True) | ~Q(approver=F("author")),
                name="credit_rule_author_is_not_approver",
            ),
            models.CheckConstraint(
                condition=Q(approver__isnull=True, approved_at__isnull=True)
                | Q(approver__isnull=False, approved_at__isnull=False),
                name="credit_rule_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="credit_rule_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(capacity__in=Capacity.values), name="credit_rule_capacity_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_approved(self) -> bool:
        return self.approved_at is not None
