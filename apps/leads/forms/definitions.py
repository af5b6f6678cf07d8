"""A draft of a definition: one criterion a line, "Name: what it asks"."""

from typing import Any

from django import forms

from apps.leads.models import Definition
from apps.leads.services.definitions import Criterion


class DraftForm(forms.Form):
    kind = forms.ChoiceField(choices=Definition.Kind.choices, label="What it defines")
    name = forms.CharField(max_length=80, label="Name", help_text="Such as BANT.")
    criteria = forms.CharField(
        label="Criteria, one a line",
        widget=forms.Textarea(attrs={"rows": 6}),
        max_length=4000,
        help_text="Name, colon, what it asks. Such as “Budget: what is set aside, and who approved it?”",
        error_messages={"required": "Name at least one criterion."},
    )
    needed = forms.IntegerField(
        min_value=1,
        max_value=1000,
        label="Needed",
        help_text="How many criteria must be met; for MQL, the points.",
    )
    effective_on = forms.DateField(
        label="In force from",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Not before both have signed.",
    )

    def clean_criteria(self) -> list[Criterion]:
        lines = [line.strip() for line in self.cleaned_data["criteria"].splitlines() if line.strip()]
        read = []
        for number, line in enumerate(lines, 1):
            name, _, asks = line.partition(":")
            if not name.strip() or len(name.strip()) > 40:
                raise forms.ValidationError(
                    f"Line {number}: begin with a name of at most 40 letters, then a colon."
                )
            read.append(Criterion(name.strip(), asks.strip()[:200]))
        return read

    @classmethod
    def from_definition(cls, definition: Definition | None, **options: Any) -> "DraftForm":
        """Beginning from the version that stands, so that a change is a small one."""
        if definition is None:
            return cls(**options)
        lines = [f"{one['name']}: {one.get('asks', '')}".rstrip(": ") for one in definition.criteria]
        initial = {
            "kind": definition.kind,
            "name": definition.name,
            "criteria": "\n".join(lines),
            "needed": definition.needed,
        }
        return cls(initial=initial, **options)
