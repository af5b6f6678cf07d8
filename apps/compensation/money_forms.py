"""What the pages of rates, payout currencies and payments ask for."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.compensation.models.rates import RATE_DIGITS, RATE_PLACES
from apps.compensation.rules.currencies import ISO_4217
from apps.compensation.rules.table_files import MOST_BYTES
from apps.core.money import to_minor
from apps.leads.models import Opportunity, OpportunityStage
from apps.reps.models import Rep

_NAMED = 4
# More digits than any number in a database has.
_DIGITS = 19


def _day_field(label: str, **options: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Give a day, such as 2026-11-30.", "required": "Give the day."},
        **options,
    )


class CurrencyField(forms.CharField):
    """A code of ISO 4217, in whatever case."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "size": 4})
        super().__init__(max_length=3, widget=widget, **options)

    def clean(self, value: Any) -> str:
        code = super().clean(value).upper()
        if code and code not in ISO_4217:
            raise ValidationError(f"“{code}” is no currency: write a code such as EUR.")
        return code


class RateForm(forms.Form):
    """One rate of one day."""

    from_currency = CurrencyField(label="One unit of")
    to_currency = CurrencyField(label="is worth, in")
    rate = forms.DecimalField(
        label="Rate",
        max_digits=RATE_DIGITS,
        decimal_places=RATE_PLACES,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": "Write a number with a point, such as 0.9215."},
    )
    on = _day_field("Of the day")
    source = forms.CharField(
        label="Published by", max_length=80, help_text="It stands on every line that the rate makes."
    )


class FileForm(forms.Form):
    """A file of rows."""

    file = forms.FileField(
        label="CSV file", error_messages={"required": "Choose a file.", "empty": "This file is empty."}
    )

    def clean_file(self) -> bytes:
        uploaded = self.cleaned_data["file"]
        if uploaded.size > MOST_BYTES:
            raise ValidationError("This file is larger than 5 MB: split it.")
        content: bytes = uploaded.read()
        return content


class PayoutCurrencyForm(forms.Form):
    """In which currency somebody is paid, from a day on."""

    rep = forms.ModelChoiceField(
        label="Who", queryset=Rep.objects.order_by("name", "pk"), empty_label="Choose a rep"
    )
    currency = CurrencyField(label="Is paid in", required=False, help_text="Empty: as the plan says.")
    starts_on = _day_field("From")


class PaymentForm(forms.Form):
    """What a customer paid for a won opportunity."""

    opportunity = forms.CharField(
        label="Opportunity",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Its name or a part of it, or its number.",
    )
    amount = forms.DecimalField(
        label="Amount",
        max_digits=18,
        decimal_places=3,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": "Write a number with a point, such as 1234.50."},
    )
    currency = CurrencyField(label="Currency")
    paid_on = _day_field("Paid on")
    reference = forms.CharField(
        label="Reference", max_length=100, help_text="The invoice’s number: the same one is recorded once."
    )
    label = forms.CharField(
        label="What for",
        max_length=80,
        required=False,
        help_text="Such as setup invoice; plans may ask for it.",
    )

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        self._today = today

    def clean_opportunity(self) -> Opportunity:
        """By number, by its whole name, or by a part of it that only one won opportunity has."""
        said = self.cleaned_data["opportunity"].strip()
        if said.isdecimal():
            found = Opportunity.objects.filter(pk=int(said)).first() if len(said) < _DIGITS else None
            if found is None:
                raise ValidationError("There is no opportunity of this number.")
            return found
        won = Opportunity.objects.filter(stage=OpportunityStage.WON).order_by("-pk")
        for named in (won.filter(name__iexact=said), won.filter(name__icontains=said)):
            several = list(named[: _NAMED + 1])
            if len(several) == 1:
                return several[0]
            if several:
                listed = ", ".join(f"{one.name} ({one.pk})" for one in several[:_NAMED])
                more = " and others" if len(several) > _NAMED else ""
                raise ValidationError(f"More than one fits: {listed}{more}. Write the number.")
        raise ValidationError(
            f"No won opportunity is called “{said}”: write its number, or another part of its name."
        )

    def clean_paid_on(self) -> date:
        day: date = self.cleaned_data["paid_on"]
        if day > self._today:
            raise ValidationError("A payment is recorded once it was made.")
        return day

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        amount, currency = found.get("amount"), found.get("currency")
        if amount is not None and currency:
            try:
                found["amount_minor"] = to_minor(amount, currency)
            except ValueError as error:
                self.add_error("amount", str(error))
        return found


class SearchForm(forms.Form):
    """Words or a number to look for; what is not understood is left out."""

    q = forms.CharField(required=False, max_length=80, label="Search")
