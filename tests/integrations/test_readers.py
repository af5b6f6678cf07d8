"""Opening files: what can be read, and what is refused as a whole, by name and place."""

import codecs
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from apps.integrations.readers import MEGABYTE, UnreadableFiles, open_source

TEXT = "Name,Amount\nJürgen,1\nZoë,2\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes, str], Path]:
    def write(data: bytes, name: str = "Leads.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def _refusal(path: Path, **more: str) -> str:
    with pytest.raises(UnreadableFiles) as refused:
        list(open_source(path, path.name, **more).rows())
    return str(refused.value)


class TestText:
    @pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
    def test_encodings_that_say_what_they_are_are_read(self, write: Callable, codec: str) -> None:
        source = open_source(write(TEXT.encode(codec)), "Leads.csv")
        assert source.header == ["Name", "Amount"]
        assert list(source.rows()) == [(2, ["Jürgen", "1"]), (3, ["Zoë", "2"])]

    def test_big_endian_is_read_by_its_mark(self, write: Callable) -> None:
        data = codecs.BOM_UTF16_BE + TEXT.replace(",", "\t").encode("utf-16-be")
        source = open_source(write(data), "Leads.csv")
        assert source.delimiter == "\t"
        assert next(source.rows()) == (2, ["Jürgen", "1"])

    def test_another_encoding_is_never_guessed(self, write: Callable) -> None:
        path = write(TEXT.encode("cp1252"))
        says = _refusal(path)
        assert "Leads.csv, row 2" in says
        assert "byte 14" in says
        assert '"encoding": "cp1252"' in says
        source = open_source(path, path.name, encoding="cp1252")
        assert next(source.rows()) == (2, ["Jürgen", "1"])

    def test_null_bytes_are_named_with_their_row(self, write: Callable) -> None:
        assert "row 3: There is a null byte" in _refusal(write(b"A,B\n1,2\n3,\x004\n"))

    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found_in_the_first_row(self, write: Callable, mark: str) -> None:
        source = open_source(write(f"a{mark}b{mark}c\n1{mark}2{mark}3\n".encode()), "x.csv")
        assert source.delimiter == mark
        assert next(source.rows()) == (2, ["1", "2", "3"])

    def test_line_breaks_in_cells_and_empty_rows_keep_the_count_of_a_spreadsheet(
        self, write: Callable
    ) -> None:
        source = open_source(write(b'A,B\n1,"two\nlines"\n,\n\n3,4\n'), "x.csv")
        assert list(source.rows()) == [(2, ["1", "two\nlines"]), (5, ["3", "4"])]

    def test_unnamed_columns_are_called_by_their_place(self, write: Callable) -> None:
        assert open_source(write(b"A,,B,\n1,2,3,4\n"), "x.csv").header == ["A", "#2", "B", "#4"]

    def test_a_quotation_mark_that_is_never_closed_is_named(self, write: Callable) -> None:
        data = b'A,B\n1,2\n3,"' + b"x" * 200_000
        assert "row 3: A cell is longer than 131,072 characters" in _refusal(write(data))

    @pytest.mark.parametrize(
        "data, says",
        [
            (b"", "The file is empty"),
            (b"\n\n", "no column names"),
            (b"A,B,A\n1,2,3\n", "column A: Two columns have this name"),
            (",".join(f"c{n}" for n in range(501)).encode(), "501 columns"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "old Excel"),
            (b"PK\x03\x04rest", "content is a spreadsheet"),
        ],
    )
    def test_what_cannot_be_read_says_why(self, write: Callable, data: bytes, says: str) -> None:
        assert says in _refusal(write(data))

    def test_a_file_that_is_too_large_is_not_opened(
        self, write: Callable, settings: pytest.FixtureRequest
    ) -> None:
        settings.IMPORT_MAX_FILE_BYTES = MEGABYTE
        assert "the most is 1 MB" in _refusal(write(b"A\n" + b"x\n" * MEGABYTE))


class TestSpreadsheets:
    def test_sheets_give_texts_numbers_and_dates(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.append(["Name", "Amount", "Day", "Yes"])
        book.active.append(["Ada", 12.5, datetime(2022, 4, 1), True])
        book.active.append(["Ben", 7, None, False])
        path = tmp_path / "Leads.xlsx"
        book.save(path)
        source = open_source(path, path.name)
        assert list(source.rows()) == [
            (2, ["Ada", "12.5", datetime(2022, 4, 1), "TRUE"]),
            (3, ["Ben", "7", "", "FALSE"]),
        ]

    def test_a_sheet_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "Leads.xlsx"
        openpyxl.Workbook().save(path)
        assert "There is no sheet 'Deals'" in _refusal(path, sheet="Deals")
        assert "empty" in _refusal(path)

    def test_a_bomb_is_refused_before_it_is_unpacked(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.xlsx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet1.xml", b"0" * (201 * MEGABYTE))
        assert path.stat().st_size < MEGABYTE
        assert "unpacks to more than 200 MB" in _refusal(path)

    def test_a_text_file_called_a_spreadsheet_is_refused(self, write: Callable) -> None:
        assert "content is a text file" in _refusal(write(b"A,B\n", "Leads.xlsx"))

    def test_a_damaged_one_is_refused(self, write: Callable) -> None:
        assert "damaged" in _refusal(write(b"PK\x03\x04" + b"\x00" * 50, "Leads.xlsx"))
