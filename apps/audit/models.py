"""Who did what, when and from where, and the seals that chain the entries by hash.

Both tables are append-only in the database. Entries are written inside the transaction of the act;
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
    """A batch of entries whose hash covers them and the seal before."""

    append_only = True

    number = models.PositiveIntegerField(unique=True)
    sealed_at = models.DateTimeField()
    entry_count = models.PositiveIntegerField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Seal {self.number}"


class SealedEntry(models.Model):
    """Which seal covers an entry. A row of its own, since entries are never updated."""

    append_only = True

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="sealed")
    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="entries")

    def __str__(self) -> str:
        return f"{self.entry_id} in seal {self.seal_id}"
