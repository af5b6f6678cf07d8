"""What a rep signed: that the exact version of the plan was read (PRODUCT section 9, "Plan")."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.compensation.models.plans import PlanVersion


class PlanAcknowledgementQuerySet(models.QuerySet["PlanAcknowledgement"]):
    def visible_to(self, user: Any) -> "PlanAcknowledgementQuerySet":
        """Reps see their own, managers those of their teams; RevOps and finance all."""
        if user.role in ("revops", "finance"):
            return self
        own = Q(rep__user=user)
        if user.role == "manager":
            own |= Q(rep__team__manager=user)
        return self.filter(own)


class PlanAcknowledgement(models.Model):
    """A rep's signature under one version: the name as typed, when, and the fingerprint of what was read."""

    append_only = True

    version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="acknowledgements")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="plan_acknowledgements")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    typed_name = models.CharField(max_length=120)
    version_fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField()

    objects = PlanAcknowledgementQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "rep"], name="plan_acknowledged_once"),
            models.CheckConstraint(condition=~Q(typed_name=""), name="plan_acknowledged_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.typed_name} on {self.version_id}"
