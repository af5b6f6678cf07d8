"""What is promised to which leads (PRODUCT section 5). Ordered: the first match wins."""

from django.db import models
from django.db.models import Q

from apps.slas.rules.promises import Terms


class Policy(models.Model):
    """Targets for the leads it matches, in minutes of business time by the team's calendar."""

    class ChannelKind(models.TextChoices):
        INBOUND = "inbound", "Inbound"
        OUTBOUND = "outbound", "Outbound"

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(help_text="asked in this order")
    scores = models.CharField(max_length=4, blank=True, help_text='such as "AB"; empty means every score')
    channel = models.CharField(max_length=8, choices=ChannelKind.choices, blank=True)
    first_response_minutes = models.PositiveIntegerField(null=True, blank=True)
    ae_answer_minutes = models.PositiveIntegerField(null=True, blank=True)
    warn_percent = models.PositiveSmallIntegerField(default=70, help_text="at risk once so much is used up")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(warn_percent__gte=1, warn_percent__lte=100), name="sla_policy_warns_before_due"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def terms(self) -> Terms:
        """The policy as the plain value that ``rules.promises`` matches with."""
        return Terms(
            self.pk,
            self.scores,
            self.channel,
            self.first_response_minutes,
            self.ae_answer_minutes,
            self.warn_percent,
        )

    @property
    def first_response(self) -> str:
        return _in_words(self.first_response_minutes)

    @property
    def ae_answer(self) -> str:
        return _in_words(self.ae_answer_minutes)


def _in_words(minutes: int | None) -> str:
    """``30 min``, ``4 h``; empty for what is not promised."""
    if minutes is None:
        return ""
    return f"{minutes // 60} h" if minutes >= 60 and minutes % 60 == 0 else f"{minutes} min"
