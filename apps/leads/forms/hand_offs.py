"""An AE's answer: the estimate with an acceptance; criterion, reason and comment with a rejection."""

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.core.forms import AmountField
from apps.leads.models import RejectionReason


class AcceptForm(forms.Form):
    """The AE's estimate is welcome, never required."""

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = AmountField(
            currency=currency,
            required=False,
            label="Estimated amount",
            help_text="What the deal may be worth.",
        )


class RejectForm(forms.Form):
    """Which criterion is not met, why, and what would make it acceptable."""

    criterion = forms.ChoiceField(
        label="Which criterion?",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Name the criterion that is not met.",
            "invalid_choice": "Name one of the criteria of this hand-off.",
        },
    )
    reason = forms.ChoiceField(
        label="Why?",
        choices=RejectionReason.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose why it is rejected.",
            "invalid_choice": "Choose one of the reasons listed.",
        },
    )
    comment = forms.CharField(
        label="What would make it acceptable?",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, criteria: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["criterion"].choices = criteria  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("reason") == RejectionReason.OTHER and not (values.get("comment") or "").strip():
            self.add_error("comment", "Say what would make it acceptable: the SDR reads this.")
        return values
