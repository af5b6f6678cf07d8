"""A year of calendar files of awkward kinds: each event is busy at exactly these times, left out, or named.

The files in ``calendars/`` were written for these tests, in the shapes that calendar programs give theirs.
What is expected is written down by hand, or walked with the clocks of ``zoneinfo`` alone.
"""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.reps.rules.ical_busy import MOST_OF_ONE, Asked, Read, read_calendar
from apps.reps.rules.ical_text import MOST_BYTES, NotACalendar

FILES = Path(__file__).parent / "calendars"
YEAR = Asked(
    first=datetime(2026, 1, 1, tzinfo=UTC),
    last=datetime(2027, 1, 1, tzinfo=UTC),
    zone="Europe/Berlin",
    addresses=frozenset({"ae@larkfield.example"}),
    own_domain="portal.larkfield.example",
)
BERLIN = ZoneInfo("Europe/Berlin")


def read(name: str, asked: Asked = YEAR) -> Read:
    return read_calendar((FILES / name).read_bytes(), asked)


def of(*lines: str, asked: Asked = YEAR) -> Read:
    """A calendar of one event with these lines."""
    body = [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "UID:one",
        "SUMMARY:One",
        *lines,
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return read_calendar("\r\n".join(body).encode(), asked)


def said(found: Read, title: str = "") -> list[str]:
    """``2026-03-02 14:30-15:00``, in UTC; with the day of the end where it is another."""
    return [
        f"{one.starts_at:%Y-%m-%d %H:%M}-"
        + (
            f"{one.ends_at:%H:%M}"
            if one.ends_at.date() == one.starts_at.date()
            else f"{one.ends_at:%m-%d %H:%M}"
        )
        for one in found.busy
        if title in one.title
    ]


class TestDesktopFile:
    """Zones by their Windows names, lines folded within a word, an alarm with a start of its own."""

    def test_every_monday_of_the_year_is_nine_oclock_in_berlin_through_both_changes_of_the_clocks(self):
        expected = []
        day = date(2026, 1, 5)
        while day.year == 2026:
            if day not in (date(2026, 4, 6), date(2026, 5, 25), date(2026, 3, 30)):
                begins = datetime.combine(day, time(9), BERLIN).astimezone(UTC)
                expected.append(f"{begins:%Y-%m-%d %H:%M}-{begins + timedelta(minutes=30):%H:%M}")
            day += timedelta(days=7)
        found = said(read("outlook.ics"), "Monday start of the whole team, with everybody who is there")
        assert found == expected
        assert "2026-03-23 08:00-08:30" in found
        assert "2026-10-19 07:00-07:30" in found
        assert found[-1] == "2026-12-28 08:00-08:30"

    def test_the_one_moved_to_a_tuesday_is_there_and_its_monday_is_free(self):
        assert said(read("outlook.ics"), "on Tuesday") == ["2026-03-31 12:00-13:00"]

    def test_out_of_office_is_busy_and_working_elsewhere_is_not(self):
        found = read("outlook.ics")
        assert said(found, "Out of office") == [
            "2026-07-19 22:00-07-20 22:00",
            "2026-07-20 22:00-07-21 22:00",
        ]
        assert found.left_out == {"marked as free": 1}

    def test_a_tentative_private_event_is_busy_without_its_title(self):
        found = read("outlook.ics")
        assert [
            one.title for one in found.busy if one.starts_at == datetime(2026, 9, 10, 14, tzinfo=UTC)
        ] == [""]
        assert (found.name, found.events, found.problems) == ("Kim's desk", 4, ())


class TestWebFile:
    def test_a_series_in_new_york_keeps_its_clock_with_one_left_out_one_moved_and_one_called_off(self):
        assert said(read("google.ics"), "New York") == [
            "2026-03-02 14:30-15:00",
            "2026-03-05 14:30-15:00",
            # The 8th, when New York's clocks go ahead, is an EXDATE.
            "2026-03-11 13:30-14:00",
            "2026-03-14 15:00-15:30",
            # The 17th is called off.
            "2026-03-20 13:30-14:00",
            "2026-03-23 13:30-14:00",
            "2026-03-26 13:30-14:00",
            "2026-03-29 13:30-14:00",
            "2026-04-01 13:30-14:00",
            "2026-04-04 13:30-14:00",
        ]

    def test_what_takes_no_time_of_the_owner_is_left_out_for_a_reason(self):
        found = read("google.ics")
        assert found.left_out == {"marked as free": 1, "declined": 1, "cancelled": 1, "booked here": 1}
        assert said(found, "Declined by another") == ["2026-06-05 08:00-09:00"]
        assert said(found, "in UTC") == ["2026-01-15 13:30-14:30"]
        assert (found.events, len(found.busy), found.problems) == (7, 12, ())


class TestPhoneFile:
    def test_floating_times_are_on_the_clocks_of_the_owner(self):
        assert said(read("apple.ics"), "Run; wherever I am") == [
            "2026-03-28 08:00-09:00",
            "2026-03-29 07:00-08:00",
            "2026-03-30 07:00-08:00",
        ]
        lisbon = Asked(YEAR.first, YEAR.last, "Europe/Lisbon")
        assert said(read("apple.ics", lisbon), "Run")[0] == "2026-03-28 09:00-10:00"

    def test_a_length_in_hours_passes_in_real_time_when_the_clocks_go_back(self):
        assert said(read("apple.ics"), "Night train") == [
            "2026-10-23 20:00-10-24 04:00",
            "2026-10-24 20:00-10-25 04:00",
            "2026-10-25 21:00-10-26 05:00",
        ]

    def test_further_dates_and_a_period_count_beside_the_first(self):
        assert said(read("apple.ics"), "Now and then") == [
            "2026-02-10 10:00-10:45",
            "2026-04-10 10:00-10:45",
            "2026-07-11 09:00-11:00",
        ]

    def test_whole_days_last_as_long_as_the_day_does(self):
        found = [one for one in read("apple.ics").busy if one.title == "Moving house"]
        # Three days, of which the second has 25 hours; no row is longer than a day.
        assert found[0].starts_at == datetime(2026, 10, 23, 22, tzinfo=UTC)
        assert found[-1].ends_at == datetime(2026, 10, 26, 23, tzinfo=UTC)
        assert sum((one.ends_at - one.starts_at for one in found), timedelta()) == timedelta(hours=73)
        assert said(read("apple.ics"), "Christmas Eve") == ["2026-12-23 23:00-12-24 23:00"]

    def test_a_birthday_of_1604_comes_once_a_year(self):
        assert said(read("apple.ics"), "Birthday") == ["2026-08-14 22:00-08-15 22:00"]

    def test_the_last_working_day_of_a_month_ends_with_the_day_that_the_rule_names(self):
        assert said(read("apple.ics"), "Month end") == [
            "2026-01-30 16:00-16:30",
            "2026-02-27 16:00-16:30",
            "2026-03-31 15:00-15:30",
            "2026-04-30 15:00-15:30",
            "2026-05-29 15:00-15:30",
        ]

    def test_a_change_from_one_date_on_moves_all_that_follow(self):
        assert said(read("apple.ics"), "Early call") == [
            "2026-06-01 06:00-06:30",
            "2026-06-08 06:00-06:30",
            "2026-06-15 08:00-08:30",
            "2026-06-22 08:00-08:30",
            "2026-06-29 08:00-08:30",
        ]


class TestClocks:
    def test_an_hour_that_is_skipped_is_an_hour_later_and_as_long(self):
        assert said(read("clocks.ics"), "is skipped") == [
            "2026-03-28 01:00-02:00",
            "2026-03-29 01:00-02:00",
            "2026-03-30 00:00-01:00",
        ]
        both = of("DTSTART;TZID=Europe/Berlin:20260329T021500", "DTEND;TZID=Europe/Berlin:20260329T024500")
        assert said(both) == ["2026-03-29 01:15-01:45"]

    def test_an_hour_that_comes_twice_begins_with_the_first(self):
        assert said(read("clocks.ics"), "comes twice") == [
            "2026-10-24 00:30-01:30",
            "2026-10-25 00:30-02:30",
            "2026-10-26 01:30-02:30",
        ]

    def test_a_zone_that_the_file_defines_is_known_by_its_clocks(self):
        assert said(read("clocks.ics"), "of the file") == ["2026-03-25 07:00-08:00", "2026-04-01 06:00-07:00"]

    def test_an_event_may_begin_in_one_zone_and_end_in_another(self):
        assert said(read("clocks.ics"), "Flight") == ["2026-04-20 04:30-07:00"]

    def test_the_southern_clocks_go_back_in_april(self):
        assert said(read("clocks.ics"), "Sydney") == ["2026-04-03 22:00-22:30", "2026-04-04 23:00-23:30"]


class TestFreeAndBusy:
    def test_all_but_the_free_periods_are_busy(self):
        assert said(read("freebusy.ics")) == [
            "2026-02-10 09:00-10:00",
            "2026-02-11 09:00-10:30",
            "2026-02-12 09:00-09:15",
            "2026-02-13 00:00-02-14 00:00",
            "2026-02-14 00:00-02-15 00:00",
        ]

    def test_a_period_that_cannot_be_read_names_the_block(self):
        text = (
            "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY:20260210T090000Z/soon\nEND:VFREEBUSY\nEND:VCALENDAR"
        )
        found = read_calendar(text.encode(), YEAR)
        assert [(one.event, one.line) for one in found.problems] == [("Free/busy times", 2)]


class TestBrokenFile:
    def test_names_each_bad_event_with_its_line_and_why_and_keeps_the_others(self):
        found = read("broken.ics")
        assert [(one.event, one.line, one.why) for one in found.problems] == [
            (
                "Landing",
                10,
                "Its time zone “Mars/Olympus Mons” is not known, and the file does not say what it is.",
            ),
            ("Some day", 16, "It has no start."),
            ("Lunch", 20, "Its start cannot be read."),
            ("Backwards", 26, "It ends before it starts."),
            (
                "A day and an hour",
                32,
                "It starts at a time of day and ends on a date, or the other way round.",
            ),
            ("Tick", 38, "It comes round more often than once a day."),
            ("Never day", 45, "Its rule of recurrence cannot be read."),
            # A private event is not named by its title.
            (
                "Private event of 2026-03-06",
                52,
                "Its rule of recurrence has a part that is not known: “BYMOON=FULL”.",
            ),
            ("Before it began", 60, "It ends before it starts."),
            ("On the ship", 66, "Its time zone “Moving clocks” has rules of its own that fit no known zone."),
        ]
        assert said(found) == ["2026-03-02 09:00-10:00", "2026-03-09 09:00-10:00"]
        assert (found.events, found.problem_count) == (12, 10)

    @pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"<html>Sign in</html>", "Grüße".encode("cp1252")])
    def test_a_file_that_is_no_calendar_is_refused_as_a_whole(self, content):
        with pytest.raises(NotACalendar, match="no calendar file"):
            read_calendar(content, YEAR)

    def test_a_file_too_large_is_refused_unread(self):
        with pytest.raises(NotACalendar, match="larger than 5 MB"):
            read_calendar(b"BEGIN:VCALENDAR" + b" " * MOST_BYTES, YEAR)

    def test_too_many_events_are_refused(self):
        text = "BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\nEND:VEVENT\n" * 20_001 + "END:VCALENDAR"
        with pytest.raises(NotACalendar, match="more than 20,000 events"):
            read_calendar(text.encode(), YEAR)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
    def test_other_encodings_keep_the_title(self, encoding):
        text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Prüfung\nDTSTART:20260302T090000Z\nDTEND:20260302T100000Z\n"
        found = read_calendar(f"{text}END:VEVENT\nEND:VCALENDAR".encode(encoding), YEAR)
        assert [one.title for one in found.busy] == ["Prüfung"]


