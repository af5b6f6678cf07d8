"""Files made to do harm: each is refused with what to do, in bounded memory however large it claims to be."""

import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from apps.integrations.readers import MEGABYTE, UnreadableFiles, open_source

pytestmark = pytest.mark.once
BOUND = 50 * MEGABYTE


def _bomb(path: Path) -> None:
    """Says what it unpacks to, and that is too much."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(201):
                sheet.write(b"0" * MEGABYTE)


def _lying_bomb(path: Path) -> None:
    """Says that it is small: both of the sizes it names are changed."""
    _bomb(path)
    data = bytearray(path.read_bytes())
    size = (201 * MEGABYTE).to_bytes(8, "little")
    small = (1000).to_bytes(8, "little")
    path.write_bytes(bytes(data).replace(size, small).replace(size[:4], small[:4]))


def _sparse_sheet(path: Path) -> None:
    """Two cells, a million rows apart."""
    book = openpyxl.Workbook()
    book.active["A1"] = "Email"
    book.active.cell(row=1_000_000, column=400, value="x")
    book.save(path)


def _wide_sheet(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "Email"
    book.active.cell(row=1, column=16_000, value="x")
    book.save(path)


def _many_members(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"xl/{number:06}.xml", b"")


def _text(text: bytes, times: int, before: bytes = b"") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(before)
            for _ in range(times):
                file.write(text)

    return make


HOSTILE = [
    pytest.param("bomb.xlsx", _bomb, "unpacks to more than 200 MB", id="a zip bomb"),
    pytest.param("liar.xlsx", _lying_bomb, "spreadsheet", id="a zip bomb that says it is small"),
    pytest.param("wide.xlsx", _wide_sheet, "There are 16,000 columns; the most is 500", id="a sheet far too wide"),
    pytest.param("sparse.xlsx", _sparse_sheet, "Delete the stray cells", id="two cells a million rows apart"),
    pytest.param("many.xlsx", _many_members, "unpacks to more than 200 MB", id="twenty thousand members"),
    pytest.param("wide.csv", _text(b"a,", 1_000_000), "more than 500 columns", id="a million columns"),
    pytest.param("line.csv", _text(b"x" * MEGABYTE, 19, b"Email\n"), "longer than 1,000,000", id="one endless line"),
    pytest.param("first.csv", _text(b"x" * MEGABYTE, 19), "longer than 1,000,000", id="nothing but one line"),
    pytest.param("huge.csv", _text(b"x" * MEGABYTE, 100), "100.0 MB; the most is", id="a line of 100 MB"),
    pytest.param("null.csv", _text(b"a,b\n", 4_000_000, b"Email\n\x00"), "null byte", id="a null byte"),
    pytest.param("late.csv", _text((b"x" * 99 + b"\n") * 1000, 160), "", id="nothing wrong but its size"),
    pytest.param("really.csv", _bomb, "content is a spreadsheet", id="a spreadsheet called a text file"),
    pytest.param("really.xlsx", _text(b"a,b\n", 10), "content is a text file", id="a text file called a spreadsheet"),
    pytest.param("image.csv", _text(b"\x89PNG\r\n\x1a\n", 1000), "not written in utf-8", id="an image called text"),
    pytest.param("quote.csv", _text(b'x\n', 4_000_000, b'Email\n"'), "never closed", id="a quotation mark without end"),
]  # fmt: skip


@pytest.mark.parametrize("name, make, says", HOSTILE)
def test_is_refused_with_what_to_do_and_in_bounded_memory(
    tmp_path: Path, name: str, make: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / name
    make(path)
    tracemalloc.start()
    try:
        refused = ""
        try:
            for _ in open_source(path, name).rows():
                pass
        except UnreadableFiles as error:
            refused = str(error)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (says in refused) if says else refused == ""
    assert most < BOUND


def test_cells_that_a_spreadsheet_would_run_are_text(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("Email,Note\na@b.example,=cmd|' /C calc'!A0\n")
    assert list(open_source(path, path.name).rows()) == [(2, ["a@b.example", "=cmd|' /C calc'!A0"])]
