"""The one way to write a row down for hashing: the same bytes on every database, for good (form 2).

A row is a line of PostgreSQL's COPY text: its values in the order of its table's layout, separated by tabs and
ended by a newline; nothing is ``\\N``; a backslash, tab, line end and the like stand escaped, so that no two rows look
alike. Instants are UTC with the microseconds that are not zero at their end (``2026-11-12 10:00:00.5+00``), days are
ISO, truths ``t`` and ``f``, and JSON is as ``jsonb`` writes it: keys by length and then by bytes, ``", "`` and
``": "``, nothing beyond ASCII escaped, numbers without an exponent. PostgreSQL writes all this by itself; what
stands here does the same for rows of SQLite.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

NOTHING = "\\N"
_ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\"}
_NEEDS_ESCAPE = re.compile(r"[\x08-\x0d\\]")
# What is in its canonical form already: [] {} and lists of plain words and whole numbers.
_PLAIN_ITEM = r'(?:"[ !#-\[\]-~]*"|0|-?[1-9][0-9]*)'
_PLAIN_LIST = rf"\[{_PLAIN_ITEM}(?:, {_PLAIN_ITEM})*\]"
_PLAIN_JSON = re.compile(rf"\{{\}}|\[\]|{_PLAIN_LIST}|\[{_PLAIN_LIST}(?:, {_PLAIN_LIST})*\]")

Write = Callable[[Any], str]


class UnwritableValue(TypeError):
    """A value that has no canonical form: the layout names a column of a kind that nothing is agreed for."""


def text(value: str) -> str:
    """Text as COPY writes it."""
    return value.translate(_ESCAPES) if _NEEDS_ESCAPE.search(value) else value


def whole(value: int) -> str:
    return str(value)


def truth(value: object) -> str:
    return "t" if value else "f"


def instant(value: str) -> str:
    """An instant as SQLite keeps it (``2026-11-12 10:00:00.500000``, UTC)."""
    seconds, _, fraction = value.partition(".")
    fraction = fraction.rstrip("0")
    return f"{seconds}.{fraction}+00" if fraction else f"{seconds}+00"


def document(value: str) -> str:
    """A JSON document as it came from a database, in the form of ``jsonb``, escaped for a line."""
    if _PLAIN_JSON.fullmatch(value):
        return text(value)
    return text(json_text(json.loads(value, parse_float=_number)))


def json_text(value: Any) -> str:
    """``value`` as ``jsonb`` writes it. Floats must have been read as ``_number`` reads them."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{_quoted(key)}: {json_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    raise UnwritableValue(f"{type(value).__name__} is no part of a document.")


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(written: str) -> Decimal:
    """A number with a point or an exponent, to the digit as it was written (zero has no sign)."""
    number = Decimal(written)
    return number if number else abs(number)


def line(values: Sequence[Any], writers: Sequence[Write]) -> bytes:
    """One row, with its newline. ``values`` are as SQLite keeps them, ``writers`` those of the layout's columns."""
    written = [
        NOTHING if value is None else write(value) for value, write in zip(values, writers, strict=True)
    ]
    return ("\t".join(written) + "\n").encode()
