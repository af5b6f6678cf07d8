"""Forms of scorecards."""

from django import forms


class NoteForm(forms.Form):
    """A note on a scorecard."""

    text = forms.CharField(
        label="Note",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what you want to say."},
        help_text="Both the rep and the manager read it.",
    )
