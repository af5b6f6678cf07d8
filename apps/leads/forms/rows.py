"""Rows of one form that are added, removed and moved by buttons of that form: no script is needed.

A button is named ``act`` and says what it does to which row: ``steps:add``, ``steps:up:2``. The page comes
back with the rows so changed and everything else as it was typed; nothing is checked or saved until the form
is sent without such a button.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

VERBS = ("add", "remove", "up", "down")
_READ = 200
"""Rows of one request that are read at all; no page makes as many."""


class RowForm(forms.Form):
    """One row. ``number`` is its place as people count; ``focus`` the button that the keyboard goes to next."""

    number = 0
    is_first = False
    is_last = False
    focus = ""

    @property
    def problems(self) -> list[str]:
        """What is wrong with the row as a whole."""
        return [str(error) for error in self.non_field_errors()]


class Rows:
    """The rows of one kind in a form, such as the steps of a cadence.

    ``least`` and ``most`` bound their number; ``focus`` is ``add`` after the last row was removed.
    """

    def __init__(
        self,
        form_class: type[RowForm],
        prefix: str,
        *,
        values: Sequence[Mapping[str, Any]] = (),
        data: Any = None,
        least: int = 0,
        most: int = 40,
        **options: Any,
    ) -> None:
        """``values`` are shown as they are; ``data`` (a request's) is checked instead of them.

        ``options`` are given to every row.
        """
        self.form_class, self.prefix, self.options = form_class, prefix, options
        self.least, self.most = least, most
        self.focus = ""
        self.error = ""
        self.is_bound = data is not None
        if data is None:
            self.forms = self._numbered([self._form(place, initial=row) for place, row in enumerate(values)])
        else:
            count = _count(data, prefix)
            self.forms = self._numbered([self._form(place, data=data) for place in range(count)])

    def _form(self, place: int, **given: Any) -> RowForm:
        return self.form_class(prefix=f"{self.prefix}-{place}", **given, **self.options)

    @staticmethod
    def _numbered(rows: list[RowForm]) -> list[RowForm]:
        for place, row in enumerate(rows):
            row.number = place + 1
            row.is_first, row.is_last = place == 0, place == len(rows) - 1
        return rows

    def __iter__(self) -> Any:
        return iter(self.forms)

    def __len__(self) -> int:
        return len(self.forms)

    @property
    def may_add(self) -> bool:
        return len(self.forms) < self.most

    @property
    def may_remove(self) -> bool:
        return len(self.forms) > self.least

    # --- Acts on rows ---------------------------------------------------------------------------

    def acted(self, data: Any, blank: Mapping[str, Any]) -> "Rows":
        """These rows as typed in ``data``, after the act that its button names, if it names one of theirs."""
        typed = self.typed(data)
        prefix, _, rest = str(data.get("act", "")).partition(":")
        verb, _, at = rest.partition(":")
        place = int(at) if at.isascii() and at.isdigit() and len(at) < 4 else -1
        focus: tuple[int, str] | None = None
        if prefix == self.prefix and verb in VERBS:
            typed, focus = self._changed(typed, verb, place, dict(blank))
        rows = Rows(
            self.form_class, self.prefix, values=typed, least=self.least, most=self.most, **self.options
        )
        if focus is not None:
            rows._focus_on(*focus)
        return rows

    def typed(self, data: Any) -> list[dict[str, Any]]:
        """What stands in each row of ``data``, unchecked."""
        return [
            {
                name: field.widget.value_from_datadict(data, {}, f"{self.prefix}-{place}-{name}")
                for name, field in self._form(place, data=data).fields.items()
            }
            for place in range(_count(data, self.prefix))
        ]

    def _changed(
        self, rows: list[dict[str, Any]], verb: str, place: int, blank: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], tuple[int, str] | None]:
        """The rows after the act, and where the keyboard goes: (place, button), "" for the first field."""
        if verb == "add":
            return ([*rows, blank], (len(rows), "")) if len(rows) < self.most else (rows, None)
        if not 0 <= place < len(rows):
            return rows, None
        if verb == "remove":
            if len(rows) <= self.least:
                return rows, None
            left = [*rows[:place], *rows[place + 1 :]]
            return left, ((min(place, len(left) - 1), "remove") if left else (-1, "add"))
        other = place - 1 if verb == "up" else place + 1
        if not 0 <= other < len(rows):
            return rows, None
        rows[place], rows[other] = rows[other], rows[place]
        at_end = other == (0 if verb == "up" else len(rows) - 1)
        return rows, (other, {"up": "down", "down": "up"}[verb] if at_end else verb)

    def _focus_on(self, place: int, button: str) -> None:
        if button == "add":
            self.focus = "add"
        elif button:
            self.forms[place].focus = button
        else:
            fields = self.forms[place].fields.values()
            next(field for field in fields if not field.widget.is_hidden).widget.attrs["autofocus"] = True

    # --- Checking -------------------------------------------------------------------------------

    def is_valid(self) -> bool:
        """Whether every row is right by itself and their number is allowed."""
        right = [row.is_valid() for row in self.forms]
        if len(self.forms) < self.least:
            self.error = f"Add {self.least} at least."
        elif len(self.forms) > self.most:
            self.error = f"Keep to {self.most} at most."
        return all(right) and not self.error

    @property
    def cleaned(self) -> list[dict[str, Any]]:
        return [row.cleaned_data for row in self.forms]

    def add_error(self, place: int, field: str, message: str) -> None:
        """Put a refusal at the row and the field it names; at the rows as a whole where there is no such row."""
        if 0 <= place < len(self.forms):
            row = self.forms[place]
            row.add_error(field if field in row.fields else None, message)
        else:
            self.error = message

    @property
    def wrong(self) -> int:
        """How many rows have an error."""
        return sum(1 for row in self.forms if row.is_bound and row.errors) + bool(self.error)


def _count(data: Any, prefix: str) -> int:
    text = str(data.get(f"{prefix}-rows", ""))
    return min(int(text), _READ) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def is_act(data: Any) -> bool:
    """Whether the form was sent by a button that changes rows rather than by the one that saves."""
    return bool(data.get("act"))
