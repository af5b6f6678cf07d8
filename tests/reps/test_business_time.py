"""Business time: cases that others published, and the rules for the clock one by one."""

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.reps.rules import open_time
from apps.reps.rules.business_time import (
    WEEKDAYS,
    Hours,
    NeverOpen,
    apportion,
    due_at,
    is_open,
    next_close,
    next_open,
    open_minutes,
    open_seconds,
    open_spans,
)
from apps.reps.rules.open_time import CHUNK, SECOND, instant_of

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
    return [pytest.param(case, id=case["id"]) for case in found]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _hours(calendar: dict[str, Any]) -> Hours:
    return Hours.of(
        calendar["timezone"],
        calendar["weekly"],
        calendar["holidays"],
        calendar["date_overrides"],
        calendar["breaks"],
    )


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
    pauses = [(_instant(start), _instant(end)) for start, end in inputs.get("pauses", [])]
    if case["op"] == "elapsed":
        elapsed = open_seconds(hours, _instant(inputs["start"]), _instant(inputs["end"]), pauses)
        assert elapsed == expected["working_minutes"] * 60
        return
    minutes = inputs.get("minutes", inputs.get("seconds", 0) / 60)
    due = due_at(hours, _instant(inputs["start"]), minutes, pauses)
    assert due == _instant(expected["due_utc"])
    assert due.astimezone(ZoneInfo(hours.zone)).isoformat() == expected["due_local"]
    if case["op"] == "next_open":
        assert next_open(hours, _instant(inputs["start"])) == due


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

    def test_an_answer_keeps_the_microseconds_of_its_start(self) -> None:
        start = FRIDAY.replace(hour=9, microsecond=123_457)
        assert due_at(OFFICE, start, 30) == start + timedelta(minutes=30)
        assert open_minutes(OFFICE, start, start + timedelta(minutes=30)) == 30.0

    def test_a_naive_instant_is_refused(self) -> None:
        with pytest.raises(TypeError):
            due_at(OFFICE, datetime(2026, 11, 13, 9), 30)

    def test_a_negative_target_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not negative"):
            due_at(OFFICE, FRIDAY, -1)

    def test_a_night_across_the_end_of_a_chunk_is_one_window(self) -> None:
        edge = instant_of(20_500 * 86_400 * SECOND // CHUNK * CHUNK)
        opens = [(edge - timedelta(hours=3)).strftime("%H:%M"), (edge + timedelta(hours=3)).strftime("%H:%M")]
        nights = Hours.of("UTC", {day: [opens] for day in WEEKDAYS})
        before, after = edge - timedelta(hours=3), edge + timedelta(hours=3)
        assert next_close(nights, edge - timedelta(hours=1)) == after
        assert due_at(nights, before, 6 * 60) == after
        assert due_at(nights, before, 3 * 60) == edge
        assert open_minutes(nights, before - timedelta(hours=5), after + timedelta(hours=5)) == 6 * 60
        assert open_spans(nights, before - timedelta(hours=5), after + timedelta(hours=5)) == [
            (before, after)
        ]

    def test_around_the_clock_there_is_no_closing_within_a_year(self) -> None:
        always = Hours.of("UTC", {day: [["00:00", "24:00"]] for day in WEEKDAYS})
        assert next_close(always, FRIDAY) - FRIDAY > timedelta(days=365)


class TestBreaks:
    LUNCH = Hours.of(
        "Europe/Berlin",
        {day: [["09:00", "17:00"]] for day in WEEKDAYS},
        ["2026-11-16"],
        {"2026-11-17": [["08:00", "20:00"]]},
        {"fri": [["12:00", "12:30"]], "tue": [["12:00", "13:00"]], "2026-11-20": [["16:00", "24:00"]]},
    )

    def test_a_weekly_break_is_closed_time(self) -> None:
        assert due_at(self.LUNCH, FRIDAY.replace(hour=10, minute=50), 20) == FRIDAY.replace(
            hour=11, minute=40
        )
        assert not is_open(self.LUNCH, FRIDAY.replace(hour=11, minute=10))

    def test_a_dated_break_is_cut_once_and_beside_the_weekly_one(self) -> None:
        assert self.LUNCH.windows_on(date(2026, 11, 20)) == (("09:00", "12:00"), ("12:30", "16:00"))
        assert self.LUNCH.windows_on(date(2026, 11, 27)) == (("09:00", "12:00"), ("12:30", "17:00"))

    def test_an_override_replaces_the_breaks_of_its_weekday_too(self) -> None:
        assert self.LUNCH.windows_on(date(2026, 11, 17)) == (("08:00", "20:00"),)

    def test_a_break_in_a_night_belongs_to_its_own_date(self) -> None:
        night = Hours.of("UTC", {"fri": [["22:00", "06:00"]]}, breaks={"sat": [["02:00", "02:30"]]})
        start = FRIDAY.replace(hour=12)
        assert open_seconds(night, start, start + timedelta(days=1)) == 7.5 * 3600
        assert next_close(night, start) == FRIDAY + timedelta(days=1, hours=2)

    def test_a_removed_holiday_is_open_as_usual(self) -> None:
        rows = [{"on": "2026-11-16", "kept": False}, {"on": "2026-11-17", "name": "Own", "kept": True}]
        hours = Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in WEEKDAYS}, rows)
        assert hours.windows_on(date(2026, 11, 16))
        assert not hours.windows_on(date(2026, 11, 17))


