"""When a rep can be booked: each reason by itself, the edges, and the free times as a property of the reasons."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.reps.rules.availability import SLOT, Diary, Why, free_starts, why_closed
from apps.reps.rules.hours import Hours
from apps.reps.rules.open_time import Interval, micros

OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
BERLIN = Hours.of("Europe/Berlin", OFFICE, breaks={"mon": [["12:00", "12:30"]]})
ALWAYS = Hours.of(
    "UTC", {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
)
AT = datetime(2026, 11, 12, 9, 42, tzinfo=UTC)
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def span(starts: datetime, minutes: int = 30) -> Interval:
    return micros(starts), micros(starts + timedelta(minutes=minutes))


def diary(hours: Hours = BERLIN, zone: str = "Europe/Berlin", **known: object) -> Diary:
    return Diary(**{"hours": hours, "zone": zone, "hired_on": date(2025, 1, 1), **known})  # type: ignore[arg-type]


def kind(found: Diary, starts: datetime, minutes: int = 30, at: datetime = AT) -> Why | None:
    closed = why_closed(found, starts, starts + timedelta(minutes=minutes), at)
    return closed.kind if closed else None


class TestWhyClosed:
    """Monday 16 November 2026; the office in Berlin opens at 08:00 UTC."""

    NINE = MONDAY + timedelta(hours=8)

    @pytest.mark.parametrize(
        ("minutes", "why"),
        [(-30, Why.HOURS), (-1, Why.HOURS), (0, None), (150, None), (170, Why.HOURS), (180, Why.HOURS)],
    )
    def test_a_meeting_lies_wholly_within_working_hours_and_outside_breaks(self, minutes, why):
        assert kind(diary(), self.NINE + timedelta(minutes=minutes)) == why

    def test_the_last_half_hour_before_closing_is_free_and_an_hour_there_is_not(self):
        last = self.NINE + timedelta(hours=7, minutes=30)
        assert kind(diary(), last) is None
        assert kind(diary(), last, minutes=60) == Why.HOURS

    @pytest.mark.parametrize(
        ("begins", "ends", "why"), [(0, 30, Why.BUSY), (-30, 0, None), (30, 60, None), (29, 31, Why.BUSY)]
    )
    def test_a_busy_time_closes_what_it_overlaps_and_nothing_that_it_touches(self, begins, ends, why):
        taken = span(self.NINE + timedelta(minutes=begins), ends - begins)
        assert kind(diary(busy=[taken]), self.NINE) == why

    def test_a_meeting_and_a_hold_say_their_span_in_the_reps_own_time(self):
        noon = [span(self.NINE, 60)]
        said = [
            why_closed(diary(**{what: noon}), self.NINE, self.NINE + SLOT, AT)
            for what in ("meetings", "holds")
        ]
        assert said == [
            (Why.MEETING, "In a meeting 09:00 to 10:00 CET"),
            (Why.HELD, "Held for another booking 09:00 to 10:00 CET"),
        ]

    def test_a_busy_time_over_midnight_names_its_dates(self):
        night = span(self.NINE - timedelta(hours=12), 14 * 60)
        closed = why_closed(diary(busy=[night]), self.NINE, self.NINE + SLOT, AT)
        assert closed == (Why.BUSY, "Busy 15 Nov 21:00 to 16 Nov 11:00 CET")

    @pytest.mark.parametrize(
        ("leaves", "back", "why"),
        [(16, 17, Why.AWAY), (15, 16, None), (17, 18, None), (1, 30, Why.AWAY)],
    )
    def test_time_off_closes_its_own_days_and_the_first_day_back_is_open(self, leaves, back, why):
        away = [(date(2026, 11, leaves), date(2026, 11, back))]
        assert kind(diary(away=away), self.NINE) == why

    def test_time_off_is_in_days_of_the_reps_own_zone(self):
        off = [(date(2026, 11, 17), date(2026, 11, 18))]
        auckland = diary(ALWAYS, "Pacific/Auckland", away=off)
        # The 17th begins there at 11:00 UTC on the 16th.
        assert kind(auckland, MONDAY + timedelta(hours=10, minutes=30)) is None
        assert kind(auckland, MONDAY + timedelta(hours=11)) == Why.AWAY
        assert kind(auckland, MONDAY + timedelta(hours=34, minutes=30)) == Why.AWAY
        assert kind(auckland, MONDAY + timedelta(hours=35)) is None

    def test_nobody_is_booked_before_the_first_day_or_from_the_day_of_leaving_on(self):
        assert kind(diary(hired_on=date(2026, 11, 17)), self.NINE) == Why.NOT_BEGUN
        assert kind(diary(hired_on=date(2026, 11, 16)), self.NINE) is None
        assert kind(diary(left_on=date(2026, 11, 16)), self.NINE) == Why.LEFT
        assert kind(diary(left_on=date(2026, 11, 17)), self.NINE) is None

    def test_the_days_cap_counts_meetings_and_holds_of_that_local_day_alone(self):
        ten, next_day = self.NINE + timedelta(hours=1), self.NINE + timedelta(days=1)
        full = diary(meetings=[span(ten)], holds=[span(ten + SLOT)], day_cap=2)
        assert why_closed(full, self.NINE, self.NINE + SLOT, AT) == (Why.DAY_CAP, "At cap, 2 of 2 that day")
        assert kind(full, next_day) is None
        assert kind(diary(meetings=[span(ten)], day_cap=2), self.NINE) is None

    def test_the_weeks_cap_counts_from_monday_to_sunday_where_the_rep_is(self):
        friday = self.NINE + timedelta(days=4)
        full = diary(meetings=[span(self.NINE)], week_cap=1)
        assert why_closed(full, friday, friday + SLOT, AT) == (Why.WEEK_CAP, "At cap, 1 of 1 that week")
        assert kind(full, friday + timedelta(days=3)) is None
        assert kind(full, self.NINE - timedelta(days=3)) is None

    def test_a_week_turns_at_the_reps_own_midnight(self):
        # Sunday 23:30 UTC is Monday 00:30 in Berlin: it counts for the new week.
        late = diary(ALWAYS, meetings=[span(MONDAY - SLOT)], week_cap=1)
        assert kind(late, MONDAY + timedelta(days=2)) == Why.WEEK_CAP
        assert kind(late, MONDAY - timedelta(hours=2)) is None

    def test_notice_is_kept_to_the_minute_and_the_past_is_past(self):
        soon = diary(notice=timedelta(hours=1))
        assert kind(soon, self.NINE, at=self.NINE - timedelta(hours=1)) is None
        late = why_closed(soon, self.NINE, self.NINE + SLOT, self.NINE - timedelta(minutes=59))
        assert late == (Why.NOTICE, "Booked at least 1 hour ahead")
        past = why_closed(diary(), self.NINE, self.NINE + SLOT, self.NINE + timedelta(minutes=1))
        assert past == (Why.NOTICE, "Past")

    def test_hours_in_the_clocks_of_the_calendar_move_with_them(self):
        # Berlin sets its clocks back on 25 October 2026: the same nine o'clock is an hour later in UTC.
        summer, winter = datetime(2026, 10, 23, 7, tzinfo=UTC), datetime(2026, 10, 26, 7, tzinfo=UTC)
        at = datetime(2026, 10, 1, tzinfo=UTC)
        assert kind(diary(), summer, at=at) is None
        assert kind(diary(), winter, at=at) == Why.HOURS
        assert kind(diary(), winter + timedelta(hours=1), at=at) is None


def _spans() -> st.SearchStrategy[list[Interval]]:
    one = st.tuples(st.integers(0, 14 * 24 * 12), st.integers(1, 40)).map(
        lambda drawn: span(MONDAY + timedelta(minutes=5 * drawn[0]), 5 * drawn[1])
    )
    return st.lists(one, max_size=12).map(sorted)


def _meetings() -> st.SearchStrategy[list[Interval]]:
    one = st.tuples(st.integers(0, 14 * 48), st.integers(1, 3)).map(
        lambda drawn: span(MONDAY + drawn[0] * SLOT, 30 * drawn[1])
    )
    return st.lists(one, max_size=8, unique_by=lambda taken: taken[0]).map(sorted)


class TestFreeStarts:
    @given(
        hours=st.sampled_from([BERLIN, ALWAYS]),
        zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
        busy=_spans(),
        meetings=_meetings(),
        holds=_meetings(),
        away=st.lists(st.integers(0, 16), max_size=2),
        caps=st.tuples(st.integers(0, 4), st.integers(0, 9)),
        stays=st.tuples(st.integers(0, 4), st.integers(6, 16)),
        notice=st.sampled_from([0, 30, 45, 1440]),
        begun=st.integers(-600, 3000),
        half_hours=st.integers(1, 3),
    )
    @settings(max_examples=120, deadline=None)
    def test_are_exactly_the_times_for_which_there_is_no_reason(
        self, hours, zone, busy, meetings, holds, away, caps, stays, notice, begun, half_hours
    ):
        first_day = MONDAY.date()
        known = diary(
            hours,
            zone,
            busy=busy,
            meetings=meetings,
            holds=holds,
            away=[(first_day + timedelta(days=n), first_day + timedelta(days=n + 2)) for n in away],
            day_cap=caps[0],
            week_cap=caps[1],
            hired_on=first_day + timedelta(days=stays[0]),
            left_on=first_day + timedelta(days=stays[1]),
            notice=timedelta(minutes=notice),
        )
        at, length = MONDAY + timedelta(minutes=begun), half_hours * SLOT
        grid = [MONDAY + n * SLOT for n in range(14 * 48)]
        free = [start for start in grid if why_closed(known, start, start + length, at) is None]
        assert list(free_starts(known, MONDAY, MONDAY + timedelta(days=14), at, length)) == free

    def test_nothing_is_free_in_an_empty_span_or_one_that_is_past(self):
        assert list(free_starts(diary(), MONDAY, MONDAY, AT)) == []
        assert list(free_starts(diary(), MONDAY, MONDAY + SLOT, MONDAY + timedelta(days=9))) == []

    def test_a_span_off_the_grid_gives_starts_on_it(self):
        found = free_starts(diary(ALWAYS), MONDAY + timedelta(minutes=7), MONDAY + timedelta(minutes=61), AT)
        assert list(found) == [MONDAY + SLOT, MONDAY + 2 * SLOT]
