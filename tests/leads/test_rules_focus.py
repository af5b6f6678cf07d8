"""The blocks of a day as pure rules: half-open, safe across a change of the clocks, never two at once."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.focus import (
    KINDS,
    Block,
    Week,
    default_day,
    faults,
    next_span,
    span_at,
    spans,
)

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
WORKDAYS = {weekday: default_day() for weekday in range(5)}
THURSDAY = date(2026, 11, 12)


def berlin(hour: int, minute: int = 0, day: date = THURSDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


class TestDefaultDay:
    def test_is_the_one_of_the_product(self) -> None:
        hours = [(block.kind, block.ends.hour - block.starts.hour) for block in default_day()]
        assert hours == [("clean_up", 1), ("email", 3), ("calls", 3), ("follow_up", 1)]

    def test_has_no_fault_and_no_gap(self) -> None:
        day = default_day(time(8, 30))
        assert faults(day) == []
        assert all(one.ends == other.starts for one, other in zip(day, day[1:], strict=False))
        assert (day[0].starts, day[-1].ends) == (time(8, 30), time(16, 30))


class TestWhichBlock:
    @pytest.mark.parametrize(
        ("at", "kind"),
        [
            (berlin(8, 59), None),
            (berlin(9), "clean_up"),
            (berlin(9, 59), "clean_up"),
            (berlin(10), "email"),
            (berlin(16, 59), "follow_up"),
            (berlin(17), None),
            (berlin(10, day=date(2026, 11, 14)), None),
        ],
    )
    def test_is_half_open_on_the_reps_clock(self, at: datetime, kind: str | None) -> None:
        found = span_at(WORKDAYS, at, BERLIN)
        assert (found.kind if found else None) == kind

    def test_follows_the_zone_of_the_rep(self) -> None:
        at = datetime(2026, 11, 12, 9, 30, tzinfo=UTC)
        in_lisbon = span_at(WORKDAYS, at, ZoneInfo("Europe/Lisbon"))
        in_berlin = span_at(WORKDAYS, at, BERLIN)
        assert in_lisbon is not None
        assert in_lisbon.kind == "clean_up"
        assert in_berlin is not None
        assert in_berlin.kind == "email"

    def test_next_is_the_following_one_and_on_friday_evening_mondays_first(self) -> None:
        within = next_span(WORKDAYS, berlin(9, 30), BERLIN)
        assert within is not None
        assert (within.kind, within.starts_at) == ("email", berlin(10))
        friday = date(2026, 11, 13)
        after = next_span(WORKDAYS, berlin(18, day=friday), BERLIN)
        assert after is not None
        assert after.starts_at == berlin(9, day=friday + timedelta(days=3))

    def test_next_of_a_week_with_one_block_is_the_same_block_a_week_on(self) -> None:
        week = {3: [Block(time(9), time(10), "calls")]}
        found = next_span(week, berlin(9), BERLIN)
        assert found is not None
        assert found.starts_at == berlin(9, day=THURSDAY + timedelta(days=7))

    def test_a_week_without_blocks_has_neither(self) -> None:
        assert span_at({}, berlin(10), BERLIN) is None
        assert next_span({}, berlin(10), BERLIN) is None


class TestChangeOfTheClocks:
    def test_a_block_over_the_spring_change_is_an_hour_shorter(self) -> None:
        spring = date(2027, 3, 28)
        (found,) = spans({6: [Block(time(1), time(4), "calls")]}, spring, BERLIN)
        assert found.ends_at - found.starts_at == timedelta(hours=2)

    def test_a_block_over_the_autumn_change_is_an_hour_longer(self) -> None:
        autumn = date(2026, 10, 25)
        (found,) = spans({6: [Block(time(1), time(4), "calls")]}, autumn, BERLIN)
        assert found.ends_at - found.starts_at == timedelta(hours=4)

    def test_a_block_that_the_clocks_jump_over_is_not_there(self) -> None:
        week = {6: [Block(time(2), time(2, 30), "calls"), Block(time(2, 30), time(4), "email")]}
        (found,) = spans(week, date(2027, 3, 28), BERLIN)
        assert found.kind == "email"
        assert found.starts_at == datetime(2027, 3, 28, 1, tzinfo=UTC)

    def test_a_jump_of_half_an_hour_is_met_to_the_second(self) -> None:
        # Lord Howe goes from 02:00 to 02:30 on 4 October 2026, at 15:30 UTC of the day before.
        week = {6: [Block(time(2, 10), time(3), "calls")]}
        (found,) = spans(week, date(2026, 10, 4), LORD_HOWE)
        assert found.starts_at == datetime(2026, 10, 3, 15, 30, tzinfo=UTC)
        assert found.ends_at - found.starts_at == timedelta(minutes=30)


@st.composite
def days(draw: st.DrawFn) -> list[Block]:
    """Blocks of one day that do not overlap: every second minute chosen begins one, the next ends it."""
    minutes = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), max_size=12)))
    walls = [time(*divmod(minute, 60)) for minute in minutes[: len(minutes) // 2 * 2]]
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=6, max_size=6))
    return [
        Block(starts, ends, kind) for starts, ends, kind in zip(walls[::2], walls[1::2], kinds, strict=False)
    ]


class TestOneAtATime:
    @given(
        day=days(),
        on=st.dates(date(2024, 1, 1), date(2030, 12, 31)),
        zone=st.sampled_from([BERLIN, LORD_HOWE, ZoneInfo("Pacific/Chatham"), ZoneInfo("America/New_York")]),
    )
    def test_spans_of_any_day_follow_each_other(self, day: list[Block], on: date, zone: ZoneInfo) -> None:
        week: Week = {on.weekday(): day}
        found = spans(week, on, zone)
        assert faults(day) == []
        assert all(span.starts_at < span.ends_at for span in found)
        assert all(one.ends_at <= other.starts_at for one, other in zip(found, found[1:], strict=False))

    @given(day=days(), on=st.dates(date(2026, 3, 20), date(2026, 4, 10)), minute=st.integers(0, 24 * 60 - 1))
    def test_an_instant_lies_in_the_block_whose_wall_clock_it_shows(
        self, day: list[Block], on: date, minute: int
    ) -> None:
        at = datetime(on.year, on.month, on.day, *divmod(minute, 60), tzinfo=BERLIN).astimezone(UTC)
        wall = at.astimezone(BERLIN)
        naive = next(
            (block for block in day if wall.date() == on and block.starts <= wall.time() < block.ends), None
        )
        found = span_at({on.weekday(): day}, at, BERLIN)
        assert (found.block if found else None) == naive


class TestFaults:
    def test_names_the_later_of_two_that_overlap(self) -> None:
        wrong = faults([Block(time(10), time(12), "calls"), Block(time(9), time(10, 1), "email")])
        assert [(fault.index, fault.field) for fault in wrong] == [(0, "starts")]
        assert "09:00 to 10:01" in wrong[0].words

    def test_two_that_touch_do_not_overlap(self) -> None:
        assert faults([Block(time(9), time(10), "email"), Block(time(10), time(12), "calls")]) == []

    def test_a_long_block_overlaps_every_one_inside_it(self) -> None:
        inside = [Block(time(10), time(11), "calls"), Block(time(12), time(13), "calls")]
        wrong = faults([Block(time(9), time(17), "email"), *inside])
        assert [fault.index for fault in wrong] == [1, 2]

    @pytest.mark.parametrize(
        ("block", "field"),
        [
            (Block(time(10), time(10), "calls"), "ends"),
            (Block(time(11), time(10), "calls"), "ends"),
            (Block(time(9), time(10), "lunch"), "kind"),
        ],
    )
    def test_refuses_what_is_no_block(self, block: Block, field: str) -> None:
        assert [fault.field for fault in faults([block])] == [field]
