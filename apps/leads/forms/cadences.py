"""A cadence as it is written: what it is called, whom it is for, its steps; and acts on who is in it."""

from typing import Any

from django import forms

from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import Cadence, CadenceVersion, Channel, Motion, Purpose
from apps.leads.rules import conditions as condition_rules
from apps.leads.rules.cadences import MOST_STEPS, WORDS, When, parse_steps

_DAYS, _HOURS = "days", "hours"
_WHOLE = {
    "invalid": "Write a whole number.",
    "min_value": "%(limit_value)s at least.",
    "max_value": "%(limit_value)s at most.",
}


class AboutForm(forms.Form):
    """What a cadence is called and how it is offered."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name."},
    )
    motion = forms.ChoiceField(label="For", choices=Motion.choices)
    position = forms.IntegerField(
        label="Asked as number",
        min_value=0,
        max_value=999,
        error_messages=_WHOLE,
        help_text="Of several that match, the lowest is proposed.",
    )
    enrols_by_itself = forms.BooleanField(
        label="Enrols by itself",
        required=False,
        help_text="A lead that arrives and matches is enrolled at once. Otherwise it is only proposed.",
    )


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
        error_messages=_WHOLE,
    )


class StepRow(RowForm):
    """One step: over which channel, how long after the step before, on which condition, and what for."""

    channel = forms.ChoiceField(label="Channel", choices=Channel.choices)
    wait = forms.IntegerField(
        label="After",
        required=False,
        min_value=0,
        max_value=250,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=_WHOLE,
    )
    unit = forms.ChoiceField(label="Unit", choices=[(_DAYS, "working days"), (_HOURS, "hours")])
    when = forms.ChoiceField(label="Condition", choices=[(one.value, WORDS[one]) for one in When])
    purpose = forms.ChoiceField(
        label="Purpose", required=False, choices=[("", "None in particular"), *Purpose.choices]
    )
    script = forms.CharField(
        label="What to say",
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 1, "placeholder": "What to say"}),
        error_messages={"max_length": "Keep this to %(limit_value)d characters; it has %(show_value)d."},
    )

    @property
    def as_step(self) -> dict[str, Any]:
        """As ``rules.cadences`` reads it, once the row is valid."""
        read = self.cleaned_data
        wait = read["wait"] or 0
        return {
            "channel": read["channel"],
            "wait_days": wait if read["unit"] == _DAYS else 0,
            "wait_hours": wait if read["unit"] == _HOURS else 0,
            "when": read["when"],
            "purpose": read["purpose"],
            "script": read["script"],
        }


NEW_CONDITION = "conditions-new"


class CadenceForm:
    """The whole of it. As typed it is checked; after a button that changes rows it is only changed."""

    blank_step = {"channel": "call", "wait": "2", "unit": _DAYS, "when": When.ALWAYS.value}

    def __init__(
        self,
        *,
        cadence: Cadence | None = None,
        version: CadenceVersion | None = None,
        position: int = 0,
        data: Any = None,
        act: bool = False,
    ) -> None:
        """Of a ``cadence`` in its ``version``, or a new one that is to be asked at ``position``."""
        if data is None:
            self.about = AboutForm(initial=_about(cadence, position))
            self.conditions = Rows(ConditionRow, "conditions", values=_conditions(cadence), most=20)
            self.steps = Rows(StepRow, "steps", values=_steps(version), least=1, most=MOST_STEPS)
        elif act:
            self.about = AboutForm(initial={name: data.get(name, "") for name in AboutForm.base_fields})
            self.conditions = Rows(ConditionRow, "conditions", most=20).acted(data, _new_condition(data))
            self.steps = Rows(StepRow, "steps", least=1, most=MOST_STEPS).acted(data, self.blank_step)
        else:
            self.about = AboutForm(data)
            self.conditions = Rows(ConditionRow, "conditions", data=data, most=20)
            self.steps = Rows(StepRow, "steps", data=data, least=1, most=MOST_STEPS)

    def is_valid(self) -> bool:
        return all([self.about.is_valid(), self.conditions.is_valid(), self.steps.is_valid()])

    @property
    def values(self) -> dict[str, Any]:
        """What the services are given, once valid."""
        return {
            **self.about.cleaned_data,
            "conditions": [row.as_condition for row in self.conditions],
            "steps": [row.as_step for row in self.steps],
        }

    def refuse_step(self, index: int | None, field: str, message: str) -> None:
        name = "wait" if field in ("wait_days", "wait_hours") else field
        self.steps.add_error(-1 if index is None else index, name, _sentence(message))

    def refuse_condition(self, index: int | None, field: str, message: str) -> None:
        self.conditions.add_error(-1 if index is None else index, field, _sentence(message))

    @property
    def fields_to_add(self) -> list[tuple[str, str]]:
        """What a further condition can be about."""
        return [(one.name, one.word) for one in condition_rules.FIELDS.values()]

    @property
    def wrong(self) -> int:
        about = sum(1 for name in self.about.errors if name != "__all__") if self.about.is_bound else 0
        return about + self.conditions.wrong + self.steps.wrong


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:]


def _about(cadence: Cadence | None, position: int) -> dict[str, Any]:
    if cadence is None:
        return {"motion": Motion.INBOUND.value, "position": position}
    return {name: getattr(cadence, name) for name in AboutForm.base_fields}


def _conditions(cadence: Cadence | None) -> list[dict[str, Any]]:
    rows = []
    for one in condition_rules.parse_conditions(cadence.conditions if cadence else []):
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


def _new_condition(data: Any) -> dict[str, Any]:
    field = condition_rules.FIELDS.get(str(data.get(NEW_CONDITION, "")), condition_rules.FIELDS["score"])
    return {"field": field.name, "operator": condition_rules.OPERATORS[field.kind][0], "value": ""}


def _steps(version: CadenceVersion | None) -> list[dict[str, Any]]:
    if version is None:
        return [{**CadenceForm.blank_step, "wait": "0"}]
    return [
        {
            "channel": step.channel,
            "wait": step.wait_hours or step.wait_days,
            "unit": _HOURS if step.wait_hours else _DAYS,
            "when": step.when.value,
            "purpose": step.purpose,
            "script": step.script,
        }
        for step in parse_steps(version.steps)
    ]


class ReasonForm(forms.Form):
    """Why somebody is taken out of a cadence."""

    reason = forms.CharField(
        label="Reason",
        max_length=120,
        error_messages={
            "required": "Say why, in a few words.",
            "max_length": "Keep this to %(limit_value)d characters; it has %(show_value)d.",
        },
    )


class PauseForm(ReasonForm):
    """Why and until when somebody's cadence rests."""

    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Goes on by itself that day; without one, when somebody resumes it.",
        error_messages={"invalid": "Write a day such as 2026-11-30."},
    )
