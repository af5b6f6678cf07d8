"""Business time: cases that others published, and every answer against a walk minute by minute."""

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.reps.rules.business_time import (
    WEEKDAYS,
    Hours,
    NeverOpen,
    due_at,
    is_open,
    next_close,
    next_open,
    open_minutes,
)

CASES = (
    Path(os.environ.get("CASES_DIR") or Path(__file__).resolve().parents[2].parent / "shared" / "cases")
    / "business_hours.json"
)


def _cases() -> list[Any]:
    if not CASES.exists():
        return [
            pytest.param(
                None, marks=pytest.mark.skip(reason=f"No cases at {CASES} (set CASES_DIR)."), id="absent"
            )
        ]
    found = json.loads(CASES.read_text())["cases"]
    params = []
    for case in found:
        # Pauses of a clock are a clock's business, not the calendar's; they come with those clocks.
        skip = pytest.mark.skip(reason="Pauses belong to the clocks.") if "pauses" in case["inputs"] else ()
        params.append(pytest.param(case, id=case["id"], marks=skip))
    return params


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _without(windows: list[list[str]], breaks: list[list[str]]) -> list[list[str]]:
    """A day's windows with its breaks cut out: our calendars say a break as an override of the day."""
    for starts, ends in breaks:
        windows = [
            piece
            for opens, closes in windows
            for piece in ([opens, min(starts, closes)], [max(ends, opens), closes])
            if piece[0] < piece[1]
        ]
    return windows


def _hours(calendar: dict[str, Any]) -> Hours:
    overrides = dict(calendar["date_overrides"])
    for day, breaks in calendar["breaks"].items():
        weekday = WEEKDAYS[date.fromisoformat(day).weekday()]
        overrides[day] = _without(overrides.get(day) or calendar["weekly"].get(weekday, []), breaks)
    return Hours.of(calendar["timezone"], calendar["weekly"], calendar["holidays"], overrides)


@pytest.mark.parametrize("case", _cases())
def test_agrees_with_what_others_published(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    if case["op"] == "resolve_local":
        local = datetime.fromisoformat(inputs["local"])
        every_day = {day: [[f"{local:%H:%M}", "23:00"]] for day in WEEKDAYS}
        hours = Hours.of(inputs["timezone"], every_day)
        midnight = local.replace(hour=0, minute=0, tzinfo=ZoneInfo(inputs["timezone"]))
        assert next_open(hours, midnight) == _instant(expected["utc"])
        return
    hours = _hours(inputs["calendar"])
    if case["op"] == "elapsed":
        elapsed = open_minutes(hours, _instant(inputs["start"]), _instant(inputs["end"]))
        assert elapsed == expected["working_minutes"]
        return
    minutes = inputs.get("minutes", inputs.get("seconds", 0) / 60)
    assert due_at(hours, _instant(inputs["start"]), minutes) == _instant(expected["due_utc"])


OFFICE = Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in WEEKDAYS[:5]})
FRIDAY = datetime(2026, 11, 13, tzinfo=UTC)


