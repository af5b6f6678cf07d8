"""Sheets of many plain rows: XlsxWriter's own, with a quick way to write a whole row of text and numbers.

XlsxWriter in constant memory takes seven times as long for a row of cells, most of it in deciding what each cell is.
Here the caller knows. A text becomes an inline string whatever it begins with, a number a number, so no cell of a
row can be a formula. Totals are written by XlsxWriter, with the values that a reader finds without reckoning.
"""

import re
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from apps.core.money import exponent
from apps.core.spreadsheets import spreadsheet_text

MOST_ROWS = 1_000_000
_REMEMBERED = 20_000
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class PlainRows(Worksheet):
    """A worksheet whose rows may be written whole, top down. Only for books in constant memory."""

    def begin_rows(self, row: int) -> None:
        """Put away what was written cell by cell above row ``row`` (from 0): plain rows follow."""
        self._write_single_row(row)

    def put(self, row: int, xml: str) -> None:
        """Write the cells of row ``row`` (from 0), which is below every row written before."""
        self.row_data_fh.write(f'<row r="{row + 1}">{xml}</row>')
        self.dim_rowmax = row
        self.previous_row = row + 1


class RowWriter:
    """Makes the XML of one kind of row: ``kinds`` says of each column whether it is text, a number or money."""

    def __init__(self, kinds: str, currency: str, money_style: Any) -> None:
        """``kinds``: one letter a column, ``t`` text, ``n`` number, ``m`` money in minor units of ``currency``."""
        self._places = exponent(currency)
        self._style = money_style._get_xf_index()
        self._texts: dict[str, str] = {}
        makers: dict[str, Callable[[Any], str]] = {"t": self._text, "n": _number, "m": self._money}
        self._cells = [(str(xl_col_to_name(at)), makers[kind]) for at, kind in enumerate(kinds)]

    def xml(self, row: int, values: Any) -> str:
        """The cells of row ``row`` (from 0). ``None`` and "" leave a cell empty."""
        number = row + 1
        return "".join(
            [
                f'<c r="{name}{number}"{make(value)}'
                for (name, make), value in zip(self._cells, values, strict=True)
                if value is not None and value != ""
            ]
        )

    def _text(self, value: str) -> str:
        known = self._texts.get(value)
        if known is None:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            text = _xml_text(spreadsheet_text(value))
            known = self._texts[value] = f' t="inlineStr"><is><t{_kept_blanks(text)}>{text}</t></is></c>'
        return known

    def _money(self, minor: int) -> str:
        places = self._places
        if not places:
            return f' s="{self._style}"><v>{minor}</v></c>'
        sign, digits = ("-", -minor) if minor < 0 else ("", minor)
        whole, rest = divmod(digits, 10**places)
        return f' s="{self._style}"><v>{sign}{whole}.{rest:0{places}d}</v></c>'


def _number(value: int) -> str:
    return f"><v>{value:d}</v></c>"


def _xml_text(text: str) -> str:
    # The format writes a carriage return as _x000D_, so text that looks like that is told apart from it.
    told_apart = _LOOKS_ESCAPED.sub("_x005F_", text) if "_x" in text else text
    return escape(told_apart, {"\r": "_x000D_", "\ufffe": "", "\uffff": ""})


def _kept_blanks(text: str) -> str:
    return ' xml:space="preserve"' if text != text.strip() or "\n" in text or "\t" in text else ""