class TestPauses:
    def at(self, hour: int, minute: int = 0) -> datetime:
        return FRIDAY.replace(hour=hour, minute=minute)

    def test_a_target_used_up_as_a_pause_begins_is_due_then(self) -> None:
        assert due_at(OFFICE, self.at(9), 60, [(self.at(10), self.at(11))]) == self.at(10)

    def test_a_zero_target_in_a_pause_is_due_when_it_ends(self) -> None:
        assert due_at(OFFICE, self.at(10), 0, [(self.at(9), self.at(11))]) == self.at(11)

    def test_a_pause_over_closing_time_takes_only_open_time(self) -> None:
        pause = (self.at(15), FRIDAY + timedelta(days=3, hours=9))
        assert due_at(OFFICE, self.at(14), 90, [pause]) == FRIDAY + timedelta(days=3, hours=9, minutes=30)

    def test_pauses_may_overlap_come_in_any_order_and_be_empty(self) -> None:
        pauses = [
            (self.at(11), self.at(12)),
            (self.at(9, 30), self.at(10)),
            (self.at(11, 30), self.at(12, 30)),
            (self.at(13), self.at(13)),
        ]
        assert open_seconds(OFFICE, self.at(9), self.at(14), pauses) == 3 * 3600
        assert due_at(OFFICE, self.at(9), 3 * 60, pauses) == self.at(14)

    def test_spans_leave_pauses_out(self) -> None:
        assert open_spans(OFFICE, self.at(6), self.at(20), [(self.at(10), self.at(11))]) == [
            (self.at(8), self.at(10)),
            (self.at(11), self.at(16)),
        ]


class TestApportion:
    def test_parts_add_up_to_the_whole_to_the_second(self) -> None:
        marks = [FRIDAY.replace(hour=9) + timedelta(seconds=0.7 * number) for number in range(8)]
        spans = [("ab"[number % 2], marks[number], marks[number + 1]) for number in range(7)]
        parts = apportion(OFFICE, spans)
        assert sum(parts.values()) == open_seconds(OFFICE, marks[0], marks[-1]) == 4

    def test_closed_time_and_pauses_are_nobodys(self) -> None:
        at = FRIDAY.replace
        spans = [
            ("intake", at(hour=7), at(hour=8, minute=10)),
            ("routing", at(hour=8, minute=10), at(hour=8, minute=12)),
            ("rep", at(hour=8, minute=12), at(hour=18)),
        ]
        pauses = [(at(hour=8, minute=30), at(hour=9))]
        assert apportion(OFFICE, spans, pauses) == {
            "intake": 600,
            "routing": 120,
            "rep": (16 * 60 - 8 * 60 - 12 - 30) * 60,
        }


class TestCost:
    @staticmethod
    def office() -> Hours:
        """A value that no other test has asked."""
        return Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in WEEKDAYS[:5]})

    @pytest.fixture
    def laid_out(self, monkeypatch) -> list[int]:
        """The chunks that get laid out, each of 512 days."""
        found: list[int] = []
        layout = open_time._chunk

        def counted(hours: Hours, number: int) -> open_time.Chunk:
            found.append(number)
            return layout(hours, number)

        monkeypatch.setattr(open_time, "_chunk", counted)
        open_time.shared.cache_clear()
        return found

    def test_a_calendar_is_laid_out_once_however_far_the_target(self, laid_out: list[int]) -> None:
        office = self.office()
        for minutes in range(0, 90 * 480, 60):
            due_at(office, FRIDAY, minutes)
        assert len(laid_out) == len(set(laid_out)) <= 2

    def test_equal_calendars_share_one_layout(self, laid_out: list[int]) -> None:
        for _ in range(3):
            due_at(self.office(), FRIDAY, 60)
        assert len(laid_out) == 1

    def test_a_start_far_off_lays_out_what_is_there_and_nothing_between(self, laid_out: list[int]) -> None:
        office = self.office()
        due_at(office, FRIDAY, 60)
        due_at(office, FRIDAY.replace(year=2066), 60)
        due_at(office, FRIDAY.replace(year=2066), 60)
        assert len(laid_out) == 2

    def test_no_calendar_keeps_more_than_its_share(self) -> None:
        for year in range(1900, 2100):
            due_at(OFFICE, FRIDAY.replace(year=year), 60)
        assert len(open_time.open_time_of(OFFICE)._chunks) <= open_time._KEPT