class TestTheRulesForTheClock:
    def test_a_target_used_up_at_closing_is_due_at_that_closing(self) -> None:
        assert due_at(OFFICE, FRIDAY.replace(hour=15), 60) == FRIDAY.replace(hour=16)

    def test_a_minute_more_is_due_at_the_next_opening_and_a_minute(self) -> None:
        assert due_at(OFFICE, FRIDAY.replace(hour=15), 61) == datetime(2026, 11, 16, 8, 1, tzinfo=UTC)

    def test_a_zero_target_outside_hours_is_due_at_the_next_opening(self) -> None:
        assert due_at(OFFICE, FRIDAY.replace(hour=18), 0) == datetime(2026, 11, 16, 8, tzinfo=UTC)

    def test_it_is_closed_at_the_closing_instant(self) -> None:
        assert is_open(OFFICE, FRIDAY.replace(hour=8))
        assert not is_open(OFFICE, FRIDAY.replace(hour=16))

    def test_a_calendar_that_never_opens_says_so(self) -> None:
        with pytest.raises(NeverOpen):
            due_at(Hours.of("UTC", {}), FRIDAY, 1)

    def test_the_closing_is_that_of_the_window_or_of_the_next(self) -> None:
        assert next_close(OFFICE, FRIDAY.replace(hour=9)) == FRIDAY.replace(hour=16)
        assert next_close(OFFICE, FRIDAY.replace(hour=16)) == datetime(2026, 11, 16, 16, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("day", "minutes"),
        [(date(2026, 3, 29), 7 * 60), (date(2026, 10, 25), 9 * 60), (date(2026, 6, 7), 8 * 60)],
    )
    def test_a_night_in_which_the_clocks_change_has_its_real_minutes(self, day: date, minutes: int) -> None:
        night = Hours.of("Europe/Berlin", {"sat": [["22:00", "06:00"]]})
        start = datetime.combine(day - timedelta(days=1), time(12), UTC)
        assert open_minutes(night, start, start + timedelta(days=1)) == minutes


# --- Against a walk minute by minute ---------------------------------------------------------------

_ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Asia/Kolkata",
)


@st.composite
def _calendars(draw: st.DrawFn) -> Hours:
    edges = st.integers(0, 96).map(
        lambda quarter: "24:00" if quarter == 96 else f"{quarter // 4:02}:{quarter % 4 * 15:02}"
    )
    windows = st.lists(st.tuples(edges.filter(lambda edge: edge != "24:00"), edges), max_size=2)
    weekly = {day: [list(window) for window in draw(windows)] for day in WEEKDAYS}
    weekly["tue"] = weekly["tue"] or [["09:00", "17:00"]]
    return Hours.of(
        draw(st.sampled_from(_ZONES)), weekly, ["2026-04-06"], {"2026-04-03": [["10:00", "11:30"]]}
    )


def _walked(hours: Hours, first: datetime, last: datetime) -> set[datetime]:
    """Every UTC minute from ``first`` to ``last`` that some window of some day covers."""
    zone = ZoneInfo(hours.zone)
    spans = []
    day = first.date() - timedelta(days=3)
    while day <= last.date() + timedelta(days=3):
        for opens, closes in hours.windows_on(day):
            until = day if closes != "24:00" and closes > opens else day + timedelta(days=1)
            start = datetime.combine(day, time.fromisoformat(opens), zone).astimezone(UTC)
            end = datetime.combine(until, time(0) if closes == "24:00" else time.fromisoformat(closes), zone)
            spans.append((start, end.astimezone(UTC)))
        day += timedelta(days=1)
    open_at = set()
    for start, end in spans:
        moment = max(start, first)
        while moment < min(end, last):
            open_at.add(moment)
            moment += timedelta(minutes=1)
    return open_at


@settings(max_examples=60, deadline=None)
@given(
    hours=_calendars(),
    # Around the changes of the clocks in spring and autumn, and over a New Year.
    around=st.sampled_from(
        [datetime(2026, 3, 28), datetime(2026, 4, 4), datetime(2026, 10, 24), datetime(2026, 12, 30)]
    ),
    offset=st.integers(0, 3 * 24 * 60),
    minutes=st.integers(1, 1_500),
)
def test_every_due_instant_equals_a_walk_minute_by_minute(
    hours: Hours, around: datetime, offset: int, minutes: int
) -> None:
    start = around.replace(tzinfo=UTC) + timedelta(minutes=offset)
    end = start + timedelta(days=9)
    walked = sorted(_walked(hours, start, end))
    assert open_minutes(hours, start, end) == len(walked)
    due = due_at(hours, start, minutes)
    if minutes <= len(walked):
        assert due == walked[minutes - 1] + timedelta(minutes=1)
    else:
        assert due > end - timedelta(minutes=1)
    if walked:
        assert next_open(hours, start) == walked[0]
