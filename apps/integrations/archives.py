"""Look into a spreadsheet's archive before anything of it is taken: what it unpacks to, how far its cells reach.

An archive may say less than it holds, and a sheet with two cells may claim a million columns: neither is believed.
"""

import re
import struct
import zipfile
import zlib
from pathlib import Path

MEGABYTE = 1024 * 1024
MAX_UNPACKED = 200 * MEGABYTE
MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
MAX_MEMBERS = 5_000
_MAX_LISTING = MEGABYTE
_PIECE = 1 << 18
_LONGEST_MARK = 64
_ROOM = 2_000_000
"""Cells that a sheet may reach over whatever it holds; beyond that it must fill a twentieth of them."""
_FILLED = 20

_END = b"PK\x05\x06"
_CELL = re.compile(rb'<c\s[^>]{0,40}?\br="([A-Z]{1,7})(\d{1,9})"')
_DAMAGED = "The spreadsheet is damaged. Save it again."
_TOO_MUCH = f"The spreadsheet unpacks to more than {MAX_UNPACKED // MEGABYTE} MB. Export it as CSV."


class UnsafeArchive(ValueError):
    """Why the archive is not opened."""


def check_archive(path: Path) -> None:
    """Raise ``UnsafeArchive`` for what would take too much memory. Holds a piece of it at a time."""
    _check_listing(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(one.file_size for one in members) > MAX_UNPACKED:
                raise UnsafeArchive(_TOO_MUCH)
            left = MAX_UNPACKED
            for member in members:
                left = _unpack(archive, member, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise UnsafeArchive(_DAMAGED) from None


def _check_listing(path: Path) -> None:
    """The list of what is in it is read whole by whoever opens it: a long one is refused unread."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 66_000))
        end = file.read()
    place = end.rfind(_END)
    if place < 0 or len(end) - place < 22:
        raise UnsafeArchive(_DAMAGED)
    (listing,) = struct.unpack("<I", end[place + 12 : place + 16])
    if listing > _MAX_LISTING:
        raise UnsafeArchive(_TOO_MUCH)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> int:
    """Unpack one member into nothing, piece by piece; how much more may come."""
    sheet = _Reach() if member.filename.startswith("xl/worksheets/") else None
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise UnsafeArchive(_TOO_MUCH)
            if sheet is not None:
                sheet.see(piece)
    return left


class _Reach:
    """How far the cells of a sheet reach, and how many there are."""

    def __init__(self) -> None:
        self.rows = self.columns = self.cells = 0
        self._rest = b""

    def see(self, piece: bytes) -> None:
        text = self._rest + piece
        last = 0
        for found in _CELL.finditer(text):
            self.cells += 1
            last = found.end()
            self.rows = max(self.rows, int(found[2]))
            self.columns = max(self.columns, _column(found[1]))
        self._rest = text[max(last, len(text) - _LONGEST_MARK) :]
        self._refuse()

    def _refuse(self) -> None:
        if self.columns > MAX_COLUMNS:
            raise UnsafeArchive(f"There are {self.columns:,} columns; the most is {MAX_COLUMNS}.")
        if self.rows > MAX_ROWS + 1:
            raise UnsafeArchive(f"There are more than {MAX_ROWS:,} rows. Split the file.")
        if self.rows * self.columns > max(_ROOM, _FILLED * self.cells):
            raise UnsafeArchive(
                f"Its cells reach over {self.columns} columns and {self.rows:,} rows, and hardly any is filled. "
                "Delete the stray cells, or export it as CSV."
            )


def _column(letters: bytes) -> int:
    """``A`` is 1, ``AA`` 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
