"""Forms of certifications, sessions and results, of practice goals, support and recordings."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings

from apps.accounts.models import User
from apps.core.money import exponent
from apps.leads.rules.metrics import METRICS, Unit
from apps.reps.models import Rep, RepRole
from apps.scorecards.forms.capacity import MonthField
from apps.scorecards.models import Certification, SupportAnswer
from apps.scorecards.rules.layout import LAYOUTS
from apps.scorecards.rules.training import LONGEST_MONTHS
from apps.scorecards.services.training import CertificationDraft

_DAY = {"invalid": "Write the day as 2026-11-12.", "required": "Choose a day."}
_NUMBER = {"invalid": "Write a whole number.", "required": "Write a whole number."}


def _day(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=_DAY,
    )


def _whole(label: str, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=_NUMBER,
        **options,
    )


class CertificationForm(forms.Form):
    """What everybody of a role has to pass."""

    role = forms.ChoiceField(label="Role", choices=RepRole.choices)
    name = forms.CharField(label="Name", max_length=80, error_messages={"required": "Name it."})
    says = forms.CharField(label="What it is about", max_length=300, required=False)
    valid_months = _whole("Holds for", min_value=1, max_value=LONGEST_MONTHS)
    pass_score = _whole(
        "Passed from",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Of 100. Empty: pass or fail alone.",
    )
    asked_from = _day("Asked from", "Who has never passed has 60 days from then, or from their first day.")

    @property
    def draft(self) -> CertificationDraft:
        return CertificationDraft(**self.cleaned_data)


class PeopleField(forms.ModelMultipleChoiceField):
    """People to tick, with their team."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}, {obj.team.name}"


class SessionForm(forms.Form):
    """A training: about what, when, by whom, for whom."""

    title = forms.CharField(
        label="About", max_length=120, error_messages={"required": "Say what it is about."}
    )
    certification = forms.ModelChoiceField(
        label="For the certification",
        queryset=Certification.objects.none(),
        required=False,
        empty_label="None",
    )
    day = _day("Day")
    time = forms.TimeField(
        label="Time",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": "Write the time as 10:30.", "required": "Choose a time."},
    )
    trainer = forms.ModelChoiceField(
        label="Trainer", queryset=User.objects.none(), error_messages={"required": "Choose who trains."}
    )
    material_url = forms.CharField(
        label="Material", max_length=500, required=False, help_text="The whole web address, with https://."
    )
    reps = PeopleField(
        label="Who is asked",
        queryset=Rep.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    def __init__(self, *args: Any, certifications: Any, reps: Any, trainers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["certification"].queryset = certifications  # type: ignore[attr-defined]
        self.fields["reps"].queryset = reps  # type: ignore[attr-defined]
        self.fields["trainer"].queryset = trainers  # type: ignore[attr-defined]

    @property
    def given(self) -> dict[str, Any]:
        """What the service takes; day and time are the company's."""
        read = dict(self.cleaned_data)
        day, time = read.pop("day"), read.pop("time")
        read["starts_at"] = datetime.combine(day, time, ZoneInfo(settings.COMPANY_TIME_ZONE))
        read["reps"] = list(read["reps"])
        return read


class ResultsForm(forms.Form):
    """How each of a session did; what is left empty is not recorded."""

    def __init__(self, *args: Any, reps: Sequence[Rep], scored: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reps, self.scored = reps, scored
        for rep in reps:
            self.fields[f"rep_{rep.pk}"] = (
                _whole(rep.name, required=False, min_value=0, max_value=100)
                if scored
                else forms.ChoiceField(
                    label=rep.name,
                    required=False,
                    choices=[("", "–"), ("pass", "Passed"), ("fail", "Not passed")],
                )
            )

    @property
    def results(self) -> list[tuple[Rep, int | None, bool | None]]:
        """Rep, score, passed: of those for whom something was written."""
        found: list[tuple[Rep, int | None, bool | None]] = []
        for rep in self.reps:
            value = self.cleaned_data.get(f"rep_{rep.pk}")
            if value in (None, ""):
                continue
            found.append((rep, value, None) if self.scored else (rep, None, value == "pass"))
        return found


class TakeBackForm(forms.Form):
    """Why a result is taken back."""

    reason = forms.CharField(
        label="Why", max_length=300, error_messages={"required": "Say why it is taken back."}
    )


# --- Coaching -------------------------------------------------------------------------------------


def aim_as_written(limit: Fraction, unit: Unit, currency: str, *, lower: bool) -> str:
    """How far one may aim as the field takes it: percent for a rate, major units for money; cut, never past it."""
    scaled = limit * 100
    if unit is Unit.RATE:
        scaled *= 100
    elif unit is Unit.MONEY:
        scaled /= 10 ** exponent(currency)
    text = f"{Decimal(ceil(scaled) if lower else floor(scaled)) / 100:.2f}"
    return text.rstrip("0").rstrip(".")


def aim_read(value: Decimal, unit: Unit, currency: str) -> Fraction:
    """What was written as an exact figure of the metric."""
    exact = Fraction(value)
    if unit is Unit.RATE:
        return exact / 100
    return exact * 10 ** exponent(currency) if unit is Unit.MONEY else exact


class GoalForm(forms.Form):
    """A practice goal: a metric, how far, until which month."""

    metric = forms.ChoiceField(label="Metric")
    aim = forms.CharField(
        label="To", max_length=20, error_messages={"required": "Write the figure to reach."},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    last_month = MonthField(label="By the end of")
    why = forms.CharField(
        label="How it is practised", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, role: str, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["metric"].choices = [(key, METRICS[key].name) for key in LAYOUTS[role].metrics]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        read = super().clean() or {}
        text = re.sub(r"[\s,%€$£]", "", read.get("aim", ""))
        metric = read.get("metric")
        if metric and text:
            if not re.fullmatch(r"\d{1,12}(\.\d{1,4})?", text):
                self.add_error("aim", "Write a number with a point, such as 28.5.")
            else:
                read["aim"] = aim_read(Decimal(text), METRICS[metric].unit, self.currency)
        return read


class ReasonForm(forms.Form):
    """Why a goal is ended."""

    reason = forms.CharField(label="Why", max_length=300, error_messages={"required": "Say why it ends."})


class SupportForm(forms.Form):
    """What is done for somebody on the lowest tier."""

    kind = forms.ChoiceField(label="What", choices=SupportAnswer.Kind.choices)
    text = forms.CharField(
        label="In words",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say in a sentence what is done and when; the AE reads it."},
        help_text="The AE reads it.",
    )


class ShareForm(forms.Form):
    """Who should listen to a recorded meeting, and for what."""

    reps = PeopleField(
        label="Who should listen",
        queryset=Rep.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose who should listen."},
    )
    why = forms.CharField(
        label="Listen for", max_length=300, error_messages={"required": "Say what to listen for."}
    )

    def __init__(self, *args: Any, reps: Iterable[Rep], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reps"].queryset = reps  # type: ignore[attr-defined]
