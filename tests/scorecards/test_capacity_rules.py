"""Unused capacity, who carries the mean, lead velocity: the worked situations, edges and what always holds."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.periods import month_of
from apps.scorecards.rules import capacity as rules
from apps.scorecards.rules.targets import DEFAULT_ASSUMPTIONS, Assumption
from apps.scorecards.rules.velocity import rate_words, signed, velocity

pytestmark = pytest.mark.once

INBOUND, OUTBOUND, CLOSING = DEFAULT_ASSUMPTIONS


def one(
    total: int | Fraction | None, *, number: int = 1, days: int = 20, whole: int = 20, ramping: bool = False,
    assumption: Assumption = INBOUND,
) -> rules.Taken:  # fmt: skip
    return rules.taken(
        rep_id=number,
        name=f"Rep {number}",
        total=None if total is None else Fraction(total),
        presence=rules.Presence(days, whole),
        assumption=assumption,
        is_ramping=ramping,
    )


def team(*totals: int) -> rules.Verdict:
    return rules.verdict(INBOUND, [one(total, number=number) for number, total in enumerate(totals)])


class TestUnusedCapacity:
    def test_exactly_one_quarter_of_the_reps_is_not_unused(self):
        verdict = team(199, 200, 240, 260)
        assert (verdict.share, verdict.is_unused) == (Fraction(1, 4), False)
        assert verdict.rule_words == "1 ÷ 4 = 25 % ≤ 25 %."

    def test_one_more_is(self):
        verdict = team(199, 199, 240, 260)
        assert verdict.is_unused
        assert verdict.rule_words == "2 ÷ 4 = 50 % > 25 %."

    def test_a_hair_more_than_a_quarter_is_as_well(self):
        assert not team(*[199] * 25, *[200] * 75).is_unused
        assert team(*[199] * 26, *[200] * 74).is_unused

    def test_the_mockups_fourteen_have_five_below_who_miss_144(self):
        verdict = team(262, 254, 241, 236, 228, 221, 214, 209, 203, 192, 181, 174, 163, 146)
        assert (len(verdict.below), verdict.missing) == (5, 144)
        assert verdict.mean == Fraction(2924, 14)
        assert verdict.rule_words == "5 ÷ 14 = 35.7 % > 25 %."

    def test_who_reaches_it_to_the_lead_is_not_below(self):
        assert not team(200).below
        assert team(199).below

    def test_who_ramps_is_shown_and_not_counted(self):
        verdict = rules.verdict(INBOUND, [one(200), one(3, number=2, ramping=True)])
        assert (len(verdict.counted), len(verdict.below), len(verdict.people)) == (1, 0, 2)
        assert verdict.not_counted_words == "Not counted: Rep 2: ramping."

    def test_half_a_month_of_time_off_asks_half(self):
        assert not one(100, days=10).is_below
        short = one(90, days=10)
        assert (short.rate, short.missing) == (180, 10)

    def test_who_was_away_all_month_is_not_judged(self):
        away = one(0, days=0)
        assert (away.rate, away.why_not, away.is_below) == (None, "not there", False)

    def test_touches_are_counted_by_the_day(self):
        there = one(4_000, assumption=OUTBOUND)
        assert (there.rate, there.is_below) == (200, False)
        assert one(3_999, assumption=OUTBOUND).missing == 1

    def test_a_rate_is_judged_as_it_stands(self):
        assert not one(Fraction(1, 5), assumption=CLOSING).is_below
        assert one(Fraction(19, 100), assumption=CLOSING).is_below

    def test_an_ae_who_closed_nothing_has_no_rate_and_is_not_judged(self):
        assert one(None, assumption=CLOSING).why_not == "nothing to divide by"

    def test_of_nobody_nothing_is_said(self):
        verdict = rules.verdict(INBOUND, [])
        assert (verdict.share, verdict.is_unused, verdict.mean) == (None, False, None)
        assert "Nobody counts" in verdict.rule_words

    @given(st.lists(st.integers(0, 400), max_size=30), st.randoms())
    def test_the_order_of_the_people_changes_nothing(self, totals, chance):
        people = [one(total, number=number) for number, total in enumerate(totals)]
        shuffled = list(people)
        chance.shuffle(shuffled)
        assert rules.verdict(INBOUND, people) == rules.verdict(INBOUND, shuffled)

    @given(st.lists(st.integers(0, 400), min_size=1, max_size=30))
    def test_what_is_missing_is_what_raising_everybody_would_add(self, totals):
        verdict = team(*totals)
        assert verdict.missing == sum(max(200 - total, 0) for total in totals)
        assert (verdict.missing > 0) == bool(verdict.below)


FIVE = [("Kim", 90), ("Jonas", 80), ("Ola", 10), ("Mara", 10), ("Piet", 10)]


def skew(values: list[tuple[str, int]], top: int) -> rules.Skew:
    return rules.skew([(name, Fraction(value)) for name, value in values], top)


class TestSuperstarSkew:
    def test_two_of_five_carry_the_rest(self):
        found = skew(FIVE, 2)
        assert (found.mean, found.mean_without, found.fall) == (40, 10, Fraction(3, 4))
        assert found.is_carried
        assert [name for name, _ in found.top] == ["Kim", "Jonas"]

    def test_without_one_of_them_the_mean_falls_less(self):
        assert skew(FIVE, 1).fall == Fraction(40 * 4 - 110, 40 * 4)

    def test_the_mockups_nine_fall_by_13_point_4(self):
        values = [("Kim", 521_400), ("Jonas", 412_600), ("Rest", 1_928_000)]
        nine = rules.Skew(9, Fraction(2_862_000), tuple((n, Fraction(v)) for n, v in values[:2]))
        assert nine.mean == 318_000
        assert rules.percent(nine.fall) == "13.4 %"
        assert not nine.is_carried

    def test_exactly_a_quarter_is_not_carried(self):
        # (8 + 4 + 4 + 4 … ) chosen so that the mean without the first is three quarters of the mean.
        found = skew([("A", 8), ("B", 3), ("C", 3), ("D", 2), ("E", 4)], 1)
        assert (found.fall, found.is_carried) == (Fraction(1, 4), False)

    def test_equals_carry_nobody(self):
        assert skew([("A", 5), ("B", 5), ("C", 5)], 2).fall == 0

    def test_of_fewer_than_four_nothing_is_concluded(self):
        found = skew([("A", 90), ("B", 1), ("C", 1)], 1)
        assert found.fall is not None
        assert found.fall > Fraction(1, 4)
        assert not found.is_carried

    def test_too_few_or_nothing_made_give_no_share(self):
        assert skew([("A", 5), ("B", 5)], 2).fall is None
        assert skew([("A", 0), ("B", 0), ("C", 0)], 2).fall is None
        assert skew([], 2).mean is None

    @given(st.lists(st.integers(0, 10_000), min_size=3, max_size=40), st.sampled_from([1, 2]), st.randoms())
    def test_is_never_below_zero_nor_above_one_and_takes_no_heed_of_order(self, values, top, chance):
        people = [(f"Rep {number}", value) for number, value in enumerate(values)]
        found = skew(people, top)
        shuffled = list(people)
        chance.shuffle(shuffled)
        assert skew(shuffled, top) == found
        if found.fall is not None:
            assert 0 <= found.fall <= 1

    @given(st.lists(st.integers(1, 10_000), min_size=4, max_size=40))
    def test_falls_further_without_two_than_without_one(self, values):
        people = [(f"Rep {number}", value) for number, value in enumerate(values)]
        assert skew(people, 2).fall >= skew(people, 1).fall


def months(*counts: int) -> list:
    month, found = month_of(date(2026, 5, 1)), []
    for count in counts:
        found.append((month, count))
        month = month.following()
    return found


class TestLeadVelocity:
    def test_a_month_of_growth(self):
        newest = velocity(months(2742, 2924)).newest
        assert newest.rate == Fraction(182, 2742)
        assert newest.words == "2,742 to 2,924: + 182 ÷ 2,742 = + 6.6 %"

    def test_a_month_of_decline(self):
        found = velocity(months(200, 150))
        assert found.newest.rate == Fraction(-1, 4)
        assert found.newest.words == "200 to 150: − 50 ÷ 200 = − 25 %"
        assert found.sentence.startswith("Qualified leads fell 25 % in June 2026, 200 to 150")

    def test_from_nothing_there_is_no_rate_and_it_is_said(self):
        found = velocity(months(0, 12))
        assert (found.newest.rate, found.mean) == (None, None)
        assert found.newest.words == "From none to 12: from nothing there is no rate of growth."
        assert "no rate of growth" in found.sentence

    def test_from_nothing_to_nothing_as_well(self):
        assert velocity(months(0, 0)).newest.words == "None in either month: there is nothing to grow."

    def test_to_nothing_is_the_whole(self):
        assert velocity(months(7, 0)).newest.rate == -1

    def test_the_mean_is_of_the_rates_that_there_are(self):
        found = velocity(months(0, 10, 20, 10))
        assert found.rates == (1, Fraction(-1, 2))
        assert found.mean == Fraction(1, 4)

    def test_needs_two_months(self):
        with pytest.raises(ValueError, match="two months"):
            velocity(months(4))

    @given(st.lists(st.integers(0, 5_000), min_size=2, max_size=12))
    def test_each_month_is_the_one_before_grown_by_its_rate(self, counts):
        for growth in velocity(months(*counts)).growths:
            if growth.rate is not None:
                assert growth.before * (1 + growth.rate) == growth.leads
            else:
                assert growth.before == 0

    @pytest.mark.parametrize(("number", "words"), [(182, "+ 182"), (-1_078, "− 1,078"), (0, "0")])
    def test_signs_stand_before_the_figure(self, number, words):
        assert signed(number) == words

    def test_rates_carry_a_sign(self):
        assert (rate_words(Fraction(1, 3)), rate_words(Fraction(-1, 3)), rate_words(None)) == (
            "+ 33.3 %",
            "− 33.3 %",
            "–",
        )


def test_assumptions_of_other_values_are_judged_by_them():
    lower = Assumption("isr", "leads_worked", Decimal(150), "month")
    assert not rules.verdict(lower, [one(160, assumption=lower)]).below
