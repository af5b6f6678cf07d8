"""Exchange rates by day, and in which currency a rep wants to be paid. Both append-only.

A rate that was wrong is corrected by another row for the same day: the newest counts, and what was computed with
the old one is told apart by when it came to the record.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

RATE_DIGITS, RATE_PLACES = 20, 10


class ExchangeRate(models.Model):
    """On ``on``, one unit of ``from_currency`` is worth ``rate`` units of ``to_currency``, says ``source``."""

    append_only = True

    from_currency = models.CharField(max_length=3)
    to_currency = models.CharField(max_length=3)
    on = models.DateField()
    number = models.PositiveIntegerField(
        default=1, help_text="1 for the first rate of the day, 2 corrects it"
    )
    rate = models.DecimalField(max_digits=RATE_DIGITS, decimal_places=RATE_PLACES)
    source = models.CharField(max_length=80, help_text="who published it, such as ECB reference rate")
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-on", "from_currency", "to_currency", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["from_currency", "to_currency", "on", "number"], name="rate_numbered_once"
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="rate_above_zero"),
            models.CheckConstraint(
                condition=~Q(from_currency=F("to_currency"))
                & ~Q(from_currency="")
                & ~Q(to_currency="")
                & ~Q(source=""),
                name="rate_between_two_currencies",
            ),
        ]
        indexes = [models.Index(fields=["recorded_at"], name="rate_by_recorded")]

    def __str__(self) -> str:
        return f"{self.from_currency} to {self.to_currency} on {self.on}"

    @property
    def exact(self) -> Fraction:
        return Fraction(Decimal(self.rate))

    @property
    def shown(self) -> str:
        """All digits that it has: ``0.92``."""
        return f"{Decimal(self.rate).normalize():f}"


class PayoutCurrencyQuerySet(models.QuerySet["PayoutCurrency"]):
    def visible_to(self, user: Any) -> "PayoutCurrencyQuerySet":
        """Finance and RevOps see all; others none: the pair of lines on the statement says it."""
        return self if user.role in ("finance", "revops") else self.none()


class PayoutCurrency(models.Model):
    """From ``starts_on`` the rep is paid in ``currency``, whatever the plans are in; "" is as the plans say.

    The newest row of the latest day counts.
    """

    append_only = True

    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="payout_currencies")
    currency = models.CharField(max_length=3, blank=True)
    starts_on = models.DateField()
    set_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PayoutCurrencyQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "-pk"]
        verbose_name_plural = "payout currencies"
        indexes = [models.Index(fields=["rep", "starts_on"], name="payout_currency_by_rep")]

    def __str__(self) -> str:
        return f"{self.rep_id} in {self.currency or 'the plan’s currency'} from {self.starts_on}"
