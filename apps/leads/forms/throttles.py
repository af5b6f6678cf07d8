"""The daily limits of one owner: the company, a team or a rep. An empty field has no limit of its own."""

from typing import Any

from django import forms

from apps.leads.selectors.throttle_use import COLUMNS, Column
from apps.leads.services.throttles import MOST


class LimitsForm(forms.Form):
    """One field for each thing that is limited."""

    def __init__(self, *args: Any, inherited: dict[str, tuple[int, str]], **options: Any) -> None:
        """``inherited``: what holds where the field is empty, by its name, and whose that is."""
        super().__init__(*args, **options)
        for column in COLUMNS:
            most, whose = inherited.get(column.name, (None, ""))
            self.fields[column.name] = forms.IntegerField(
                label=column.word,
                required=False,
                min_value=0,
                max_value=MOST,
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
                help_text=f"{column.says[:1].upper()}{column.says[1:]} a day. Empty: "
                + (f"{most:,}, {whose}." if most is not None else "no limit."),
                error_messages={
                    "invalid": "Write a whole number.",
                    "min_value": "A limit is 0 or more.",
                    "max_value": f"A limit is {MOST:,} at most.",
                },
            )

    @property
    def limits(self) -> list[tuple[Column, int | None]]:
        """What each is limited to, once valid."""
        return [(column, self.cleaned_data[column.name]) for column in COLUMNS]
