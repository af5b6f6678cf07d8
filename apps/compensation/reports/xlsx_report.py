"""The payout report and all lines of a run as XLSX: a cover with sums, then one sheet a currency; typed cells.

The only formulas are totals, each written with the value that it gives, so a reader that reckons nothing finds the
same figure. Rows are written as they come and forgotten (constant memory). A number in a spreadsheet has fifteen
safe digits, far above any amount here; a test reads every figure back to the minor unit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from xlsxwriter.utility import xl_rowcol_to_cell

from apps.compensation.models import PayoutRun
from apps.compensation.reports.xlsx_rows import MOST_ROWS, Book, PlainRows, RowWriter
from apps.compensation.selectors.control import ControlTotal
from apps.compensation.selectors.reports import LINE_COLUMNS, LineRow, ReportRow, SummaryRow
from apps.core.money import exponent, to_major
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = (
    ("Team", 22), ("Agency", 18), ("Rep", 8), ("Name", 24), ("External id", 14), ("Role", 8), ("Plan", 22),
    ("Plan version", 12), ("Component", 20), ("Component name", 28), ("Lines", 8), ("Earned", 14),
    ("Adjustments", 14), ("Payable", 14),
)  # fmt: skip
_KINDS = "ttnttttnttnmmm"
_LINE_KINDS = "nttttnttttt" + "m"
_LINE_REPEATED = 8
_LINE_WIDTHS = (8, 24, 14, 22, 22, 12, 28, 14, 24, 24, 40, 14)
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
COVER = "Summary"


def options_beside(path: Path) -> dict[str, Any]:
    """``OPTIONS``, with what is kept of the rows meanwhile beside ``path``: where the draft goes, that goes too."""
    return {**OPTIONS, "tmpdir": str(path.parent)}


@dataclass(frozen=True)
class Cover:
    """What the first sheet says of the file: who made it and when (UTC)."""

    made_by: str
    made_at: datetime


@dataclass(frozen=True)
class Total:
    """Where a sheet has its total of a currency, and what it is, in minor units."""

    sheet: str
    cell: str
    currency: str
    minor: int


class Formats:
    """The cell formats that a book of pay uses, money by the places of its currency."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.bold = book.add_format({"bold": True})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self._money: dict[tuple[int, bool], Any] = {}

    def money(self, currency: str, bold: bool = False) -> Any:
        places = exponent(currency)
        if (places, bold) not in self._money:
            pattern = "#,##0" + ("." + "0" * places if places else "")
            self._money[places, bold] = self._book.add_format({"num_format": pattern, "bold": bold})
        return self._money[places, bold]


def write_report(
    path: Path,
    *,
    run: PayoutRun,
    rows: Iterable[ReportRow],
    summaries: Sequence[tuple[str, Sequence[SummaryRow]]],
    totals: Sequence[ControlTotal],
    cover: Cover,
) -> None:
    """Write the report of ``run`` to ``path``; ``rows`` come sorted by currency, ``summaries`` as (by what, rows)."""
    with PayBook(path, f"Payout report {run.code}", run, cover) as (book, formats):
        # Written last, since it refers to the totals of the others; it is the first sheet all the same.
        front = book.add_worksheet(COVER)
        found = [
            _write_report_sheet(book, formats, currency, group)
            for currency, group in groupby(rows, key=attrgetter("currency"))
        ]
        _Cover(front, formats, run, cover, f"Payout report, {run.name}").write(totals, found, summaries)


def write_lines(
    path: Path, *, run: PayoutRun, rows: Iterable[LineRow], totals: Sequence[ControlTotal], cover: Cover
) -> None:
    """Write every line of ``run`` to ``path``, a sheet a currency (or several, where one has too many rows)."""
    with PayBook(path, f"All lines {run.code}", run, cover) as (book, formats):
        front = book.add_worksheet(COVER)
        found: list[Total] = []
        for currency, group in groupby(rows, key=attrgetter("currency")):
            found += _write_line_sheets(book, formats, currency, group)
        _Cover(front, formats, run, cover, f"All lines, {run.name}").write(totals, found, ())


