"""Money is exact: one way to round, to share, to read, to print; no float anywhere."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import money

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "SEK"])
MINOR = st.integers(min_value=-(10**15), max_value=10**15)
WEIGHTS = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=12).filter(any)


class TestExact:
    @pytest.mark.parametrize(
        "value", [1.5, 0.0, float("nan"), True, None, "twelve", "", "1,5", "NaN", "Infinity"]
    )
    def test_refuses_what_is_not_exact(self, value):
        with pytest.raises(money.NotExact):
            money.exact(value)

    @pytest.mark.parametrize("value", [3, Decimal("3"), Fraction(3), "3", "3.0", "3e0"])
    def test_takes_what_is(self, value):
        assert money.exact(value) == 3

    @pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity")])
    def test_refuses_what_is_no_number(self, value):
        with pytest.raises(money.NotExact):
            money.exact(value)


class TestRoundHalfUp:
    @pytest.mark.parametrize(
        ("value", "whole"),
        [
            ("0.5", 1), ("-0.5", -1), ("1.5", 2), ("2.5", 3), ("-2.5", -3),
            ("2.4999999999999999999", 2), ("-2.4999999999999999999", -2), ("0", 0),
        ],
    )  # fmt: skip
    def test_sends_a_half_away_from_zero(self, value, whole):
        assert money.round_half_up(Decimal(value)) == whole

    @given(st.fractions(min_value=-(10**6), max_value=10**6))
    def test_is_never_further_than_a_half(self, value):
        assert abs(money.round_half_up(value) - value) <= Fraction(1, 2)

    @given(st.fractions(min_value=-(10**6), max_value=10**6))
    def test_is_the_same_on_either_side_of_zero(self, value):
        assert money.round_half_up(-value) == -money.round_half_up(value)


class TestMinorUnits:
    @pytest.mark.parametrize(
        ("amount", "currency", "minor"),
        [("12.345", "EUR", 1235), ("12.344", "EUR", 1234), ("12.5", "JPY", 13), ("1.0005", "KWD", 1001)],
    )
    def test_rounds_once_to_the_currencys_own_unit(self, amount, currency, minor):
        assert money.round_money(Decimal(amount), currency) == minor

    @given(MINOR, CURRENCIES)
    def test_goes_there_and_back(self, minor, currency):
        assert money.to_minor(money.to_major(minor, currency), currency) == minor

    @pytest.mark.parametrize(("amount", "currency"), [("1.001", "EUR"), ("1.5", "JPY"), ("0.0001", "KWD")])
    def test_refuses_places_that_the_currency_has_not(self, amount, currency):
        with pytest.raises(ValueError, match="more decimal places"):
            money.to_minor(Decimal(amount), currency)

    @pytest.mark.parametrize("minor", [1.0, True, Decimal(1), None])
    def test_are_whole_numbers(self, minor):
        with pytest.raises(money.NotExact):
            money.to_major(minor, "EUR")


class TestAllocate:
    @given(MINOR, WEIGHTS)
    def test_parts_sum_to_the_whole(self, total, weights):
        assert sum(money.allocate(total, weights)) == total

    @given(MINOR, WEIGHTS)
    def test_no_part_is_a_unit_off_its_share(self, total, weights):
        whole = sum(weights)
        for part, weight in zip(money.allocate(total, weights), weights, strict=True):
            assert abs(part - Fraction(total * weight, whole)) < 1

    @given(MINOR, WEIGHTS)
    def test_nothing_falls_to_a_weight_of_zero(self, total, weights):
        parts = money.allocate(total, weights)
        assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)

    @given(MINOR, WEIGHTS)
    def test_a_debt_is_shared_as_the_same_credit_would_be(self, total, weights):
        assert money.allocate(-total, weights) == [-part for part in money.allocate(total, weights)]

    @given(st.integers(min_value=0, max_value=10**12), WEIGHTS, st.integers(min_value=1, max_value=1000))
    def test_only_the_ratio_of_weights_counts(self, total, weights, factor):
        assert money.allocate(total, weights) == money.allocate(
            total, [weight * factor for weight in weights]
        )

    def test_gives_a_tie_to_the_earlier(self):
        assert money.allocate(100, [1, 1, 1]) == [34, 33, 33]
        assert money.allocate(1, [1, 1]) == [1, 0]

    @pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
    def test_needs_a_weight_above_zero_and_none_below(self, weights):
        with pytest.raises(ValueError, match="Weights"):
            money.allocate(100, weights)

    def test_refuses_a_float_for_a_weight(self):
        with pytest.raises(money.NotExact):
            money.allocate(100, [0.5, 0.5])


class TestInWords:
    @pytest.mark.parametrize(
        ("minor", "currency", "words"),
        [
            (123450, "EUR", "€1,234.50"), (-9000, "EUR", "− €90.00"), (1000, "SEK", "SEK 10.00"),
            (1234, "JPY", "¥1,234"), (5, "USD", "$0.05"), (0, "GBP", "£0.00"),
            (1234567, "KWD", "KWD 1,234.567"),
        ],
    )  # fmt: skip
    def test_reads_as_people_write_it(self, minor, currency, words):
        assert money.in_words(minor, currency) == words


class TestQuantize:
    @given(st.fractions(min_value=-1000, max_value=1000), st.integers(min_value=0, max_value=6))
    def test_has_the_places_asked_for_and_is_near(self, value, places):
        shown = money.quantize(value, places)
        assert -shown.as_tuple().exponent == places
        assert abs(Fraction(shown) - value) <= Fraction(1, 2 * 10**places)
