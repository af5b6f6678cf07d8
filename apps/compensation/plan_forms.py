"""What the pages of plans ask for beside the document itself: where to begin, a file, a reason, people, a name."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.compensation.models import Plan, PlanRole
from apps.compensation.rules.currencies import ISO_4217
from apps.reps.models import Rep

LARGEST_FILE = 512 * 1024


class BeginForm(forms.Form):
    """A new draft: what it begins from, its name, and its first day."""

    like = forms.ChoiceField(label="Begin from")
    name = forms.CharField(
        label="Name", max_length=80, required=False, help_text="Empty: a further version of the same plan."
    )
    role = forms.ChoiceField(label="For", required=False, choices=[("", "as there"), *PlanRole.choices])
    currency = forms.CharField(label="Currency", max_length=3, required=False, help_text="Empty: as there.")
    effective_on = forms.DateField(
        label="In effect from",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": "Write the first day on which it counts."},
    )

    def __init__(self, *args: Any, beginnings: list[tuple[str, Any]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["like"].choices = beginnings  # type: ignore[attr-defined]

    def clean_currency(self) -> str:
        found = str(self.cleaned_data["currency"]).strip().upper()
        if found and found not in ISO_4217:
            raise ValidationError(f"Write an ISO 4217 code, such as EUR; {found} is none.")
        return found


class PlanFileForm(forms.Form):
    """A plan file, as JSON in UTF-8."""

    file = forms.FileField(
        label="Plan file",
        help_text="JSON, as “Plan file” of a version gives it. It becomes a draft.",
        error_messages={"required": "Choose a file.", "empty": "This file is empty."},
    )

    def clean_file(self) -> dict[str, Any]:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise ValidationError(f"{file.name} is larger than 512 KB: no plan is.")
        try:
            document = json.loads(file.read().decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValidationError(f"{file.name} is not UTF-8 text.") from error
        except json.JSONDecodeError as error:
            says = f"{file.name} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            raise ValidationError(says) from error
        if not isinstance(document, dict):
            raise ValidationError(f"{file.name} holds no JSON object, so no plan.")
        return document


class SeenVersionForm(forms.Form):
    """The fingerprint of the version that was read."""

    fingerprint = forms.CharField(max_length=64, widget=forms.HiddenInput)


class SendPlanBackForm(forms.Form):
    """Why a version goes back."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why it goes back."},
    )


class AcknowledgeForm(SeenVersionForm):
    """The rep's own name, typed."""

    typed_name = forms.CharField(
        label="Your name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Type your name."},
    )


class AssignForm(forms.Form):
    """Who is put on a plan, and from when."""

    reps = forms.ModelMultipleChoiceField(
        label="People",
        queryset=Rep.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose somebody."},
    )
    starts_on = forms.DateField(
        label="From", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    ends_on = forms.DateField(
        label="Until, not including",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Empty: until it is ended.",
    )
    moves = forms.BooleanField(
        label="Whoever is on another plan then leaves it that day", required=False, initial=True
    )

    def __init__(self, *args: Any, plan: Plan, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["reps"].queryset = candidates(plan)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        starts, ends = found.get("starts_on"), found.get("ends_on")
        if starts and ends and ends <= starts:
            self.add_error("ends_on", "It ends after it starts.")
        return found


def candidates(plan: Plan) -> Any:
    """The reps whom a plan of this role is for, by name; those who left are not among them."""
    wanted = {"sdr": ("isr", "osr"), "manager": None}.get(plan.role, (plan.role,))
    reps = Rep.objects.filter(left_on__isnull=True).order_by("name", "pk")
    return reps if wanted is None else reps.filter(role__in=wanted)


class EndForm(forms.Form):
    """The first day on which somebody is no longer on a plan."""

    ends_on = forms.DateField(
        label="Until, not including", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
