"""What is odd about a person's pay: each rule at its edge, each sentence with its figures."""

from fractions import Fraction

import pytest

from apps.compensation.rules import oddities as rules
from apps.compensation.rules.oddities import Pay, Thresholds, oddities

LIMITS = Thresholds()


def pay(earned: int = 100_00, adjusted: int = 0, **more) -> Pay:
    return Pay("EUR", earned, adjusted, earned + adjusted, **more)


def found(one: Pay, limits: Thresholds = LIMITS) -> dict[str, str]:
    return {odd.kind: odd.says for odd in oddities(one, limits)}


def test_the_usual_is_not_odd():
    assert found(pay(history=(100_00, 90_00, 110_00))) == {}


@pytest.mark.parametrize(("earned", "odd"), [(149_99, False), (150_00, True), (151_00, True)])
def test_a_jump_begins_at_the_multiple_itself(earned, odd):
    assert (rules.JUMP in found(pay(earned, history=(100_00, 100_00)))) is odd


def test_a_jump_says_the_numbers_and_the_rule():
    says = found(pay(260_00, history=(100_00, 100_00)))[rules.JUMP]
    assert says == "Earned €260.00: 2.6 times the own mean of 2 runs, €100.00 (named from 1.5 times on)."


def test_the_highest_so_far_is_named_beside_the_one_before():
    assert found(pay(111_00, history=(110_00, 90_00)))[rules.HIGHEST] == (
        "Earned €111.00: the highest so far was €110.00."
    )
    assert rules.HIGHEST not in found(pay(110_00, history=(110_00, 90_00)))


def test_two_runs_make_a_trend_and_one_does_not():
    assert found(pay(900_00, history=(100_00,))) == {}


@pytest.mark.parametrize(("earned", "odd"), [(50_01, False), (50_00, True), (0, True)])
def test_a_drop_is_named_from_the_half_down(earned, odd):
    assert (rules.DROP in found(pay(earned, history=(100_00, 100_00)))) is odd


def test_below_zero_comes_before_all_else():
    below = pay(10_00, -35_00, clawbacks=2, clawback_minor=-35_00, history=(100_00, 100_00))
    first = oddities(below, LIMITS)[0]
    assert (first.kind, first.badge) == (rules.NEGATIVE, "bad")
    assert "− €25.00 is below zero" in first.says


def test_the_company_s_limit_is_of_one_currency():
    limits = Thresholds(above={"EUR": "99.99", "JPY": "1"})
    assert found(pay(99_99), limits) == {}
    assert found(pay(100_00), limits) == {rules.ABOVE: "€100.00 is above €99.99, the company's limit."}


def test_lines_by_hand_clawbacks_and_earlier_periods_say_their_sums():
    says = found(
        pay(
            adjusted=-5_00, clawbacks=1, clawback_minor=-3_00, by_hand=2, by_hand_minor=7_00, agreed=1,
            agreed_minor=4_00, adjusted_lines=3, cause="Split 4 was approved.",
        )
    )  # fmt: skip
    assert says == {
        rules.CLAWBACK: "− €3.00 is taken back in 1 clawback.",
        rules.BY_HAND: "2 lines of €7.00 stand on credits shared by hand.",
        rules.AGREED: "1 adjustment of €4.00 was agreed by hand, in an inquiry.",
        rules.ADJUSTED: "3 prior-period adjustments, − €5.00. Split 4 was approved.",
    }


def test_the_first_pay_under_a_version_names_it():
    new = pay(version="SDR, version 2", is_first_under_version=True)
    assert found(new) == {rules.FIRST_PLAN: "The first pay under SDR, version 2, €100.00."}


def test_thresholds_are_settings():
    limits = Thresholds(jump=Fraction(3), drop=Fraction(0))
    assert found(pay(250_00, history=(100_00, 300_00)), limits) == {}
