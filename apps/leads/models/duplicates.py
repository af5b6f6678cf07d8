"""Two leads that are one person: found, then merged or told apart. Both histories stay (PRODUCT section 3)."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.leads.models.leads import Lead


class LeadAddress(models.Model):
    """Another e-mail address of somebody who is a lead already: they are found by it, and closed by it."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="addresses")
    email = models.EmailField()
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["added_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["email", "lead"], name="lead_address_once"),
            models.CheckConstraint(condition=~Q(email=""), name="lead_address_given"),
        ]

    def __str__(self) -> str:
        return f"address {self.pk} of lead {self.lead_id}"


class PossibleDuplicateQuerySet(models.QuerySet["PossibleDuplicate"]):
    def visible_to(self, user: Any) -> "PossibleDuplicateQuerySet":
        """Those of whom the user sees both leads."""
        leads = Lead.objects.visible_to(user).values("pk")
        return self.filter(first__in=leads, second__in=leads)

    def open(self) -> "PossibleDuplicateQuerySet":
        return self.filter(settled_at__isnull=True)


class PossibleDuplicate(models.Model):
    """A pair that may be one person; ``first`` is the older lead."""

    class Outcome(models.TextChoices):
        MERGED = "merged", "Merged"
        DIFFERENT = "different", "Two people"

    first = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=120)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)

    objects = PossibleDuplicateQuerySet.as_manager()

    class Meta:
        ordering = ["-found_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, outcome="") | Q(settled_at__isnull=False),
                name="duplicate_settled_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-found_at", "-id"], condition=Q(settled_at__isnull=True), name="duplicate_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"


class LeadMergeQuerySet(models.QuerySet["LeadMerge"]):
    def visible_to(self, user: Any) -> "LeadMergeQuerySet":
        """Those of whom the user sees both leads."""
        leads = Lead.objects.visible_to(user).values("pk")
        return self.filter(survivor__in=leads, absorbed__in=leads)


class LeadMerge(models.Model):
    """One merge: ``absorbed`` lives on in ``survivor``. What both were before is kept, so it can be undone."""

    survivor = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="merges")
    absorbed = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=120)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    survivor_before = models.JSONField(default=dict)
    absorbed_before = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = LeadMergeQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["absorbed"], condition=Q(undone_at__isnull=True), name="lead_absorbed_once"
            ),
            models.CheckConstraint(condition=~Q(survivor=F("absorbed")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.absorbed_id} into {self.survivor_id}"
