"""How many bets outside the profile a quarter may hold."""

from datetime import date
from typing import Any

from django import forms

from apps.core.periods import quarter_of
from apps.leads.rules.exploration import MOST


class BudgetForm(forms.Form):
    """A number from a quarter on; left empty, what was agreed from then on is taken away."""

    from_on = forms.TypedChoiceField(label="From", coerce=date.fromisoformat)
    per_quarter = forms.IntegerField(
        label="Hand-offs a quarter",
        required=False,
        min_value=0,
        max_value=MOST,
        help_text="Leave it empty to take away what was agreed from that quarter on.",
        error_messages={"invalid": "Write a whole number.", "min_value": "Zero or more."},
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        first = quarter_of(today)
        quarters = [first, first.following(), first.following().following()]
        choices = [(one.start.isoformat(), f"{one.name} on") for one in quarters]
        self.fields["from_on"].choices = choices  # type: ignore[attr-defined]
