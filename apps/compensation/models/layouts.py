"""Layouts of the payroll file: named, in versions that stay as they were, one of them the default."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class PayrollLayout(models.Model):
    """A saved layout; what it says stands in its newest version."""

    name = models.CharField(max_length=60, unique=True)
    is_default = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-is_default", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="payroll_layout_one_default"
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(retired_at__isnull=True),
                name="payroll_layout_default_in_use",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PayrollLayoutVersion(models.Model):
    """What a layout says, in the words of ``rules.payroll_layout``. Append-only: a change is the next number."""

    append_only = True

    layout = models.ForeignKey(PayrollLayout, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["layout", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["layout", "number"], name="payroll_layout_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.layout.name}, version {self.number}"
