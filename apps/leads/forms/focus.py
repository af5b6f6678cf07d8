"""A weekday's focus blocks as rows, and the other weekdays that are to have the same."""

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import FocusBlock
from apps.leads.rules.focus import Block, Fault

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_BLOCKS = 16

_NO_TIME = {"required": "Say when.", "invalid": "Write a time such as 09:30."}


def _time(label: str) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        input_formats=["%H:%M", "%H:%M:%S", "%H.%M"],
        widget=forms.TimeInput(attrs={"type": "time", "step": "300"}, format="%H:%M"),
        error_messages=_NO_TIME,
    )


class BlockRow(RowForm):
    """One block, half-open: at ``ends`` it is over."""

    starts = _time("From")
    ends = _time("Until")
    kind = forms.ChoiceField(
        choices=FocusBlock.Kind.choices, label="Kept for", error_messages={"required": "Say what for."}
    )


class AlsoForm(forms.Form):
    """Other weekdays that are to have the same blocks."""

    also = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Keep the same on",
        help_text="What stands on those days now is replaced.",
    )

    def __init__(self, *args: Any, weekday: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["also"].choices = [  # type: ignore[attr-defined]
            (number, name) for number, name in enumerate(WEEKDAYS) if number != weekday
        ]


class DayForm:
    """The rows of a weekday with the days that copy it."""

    blank = {"starts": "", "ends": "", "kind": FocusBlock.Kind.CALLS.value}

    def __init__(
        self, *, weekday: int, blocks: list[dict[str, Any]] | None = None, data: Any = None, act: bool = False
    ) -> None:
        """``blocks`` as they stand, or ``data`` as it was typed: checked, or with ``act`` only changed by it."""
        checked = data if not act else None
        self.rows = Rows(BlockRow, "blocks", values=blocks or [], data=checked, most=MOST_BLOCKS)
        self.also = AlsoForm(checked, weekday=weekday)
        if act:
            last = self.rows.typed(data)[-1:]
            self.rows = self.rows.acted(data, self._following(last[0] if last else None))
            self.also = AlsoForm(initial={"also": data.getlist("also")}, weekday=weekday)

    def _following(self, last: dict[str, Any] | None) -> dict[str, Any]:
        """A new row goes on where the last one ends."""
        return {**self.blank, "starts": (last or {}).get("ends") or ""}

    def is_valid(self) -> bool:
        return all([self.rows.is_valid(), self.also.is_valid()])

    @property
    def blocks(self) -> list[Block]:
        """The rows as the rules know them, once valid."""
        return [Block(row["starts"], row["ends"], row["kind"]) for row in self.rows.cleaned]

    @property
    def weekdays(self) -> list[int]:
        """The other weekdays that are to have the same."""
        return self.also.cleaned_data["also"]

    def refuse(self, faults: Sequence[Fault]) -> None:
        """Put what the rules refuse at the rows that they name."""
        for fault in faults:
            self.rows.add_error(fault.index, fault.field, fault.words)

    @property
    def wrong(self) -> int:
        return self.rows.wrong + bool(self.also.errors)
