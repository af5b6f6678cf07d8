"""What an SDR enters while working a lead: a touch, the framework, a booking."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from django import forms

from apps.leads.models import BookingRules, Channel, Disposition, Purpose, QualificationAnswer, Suppression
from apps.leads.services.qualifications import Answer

REQUIRED_KEY = {"required": "Reload the page: this form has lost its key.", "max_length": "Reload the page."}


class TouchForm(forms.Form):
    """One touch. A callback's time is one of those offered, or typed in the customer's zone."""

    channel = forms.ChoiceField(choices=Channel.choices)
    disposition = forms.ChoiceField(
        choices=Disposition.choices, error_messages={"required": "Choose what came of it."}
    )
    note = forms.CharField(
        max_length=500,
        required=False,
        error_messages={"max_length": "Keep the note to %(limit_value)d characters; it has %(show_value)d."},
    )
    purpose = forms.ChoiceField(choices=[("", ""), *Purpose.choices], required=False)
    they_asked = forms.BooleanField(required=False)
    request_key = forms.CharField(max_length=64, error_messages=REQUIRED_KEY)
    when = forms.CharField(required=False)
    callback_at = forms.DateTimeField(
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"],
        error_messages={"invalid": "Write day and time, such as 2026-11-12 14:30."},
    )

    def __init__(self, *args: Any, zone: tzinfo, **options: Any) -> None:
        """``zone`` is that in which ``callback_at`` is typed."""
        super().__init__(*args, **options)
        self.zone = zone

    def clean_callback_at(self) -> datetime | None:
        typed = self.cleaned_data["callback_at"]
        return typed.replace(tzinfo=self.zone) if typed else None

    def clean_when(self) -> datetime | None:
        offered = self.cleaned_data["when"]
        if not offered:
            return None
        try:
            instant = datetime.fromisoformat(offered)
        except ValueError:
            raise forms.ValidationError("Choose one of the times offered, or type one.") from None
        if instant.tzinfo is None:
            raise forms.ValidationError("Choose one of the times offered, or type one.")
        return instant

    def promised_at(self) -> datetime | None:
        """The callback's instant: the typed one before the offered one; only for a callback."""
        if self.cleaned_data["disposition"] != Disposition.CALL_BACK:
            return None
        return self.cleaned_data.get("callback_at") or self.cleaned_data.get("when")


class QualifyForm(forms.Form):
    """The framework of the definition in force: for each criterion verdict, answer, evidence, who said so."""

    def __init__(self, *args: Any, criteria: Sequence[dict[str, Any]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.criteria = criteria
        for criterion in criteria:
            key, name = criterion["key"], criterion["name"]
            self.fields[f"{key}-verdict"] = forms.ChoiceField(
                choices=QualificationAnswer.Verdict.choices,
                widget=forms.RadioSelect,
                label=name,
                error_messages={"required": f"Say whether {name} is met."},
            )
            for part, label, longest in (
                ("answer", "Answer", 300),
                ("evidence", "Evidence", 500),
                ("said_by", "Who said so", 120),
            ):
                self.fields[f"{key}-{part}"] = forms.CharField(
                    label=label,
                    max_length=longest,
                    required=False,
                    widget=forms.Textarea(attrs={"rows": 2}) if part == "evidence" else forms.TextInput(),
                    error_messages={
                        "max_length": "Keep this to %(limit_value)d characters; it has %(show_value)d."
                    },
                )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        for criterion in self.criteria:
            key = criterion["key"]
            if found.get(f"{key}-verdict") == "met" and not found.get(f"{key}-answer", "").strip():
                if f"{key}-answer" not in self.errors:
                    self.add_error(f"{key}-answer", f"{criterion['name']} is met: say what the answer was.")
        return found

    @property
    def answers(self) -> dict[str, Answer]:
        """By criterion, once the form is valid."""
        return {
            criterion["key"]: Answer(
                *(
                    self.cleaned_data[f"{criterion['key']}-{part}"]
                    for part in ("verdict", "answer", "evidence", "said_by")
                )
            )
            for criterion in self.criteria
        }

    def add_refusal(self, field: str, message: str) -> None:
        """Put what the service refused at the criterion that it names."""
        self.add_error(f"{field}-answer" if f"{field}-answer" in self.fields else None, message)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The bound fields criterion by criterion, as the template lays them out."""
        return [
            {
                "key": criterion["key"],
                "name": criterion["name"],
                "asks": criterion.get("asks", ""),
                "verdict": self[f"{criterion['key']}-verdict"],
                "answer": self[f"{criterion['key']}-answer"],
                "evidence": self[f"{criterion['key']}-evidence"],
                "said_by": self[f"{criterion['key']}-said_by"],
            }
            for criterion in self.criteria
        ]


class BookForm(forms.Form):
    """A time that was offered, and whether the lead is handed over as exploration."""

    starts_at = forms.CharField(error_messages={"required": "Choose a time."})
    minutes = forms.TypedChoiceField(
        choices=BookingRules.Minutes.choices, coerce=int, required=False, empty_value=None
    )
    as_exploration = forms.BooleanField(required=False)
    held_with = forms.IntegerField(required=False)

    def clean_starts_at(self) -> datetime:
        try:
            instant = datetime.fromisoformat(self.cleaned_data["starts_at"])
        except ValueError:
            raise forms.ValidationError("Choose one of the times offered.") from None
        if instant.tzinfo is None:
            raise forms.ValidationError("Choose one of the times offered.")
        return instant


class CloseForm(forms.Form):
    """What somebody wants closed: one channel or all, why, and what they said."""

    channel = forms.ChoiceField(
        choices=[("", "Every channel: never contact them"), *Channel.choices],
        required=False,
        label="What is closed",
    )
    reason = forms.ChoiceField(choices=Suppression.Reason.choices, label="Why")
    note = forms.CharField(
        max_length=200,
        required=False,
        label="What they said",
        error_messages={"max_length": "Keep this to %(limit_value)d characters; it has %(show_value)d."},
    )
