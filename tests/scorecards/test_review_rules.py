"""The weekly review's pure rules: ISO weeks, the meeting's instant, the agenda; and the forecast of a period's end."""

import random
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scorecards.rules.pace import BAND, FEWEST_WEEKS, forecast, root, weeks_before
from apps.scorecards.rules.review import WEIGHTS, agenda, last_whole_week, meeting_at, week_of

pytestmark = pytest.mark.once


class TestWeeks:
    @given(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
    def test_a_week_is_the_iso_week_of_its_day(self, day: date):
        week = week_of(day)
        assert day in week
        assert week.days == 7
        assert week.start.isocalendar()[:2] == day.isocalendar()[:2]
        assert last_whole_week(day).end == week.start

    @pytest.mark.parametrize(
        "week_on, instant",
        [
            # Around the autumn change of 2026 (25 October) the hour by the clock stays 10:30.
            (date(2026, 10, 12), datetime(2026, 10, 22, 8, 30, tzinfo=UTC)),
            (date(2026, 10, 19), datetime(2026, 10, 29, 9, 30, tzinfo=UTC)),
            (date(2026, 3, 16), datetime(2026, 3, 26, 9, 30, tzinfo=UTC)),
            (date(2026, 3, 23), datetime(2026, 4, 2, 8, 30, tzinfo=UTC)),
        ],
    )
    def test_the_meeting_keeps_its_hour_over_a_change_of_the_clock(self, week_on: date, instant: datetime):
        assert meeting_at(week_of(week_on), 3, time(10, 30), "Europe/Berlin") == instant


class TestAgenda:
    @given(
        st.lists(st.sampled_from(sorted(WEIGHTS)), unique=True, min_size=1),
        st.integers(10, 240),
    )
    def test_its_parts_sum_to_the_meeting(self, sections: list[str], minutes: int):
        slots = agenda(sections, minutes)
        assert sum(slot.minutes for slot in slots) == minutes == slots[-1].until
        assert [slot.section for slot in slots] == sections
        for slot in slots:
            exact = Fraction(minutes * WEIGHTS[slot.section], sum(WEIGHTS[one] for one in sections))
            assert abs(slot.minutes - exact) < 1


class TestForecast:
    def test_is_what_was_reached_plus_the_mean_for_each_week_left(self):
        found = forecast(weekly=[Fraction(n) for n in (4, 6, 5, 5)], reached=Fraction(30), days_left=28)
        assert found is not None
        assert found.expected == 30 + 4 * 5
        # Sample variance 2/3 a week, four weeks: the root of 8/3, times 1.2816.
        assert found.high - found.expected == BAND * root(Fraction(8, 3))
        assert found.expected - found.low == found.high - found.expected

    @pytest.mark.parametrize("weeks, left", [(FEWEST_WEEKS - 1, 20), (8, 0), (8, -3)])
    def test_says_nothing_of_too_few_weeks_or_of_no_time(self, weeks: int, left: int):
        assert forecast(weekly=[Fraction(1)] * weeks, reached=Fraction(0), days_left=left) is None

    @given(
        st.lists(st.fractions(0, 1000), min_size=FEWEST_WEEKS, max_size=8),
        st.fractions(0, 5000),
        st.integers(1, 100),
    )
    def test_the_band_holds_the_forecast_and_never_falls_below_what_was_reached(
        self, weekly: list[Fraction], reached: Fraction, left: int
    ):
        found = forecast(weekly=weekly, reached=reached, days_left=left)
        assert found is not None
        assert reached <= found.low <= found.expected <= found.high

    def test_the_band_holds_about_eight_in_ten_of_weeks_that_go_on_alike(self):
        """Made-up weeks of one kind: estimated from eight, the band holds a little less than the 80 % it names."""
        rng, held, times = random.Random(4), 0, 2000
        for _ in range(times):
            weeks = [Fraction(max(round(rng.gauss(100, 25)), 0)) for _ in range(13)]
            found = forecast(weekly=weeks[:8], reached=Fraction(0), days_left=35)
            assert found is not None
            held += found.low <= sum(weeks[8:]) <= found.high
        assert 0.62 <= held / times <= 0.85

    def test_weeks_end_where_the_day_begins_and_none_is_cut(self):
        weeks = weeks_before(date(2026, 11, 12))
        assert (weeks[-1].end, len(weeks)) == (date(2026, 11, 12), 8)
        assert all(one.days == 7 for one in weeks)
        assert len(weeks_before(date(2026, 11, 12), date(2026, 11, 12) - timedelta(days=20))) == 2
