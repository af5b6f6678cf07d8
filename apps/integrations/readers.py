"""Open a file of an import and give its header and rows, or say why it cannot be read.

CSV in a stated or recognised encoding, XLSX through calamine. Everything is checked before it is unpacked:
size, what the bytes are, the number of rows and columns. Which column means what is not known here.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain
from pathlib import Path

from django.conf import settings
from python_calamine import CalamineError, CalamineWorkbook

from apps.core.errors import DomainError
from apps.integrations.archives import MAX_COLUMNS, MAX_ROWS, UnsafeArchive, check_archive

MEGABYTE = 1024 * 1024

Cell = str | datetime
Row = tuple[int, list[Cell]]


def max_bytes() -> int:
    """The most that one file may weigh (``IMPORT_MAX_FILE_BYTES``; 20 MB unless set)."""
    return settings.IMPORT_MAX_FILE_BYTES


@dataclass(frozen=True)
class Fault:
    """Why a whole file cannot be read: where, what is wrong, what to do."""

    file: str
    says: str
    row: int | None = None
    column: str = ""

    def __str__(self) -> str:
        where = f", row {self.row}" if self.row else ""
        where += f", column {self.column}" if self.column else ""
        return f"{self.file}{where}: {self.says}"


class UnreadableFiles(DomainError):
    """One file at least cannot be read as a whole, so nothing of the import is."""

    code = "unreadable_files"
    status = 400

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass
class Source:
    """An opened file. Unnamed columns are called ``#8`` by their place; rows count as in a spreadsheet."""

    name: str
    header: list[str]
    encoding: str
    delimiter: str
    _rows: Iterator[Row]
    lost_characters: int = 0

    def rows(self) -> Iterator[Row]:
        """(row number, cells) of each row that is not empty. Once only."""
        return self._rows


def _refuse(name: str, says: str, row: int | None = None, column: str = "") -> UnreadableFiles:
    return UnreadableFiles([Fault(name, says, row, column)])


def open_source(
    path: Path, name: str, *, encoding: str = "auto", delimiter: str = "", sheet: str = ""
) -> Source:
    """The file at ``path``, called ``name``. Raises ``UnreadableFiles``; memory and time are bounded."""
    size = path.stat().st_size
    if size == 0:
        raise _refuse(name, "The file is empty. Export it again.")
    if size > max_bytes():
        most = max_bytes() // MEGABYTE
        raise _refuse(name, f"The file has {size / MEGABYTE:,.1f} MB; the most is {most} MB. Split it.")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refuse(name, "This is an old Excel file. Save it as .xlsx or as CSV (UTF-8).")
    spreadsheet = start.startswith(b"PK")
    if spreadsheet != name.lower().endswith((".xlsx", ".xlsm")):
        is_a, called = ("a spreadsheet", "a text file") if spreadsheet else ("a text file", "a spreadsheet")
        raise _refuse(name, f"The content is {is_a}, though its name says {called}. Export it again.")
    return _spreadsheet(path, name, sheet) if spreadsheet else _text(path, name, encoding, delimiter)


# --- CSV ------------------------------------------------------------------------------------------


MAX_LINE = 1_000_000
"""Characters of one line, as it stands in the file: no more of a file than this is ever held at once."""

MARKS = (",", ";", "\t", "|")

_PIECE = 1 << 20


def _codec(path: Path, encoding: str) -> tuple[str, str]:
    """The encoding, and the codec that reads it. ``auto`` is UTF-8 unless a byte-order mark says otherwise.

    Nothing is guessed beyond that: a wrong guess would turn names into others without anybody noticing.
    """
    if encoding == "auto":
        with path.open("rb") as file:
            utf16 = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
        encoding = "utf-16" if utf16 else "utf-8"
    return encoding, "utf-8-sig" if encoding == "utf-8" else encoding


def _scan(path: Path, name: str, encoding: str, codec: str) -> int:
    """Go over the whole text once, piece by piece: it must decode and hold no null byte. Counts what was lost."""
    decoder = codecs.getincrementaldecoder(codec)()
    row, place, lost = 1, 0, 0
    with path.open("rb") as file:
        while True:
            piece = file.read(_PIECE)
            before = decoder.getstate()
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeError as error:
                raise _undecodable(name, encoding, codec, before, piece, error, row, place) from None
            if (null := text.find("\x00")) >= 0:
                says = "There is a null byte: the file is damaged or no text. Export it again as CSV (UTF-8)."
                raise _refuse(name, says, row + text.count("\n", 0, null))
            row += text.count("\n")
            lost += text.count("\ufffd")
            place += len(piece)
            if not piece:
                return lost


