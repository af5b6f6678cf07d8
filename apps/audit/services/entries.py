"""Write audit entries, inside the transaction of the act that they tell of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models

from apps.audit.models import AuditEntry
from apps.audit.origin import current_origin
from apps.core.bulk import insert_rows


def record(
    *, verb: str, subject: models.Model, at: datetime, actor: Any = None, data: dict[str, Any] | None = None
) -> AuditEntry:
    """Record one act, inside the caller's transaction. ``data`` must be JSON and no personal data."""
    return AuditEntry.objects.create(
        at=at,
        actor=actor if getattr(actor, "pk", None) else None,
        verb=verb,
        subject_type=subject._meta.label,
        subject_id=str(subject.pk),
        data=data or {},
        origin=current_origin(),
    )


def record_many(
    *,
    verb: str,
    subjects: Sequence[tuple[models.Model, dict[str, Any]]],
    at: datetime,
    actor: Any = None,
) -> None:
    """Like ``record`` for many subjects with their data, in one act and one statement."""
    origin = current_origin()
    insert_rows(
        [
            AuditEntry(
                at=at,
                actor=actor if getattr(actor, "pk", None) else None,
                verb=verb,
                subject_type=subject._meta.label,
                subject_id=str(subject.pk),
                data=data,
                origin=origin,
            )
            for subject, data in subjects
        ]
    )
