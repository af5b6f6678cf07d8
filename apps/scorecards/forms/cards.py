"""Forms of scorecards: notes for both and for oneself, agreed actions, signatures."""

from django import forms

from apps.scorecards.models import ActionOutcome, SignedAs
from apps.scorecards.services.card_actions import MOST_WORDS

_SAY = {"required": "Write what you want to say."}


class NoteForm(forms.Form):
    """A note on a scorecard."""

    text = forms.CharField(
        label="Note",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages=_SAY,
        help_text="Both the rep and the manager read it.",
    )


class PrivateNoteForm(forms.Form):
    """A manager's note to self."""

    text = forms.CharField(
        label="Private note",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages=_SAY,
        help_text="Nobody but you reads it: not the rep, not RevOps, and no print or file has it.",
    )


class ActionForm(forms.Form):
    """What is agreed: what, who of the two, by when."""

    text = forms.CharField(
        label="What is to be done",
        max_length=MOST_WORDS,
        error_messages={"required": "Say what is to be done."},
    )
    owner = forms.ChoiceField(label="Who", choices=SignedAs.choices)
    due_on = forms.DateField(
        label="By",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write the day as 2026-11-12.", "required": "Choose a day."},
    )


class ActionClosingForm(forms.Form):
    """What became of an action."""

    outcome = forms.ChoiceField(choices=ActionOutcome.choices)
    words = forms.CharField(label="Why", max_length=MOST_WORDS, required=False)
    shown = forms.CharField(max_length=7, required=False, help_text="the month of the card it was said on")


class SignForm(forms.Form):
    """The fingerprint of the copy that was read."""

    fingerprint = forms.CharField(
        max_length=64,
        widget=forms.HiddenInput,
        error_messages={"required": "Open the scorecard again, read it, then sign."},
    )
