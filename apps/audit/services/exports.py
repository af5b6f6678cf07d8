"""The filtered log as a file: made once, kept, recorded, and sent again byte for byte.

Rows are written as they are read, so that memory does not grow with the file. Each text cell is text
(``core.spreadsheets``); no cell is a formula.
"""

import csv
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from django.conf import settings
from django.db import transaction

from apps.audit.models import AuditEntry, Export, ExportFormat, Seal
from apps.audit.selectors.log import Filters, entries
from apps.audit.services.entries import record
from apps.core.errors import DomainError, InvalidInput
from apps.core.spreadsheets import spreadsheet_text

AT_ONCE = 5_000
"""So many entries are written while the browser waits; more are a job's work."""
LONGEST_SHEET = 1_048_000
COLUMNS = (
    ("Entry", 10), ("At (UTC)", 28), ("Who", 8), ("Name", 24), ("Act", 34), ("To what", 26), ("Key", 12),
    ("What changed", 60), ("From where", 24),
)  # fmt: skip
_CHUNK = 2_000

Told = Callable[[int], None]


class UnableToExport(DomainError):
    """The file would hold more than a spreadsheet can."""

    code = "unable_to_export"


def count_up_to(filters: Filters, *, up_to: int, most: int) -> int:
    """How many entries pass, ``most`` at most."""
    return entries(filters).filter(pk__lte=up_to)[:most].count()


def newest_entry() -> int:
    """The number of the newest entry: what comes later is in no file that was asked for before."""
    return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def make_export(
    *,
    filters: Filters,
    file_format: str,
    up_to: int,
    at: datetime,
    actor: Any = None,
    told: Told | None = None,
) -> Export:
    """Write the entries that pass and are no newer than ``up_to``, the latest first; keep the file, record the act.

    Raises ``InvalidInput`` for an unknown format, ``UnableToExport`` for more rows than a sheet has.
    """
    if file_format not in ExportFormat.values:
        raise InvalidInput("Choose CSV or XLSX.", field="format")
    rows = entries(filters).filter(pk__lte=up_to).order_by("-pk")
    if file_format == ExportFormat.XLSX and rows[: LONGEST_SHEET + 1].count() > LONGEST_SHEET:
        raise UnableToExport("A sheet holds a million rows: narrow the filters, or take it as CSV.")
    write = _write_csv if file_format == ExportFormat.CSV else _write_xlsx
    folder = Path(settings.PRIVATE_FILES_DIR) / "audit"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        draft = Path(scratch) / "draft"
        count = write(draft, _cells(rows.iterator(chunk_size=_CHUNK), told))
        with draft.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = draft.stat().st_size
        kept = folder / f"{at:%Y%m%dT%H%M%S%f}-{digest[:12]}.{file_format}"
        draft.replace(kept)
    path = str(kept.relative_to(settings.PRIVATE_FILES_DIR))
    return _keep(filters, file_format, up_to, count, digest, size, path, at, actor)


@transaction.atomic
def _keep(
    filters: Filters,
    file_format: str,
    up_to: int,
    count: int,
    digest: str,
    size: int,
    path: str,
    at: datetime,
    actor: Any,
) -> Export:
    made = Export.objects.create(
        at=at,
        by=actor if getattr(actor, "pk", None) else None,
        format=file_format,
        filters=filters.plain(),
        up_to=up_to,
        row_count=count,
        sha256=digest,
        size=size,
        path=path,
    )
    head = Seal.objects.order_by("-number").values_list("number", flat=True).first()
    data = {"format": file_format, "rows": count, "filters": filters.plain(), "sha256": digest, "seal": head}
    record(verb="audit.log.exported", subject=made, at=at, actor=actor, data=data)
    return made


def record_taken(*, export: Export, at: datetime, actor: Any) -> Path:
    """Record that the kept file is taken once more; where it lies. Raises ``UnableToExport`` when it is gone."""
    path = stored_file(export)
    if not path.is_file():
        raise UnableToExport("The kept file is no longer on this machine: export the log again.")
    record(
        verb="audit.log.downloaded",
        subject=export,
        at=at,
        actor=actor,
        data={"format": export.format, "sha256": export.sha256},
    )
    return path


def stored_file(export: Export) -> Path:
    return Path(settings.PRIVATE_FILES_DIR) / export.path


def file_name(export: Export) -> str:
    """What a browser calls the file."""
    return f"audit-log-{export.pk}-{export.sha256[:8]}.{export.format}"


def _cells(rows: Iterable[AuditEntry], told: Told | None) -> Iterator[list[Any]]:
    for number, entry in enumerate(rows, 1):
        yield [
            entry.pk,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.actor_id,
            spreadsheet_text(entry.actor.name) if entry.actor else "",
            spreadsheet_text(entry.verb),
            spreadsheet_text(entry.subject_type),
            spreadsheet_text(entry.subject_id),
            spreadsheet_text(json.dumps(entry.data, sort_keys=True, ensure_ascii=False)),
            spreadsheet_text(entry.origin),
        ]
        if told is not None and number % _CHUNK == 0:
            told(number)


def _write_csv(path: Path, rows: Iterable[list[Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([title for title, _ in COLUMNS])
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_xlsx(path: Path, rows: Iterable[list[Any]]) -> int:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(path), options)
    sheet = book.add_worksheet("Audit log")
    bold = book.add_format({"bold": True})
    for column, (title, width) in enumerate(COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, bold)
    sheet.freeze_panes(1, 0)
    count = 0
    for count, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(count, column, value)
            elif value is not None:
                sheet.write_string(count, column, value[:32_767])
    book.close()
    return count