def _undecodable(
    name: str,
    encoding: str,
    codec: str,
    before: tuple[bytes, int],
    piece: bytes,
    error: UnicodeError,
    row: int,
    place: int,
) -> UnreadableFiles:
    """Which byte does not fit, counted from the beginning of the file, and in which row it stands."""
    if not isinstance(error, UnicodeDecodeError):
        return _refuse(name, f"It is not written in {encoding}. Export it as UTF-8.")
    # What the decoder had kept of the piece before comes first in what it could not read.
    kept = before[0]
    good = codecs.getincrementaldecoder(codec)()
    good.setstate(before)
    text = good.decode(piece[: max(0, error.start - len(kept))])
    byte = place - len(kept) + error.start + 1
    hint = "Export it as UTF-8"
    if encoding == "utf-8":
        hint += ', or name its encoding in the mapping (Windows: "encoding": "cp1252")'
    says = f"It is not written in {encoding}: byte {byte:,} does not fit. {hint}."
    return _refuse(name, says, row + text.count("\n"))


def _lines(path: Path, name: str, codec: str) -> Iterator[str]:
    """The lines of a text, one at a time; one that is longer than any row is refused before it is held."""
    with path.open("r", encoding=codec, newline="") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                if number == 1 and max(map(line.count, MARKS)) > MAX_COLUMNS:
                    raise _refuse(
                        name, f"There are more than {MAX_COLUMNS} columns. Leave out those not needed.", 1
                    )
                says = (
                    f"A line is longer than {MAX_LINE:,} characters. Look for line ends that were lost, and "
                    "export it again."
                )
                raise _refuse(name, says, number)
            yield line


def sniffed(first: str) -> str:
    """The delimiter of the first line, out of comma, semicolon, tab and bar: the one that cuts it most."""
    counts = {mark: first.count(mark) for mark in MARKS}
    if max(counts.values()) <= MAX_COLUMNS:
        counts = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in counts}
    return max(counts, key=lambda mark: counts[mark])


def _text(path: Path, name: str, encoding: str, delimiter: str) -> Source:
    encoding, codec = _codec(path, encoding)
    lost = _scan(path, name, encoding, codec)
    lines = _lines(path, name, codec)
    first = next(lines, "")
    delimiter = delimiter or sniffed(first)
    if (columns := first.count(delimiter) + 1) > MAX_COLUMNS and '"' not in first:
        raise _too_many(name, columns)
    try:
        reader = csv.reader(chain([first], lines), delimiter=delimiter)
        header = _header(name, next(reader, []))
    except csv.Error:
        raise _refuse(name, "The first row cannot be read as column names. Export it again.", 1) from None
    return Source(name, header, encoding, delimiter, _csv_rows(name, reader), lost)


def _too_many(name: str, columns: int) -> UnreadableFiles:
    return _refuse(name, f"There are {columns:,} columns; the most is {MAX_COLUMNS}.", 1)


def _csv_rows(name: str, reader: Iterator[list[str]]) -> Iterator[Row]:
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            says = (
                "A cell is longer than 131,072 characters. Look for a quotation mark that is never closed."
                if "field larger" in str(error)
                else "The row cannot be taken apart. Look for a stray quotation mark or line break."
            )
            raise _refuse(name, says, number) from None
        _check_rows(name, number)
        if any(cell.strip() for cell in cells):
            yield number, list(cells)


def _check_rows(name: str, number: int) -> None:
    if number > MAX_ROWS + 1:
        raise _refuse(name, f"There are more than {MAX_ROWS:,} rows. Split the file.", number)


def _header(name: str, cells: Sequence[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise _too_many(name, len(cells))
    header = [str(cell).strip() or f"#{place}" for place, cell in enumerate(cells, 1)]
    if not any(str(cell).strip() for cell in cells):
        raise _refuse(name, "The first row holds no column names. The file must begin with them.", 1)
    twice = next((one for one in header if header.count(one) > 1), "")
    if twice:
        raise _refuse(name, "Two columns have this name. Rename one of them.", 1, twice)
    return header


# --- XLSX -----------------------------------------------------------------------------------------


def _spreadsheet(path: Path, name: str, sheet: str) -> Source:
    try:
        check_archive(path)
    except UnsafeArchive as error:
        raise _refuse(name, str(error)) from None
    try:
        book = CalamineWorkbook.from_path(str(path))
        if sheet and sheet not in book.sheet_names:
            raise _refuse(name, f"There is no sheet {sheet!r}. There are {', '.join(book.sheet_names)}.")
        table = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
        rows = table.to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError):
        raise _refuse(name, "The spreadsheet cannot be read. Save it again as .xlsx or CSV.") from None
    if not rows:
        raise _refuse(name, "The sheet is empty. Export it again.")
    header = _header(name, [str(_as_cell(value)) for value in rows[0]])
    return Source(name, header, "xlsx", "", _sheet_rows(name, rows[1:]))


def _sheet_rows(name: str, rows: Sequence[Sequence[object]]) -> Iterator[Row]:
    for number, values in enumerate(rows, 2):
        _check_rows(name, number)
        cells = [_as_cell(value) for value in values]
        if any(cells):
            yield number, cells


def _as_cell(value: object) -> Cell:
    """What calamine gives, as a text or (where the sheet has a true date) as a naive instant."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone is added later
    if isinstance(value, (time, timedelta)):
        return str(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        # Sixteen digits at most stand in a spreadsheet: repr gives back what was typed.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return "" if value is None else str(value)
