"""The accrual report as CSV and XLSX: one row for each currency, month and kind, and the sums as formulas."""

import csv
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from zoneinfo import ZoneInfo

import xlsxwriter
from django.conf import settings
from xlsxwriter.utility import xl_rowcol_to_cell

from apps.compensation.reports.xlsx_report import Formats, options_beside
from apps.compensation.selectors.accruals import KINDS, OWED, Accruals
from apps.core.money import to_major
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = ("As of", "Currency", "Month", "Kind", "What", "Amount")


def rows_of(found: Accruals) -> Iterator[tuple[str, str, str, str, int]]:
    """Currency, month, kind, its words and minor units, for everything that is not nought."""
    for month in found.months:
        for kind, words in KINDS.items():
            if month.minor.get(kind):
                yield month.currency, month.code, kind, words, month.minor[kind]


def write_csv(path: Path, found: Accruals) -> None:
    """Write ``found`` to ``path``: UTF-8, comma, CRLF; amounts in major units with a point."""
    as_of = found.at.isoformat(timespec="seconds")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for currency, month, kind, words, minor in rows_of(found):
            writer.writerow(
                [as_of, currency, month, kind, spreadsheet_text(words), to_major(minor, currency)]
            )


def write_xlsx(path: Path, found: Accruals, *, made_by: str) -> None:
    """Write ``found`` to ``path``: a cover, then a sheet a currency with a row a month, totals as formulas."""
    book = xlsxwriter.Workbook(str(path), options_beside(path))
    created = found.at.replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": "Accruals", "created": created})
    formats = Formats(book)
    cover = book.add_worksheet("Summary")
    cover.set_column(0, 0, 26)
    local = found.at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    cover.write_string(0, 0, "Accruals: earned, not paid yet", formats.title)
    facts = (("Made by", made_by), ("As of", f"{local:%Y-%m-%d %H:%M %Z}"), ("Not estimated", found.problem))
    for at, (word, says) in enumerate((one for one in facts if one[1]), 2):
        cover.write_string(at, 0, word, formats.bold)
        cover.write_string(at, 1, spreadsheet_text(says))
    for currency, months in groupby(found.months, key=attrgetter("currency")):
        sheet = book.add_worksheet(currency)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(KINDS) + 1, 18)
        for column, word in enumerate(("Month", *KINDS.values(), "Earned, not paid")):
            sheet.write_string(0, column, word, formats.head)
        money, bold = formats.money(currency), formats.money(currency, bold=True)
        sums, line, owed_at = [0] * len(KINDS), 0, 1 + list(KINDS).index(OWED)
        for line, month in enumerate(months, 1):
            sheet.write_string(line, 0, month.code)
            for column, minor in enumerate(month.figures, 1):
                sheet.write_number(line, column, to_major(minor, currency), money)
            cells = f"{xl_rowcol_to_cell(line, 1)}:{xl_rowcol_to_cell(line, owed_at - 1)}"
            total = to_major(month.total_minor, currency)
            sheet.write_formula(line, len(KINDS) + 1, f"=SUM({cells})", money, total)
            sums = [known + minor for known, minor in zip(sums, month.figures, strict=True)]
        sheet.write_string(line + 1, 0, f"Total {currency}", formats.bold)
        whole = sum(sums) - sums[owed_at - 1]
        for column, minor in enumerate((*sums, whole), 1):
            cells = f"{xl_rowcol_to_cell(1, column)}:{xl_rowcol_to_cell(line, column)}"
            sheet.write_formula(line + 1, column, f"=SUM({cells})", bold, to_major(minor, currency))
    book.close()
