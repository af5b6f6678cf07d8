"""The form of an endpoint: where to, and what it is told of."""

from typing import Any

from django import forms

from apps.integrations.models import WebhookEndpoint
from apps.integrations.rules.webhooks import TOPICS


class EndpointForm(forms.Form):
    """What the services check is checked there; this keeps what was typed."""

    name = forms.CharField(label="Name", max_length=80, help_text="for colleagues: CRM, data warehouse")
    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="https; addresses within a private network only where the installation allows them",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    kinds = forms.MultipleChoiceField(
        label="Told of",
        choices=[(name, topic.says) for name, topic in TOPICS.items()],
        error_messages={"required": "Choose what it is told of, one kind at least."},
    )
    with_history = forms.BooleanField(
        label="Also what an import brings",
        required=False,
        help_text="Facts of long ago, by the thousand: for a data warehouse.",
    )
    is_active = forms.BooleanField(
        label="Switched on",
        required=False,
        initial=True,
        help_text="Switched off, it hears nothing new; what waits goes out when it is switched on again.",
    )

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, data: Any = None) -> "EndpointForm":
        """The form as the endpoint stands."""
        known = {
            name: getattr(endpoint, name) for name in ("name", "url", "kinds", "with_history", "is_active")
        }
        return cls(data, initial=known)

    @property
    def chosen(self) -> list[str]:
        """The kinds that are ticked, as typed or as they stand."""
        return list(self["kinds"].value() or [])
