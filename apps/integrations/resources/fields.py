"""How a cell becomes a value: import-export fields and widgets that read by a mapping."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from import_export import fields, widgets

from apps.core.periods import Period, parse_period
from apps.integrations.resources.context import Context, RepKnown
from apps.integrations.rules import cells
from apps.integrations.rules.kinds import ID_LONGEST, FieldOfKind
from apps.integrations.rules.mappings import FieldFrom, is_zone

LONGEST_CELL = 10_000
_KEPT = 20_000


class UnknownRep(ValueError):
    """Nobody is known by what the cell says."""


class _Text(widgets.CharWidget):
    def __init__(self, known: FieldOfKind) -> None:
        super().__init__()
        self.known = known

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        if len(value) > self.known.longest:
            raise ValueError(
                f"This has {len(value):,} characters; the most is {self.known.longest}. Shorten it."
            )
        return " ".join(value.split()) if self.known.longest < 500 else value


class _Id(widgets.CharWidget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        if len(value) > ID_LONGEST:
            raise ValueError(f"This id has {len(value):,} characters; the most is {ID_LONGEST}.")
        return str(value)


class _Choice(widgets.CharWidget):
    def __init__(self, known: FieldOfKind) -> None:
        super().__init__()
        self.known = known

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        if value not in self.known.choices:
            options = ", ".join(self.known.choices)
            raise ValueError(f"The mapping does not know this. Add it to the values, as one of {options}.")
        return str(value)


class _Moment(widgets.DateTimeWidget):
    """A day or an instant; one without a zone is local to the company's, and without a time its midnight."""

    def __init__(self, formats: tuple[str, ...], zone: str) -> None:
        super().__init__()
        self.formats = formats
        self.zone = ZoneInfo(zone)

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> datetime:
        naive = value if isinstance(value, datetime) else cells.read_moment(value, self.formats)
        return naive if naive.tzinfo else naive.replace(tzinfo=self.zone)


class _Day(_Moment):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> date:  # type: ignore[override]
        return super().clean(value, row, **kwargs).date()


class _Amount(widgets.DecimalWidget):
    def __init__(self, numbers: cells.Numbers) -> None:
        super().__init__()
        self.numbers = numbers

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Decimal:
        return cells.read_amount(value, self.numbers)


class _Whole(widgets.IntegerWidget):
    def __init__(self, numbers: cells.Numbers) -> None:
        super().__init__()
        self.numbers = numbers

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int:
        return cells.read_whole(value, self.numbers)


