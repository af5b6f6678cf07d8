"""Conditions on leads as rows of a form: what matches a lead, in cadences and in promises."""

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.leads.forms.rows import RowForm
from apps.leads.rules import conditions as condition_rules

WHOLE = {
    "invalid": "Write a whole number.",
    "min_value": "%(limit_value)s at least.",
    "max_value": "%(limit_value)s at most.",
}
_NEW = "conditions-new"


class ConditionRow(RowForm):
    """One condition. Its field is fixed when the row is added, so that operators and values can fit it."""

    field = forms.CharField(widget=forms.HiddenInput, max_length=20)
    operator = forms.ChoiceField(label="Is")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        name = self.data.get(self.add_prefix("field")) if self.is_bound else self.initial.get("field")
        self.about = condition_rules.FIELDS.get(str(name))
        kind = self.about.kind if self.about else condition_rules.TEXT
        self.fields["operator"].choices = [  # type: ignore[attr-defined]
            (one, condition_rules.OPERATOR_WORDS[one]) for one in condition_rules.OPERATORS[kind]
        ]
        if kind == condition_rules.CHOICE:
            assert self.about is not None
            self.fields["value"] = forms.MultipleChoiceField(
                label="Value", required=False, choices=self.about.choices, widget=forms.CheckboxSelectMultiple
            )
        elif kind == condition_rules.NUMBER:
            self.fields["value"] = _amount("Number")
            self.fields["value_to"] = _amount("and")
        else:
            self.fields["value"] = forms.CharField(
                label="Value", required=False, max_length=2_000, help_text="Several with commas between them."
            )

    @property
    def is_choice(self) -> bool:
        return self.about is not None and self.about.kind == condition_rules.CHOICE

    @property
    def word(self) -> str:
        return self.about.word if self.about else "Unknown field"

    @property
    def as_condition(self) -> dict[str, Any]:
        """As ``rules.conditions`` reads it, once the row is valid."""
        read = self.cleaned_data
        value: Any = read["value"]
        if isinstance(value, str):
            value = [one.strip() for one in value.split(",") if one.strip()]
        elif not isinstance(value, list):
            value = [value, read["value_to"]] if read["operator"] == "between" else [value]
        return {"field": read["field"], "operator": read["operator"], "value": value}


def _amount(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=WHOLE,
    )


def fields_to_add() -> list[tuple[str, str]]:
    """What a further condition can be about."""
    return [(one.name, one.word) for one in condition_rules.FIELDS.values()]


def new_condition(data: Any) -> dict[str, Any]:
    """The row that the button adds: about the field that was chosen beside it."""
    field = condition_rules.FIELDS.get(str(data.get(_NEW, "")), condition_rules.FIELDS["score"])
    return {"field": field.name, "operator": condition_rules.OPERATORS[field.kind][0], "value": ""}


def values_of(conditions: Sequence[Any]) -> list[dict[str, Any]]:
    """Kept conditions as the rows show them."""
    rows = []
    for one in condition_rules.parse_conditions(conditions):
        kind = condition_rules.FIELDS[one.field].kind
        row: dict[str, Any] = {"field": one.field, "operator": one.operator}
        if kind == condition_rules.CHOICE:
            row["value"] = list(one.value)
        elif kind == condition_rules.NUMBER:
            row |= dict(zip(("value", "value_to"), one.value, strict=False))
        else:
            row["value"] = ", ".join(str(value) for value in one.value)
        rows.append(row)
    return rows
