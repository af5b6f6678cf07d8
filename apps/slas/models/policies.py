"""What is promised to which leads (PRODUCT section 5). Ordered: the first match wins."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class PolicyQuerySet(models.QuerySet["Policy"]):
    def in_force(self) -> "PolicyQuerySet":
        """Switched on and not retired, in the order in which they are asked."""
        return self.filter(state=Policy.State.ON).order_by("position", "pk")


class Policy(models.Model):
    """Whether, how fast and how often the leads it matches are followed up; in business time.

    A clock copies what it needs when it starts (``Clock.terms``), so that a change here moves none that runs.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ON = "on", "In force"
        RETIRED = "retired", "Retired"

    class Fallback(models.TextChoices):
        """What happens to a hand-off that its AE does not answer, after the last step."""

        NONE = "none", "Nothing: it stays with the AE"
        REROUTE = "reroute", "Route it again, without this AE"
        AUTO_ACCEPT = "auto_accept", "Accept it by itself"

    name = models.CharField(max_length=80, unique=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.DRAFT)
    position = models.PositiveSmallIntegerField(help_text="asked in this order")
    conditions = models.JSONField(
        default=list, blank=True, help_text="rows as leads.rules.conditions reads them; none means every lead"
    )
    first_response_minutes = models.PositiveIntegerField(null=True, blank=True)
    touch_count = models.PositiveSmallIntegerField(null=True, blank=True)
    touch_days = models.PositiveSmallIntegerField(null=True, blank=True, help_text="business days")
    touch_channels = models.JSONField(default=list, blank=True, help_text="each at least once among them")
    disposition_minutes = models.PositiveIntegerField(null=True, blank=True)
    ae_answer_minutes = models.PositiveIntegerField(null=True, blank=True)
    warn_percent = models.PositiveSmallIntegerField(default=70, help_text="at risk once so much is used up")
    steps = models.JSONField(
        default=list,
        blank=True,
        help_text='escalation, in order: [{"act": "remind", "at_percent": 70}, …], rules.escalation',
    )
    ae_fallback = models.CharField(max_length=11, choices=Fallback.choices, default=Fallback.NONE)
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(warn_percent__gte=1, warn_percent__lte=100), name="sla_policy_warns_before_due"
            ),
            models.CheckConstraint(
                condition=Q(touch_count__isnull=True, touch_days__isnull=True)
                | Q(touch_count__gte=1, touch_days__gte=1),
                name="sla_policy_touches_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name
