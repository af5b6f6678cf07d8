"""The ledger: signed lines that are never changed, each with what made it (PRODUCT section 9).

A line is what one event moved in one component: ``earned_minor`` is what the event has earned in all as of
this line, ``amount_minor`` what the line adds to what was posted for it before. So a repeated run posts
nothing, and a later change posts the difference. Draws, holdbacks and clawbacks will be further kinds.
"""

from django.db import models
from django.db.models import F, Q


class EntryKind(models.TextChoices):
    EARNING = "earning", "Earning"
    ADJUSTMENT = "adjustment", "Adjustment"


class LedgerEntry(models.Model):
    """One line. Append-only in the database; lines are added to a run only while it computes."""

    append_only = True
    Kind = EntryKind

    run = models.ForeignKey("compensation.PayoutRun", on_delete=models.PROTECT, related_name="entries")
    statement = models.ForeignKey("compensation.Statement", on_delete=models.PROTECT, related_name="entries")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="ledger_entries")
    plan_version = models.ForeignKey(
        "compensation.PlanVersion", on_delete=models.PROTECT, related_name="ledger_entries"
    )
    component_key = models.CharField(max_length=40)
    component_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    event = models.ForeignKey(
        "leads.FunnelEvent", null=True, blank=True, on_delete=models.PROTECT, related_name="ledger_entries"
    )
    source_key = models.CharField(max_length=80, help_text="what was credited, such as event:48213")
    sequence = models.PositiveIntegerField(default=1, help_text="1 for the first line of a source")
    starts_on = models.DateField(help_text="the period in which it was earned")
    ends_on = models.DateField()

    amount_minor = models.BigIntegerField(help_text="what this line adds")
    earned_minor = models.BigIntegerField(help_text="what the source has earned in all, as of this line")
    currency = models.CharField(max_length=3)
    base_minor = models.BigIntegerField(null=True, blank=True, help_text="the whole event's amount")
    share = models.PositiveIntegerField(default=0, help_text="the credit, in millionths")
    place = models.PositiveIntegerField(null=True, blank=True, help_text="the event's number in the period")
    band = models.CharField(max_length=160, blank=True)
    rate = models.CharField(max_length=120, blank=True)
    parts = models.JSONField(default=list, help_text="where it spans bands: [band, rate, minor units, base]")
    exact = models.CharField(max_length=80, help_text="earned in minor units before rounding: 871264/1000")
    formula = models.CharField(max_length=600, help_text="the arithmetic in words")
    cause = models.CharField(max_length=300, blank=True, help_text="why it differs from what was posted")
    cause_event = models.ForeignKey(
        "leads.FunnelEvent", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    posted_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "ledger entries"
        constraints = [
            # Without the plan version: a recomputation under another version must not pay twice.
            models.UniqueConstraint(
                fields=["rep", "component_key", "starts_on", "ends_on", "source_key", "sequence"],
                name="ledger_source_once",
            ),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="ledger_period_whole"),
            models.CheckConstraint(
                condition=Q(kind="earning", sequence=1, amount_minor=F("earned_minor"))
                | (Q(kind="adjustment") & ~Q(cause="")),
                name="ledger_adjustment_names_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["statement", "component_key"], name="ledger_by_statement"),
            models.Index(fields=["run"], name="ledger_by_run"),
        ]

    def __str__(self) -> str:
        return f"{self.component_key} {self.source_key}"

    @property
    def title(self) -> str:
        """What was credited, as people call it: the opportunity or the lead (events fetched along)."""
        event = self.event
        if event is None:
            return self.component_name
        if event.opportunity is not None:
            return event.opportunity.name
        return event.lead.company or event.lead.label if event.lead is not None else f"Event {event.pk}"

    @property
    def is_correction(self) -> bool:
        """Whether more than one line was posted for the source."""
        return self.sequence > 1
