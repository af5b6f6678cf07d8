"""What RevOps types about people, and what everybody sets for themselves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings

from apps.accounts.models import NotificationPreference, Role, User
from apps.accounts.notification_kinds import Kind, Way

_REGIONS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


def _zones() -> list[tuple[str, str]]:
    named = sorted(zone for zone in available_timezones() if zone.startswith(_REGIONS))
    return [(zone, zone.replace("_", " ")) for zone in ["UTC", *named]]


class PersonForm(forms.Form):
    """A new person."""

    name = forms.CharField(
        max_length=120, label="Name", error_messages={"required": "Say the person's name."}
    )
    email = forms.EmailField(
        max_length=254,
        label="E-mail address",
        help_text="Used to sign in.",
        error_messages={"required": "Say the address.", "invalid": "This is no e-mail address."},
    )
    role = forms.ChoiceField(
        choices=[("", "Choose a role"), *Role.choices],
        label="Role",
        error_messages={"required": "Choose a role.", "invalid_choice": "Choose one of the roles listed."},
    )
    time_zone = forms.ChoiceField(choices=_zones, label="Time zone")
    password = forms.CharField(
        required=False,
        max_length=128,
        strip=False,
        label="First password",
        help_text="Left empty, the person gets a mail to set one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("initial", {"time_zone": settings.COMPANY_TIME_ZONE})
        super().__init__(*args, **options)


class RoleForm(forms.Form):
    """Another role."""

    role = forms.ChoiceField(choices=Role.choices, label="Role")


class ProfileForm(forms.Form):
    """What everybody sets for themselves."""

    time_zone = forms.ChoiceField(
        choices=_zones,
        label="Time zone",
        help_text="Every time on the portal is shown in it.",
        error_messages={"invalid_choice": "Choose a time zone from the list."},
    )

    @classmethod
    def of(cls, user: User) -> "ProfileForm":
        return cls(initial={"time_zone": user.time_zone})


class ReadAllForm(forms.Form):
    """Which notifications are marked as read together: up to the newest that was shown, of one kind or all."""

    up_to = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    kind = forms.CharField(required=False, max_length=24)


class NotificationChoicesForm(forms.Form):
    """For each kind of notification: in the portal or not, and how by e-mail."""

    def __init__(self, *args: Any, kinds: Sequence[Kind], ways: Mapping[str, Way], **options: Any) -> None:
        super().__init__(*args, **options)
        self.kinds = kinds
        for kind in kinds:
            self.fields[f"{kind.key}-in_portal"] = forms.BooleanField(
                required=False, label="In the portal", initial=ways[kind.key].in_portal
            )
            self.fields[f"{kind.key}-mail"] = forms.ChoiceField(
                choices=NotificationPreference.Mail.choices,
                label="By e-mail",
                initial=ways[kind.key].mail,
                widget=forms.RadioSelect,
                error_messages={
                    "required": "Say how you hear of it by e-mail.",
                    "invalid_choice": "Choose one of the three.",
                },
            )

    def rows(self) -> Iterator[tuple[Kind, Any, Any]]:
        """Each kind with its two fields."""
        for kind in self.kinds:
            yield kind, self[f"{kind.key}-in_portal"], self[f"{kind.key}-mail"]

    def ways(self) -> dict[str, Way]:
        """What was chosen, by kind; of a form that is valid."""
        read = self.cleaned_data
        return {kind.key: Way(read[f"{kind.key}-in_portal"], read[f"{kind.key}-mail"]) for kind in self.kinds}
