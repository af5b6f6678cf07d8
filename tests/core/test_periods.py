"""Periods are half-open, know their neighbours, and are cut where the company's midnight is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import periods
from apps.core.periods import Period

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 12, 31))
KINDS = st.sampled_from([periods.month_of, periods.quarter_of, periods.year_of])
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kolkata"]
)


class TestPeriod:
    @given(DAYS, KINDS)
    def test_holds_its_first_day_and_not_its_end(self, day, kind):
        period = kind(day)
        assert day in period
        assert period.start in period
        assert period.last_day in period
        assert period.end not in period

    @given(DAYS, KINDS)
    def test_meets_its_neighbours_without_gap_or_overlap(self, day, kind):
        period = kind(day)
        assert period.previous().end == period.start
        assert period.following().start == period.end
        assert period.previous().following() == period
        assert period.following().previous() == period

    @given(DAYS, KINDS)
    def test_is_written_and_read_back(self, day, kind):
        period = kind(day)
        assert periods.parse_period(period.code) == period

    @given(DAYS, st.integers(min_value=1, max_value=400))
    def test_of_any_days_is_written_and_read_back(self, day, length):
        period = Period(day, day + timedelta(days=length))
        assert periods.parse_period(period.code) == period

    @given(DAYS, KINDS)
    def test_is_made_of_its_months(self, day, kind):
        period = kind(day)
        months = period.months()
        assert (months[0].start, months[-1].end) == (period.start, period.end)
        assert sum(month.days for month in months) == period.days

    def test_does_not_end_before_it_starts(self):
        with pytest.raises(periods.NotAPeriod):
            Period(date(2026, 1, 2), date(2026, 1, 2))

    @pytest.mark.parametrize(
        ("code", "name"),
        [
            ("2026-10", "October 2026"), ("2026Q4", "Q4 2026"), ("2026", "2026"),
            ("2026-10-05..2026-10-12", "5 Oct to 11 Oct 2026"),
        ],
    )  # fmt: skip
    def test_has_a_name_for_people(self, code, name):
        assert periods.parse_period(code).name == name


class TestBounds:
    @given(DAYS, KINDS, ZONES)
    def test_a_day_of_the_period_and_no_other_lies_within(self, day, kind, zone):
        period = kind(day)
        start, end = period.bounds(zone)
        assert periods.day_of(start, zone) == period.start
        assert periods.day_of(end - timedelta(microseconds=1), zone) == period.last_day
        assert periods.day_of(start - timedelta(microseconds=1), zone) not in period

    @given(DAYS, KINDS, ZONES)
    def test_neighbours_share_the_instant(self, day, kind, zone):
        period = kind(day)
        assert period.bounds(zone)[1] == period.following().bounds(zone)[0]

    def test_a_day_that_loses_an_hour_has_23(self):
        start, end = Period(date(2026, 3, 29), date(2026, 3, 30)).bounds("Europe/Berlin")
        assert end - start == timedelta(hours=23)

    def test_a_naive_instant_has_no_day(self):
        with pytest.raises(ValueError, match="time zone"):
            periods.day_of(datetime(2026, 1, 1))

    def test_the_day_depends_on_the_zone(self):
        late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
        assert periods.day_of(late) == date(2026, 12, 31)
        assert periods.day_of(late, "Europe/Berlin") == date(2027, 1, 1)


class TestTrailingMonths:
    @given(DAYS, st.integers(min_value=1, max_value=24))
    def test_ends_before_the_month_of_the_day(self, day, count):
        period = periods.trailing_months(day, count)
        assert period.end == periods.month_of(day).start
        assert len(period.months()) == count


class TestParsePeriod:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "2026-13",
            "2026Q5",
            "26",
            "2026-00",
            "last month",
            "2026-10-12..2026-10-05",
            "0000",
            "0001",
            "9999Q4",
        ],
    )
    def test_says_which_forms_are_understood(self, text):
        with pytest.raises(periods.NotAPeriod):
            periods.parse_period(text)

    @pytest.mark.parametrize("text", ["2026Q4", "2026-Q4", "2026q4", " 2026Q4 "])
    def test_takes_each_way_to_write_a_quarter(self, text):
        assert periods.parse_period(text) == Period(date(2026, 10, 1), date(2027, 1, 1))
