"""A cadence as it is written: what it is called, whom it is for, its steps; and acts on who is in it."""

from typing import Any

from django import forms

from apps.leads.forms.conditions import WHOLE, ConditionRow, fields_to_add, new_condition, values_of
from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import Cadence, CadenceVersion, Channel, Motion, Purpose
from apps.leads.rules.cadences import MOST_STEPS, WORDS, When, parse_steps

_DAYS, _HOURS = "days", "hours"


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
        error_messages=WHOLE,
        help_text="Of several that match, the lowest is proposed.",
    )
    enrols_by_itself = forms.BooleanField(
        label="Enrols by itself",
        required=False,
        help_text="A lead that arrives and matches is enrolled at once. Otherwise it is only proposed.",
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
        error_messages=WHOLE,
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
            self.conditions = Rows(
                ConditionRow, "conditions", values=values_of(cadence.conditions if cadence else []), most=20
            )
            self.steps = Rows(StepRow, "steps", values=_steps(version), least=1, most=MOST_STEPS)
        elif act:
            self.about = AboutForm(initial={name: data.get(name, "") for name in AboutForm.base_fields})
            self.conditions = Rows(ConditionRow, "conditions", most=20).acted(data, new_condition(data))
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
        return fields_to_add()

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
