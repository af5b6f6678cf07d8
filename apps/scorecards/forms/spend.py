"""Forms of what was spent on leads."""

import re
from datetime import date
from typing import Any

from django import forms
from django.conf import settings

from apps.core.forms import AmountField

_CURRENCY = re.compile(r"[A-Z]{3}")


class SpendForm(forms.Form):
    """One amount for a source (and campaign) in a month. The amount is read in the currency that is written."""

    source = forms.CharField(
        label="Source",
        max_length=80,
        widget=forms.TextInput(attrs={"list": "sources", "autocomplete": "off"}),
        help_text="As leads carry it.",
        error_messages={"required": "Say which source it was spent on."},
    )
    campaign = forms.CharField(
        label="Campaign", max_length=80, required=False, help_text="Empty: for the source as a whole."
    )
    month = forms.CharField(
        label="Month",
        max_length=7,
        widget=forms.TextInput(attrs={"type": "month", "placeholder": "2026-10"}),
        error_messages={"required": "Write the month as 2026-10."},
    )
    currency = forms.CharField(
        label="Currency", max_length=3, error_messages={"required": "Write it as EUR."}
    )
    note = forms.CharField(label="What for", max_length=300, required=False)
    request_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        written = (self.data.get("currency") or "").strip().upper() if self.is_bound else ""
        currency = written if _CURRENCY.fullmatch(written) else settings.COMPANY_CURRENCY
        self.fields["amount"] = AmountField(label="Amount", currency=currency, least=1)
        self.order_fields(["source", "campaign", "month", "amount", "currency", "note"])

    def clean_currency(self) -> str:
        written = str(self.cleaned_data["currency"]).strip().upper()
        if not _CURRENCY.fullmatch(written):
            raise forms.ValidationError("Write the currency as EUR.")
        return written

    def clean_month(self) -> date:
        text = str(self.cleaned_data["month"]).strip()
        try:
            found = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise forms.ValidationError("Write the month as 2026-10.") from None
        if not 2000 <= found.year <= 2100:
            raise forms.ValidationError("Write a month between 2000 and 2100.")
        return found


class CorrectionForm(forms.Form):
    """Another amount in place of one that was entered, or none; and why."""

    reason = forms.CharField(
        label="Why it is corrected",
        max_length=300,
        error_messages={"required": "Say why it is corrected."},
        help_text="Both entries stay on record.",
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = AmountField(
            label="The right amount",
            currency=currency,
            least=1,
            required=False,
            help_text="Empty: nothing was spent, the entry is only taken back.",
        )
        self.order_fields(["amount", "reason"])
