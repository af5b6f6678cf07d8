"""Forms of the weekly review: what was agreed, when a team meets, complaints about leads."""

import uuid
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.reps.models import Team
from apps.scorecards.models import ComplaintReason, ReviewItem, ReviewSetting
from apps.scorecards.selectors.review_items import owners_for
from apps.scorecards.services.reviews import Terms

_DAY = {"invalid": "Write the day as 2026-11-12.", "required": "Say by which day."}
_NUMBER = {"invalid": "Write a whole number.", "required": "Write a number."}
_KEYS = {"decision": "d", "action": "a"}
WEEKDAYS = tuple(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))


class ItemForm(forms.Form):
    """A decision, or an action with its owner and day. The kind decides which fields stand in it."""

    kind = forms.ChoiceField(choices=ReviewItem.Kind.choices, widget=forms.HiddenInput)
    section = forms.CharField(widget=forms.HiddenInput, required=False)
    request_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    text = forms.CharField(
        label="What was agreed",
        max_length=300,
        error_messages={"required": "Say what was agreed.", "max_length": "Write at most 300 characters."},
    )
    owner = forms.ModelChoiceField(
        label="Who",
        queryset=User.objects.none(),
        required=False,
        error_messages={"invalid_choice": "Choose somebody of the list."},
    )
    due_on = forms.DateField(
        label="By",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=_DAY,
    )

    def __init__(self, *args: Any, team: Team, kind: str = "", section: str = "", **kwargs: Any) -> None:
        if kind:
            kwargs["initial"] = {"kind": kind, "section": section, "request_key": uuid.uuid4().hex}
        given = kind or str((kwargs.get("data") or {}).get("kind", ""))
        kwargs["auto_id"] = f"id_{given or 'item'}_%s"
        super().__init__(*args, **kwargs)
        owner: Any = self.fields["owner"]
        owner.queryset = owners_for(team)
        owner.label_from_instance = lambda user: user.name
        owner.empty_label = "Choose"
        owner.required = self.fields["due_on"].required = given == ReviewItem.Kind.ACTION
        owner.error_messages["required"] = "Say whose action it is."
        if given in _KEYS:
            self.fields["text"].widget.attrs |= {
                "data-key": _KEYS[given],
                "data-key-label": f"Note the {given}",
            }


class ReviewSettingForm(forms.Form):
    """When a team holds its weekly review."""

    is_on = forms.BooleanField(label="Make a pack each week", required=False)
    weekday = forms.TypedChoiceField(label="Day of the week", choices=WEEKDAYS, coerce=int)
    starts_at = forms.TimeField(
        label="Begins at",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": "Write the time as 10:30.", "required": "Write the time as 10:30."},
    )
    minutes = forms.IntegerField(label="Minutes", help_text="10 to 240.", error_messages=_NUMBER)
    ask_hours_before = forms.IntegerField(
        label="Ask for missing reasons, hours before",
        help_text="Whoever owes one is told, and answers with one press.",
        error_messages=_NUMBER,
    )
    made_hours_before = forms.IntegerField(
        label="Make the pack, hours before", help_text="It is sent to the team then.", error_messages=_NUMBER
    )
    agreed_mqls = forms.IntegerField(
        label="MQLs a week that were agreed",
        required=False,
        help_text="Stands beside the leads delivered.",
        error_messages=_NUMBER,
    )

    def __init__(self, *args: Any, setting: ReviewSetting, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(setting, name) for name in Terms.__dataclass_fields__}
        super().__init__(*args, **kwargs)

    @property
    def terms(self) -> Terms:
        """What was written, once valid."""
        return Terms(**self.cleaned_data)


class ComplaintForm(forms.Form):
    """What is wrong with a lead."""

    reason = forms.ChoiceField(
        label="What is wrong with it",
        choices=ComplaintReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what is wrong with it."},
    )
    comment = forms.CharField(
        label="In a sentence",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Marketing and your manager read it. It is about the lead, not about how it was worked.",
        error_messages={"required": "Say in a sentence what is wrong."},
    )
    request_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)


class ComplaintAnswerForm(forms.Form):
    """What marketing answers."""

    text = forms.CharField(
        label="Answer",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Who complained is told.",
        error_messages={"required": "Say what you found or changed."},
    )
