"""A lead taken in by hand."""

from typing import Any

from django import forms

from apps.leads.rules.calling import zone_named
from apps.leads.services.intake import Incoming
from apps.reps.models import Team

_TOO_LONG = {"max_length": "Keep this to %(limit_value)d characters; it has %(show_value)d."}

ZONES = (
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
)


def _text(label: str, longest: int, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=longest, required=False, error_messages=_TOO_LONG, **options
    )


class LeadForm(forms.Form):
    """What is known of somebody; only the company or the e-mail address is needed."""

    name = _text("Name", 120)
    title = _text("Title", 120)
    email = forms.EmailField(
        label="E-mail",
        required=False,
        error_messages={"invalid": "Write an address such as hanna@company.com."},
    )
    phone = _text("Phone", 40, widget=forms.TextInput(attrs={"type": "tel"}))
    company = _text("Company", 160)
    industry = _text("Industry", 80)
    employees = forms.IntegerField(
        label="Employees",
        required=False,
        min_value=1,
        max_value=10_000_000,
        error_messages={"invalid": "Write a whole number.", "min_value": "One or more."},
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    city = _text("City", 80)
    time_zone = _text(
        "Their time zone", 64, widget=forms.TextInput(attrs={"list": "zones", "placeholder": "Europe/Berlin"})
    )
    source = _text("Source", 80, help_text="Such as Demo request, Webinar, Referral.")
    campaign = _text("Campaign", 80)
    is_inbound = forms.TypedChoiceField(
        label="Channel",
        choices=[("yes", "Inbound: they came to us"), ("no", "Outbound: we go to them")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        initial="yes",
    )
    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        label="Team",
        empty_label=None,
        error_messages={"required": "Choose a team."},
    )
    mine = forms.BooleanField(
        label="I take it myself", required=False, help_text="Otherwise it lies in the team's pool."
    )
    request_key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, teams: Any, can_own: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]
        if not can_own:
            del self.fields["mine"]

    def clean_time_zone(self) -> str:
        name = self.cleaned_data["time_zone"].strip()
        if name and zone_named(name) is None:
            raise forms.ValidationError("Write a zone such as Europe/Berlin, or leave it empty.")
        return name

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not found.get("company") and not found.get("email") and "email" not in self.errors:
            self.add_error("company", "Name the company, or give an e-mail address.")
        return found

    @property
    def incoming(self) -> Incoming:
        """Once the form is valid."""
        names = (
            "name", "title", "email", "phone", "company", "industry", "employees", "city", "time_zone",
            "source", "campaign", "is_inbound",
        )  # fmt: skip
        return Incoming(**{name: self.cleaned_data[name] for name in names})
