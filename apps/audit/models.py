"""Who did what, when and from where, and the seals that chain what is on record by hash.

All tables are append-only in the database. Entries are written inside the transaction of the act;
seals are made later, in batches, so that acts never wait for one another on the head of a chain.
"""

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """One act by one person (or by the schedule, when ``actor`` is empty)."""

    append_only = True

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="audit_entries"
    )
    verb = models.CharField(max_length=64, db_index=True, help_text="such as leads.hand_off.accepted")
    subject_type = models.CharField(max_length=64, help_text="such as leads.HandOff")
    subject_id = models.CharField(max_length=64)
    data = models.JSONField(default=dict, help_text="what changed, without personal data")
    origin = models.CharField(max_length=64, help_text="an address, or the name of a command or schedule")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_subject")]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_type} {self.subject_id}"


class Seal(models.Model):
    """A batch of rows of one table, whose hash covers them and the seal before.

    There is one chain for all tables. Seals of the first form cover audit entries by ``SealedEntry``; those of the
    second cover every row of ``table`` with ``after_id < id <= last_id`` (docs/audit.md has the form).
    """

    append_only = True

    number = models.PositiveIntegerField(unique=True)
    sealed_at = models.DateTimeField()
    entry_count = models.PositiveIntegerField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    form = models.PositiveSmallIntegerField(default=1, help_text="how the hash is made")
    table = models.CharField(max_length=64, default="audit.AuditEntry", help_text="such as leads.FunnelEvent")
    layout = models.PositiveSmallIntegerField(default=1, help_text="which columns of the table it covers")
    after_id = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField(default=0)
    rows_hash = models.CharField(max_length=64, default="", blank=True, help_text="of the rows as they were")
    list_hash = models.CharField(max_length=64, default="", blank=True, help_text="of the list of its rows")

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["table", "-number"], name="seal_by_table")]

    def __str__(self) -> str:
        return f"Seal {self.number}"


class SealedRows(models.Model):
    """Which rows a seal covers, and a short digest of each: what tells *which* row is not as it was."""

    append_only = True

    seal = models.OneToOneField(Seal, on_delete=models.PROTECT, related_name="rows")
    ids = models.BinaryField(help_text="the rows' ids, ascending: differences, compressed")
    digests = models.BinaryField(help_text="eight bytes for each row, in the same order")

    class Meta:
        verbose_name_plural = "sealed rows"

    def __str__(self) -> str:
        return f"Rows of seal {self.seal_id}"


class SealedEntry(models.Model):
    """Which seal of the first form covers an entry. Written no more."""

    append_only = True

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="sealed")
    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="entries")

    def __str__(self) -> str:
        return f"{self.entry_id} in seal {self.seal_id}"


class Verification(models.Model):
    """What a verification of the whole chain found."""

    append_only = True

    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    origin = models.CharField(max_length=64)
    seal_count = models.PositiveIntegerField(help_text="seals that were looked at")
    row_count = models.PositiveBigIntegerField(help_text="rows that were looked at")
    head_number = models.PositiveIntegerField(default=0)
    head_hash = models.CharField(max_length=64, blank=True)
    unsealed = models.JSONField(default=dict, help_text="rows that no seal covers yet, by table")
    breaks = models.JSONField(default=list, help_text="what does not hold: table, seal, row, why")
    against = models.JSONField(null=True, blank=True, help_text="the anchor that it was held against")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Verification {self.pk}"

    @property
    def holds(self) -> bool:
        return not self.breaks


class ExportFormat(models.TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"


class Export(models.Model):
    """A file of the log that left the portal; it is kept under ``PRIVATE_FILES_DIR``."""

    append_only = True

    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    format = models.CharField(max_length=4, choices=ExportFormat.choices)
    filters = models.JSONField(default=dict)
    up_to = models.BigIntegerField(help_text="the newest entry that it may hold")
    row_count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    path = models.CharField(max_length=200, help_text="below PRIVATE_FILES_DIR")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(format__in=ExportFormat.values), name="audit_export_format_known"
            )
        ]

    def __str__(self) -> str:
        return f"Export {self.pk}"
