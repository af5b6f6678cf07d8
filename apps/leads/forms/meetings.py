"""What is entered about meetings: a new time, a cancellation, a correction, comments; preferred times; the rules."""

from datetime import datetime, tzinfo
from typing import Any

from django import forms

from apps.leads.models import BookingRules, PartOfDay, Weekday
from apps.leads.rules.preferences import Wish
from apps.leads.services.meetings import WHO
from apps.leads.services.preferences import MOST

DATE = "date"


def aware(text: str) -> datetime:
    """The instant of an ISO text with its offset. Raises ``ValidationError``."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise forms.ValidationError("Choose one of the times offered.") from None
    if instant.tzinfo is None:
        raise forms.ValidationError("Choose one of the times offered.")
    return instant


class RescheduleForm(forms.Form):
    """A time that was offered, its length, and why."""

    starts_at = forms.CharField(error_messages={"required": "Choose a time."})
    minutes = forms.TypedChoiceField(
        choices=BookingRules.Minutes.choices, coerce=int, required=False, empty_value=None
    )
    reason = forms.CharField(
        label="Why it is moved",
        max_length=300,
        required=False,
        error_messages={"max_length": "Keep the reason to %(limit_value)d characters."},
    )

    def clean_starts_at(self) -> datetime:
        return aware(self.cleaned_data["starts_at"])


class CancelForm(forms.Form):
    """Who called it off, and why."""

    who = forms.ChoiceField(
        label="Who called it off",
        choices=[("customer", "The customer"), ("us", "We did")],
        widget=forms.RadioSelect,
        error_messages={"required": "Say who called it off."},
    )
    reason = forms.CharField(
        label="Why",
        max_length=300,
        error_messages={
            "required": "Say why, in a few words.",
            "max_length": "Keep the reason to %(limit_value)d characters.",
        },
    )


assert set(WHO) == {"customer", "us"}


class CorrectForm(forms.Form):
    """What it was in truth, and what was wrong."""

    outcome = forms.ChoiceField(choices=[("held", "Held"), ("no_show", "No-show")])
    reason = forms.CharField(
        label="What was wrong",
        max_length=300,
        error_messages={
            "required": "Say what was wrong, in a few words.",
            "max_length": "Keep the reason to %(limit_value)d characters.",
        },
    )


class CommentForm(forms.Form):
    """A note for those who see the meeting."""

    words = forms.CharField(
        label="Comment",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={
            "required": "Write what is to be noted.",
            "max_length": "Keep the comment to %(limit_value)d characters.",
        },
    )


class RecordingForm(forms.Form):
    """Where the recording is found."""

    recording_url = forms.CharField(
        label="Link to the recording",
        max_length=500,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )


class BookingRulesForm(forms.ModelForm):
    """The company's booking rules."""

    class Meta:
        model = BookingRules
        fields = ("meeting_minutes", "hold_minutes", "longest_hold_minutes")


class WishesForm(forms.Form):
    """Up to ``MOST`` preferred times in their order; a row without a day is none."""

    def __init__(self, *args: Any, zone: tzinfo, **options: Any) -> None:
        """``zone`` is the customer's, in which days and hours are meant."""
        super().__init__(*args, **options)
        self.zone = zone
        days = [("", "None"), ("any", "Any working day"), *Weekday.choices, (DATE, "On one day")]
        for number in range(MOST):
            name = f"wish-{number}"
            self.fields[name] = forms.ChoiceField(
                label=f"Preferred time {number + 1}",
                choices=days,
                required=False,
                widget=forms.Select(attrs={"class": "form-select form-select-sm"}),
            )
            self.fields[f"{name}-part"] = forms.ChoiceField(
                label="Part of the day",
                choices=PartOfDay.choices,
                required=False,
                widget=forms.Select(attrs={"class": "form-select form-select-sm"}),
            )
            self.fields[f"{name}-on"] = forms.DateField(
                label="Day",
                required=False,
                widget=forms.DateInput(
                    attrs={"type": "date", "class": "form-control form-control-sm"}, format="%Y-%m-%d"
                ),
            )
            for part, label in (("from", "From"), ("to", "To")):
                self.fields[f"{name}-{part}"] = forms.TimeField(
                    label=label,
                    required=False,
                    widget=forms.TimeInput(
                        attrs={"type": "time", "step": 1800, "class": "form-control form-control-sm"},
                        format="%H:%M",
                    ),
                )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        for number in range(MOST):
            name = f"wish-{number}"
            if found.get(name) != DATE:
                continue
            parts = [found.get(f"{name}-{part}") for part in ("on", "from", "to")]
            if not all(part is not None for part in parts):
                if not any(f"{name}-{part}" in self.errors for part in ("on", "from", "to")):
                    self.add_error(name, "Give the day, from when and until when.")
            elif parts[2] <= parts[1]:  # type: ignore[operator]
                self.add_error(name, "It must end after it begins.")
        return found

    @property
    def wishes(self) -> list[Wish]:
        """Once the form is valid."""
        found = []
        for number in range(MOST):
            name = f"wish-{number}"
            given: dict[str, Any] = {
                part: self.cleaned_data.get(f"{name}-{part}") for part in ("part", "on", "from", "to")
            }
            day = self.cleaned_data.get(name)
            if day == DATE:
                starts, ends = (
                    datetime.combine(given["on"], given[part], self.zone) for part in ("from", "to")
                )
                found.append(Wish(starts_at=starts, ends_at=ends))
            elif day:
                found.append(
                    Wish(weekday=None if day == "any" else int(day), part=given["part"] or PartOfDay.ANY)
                )
        return found

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The bound fields row by row, as the template lays them out."""
        names = {"day": "", "part": "-part", "on": "-on", "from_": "-from", "to": "-to"}
        return [
            {"number": number + 1, **{key: self[f"wish-{number}{name}"] for key, name in names.items()}}
            for number in range(MOST)
        ]

    @staticmethod
    def initial_of(wishes: list[Wish], zone: tzinfo) -> dict[str, Any]:
        """What stands in the form for these wishes."""
        found: dict[str, Any] = {}
        for number, wish in enumerate(wishes):
            name = f"wish-{number}"
            if wish.starts_at is not None and wish.ends_at is not None:
                starts, ends = wish.starts_at.astimezone(zone), wish.ends_at.astimezone(zone)
                found |= {
                    name: DATE,
                    f"{name}-on": starts.date(),
                    f"{name}-from": f"{starts:%H:%M}",
                    f"{name}-to": f"{ends:%H:%M}",
                }
            else:
                found |= {
                    name: "any" if wish.weekday is None else str(wish.weekday),
                    f"{name}-part": wish.part,
                }
        return found
