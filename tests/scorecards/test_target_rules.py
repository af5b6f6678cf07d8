"""What quotas ask of part of their time, weeks, the run rate, and figures in words."""

from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.periods import Period, month_of, quarter_of
from apps.leads.rules.metrics import METRICS, Unit, UnknownMetric, median, metric
from apps.scorecards.rules.figures import in_figures, plain
from apps.scorecards.rules.targets import DEFAULT_ASSUMPTIONS, Asked, assumed, run_rate, target_for, weeks_of

Q4 = quarter_of(date(2026, 10, 1))
OCTOBER = month_of(date(2026, 10, 1))


class TestTargetFor:
    def test_is_the_quota_of_exactly_the_period(self):
        assert target_for(Q4, [Asked(Q4, 900)]) == 900

    def test_is_prorated_by_calendar_days(self):
        assert target_for(OCTOBER, [Asked(Q4, 920)]) == 310

    def test_months_sum_to_the_quarter(self):
        assert target_for(Q4, [Asked(month, 100) for month in Q4.months()]) == 300

    def test_there_is_none_where_a_day_has_no_quota(self):
        assert target_for(Q4, [Asked(OCTOBER, 100)]) is None
        assert target_for(Q4, []) is None

    def test_the_shorter_quota_speaks_for_its_days(self):
        assert target_for(OCTOBER, [Asked(Q4, 920), Asked(OCTOBER, 400)]) == 400
        rest = Fraction(920 * (Q4.days - OCTOBER.days), Q4.days)
        assert target_for(Q4, [Asked(Q4, 920), Asked(OCTOBER, 400)]) == 400 + rest

    @given(st.integers(1, 10**12), st.integers(1, 91))
    def test_the_parts_of_a_period_sum_to_its_target(self, amount, cut):
        middle = date.fromordinal(Q4.start.toordinal() + cut)
        parts = (Period(Q4.start, middle), Period(middle, Q4.end))
        assert sum(target_for(part, [Asked(Q4, amount)]) or 0 for part in parts) == amount


class TestWeeks:
    def test_run_from_monday_and_are_cut_at_the_ends(self):
        weeks = weeks_of(OCTOBER)
        assert (weeks[0].start, weeks[0].end) == (date(2026, 10, 1), date(2026, 10, 5))
        assert (weeks[-1].start, weeks[-1].end) == (date(2026, 10, 26), date(2026, 11, 1))

    @given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.integers(1, 400))
    def test_cover_the_period_without_gap_or_overlap(self, start, days):
        period = Period(start, date.fromordinal(start.toordinal() + days))
        weeks = weeks_of(period)
        assert (weeks[0].start, weeks[-1].end) == (period.start, period.end)
        assert all(one.end == following.start for one, following in pairwise(weeks))
        assert all(week.days <= 7 for week in weeks)


class TestRunRate:
    def test_says_what_is_needed_each_week_from_here_on(self):
        rate = run_rate(reached=Fraction(40), target=Fraction(110), period=OCTOBER, day=date(2026, 10, 18))
        assert (rate.missing, rate.days_left, rate.needed_a_week) == (70, 14, 35)
        assert rate.so_far_a_week == Fraction(40 * 7, 17)

    def test_is_nothing_once_the_target_is_met(self):
        rate = run_rate(reached=Fraction(120), target=Fraction(110), period=OCTOBER, day=date(2026, 10, 18))
        assert rate.needed_a_week == 0

    def test_there_is_none_after_the_end(self):
        rate = run_rate(reached=Fraction(1), target=Fraction(110), period=OCTOBER, day=date(2026, 11, 1))
        assert (rate.days_left, rate.needed_a_week) == (0, None)


class TestFigures:
    @pytest.mark.parametrize(
        "value, unit, words",
        [
            (41_260_049, Unit.MONEY, "€412,600"),
            (-150, Unit.MONEY, "− €2"),
            (Fraction(286, 1000), Unit.RATE, "28.6 %"),
            (Fraction(47), Unit.DAYS, "47 days"),
            (Fraction(1), Unit.DAYS, "1 day"),
            (Fraction(75), Unit.MINUTES, "1 h 15"),
            (Fraction(5), Unit.MINUTES, "5 min"),
            (Fraction(5760), Unit.MINUTES, "4 days"),
            (Fraction(4, 3), Unit.COUNT, "1.33"),
            (Fraction(1200), Unit.COUNT, "1,200"),
            (None, Unit.COUNT, "–"),
        ],
    )
    def test_read_as_people_write_them(self, value, unit, words):
        exact = None if value is None else Fraction(value)
        assert in_figures(exact, unit, "EUR") == words

    def test_money_shows_every_cent_where_asked(self):
        assert in_figures(Fraction(41_260_049), Unit.MONEY, "EUR", whole=False) == "€412,600.49"

    def test_a_currency_without_cents_keeps_its_figure(self):
        assert in_figures(Fraction(5000), Unit.MONEY, "JPY") == "¥5,000"

    def test_tiny_values_do_not_become_a_negative_zero(self):
        assert plain(Fraction(-1, 1000), 2) == "0"


class TestRegistry:
    def test_each_metric_is_known_by_its_key(self):
        assert all(metric(key).key == key for key in METRICS)

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(UnknownMetric, match="no metric called 'luck'"):
            metric("luck")

    def test_each_says_what_it_counts_in_a_sentence(self):
        assert all(one.says.endswith(".") for one in METRICS.values())

    def test_the_median_of_an_even_number_is_the_mean_of_the_middle(self):
        assert median([Fraction(9), Fraction(1), Fraction(4), Fraction(2)]) == 3
        assert median([]) is None

    def test_assumptions_are_those_of_the_product(self):
        """200 MQLs a month for an inbound SDR, 200 touches a day outbound, 20 % closed by an AE."""
        inbound, outbound, ae = DEFAULT_ASSUMPTIONS
        assert assumed(inbound, months=1, working_days=0) == 200
        assert assumed(outbound, months=1, working_days=21) == 4200
        assert assumed(ae, months=3, working_days=0) == Fraction(1, 5)