class PayBook:
    """A workbook that is finished on leaving, and dated as the file is, so that the same data give the same bytes."""

    def __init__(self, path: Path, title: str, run: PayoutRun, cover: Cover) -> None:
        self.book = Book(str(path), options_beside(path))
        created = cover.made_at.replace(tzinfo=None, microsecond=0)
        self.book.set_properties({"title": title, "comments": run.fingerprint, "created": created})

    def __enter__(self) -> tuple[Any, Formats]:
        return self.book, Formats(self.book)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            self.book.close()
            return
        # Given up half way: XlsxWriter would complain of a book that was never closed.
        self.book.fileclosed = 1
        for sheet in self.book.worksheets():
            sheet.row_data_fh.close()


def begin_sheet(
    book: Any, formats: Formats, name: str, words: Sequence[str], widths: Sequence[int]
) -> PlainRows:
    """A sheet with a frozen, repeated header, ready for rows written whole from the second on."""
    sheet = book.add_worksheet(name, worksheet_class=PlainRows)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    for column, (word, width) in enumerate(zip(words, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, word, formats.head)
    sheet.begin_rows(1)
    return sheet


def write_total(sheet: Any, row: int, column: int, minor: int, currency: str, style: Any) -> str:
    """A total below rows 2 to ``row`` as a formula with its value; returns the cell."""
    cell = xl_rowcol_to_cell(row, column)
    first, last = xl_rowcol_to_cell(1, column), xl_rowcol_to_cell(max(row - 1, 1), column)
    sheet.write_formula(row, column, f"=SUM({first}:{last})", style, to_major(minor, currency))
    return cell


def _write_report_sheet(book: Any, formats: Formats, currency: str, rows: Iterable[ReportRow]) -> Total:
    sheet = begin_sheet(
        book, formats, currency, [word for word, _ in COLUMNS], [width for _, width in COLUMNS]
    )
    bold = formats.money(currency, bold=True)
    writer = RowWriter(_KINDS, currency, formats.money(currency))
    earned = adjusted = 0

    def cells() -> Iterator[tuple[Any, ...]]:
        nonlocal earned, adjusted
        for row in rows:
            earned += row.earned_minor
            adjusted += row.adjustments_minor
            yield (
                row.team, row.agency, row.rep_id, row.rep, row.external_id, row.role, row.plan, row.plan_version,
                row.component_key, row.component, row.lines, row.earned_minor, row.adjustments_minor,
                row.payable_minor,
            )  # fmt: skip

    end = sheet.put(1, cells(), writer)
    sheet.write_string(end, 0, f"Total {currency}", formats.bold)
    cell = ""
    for column, minor in ((11, earned), (12, adjusted), (13, earned + adjusted)):
        cell = write_total(sheet, end, column, minor, currency, bold)
    return Total(currency, cell, currency, earned + adjusted)


def _write_line_sheets(
    book: Any, formats: Formats, currency: str, rows: Iterator[LineRow]
) -> Iterator[Total]:
    writer = RowWriter(_LINE_KINDS, currency, formats.money(currency), repeated=_LINE_REPEATED)
    last = len(LINE_COLUMNS) - 1
    number = 0
    while (first := next(rows, None)) is not None:
        number += 1
        name = currency if number == 1 else f"{currency} {number}"
        sheet = begin_sheet(book, formats, name, LINE_COLUMNS, _LINE_WIDTHS)
        summed = _Summed(chain((first,), islice(rows, MOST_ROWS - 1)))
        end = sheet.put(1, summed.cells(), writer)
        sheet.write_string(end, 1, f"Total {currency}", formats.bold)
        cell = write_total(sheet, end, last, summed.minor, currency, formats.money(currency, bold=True))
        yield Total(name, cell, currency, summed.minor)


class _Summed:
    """Lines on their way into a sheet, and the sum of their amounts in minor units so far."""

    def __init__(self, rows: Iterable[LineRow]) -> None:
        self._rows = rows
        self.minor = 0

    def cells(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            self.minor += row[-1]
            yield row[1:]


class _Cover:
    """The first sheet: run, fingerprint, who and when, control totals, and sums by what is asked."""

    def __init__(self, sheet: Any, formats: Formats, run: PayoutRun, cover: Cover, title: str) -> None:
        self.sheet, self.formats, self.line = sheet, formats, 0
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 7, 16)
        local = cover.made_at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
        sheet.write_string(0, 0, title, formats.title)
        facts = (
            ("Run", run.code),
            ("Period", f"{run.starts_on} to {run.period.last_day}, both included"),
            ("State", run.get_state_display()),
            ("Fingerprint", run.fingerprint),
            ("Made by", cover.made_by),
            ("Made at", f"{local:%Y-%m-%d %H:%M %Z}"),
        )
        for at, (word, says) in enumerate(facts, 2):
            sheet.write_string(at, 0, word, formats.bold)
            sheet.write_string(at, 1, spreadsheet_text(says))
        self.line = 2 + len(facts) + 1

    def write(
        self,
        totals: Sequence[ControlTotal],
        sheets: Sequence[Total],
        summaries: Iterable[tuple[str, Sequence[SummaryRow]]],
    ) -> None:
        self._controls(totals, sheets)
        for by, rows in summaries:
            self._summary(by, rows)

    def _heads(self, words: Iterable[str]) -> None:
        for column, word in enumerate(words):
            self.sheet.write_string(self.line, column, word, self.formats.head)
        self.line += 1

    def _controls(self, totals: Sequence[ControlTotal], sheets: Sequence[Total]) -> None:
        """Statements and ledger as summed up by the database beside the totals of the sheets, and the difference."""
        self._heads(
            (
                "Control totals",
                "Currency",
                "Statements",
                "Statements sum",
                "Ledger sum",
                "This file",
                "Difference",
            )
        )
        for total in totals:
            money = self.formats.money(total.currency, bold=True)
            own = [one for one in sheets if one.currency == total.currency]
            here = sum(one.minor for one in own)
            row = self.line
            self.sheet.write_string(row, 1, total.currency)
            self.sheet.write_number(row, 2, total.statements)
            self.sheet.write_number(row, 3, to_major(total.statement_minor, total.currency), money)
            self.sheet.write_number(row, 4, to_major(total.ledger_minor, total.currency), money)
            refers = "+".join(f"'{one.sheet}'!{one.cell}" for one in own) or "0"
            self._formula(5, f"={refers}", here, total.currency, money)
            apart = (
                f"=ROUND({xl_rowcol_to_cell(row, 3)}-{xl_rowcol_to_cell(row, 5)},{exponent(total.currency)})"
            )
            self._formula(6, apart, total.statement_minor - here, total.currency, money)
            self.line += 1
        self.line += 1

    def _summary(self, by: str, rows: Sequence[SummaryRow]) -> None:
        self._heads((f"By {by}", "Currency", "Statements", "Earned", "Adjustments", "Payable"))
        for currency, group in groupby(rows, key=attrgetter("currency")):
            money, bold = self.formats.money(currency), self.formats.money(currency, bold=True)
            first, sums = self.line, [0, 0, 0]
            for row in group:
                figures = (row.earned_minor, row.adjustments_minor, row.payable_minor)
                self.sheet.write_string(self.line, 0, spreadsheet_text(row.word))
                self.sheet.write_string(self.line, 1, currency)
                self.sheet.write_number(self.line, 2, row.statements)
                for column, minor in enumerate(figures, 3):
                    self.sheet.write_number(self.line, column, to_major(minor, currency), money)
                sums = [known + minor for known, minor in zip(sums, figures, strict=True)]
                self.line += 1
            self.sheet.write_string(self.line, 0, f"Total {currency}", self.formats.bold)
            for column, minor in enumerate(sums, 3):
                cells = f"{xl_rowcol_to_cell(first, column)}:{xl_rowcol_to_cell(self.line - 1, column)}"
                self._formula(column, f"=SUM({cells})", minor, currency, bold)
            self.line += 1
        self.line += 1

    def _formula(self, column: int, formula: str, minor: int, currency: str, style: Any) -> None:
        self.sheet.write_formula(self.line, column, formula, style, to_major(minor, currency))
