"""Figures and words as people read them."""

import pytest

from apps.core.templatetags.figures import figure, initials, money, quoted


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
