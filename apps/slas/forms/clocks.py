"""What is done to one promise: why it was broken, why it stands still, why it is set anew."""

from django import forms

from apps.slas.models import BreachReason


class ReasonForm(forms.Form):
    """Why a promise was broken."""

    reason = forms.ChoiceField(
        label="Why was it broken?",
        choices=[("", "Choose…"), *BreachReason.choices],
        error_messages={"required": "Choose the reason.", "invalid_choice": "Choose the reason."},
    )
    note = forms.CharField(
        label="In a few words", required=False, max_length=300, help_text="Needed for another reason."
    )


class PauseForm(forms.Form):
    """Let a promise stand still."""

    reason = forms.CharField(
        label="Why does it stand still?",
        max_length=120,
        help_text="Who asked to wait, and for what. Never for time off: the customer waits all the same.",
        error_messages={"required": "Say why: who asked to wait, and for what."},
    )


class RebaseForm(forms.Form):
    """Set promises anew by what is in force now."""

    why = forms.CharField(
        label="Why are they set anew?",
        max_length=200,
        help_text="It is kept with each promise, beside what it was before.",
        error_messages={"required": "Say why these promises are set anew."},
    )
