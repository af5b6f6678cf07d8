"""What a layout of the payroll file says, read strictly: columns in their order, and how figures are written. Pure.

A layout is JSON (``docs/finance.md``); everything that is wrong is reported at once, each by its place. A file has
one row for each rep and currency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.core.money import to_major
from apps.core.spreadsheets import spreadsheet_text

TEXT, DATE, NUMBER, MONEY = "text", "date", "number", "money"

FIELDS: dict[str, tuple[str, str]] = {
    "external_id": ("External id", TEXT),
    "name": ("Name", TEXT),
    "rep": ("Rep number", NUMBER),
    "role": ("Role", TEXT),
    "team": ("Team", TEXT),
    "agency": ("Agency", TEXT),
    "plan": ("Plan", TEXT),
    "currency": ("Currency", TEXT),
    "payable": ("Payable", MONEY),
    "earned": ("Earned", MONEY),
    "adjustments": ("Adjustments", MONEY),
    "lines": ("Lines", NUMBER),
    "run": ("Run", TEXT),
    "period_start": ("First day", DATE),
    "period_end": ("Last day", DATE),
    "statement": ("Statement number", NUMBER),
    "fingerprint": ("Fingerprint", TEXT),
}
CONSTANT = "constant"
DELIMITERS = {";": "Semicolon", ",": "Comma", "\t": "Tab", "|": "Bar"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a mark, for Excel",
    "cp1252": "Windows-1252",
    "iso-8859-15": "ISO 8859-15",
    "utf-16": "UTF-16",
}
DECIMAL_SIGNS = {".": "Point, 1234.50", ",": "Comma, 1234,50", "": "None, minor units: 123450"}
DATES = {
    "%Y-%m-%d": "2026-10-31",
    "%d.%m.%Y": "31.10.2026",
    "%d/%m/%Y": "31/10/2026",
    "%m/%d/%Y": "10/31/2026",
    "%Y%m%d": "20261031",
}
MOST_COLUMNS, LONGEST_TITLE, LONGEST_CONSTANT = 40, 60, 60
_OPTIONS = {"delimiter": DELIMITERS, "encoding": ENCODINGS, "decimal": DECIMAL_SIGNS, "date": DATES}
_TRUTHS = ("header", "control_row")


class NotALayout(ValueError):
    """``problems``: everything that is wrong, by its place."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place}: {says}" for place, says in problems))
        self.problems = problems


@dataclass(frozen=True)
class Column:
    """One column: a field of ``FIELDS`` under a title, or a constant."""

    field: str
    title: str
    value: str = ""

    @property
    def kind(self) -> str:
        return TEXT if self.field == CONSTANT else FIELDS[self.field][1]

    def as_document(self) -> dict[str, str]:
        kept = {"field": self.field, "title": self.title}
        return {**kept, "value": self.value} if self.field == CONSTANT else kept


@dataclass(frozen=True)
class Layout:
    """A whole layout. ``decimal`` is the sign, or empty for integer minor units."""

    columns: tuple[Column, ...]
    delimiter: str = ";"
    encoding: str = "utf-8"
    decimal: str = "."
    date: str = "%Y-%m-%d"
    header: bool = True
    control_row: bool = False

    def as_document(self) -> dict[str, Any]:
        """The layout as JSON, as ``read_layout`` takes it."""
        return {
            "columns": [one.as_document() for one in self.columns],
            "delimiter": self.delimiter,
            "encoding": self.encoding,
            "decimal": self.decimal,
            "date": self.date,
            "header": self.header,
            "control_row": self.control_row,
        }


DEFAULT = Layout(
    tuple(
        Column(field, FIELDS[field][0])
        for field in (
            "external_id",
            "name",
            "team",
            "currency",
            "payable",
            "period_start",
            "period_end",
            "run",
        )
    )
)


