"""What is typed about an opportunity: a new one, a move, another amount, a win taken back, filters."""

from typing import Any

from django import forms

from apps.core.forms import AmountField
from apps.leads.models import LossReason, OpportunityStage
from apps.leads.selectors.opportunities import Filters


class FilterForm(forms.Form):
    """The list's filters as they stand in the address; what cannot be read is left out."""

    stage = forms.ChoiceField(
        required=False, choices=[("", "Any stage"), ("open", "Open"), *OpportunityStage.choices]
    )
    owner = forms.IntegerField(required=False, min_value=1)
    currency = forms.RegexField(r"^[A-Z]{3}$", required=False)
    origin = forms.ChoiceField(
        required=False, choices=[("", "Any origin"), ("sdr", "From an SDR"), ("own", "Self-sourced")]
    )
    q = forms.CharField(required=False, max_length=80)

    def filters(self) -> Filters:
        self.is_valid()
        read = self.cleaned_data
        return Filters(
            stage=read.get("stage") or "",
            owner=read.get("owner"),
            currency=read.get("currency") or "",
            origin=read.get("origin") or "",
            text=(read.get("q") or "").strip(),
        )


class OpenForm(forms.Form):
    """A self-sourced opportunity."""

    name = forms.CharField(max_length=160, label="Name", error_messages={"required": "Name the opportunity."})
    company = forms.CharField(
        max_length=160,
        required=False,
        label="Company",
        help_text="Found by its name, or taken in as a new account.",
    )

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = AmountField(currency=currency, required=False, label="Estimated amount")


class AdvanceForm(forms.Form):
    """To the next stage; a win needs its amount."""

    stage = forms.ChoiceField(choices=OpportunityStage.choices, widget=forms.HiddenInput)

    def __init__(self, *args: Any, currency: str, is_win: bool, **options: Any) -> None:
        options.setdefault("auto_id", "advance_%s")
        super().__init__(*args, **options)
        self.fields["amount"] = AmountField(
            currency=currency,
            required=is_win,
            least=1 if is_win else 0,
            label="Amount won" if is_win else "Amount",
            error_messages={"required": "Say the amount that was won."},
        )


class LoseForm(forms.Form):
    """Lost, and why."""

    loss_reason = forms.ChoiceField(
        label="Why was it lost?",
        choices=[("", "Choose a reason"), *LossReason.choices],
        error_messages={
            "required": "Choose why it was lost.",
            "invalid_choice": "Choose one of the reasons listed.",
        },
    )


class AmountForm(forms.Form):
    """Another amount for an open opportunity."""

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        options.setdefault("auto_id", "amount_%s")
        super().__init__(*args, **options)
        self.fields["amount"] = AmountField(currency=currency, label="Amount")


class TakeBackForm(forms.Form):
    """Why a win is taken back; everybody credited reads it."""

    reason = forms.CharField(
        max_length=200,
        label="Why is the win taken back?",
        help_text="Such as: contract cancelled within 14 days. It stands on the reversal for good.",
        error_messages={"required": "Say why the win is taken back."},
    )
