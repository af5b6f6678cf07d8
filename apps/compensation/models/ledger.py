"""The ledger: signed lines that are never changed, each with what made it (PRODUCT section 9).

A line is what one source (mostly an event) moved in one component: ``earned_minor`` is what the source has
earned in all as of this line, ``amount_minor`` what the line adds to what was posted for it before. So a repeated
run posts nothing, and a later change posts the difference.
"""

from django.db import models
from django.db.models import F, Q


class EntryKind(models.TextChoices):
    """What a line is. An adjustment and a clawback change what was posted before, and name their cause."""

    EARNING = "earning", "Earning"
    ADJUSTMENT = "adjustment", "Adjustment"
    BONUS = "bonus", "Bonus (SPIFF)"
    DRAW_ADVANCE = "draw_advance", "Draw advanced"
    DRAW_RECOVERY = "draw_recovery", "Draw taken back"
    DRAW_FORGIVENESS = "draw_forgiveness", "Draw forgiven"
    HOLDBACK = "holdback", "Held back"
    RELEASE = "release", "Released"
    CLAWBACK = "clawback", "Clawback"
    CONVERSION = "conversion", "Converted"

    @classmethod
    def corrections(cls) -> tuple[str, str]:
        return (cls.ADJUSTMENT, cls.CLAWBACK)


class LedgerEntry(models.Model):
    """One line. Append-only in the database; lines are added to a run only while it computes."""

    append_only = True
    Kind = EntryKind

    # Keys without an index of their own are found through one of Meta. On PostgreSQL the database checks what they
    # refer to once a statement (ledger_references): a run posts a million lines.
    run = models.ForeignKey(
        "compensation.PayoutRun", db_index=False, on_delete=models.PROTECT, related_name="entries"
    )
    statement = models.ForeignKey(
        "compensation.Statement", db_index=False, on_delete=models.PROTECT, related_name="entries"
    )
    rep = models.ForeignKey(
        "reps.Rep", db_index=False, on_delete=models.PROTECT, related_name="ledger_entries"
    )
    plan_version = models.ForeignKey(
        "compensation.PlanVersion", db_index=False, on_delete=models.PROTECT, related_name="ledger_entries"
    )
    component_key = models.CharField(max_length=40)
    component_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=16, choices=EntryKind.choices)
    event = models.ForeignKey(
        "leads.FunnelEvent",
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="ledger_entries",
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
    band = models.CharField(max_length=1000, blank=True)
    rate = models.CharField(max_length=500, blank=True)
    parts = models.JSONField(default=list, help_text="where it spans bands: [band, rate, minor units, base]")
    terms = models.JSONField(
        default=list, help_text='the sum of products that gives it: [["3800000", "1/2", "1/500"]]'
    )
    conversion = models.JSONField(
        null=True,
        blank=True,
        help_text='{"from": "USD", "to": "EUR", "rate": "0.92", "on": "2026-10-31", "source": "ECB", "minor": 100}',
    )
    exact = models.CharField(max_length=200, help_text="earned in minor units before rounding: 871264/1000")
    formula = models.CharField(max_length=4000, help_text="the arithmetic in words")
    cause = models.CharField(max_length=300, blank=True, help_text="why it differs from what was posted")
    cause_event = models.ForeignKey(
        "leads.FunnelEvent",
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="+",
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
                condition=(
                    ~Q(kind__in=("adjustment", "clawback")) & Q(sequence=1, amount_minor=F("earned_minor"))
                )
                | (Q(kind__in=("adjustment", "clawback")) & ~Q(cause="")),
                name="ledger_adjustment_names_cause",
            ),
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="ledger_kind_known"),
        ]
        indexes = [
            models.Index(fields=["statement", "component_key"], name="ledger_by_statement"),
            # On PostgreSQL by ranges of blocks (0012): a run's lines lie together, and nothing is cheaper to keep.
            models.Index(fields=["run"], name="ledger_by_run"),
            models.Index(
                fields=["cause_event"], name="ledger_by_cause", condition=Q(cause_event__isnull=False)
            ),
            models.Index(
                fields=["starts_on"], condition=Q(conversion__isnull=False), name="ledger_converted"
            ),
            # Whose pay of a closed period was corrected is looked at again: few lines of many.
            models.Index(
                fields=["starts_on", "rep"],
                condition=Q(kind__in=("adjustment", "clawback")),
                name="ledger_corrections",
            ),
            models.Index(fields=["rep"], condition=Q(kind="holdback"), name="ledger_held"),
        ]

    def __str__(self) -> str:
        return f"{self.component_key} {self.source_key}"

    @property
    def title(self) -> str:
        """What was credited, as people call it: the opportunity or the lead (events fetched along)."""
        event = self.event
        if self.source_key.startswith("inquiry:"):
            return f"Agreed in inquiry {self.source_key.split(':')[1]}"
        if event is None:
            return self.component_name
        if event.opportunity is not None:
            return event.opportunity.name
        return event.lead.company or event.lead.label if event.lead is not None else f"Event {event.pk}"

    @property
    def is_of_a_kind(self) -> bool:
        """Whether it is something else than plainly earned or corrected."""
        return self.kind not in (EntryKind.EARNING, EntryKind.ADJUSTMENT)

    @property
    def is_correction(self) -> bool:
        """Whether more than one line was posted for the source."""
        return self.sequence > 1
