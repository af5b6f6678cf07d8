"""Whatever a name begins with, no file of the portal holds a formula but the totals that it wrote itself.

Every writer of CSV and XLSX is asked with every hostile name; what it wrote is read by another reader.
"""

import csv
import re
import unicodedata
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from apps.audit import services as audit
from apps.audit.services import exports
from apps.compensation.models import FORMATS_OF, FileKind, PayoutRun, Statement
from apps.compensation.rules.payroll_layout import FIELDS, Column, Layout
from apps.compensation.services import downloads, finance_files, payroll_layouts, statement_downloads
from tests.compensation.conftest import JANUARY, Payroll, noon
from tests.compensation.conftest import payroll as payroll

pytestmark = pytest.mark.django_db

HOSTILE = (
    "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", "＋1", "－1", "＠SUM(A1)", "−1+1",
    "  =1+1", "\u200b=1+1", "\ufeff=1+1", "\u00a0=1+1", "\u2066=1+1", '=HYPERLINK("http://x.example","y")',
    "﹢1", "﹦1+1",
)  # fmt: skip
RUN_FILES = [
    (kind, form)
    for kind in (FileKind.REPORT, FileKind.LINES, FileKind.PAYROLL)
    for form in FORMATS_OF[kind]
    if form in ("csv", "xlsx")
]
OURS = re.compile(
    r"=(SUM\([A-Z]+\d+:[A-Z]+\d+\)|'[A-Z]{3}'![A-Z]+\d+|ROUND\([A-Z]+\d+-[A-Z]+\d+,\d\)|[A-Z]+\d+-[A-Z]+\d+)"
)
NUMBER = re.compile(r"-?[\d,]+(\.\d+)?( ?%)?|-?\d+/\d+")


def runs_as_formula(text: str) -> bool:
    """By the words of OWASP, and for what programs drop or fold before they look."""
    folded = unicodedata.normalize("NFKC", text)
    seen = "".join(char for char in folded if unicodedata.category(char) not in ("Cf", "Zs", "Mn"))
    begins = folded[:1] in "\t\r\n" if folded else False
    return bool(begins or (seen[:1] in ("=", "+", "-", "@", "\u2212") and not NUMBER.fullmatch(text)))


def check(path: Path, form: str) -> list[str]:
    """What would run, or is a formula that is not one of the portal's own totals."""
    if form == "csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            sign = ";" if ";" in file.readline() else ","
            file.seek(0)
            rows = csv.reader(file, delimiter=sign)
            return [cell for row in rows for cell in row if runs_as_formula(cell)]
    wrong = []
    for sheet in openpyxl.load_workbook(path).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                formula = cell.data_type == "f"
                if formula and not OURS.fullmatch(str(cell.value)):
                    wrong.append(f"{sheet.title}!{cell.coordinate} {cell.value}")
                if isinstance(cell.value, str) and not formula and runs_as_formula(cell.value):
                    wrong.append(f"{sheet.title}!{cell.coordinate} {cell.value}")
    return wrong


@pytest.fixture
def run(payroll: Payroll) -> PayoutRun:
    cast = payroll.cast
    sdr = cast.rep(cast.sdr)
    payroll.assign(sdr, payroll.plan("sdr"))
    payroll.accepted(sdr, noon(10), 1_234_56)
    payroll.accepted(sdr, noon(11), -40_000)
    return payroll.settle(JANUARY)


def named(run: PayoutRun, words: str) -> Statement:
    """Rep, team, agency and user bear the name; the statement of the rep."""
    statement = Statement.objects.select_related("rep__team", "rep__user").get(run=run)
    rep = statement.rep
    rep.name = rep.external_id = words[:40]
    rep.team.name = words
    rep.user.name = words
    for one in (rep, rep.team, rep.user):
        one.save()
    return statement


@pytest.mark.parametrize(("kind", "form"), RUN_FILES)
def test_no_file_of_a_run_holds_one(payroll: Payroll, run: PayoutRun, kind: str, form: str) -> None:
    finance = payroll.cast.finance
    layout: Any = None
    if kind == FileKind.PAYROLL:
        columns = tuple(Column(field, words) for field, (words, _) in FIELDS.items())
        layout = payroll_layouts.create_layout(
            name="All", document=Layout(columns=columns).as_document(), at=noon(1, 3), actor=finance
        )
    for number, words in enumerate(HOSTILE):
        named(run, words)
        made = finance_files.request_file(
            run=run, kind=kind, file_format=form, fingerprint=run.fingerprint, at=noon(1 + number, 3),
            actor=finance, layout=layout, at_once=True,
        )  # fmt: skip
        path = downloads.stored_file(made)
        assert check(path, form) == [], repr(words)


def test_no_csv_of_a_statement_holds_one(payroll: Payroll, run: PayoutRun) -> None:
    for number, words in enumerate(HOSTILE):
        statement = named(run, words)
        made = statement_downloads.download_statement(
            statement=statement, file_format="csv", fingerprint=run.fingerprint, at=noon(1 + number, 3),
            actor=payroll.cast.sdr,
        )  # fmt: skip
        assert check(downloads.stored_file(made), "csv") == [], repr(words)


@pytest.mark.parametrize("words", ["=cmd|' /C calc'!A0", "\u200b=1+1", "＝1+1"])
def test_no_pdf_of_a_statement_acts(payroll: Payroll, run: PayoutRun, words: str) -> None:
    made = statement_downloads.download_statement(
        statement=named(run, words), file_format="pdf", fingerprint=run.fingerprint, at=noon(1, 3),
        actor=payroll.cast.sdr,
    )  # fmt: skip
    content = downloads.stored_file(made).read_bytes()
    assert content.startswith(b"%PDF-")
    assert not re.search(rb"/(JavaScript|JS|Launch|OpenAction|URI)\b", content)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_no_file_of_the_audit_log_holds_one(payroll: Payroll, form: str) -> None:
    cast = payroll.cast
    for number, words in enumerate(HOSTILE):
        cast.sdr.name = words
        cast.sdr.save()
        entry = audit.record(
            verb=words[:60], subject=cast.sdr, at=noon(1), actor=cast.sdr, data={"reason": words}
        )
        made = exports.make_export(
            filters=exports.Filters(actor=str(cast.sdr.pk)), file_format=form, up_to=entry.pk,
            at=noon(1 + number, 3),
        )  # fmt: skip
        assert made.row_count == number + 1
        assert check(exports.stored_file(made), form) == [], repr(words)


def test_the_check_knows_one_when_it_sees_it(tmp_path: Path) -> None:
    """Were the names left as they are, each of them would be found."""
    # A lone -1 is a number to every program: it stands among the names to be text all the same.
    assert [words for words in HOSTILE if not runs_as_formula(words)] == ["-1"]
    assert not any(map(runs_as_formula, ("Hanna Vogel", "-1,234.50", "'=1+1", "", "12 %")))
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    book.save(tmp_path / "x.xlsx")
    assert check(tmp_path / "x.xlsx", "xlsx") == ["Sheet!A1 =1+1"]
