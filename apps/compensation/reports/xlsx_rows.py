"""Sheets of many plain rows: XlsxWriter's own, with a quick way to write a whole row of text and numbers.

XlsxWriter in constant memory takes seven times as long for a row of cells, most of it in deciding what each cell is.
Here the caller knows. A text becomes an inline string whatever it begins with, a number a number, so no cell of a
row can be a formula. Totals are written by XlsxWriter, with the values that a reader finds without reckoning.

The XML of the rows lies in a file of the sheet's own until the book is closed, and goes from there into the archive:
XlsxWriter would write it out a second time, and press it at a level that takes thrice as long for a tenth less.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from apps.core.money import exponent
from apps.core.spreadsheets import spreadsheet_text

MOST_ROWS = 1_000_000
_REMEMBERED = 20_000
_HERE = "\0"
_EMPTY = "/>"
_AT_ONCE = 256
_LEVEL = 3
_BLOCK = 256 * 1024
_DATED = (1980, 1, 1, 0, 0, 0)
_ORDINARY = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z_ .,:;/()-]*[0-9A-Za-z_.,:;/()-])?")
_IN_XML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "_x000D_", "\ufffe": None, "\uffff": None}
)
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class PlainRows(Worksheet):
    """A worksheet whose rows may be written whole, top down. Only for a ``Book`` in constant memory."""

    rows_stand_at = 0

    def begin_rows(self, row: int) -> None:
        """Put away what was written cell by cell above row ``row`` (from 0): plain rows follow."""
        self._write_single_row(row)

    def put(self, row: int, rows: Iterable[Sequence[Any]], writer: "RowWriter") -> int:
        """Write ``rows`` from row ``row`` (from 0) on, below all that was written; returns the row after them."""
        self.row_data_fh.flush()
        rows, write, xml = iter(rows), self.row_data_fh.buffer.write, writer.xml
        while batch := list(islice(rows, _AT_ONCE)):
            write("".join([xml(at, values) for at, values in enumerate(batch, row)]).encode())
            row += len(batch)
            self.dim_rowmax = row - 1
            self.previous_row = row
        return row

    def copy_into(self, target: IO[bytes], assembled: Path) -> None:
        """Write the sheet whole: what XlsxWriter ``assembled`` before the rows, the rows, and what stands behind."""
        with assembled.open("rb") as around:
            target.write(around.read(self.rows_stand_at))
            with Path(self.row_data_filename).open("rb") as rows:
                shutil.copyfileobj(rows, target, _BLOCK)
            shutil.copyfileobj(around, target, _BLOCK)
        Path(self.row_data_filename).unlink()

    def _write_optimized_sheet_data(self) -> None:
        self.row_data_fh.close()
        self._xml_start_tag("sheetData")
        self.fh.flush()
        self.rows_stand_at = self.fh.buffer.tell()
        self._xml_end_tag("sheetData")


class Book(Workbook):
    """A workbook whose archive takes the rows of ``PlainRows`` from where they lie."""

    def _store_workbook(self) -> None:
        # XlsxWriter's own, for books without charts, pictures, tables and macros, but for the archive.
        if not self.worksheets():
            self.add_worksheet()
        first = self.worksheet_meta.activesheet
        for sheet in self.worksheets():
            sheet.active = int(sheet.index == first)
            sheet.selected = sheet.selected or sheet.active
        self._prepare_sst_string_data()
        self._prepare_vml()
        self._prepare_defined_names()
        self._prepare_drawings()
        self._prepare_metadata()
        packager = self._get_packager()
        packager._add_workbook(self)
        packager._set_tmpdir(self.tmpdir)
        packager._set_in_memory(in_memory=False)
        plain = {
            f"xl/worksheets/sheet{number}.xml": sheet
            for number, sheet in enumerate(self.worksheets(), 1)
            if isinstance(sheet, PlainRows)
        }
        with ZipFile(self.filename, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
            for name, inside, _ in packager._create_package():
                part = ZipInfo(inside, _DATED)
                part.compress_type = ZIP_DEFLATED
                # The archive's own level is not asked where a part brings its description with it.
                part._compresslevel = _LEVEL  # type: ignore[attr-defined]
                with archive.open(part, "w", force_zip64=inside in plain) as target:
                    if inside in plain:
                        plain[inside].copy_into(target, Path(name))
                    else:
                        target.write(Path(name).read_bytes())
                Path(name).unlink()


class RowWriter:
    """Makes the XML of one kind of row: ``kinds`` says of each column whether it is text, a number or money."""

    def __init__(self, kinds: str, currency: str, money_style: Any, *, repeated: int = 0) -> None:
        """``kinds``: one letter a column, ``t`` text, ``n`` number, ``m`` money in minor units of ``currency``.

        ``repeated`` columns at the front say the same for many rows behind one another: they are made once.
        """
        money = _Money(currency, money_style._get_xf_index())
        makers: dict[str, Callable[[Any], str]] = {
            "t": _Texts().__getitem__,
            "n": _Numbers().__getitem__,
            "m": money,
        }
        made = [makers[kind] for kind in kinds]
        self._repeated = repeated
        self._front, self._makers = made[:repeated], made[repeated:]
        # The number of the row stands for itself until the end: no text has this letter.
        cells = [f'<c r="{xl_col_to_name(at)}{_HERE}"%s' for at in range(len(kinds))]
        self._begin = f'<row r="{_HERE}">' + "".join(cells[:repeated])
        self._end = "".join(cells[repeated:]) + "</row>"
        self._said: Sequence[Any] | None = None
        self._saying = ""

    def xml(self, row: int, values: Sequence[Any]) -> str:
        """Row ``row`` (from 0) of a value for each column. ``None`` and "" leave a cell empty."""
        said = values[: self._repeated]
        if said != self._said:
            self._saying = self._begin % tuple([m(v) for m, v in zip(self._front, said, strict=True)])
            self._said = said
        rest = tuple([m(v) for m, v in zip(self._makers, values[self._repeated :], strict=True)])
        return (self._saying + self._end % rest).replace(_HERE, str(row + 1))


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
