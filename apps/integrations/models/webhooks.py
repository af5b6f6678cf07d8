"""Who is told of what happens, the outbox of what is to be told, and how each attempt went.

A message is written in the transaction of the fact that it tells of, one row for each endpoint, with the very
bytes that will be sent: what is retried says what was said. Due instants are rows that a sweep turns
(``services.webhook_sending``).
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: Any) -> "WebhookEndpointQuerySet":
        """RevOps says who is told; nobody else sees where the company's facts go."""
        return self if getattr(user, "role", "") == "revops" else self.none()

    def listening(self) -> "WebhookEndpointQuerySet":
        """Told of what happens now."""
        return self.filter(is_active=True)


class WebhookEndpoint(models.Model):
    """An address that is told of facts.

    No secret is kept: it is made of ``secret_salt`` and the installation's own key when it is needed
    (``services.webhook_secrets``), so that whoever reads the database can forge nothing. ``secret_check`` tells
    whether that key is still the one of then.
    """

    name = models.CharField(max_length=80, unique=True)
    url = models.CharField("Address", max_length=500)
    kinds = models.JSONField(default=list, help_text="values of rules.webhooks.TOPICS")
    with_history = models.BooleanField(
        "Also what an import brings",
        default=False,
        help_text="Facts of long ago, by the thousand.",
    )
    is_active = models.BooleanField(default=True)
    secret_salt = models.CharField(max_length=64)
    secret_check = models.CharField(max_length=16)
    earlier_salt = models.CharField(
        max_length=64, blank=True, help_text="signs beside it until earlier_until"
    )
    earlier_check = models.CharField(max_length=16, blank=True)
    earlier_until = models.DateTimeField(null=True, blank=True)
    secret_made_at = models.DateTimeField()
    served_until = models.DateTimeField(
        null=True, blank=True, help_text="a worker's lease: one at a time sends to it"
    )
    rests_until = models.DateTimeField(null=True, blank=True, help_text="nothing is sent before: it hangs")
    hung_in_a_row = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MessageState(models.TextChoices):
    """Where a message stands."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    DEAD = "dead", "Given up"


class WebhookMessageQuerySet(models.QuerySet["WebhookMessage"]):
    def visible_to(self, user: Any) -> "WebhookMessageQuerySet":
        return self if getattr(user, "role", "") == "revops" else self.none()


class WebhookMessage(models.Model):
    """One fact for one endpoint. Its number is the order in which an endpoint hears of a subject."""

    State = MessageState

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="messages")
    message_id = models.CharField(max_length=40, help_text="webhook-id: the same for every attempt")
    source_key = models.CharField(max_length=80, help_text="the fact, once for each endpoint")
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=40, help_text="lead:12; later ones wait for earlier ones")
    body = models.TextField(help_text="the bytes that are signed and sent")
    created_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=MessageState.choices, default=MessageState.WAITING)
    due_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="since it was last sent by hand")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="delivered or given up")
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_words = models.CharField(max_length=120, blank=True)

    objects = WebhookMessageQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "source_key"], name="webhook_message_once"),
            models.UniqueConstraint(fields=["message_id"], name="webhook_message_id_once"),
            models.CheckConstraint(
                condition=Q(state="waiting", due_at__isnull=False, settled_at__isnull=True)
                | Q(state__in=["delivered", "dead"], due_at__isnull=True, settled_at__isnull=False),
                name="webhook_message_waits_or_is_settled",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at", "id"], condition=Q(state="waiting"), name="webhook_message_due"
            ),
            models.Index(
                fields=["endpoint", "subject", "id"],
                condition=Q(state="waiting"),
                name="webhook_message_of_subject",
            ),
            models.Index(fields=["endpoint", "state", "id"], name="webhook_message_of_endpoint"),
            models.Index(
                fields=["settled_at"], condition=Q(state="delivered"), name="webhook_message_delivered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class WebhookAttempt(models.Model):
    """One try to deliver a message: when, how long it took, what was answered. Nothing of the answer's body."""

    message = models.ForeignKey(WebhookMessage, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    began_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="empty: the worker was killed"
    )
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    words = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["message", "id"], name="webhook_attempt_of_message"),
            models.Index(fields=["began_at"], name="webhook_attempt_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.number}"
