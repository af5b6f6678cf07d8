"""The payout report as XLSX: a cover with sums, then one sheet a currency; typed cells, never a formula.

Rows are written as they come and forgotten (constant memory). A number in a spreadsheet has fifteen safe
digits, far above any amount here; a test reads every figure back to the minor unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from django.conf import settings

from apps.compensation.models import PayoutRun
from apps.compensation.selectors.control import ControlTotal
from apps.compensation.selectors.reports import ReportRow, SummaryRow
from apps.core.money import exponent, to_major
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = (
    ("Team", 22), ("Agency", 18), ("Rep", 8), ("Name", 24), ("External id", 14), ("Role", 8), ("Plan", 22),
    ("Plan version", 12), ("Component", 20), ("Component name", 28), ("Lines", 8), ("Earned", 14),
    ("Adjustments", 14), ("Payable", 14),
)  # fmt: skip
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


@dataclass(frozen=True)
class Cover:
    """What the first sheet says of the file: who made it and when (UTC)."""

    made_by: str
    made_at: datetime


def write_report(
    path: Path,
    *,
    run: PayoutRun,
    rows: Iterable[ReportRow],
    teams: Iterable[SummaryRow],
    totals: Iterable[ControlTotal],
    cover: Cover,
) -> None:
    """Write the report of ``run`` to ``path``; ``rows`` come sorted by currency."""
    book = xlsxwriter.Workbook(str(path), OPTIONS)
    book.set_properties({"title": f"Payout report {run.code}", "comments": run.fingerprint})
    formats = Formats(book)
    _write_cover(book, formats, run, teams, totals, cover)
    for currency, group in groupby(rows, key=lambda row: row.currency):
        _write_currency(book, formats, currency, group)
    book.close()


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


def _write_cover(
    book: Any,
    formats: Formats,
    run: PayoutRun,
    teams: Iterable[SummaryRow],
    totals: Iterable[ControlTotal],
    cover: Cover,
) -> None:
    sheet = book.add_worksheet("Summary")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 6, 16)
    local = cover.made_at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    sheet.write_string(0, 0, f"Payout report, {run.name}", formats.title)
    facts = (
        ("Run", run.code),
        ("Period", f"{run.starts_on} to {run.period.last_day}, both included"),
        ("State", run.get_state_display()),
        ("Fingerprint", run.fingerprint),
        ("Made by", cover.made_by),
        ("Made at", f"{local:%Y-%m-%d %H:%M %Z}"),
    )
    line = 2
    for word, says in facts:
        sheet.write_string(line, 0, word, formats.bold)
        sheet.write_string(line, 1, spreadsheet_text(says))
        line += 1
    line = _write_totals(sheet, formats, totals, line + 1)
    for column, word in enumerate(("By team", "Currency", "Statements", "Earned", "Adjustments", "Payable")):
        sheet.write_string(line, column, word, formats.head)
    for team in teams:
        line += 1
        money = formats.money(team.currency)
        sheet.write_string(line, 0, spreadsheet_text(team.word))
        sheet.write_string(line, 1, team.currency)
        sheet.write_number(line, 2, team.statements)
        sheet.write_number(line, 3, to_major(team.earned_minor, team.currency), money)
        sheet.write_number(line, 4, to_major(team.adjustments_minor, team.currency), money)
        sheet.write_number(line, 5, to_major(team.payable_minor, team.currency), money)


def _write_totals(sheet: Any, formats: Formats, totals: Iterable[ControlTotal], line: int) -> int:
    heads = ("Control totals", "Currency", "Statements", "Statements sum", "Ledger sum", "Difference")
    for column, word in enumerate(heads):
        sheet.write_string(line, column, word, formats.head)
    for total in totals:
        line += 1
        money = formats.money(total.currency, bold=True)
        sheet.write_string(line, 1, total.currency)
        sheet.write_number(line, 2, total.statements)
        sheet.write_number(line, 3, to_major(total.statement_minor, total.currency), money)
        sheet.write_number(line, 4, to_major(total.ledger_minor, total.currency), money)
        sheet.write_number(line, 5, to_major(total.difference_minor, total.currency), money)
    return line + 2


def _write_currency(book: Any, formats: Formats, currency: str, rows: Iterable[ReportRow]) -> None:
    sheet = book.add_worksheet(currency)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    for column, (word, width) in enumerate(COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, word, formats.head)
    money, bold = formats.money(currency), formats.money(currency, bold=True)
    earned = adjusted = line = 0
    for line, row in enumerate(rows, 1):
        texts = {0: row.team, 1: row.agency, 3: row.rep, 4: row.external_id, 5: row.role, 6: row.plan,
                 8: row.component_key, 9: row.component}  # fmt: skip
        numbers = {2: row.rep_id, 7: row.plan_version, 10: row.lines}
        for column in range(11):
            if column in texts:
                sheet.write_string(line, column, spreadsheet_text(texts[column]))
            else:
                sheet.write_number(line, column, numbers[column])
        sheet.write_number(line, 11, row.major(row.earned_minor), money)
        sheet.write_number(line, 12, row.major(row.adjustments_minor), money)
        sheet.write_number(line, 13, row.major(row.payable_minor), money)
        earned += row.earned_minor
        adjusted += row.adjustments_minor
    sheet.write_string(line + 1, 0, f"Total {currency}", formats.bold)
    for column, minor in ((11, earned), (12, adjusted), (13, earned + adjusted)):
        sheet.write_number(line + 1, column, to_major(minor, currency), bold)
