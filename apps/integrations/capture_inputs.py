"""What a visitor fills in, made from what the form asks; and what RevOps and marketing say of a form."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.core.errors import InvalidInput
from apps.integrations.models import CaptureForm, ConsentText
from apps.integrations.rules import capture as rules
from apps.integrations.services.capture_forms import FormTerms
from apps.reps.models import Team

TRAP = "website"
"""A field that nobody sees: whoever fills it is a program."""
_TOO_LONG = {"max_length": "Keep this to %(limit_value)d characters; it has %(show_value)d."}


class VisitorForm(forms.Form):
    """A visitor's own facts, the agreement, and what keeps programs out."""

    def __init__(self, data: Any = None, *, form: CaptureForm, consent: ConsentText, **options: Any) -> None:
        super().__init__(data, **options)
        for name, how in form.fields_in_order.items():
            self.fields[name] = _field(rules.FIELDS[name], required=how == rules.REQUIRED)
        self.fields["agreed"] = forms.BooleanField(
            label=consent.words,
            required=consent.is_required,
            error_messages={"required": "Without this we may not keep what you send."},
        )
        self.fields["ticket"] = forms.CharField(widget=forms.HiddenInput, required=False, max_length=600)
        self.fields[TRAP] = forms.CharField(
            label="Leave this empty",
            required=False,
            max_length=200,
            widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
        )
        self._names = list(form.fields_in_order)

    @property
    def facts(self) -> list[forms.BoundField]:
        """The fields that a visitor sees, in their order."""
        return [self[name] for name in self._names]

    @property
    def filled(self) -> dict[str, Any]:
        """What was given, by field of a lead."""
        return {name: self.cleaned_data[name] for name in self._names}

    def clean_website(self) -> str:
        if self.cleaned_data[TRAP]:
            raise ValidationError(
                "Something filled a field that people do not see. Clear it and send once more."
            )
        return ""


def _field(asked: rules.Asked, *, required: bool) -> forms.Field:
    attrs = {"autocomplete": asked.autocomplete}
    missing = {"required": f"Fill in: {asked.label.lower()}."}
    if asked.kind == "email":
        return forms.EmailField(
            label=asked.label, max_length=asked.longest, required=required,
            error_messages={**missing, "invalid": "Write an address such as hanna@company.com."},
            widget=forms.EmailInput(attrs=attrs),
        )  # fmt: skip
    if asked.kind == "number":
        return forms.IntegerField(
            label=asked.label, required=required, min_value=1, max_value=10_000_000,
            error_messages={**missing, "invalid": "Write a whole number."},
            widget=forms.NumberInput(attrs={**attrs, "inputmode": "numeric"}),
        )  # fmt: skip
    return forms.CharField(
        label=asked.label, max_length=asked.longest, required=required, error_messages={**missing, **_TOO_LONG},
        widget=forms.TextInput(attrs={**attrs, "type": asked.kind}),
    )  # fmt: skip


class TermsForm(forms.Form):
    """All that is said of a form; each field of a lead is left out, asked or required."""

    name = forms.CharField(label="Name", max_length=80, help_text="for colleagues")
    title = forms.CharField(label="Heading", max_length=120, help_text="what visitors read above it")
    words = forms.CharField(
        label="A sentence below it", max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    team = forms.ModelChoiceField(
        label="Team", queryset=Team.objects.none(), help_text="whose queue it fills"
    )
    source = forms.CharField(label="Source", max_length=80, initial="Website form")
    campaign = forms.CharField(label="Campaign", max_length=80, required=False)
    consent = forms.CharField(
        label="What people agree to",
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Each other wording is another version; every lead keeps the one it was shown.",
    )
    consent_required = forms.BooleanField(
        label="Nobody sends it without agreeing", required=False, initial=True
    )
    origins = forms.CharField(
        label="Sites that may show it",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "mono"}),
        help_text="one a line, such as https://www.larkfield.example; none: it stands on its own page alone",
    )
    thanks = forms.CharField(
        label="Words of thanks", max_length=300, initial="Thank you. We will call you within the hour."
    )
    offers_times = forms.BooleanField(
        label="Offer times at once",
        required=False,
        initial=True,
        help_text="The soonest at which an AE is free.",
    )
    is_active = forms.BooleanField(label="It can be filled in", required=False, initial=True)

    def __init__(self, *args: Any, user: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["team"].queryset = (  # type: ignore[attr-defined]
            Team.objects.filter(is_open=True, reps__role__in=("isr", "osr")).distinct().order_by("name")
        )
        choices = [("", "Not asked"), (rules.ASKED, "Asked"), (rules.REQUIRED, "Required")]
        for asked in rules.FIELDS.values():
            if asked.name != "email":
                self.fields[f"ask_{asked.name}"] = forms.ChoiceField(
                    label=asked.label, choices=choices, required=False
                )

    @classmethod
    def of(cls, form: CaptureForm, consent: ConsentText, *, user: Any, data: Any = None) -> "TermsForm":
        """The form as it stands."""
        names = (
            "name",
            "title",
            "words",
            "team",
            "source",
            "campaign",
            "thanks",
            "offers_times",
            "is_active",
        )
        known = {name: getattr(form, name) for name in names}
        known |= {f"ask_{name}": how for name, how in form.fields.items()}
        known |= {"consent": consent.words, "consent_required": consent.is_required}
        known["origins"] = "\n".join(form.origins)
        return cls(data, user=user, initial=known)

    @property
    def asks(self) -> list[forms.BoundField]:
        """The choices of what is asked."""
        return [self[name] for name in self.fields if name.startswith("ask_")]

    @property
    def terms(self) -> FormTerms:
        """What was said, as the services take it."""
        given = dict(self.cleaned_data)
        asks = {name: given.pop(f"ask_{name}") for name in rules.FIELDS if name != "email"}
        fields = {"email": rules.REQUIRED, **{name: how for name, how in asks.items() if how}}
        return FormTerms(**{**given, "origins": given["origins"].split()}, fields=fields)

    def refuse(self, error: InvalidInput) -> None:
        """What a service refused, at its field."""
        self.add_error(error.field if error.field in self.fields else None, error.message)
