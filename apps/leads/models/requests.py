"""Requests of the API that name a key of their own, and how each was answered."""

from django.db import models
from django.db.models import Q


class AnsweredRequest(models.Model):
    """One request under its ``Idempotency-Key``: begun by whoever was first, then answered once for all.

    Kept for a day (``services.answered_requests``): long enough for any retry, no longer than it takes.
    """

    key = models.CharField(max_length=80, unique=True, help_text="with whose it is: api:7:their-key")
    asked = models.CharField(max_length=64, help_text="hash over method, address and body")
    begun_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="empty while it is worked on")
    body = models.TextField(blank=True, help_text="JSON, in the order in which it was said")

    class Meta:
        ordering = ["-begun_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__isnull=False) | Q(body=""), name="request_answered_whole"
            ),
        ]
        indexes = [models.Index(fields=["begun_at"], name="request_by_age")]

    def __str__(self) -> str:
        return self.key
