"""What is typed about a customer: the pass-on, contracts, health, answers, departures, how all is handled."""

import re
from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet

from apps.core.forms import AmountField
from apps.customers.models import Churn, Contract, Handling, HealthReading
from apps.customers.services.pass_ons import MOST_PROMISES, Item
from apps.reps.models import Rep

_DATED = re.compile(r"^(?P<words>.*?)\s*\(by (?P<day>\d{4}-\d{2}-\d{2})\)\s*$")


def day_field(label: str, **options: Any) -> forms.DateField:
    """A day, as browsers ask for one."""
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Give a day, such as 2026-11-30.", "required": "Give the day."},
        **options,
    )


class PassOnForm(forms.Form):
    """What was promised, a line each; the contract; whom to know; who takes the account."""

    promises = forms.CharField(
        label="What was promised",
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=3000,
        help_text="One line each; with a day it is “Training for two teams (by 2026-12-15)”.",
        error_messages={"required": "Say what was promised; “nothing beyond the offer” is an answer too."},
    )
    starts_on = day_field("Contract begins")
    ends_on = day_field("Last day")
    contacts = forms.CharField(
        required=False, max_length=1000, label="Whom to know", widget=forms.Textarea(attrs={"rows": 2})
    )
    note = forms.CharField(
        required=False, max_length=1000, label="What else helps", widget=forms.Textarea(attrs={"rows": 2})
    )
    receiver = forms.ModelChoiceField(
        queryset=Rep.objects.none(),
        required=False,
        label="Who takes it over",
        error_messages={"invalid_choice": "Choose one of the AMs and CSMs listed."},
    )

    def __init__(
        self, *args: Any, currency: str, receivers: QuerySet[Rep], by_rule: str, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.fields["receiver"].queryset = receivers  # type: ignore[attr-defined]
        self.fields["receiver"].empty_label = by_rule  # type: ignore[attr-defined]
        self.fields["amount"] = AmountField(currency=currency, least=1, label="Amount of the whole term")
        self.order_fields(["promises", "starts_on", "ends_on", "amount", "contacts", "note", "receiver"])

    def clean_promises(self) -> list[Item]:
        items = []
        for line in self.cleaned_data["promises"].splitlines():
            if not line.strip():
                continue
            match = _DATED.match(line.strip())
            day = None
            if match is not None:
                try:
                    day = date.fromisoformat(match["day"])
                except ValueError:
                    raise forms.ValidationError(f"{match['day']} is no day.") from None
            items.append(Item(match["words"] if match else line.strip(), day))
        if len(items) > MOST_PROMISES:
            raise forms.ValidationError(f"Keep to {MOST_PROMISES} promises.")
        return items


class SendBackForm(forms.Form):
    """What is missing before the account is taken over."""

    question = forms.CharField(
        max_length=300,
        label="What is missing?",
        error_messages={"required": "Say what is missing, so that it can be answered."},
    )


class ContractForm(forms.Form):
    """The dates and the amount of a contract."""

    starts_on = day_field("Begins")
    ends_on = day_field("Last day")

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = AmountField(currency=currency, least=1, label="Amount of the whole term")


class HealthForm(forms.Form):
    """How the account is doing, and why."""

    status = forms.ChoiceField(
        label="How is it doing?",
        choices=HealthReading.Status.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how it is doing."},
    )
    why = forms.CharField(max_length=300, label="Why", error_messages={"required": "Say why."})
    drivers = forms.MultipleChoiceField(
        required=False,
        label="What drives it",
        choices=HealthReading.Driver.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("auto_id", "health_%s")
        super().__init__(*args, **options)


class NpsForm(forms.Form):
    """An answer to “how likely are you to recommend us?”."""

    score = forms.IntegerField(
        min_value=0,
        max_value=10,
        label="Score, 0 to 10",
        error_messages={"required": "Give a number from 0 to 10.", "invalid": "Give a number from 0 to 10."},
    )
    respondent = forms.CharField(
        max_length=120, label="Who answered", error_messages={"required": "Say who answered."}
    )
    answered_on = day_field("When")
    comment = forms.CharField(required=False, max_length=500, label="What they said")

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("auto_id", "nps_%s")
        super().__init__(*args, **options)


class ChurnForm(forms.Form):
    """Who leaves, from when on, and why."""

    extent = forms.ChoiceField(label="What is given up", choices=Churn.Extent.choices)
    churned_on = day_field("First day without")
    reason = forms.ChoiceField(label="Why", choices=[("", "Choose a reason"), *Churn.Reason.choices])
    note = forms.CharField(required=False, max_length=300, label="In their words")
    contract = forms.ModelChoiceField(
        queryset=Contract.objects.none(),
        required=False,
        label="Of which contract",
        empty_label="All of them",
        help_text="For a part only.",
    )

    def __init__(self, *args: Any, contracts: QuerySet[Contract], currency: str, **options: Any) -> None:
        options.setdefault("auto_id", "churn_%s")
        super().__init__(*args, **options)
        self.fields["contract"].queryset = contracts  # type: ignore[attr-defined]
        self.fields["contract"].label_from_instance = _contract_words  # type: ignore[attr-defined]
        typed = str(self.data.get("contract") or "") if self.is_bound else ""
        chosen = contracts.filter(pk=typed).first() if typed.isascii() and typed.isdigit() else None
        self.fields["lost"] = AmountField(
            currency=chosen.currency if chosen else currency,
            required=False,
            label="Lost a year",
            help_text="For a part only; all of it is worked out from the contracts.",
        )


def _contract_words(contract: Contract) -> str:
    return f"{contract.starts_on:%d %b %Y} to {contract.ends_on:%d %b %Y}, {contract.currency}"


class ReasonForm(forms.Form):
    """Why a departure is taken back."""

    reason = forms.CharField(
        max_length=200,
        label="Why is it taken back?",
        error_messages={"required": "Say why the departure is taken back."},
    )


class HandlingForm(forms.Form):
    """How the company handles its customers."""

    receiver_rule = forms.ChoiceField(
        label="Who takes a customer over", choices=Handling.Rule.choices, widget=forms.RadioSelect
    )
    renewal_days = forms.IntegerField(
        min_value=1,
        max_value=365,
        label="Renewals open",
        help_text="So many days before a contract ends.",
        error_messages={"required": "Give a number of days from 1 to 365."},
    )
    margin_percent = forms.IntegerField(
        min_value=1,
        max_value=100,
        label="Margin",
        help_text="Lifetime value is this share of what is won; 100 values it at revenue.",
        error_messages={"required": "Give a per cent from 1 to 100."},
    )
