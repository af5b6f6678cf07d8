"""Lifetime, retention and NPS as plain arithmetic; properties by hypothesis."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import round_half_up
from apps.customers.rules.lifetime import Life, LifetimeValue, Span, covered, observed
from apps.customers.rules.nps import Score, score_of
from apps.customers.rules.retention import Cut, Running, cohorts, retained, yearly_by_account

BASE = date(2026, 1, 1)
days = st.integers(0, 900).map(lambda number: BASE + timedelta(days=number))
spans = st.builds(
    lambda start, length: Span(start, start + timedelta(days=length)), days, st.integers(0, 400)
)
contracts = st.builds(
    lambda account, currency, span, amount, cuts: Running(
        account, currency, span.starts_on, span.ends_on, amount, tuple(cuts)
    ),
    st.integers(1, 4),
    st.sampled_from(["EUR", "USD"]),
    spans,
    st.integers(1, 10**9),
    st.lists(st.builds(Cut, days, st.integers(1, 10**8)), max_size=2),
)


class TestNps:
    def test_of_a_worked_example(self):
        # 5 promoters, 3 passive, 2 detractors of 10: 50 % − 20 % = +30.
        score = score_of([10, 9, 9, 10, 9, 8, 7, 7, 6, 0])
        assert (score, score.shown, score.count) == (Score(5, 3, 2), "+30", 10)

    @pytest.mark.parametrize(
        ("answers", "shown"), [([], "–"), ([8], "0"), ([6], "− 100"), ([9, 9, 0], "+33"), ([9, 0, 0], "− 33")]
    )
    def test_at_its_edges(self, answers, shown):
        assert score_of(answers).shown == shown

    @pytest.mark.parametrize("wrong", [-1, 11])
    def test_refuses_another_number(self, wrong):
        with pytest.raises(ValueError, match="0 to 10"):
            score_of([wrong])

    @given(st.lists(st.integers(0, 10), min_size=1))
    def test_is_the_plain_difference_of_shares(self, answers):
        plain = Fraction(
            100 * (sum(one >= 9 for one in answers) - sum(one <= 6 for one in answers)), len(answers)
        )
        assert score_of(answers).exact == plain


class TestCovered:
    @given(st.lists(spans, max_size=6))
    def test_counts_each_day_once(self, given_spans):
        plain = {one.starts_on + timedelta(days=number) for one in given_spans for number in range(one.days)}
        assert sum(one.days for one in covered(given_spans)) == len(plain)


class TestLife:
    @given(st.dictionaries(st.integers(1, 5), st.lists(spans, max_size=3), max_size=4), days)
    def test_equals_counting_day_by_day(self, by_account, on):
        left = {pk: BASE + timedelta(days=300) for pk in by_account if pk % 2}
        plain_days = plain_customers = 0
        for pk, own in by_account.items():
            there = 0
            for number in range(1, 366):
                day = on - timedelta(days=number)
                runs = any(one.starts_on <= day <= one.ends_on for one in own)
                there += runs and (pk not in left or day < left[pk])
            plain_days += there
            plain_customers += there > 0
        found = observed(by_account, left, on)
        assert (found.customers, found.customer_days) == (plain_customers, plain_days)


class TestLifetimeValue:
    def worth(self, **more) -> LifetimeValue:
        return LifetimeValue(
            **{
                "currency": "EUR",
                "won_minor": 60_000_00,
                "covered_days": 365,
                "mean_days": Fraction(812),
                "has_left": False,
                "margin_percent": 100,
                **more,
            }
        )

    def test_of_a_worked_example(self):
        # €60,000 over 365 days, 812 − 365 = 447 days to come: 60,000 × 447/365 = 73,479.45…
        value = self.worth()
        assert (value.days_to_come, value.expected_minor, value.value_minor) == (447, 73_479_45, 133_479_45)

    def test_at_a_margin(self):
        assert self.worth(margin_percent=70).value_minor == 93_435_62

    def test_says_nothing_more_without_enough_departures(self):
        value = self.worth(mean_days=Life(19, 9_000, 5).mean_days)
        assert (value.expected, value.value_minor) == (None, 60_000_00)
        assert Life(20, 9_000, 4).mean_days is None
        assert Life(20, 9_000, 5).mean_days == 1_800

    def test_expects_nothing_of_who_left_or_stayed_longer_than_most(self):
        assert self.worth(has_left=True).expected == 0
        assert self.worth(covered_days=900).expected == 0

    @given(
        st.integers(0, 10**11),
        st.integers(1, 4_000),
        st.fractions(0, 5_000),
        st.booleans(),
        st.integers(1, 100),
    )
    def test_is_the_written_formula(self, won, days_covered, mean, left, margin):
        value = LifetimeValue("EUR", won, days_covered, mean, left, margin)
        to_come = Fraction(0) if left else max(Fraction(0), mean - days_covered)
        plain = Fraction(margin, 100) * (won + Fraction(won, days_covered) * to_come)
        assert value.value_minor == round_half_up(plain)


class TestRetention:
    @given(st.lists(contracts, max_size=8), days, st.integers(1, 500))
    def test_never_counts_more_than_there_was(self, rows, start, length):
        found = retained(rows, {}, start, start + timedelta(days=length))
        for money in found.money:
            assert 0 <= money.kept <= money.at_start
            assert money.kept <= money.at_end
        assert len(found.gone) <= found.customers

    @given(st.lists(contracts, max_size=8), days)
    def test_never_adds_currencies(self, rows, day):
        worth = yearly_by_account(rows, {}, day)
        for currency in ("EUR", "USD"):
            alone = yearly_by_account([one for one in rows if one.currency == currency], {}, day)
            assert {key: value for key, value in worth.items() if key[1] == currency} == alone

    def test_of_a_worked_example(self):
        year = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
        rows = [
            Running(1, "EUR", amount_minor=100_00, **year),
            Running(2, "EUR", amount_minor=100_00, cuts=(Cut(date(2026, 3, 1), 40_00),), **year),
            Running(3, "EUR", amount_minor=200_00, **year),
            Running(1, "EUR", date(2026, 3, 1), date(2026, 12, 31), 30_600),  # 306 days: 365.00 a year
        ]
        found = retained(rows, {3: date(2026, 3, 10)}, date(2026, 2, 1), date(2026, 4, 1))
        # At the start 400; kept 100 + 60 + 0 = 160; now 100 + 365 + 60 = 525.
        (money,) = found.money
        assert (money.at_start, money.kept, money.at_end) == (400_00, 160_00, 525_00)
        assert (money.gross, money.net, found.churn_rate) == (
            Fraction(2, 5), Fraction(21, 16), Fraction(1, 3),
        )  # fmt: skip

    def test_groups_by_the_month_that_they_began(self):
        rows = [
            Running(1, "EUR", date(2026, 1, 5), date(2026, 12, 31), 1),
            Running(2, "EUR", date(2026, 1, 9), date(2026, 2, 28), 1),
            Running(3, "EUR", date(2026, 2, 1), date(2026, 12, 31), 1),
        ]
        found = cohorts(rows, {}, date(2026, 6, 1))
        assert [(one.month_on.month, one.size, one.still) for one in found] == [(1, 2, 1), (2, 1, 1)]
