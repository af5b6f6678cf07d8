"""Make the accrual report as a file, keep it, and record who took it."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import Download, FileKind, ReportFormat
from apps.compensation.reports import accrual_files
from apps.compensation.selectors.accruals import accruals
from apps.compensation.services.downloads import check_format, name_of, store
from apps.core.periods import day_of, month_of


@transaction.atomic
def download_accruals(
    *, file_format: str, at: datetime, actor: Any = None, estimate: bool = True
) -> Download:
    """The accruals as of ``at`` as a file; its fingerprint is SHA-256 over the rows. Raises ``InvalidInput``."""
    check_format(kind=FileKind.ACCRUALS, file_format=file_format)
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    found = accruals(today=today, at=at, estimate=estimate)
    fingerprint = hashlib.sha256(repr(list(accrual_files.rows_of(found))).encode()).hexdigest()
    about = month_of(today).code

    def write(path: Path) -> None:
        if file_format == ReportFormat.CSV:
            accrual_files.write_csv(path, found)
        else:
            accrual_files.write_xlsx(path, found, made_by=name_of(actor))

    stored = store(folder_name="accruals", file_format=file_format, at=at, write=write)
    download = Download.objects.create(
        kind=FileKind.ACCRUALS,
        about=about,
        format=file_format,
        by=actor if getattr(actor, "pk", None) else None,
        at=at,
        fingerprint=fingerprint,
        sha256=stored.sha256,
        size=stored.size,
        path=stored.path,
    )
    audit.record(
        verb="compensation.accruals.downloaded",
        subject=download,
        at=at,
        actor=actor,
        data={"format": file_format, "about": about, "fingerprint": fingerprint, "sha256": stored.sha256},
    )
    return download
