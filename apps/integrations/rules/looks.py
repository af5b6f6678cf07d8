"""What the cells of a column look like: dates (and in which spelling), e-mail addresses, amounts, yes or no.

Only a hint for a person who maps columns or says how a file is to be read; reading itself is ``rules.cells``.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from apps.integrations.rules import cells
from apps.integrations.rules.cells import Numbers

MOSTLY = 0.8
"""So large a share of the filled cells makes a look."""

_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y",
    "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y",
)  # fmt: skip
_TIMES = (
    "", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p", " %H:%M:%S.%f",
    "T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M%z", "T%H:%M:%S%z", "T%H:%M:%S.%f%z",
    " %H:%M:%S%z", " %H:%M:%S %z", " %H:%M%z",
)  # fmt: skip
FORMATS = tuple(day + time for time in _TIMES for day in _DAYS)

_MAYBE_DATE = re.compile(r"(?=.*\d)[\w ,./:+-]{6,40}", re.ASCII)
_PHONE = re.compile(r"\+?[\d ()./-]{7,22}(?: ?(?:x|ext\.?) ?\d{1,6})?", re.ASCII)
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_YES_NO = frozenset({"true", "false", "yes", "no", "y", "n", "0", "1", "t", "f", "x"})
_COMMA = re.compile(r"-?(?:(?:\d{1,3}(?:[. ]\d{3})+|\d+),\d{1,2}|[1-9]\d{0,2}(?:\.\d{3})+)", re.ASCII)
_POINT = re.compile(r"-?(?:(?:\d{1,3}(?:[, ]\d{3})+|\d+)\.\d{1,2}|[1-9]\d{0,2}(?:,\d{3})+)", re.ASCII)
_SIGNS = "$€£¥"


def _fits(text: str, form: str) -> bool:
    try:
        found = datetime.strptime(text, form)  # noqa: DTZ007 - whether it fits is all that is asked
    except ValueError:
        return False
    return cells.EARLIEST <= found.date() < cells.LATEST


def date_formats(values: Sequence[str]) -> list[str]:
    """Every format that reads all of ``values``; more than one where it is not clear which number is the day."""
    filled = [value for value in values if value]
    if not filled or not all(_MAYBE_DATE.fullmatch(value) for value in filled):
        return []
    found = [form for form in FORMATS if _fits(filled[0], form)]
    return [form for form in found if all(_fits(value, form) for value in filled)]


def day_and_month_swapped(form: str) -> str:
    """``%d/%m/%Y`` for ``%m/%d/%Y`` and the other way round; the same where it says the year first."""
    if form.startswith("%Y"):
        return form
    return form.translate(str.maketrans("dm", "md")) if "%d" in form and "%m" in form else form


def is_unclear(formats: Sequence[str]) -> bool:
    """Whether the same cells can be read with the day first and with the month first."""
    return any(
        form != swapped and swapped in formats
        for form in formats
        for swapped in [day_and_month_swapped(form)]
    )


def numbers_of(values: Sequence[str]) -> Numbers | None:
    """How amounts are written, where a cell with decimals or thousands tells it."""
    bare = [value.strip("".join((_SIGNS, " ()"))) for value in values]
    comma = sum(bool(_COMMA.fullmatch(value)) for value in bare)
    point = sum(bool(_POINT.fullmatch(value)) for value in bare)
    if comma == point:
        return None
    return Numbers(",", ".") if comma > point else Numbers(".", ",")


def _is_number(text: str) -> bool:
    for numbers in (Numbers(".", ","), Numbers(",", ".")):
        try:
            cells.read_amount(text, numbers)
        except ValueError:
            continue
        return True
    return False


def _is_email(text: str) -> bool:
    try:
        cells.read_email(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Look:
    """Some filled cells of a column, and what share of them is what."""

    values: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str]) -> "Look":
        return cls(tuple(value.strip() for value in values if value and value.strip()))

    def _share(self, test: Callable[[str], object]) -> float:
        return sum(bool(test(value)) for value in self.values) / len(self.values) if self.values else 0.0

    @cached_property
    def emails(self) -> float:
        return self._share(_is_email)

    @cached_property
    def numbers(self) -> float:
        return self._share(_is_number)

    @cached_property
    def yes_no(self) -> float:
        return self._share(lambda value: value.casefold() in _YES_NO)

    @cached_property
    def links(self) -> float:
        return self._share(_LINK.fullmatch)

    @cached_property
    def phones(self) -> float:
        if self.formats:
            return 0.0
        return self._share(lambda value: _PHONE.fullmatch(value) and 7 <= sum(map(str.isdigit, value)) <= 15)

    @cached_property
    def full_names(self) -> float:
        return self._share(lambda value: " " in value and value.replace(" ", "").isalpha())

    @cached_property
    def formats(self) -> list[str]:
        return date_formats(self.values)

    @property
    def is_unique(self) -> bool:
        return len(set(self.values)) == len(self.values)

    @property
    def in_words(self) -> str:
        """What most cells are, as one says it beside a suggestion; nothing where they are just text."""
        for share, words in (
            (self.emails, "e-mail addresses"),
            (self.links, "links"),
            (1.0 if self.formats else 0.0, "dates"),
            (self.yes_no, "yes or no"),
            (self.phones, "phone numbers"),
            (self.numbers, "numbers"),
        ):
            if share >= MOSTLY:
                return f"all are {words}" if share == 1 else f"{share:.0%} are {words}".replace("%", " %")
        return ""
