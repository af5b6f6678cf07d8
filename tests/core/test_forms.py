"""An amount is taken exactly as it was meant, or not at all."""

import pytest
from django.forms import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from apps.core.forms import AmountField
from apps.core.money import to_major


class TestAmountField:
    @pytest.mark.parametrize(
        ("typed", "currency", "minor"),
        [
            ("60000", "EUR", 60_000_00), ("60,000", "EUR", 60_000_00), ("60,000.5", "EUR", 60_000_50),
            (" 60 000.05 ", "EUR", 60_000_05), ("€60,000", "EUR", 60_000_00), ("0", "EUR", 0),
            ("EUR 60,000.00", "EUR", 60_000_00), ("60,000 EUR", "EUR", 60_000_00),
            ("1,234,567", "JPY", 1_234_567), ("1.234", "KWD", 1_234),
        ],
    )  # fmt: skip
    def test_reads_what_people_write(self, typed, currency, minor):
        assert AmountField(currency=currency).clean(typed) == minor

    @pytest.mark.parametrize(
        "typed",
        ["60.000", "60,5", "6,00,000", "60.000,00", "1e5", "NaN", "Infinity", "six", "60,000.123", "1 EUR 2",
         "--5", "0x10", "6０", "10" * 30],
    )  # fmt: skip
    def test_refuses_what_could_mean_something_else(self, typed):
        with pytest.raises(ValidationError):
            AmountField(currency="EUR").clean(typed)

    def test_knows_a_currency_without_minor_units(self):
        with pytest.raises(ValidationError, match="60,000"):
            AmountField(currency="JPY").clean("1.5")

    @pytest.mark.parametrize(("least", "typed"), [(0, "-1"), (1, "0"), (1, "0.00")])
    def test_refuses_less_than_the_least(self, least, typed):
        with pytest.raises(ValidationError, match="zero"):
            AmountField(currency="EUR", least=least).clean(typed)

    def test_may_be_left_out_or_not(self):
        assert AmountField(currency="EUR", required=False).clean("  ") is None
        with pytest.raises(ValidationError, match="Say the amount"):
            AmountField(currency="EUR").clean("")

    @given(st.integers(min_value=0, max_value=10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
    def test_reads_back_what_the_portal_prints(self, minor, currency):
        assert AmountField(currency=currency).clean(f"{to_major(minor, currency):,}") == minor
