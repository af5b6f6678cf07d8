"""A replay as CSV and as XLSX: every figure with its person, period and component. No cell is a formula.

The layout is documented in ``docs/replay.md`` and is stable: columns are added at the end only.
"""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import xlsxwriter
from django.conf import settings

from apps.compensation.models import Replay, ReplayFigure, ReplayMeasure, ReplayOutcome, ReplayPay
from apps.compensation.reports.xlsx_report import OPTIONS, Formats
from apps.compensation.selectors.replay_results import ReplayResults, currencies_of, results
from apps.compensation.selectors.replay_world import Asked
from apps.core.money import to_major
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = (
    "Replay", "Fingerprint", "Alternative", "Alternative name", "Measure", "Currency", "Team", "Rep", "Name",
    "External id", "Role", "Period", "Component", "Component name", "Kind", "Count", "Amount",
)  # fmt: skip
_PAY = (
    "alternative", "currency", "rep__team__name", "rep_id", "rep__name", "rep__external_id", "rep__role",
    "starts_on", "component_key", "component_name", "kind", "line_count", "amount_minor",
)  # fmt: skip
_FIGURE = (
    "alternative", "currency", "rep__team__name", "rep_id", "rep__name", "rep__external_id", "rep__role",
    "starts_on", "measure", "count", "amount_minor",
)  # fmt: skip


class Row(NamedTuple):
    """One figure; ``amount`` is in minor units of ``currency``, empty where it is only a count."""

    alternative: int
    measure: str
    currency: str
    team: str
    rep_id: int
    name: str
    external_id: str
    role: str
    period: str
    key: str
    component: str
    kind: str
    events: int
    amount_minor: int


def rows_of(replay: Replay) -> Iterator[Row]:
    """Pay by alternative, person, period and component; then revenue, meetings and what is left open."""
    codes = {one.start: one.code for one in Asked.of(replay).periods}

    def code(starts_on: date, measure: str) -> str:
        whole = measure in (ReplayMeasure.HELD, ReplayMeasure.OWED)
        return replay.window.code if whole else codes[starts_on]

    pay = ReplayPay.objects.filter(replay=replay).order_by(
        "alternative", "currency", "rep__name", "rep_id", "starts_on", "component_key", "kind"
    )
    for row in pay.values_list(*_PAY).iterator(chunk_size=2_000):
        cells: list[Any] = [row[0], "pay", *row[1:7], code(row[7], "pay"), *row[8:]]
        yield Row(*cells)
    figures = ReplayFigure.objects.filter(replay=replay).order_by(
        "measure", "alternative", "currency", "rep__name", "rep_id", "starts_on"
    )
    for row in figures.values_list(*_FIGURE).iterator(chunk_size=2_000):
        cells = [row[0], row[8], *row[1:7], code(row[7], row[8]), "", "", "", *row[9:]]
        yield Row(*cells)


def names_of(replay: Replay) -> list[str]:
    """The alternatives by number: what was paid, what was in force, and those that were asked."""
    return ["Paid", "As it was", *(one["name"] for one in Asked.of(replay).alternatives)]


def write_csv(path: Path, *, replay: Replay, outcome: ReplayOutcome) -> None:
    """Write every figure of ``replay`` to ``path``: UTF-8, comma, CRLF; amounts in major units with a point."""
    text, names = spreadsheet_text, names_of(replay)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows_of(replay):
            writer.writerow(
                [
                    replay.pk,
                    outcome.fingerprint,
                    row.alternative,
                    text(_alternative(row, names)),
                    row.measure,
                    row.currency,
                    text(row.team),
                    row.rep_id,
                    text(row.name),
                    text(row.external_id),
                    row.role,
                    row.period,
                    text(row.key),
                    text(row.component),
                    row.kind,
                    row.events,
                    to_major(row.amount_minor, row.currency) if row.currency else "",
                ]
            )


def _alternative(row: Row, names: list[str]) -> str:
    of_the_record = row.measure in (ReplayMeasure.WON, ReplayMeasure.ACCEPTED)
    return "The record" if of_the_record else names[row.alternative]


def write_xlsx(
    path: Path, *, replay: Replay, outcome: ReplayOutcome, made_by: str, made_at: datetime
) -> None:
    """Write a summary, a sheet of people for each currency, and every figure to ``path``; typed cells."""
    book = xlsxwriter.Workbook(str(path), OPTIONS)
    book.set_properties({"title": f"Replay {replay.pk}", "comments": outcome.fingerprint})
    formats = Formats(book)
    # A currency is summed up on the cover and listed on its sheet, so it is read before the first row.
    found = [results(replay, currency) for currency in currencies_of(replay)]
    _cover(book, formats, replay, outcome, found, made_by, made_at)
    for one in found:
        _people(book, formats, one)
    _figures(book, formats, replay)
    book.close()


