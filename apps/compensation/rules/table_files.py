"""Small files of rows with named columns, as finance exports them: CSV with commas, semicolons or tabs. Pure.

Everything that is wrong is told by its row, as a spreadsheet counts them: the heading is row 1.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar

from apps.core.errors import InvalidInput

MOST_ROWS = 20_000
MOST_BYTES = 5_000_000

Found = TypeVar("Found")


@dataclass(frozen=True)
class WrongRow:
    """A row that cannot be taken, and why."""

    row: int
    says: str


@dataclass
class ReadFile(Generic[Found]):
    """The rows that could be read, each with its number, and those that could not."""

    found: list[tuple[int, Found]] = field(default_factory=list)
    wrong: list[WrongRow] = field(default_factory=list)


def read_file(
    content: bytes, columns: Sequence[str], read: Callable[[dict[str, str]], Found]
) -> ReadFile[Found]:
    """Each row as ``read`` makes it from its cells by column name; ``read`` raises ``InvalidInput``.

    Raises ``InvalidInput`` for a file that is no such table at all.
    """
    result: ReadFile[Found] = ReadFile()
    for number, cells in _rows(content, columns):
        try:
            result.found.append((number, read(cells)))
        except InvalidInput as error:
            result.wrong.append(WrongRow(number, error.message))
    return result


def _rows(content: bytes, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    if len(content) > MOST_BYTES:
        raise InvalidInput("This file is larger than 5 MB: split it.", field="file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("This is no text in UTF-8: save it as CSV (UTF-8).", field="file") from error
    heading = text.partition("\n")[0]
    mark = max(",;\t", key=heading.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        names = [cell.strip().casefold().replace(" ", "_") for cell in next(table, [])]
        missing = [name for name in columns if name not in names]
        if missing:
            raise InvalidInput(
                f"The first row names the columns; there is no {', '.join(missing)}.", field="file"
            )
        for number, cells in enumerate(table, 2):
            if number - 1 > MOST_ROWS:
                raise InvalidInput(f"More than {MOST_ROWS:,} rows: split the file.", field="file")
            if any(cell.strip() for cell in cells):
                padded = [*cells, *[""] * (len(names) - len(cells))]
                yield number, {name: cell.strip() for name, cell in zip(names, padded, strict=False)}
    except csv.Error as error:
        raise InvalidInput(f"Row {table.line_num}: this is not CSV ({error}).", field="file") from error


def read_day(text: str, column: str) -> date:
    """``2026-10-31``."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{column} “{text}” is no day: write it as 2026-10-31.", field=column) from error


def read_decimal(text: str, column: str) -> Decimal:
    """A number with a point; digits may not be grouped, so that nothing is guessed."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise InvalidInput(f"{column} “{text}” is no number: write it as 1234.56.", field=column) from error
    if not number.is_finite():
        raise InvalidInput(f"{column} “{text}” is no number: write it as 1234.56.", field=column)
    return number
