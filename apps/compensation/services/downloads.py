"""Make a file of a run or a statement, keep it, and record who took it.

A file is made only of a run whose figures stand and are the ones that the person looked at: each carries the
fingerprint, which is taken anew from the ledger before the file is written.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import (
    FORMATS_OF,
    Download,
    FileKind,
    PayoutRun,
    ReportFormat,
    Statement,
)
from apps.compensation.reports import csv_report, xlsx_report
from apps.compensation.selectors import control, reports
from apps.core.errors import DomainError, InvalidInput


class UnableToDownload(DomainError):
    """The run is being computed, or changed since the person looked at it."""

    code = "unable_to_download"


def stored_file(download: Download) -> Path:
    """Where the file of ``download`` is kept."""
    return Path(settings.PRIVATE_FILES_DIR) / download.path


def file_name(download: Download) -> str:
    """What a browser calls the file: no name of a person in it."""
    kind = {FileKind.REPORT: "payouts", FileKind.PROOF: "proof"}.get(FileKind(download.kind), download.kind)
    parts = [kind]
    if download.replay_id:
        parts.append(str(download.replay_id))
    if download.statement_id:
        parts.append(str(download.statement_id))
    if download.run is not None:
        parts.append(download.run.code)
    if download.kind == FileKind.ACCRUALS:
        parts.append(download.about)
    return f"{'-'.join(parts)}-{download.fingerprint[:8]}.{download.format}"


@dataclass(frozen=True)
class Stored:
    """A file that was put away: its path below ``PRIVATE_FILES_DIR``, its SHA-256, its bytes."""

    path: str
    sha256: str
    size: int


def store(*, folder_name: str, file_format: str, at: datetime, write: Callable[[Path], None]) -> Stored:
    """Have ``write`` make a file and put it away under a name of its own below ``folder_name``."""
    folder = Path(settings.PRIVATE_FILES_DIR) / folder_name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        draft = Path(scratch) / f"draft.{file_format}"
        write(draft)
        with draft.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = draft.stat().st_size
        kept = folder / f"{at:%Y%m%dT%H%M%S%f}-{digest[:12]}.{file_format}"
        draft.replace(kept)
    return Stored(str(kept.relative_to(settings.PRIVATE_FILES_DIR)), digest, size)


def download_report(
    *, run: PayoutRun, file_format: str, fingerprint: str, at: datetime, actor: Any = None
) -> Download:
    """Make the payout report of ``run`` and record that it was taken.

    ``fingerprint`` is that of the run as it was seen. Raises ``UnableToDownload`` when the run is another by
    now, ``InvalidInput`` for an unknown format.
    """
    check_format(FileKind.REPORT, file_format)
    made_by = str(actor) if actor is not None else "Command line"

    def write(path: Path) -> None:
        rows = reports.report_rows(run)
        if file_format == ReportFormat.CSV:
            csv_report.write_report(path, run=run, rows=rows)
        else:
            xlsx_report.write_report(
                path,
                run=run,
                rows=rows,
                teams=reports.by_team(run),
                totals=control.control_totals(run),
                cover=xlsx_report.Cover(made_by, at),
            )

    return keep(
        kind=FileKind.REPORT,
        run=run,
        file_format=file_format,
        fingerprint=fingerprint,
        at=at,
        actor=actor,
        write=write,
    )


@transaction.atomic
def keep(
    *,
    kind: FileKind,
    run: PayoutRun,
    file_format: str,
    fingerprint: str,
    at: datetime,
    actor: Any,
    write: Callable[[Path], None],
    statement: Statement | None = None,
    about: str = "",
) -> Download:
    """Have ``write`` make a file of ``run`` (or of one ``statement`` of it), keep it, record that it was taken.

    The one door for every file of a run. ``fingerprint`` is that of the run as the person saw it; ``about`` says
    what else the file was made of (a layout, a month), without names. Raises ``UnableToDownload`` when the run is
    another by now, ``InvalidInput`` for a format in which this kind does not come.
    """
    check_format(kind, file_format)
    # Held until the file is recorded: the run cannot be computed again under it.
    PayoutRun.objects.select_for_update().get(pk=run.pk)
    run.refresh_from_db()
    _refuse_another_state(run, fingerprint)
    stored = store(folder_name=f"payouts/{run.code}", file_format=file_format, at=at, write=write)
    download = Download.objects.create(
        kind=kind,
        run=run,
        statement=statement,
        about=about,
        format=file_format,
        by=actor if getattr(actor, "pk", None) else None,
        at=at,
        fingerprint=run.fingerprint,
        sha256=stored.sha256,
        size=stored.size,
        path=stored.path,
    )
    audit.record(
        verb="compensation.run.downloaded" if statement is None else "compensation.statement.downloaded",
        subject=run if statement is None else statement,
        at=at,
        actor=actor,
        data={
            "kind": str(kind),
            "format": file_format,
            "about": about,
            "fingerprint": run.fingerprint,
            "sha256": stored.sha256,
        },
    )
    return download


def check_format(kind: FileKind, file_format: str) -> None:
    """Raise ``InvalidInput`` unless a file of ``kind`` comes in ``file_format``."""
    known = FORMATS_OF[kind]
    if file_format not in known:
        words = " or ".join(one.label for one in known)
        raise InvalidInput(f"{FileKind(kind).label}: choose {words}.", field="format")


def _refuse_another_state(run: PayoutRun, fingerprint: str) -> None:
    if not run.is_computed:
        raise UnableToDownload("The run is being computed: its figures do not stand yet.")
    if fingerprint != run.fingerprint:
        raise UnableToDownload("The run changed since you looked at it: reload, look again, then download.")
    if control.fingerprint(run) != run.fingerprint:
        raise UnableToDownload(
            "The ledger no longer gives the fingerprint that this run was computed with, so no file is made "
            "of it. Ask an operator to verify the records."
        )
