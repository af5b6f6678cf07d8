"""Every way to ask for each file of ``downloads.DOWNLOADS``, and what then comes: for whoever sends for all of them.

A file route without a row here fails ``test_files_sent``. ``form`` is how the file is read back, never by what wrote
it; ``not_swept`` says why no hostile name is looked for in it.
"""

import csv
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.test import override_settings
from python_calamine import CalamineWorkbook

from apps.compensation.models import Download, KeptFile, PayoutRun
from apps.compensation.models.layouts import PayrollLayout
from apps.compensation.services import finance_files
from apps.integrations.services import imports
from apps.jobs import services as jobs

HOSTILE = (
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\tx=1", "\rx=1", "\nx=1", "\r\n=1", "＝1+1", "＋1+1", "－1+1",
    "＠SUM(A1)", "−1+1", "\u200b=1+1", "\ufeff=1+1", "\u00a0=1+1",
)  # fmt: skip
NO_SPREADSHEET = "no spreadsheet opens it"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {
    "csv": "text/csv", "xlsx": XLSX, "pdf": "application/pdf", "zip": "application/zip", "json": "application/json",
    "ics": "text/calendar", "txt": "text/plain",
}  # fmt: skip


@dataclass
class World:
    """Who asks for what, when."""

    cast: Any
    keys: dict[str, dict[str, Any]]
    at: datetime

    @property
    def run(self) -> PayoutRun:
        return PayoutRun.objects.get(pk=self.keys["run"]["own"])


@dataclass(frozen=True)
class Way:
    """One request for a file: ``kwargs`` for the address beside the object, ``pk`` another object, ``data`` to post."""

    form: str
    data: Callable[[World], dict[str, Any]] = lambda world: {}
    kwargs: dict[str, Any] = field(default_factory=dict)
    pk: Callable[[World], int] | None = None
    gets: bool = False
    not_swept: str = ""


def posted(**given: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: given


def seen(**given: Any) -> Callable[[World], dict[str, Any]]:
    """With the fingerprint of the run as it is."""
    return lambda world: {**given, "fingerprint": world.run.fingerprint}


def payroll(**given: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: {
        **seen(**given)(world),
        "kind": "payroll",
        "layout": PayrollLayout.objects.earliest("pk").pk,
    }


def made_by_a_worker(world: World) -> int:
    """A long file: what a job makes of the run as its people are called now."""
    with override_settings(PAYOUT_FILE_ROWS_AT_ONCE=0):
        asked = finance_files.request_file(
            run=world.run, kind="lines", file_format="xlsx", fingerprint=world.run.fingerprint, at=world.at,
            actor=world.cast.finance, layout=None,
        )  # fmt: skip
    assert not isinstance(asked, Download)
    jobs.run(job_id=asked.pk, clock=lambda: world.at)
    return KeptFile.objects.get(job=asked).pk


def refused_import(world: World) -> int:
    """A list of leads with nothing but rows that are refused, each with a hostile name in every column of text."""
    rows = [["Email", "Captured at", "Full name", "Company"]]
    rows += [[f"{words} at example", "2026-03-01", words, words] for words in HOSTILE]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    run = imports.start_import(
        files=[("leads.csv", [text.getvalue().encode()])], at=world.at, actor=world.cast.revops
    )
    return imports.check_import(run=run, at=world.at).pk


RUN_FILES = [
    Way("csv", seen(kind="report", format="csv")),
    Way("xlsx", seen(kind="report", format="xlsx")),
    Way("pdf", seen(kind="report", format="pdf"), not_swept=NO_SPREADSHEET),
    Way("csv", seen(kind="lines", format="csv")),
    Way("xlsx", seen(kind="lines", format="xlsx")),
    Way("csv", payroll(format="csv")),
    Way("xlsx", payroll(format="xlsx")),
]
TWO = [Way("csv", posted(format="csv")), Way("xlsx", posted(format="xlsx"))]
PDF = Way("pdf", seen(), not_swept=NO_SPREADSHEET)
MEETING = [Way("ics", gets=True, not_swept=NO_SPREADSHEET)]
WAYS: dict[str, list[Way]] = {
    "api:accruals_file": TWO,
    "api:kept_file": [Way("xlsx", pk=made_by_a_worker)],
    "api:meeting_ics": MEETING,
    "api:replay_download": TWO,
    "api:run_file": RUN_FILES,
    "api:statement_file": [
        Way("csv", seen(), {"what": "csv"}),
        Way("xlsx", seen(), {"what": "xlsx"}),
        Way("pdf", seen(), {"what": "pdf"}, not_swept=NO_SPREADSHEET),
        Way("zip", seen(), {"what": "proof"}),
    ],
    "audit:anchor": [Way("json", not_swept=NO_SPREADSHEET)],
    "audit:export": TWO,
    "audit:export_again": [Way("csv", not_swept="as it was made and swept before, byte for byte")],
    "compensation:accruals_file": TWO,
    "compensation:download_again": [Way("csv", not_swept="as it was made and swept before, byte for byte")],
    "compensation:inquiry_attachment": [
        Way("txt", gets=True, not_swept="somebody's own file, as it was attached, byte for byte")
    ],
    "compensation:kept_file": [Way("xlsx", pk=made_by_a_worker)],
    "compensation:plan_file": [Way("json", gets=True, not_swept=NO_SPREADSHEET)],
    "compensation:replay_download": TWO,
    "compensation:run_download": RUN_FILES,
    "compensation:statement_csv": [Way("csv", seen())],
    "compensation:statement_xlsx": [Way("xlsx", seen())],
    "compensation:statement_pdf": [PDF],
    "compensation:statement_proof": [Way("zip", seen())],
    "integrations:import_messages": [Way("csv", gets=True, pk=refused_import)],
    "integrations:import_refused": [Way("csv", gets=True, pk=refused_import)],
    "integrations:mapping_file": [Way("json", gets=True, not_swept=NO_SPREADSHEET)],
    "leads:meeting_ics": MEETING,
    "scorecards:card_pdf": [Way("pdf", not_swept=NO_SPREADSHEET)],
}


def opened(form: str, content: bytes) -> list[tuple[str, bytes]]:
    """Read ``content`` by a reader that is not the writer; the spreadsheets in it. Fails on what does not open."""
    if form == "csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert rows, "no row"
    elif form == "xlsx":
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        assert any(book.get_sheet_by_name(name).to_python() for name in book.sheet_names), "no cell"
    elif form == "pdf":
        read = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
        assert read.stdout.strip(), "no word"
    elif form == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            assert archive.namelist(), "nothing in it"
            return [
                (name.rpartition(".")[2], archive.read(name))
                for name in archive.namelist()
                if name.endswith((".csv", ".xlsx"))
            ]
    elif form == "json":
        assert json.loads(content), "nothing said"
    elif form == "ics":
        lines = content.decode().split("\r\n")
        assert (lines[0], lines[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    else:
        assert content
    return [(form, content)] if form in ("csv", "xlsx") else []
