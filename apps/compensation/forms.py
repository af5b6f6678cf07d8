"""What the pay pages ask for: a period, a reason, which statements. What is done with it is in services."""

from typing import Any

from django import forms

from apps.core.periods import NotAPeriod, Period, parse_period


class StartRunForm(forms.Form):
    """Which period to compute."""

    period = forms.CharField(
        label="Period",
        max_length=24,
        help_text="2026-10 is a month, 2026Q4 a quarter. The days of two runs never overlap.",
    )

    def clean_period(self) -> Period:
        try:
            return parse_period(self.cleaned_data["period"])
        except NotAPeriod as error:
            raise forms.ValidationError(str(error)) from error


class SeenForm(forms.Form):
    """The fingerprint that the person looked at: another one means the run changed since."""

    fingerprint = forms.CharField(max_length=64, widget=forms.HiddenInput)


class SendBackForm(forms.Form):
    """Why a run goes back."""

    reason = forms.CharField(
        label="Reason", max_length=500, widget=forms.Textarea(attrs={"rows": 3, "required": True})
    )


class StatementFilterForm(forms.Form):
    """Whose statements, of which run; what is not understood is left out."""

    run = forms.IntegerField(required=False)
    team = forms.IntegerField(required=False)
    currency = forms.CharField(required=False, max_length=3)

    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
