"""What a role is assumed to take, from which month on; hiring scenarios as they were saved."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.reps.models import RepRole


class AssumptionQuerySet(models.QuerySet["Assumption"]):
    def visible_to(self, user: Any) -> "AssumptionQuerySet":
        """They are the company's: managers and RevOps read them."""
        return self if user.role in ("manager", "revops") else self.none()


class Assumption(models.Model):
    """What a role is taken to do of a metric from a month on, in place of the default of ``rules.targets``.

    Append-only: another one from a later month follows it, another one from the same month corrects it.
    """

    append_only = True

    class Per(models.TextChoices):
        MONTH = "month", "a month"
        DAY = "day", "a working day"
        LEVEL = "level", "as it stands"

    role = models.CharField(max_length=3, choices=RepRole.choices)
    metric = models.CharField(max_length=40, help_text="key of the metric catalogue")
    value = models.DecimalField(max_digits=14, decimal_places=4)
    per = models.CharField(max_length=5, choices=Per.choices, default=Per.MONTH)
    effective_on = models.DateField(
        default=date(2000, 1, 1), help_text="first day of the first month it holds for"
    )
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    set_at = models.DateTimeField(null=True, blank=True)

    objects = AssumptionQuerySet.as_manager()

    class Meta:
        ordering = ["role", "metric", "-effective_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(per__in=("month", "day", "level")), name="assumption_per_known"
            ),
            models.CheckConstraint(condition=Q(effective_on__day=1), name="assumption_month_begins"),
            models.CheckConstraint(condition=Q(value__gte=0), name="assumption_not_below_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.metric} from {self.effective_on:%Y-%m}"


class HiringScenarioQuerySet(models.QuerySet["HiringScenario"]):
    def visible_to(self, user: Any) -> "HiringScenarioQuerySet":
        """One's own; RevOps sees all."""
        if user.role == "revops":
            return self
        return self.filter(owner=user) if user.role == "manager" else self.none()

    def kept(self) -> "HiringScenarioQuerySet":
        return self.filter(dropped_at__isnull=True)


class HiringScenario(models.Model):
    """A hiring plan as somebody wrote it. ``document`` is read by ``services.hiring.plan_of``."""

    name = models.CharField(max_length=80)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    document = models.JSONField(help_text="the plan; exact figures as text")
    version = models.PositiveIntegerField(
        default=1, help_text="counts changes; a page says which it has read"
    )
    saved_at = models.DateTimeField()
    dropped_at = models.DateTimeField(null=True, blank=True)

    objects = HiringScenarioQuerySet.as_manager()

    class Meta:
        ordering = ["-saved_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=Q(dropped_at__isnull=True),
                name="hiring_scenario_named_once",
            )
        ]

    def __str__(self) -> str:
        return self.name
