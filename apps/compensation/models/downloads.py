"""Files of pay: those that were made and kept, and who took which, as of which fingerprint. Append-only."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class ReportFormat(models.TextChoices):
    """Every format that leaves the portal; which kind of file comes in which is ``FORMATS_OF``."""

    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"
    PDF = "pdf", "PDF"
    ZIP = "zip", "ZIP"


class FileKind(models.TextChoices):
    """What a file holds."""

    REPORT = "report", "Payout report"
    LINES = "lines", "All lines"
    STATEMENT = "statement", "Statement"
    PAYROLL = "payroll", "Payroll file"
    ACCRUALS = "accruals", "Accruals"
    REPLAY = "replay", "Replay"
    PROOF = "proof", "Proof pack"


FORMATS_OF: dict[str, tuple[ReportFormat, ...]] = {
    FileKind.REPORT: (ReportFormat.CSV, ReportFormat.XLSX, ReportFormat.PDF),
    FileKind.LINES: (ReportFormat.CSV, ReportFormat.XLSX),
    FileKind.STATEMENT: (ReportFormat.CSV, ReportFormat.XLSX, ReportFormat.PDF),
    FileKind.PAYROLL: (ReportFormat.CSV, ReportFormat.XLSX),
    FileKind.ACCRUALS: (ReportFormat.CSV, ReportFormat.XLSX),
    FileKind.REPLAY: (ReportFormat.CSV, ReportFormat.XLSX),
    FileKind.PROOF: (ReportFormat.ZIP,),
}


class KeptFile(models.Model):
    """A file that a job made and put away under ``PRIVATE_FILES_DIR``, until somebody who may takes it."""

    append_only = True

    run = models.ForeignKey(
        "compensation.PayoutRun", on_delete=models.PROTECT, related_name="kept_files", null=True, blank=True
    )
    kind = models.CharField(max_length=9, choices=FileKind.choices)
    format = models.CharField(max_length=4, choices=ReportFormat.choices)
    about = models.CharField(max_length=80, blank=True, help_text="as of ``Download.about``")
    job = models.ForeignKey("jobs.Job", on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    path = models.CharField(max_length=200, help_text="below PRIVATE_FILES_DIR")

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(format__in=ReportFormat.values), name="kept_file_format_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=FileKind.values), name="kept_file_kind_known"),
            # A worker that was killed after it kept the file, and its successor, keep one.
            models.UniqueConstraint(fields=["job"], name="kept_file_once_per_job"),
        ]

    def __str__(self) -> str:
        return f"Kept file {self.pk}"


class Download(models.Model):
    """One taking of a file; the file itself is kept under ``PRIVATE_FILES_DIR``."""

    append_only = True
    Format = ReportFormat
    Kind = FileKind

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
    kind = models.CharField(max_length=9, choices=FileKind.choices, default=FileKind.REPORT)
    about = models.CharField(
        max_length=80,
        blank=True,
        help_text="the month of accruals, or the layout of a payroll file; no names",
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
    again_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="taken_again",
        help_text="the taking whose kept file was taken once more",
    )

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(format__in=ReportFormat.values), name="download_format_known"),
            models.CheckConstraint(condition=Q(kind__in=FileKind.values), name="download_kind_known"),
            models.CheckConstraint(
                condition=Q(run__isnull=False, replay__isnull=True)
                | Q(run__isnull=True, replay__isnull=False, statement__isnull=True)
                | Q(run__isnull=True, replay__isnull=True, statement__isnull=True, kind=FileKind.ACCRUALS),
                name="download_of_run_or_replay",
            ),
        ]

    def __str__(self) -> str:
        return f"Download {self.pk}"