class _Read(widgets.Widget):
    """A plain reader as a widget."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self.read = read

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return self.read(value)


class _RepOf(widgets.Widget):
    def __init__(self, context: Context, by: str, nobody: dict[str, int] | None = None) -> None:
        super().__init__()
        self.context, self.by, self.nobody = context, by, nobody

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> RepKnown | None:
        known = self.context.rep(value, self.by)
        if known is None and self.nobody is not None:
            self.nobody[value] = self.nobody.get(value, 0) + 1
            return None
        if known is None:
            what = {"external_id": "id", "name": "name", "email": "e-mail address"}[self.by]
            raise UnknownRep(f"No rep has this {what}. Import the reps too, or correct it.")
        return known


def _currency(text: str) -> str:
    code = text.upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise ValueError("This is no currency. Write a code of three letters, such as EUR.")
    return code


def _zone(text: str) -> str:
    if not is_zone(text):
        raise ValueError("This is no time zone. Write Europe/Berlin, or add it to the values of the mapping.")
    return text


def _period(text: str) -> Period:
    return parse_period(text)


def widget_of(
    known: FieldOfKind, spec: FieldFrom, context: Context, nobody: dict[str, int] | None = None
) -> widgets.Widget:
    """The widget that reads cells of this field under this mapping.

    ``nobody`` counts whom no rep is known by, where the mapping takes such a row without one.
    """
    formats = spec.dates or context.mapping.dates
    numbers = context.mapping.numbers
    makers: dict[str, Callable[[], widgets.Widget]] = {
        "text": lambda: _Text(known),
        "id": _Id,
        "lead": _Id,
        "hand_off": _Id,
        "choice": lambda: _Choice(known),
        "day": lambda: _Day(formats, context.zone),
        "instant": lambda: _Moment(formats, context.zone),
        "amount": lambda: _Amount(numbers),
        "whole": lambda: _Whole(numbers),
        "yes_no": lambda: _Read(cells.read_yes_no),
        "email": lambda: _Read(cells.read_email),
        "zone": lambda: _Read(_zone),
        "currency": lambda: _Read(_currency),
        "period": lambda: _Read(_period),
        "rep": lambda: _RepOf(context, spec.by, nobody),
    }
    return makers[known.type]()


_EMPTY: dict[str, Any] = {
    "text": "",
    "id": "",
    "lead": "",
    "hand_off": "",
    "email": "",
    "zone": "",
    "currency": "",
}
_REMEMBERED = ("text", "choice", "day", "instant", "whole", "yes_no", "zone", "period")


class MappedField(fields.Field):
    """A field whose text comes from the mapping's columns or constant, translated as the mapping says.

    What was read from a text once is remembered: stages, dates and industries repeat. ``respelt`` holds
    the spellings that were changed, so that the report can say so.
    """

    def __init__(self, known: FieldOfKind, spec: FieldFrom, context: Context) -> None:
        column = spec.columns[0] if spec.columns else f"({known.name})"
        self.nobody: dict[str, int] = {}
        """Names of people who are no reps here, and in how many rows."""
        takes_without = known.may_be_nobody and spec.otherwise == ""
        widget = widget_of(known, spec, context, self.nobody if takes_without else None)
        super().__init__(attribute=known.name, column_name=column, widget=widget)
        self.known, self.spec = known, spec
        self.empty = context.mapping.empty
        self.respelt: dict[str, int] = {}
        self.spellings: set[str] = set()
        self._remembered: dict[Any, Any] = {}
        self._remembers = known.type in _REMEMBERED

    @property
    def columns(self) -> str:
        return " + ".join(self.spec.columns)

    def raw(self, row: dict[str, Any]) -> Any:
        """What stands in the file: one cell, or several joined by a blank."""
        columns = self.spec.columns
        if not columns:
            return self.spec.constant
        if len(columns) == 1:
            return row.get(columns[0], "")
        return " ".join(filter(None, (str(row.get(column, "")).strip() for column in columns)))

    def clean(self, row: dict[str, Any], **kwargs: Any) -> Any:
        raw = self.raw(row)
        if self._remembers and raw in self._remembered:
            value, respelt = self._remembered[raw]
        else:
            value, respelt = self._read(raw, row)
            if self._remembers and len(self._remembered) < _KEPT:
                self._remembered[raw] = (value, respelt)
        if respelt:
            self.respelt[raw] = self.respelt.get(raw, 0) + 1
        return value

    def _read(self, raw: Any, row: dict[str, Any]) -> tuple[Any, bool]:
        if isinstance(raw, datetime):
            if self.known.type in ("day", "instant"):
                return self.widget.clean(raw), False
            raw = raw.isoformat(sep=" ")
        text = raw.strip() if raw else ""
        if len(text) > LONGEST_CELL:
            raise ValueError(
                f"This cell holds {len(text):,} characters; the most is {LONGEST_CELL:,}. Shorten it."
            )
        if text.casefold() in self.empty:
            text = ""
        written = text
        if text and self.spec.tidy:
            text = cells.tidied(text)
        if self.spec.values:
            text = self._translated(text)
        if not text:
            if self.known.required:
                raise ValueError("This is missing. Fill it in.")
            return _EMPTY.get(self.known.type), self.spec.tidy and bool(written)
        if self.spec.tidy:
            self.spellings.add(text)
        return self.widget.clean(text, row=row), self.spec.tidy and text != written

    def _translated(self, text: str) -> str:
        found = self.spec.values.get(text.casefold())
        if found is not None:
            return found
        otherwise = self.spec.otherwise
        if otherwise is None and text:
            options = ", ".join(sorted(self.spec.values))
            raise ValueError(
                f"The mapping does not know this. Add it to the values, or write one of: {options}."[:390]
            )
        return text if otherwise in ("keep", None) else otherwise