class TestHostileRules:
    """Rules that a faithful reader would work at for hours: refused, or done, with little work."""

    @pytest.mark.parametrize(
        ("rule", "why"),
        [
            ("FREQ=SECONDLY", "more often than once a day"),
            ("FREQ=MINUTELY;COUNT=9", "more often than once a day"),
            ("FREQ=HOURLY;INTERVAL=2", "more often than once a day"),
            (
                "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0,30",
                "more than 24 times a day",
            ),
            ("FREQ=DAILY;INTERVAL=0", "no sound number for INTERVAL"),
            ("FREQ=DAILY;INTERVAL=999999999999999", "no sound number for INTERVAL"),
            ("FREQ=DAILY;COUNT=1e9", "no sound number for COUNT"),
            ("INTERVAL=2", "does not say how often"),
            ("FREQ=DAILY;FREQ=DAILY", "a part that is not known"),
            ("FREQ=WEEKLY;UNTIL=tomorrow", "an end that cannot be read"),
            ("FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 2_000), "too long"),
        ],
    )
    def test_are_refused_with_why(self, rule, why):
        found = of("DTSTART:20260302T090000Z", "DURATION:PT30M", f"RRULE:{rule}")
        assert found.busy == ()
        assert why in found.problems[0].why

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31",
            "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYMONTH=2",
            "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=9",
            "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
            "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        ],
    )
    def test_that_never_come_leave_the_first_date(self, rule):
        # The 2nd of March 2026 is a Monday.
        assert said(of("DTSTART:20260302T090000Z", "DURATION:PT30M", f"RRULE:{rule}")) == [
            "2026-03-02 09:00-09:30"
        ]

    def test_that_come_once_in_an_age_are_refused(self):
        found = of(
            "DTSTART:20200101T090000Z", "DURATION:PT30M", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU"
        )
        assert found.problems[0].why == "It comes round too seldom to be worked out."

    def test_that_began_in_the_year_one_are_refused(self):
        found = of("DTSTART:00010101T090000Z", "DURATION:PT30M", "RRULE:FREQ=DAILY")
        assert found.problems[0].why == "It began in 1 and comes round too often since."

    def test_that_give_too_many_dates_are_refused(self):
        times = ",".join(map(str, range(8, 16)))
        found = of("DTSTART:20260101T080000Z", "DURATION:PT30M", f"RRULE:FREQ=DAILY;BYHOUR={times}")
        assert (
            found.problems[0].why
            == f"It comes round more than {MOST_OF_ONE:,} times in the time that is read."
        )

    def test_an_endless_weekly_event_is_read_up_to_the_horizon(self):
        found = of("DTSTART:20200106T090000Z", "DURATION:PT30M", "RRULE:FREQ=WEEKLY;COUNT=-1")
        assert len(found.busy) == 52
        assert said(found)[-1] == "2026-12-28 09:00-09:30"


