"""Figures and words as people read them."""

from decimal import Decimal
from fractions import Fraction

import pytest

from apps.core.templatetags.figures import figure, initials, money, percent, quoted


@pytest.mark.parametrize(
    "typed", ["We have up to eighty.", "“We have up to eighty.”", ' "We have up to eighty." ']
)
def test_what_was_said_stands_in_one_pair_of_quotation_marks(typed: str) -> None:
    assert quoted(typed) == "“We have up to eighty.”"


def test_money_shows_its_currency_and_a_true_minus() -> None:
    assert money(-9000, "EUR") == "− €90.00"
    assert money(None, "EUR") == "–"
    assert figure(123456, "JPY") == "123,456"


def test_initials_are_those_of_the_first_and_the_last_name() -> None:
    assert initials("Sanne de Wit") == "SW"
    assert initials("Maya") == "M"


@pytest.mark.parametrize("rate", [Fraction(2, 3), Decimal("0.66667"), 0.66667])
def test_a_share_is_rounded_once_whatever_it_comes_as(rate: Fraction | Decimal | float) -> None:
    assert percent(rate) == "67 %"
    assert percent(rate, 1) == "66.7 %"


def test_a_share_of_nothing_is_a_dash() -> None:
    assert percent(None) == "–"
