"""What a team or a rep is asked for in a period."""

from django.db import models
from django.db.models import F, Q


class QuotaMeasure(models.TextChoices):
    """What the target counts or sums, all read from the funnel record."""

    MEETINGS_ACCEPTED = "meetings_accepted", "Accepted meetings"
    CONVERTED_LEADS = "converted_leads", "Converted leads (handed off)"
    AMOUNT_ACCEPTED = "amount_accepted", "Accepted amount"
    PIPELINE = "pipeline", "Pipeline (stage 2 amount)"
    AMOUNT_WON = "amount_won", "Amount won"


class Quota(models.Model):
    """A target for a team or for a rep, over a half-open period of days."""

    team = models.ForeignKey(
        "reps.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="quotas"
    )
    rep = models.ForeignKey(
        "reps.Rep", null=True, blank=True, on_delete=models.PROTECT, related_name="quotas"
    )
    measure = models.CharField(max_length=20, choices=QuotaMeasure.choices)
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="first day after the period")
    target_count = models.PositiveIntegerField(null=True, blank=True)
    target_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)

    class Meta:
        ordering = ["starts_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(team__isnull=False, rep__isnull=True) | Q(team__isnull=True, rep__isnull=False),
                name="quota_of_team_or_rep",
            ),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="quota_ends_after_start"),
            models.CheckConstraint(
                condition=Q(target_count__isnull=False, target_minor__isnull=True)
                | (Q(target_count__isnull=True, target_minor__isnull=False) & ~Q(currency="")),
                name="quota_counts_or_sums",
            ),
            models.UniqueConstraint(
                fields=["team", "measure", "starts_on", "ends_on"],
                condition=Q(team__isnull=False),
                name="quota_of_team_once",
            ),
            models.UniqueConstraint(
                fields=["rep", "measure", "starts_on", "ends_on"],
                condition=Q(rep__isnull=False),
                name="quota_of_rep_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.starts_on}..{self.ends_on}"
