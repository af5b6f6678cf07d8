"""Form fields that every app needs: an amount of money, read exactly."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from apps.core.money import exponent, to_minor

_GROUPED = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?", re.ASCII)
_LARGEST_MAJOR = 10**12


class AmountField(forms.CharField):
    """An amount in major units as people write it ("60,000.50"), cleaned to integer minor units.

    Nothing is rounded and nothing guessed: a comma groups thousands, a point comes before the minor
    units, and what could mean two amounts ("60.000", "60,5") is refused with how to write it.
    Empty input becomes ``None``.
    """

    def __init__(self, *, currency: str, least: int = 0, **options: Any) -> None:
        """``least`` is the smallest amount allowed, in minor units."""
        self.currency, self.least = currency, least
        options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**options)

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        text = re.sub(r"\s", "", super().to_python(value) or "")
        text = text.removeprefix(self.currency).removesuffix(self.currency).strip("€$£¥").replace("−", "-")
        if not text:
            return None
        example = "60,000" if exponent(self.currency) == 0 else f"60,000.{'5':0<{exponent(self.currency)}}"
        match = _GROUPED.fullmatch(text)
        if match is None or len(match[1] or "") > exponent(self.currency):
            raise forms.ValidationError(
                f"Write the amount in {self.currency} with a point before the minor units: {example}.",
                code="not_an_amount",
            )
        amount = Decimal(text.replace(",", ""))
        if abs(amount) > _LARGEST_MAJOR:
            raise forms.ValidationError("This amount is larger than the portal keeps.", code="too_large")
        minor = to_minor(amount, self.currency)
        if minor < self.least:
            floor = "more than zero" if self.least == 1 else "zero or more"
            raise forms.ValidationError(f"The amount must be {floor}.", code="too_small")
        return minor

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise forms.ValidationError("Say the amount.", code="required")

    def run_validators(self, value: Any) -> None:
        """Those of a text field look at text; what there is to check was checked above."""
