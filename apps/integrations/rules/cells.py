"""How one cell of a file is read: days, instants, amounts, whole numbers, yes and no, labels.

Each reader takes the stripped text and raises ``ValueError`` with a sentence for the person who mends the
file: what is wrong and what to write. The value itself is not repeated (it stands beside the sentence).
Also here: what a cell must not look like when it goes out again (``neutralised``).
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from apps.core.spreadsheets import spreadsheet_text

EARLIEST = date(1970, 1, 1)
LATEST = date(2100, 1, 1)
_LONGEST_AMOUNT = 18
_EXAMPLE = datetime(2026, 1, 31, 14, 5)  # noqa: DTZ001 - shown in a sentence, never stored


@dataclass(frozen=True)
class Numbers:
    """How numbers are written in a file."""

    decimal: str = "."
    thousands: str = ","
    signs: tuple[str, ...] = ("$", "€", "£")


def as_examples(formats: Sequence[str]) -> str:
    """The formats as a person would write them: ``20260131, 01/31/2026``."""
    return ", ".join(_EXAMPLE.strftime(form) for form in formats)


def read_moment(text: str, formats: Sequence[str]) -> datetime:
    """A naive day or instant by the first of ``formats`` that fits; midnight when there is no time."""
    for form in formats:
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added by the caller
        except ValueError:
            continue
        if not EARLIEST <= found.date() < LATEST:
            raise ValueError(f"This date is in the year {found.year}. Give one from 1970 on.")
        return found
    raise ValueError(f"This is no date that the mapping knows. Write it like {as_examples(formats)}.")


def read_amount(text: str, numbers: Numbers) -> Decimal:
    """An amount in major units: ``1234.50``, ``$200,000``, ``-136.15``, ``(136.15)``."""
    bare = text.strip()
    negative = bare.startswith("(") and bare.endswith(")")
    if negative:
        bare = bare[1:-1]
    for sign in numbers.signs:
        bare = bare.replace(sign, "")
    bare = "".join(bare.split()).replace("−", "-")
    whole = rf"(?:\d{{1,3}}(?:{re.escape(numbers.thousands)}\d{{3}})+|\d+)" if numbers.thousands else r"\d+"
    if not re.fullmatch(rf"-?{whole}(?:{re.escape(numbers.decimal)}\d+)?", bare, re.ASCII):
        raise ValueError(f"This is not an amount. Write digits only, such as 1234{numbers.decimal}50.")
    if numbers.thousands:
        bare = bare.replace(numbers.thousands, "")
    if len(bare) > _LONGEST_AMOUNT:
        raise ValueError("This amount has more digits than any currency needs. Correct it.")
    found = Decimal(bare.replace(numbers.decimal, "."))
    return -found if negative else found


def read_whole(text: str, numbers: Numbers) -> int:
    """A whole number of at least zero; ``50.0`` is 50."""
    try:
        found = read_amount(text, numbers)
    except ValueError:
        raise ValueError("This is not a whole number. Write digits only, such as 250.") from None
    if found != found.to_integral_value():
        raise ValueError("This must be a whole number. Write it without decimals.")
    if not 0 <= found <= 2_147_483_647:
        raise ValueError("This number must lie between 0 and 2,147,483,647.")
    return int(found)


_YES = frozenset({"true", "yes", "y", "1", "t", "x"})
_NO = frozenset({"false", "no", "n", "0", "f"})


def read_yes_no(text: str) -> bool:
    """Yes or no in the spellings that exports use."""
    lowered = text.lower()
    if lowered in _YES:
        return True
    if lowered in _NO:
        return False
    raise ValueError("This is neither yes nor no. Write TRUE or FALSE.")


_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(?:\.[^@\s,;<>.]+)+")


def read_email(text: str) -> str:
    """An address in lower case, checked for its shape only."""
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise ValueError("This is no e-mail address. Correct it or leave it empty.")
    return text.lower()


def tidied(text: str) -> str:
    """One spelling for a label: ``advertising_&amp;_marketing`` is ``Advertising & Marketing``.

    Underscores and runs of blanks become one blank, HTML escapes are undone, and text written all in
    capitals (beyond an abbreviation of four letters) or all in small letters gets initial capitals.
    """
    label = " ".join(html.unescape(text).replace("_", " ").split())
    shouted = label.isupper() and len(label) > 4
    if shouted or label.islower() or "_" in text:
        label = re.sub(r"[^\W\d_]+", lambda word: word[0][:1].upper() + word[0][1:].lower(), label)
    return label


_NUMBER = re.compile(r"[+-]?\d[\d,.]*", re.ASCII)


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet would run the cell: kept as text here, and neutralised when it goes out."""
    return text.startswith(("=", "@")) or (
        len(text) > 1 and text[0] in "+-|" and ("(" in text or "!" in text) and not _NUMBER.fullmatch(text)
    )


def neutralised(text: str) -> str:
    """``text`` as a cell that no spreadsheet runs; a number stays one, so that the file can come back."""
    return text if _NUMBER.fullmatch(text) else spreadsheet_text(text)
