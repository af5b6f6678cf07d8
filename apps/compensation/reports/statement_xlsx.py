"""A statement as XLSX: a summary, then every line as posted; typed cells, totals as formulas with their values.

The same bytes for the same figures. The columns of the lines are those of the CSV (``docs/statements.md``) in an
order to read, with the run on the first sheet.
"""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell

from apps.compensation.models import Statement
from apps.compensation.reports.statement_csv import raw_lines
from apps.compensation.reports.xlsx_report import (
    COVER,
    Cover,
    Formats,
    PayBook,
    Total,
    begin_sheet,
    write_total,
)
from apps.compensation.reports.xlsx_rows import MOST_ROWS, RowWriter
from apps.core.money import exponent, to_major
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = (
    ("Line", 9), ("Period", 24), ("Component", 20), ("Component name", 28), ("Kind", 14), ("Event", 9), ("Date", 20),
    ("Plan version", 12), ("Band", 16), ("Rate", 12), ("Arithmetic", 40), ("Cause", 32), ("Move", 14), ("What", 28),
    ("Hand-off", 9), ("Number in period", 10), ("Credit in millionths", 12), ("Source", 24), ("Earned in all", 14),
    ("Amount", 14),
)  # fmt: skip
_KINDS = "nttttntnttttttnnntmm"


def write_statement(path: Path, *, statement: Statement) -> None:
    """Write ``statement`` to ``path``, a sheet of its currency behind the summary (several for a million lines)."""
    run = statement.run
    cover = Cover("", run.computed_at or run.created_at)
    with PayBook(path, f"Statement {run.code}", run, cover) as (book, formats):
        front = book.add_worksheet(COVER)
        _write_front(front, formats, statement, list(_write_lines(book, formats, statement)))


def _write_lines(book: Any, formats: Formats, statement: Statement) -> Iterator[Total]:
    currency = statement.currency
    writer = RowWriter(_KINDS, currency, formats.money(currency))
    words, widths = [word for word, _ in COLUMNS], [width for _, width in COLUMNS]
    lines, number, last = _cells(statement), 0, len(COLUMNS) - 1
    while (first := next(lines, None)) is not None:
        number += 1
        name = currency if number == 1 else f"{currency} {number}"
        sheet = begin_sheet(book, formats, name, words, widths)
        summed = 0

        def adding(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
            nonlocal summed
            for row in rows:
                summed += row[-1]
                yield row

        end = sheet.put(1, adding(chain((first,), islice(lines, MOST_ROWS - 1))), writer)
        sheet.write_string(end, 1, f"Total {currency}", formats.bold)
        cell = write_total(sheet, end, last, summed, currency, formats.money(currency, bold=True))
        yield Total(name, cell, currency, summed)


def _cells(statement: Statement) -> Iterator[tuple[Any, ...]]:
    for (
        starts_on, ends_on, key, name, kind, event_id, occurred_at, version, band, rate, formula, cause, _currency,
        amount, pk, move, opportunity, company, hand_off, place, share, earned, source,
    ) in raw_lines(statement):  # fmt: skip
        yield (
            pk, f"{starts_on}..{ends_on}", key, name, kind, event_id, occurred_at and occurred_at.isoformat(), version,
            band, rate, formula, cause, move, opportunity or company, hand_off, place, share, source, earned, amount,
        )  # fmt: skip


def _write_front(sheet: Any, formats: Formats, statement: Statement, totals: list[Total]) -> None:
    """Run and fingerprint, what is payable, and the sum of the lines beside it with the difference."""
    run, currency = statement.run, statement.currency
    money, bold = formats.money(currency), formats.money(currency, bold=True)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 40)
    sheet.write_string(0, 0, spreadsheet_text(f"Statement, {run.name}"), formats.title)
    facts = (
        ("Rep", statement.rep.name),
        ("Run", run.code),
        ("Period", f"{run.starts_on} to {run.period.last_day}, both included"),
        ("State", run.get_state_display()),
        ("Fingerprint", run.fingerprint),
        ("Digest of the statement", statement.digest),
        ("Currency", currency),
    )
    for at, (word, says) in enumerate(facts, 2):
        sheet.write_string(at, 0, word, formats.bold)
        sheet.write_string(at, 1, spreadsheet_text(says))
    row = 2 + len(facts) + 1
    for at, (word, minor) in enumerate(
        (("Earned", statement.earned_minor), ("Adjustments", statement.adjustments_minor)), row
    ):
        sheet.write_string(at, 0, word)
        sheet.write_number(at, 1, to_major(minor, currency), money)
    sheet.write_string(row + 2, 0, "Payable", formats.bold)
    _write_sum(sheet, row + 2, row, statement.payable_minor, currency, bold)
    here = sum(one.minor for one in totals)
    refers = "+".join(f"'{one.sheet}'!{one.cell}" for one in totals) or "0"
    sheet.write_string(row + 3, 0, "Sum of the lines")
    sheet.write_formula(row + 3, 1, f"={refers}", money, to_major(here, currency))
    sheet.write_string(row + 4, 0, "Difference")
    apart = f"=ROUND({xl_rowcol_to_cell(row + 2, 1)}-{xl_rowcol_to_cell(row + 3, 1)},{exponent(currency)})"
    sheet.write_formula(row + 4, 1, apart, money, to_major(statement.payable_minor - here, currency))


def _write_sum(sheet: Any, row: int, first: int, minor: int, currency: str, style: Any) -> None:
    """The sum of the two cells from ``first`` on, as a formula with its value."""
    cells = f"{xl_rowcol_to_cell(first, 1)}:{xl_rowcol_to_cell(first + 1, 1)}"
    sheet.write_formula(row, 1, f"=SUM({cells})", style, to_major(minor, currency))
