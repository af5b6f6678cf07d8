"""Sheets of many plain rows: XlsxWriter's own, with a quick way to write a whole row of text and numbers.

XlsxWriter in constant memory takes seven times as long for a row of cells, most of it in deciding what each cell is.
Here the caller knows. A text becomes an inline string whatever it begins with, a number a number, so no cell of a
row can be a formula. Totals are written by XlsxWriter, with the values that a reader finds without reckoning.
"""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from apps.core.money import exponent
from apps.core.spreadsheets import spreadsheet_text

MOST_ROWS = 1_000_000
_REMEMBERED = 20_000
_HERE = "\0"
_EMPTY = "/>"
_AT_ONCE = 256
_ORDINARY = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z_ .,:;/()-]*[0-9A-Za-z_.,:;/()-])?")
_IN_XML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "_x000D_", "\ufffe": None, "\uffff": None}
)
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class PlainRows(Worksheet):
    """A worksheet whose rows may be written whole, top down. Only for books in constant memory."""

    def begin_rows(self, row: int) -> None:
        """Put away what was written cell by cell above row ``row`` (from 0): plain rows follow."""
        self._write_single_row(row)

    def put(self, row: int, rows: Iterable[Iterable[Any]], writer: "RowWriter") -> int:
        """Write ``rows`` from row ``row`` (from 0) on, below all that was written; returns the row after them."""
        rows, write, xml = iter(rows), self.row_data_fh.write, writer.xml
        while batch := list(islice(rows, _AT_ONCE)):
            write("".join([xml(at, values) for at, values in enumerate(batch, row)]))
            row += len(batch)
            self.dim_rowmax = row - 1
            self.previous_row = row
        return row


class RowWriter:
    """Makes the XML of one kind of row: ``kinds`` says of each column whether it is text, a number or money."""

    def __init__(self, kinds: str, currency: str, money_style: Any) -> None:
        """``kinds``: one letter a column, ``t`` text, ``n`` number, ``m`` money in minor units of ``currency``."""
        money = _Money(currency, money_style._get_xf_index())
        makers: dict[str, Callable[[Any], str]] = {
            "t": _Texts().__getitem__,
            "n": _Numbers().__getitem__,
            "m": money,
        }
        self._makers = [makers[kind] for kind in kinds]
        # The number of the row stands for itself until the end: no text has this letter.
        cells = "".join(f'<c r="{xl_col_to_name(at)}{_HERE}"%s' for at in range(len(kinds)))
        self._row = f'<row r="{_HERE}">{cells}</row>'

    def xml(self, row: int, values: Iterable[Any]) -> str:
        """Row ``row`` (from 0) of a value for each column. ``None`` and "" leave a cell empty."""
        cells = [make(value) for make, value in zip(self._makers, values, strict=True)]
        return (self._row % tuple(cells)).replace(_HERE, str(row + 1))


class _Texts(dict[Any, str]):
    """The rest of a text's cell behind its address; what was asked for lately is remembered."""

    def __missing__(self, value: Any) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        if value is None or value == "":
            made = _EMPTY
        elif _ORDINARY.fullmatch(value) and "_x" not in value:
            # Nothing that a spreadsheet runs, nor that XML or the format writes in another way.
            made = f' t="inlineStr"><is><t>{value}</t></is></c>'
        else:
            text = _xml_text(spreadsheet_text(value))
            made = f' t="inlineStr"><is><t{_kept_blanks(text)}>{text}</t></is></c>'
        self[value] = made
        return made


class _Numbers(dict[Any, str]):
    """The rest of an integer's cell; what was asked for lately is remembered."""

    def __missing__(self, value: Any) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        made = self[value] = _EMPTY if value is None or value == "" else f"><v>{value:d}</v></c>"
        return made


class _Money:
    """The rest of an amount's cell: the digits of the minor units with a point, never through a float."""

    def __init__(self, currency: str, style: int) -> None:
        self._places = exponent(currency)
        self._begin = f' s="{style}"><v>'

    def __call__(self, minor: int) -> str:
        places = self._places
        if not places:
            return f"{self._begin}{minor:d}</v></c>"
        digits = f"{abs(minor):0{places + 1}d}"
        sign = "-" if minor < 0 else ""
        return f"{self._begin}{sign}{digits[:-places]}.{digits[-places:]}</v></c>"


def _xml_text(text: str) -> str:
    # The format writes a carriage return as _x000D_, so text that looks like that is told apart from it.
    told_apart = _LOOKS_ESCAPED.sub("_x005F_", text) if "_x" in text else text
    return told_apart.translate(_IN_XML)


def _kept_blanks(text: str) -> str:
    return ' xml:space="preserve"' if text != text.strip() or "\n" in text or "\t" in text else ""
