"""Files of pay read back by readers that are not the writer: sums by rep and currency, in minor units."""

import csv
import re
import subprocess
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
from python_calamine import CalamineWorkbook

from apps.core.money import exponent

Sums = dict[tuple[int, str], int]


def minor(value: Any, currency: str) -> int:
    """A figure as minor units; a cell's float is read at the currency's own places."""
    scaled = Decimal(repr(value) if isinstance(value, float) else str(value)).scaleb(exponent(currency))
    nearest = int(scaled.to_integral_value())
    assert abs(scaled - nearest) < Decimal("0.0001"), value
    return nearest


def of_csv(path: Path, *, rep: str, currency: str, amount: str, **how: Any) -> Sums:
    found: Sums = defaultdict(int)
    encoding, decimal = how.pop("encoding", "utf-8"), how.pop("decimal", ".")
    with path.open(encoding=encoding, newline="") as file:
        for row in csv.DictReader(file, **how):
            key = int(row[rep]), row[currency]
            found[key] += minor(row[amount].replace(decimal, "."), row[currency])
    return dict(found)


def of_xlsx(path: Path, *, rep: str, amount: str) -> Sums:
    """By openpyxl and calamine, which must agree; the total of each sheet must be its sum."""
    book = openpyxl.load_workbook(path, data_only=True)
    by_openpyxl = {name: [[cell.value for cell in row] for row in book[name]] for name in book.sheetnames}
    other = CalamineWorkbook.from_path(path)
    by_calamine = {name: other.get_sheet_by_name(name).to_python() for name in other.sheet_names}
    first, second = _sheets(by_openpyxl, rep, amount), _sheets(by_calamine, rep, amount)
    assert first == second
    return first


def _sheets(sheets: dict[str, list[list[Any]]], rep: str, amount: str) -> Sums:
    found: Sums = defaultdict(int)
    for name, (head, *rows) in sheets.items():
        if name == "Summary":
            continue
        currency, at, of = name[:3], head.index(amount), head.index(rep)
        total = 0
        for row in rows:
            if row[of] in (None, ""):
                assert minor(row[at], currency) == total
                continue
            found[int(row[of]), currency] += minor(row[at], currency)
            total += minor(row[at], currency)
    return dict(found)


def pdf_text(path: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True)
    return done.stdout.decode()


def pdf_totals(path: Path, heading: str) -> dict[str, int]:
    """The totals of one part of the report, by currency: the last figure of each line that begins with Total."""
    text = pdf_text(path)
    part = text[text.rindex(heading) :]
    found = {}
    for line in part.splitlines():
        if match := re.match(r"\s*Total ([A-Z]{3}) .*?([−-]?[\d,]+(?:\.\d+)?)\s*$", line):
            currency, figure = match.groups()
            found.setdefault(currency, minor(figure.replace(",", "").replace("−", "-"), currency))
    return found


def rows_of_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
