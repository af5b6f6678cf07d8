"""Every answer of business time against a walk minute by minute, over every oddity that clocks have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.reps.rules.business_time import (
    WEEKDAYS,
    Hours,
    due_at,
    is_open,
    next_close,
    next_open,
    open_minutes,
    open_seconds,
    open_spans,
)
from tests.reps.walked_time import MINUTE, changes, walked

DAYS = 6
# Three days before a change of the clocks, a skipped date, or a New Year.
_AROUND = {
    "UTC": [datetime(2026, 12, 30)],
    "Europe/Berlin": [datetime(2026, 3, 26), datetime(2026, 10, 22)],
    "America/New_York": [datetime(2026, 3, 5), datetime(2026, 10, 29)],
    "Australia/Lord_Howe": [datetime(2026, 4, 2), datetime(2026, 10, 1)],
    "Pacific/Chatham": [datetime(2026, 4, 2), datetime(2026, 9, 24)],
    "America/Santiago": [datetime(2026, 4, 2), datetime(2026, 9, 3)],
    "Antarctica/Troll": [datetime(2026, 3, 26), datetime(2026, 10, 22)],
    "Asia/Kolkata": [datetime(2026, 4, 1)],
    "Pacific/Apia": [datetime(2011, 12, 28)],
    "Pacific/Kwajalein": [datetime(1993, 8, 18)],
}


@st.composite
def _moments(draw: st.DrawFn) -> tuple[Hours, datetime, list[tuple[datetime, datetime]]]:
    """A calendar, the first day of a walk in its zone, and pauses of a clock."""
    zone = draw(st.sampled_from(sorted(_AROUND)))
    first = draw(st.sampled_from(_AROUND[zone])).replace(tzinfo=UTC)
    edges = st.integers(0, 96).map(
        lambda quarter: "24:00" if quarter == 96 else f"{quarter // 4:02}:{quarter % 4 * 15:02}"
    )
    window = st.tuples(edges.filter(lambda edge: edge != "24:00"), edges).map(list)
    windows = st.lists(window, max_size=2)
    weekly = {day: draw(windows) for day in WEEKDAYS}
    days = [(first + timedelta(days=number)).date().isoformat() for number in range(-1, DAYS + 1)]
    keys = st.sampled_from([*WEEKDAYS, *days])
    hours = Hours.of(
        zone,
        weekly,
        draw(st.lists(st.sampled_from(days), max_size=2)),
        draw(st.dictionaries(st.sampled_from(days), windows, max_size=2)),
        draw(st.dictionaries(keys, st.lists(window, min_size=1, max_size=2), max_size=3)),
    )
    spans = draw(
        st.lists(st.tuples(st.integers(0, DAYS * 1440), st.integers(0, 2_000)), max_size=3),
    )
    pauses = [(first + start * MINUTE, first + (start + length) * MINUTE) for start, length in spans]
    return hours, first, pauses


@settings(max_examples=150, deadline=None)
@given(given=_moments(), offset=st.integers(0, 3 * 24 * 60), minutes=st.integers(1, 1_500))
def test_every_answer_equals_a_walk_minute_by_minute(given: Any, offset: int, minutes: int) -> None:
    hours, first, pauses = given
    start, end = first + offset * MINUTE, first + timedelta(days=DAYS)
    open_at = walked(hours, first, DAYS, pauses)[offset:]
    numbers = [number for number, is_so in enumerate(open_at) if is_so]
    assert open_seconds(hours, start, end, pauses) == len(numbers) * 60
    assert open_minutes(hours, start, end, pauses) == len(numbers)
    spans = open_spans(hours, start, end, pauses)
    assert sum((closes - opens for opens, closes in spans), timedelta()) == len(numbers) * MINUTE
    if minutes <= len(numbers):
        assert due_at(hours, start, minutes, pauses) == start + (numbers[minutes - 1] + 1) * MINUTE
    if numbers:
        assert due_at(hours, start, 0, pauses) == start + numbers[0] * MINUTE


@settings(max_examples=80, deadline=None)
@given(given=_moments(), offset=st.integers(0, 3 * 24 * 60))
def test_open_or_not_and_until_when_equals_the_walk(given: Any, offset: int) -> None:
    hours, first, _ = given
    start = first + offset * MINUTE
    open_at = walked(hours, first, DAYS)[offset:]
    assert is_open(hours, start) == open_at[0]
    if True in open_at:
        opens = open_at.index(True)
        assert next_open(hours, start) == start + opens * MINUTE
        if False in open_at[opens:]:
            assert next_close(hours, start) == start + (opens + open_at[opens:].index(False)) * MINUTE


# --- Every change of the clocks -----------------------------------------------------------------------

SIX_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
    "Africa/Casablanca",
)
_SHAPES = {
    "nights": ({day: [["21:45", "03:15"]] for day in WEEKDAYS}, {}),
    "around the change": ({day: [["02:30", "11:00"], ["23:30", "24:00"]] for day in WEEKDAYS}, {}),
    "around the clock with breaks": (
        {day: [["00:00", "24:00"]] for day in WEEKDAYS},
        {day: [["00:15", "00:45"], ["02:15", "02:50"]] for day in WEEKDAYS},
    ),
}


@pytest.mark.parametrize("zone", SIX_ZONES)
def test_every_change_of_the_clocks_from_2024_through_2030_equals_the_walk(zone: str) -> None:
    found = changes(zone, 2024, 2030)
    assert len(found) >= 14
    calendars = [Hours.of(zone, weekly, breaks=breaks) for weekly, breaks in _SHAPES.values()]
    for change in found:
        first = (change - timedelta(days=1)).replace(hour=0, minute=0)
        for hours in calendars:
            open_at = walked(hours, first, 3)
            numbers = [number for number, is_so in enumerate(open_at) if is_so]
            assert open_minutes(hours, first, first + timedelta(days=3)) == len(numbers)
            for minutes in range(1, len(numbers), 41):
                assert due_at(hours, first, minutes) == first + (numbers[minutes - 1] + 1) * MINUTE
            for number in range(0, len(open_at), 37):
                assert is_open(hours, first + number * MINUTE) == open_at[number]


def test_a_date_that_a_zone_skipped_has_no_hours() -> None:
    fridays = Hours.of("Pacific/Apia", {"fri": [["09:00", "17:00"]]})
    first = datetime(2011, 12, 28, tzinfo=UTC)
    assert open_minutes(fridays, first, first + timedelta(days=7)) == 0
    assert next_open(fridays, first) == datetime(2012, 1, 5, 19, tzinfo=UTC)
