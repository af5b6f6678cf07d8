"""Files of one statement (CSV, XLSX, PDF, proof pack), made, kept and recorded like every file of a run."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.compensation.models import Download, FileKind, ReportFormat, Statement
from apps.compensation.reports import proof_pack, statement_csv, statement_pdf, statement_xlsx
from apps.compensation.services import downloads
from apps.core.errors import InvalidInput

_WRITERS: dict[str, Callable[..., None]] = {
    ReportFormat.CSV: statement_csv.write_statement,
    ReportFormat.XLSX: statement_xlsx.write_statement,
    ReportFormat.PDF: statement_pdf.write_statement,
}


def download_statement(
    *, statement: Statement, file_format: str, fingerprint: str, at: datetime, actor: Any = None
) -> Download:
    """Make the CSV, the XLSX or the PDF of ``statement`` and record that it was taken.

    ``fingerprint`` is that of the run as it was seen. Raises ``UnableToDownload`` when the run is another by now,
    ``InvalidInput`` for an unknown format.
    """
    write_to = _WRITERS.get(file_format)
    if write_to is None:
        raise InvalidInput("A statement comes as CSV, XLSX or PDF: choose one of them.", field="format")

    def write(path: Path) -> None:
        write_to(path, statement=statement)

    return downloads.keep(
        kind=FileKind.STATEMENT,
        run=statement.run,
        statement=statement,
        file_format=file_format,
        fingerprint=fingerprint,
        at=at,
        actor=actor,
        write=write,
    )


def download_proof(*, statement: Statement, fingerprint: str, at: datetime, actor: Any = None) -> Download:
    """Make the proof pack of ``statement`` and record that it was taken. Raises as ``download_statement``."""

    def write(path: Path) -> None:
        proof_pack.write_proof(path, statement=statement)

    return downloads.keep(
        kind=FileKind.PROOF,
        run=statement.run,
        statement=statement,
        file_format=ReportFormat.ZIP,
        fingerprint=fingerprint,
        at=at,
        actor=actor,
        write=write,
    )
