"""What was downloaded, by whom, and as of which fingerprint. Append-only."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class ReportFormat(models.TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"


class Download(models.Model):
    """One file that left the portal; the file itself is kept under ``PRIVATE_FILES_DIR``."""

    append_only = True
    Format = ReportFormat

    run = models.ForeignKey(
        "compensation.PayoutRun", null=True, blank=True, on_delete=models.PROTECT, related_name="downloads"
    )
    replay = models.ForeignKey(
        "compensation.Replay",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="downloads",
        help_text="in place of a run: what the past would have paid",
    )
    statement = models.ForeignKey(
        "compensation.Statement",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="downloads",
        help_text="empty for the report of the whole run",
    )
    format = models.CharField(max_length=4, choices=ReportFormat.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    path = models.CharField(max_length=200, help_text="below PRIVATE_FILES_DIR")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(format__in=ReportFormat.values), name="download_format_known"),
            models.CheckConstraint(
                condition=Q(run__isnull=False, replay__isnull=True)
                | Q(run__isnull=True, replay__isnull=False, statement__isnull=True),
                name="download_of_run_or_replay",
            ),
        ]

    def __str__(self) -> str:
        return f"Download {self.pk}"
