"""Calendars as people write them, what is wrong with one, and what a month of one comes to."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reps import public_holidays
from apps.reps.rules.calendar_draft import Draft, faults, holiday_rows, kept_names
from apps.reps.rules.calendar_month import HOLIDAY, OVERRIDE, USUAL, day_of, differences
from apps.reps.rules.hours import WEEKDAYS, is_overnight
from apps.reps.rules.window_text import NotAWindow, read_windows, week_words, write_windows

OFFICE = {day: [["09:00", "17:00"]] for day in WEEKDAYS[:5]}
DRAFT = Draft(name="Office", time_zone="Europe/Berlin", weekly=OFFICE)


class TestWindowsAsWritten:
    @pytest.mark.parametrize(
        ("text", "windows"),
        [
            ("", ()),
            ("closed", ()),
            ("9-17", (("09:00", "17:00"),)),
            ("09:00–12:30, 13:30–17:45", (("09:00", "12:30"), ("13:30", "17:45"))),
            ("13.30 to 17.45; 9 until 12", (("09:00", "12:00"), ("13:30", "17:45"))),
            ("0830-1715", (("08:30", "17:15"),)),
            ("00:00-24:00", (("00:00", "24:00"),)),
            ("22:00-06:00 next day", (("22:00", "06:00"),)),
            ("22-6 +1", (("22:00", "06:00"),)),
            ("18:00-00:00 next day", (("18:00", "00:00"),)),
            ("09:00\u2060–\u206017:00", (("09:00", "17:00"),)),
        ],
    )
    def test_are_read(self, text, windows):
        assert read_windows(text) == windows

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("17:00-09:00", "ends before it starts"),
            ("09:00-09:00", "ends before it starts"),
            ("09:00-17:00 next day", "longer than a day"),
            ("09:00", "no time of day"),
            ("09:75-10:00", "no time of day"),
            ("25:00-26:00", "no time of day"),
            ("24:00-06:00 next day", "begins at 00:00"),
            ("nine to five", "no time of day"),
            ("٠٩:٠٠-١٧:٠٠", "no time of day"),
            (",".join(["09:00-10:00"] * 9), "At most 8"),
        ],
    )
    def test_are_refused_in_words(self, text, words):
        with pytest.raises(NotAWindow, match=words):
            read_windows(text)

    @given(st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 1440)), max_size=4))
    def test_read_again_what_was_written(self, edges):
        windows = [
            (f"{start // 60:02}:{start % 60:02}", "24:00" if end == 1440 else f"{end // 60:02}:{end % 60:02}")
            for start, end in edges
        ]
        assert sorted(read_windows(write_windows(windows))) == sorted(windows)

    def test_a_week_is_said_with_equal_neighbours_together(self):
        week = OFFICE | {"fri": [["09:00", "12:00"]], "sun": [["22:00", "06:00"]]}
        said = week_words(week).replace("\u2060", "")
        assert said == "Mon–Thu 09:00–17:00; Fri 09:00–12:00; Sun 22:00–06:00 next day"
        assert week_words({}) == "never open"

    def test_around_the_clock_is_no_night(self):
        assert not is_overnight(("00:00", "24:00"))
        assert is_overnight(("00:00", "00:00"))


class TestFaults:
    def found(self, **changes) -> list[tuple[str, str, str]]:
        return [(one.part, one.key, one.words) for one in faults(replace(DRAFT, **changes))]

    def test_a_right_draft_has_none(self):
        assert self.found() == []
        assert self.found(weekly={"mon": [["22:00", "06:00"]], "tue": [["06:00", "14:00"]]}) == []

    @pytest.mark.parametrize(
        ("changes", "part", "key", "words"),
        [
            ({"name": " "}, "name", "", "name"),
            ({"time_zone": "Europe/Atlantis"}, "time_zone", "", "Europe/Atlantis"),
            (
                {"weekly": {"wed": [["09:00", "12:00"], ["11:59", "17:00"]]}},
                "weekly",
                "wed",
                "Wednesday overlap",
            ),
            ({"weekly": {"wed": [["9", "17:00"]]}}, "weekly", "wed", "Wednesday has a time"),
            ({"weekly": {"wed": "09:00"}}, "weekly", "wed", "Wednesday has a time"),
            ({"weekly": {"xyz": []}}, "weekly", "xyz", "no weekday"),
            (
                {"weekly": {"mon": [["22:00", "06:00"]], "tue": [["05:00", "14:00"]]}},
                "weekly",
                "tue",
                "night of Monday",
            ),
            (
                {"weekly": {"sun": [["22:00", "06:00"]], "mon": [["05:00", "14:00"]]}},
                "weekly",
                "mon",
                "night of Sunday",
            ),
            ({"breaks": {"mon": [["18:00", "19:00"]]}}, "breaks", "mon", "outside the hours of Monday"),
            ({"breaks": {"sat": [["12:00", "13:00"]]}}, "breaks", "sat", "outside the hours of Saturday"),
            (
                {"breaks": {"mon": [["12:00", "13:00"], ["12:30", "14:00"]]}},
                "breaks",
                "mon",
                "Breaks of Monday overlap",
            ),
            ({"breaks": {"2026-02-30": [["12:00", "13:00"]]}}, "breaks", "2026-02-30", "no date"),
            ({"overrides": {"24.12.2026": []}}, "overrides", "24.12.2026", "no date"),
            (
                {"overrides": {"2026-12-24": [["09:00", "12:00"], ["11:00", "13:00"]]}},
                "overrides",
                "2026-12-24",
                "Thu 24 Dec 2026 begins before",
            ),
            ({"holidays": ["2026-12-25", {"on": "2026-12-25"}]}, "holidays", "2026-12-25", "already"),
            ({"holidays": ["2026-13-25"]}, "holidays", "2026-13-25", "no date"),
            ({"holidays": [7]}, "holidays", "", "no date"),
            ({"notes": {"2026-12-24": "x" * 81}}, "notes", "2026-12-24", "at most 80"),
        ],
    )
    def test_each_names_its_weekday_or_date(self, changes, part, key, words):
        found = self.found(**changes)
        assert [(one[0], one[1]) for one in found] == [(part, key)]
        assert words in found[0][2]

    def test_a_break_in_the_night_of_the_day_before_is_right(self):
        assert self.found(weekly={"fri": [["22:00", "06:00"]]}, breaks={"sat": [["02:00", "02:30"]]}) == []


class TestHolidays:
    def test_a_bare_date_is_a_kept_one_of_ones_own(self):
        rows = holiday_rows([{"on": "2026-12-25", "name": "Christmas", "source": "library"}, "2026-01-02"])
        assert rows[0] == {"on": "2026-01-02", "name": "", "source": "own", "kept": True}
        assert rows[1]["kept"]

    def test_only_kept_ones_have_a_name_in_the_month(self):
        assert kept_names(["2026-01-02", {"on": "2026-01-03", "kept": False}]) == {
            date(2026, 1, 2): "Holiday"
        }

    def test_the_library_knows_countries_and_their_parts(self):
        berlin = {one.on: one.name for one in public_holidays.proposed("DE", "BE", 2026, 2026)}
        assert berlin[date(2026, 3, 8)] == "Women's Day"
        assert date(2026, 3, 8) not in {one.on for one in public_holidays.proposed("DE", "BY", 2026, 2026)}
        assert ("BE", "Berlin (BE)") in public_holidays.subdivisions("DE")

    @pytest.mark.parametrize("country", ["", "XX", "de", "../DE"])
    def test_an_unknown_country_proposes_none(self, country):
        assert public_holidays.proposed(country, "", 2026, 2026) == ()
        assert public_holidays.subdivisions(country) == ()

    def test_every_country_can_be_asked(self):
        for code, name in public_holidays.countries():
            days = [one.on.year for one in public_holidays.proposed(code, "nowhere", 2026, 2027)]
            assert name
            assert set(days) <= {2026, 2027}


class TestADayOfAMonth:
    HOURS = replace(
        DRAFT,
        weekly=OFFICE | {"sat": [["22:00", "06:00"]]},
        breaks={"mon": [["12:00", "12:30"]]},
        holidays=[{"on": "2026-12-25", "name": "Christmas Day", "source": "library", "kept": True}],
        overrides={"2026-12-24": [["09:00", "12:00"]]},
    ).hours

    def day(self, year: int, month: int, day: int):
        return day_of(
            self.HOURS, date(year, month, day), {date(2026, 12, 25): "Christmas Day"}, {"2026-12-24": "Half"}
        )

    def test_says_what_it_is_and_why(self):
        eve, christmas, monday = self.day(2026, 12, 24), self.day(2026, 12, 25), self.day(2026, 12, 21)
        assert (eve.kind, eve.name, eve.spans, eve.hours) == (OVERRIDE, "Half", (("09:00", "12:00"),), "3 h")
        assert (christmas.kind, christmas.name, christmas.is_open) == (HOLIDAY, "Christmas Day", False)
        assert (monday.kind, monday.hours) == (USUAL, "7 h 30")
        assert monday.spans == (("09:00", "12:00"), ("12:30", "17:00"))

    def test_a_night_counts_to_both_of_its_dates(self):
        assert self.day(2026, 11, 14).spans == (("22:00", "24:00"),)
        assert self.day(2026, 11, 15).spans == (("00:00", "06:00"),)

    @pytest.mark.parametrize(
        ("day", "shift", "hours"),
        [((2026, 10, 25), 60, "7 h"), ((2026, 3, 29), -60, "5 h"), ((2026, 11, 15), 0, "6 h")],
    )
    def test_a_change_of_the_clocks_is_marked_and_counted(self, day, shift, hours):
        found = self.day(*day)
        assert (found.shift, found.hours) == (shift, hours)

    def test_a_skipped_date_does_not_exist(self):
        apia = replace(DRAFT, time_zone="Pacific/Apia").hours
        found = day_of(apia, date(2011, 12, 30), {}, {})
        assert (found.exists, found.seconds) == (False, 0)

    def test_differences_are_the_dates_that_open_otherwise(self):
        after = replace(DRAFT, weekly=OFFICE | {"mon": [["10:00", "18:00"]]})
        found = differences(DRAFT.hours, after.hours, date(2026, 11, 16), 14)
        assert [one.day for one in found] == [date(2026, 11, 16), date(2026, 11, 23)]
        assert differences(DRAFT.hours, DRAFT.hours, date(2026, 11, 16), 14) == []
