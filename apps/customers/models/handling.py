"""How customers are handled here: who takes one over, when renewals open, which margin a lifetime is valued at."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Handling(models.Model):
    """One row, the company's. Without it the defaults hold."""

    class Rule(models.TextChoices):
        EARLIER = "earlier", "Who looked after the account before, else the fewest accounts"
        FEWEST = "fewest", "The fewest accounts"

    receiver_rule = models.CharField(max_length=7, choices=Rule.choices, default=Rule.EARLIER)
    renewal_days = models.PositiveSmallIntegerField(default=90, help_text="before the end of a contract")
    margin_percent = models.PositiveSmallIntegerField(
        default=100, help_text="of what is won, for lifetime value"
    )
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name_plural = "handling"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="handling_one_row"),
            models.CheckConstraint(
                condition=Q(renewal_days__gte=1, renewal_days__lte=365), name="handling_renewal_days"
            ),
            models.CheckConstraint(
                condition=Q(margin_percent__gte=1, margin_percent__lte=100), name="handling_margin"
            ),
        ]

    def __str__(self) -> str:
        return "How customers are handled"
