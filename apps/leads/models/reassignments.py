"""Leads passed from hand to hand by a manager: what was moved, by whom, and what undo restores."""

from typing import Any

from django.conf import settings
from django.db import models


class ReassignmentQuerySet(models.QuerySet["Reassignment"]):
    def visible_to(self, user: Any) -> "ReassignmentQuerySet":
        """One's own: nobody undoes another's."""
        return self.filter(by=user)


class Reassignment(models.Model):
    """One act on many leads. ``moves`` keeps each lead's owner and team before and after."""

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    request_key = models.CharField(max_length=64, unique=True, help_text="one per click")
    moves = models.JSONField(help_text='{"lead": [owner before, team before, owner after, team after], …}')
    refused = models.JSONField(default=list, help_text='[["lead", "why"], …]')
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ReassignmentQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{len(self.moves)} leads"
