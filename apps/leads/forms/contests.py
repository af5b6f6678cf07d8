"""What is written in a contest: the SDR's reason, a statement, the judge's decision; and the company's terms."""

from typing import Any

from django import forms

from apps.leads.models import ContestTerms
from apps.leads.rules.contests import MOST_DAYS
from apps.leads.services.contests import MOST_WORDS


def _words(label: str, empty: str, help_text: str = "", rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=MOST_WORDS,
        widget=forms.Textarea(attrs={"rows": rows}),
        help_text=help_text,
        error_messages={
            "required": empty,
            "max_length": f"Keep it to {MOST_WORDS:,} characters.",
        },
    )


class ContestForm(forms.Form):
    """Why the rejection is wrong."""

    reason = _words(
        "Why is the rejection wrong?",
        "Say why the rejection is wrong: the judge and the AE read it.",
        "Name what was said, by whom and when. The AE and both managers read it too.",
    )


class StatementForm(forms.Form):
    """One more thing that the judge should know."""

    statement = _words("Your statement", "Write what the judge should know.", "Each side adds one.")


WITH_ANOTHER = "uphold_with_another"


class DecisionForm(forms.Form):
    """Uphold or dismiss, with the reason."""

    decision = forms.ChoiceField(
        label="What do you decide?",
        choices=(
            ("uphold", "Uphold: it should have been accepted"),
            (WITH_ANOTHER, "Uphold, and another AE continues with the customer"),
            ("dismiss", "Dismiss: the rejection stands"),
        ),
        widget=forms.RadioSelect,
        error_messages={
            "required": "Uphold or dismiss.",
            "invalid_choice": "Uphold or dismiss.",
        },
    )
    reason = _words("Why?", "Say why: both sides read it.")


class TermsForm(forms.Form):
    """How long contesting and judging may take."""

    window_days = forms.IntegerField(
        label="Days to contest",
        min_value=1,
        max_value=MOST_DAYS,
        help_text="After a rejection, not counting its own day.",
    )
    judge_days = forms.IntegerField(
        label="Days to decide",
        min_value=1,
        max_value=MOST_DAYS,
        help_text="The judge is reminded a day before.",
    )
    counts = forms.ChoiceField(
        label="Days are",
        choices=ContestTerms.Counts.choices,
        widget=forms.RadioSelect,
        help_text="Working days are those of the SDR’s business calendar.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("window_days", "judge_days"):
            says = f"Write a whole number from 1 to {MOST_DAYS}."
            self.fields[name].error_messages |= {"required": says, "invalid": says}
            for one in self.fields[name].validators:
                one.message = says  # type: ignore[attr-defined]
