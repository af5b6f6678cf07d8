"""The payroll file by a saved layout: CSV with the layout's own delimiter, encoding and signs, or typed XLSX."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from apps.compensation.models import PayoutRun
from apps.compensation.reports.xlsx_report import Formats, begin_sheet, options_beside, write_total
from apps.compensation.reports.xlsx_rows import Book, RowWriter
from apps.compensation.rules import payroll_layout as rules
from apps.compensation.rules.payroll_layout import Layout
from apps.core.errors import InvalidInput

_KINDS = {rules.TEXT: "t", rules.DATE: "t", rules.NUMBER: "n", rules.MONEY: "m"}
_SUMMED = ("payable", "earned", "adjustments")


def lines(layout: Layout, rows: Iterable[dict[str, Any]]) -> Iterator[list[str]]:
    """The file row by row: the header, one row for each rep and currency, and the control rows, as asked."""
    if layout.header:
        yield rules.titles(layout)
    for currency, group in groupby(rows, key=itemgetter("currency")):
        sums, count = dict.fromkeys(_SUMMED, 0), 0
        for row in group:
            yield rules.cells(layout, row)
            count += 1
            for field in _SUMMED:
                sums[field] += row[field]
        if layout.control_row:
            yield rules.control_row(layout, currency, count, sums)


def write_csv(path: Path, *, layout: Layout, rows: Iterable[dict[str, Any]]) -> None:
    """Write the payroll file to ``path``, CRLF. Raises ``InvalidInput`` for a letter that its encoding lacks."""
    number = 0
    try:
        with path.open("w", encoding=layout.encoding, newline="") as file:
            writer = csv.writer(file, delimiter=layout.delimiter)
            for number, line in enumerate(lines(layout, rows), 1):  # noqa: B007 - said of the row that fails
                writer.writerow(line)
            file.flush()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"Up to row {number} there is a letter that {rules.ENCODINGS[layout.encoding]} lacks "
            f"(“{error.object[error.start]}”): choose UTF-8 in the layout.",
            field="encoding",
        ) from error


def write_xlsx(
    path: Path, *, run: PayoutRun, layout: Layout, rows: Iterable[dict[str, Any]], made_at: datetime
) -> None:
    """Write the payroll file to ``path``: a sheet a currency, typed cells, totals as formulas if asked."""
    book = Book(str(path), options_beside(path))
    created = made_at.replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": f"Payroll {run.code}", "comments": run.fingerprint, "created": created})
    formats = Formats(book)
    columns = layout.columns
    kinds = "".join(_KINDS[one.kind] for one in columns)
    for currency, group in groupby(rows, key=itemgetter("currency")):
        sheet = begin_sheet(
            book, formats, currency, rules.titles(layout), [max(12, len(one.title) + 2) for one in columns]
        )
        writer = RowWriter(kinds, currency, formats.money(currency))
        of_currency = list(group)
        end = sheet.put(1, ([_value(layout, one, row) for one in columns] for row in of_currency), writer)
        if layout.control_row:
            bold = formats.money(currency, bold=True)
            for column, one in enumerate(columns):
                if one.kind == rules.MONEY:
                    total = sum(row[one.field] for row in of_currency)
                    write_total(sheet, end, column, total, currency, bold)
    book.close()


def _value(layout: Layout, column: rules.Column, row: dict[str, Any]) -> Any:
    if column.field == rules.CONSTANT:
        return column.value
    value = row[column.field]
    return value.strftime(layout.date) if column.kind == rules.DATE else value