def read_layout(document: Any) -> Layout:
    """The layout that ``document`` says. Raises ``NotALayout`` with everything that is wrong."""
    problems: list[tuple[str, str]] = []
    if not isinstance(document, dict):
        raise NotALayout([("layout", "A layout is an object with columns.")])
    for key in sorted(set(document) - {"columns", *_OPTIONS, *_TRUTHS}):
        problems.append((str(key), "This is no part of a layout."))
    columns = _columns(document.get("columns"), problems)
    options: dict[str, Any] = {}
    for key, known in _OPTIONS.items():
        if key in document:
            if not isinstance(document[key], str) or document[key] not in known:
                problems.append((key, f"Choose one of: {', '.join(known.values())}."))
            else:
                options[key] = document[key]
    for key in _TRUTHS:
        if key in document:
            if not isinstance(document[key], bool):
                problems.append((key, "Say yes or no."))
            else:
                options[key] = document[key]
    if not problems and options.get("delimiter", ";") == options.get("decimal", "."):
        problems.append(("decimal", "The comma cannot both part the columns and stand in the figures."))
    if problems:
        raise NotALayout(problems)
    return Layout(tuple(columns), **options)


def _columns(given: Any, problems: list[tuple[str, str]]) -> list[Column]:
    if not isinstance(given, list) or not given:
        problems.append(("columns", "A file has at least one column."))
        return []
    if len(given) > MOST_COLUMNS:
        problems.append(("columns", f"A file has at most {MOST_COLUMNS} columns."))
        return []
    found = [_column(one, f"columns[{at}]", problems) for at, one in enumerate(given)]
    if not {"payable"} & {one.field for one in found if one}:
        problems.append(
            ("columns", "Without the payable amount nobody is paid by this file: add that column.")
        )
    return [one for one in found if one is not None]


def _column(given: Any, place: str, problems: list[tuple[str, str]]) -> Column | None:
    field = given.get("field") if isinstance(given, dict) else None
    if field not in FIELDS and field != CONSTANT:
        problems.append((f"{place}.field", "Choose one of the fields, or a constant."))
        return None
    title, value = given.get("title", ""), given.get("value", "")
    if (
        not isinstance(title, str)
        or not title.strip()
        or len(title) > LONGEST_TITLE
        or not title.isprintable()
    ):
        problems.append((f"{place}.title", f"Give the column a title of at most {LONGEST_TITLE} letters."))
        return None
    if field == CONSTANT and (
        not isinstance(value, str) or len(value) > LONGEST_CONSTANT or not value.isprintable()
    ):
        problems.append(
            (f"{place}.value", f"A constant has at most {LONGEST_CONSTANT} letters, in one line.")
        )
        return None
    return Column(field, title.strip(), value if field == CONSTANT else "")


def cells(layout: Layout, row: Mapping[str, Any]) -> list[str]:
    """One row of the file: texts neutralised, dates and figures as the layout says. Money comes in minor units."""
    return [_cell(layout, column, row) for column in layout.columns]


def _cell(layout: Layout, column: Column, row: Mapping[str, Any]) -> str:
    if column.field == CONSTANT:
        return spreadsheet_text(column.value)
    value = row[column.field]
    if column.kind == MONEY:
        return figure(layout, value, row["currency"])
    if column.kind == DATE:
        assert isinstance(value, date)
        return value.strftime(layout.date)
    return str(value) if column.kind == NUMBER else spreadsheet_text(value)


def figure(layout: Layout, minor: int, currency: str) -> str:
    """An amount with the layout's decimal sign; integer minor units without one."""
    return str(to_major(minor, currency)).replace(".", layout.decimal) if layout.decimal else str(minor)


def control_row(layout: Layout, currency: str, rows: int, sums: Mapping[str, int]) -> list[str]:
    """The closing row of a currency: the number of rows in the first text column, the sums in those of money."""
    found = []
    said = False
    for column in layout.columns:
        if column.kind == MONEY:
            found.append(figure(layout, sums[column.field], currency))
        elif column.field == "currency":
            found.append(currency)
        elif column.kind == TEXT and not said:
            found.append(f"CONTROL {rows}")
            said = True
        else:
            found.append("")
    return found


def titles(layout: Layout) -> list[str]:
    return [spreadsheet_text(one.title) for one in layout.columns]


def unwritable(layout: Layout, lines: Iterable[Iterable[str]]) -> int | None:
    """The number (from 1) of the first row with a letter that the layout's encoding lacks; ``None`` when all fit."""
    for number, line in enumerate(lines, 1):
        try:
            "".join(line).encode(layout.encoding)
        except UnicodeEncodeError:
            return number
    return None