class TestOneEvent:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            (("DTSTART:20260302T090000Z",), []),
            (("DTSTART:20260302T090000Z", "DTEND:20260302T090000Z"), []),
            (("DTSTART;VALUE=DATE:20260302",), ["2026-03-01 23:00-03-02 23:00"]),
            (("DTSTART;VALUE=DATE:20260302", "DURATION:P1D"), ["2026-03-01 23:00-03-02 23:00"]),
            (("DTSTART:20251231T230000Z", "DTEND:20260101T010000Z"), ["2026-01-01 00:00-01:00"]),
            (("DTSTART:20261231T230000Z", "DTEND:20270101T010000Z"), ["2026-12-31 23:00-01-01 00:00"]),
            (("DTSTART:20251230T090000Z", "DTEND:20251230T100000Z"), []),
        ],
    )
    def test_is_busy_for_as_long_as_it_says_within_what_is_read(self, lines, expected):
        assert said(of(*lines)) == expected

    def test_two_of_one_identity_and_age_are_both_kept_and_an_older_one_is_replaced(self):
        text = "BEGIN:VCALENDAR\n"
        for hour, sequence in ((9, 1), (11, 1), (13, 0)):
            text += f"BEGIN:VEVENT\nUID:same\nSEQUENCE:{sequence}\nDTSTART:20260302T{hour:02}0000Z\n"
            text += "DURATION:PT1H\nEND:VEVENT\n"
        found = read_calendar(f"{text}END:VCALENDAR".encode(), YEAR)
        assert said(found) == ["2026-03-02 09:00-10:00", "2026-03-02 11:00-12:00"]

    def test_longer_than_four_hundred_days_is_named(self):
        found = of("DTSTART:20260302T090000Z", "DTEND:20290302T090000Z")
        assert found.problems[0].why == "It is longer than 400 days."

    @given(
        starts=st.datetimes(datetime(2026, 1, 5), datetime(2026, 11, 1)),
        minutes=st.integers(1, 600),
        zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney"]),
        every=st.integers(1, 4),
        count=st.integers(1, 12),
    )
    @settings(max_examples=60)
    def test_a_series_is_its_wall_clock_walked_by_hand(self, starts, minutes, zone, every, count):
        clock = ZoneInfo(zone)
        starts = starts.replace(second=0, microsecond=0)
        expected = set()
        for n in range(count):
            begin = (starts + timedelta(days=n * every)).replace(tzinfo=clock)
            end = (starts + timedelta(days=n * every, minutes=minutes)).replace(tzinfo=clock)
            first, last = begin.astimezone(UTC), end.astimezone(UTC)
            expected.add((first, last if last > first else first + timedelta(minutes=minutes)))
        ends = starts + timedelta(minutes=minutes)
        found = of(
            f"DTSTART;TZID={zone}:{starts:%Y%m%dT%H%M%S}",
            f"DTEND;TZID={zone}:{ends:%Y%m%dT%H%M%S}",
            f"RRULE:FREQ=DAILY;INTERVAL={every};COUNT={count}",
        )
        assert {(one.starts_at, one.ends_at) for one in found.busy} == expected

    @given(st.lists(st.sampled_from([
        "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "BEGIN:VALARM", "END:VALARM",
        "DTSTART:20260302T090000Z", "DTSTART;TZID=X:20260302T090000", "DTEND:20260302T100000", "DTSTART:x",
        "RRULE:FREQ=DAILY", "RRULE:", "RRULE:FREQ=YEARLY;BYDAY=1SU", "EXDATE:20260303T090000Z", "RDATE:soon",
        "RECURRENCE-ID:20260304T090000Z", "DURATION:PT1H", "DURATION:fast", "UID:a", "UID:b", "STATUS:CANCELLED",
        "SUMMARY", ":", "SEQUENCE:-1", "TZID:X", "TZOFFSETTO:+0100", " folded", "\x00",
    ]), max_size=30))  # fmt: skip
    @settings(max_examples=150)
    def test_no_order_of_lines_breaks_the_reading(self, lines):
        text = "\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"])
        found = read_calendar(text.encode(), YEAR)
        assert all(one.ends_at - one.starts_at <= timedelta(days=1) for one in found.busy)
        assert sum(found.left_out.values()) + found.problem_count <= found.events
