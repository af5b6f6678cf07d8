"""A policy as it is written: whom it is for, what it promises, what follows when a promise runs out."""

from typing import Any

from django import forms

from apps.leads.forms.conditions import WHOLE, ConditionRow, fields_to_add, new_condition, values_of
from apps.leads.forms.rows import RowForm, Rows
from apps.leads.models import Channel
from apps.leads.rules.conditions import MOST_ROWS
from apps.slas.models import Policy
from apps.slas.rules.escalation import BY_POLICY, LATEST_PERCENT, MOST_STEPS, WORDS, default_steps
from apps.slas.rules.in_words import DAY, HOUR
from apps.slas.services.policies import MOST_DAYS, MOST_TOUCHES, Draft

_UNITS = {"minutes": 1, "hours": HOUR, "days": DAY}
_TARGETS = ("first_response", "disposition", "ae_answer")


def _amount(label: str, most: int, least: int = 0, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={**WHOLE, "required": "Write a whole number."},
        **{"required": False, **more},
    )


def _unit() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Unit",
        choices=[("minutes", "minutes"), ("hours", "hours"), ("days", "business days")],
        required=False,
    )


class PromiseForm(forms.Form):
    """The name, the place, and the promises. An empty target promises nothing."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name."},
    )
    place = _amount(
        "Asked as number", 999, 1, help_text="The first that matches wins: the narrower before the wider."
    )
    first_response = _amount("First response within", 120_000)
    first_response_unit = _unit()
    touch_count = _amount("Touches", MOST_TOUCHES, 1)
    touch_days = _amount("Within business days", MOST_DAYS, 1)
    touch_channels = forms.MultipleChoiceField(
        label="Each of these among them",
        required=False,
        choices=Channel.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    disposition = _amount("Disposition within", 120_000)
    disposition_unit = _unit()
    ae_answer = _amount("AE’s answer within", 120_000)
    ae_answer_unit = _unit()
    ae_fallback = forms.ChoiceField(label="If the AE stays silent", choices=Policy.Fallback.choices)
    warn_percent = _amount(
        "At risk from", 100, 1, required=True, help_text="Percent of the time that is used up."
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    @property
    def targets(self) -> dict[str, int | None]:
        """By field of the policy: business minutes, once valid."""
        read = self.cleaned_data
        return {
            f"{name}_minutes": None
            if read[name] is None
            else read[name] * _UNITS[read[f"{name}_unit"] or "minutes"]
            for name in _TARGETS
        }


class StepRow(RowForm):
    """One step: what is done, and when."""

    act = forms.ChoiceField(
        label="Step", choices=[(act, WORDS[act][:1].upper() + WORDS[act][1:]) for act in BY_POLICY]
    )
    at_percent = _amount("At percent of the time", LATEST_PERCENT, 1, required=True)

    @property
    def as_step(self) -> dict[str, Any]:
        """As ``rules.escalation`` reads it, once the row is valid."""
        return {"act": self.cleaned_data["act"], "at_percent": self.cleaned_data["at_percent"]}


class PolicyForm:
    """The whole of it. As typed it is checked; after a button that changes rows it is only changed."""

    blank_step = {"act": BY_POLICY[0], "at_percent": "100"}

    def __init__(
        self, *, policy: Policy | None = None, like: Policy | None = None, data: Any = None, act: bool = False
    ) -> None:
        """Of a ``policy``; a new one that says the same as ``like``; or a new one."""
        if data is None:
            of = policy or like
            self.about = PromiseForm(initial=_about(policy, like))
            self.conditions = Rows(
                ConditionRow, "conditions", values=values_of(of.conditions if of else []), most=MOST_ROWS
            )
            steps = of.steps if of else [one.as_dict() for one in default_steps()]
            self.steps = Rows(StepRow, "steps", values=steps, most=MOST_STEPS)
        elif act:
            self.about = PromiseForm(
                initial={
                    name: field.widget.value_from_datadict(data, {}, name)
                    for name, field in PromiseForm.base_fields.items()
                }
            )
            self.conditions = Rows(ConditionRow, "conditions", most=MOST_ROWS).acted(
                data, new_condition(data)
            )
            self.steps = Rows(StepRow, "steps", most=MOST_STEPS).acted(data, self.blank_step)
        else:
            self.about = PromiseForm(data)
            self.conditions = Rows(ConditionRow, "conditions", data=data, most=MOST_ROWS)
            self.steps = Rows(StepRow, "steps", data=data, most=MOST_STEPS)

    def is_valid(self) -> bool:
        return all([self.about.is_valid(), self.conditions.is_valid(), self.steps.is_valid()])

    @property
    def draft(self) -> Draft:
        """What the services are given, once valid."""
        read = self.about.cleaned_data
        return Draft(
            name=read["name"],
            conditions=[row.as_condition for row in self.conditions],
            touch_count=read["touch_count"],
            touch_days=read["touch_days"],
            touch_channels=tuple(read["touch_channels"]),
            warn_percent=read["warn_percent"],
            steps=[row.as_step for row in self.steps],
            ae_fallback=read["ae_fallback"],
            **self.about.targets,
        )

    def refuse(self, field: str, message: str) -> None:
        """Put a refusal at the field that it names, or above the form."""
        name = field.removesuffix("_minutes")
        self.about.add_error(name if name in self.about.fields else None, message)

    def refuse_row(self, rows: Rows, index: int | None, field: str, message: str) -> None:
        rows.add_error(-1 if index is None else index, field, message[:1].upper() + message[1:])

    @property
    def fields_to_add(self) -> list[tuple[str, str]]:
        """What a further condition can be about."""
        return fields_to_add()

    @property
    def targets(self) -> list[tuple[Any, Any]]:
        """The bound fields of each target in minutes: amount and unit."""
        return [(self.about[name], self.about[f"{name}_unit"]) for name in _TARGETS]

    @property
    def wrong(self) -> int:
        about = sum(1 for name in self.about.errors if name != "__all__") if self.about.is_bound else 0
        return about + self.conditions.wrong + self.steps.wrong


def _about(policy: Policy | None, like: Policy | None) -> dict[str, Any]:
    of = policy or like
    if of is None:
        units = {"first_response_unit": "minutes", "disposition_unit": "days", "ae_answer_unit": "hours"}
        return {"warn_percent": 70, "place": 1, **units}
    found: dict[str, Any] = {
        name: getattr(of, name)
        for name in ("touch_count", "touch_days", "touch_channels", "warn_percent", "ae_fallback")
    }
    found["name"] = of.name if policy else f"{of.name}, changed"[:80]
    # Asked just before the one it is like, it takes that one's leads.
    found["place"] = of.position
    found["seen"] = policy.changed_at.isoformat() if policy and policy.changed_at else ""
    for name in _TARGETS:
        found[name], found[f"{name}_unit"] = _in_units(getattr(of, f"{name}_minutes"))
    return found


def _in_units(minutes: int | None) -> tuple[int | None, str]:
    """The largest unit that says it whole."""
    if not minutes:
        return minutes, "minutes"
    unit = next(one for one in ("days", "hours", "minutes") if minutes % _UNITS[one] == 0)
    return minutes // _UNITS[unit], unit
