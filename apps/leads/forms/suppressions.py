"""Closing somebody for contact, and lifting that."""

from django import forms

from apps.leads.models import Channel, Suppression


class SuppressionForm(forms.Form):
    """What is closed, where, and why. Whether the value is one of its kind is the service's to say."""

    kind = forms.ChoiceField(label="What", choices=Suppression.Kind.choices, widget=forms.RadioSelect)
    value = forms.CharField(
        label="Address, number or domain",
        max_length=254,
        error_messages={"required": "Write the address, the number or the domain."},
        help_text="Such as hanna@company.com, +49 30 1234567 or company.com.",
    )
    channel = forms.ChoiceField(
        label="Channel", choices=[("", "Every channel"), *Channel.choices[:4]], required=False
    )
    reason = forms.ChoiceField(label="Why", choices=Suppression.Reason.choices)
    note = forms.CharField(label="Note", max_length=200, required=False)


class LiftForm(forms.Form):
    """Somebody may ask why."""

    because = forms.CharField(
        label="Why it is lifted",
        max_length=200,
        error_messages={"required": "Say why it is lifted: somebody may ask."},
        help_text="Such as: they asked in writing to hear from us again.",
    )