def _cover(
    book: Any,
    formats: Formats,
    replay: Replay,
    outcome: ReplayOutcome,
    found: list[ReplayResults],
    made_by: str,
    made_at: datetime,
) -> None:
    sheet = book.add_worksheet("Summary")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 6, 18)
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    sheet.write_string(0, 0, spreadsheet_text(replay.name), formats.title)
    facts = (
        ("Replay", str(replay.pk)),
        ("Months", f"{replay.starts_on} to {replay.window.last_day}, both included"),
        ("Record as of", f"{replay.as_of.astimezone(zone):%Y-%m-%d %H:%M %Z}"),
        ("Fingerprint", outcome.fingerprint),
        ("Left out", f"{replay.problems.count()} people, see the replay\u2019s page"),
        ("Made by", made_by),
        ("Made at", f"{made_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"),
    )
    line = 2
    for word, says in facts:
        sheet.write_string(line, 0, word, formats.bold)
        sheet.write_string(line, 1, spreadsheet_text(says))
        line += 1
    for column, word in enumerate(
        ("Alternative", "Currency", "Total", "Change", "Won", "Pairs agreed", "Pairs")
    ):
        sheet.write_string(line + 1, column, word, formats.head)
    line += 2
    for one in found:
        money = formats.money(one.currency)
        for number in (ReplayPay.PAID, ReplayPay.IN_FORCE, *one.alternatives):
            sheet.write_string(line, 0, spreadsheet_text(one.names[number]))
            sheet.write_string(line, 1, one.currency)
            sheet.write_number(line, 2, to_major(one.total(number), one.currency), money)
            if number != ReplayPay.PAID:
                sheet.write_number(line, 3, to_major(one.change(number), one.currency), money)
                sheet.write_number(line, 4, to_major(one.won_minor, one.currency), money)
                agreed = one.agreement(number).pairs
                sheet.write_number(line, 5, agreed.agree)
                sheet.write_number(line, 6, agreed.compared)
            line += 1


def _people(book: Any, formats: Formats, found: ReplayResults) -> None:
    sheet = book.add_worksheet(f"People {found.currency}")
    sheet.freeze_panes(1, 0)
    heads = ["Rep", "Name", "Team", "Role", "Accepted meetings", "Won"]
    heads += [found.names[number] for number in range(len(found.names))]
    heads += [f"Change, {found.names[number]}" for number in found.alternatives]
    for column, word in enumerate(heads):
        sheet.set_column(column, column, 24 if column == 1 else 16)
        sheet.write_string(0, column, spreadsheet_text(word), formats.head)
    money = formats.money(found.currency)
    for line, one in enumerate(found.people, 1):
        sheet.write_number(line, 0, one.rep_id)
        for column, word in ((1, one.name), (2, one.team), (3, one.role)):
            sheet.write_string(line, column, spreadsheet_text(word))
        sheet.write_number(line, 4, one.accepted)
        amounts = [one.won_minor, *one.pay, *(one.change(number) for number in found.alternatives)]
        for column, minor in enumerate(amounts, 5):
            sheet.write_number(line, column, to_major(minor, found.currency), money)


def _figures(book: Any, formats: Formats, replay: Replay) -> None:
    sheet = book.add_worksheet("Figures")
    sheet.freeze_panes(1, 0)
    for column, word in enumerate(COLUMNS[2:]):
        sheet.set_column(column, column, 16)
        sheet.write_string(0, column, word, formats.head)
    names = names_of(replay)
    for line, row in enumerate(rows_of(replay), 1):
        texts: tuple[str | None, ...] = (
            _alternative(row, names), row.measure, row.currency, row.team, None, row.name, row.external_id, row.role,
            row.period, row.key, row.component, row.kind,
        )  # fmt: skip
        sheet.write_number(line, 0, row.alternative)
        for column, said in enumerate(texts, 1):
            if said is None:
                sheet.write_number(line, column, row.rep_id)
            else:
                sheet.write_string(line, column, spreadsheet_text(said))
        sheet.write_number(line, 13, row.events)
        if row.currency:
            sheet.write_number(
                line, 14, to_major(row.amount_minor, row.currency), formats.money(row.currency)
            )
