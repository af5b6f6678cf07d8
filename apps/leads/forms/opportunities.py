"""What is typed about an opportunity: a new one, a move, an amount, a plan, something taken back; filters."""

from typing import Any

from django import forms

from apps.core.forms import AmountField
from apps.leads.models import LossReason, OpportunityKind, OpportunityStage
from apps.leads.selectors.opportunities import Filters

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "DKK", "JPY", "NOK", "PLN", "SEK")
"""Those offered; an opportunity in another one keeps it."""


def currency_choices(present: str) -> list[tuple[str, str]]:
    """The currencies offered, the present one first."""
    return [(one, one) for one in dict.fromkeys((present, *CURRENCIES))]


def day_field(label: str, **options: Any) -> forms.DateField:
    """A day, as browsers ask for one."""
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Give a day, such as 2026-11-30."},
        **options,
    )


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
    kind = forms.ChoiceField(required=False, choices=[("", "Any kind"), *OpportunityKind.choices])
    due = forms.ChoiceField(
        required=False,
        choices=[("", "Any close date"), ("late", "Expected day passed"), ("unplanned", "No day expected")],
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
            kind=read.get("kind") or "",
            due=read.get("due") or "",
            text=(read.get("q") or "").strip(),
        )


class OpenForm(forms.Form):
    """A self-sourced opportunity; of a known account it is a renewal or an upsell as well."""

    name = forms.CharField(max_length=160, label="Name", error_messages={"required": "Name the opportunity."})
    company = forms.CharField(
        max_length=160,
        required=False,
        label="Company",
        help_text="Found by its name, or taken in as a new account.",
    )
    kind = forms.ChoiceField(
        required=False, label="Kind", choices=OpportunityKind.choices, initial=OpportunityKind.NEW
    )
    currency = forms.ChoiceField(required=False, label="Currency")
    expected_close_on = day_field("Expected close", required=False)
    next_step = forms.CharField(required=False, max_length=200, label="Next step")

    field_order = ["name", "company", "kind", "currency", "amount", "expected_close_on", "next_step"]

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = currency_choices(currency)
        self.fields["currency"].choices = choices  # type: ignore[attr-defined]
        self.fields["currency"].initial = currency
        typed = str(self.data.get("currency", "")) if self.is_bound else ""
        chosen = typed if typed in dict(choices) else currency
        self.fields["amount"] = AmountField(currency=chosen, required=False, label="Estimated amount")
        self.order_fields(self.field_order)

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or OpportunityKind.NEW


class AdvanceForm(forms.Form):
    """To the next stage; a win needs its amount, an unmet gate the reason to override it."""

    stage = forms.ChoiceField(choices=OpportunityStage.choices, widget=forms.HiddenInput)
    override = forms.CharField(
        required=False,
        max_length=300,
        label="Why may it pass all the same?",
        help_text="It stands with your name on the opportunity and on the page of overrides.",
    )

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
    """Another amount for an open opportunity, in another currency if need be."""

    currency = forms.ChoiceField(required=False, label="Currency")

    field_order = ["currency", "amount"]

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        options.setdefault("auto_id", "amount_%s")
        super().__init__(*args, **options)
        choices = currency_choices(currency)
        self.fields["currency"].choices = choices  # type: ignore[attr-defined]
        self.fields["currency"].initial = currency
        typed = str(self.data.get("currency", "")) if self.is_bound else ""
        self.fields["amount"] = AmountField(
            currency=typed if typed in dict(choices) else currency, label="Amount"
        )


class PlanForm(forms.Form):
    """When it should close, and what is done next."""

    expected_close_on = day_field("Expected close", required=False)
    next_step = forms.CharField(required=False, max_length=200, label="Next step")

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("auto_id", "plan_%s")
        super().__init__(*args, **options)


class TakeBackForm(forms.Form):
    """Why a win is taken back; everybody credited reads it."""

    reason = forms.CharField(
        max_length=200,
        label="Why is the win taken back?",
        help_text="Such as: contract cancelled within 14 days. It stands on the reversal for good.",
        error_messages={"required": "Say why the win is taken back."},
    )


class UndoForm(forms.Form):
    """Why a move is taken back; from a toast it is a slip of the hand."""

    reason = forms.CharField(max_length=200, required=False, label="Why is the move taken back?")

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("auto_id", "undo_%s")
        super().__init__(*args, **options)

    def clean_reason(self) -> str:
        return self.cleaned_data["reason"].strip() or "Moved by mistake"
