"""Mappings that were saved, imports with their files and what was said of each row, and what came from where.

An import's files stand outside the database (``services.storage``). What a row became stands with the
funnel (``leads``) and with the people (``reps``).
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q


class ImportMapping(models.Model):
    """A mapping that somebody saved. ``document`` is the JSON of ``docs/imports.md``, checked before."""

    name = models.CharField(max_length=80, unique=True)
    document = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RunState(models.TextChoices):
    """Where an import stands. How its job fares is the job's own business (``job``)."""

    UPLOADED = "uploaded", "Uploaded"
    FAULTY = "faulty", "Cannot be read"
    CHECKED = "checked", "Checked"
    COMMITTING = "committing", "Being written"
    DONE = "done", "Written"


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def visible_to(self, user: Any) -> "ImportRunQuerySet":
        """RevOps imports; nobody else sees what was in a file."""
        return self if getattr(user, "role", "") == "revops" else self.none()


class ImportRun(models.Model):
    """One import: the files, the mapping as it was then, the figures of the check and of the writing."""

    State = RunState

    mapping_name = models.CharField(max_length=80, blank=True)
    document = models.JSONField(default=dict, help_text="the mapping, copied")
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.UPLOADED)
    take_good_rows = models.BooleanField(default=False, help_text="write although rows are refused")
    faults = models.JSONField(default=list, help_text="why nothing can be read: file, row, column, says")
    as_of = models.DateTimeField(
        null=True, blank=True, help_text="the newest instant in the files: what they hold was true then"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="imports"
    )
    started_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    check_seconds = models.DecimalField(max_digits=8, decimal_places=1, null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(
        "jobs.Job",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="the last one",
    )

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="import_run_state_known")
        ]

    def __str__(self) -> str:
        return f"Import {self.pk}"


class ImportFile(models.Model):
    """A file of an import. Counts are rows: of the check, and (once begun) of the writing."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="files")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    stored_as = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, blank=True)
    reading = models.JSONField(
        default=dict, help_text="how somebody said it is read: encoding, delimiter, dates by column"
    )
    header = models.JSONField(default=list)
    samples = models.JSONField(default=dict, help_text="a few values of each column, for the mapping's page")
    checked = models.JSONField(default=dict, help_text="rows, new, changed, same, refused, skipped, warned")
    written = models.JSONField(default=dict)
    notes = models.JSONField(default=list, help_text="what was left out or respelt, said once a file")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="import_file_position_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Severity(models.TextChoices):
    """What a message means for its row."""

    REFUSED = "refused", "Refused"
    SKIPPED = "skipped", "Passed over"
    WARNED = "warned", "Taken, with a warning"
    CHANGED = "changed", "Changed"


class ImportMessage(models.Model):
    """What was said of one row. Kept up to a bound per file and severity; the file for download has all."""

    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="messages")
    severity = models.CharField(max_length=8, choices=Severity.choices)
    row = models.PositiveIntegerField(help_text="as a spreadsheet counts: the header is row 1")
    column = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=40)
    value = models.CharField(max_length=120, blank=True, help_text="what stands in the file, cut")
    before = models.CharField(max_length=120, blank=True, help_text="what the portal has, for a change")
    says = models.CharField(max_length=400)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["file", "severity", "id"], name="import_message_of_file")]

    def __str__(self) -> str:
        return f"{self.severity} row {self.row}"


class ImportedRow(models.Model):
    """What a source said of one thing the last time: so that the same again is known to be the same.

    ``digest`` is of all that was read; ``facts`` are those that the funnel record was made from (no
    personal data). What people did in the portal since does not make the same row look changed.
    """

    system = models.CharField(max_length=30)
    kind = models.CharField(max_length=16)
    external_id = models.CharField(max_length=120)
    digest = models.CharField(max_length=32)
    facts = models.JSONField(default=dict)
    refers_to = models.CharField(max_length=80, blank=True, help_text="a lead's hand-off")
    first_run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")
    last_run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["system", "kind", "external_id"], name="imported_row_once"),
        ]
        indexes = [
            models.Index(
                fields=["system", "kind", "refers_to"],
                condition=~Q(refers_to=""),
                name="imported_row_refers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.kind} {self.external_id}"
