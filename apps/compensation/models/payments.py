"""What customers paid: the facts that pay on payment and releases of held pay wait for. Append-only."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class CustomerPayment(models.Model):
    """One payment for a won opportunity; it credits whom the win credited. A mistake is reversed by another."""

    append_only = True

    opportunity = models.ForeignKey("leads.Opportunity", on_delete=models.PROTECT, related_name="payments")
    label = models.CharField(max_length=80, blank=True, help_text="what was paid, such as setup invoice")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    paid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source_key = models.CharField(max_length=120, unique=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )

    class Meta:
        ordering = ["paid_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(currency=""), name="payment_has_currency"),
            models.CheckConstraint(
                condition=Q(reverses__isnull=False) | Q(amount_minor__gt=0), name="payment_above_zero"
            ),
        ]
        indexes = [models.Index(fields=["paid_at"], name="payment_by_day")]

    def __str__(self) -> str:
        return f"Payment {self.pk}"

    @property
    def reference(self) -> str:
        """What tells it from any other, as whoever recorded it wrote it."""
        return self.source_key.removeprefix("payment:")
