"""The page of bookable time: the week with its reasons, whose titles are seen, and each act on it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.jobs.models import Job
from apps.leads.selectors.availability import free_slots
from apps.leads.selectors.bookable import team_week, week_of
from apps.reps.models import BusinessCalendar, BusyCalendar, BusyTime, Rep, TimeOff
from apps.reps.services import busy_calendars, feeds, time_off
from tests.cast import NOW, Cast
from tests.leads.test_availability import TEN, a_lead, hold, meeting
from tests.reps.test_busy_calendars import BAD, MONDAY, SECRET, calendar_of

pytestmark = pytest.mark.django_db

WEEK = date(2026, 11, 16)
BERLIN = ZoneInfo("Europe/Berlin")
HALF = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def the_day() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(cast: Cast, user: User, week: str = "2026-11-16") -> str:
    answer = client_of(user).get(f"/time/{cast.rep(cast.ae).pk}/", {"week": week})
    assert answer.status_code == 200
    return answer.content.decode()


def week(cast: Cast, viewer: User | None = None, zone: ZoneInfo = BERLIN, monday: date = WEEK) -> Any:
    return week_of(rep=cast.rep(cast.ae), monday=monday, zone=zone, at=NOW, viewer=viewer or cast.ae)


def cells(shown: Any, day: int) -> dict[str, str]:
    """Words by clock of one of the days shown."""
    return {clock: row[day].word for clock, row in shown.rows}


class TestWhichWeek:
    """Without a week in the address: this one, or the next once all of its hours are past."""

    @pytest.mark.parametrize(
        ("now", "monday"),
        [
            (NOW, "2026-11-09"),
            (datetime(2026, 11, 13, 15, 59, tzinfo=UTC), "2026-11-09"),
            (datetime(2026, 11, 13, 16, 1, tzinfo=UTC), "2026-11-16"),
            (datetime(2026, 11, 15, 10, tzinfo=UTC), "2026-11-16"),
        ],
    )
    def test_is_the_one_in_which_there_is_still_time(self, cast, now, monday):
        with time_machine.travel(now, tick=False):
            answer = client_of(cast.ae).get(f"/time/{cast.rep(cast.ae).pk}/")
        assert answer.context["week"].monday == date.fromisoformat(monday)

    def test_a_week_that_is_asked_for_is_shown(self, cast):
        with time_machine.travel(datetime(2026, 11, 15, 10, tzinfo=UTC), tick=False):
            answer = client_of(cast.ae).get(f"/time/{cast.rep(cast.ae).pk}/", {"week": "2026-11-09"})
        assert answer.context["week"].monday == date(2026, 11, 9)


class TestWeek:
    def test_a_free_week_is_the_working_hours_and_nothing_else(self, cast):
        shown = week(cast)
        assert [day.day.day for day in shown.days] == [16, 17, 18, 19, 20]
        assert [clock for clock, _ in shown.rows][:2] == ["09:00", "09:30"]
        assert (shown.rows[-1][0], shown.free_words) == ("16:30", "40 h")
        assert shown.hidden_days == [date(2026, 11, 21), date(2026, 11, 22)]

    def test_each_closed_half_hour_says_why(self, cast):
        ae, lead = cast.rep(cast.ae), a_lead(cast)
        meeting(lead, ae, TEN, halves=2)
        hold(lead, cast, ae, TEN + 4 * HALF, minutes=60)
        BusyTime.objects.create(rep=ae, starts_at=TEN + 8 * HALF, ends_at=TEN + 9 * HALF, title="Dentist")
        TimeOff.objects.create(rep=ae, starts_on=date(2026, 11, 17), ends_on=date(2026, 11, 18))
        shown = week(cast)
        monday = cells(shown, 0)
        assert {clock: word for clock, word in monday.items() if word != "Free"} == {
            "10:00": "Meeting",
            "10:30": "Meeting",
            "12:00": "Held",
            "14:00": "Busy",
        }
        assert set(cells(shown, 1).values()) == {"Time off"}
        assert [(run.clock, run.cell.why, run.cell.title) for run in shown.days[0].closed] == [
            ("10:00", "In a meeting 10:00 to 11:00 CET", "Brightmoor"),
            ("12:00", "Held for another booking 12:00 to 12:30 CET", ""),
            ("14:00", "Busy 14:00 to 14:30 CET", "Dentist"),
        ]

    def test_is_free_exactly_where_booking_finds_it_free(self, cast):
        ae = cast.rep(cast.ae)
        Rep.objects.filter(pk=ae.pk).update(daily_meeting_cap=1, booking_notice_minutes=4320)
        meeting(a_lead(cast), ae, TEN)
        BusyTime.objects.create(
            rep=ae, starts_at=TEN + timedelta(days=1, minutes=10), ends_at=TEN + timedelta(days=1, minutes=20)
        )
        for monday in (WEEK - timedelta(days=7), WEEK):
            shown = week(cast, monday=monday)
            free = {cell.starts_at for day in shown.days for cell in day.cells.values() if cell.is_free}
            first = datetime.combine(monday, datetime.min.time(), BERLIN).astimezone(UTC)
            rep = Rep.objects.filter(pk=ae.pk)
            assert free == set(free_slots(aes=rep, first=first, last=first + timedelta(days=7), at=NOW))

    def test_is_in_the_clocks_of_the_viewer(self, cast):
        new_york = week(cast, zone=ZoneInfo("America/New_York"))
        assert (new_york.rows[0][0], new_york.rows[-1][0]) == ("03:00", "10:30")
        kolkata = week(cast, zone=ZoneInfo("Asia/Kolkata"))
        assert (kolkata.rows[0][0], kolkata.rows[-1][0]) == ("13:30", "21:00")

    @pytest.mark.parametrize(("monday", "halves"), [(date(2026, 3, 23), 334), (date(2026, 10, 19), 336)])
    def test_a_week_in_which_the_clocks_change_has_its_own_half_hours(self, cast, monday, halves):
        always = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
        Rep.objects.filter(user=cast.ae).update(
            calendar=BusinessCalendar.objects.create(name="Always", weekly=always)
        )
        shown = week_of(
            rep=cast.rep(cast.ae), monday=monday, zone=BERLIN, at=NOW - timedelta(days=300), viewer=cast.ae
        )
        # An hour that comes twice stands once; one that is skipped is an empty cell.
        assert sum(cell is not None for _, row in shown.rows for cell in row) == halves

    def test_a_full_week_is_said_once(self, cast):
        Rep.objects.filter(user=cast.ae).update(weekly_meeting_cap=1)
        meeting(a_lead(cast), cast.rep(cast.ae), TEN)
        shown = week(cast)
        assert (shown.full_words, shown.free) == ("At cap, 1 of 1 that week", 0)
        assert [run.cell.kind for day in shown.days for run in day.closed] == ["meeting"]
        assert "The week is full." in page(cast, cast.ae)

    def test_a_week_without_hours_is_said_to_be_so(self, cast):
        closed = BusinessCalendar.objects.create(name="Closed", weekly={})
        Rep.objects.filter(user=cast.ae).update(calendar=closed)
        assert week(cast).rows == []
        assert "No working hours this week" in page(cast, cast.ae)


class TestWhoSeesWhat:
    def test_the_title_of_a_busy_time_is_the_reps_alone(self, cast):
        BusyTime.objects.create(rep=cast.rep(cast.ae), starts_at=TEN, ends_at=TEN + HALF, title="Dentist")
        assert "Dentist" in page(cast, cast.ae)
        for user in (cast.manager, cast.revops):
            text = page(cast, user)
            assert "Dentist" not in text
            assert "Busy 10:00 to 10:30 CET" in text

    def test_the_address_of_a_feed_is_shown_to_nobody(self, cast):
        busy_calendars.add_feed(rep=cast.rep(cast.ae), name="Web", address=SECRET, at=NOW)
        for user in (cast.ae, cast.manager, cast.revops):
            text = page(cast, user)
            assert "https://calendar.invalid/…" in text
            assert "private-7f3a9c" not in text

    def test_a_teammate_and_another_manager_find_nothing(self, cast):
        for user in (cast.second_ae, cast.outside_manager):
            assert client_of(user).get(f"/time/{cast.rep(cast.ae).pk}/").status_code == 404

    def test_the_way_in_leads_to_ones_own_or_to_the_team(self, cast):
        own = client_of(cast.ae).get("/time/")
        assert own["Location"] == f"/time/{cast.rep(cast.ae).pk}/"
        assert client_of(cast.manager).get("/time/")["Location"] == "/time/team/"

    def test_a_failing_feed_says_since_when_and_that_its_times_still_hold(self, cast):
        feed = busy_calendars.add_feed(rep=cast.rep(cast.ae), name="Web", address=SECRET, at=NOW)
        feeds.failed(calendar=feed, why="It may not be read (403). Was the address made new?", at=NOW)
        text = page(cast, cast.ae)
        assert "Web could not be read since" in text
        assert "Was the address made new?" in text


class TestActs:
    def post(self, cast: Cast, user: User, path: str, **data: Any) -> Any:
        return client_of(user).post(path.format(rep=cast.rep(cast.ae).pk), data)

    def test_a_file_is_uploaded_and_a_newer_one_takes_its_place(self, cast):
        for events in ((MONDAY,), (MONDAY, ("20261117T090000Z", "20261117T100000Z", "More"))):
            upload = SimpleUploadedFile("desk.ics", calendar_of(*events, extra=BAD), "text/calendar")
            answer = self.post(
                cast, cast.ae, "/time/{rep}/file/", **{"file-file": upload, "file-name": "Desk"}
            )
            assert answer.status_code == 302
        assert BusyCalendar.objects.get().events == 3
        assert BusyTime.objects.count() == 2
        text = page(cast, cast.ae)
        assert "1 of 3 events not read" in text
        assert "Its start cannot be read." in text
        assert "Lunch" not in page(cast, cast.manager)

    def test_a_file_that_is_no_calendar_is_said_at_its_field(self, cast):
        upload = SimpleUploadedFile("desk.ics", b"%PDF-1.7")
        answer = self.post(cast, cast.ae, "/time/{rep}/file/", **{"file-file": upload, "file-name": "Kept"})
        text = answer.content.decode()
        assert answer.status_code == 422
        assert "This is no calendar file" in text
        assert 'value="Kept"' in text

    def test_a_feed_is_kept_and_a_job_reads_it(self, cast):
        answer = self.post(cast, cast.ae, "/time/{rep}/feed/", **{"feed-address": SECRET, "feed-name": ""})
        assert answer.status_code == 302
        found = BusyCalendar.objects.get()
        assert (found.name, found.address) == ("calendar.invalid", SECRET)
        job = Job.objects.get()
        assert (job.kind, job.params) == ("reps.read_feed", {"calendar": found.pk})
        self.post(cast, cast.ae, f"/time/calendars/{found.pk}/read/")
        assert Job.objects.count() == 1
        self.post(cast, cast.ae, f"/time/calendars/{found.pk}/remove/")
        assert not BusyCalendar.objects.exists()

    def test_time_off_is_added_changed_and_ended_by_the_rep_or_the_manager(self, cast):
        days = {"off-starts_on": "2026-11-10", "off-ends_on": "2026-11-20", "off-kind": "holiday"}
        assert self.post(cast, cast.manager, "/time/{rep}/off/", **days).status_code == 302
        again = self.post(cast, cast.ae, "/time/{rep}/off/", **days)
        assert again.status_code == 422
        assert "back on 20 Nov 2026, already" in again.content.decode()
        found = TimeOff.objects.get()
        shown = client_of(cast.ae).get(f"/time/off/{found.pk}/").content.decode()
        assert 'value="2026-11-10"' in shown
        changed = self.post(cast, cast.ae, f"/time/off/{found.pk}/", **days | {"off-ends_on": "2026-11-25"})
        assert changed.status_code == 302
        assert self.post(cast, cast.ae, f"/time/off/{found.pk}/end/").status_code == 302
        assert TimeOff.objects.get().ends_on == NOW.date()

    def test_a_time_is_closed_on_the_clocks_of_whoever_enters_it(self, cast):
        User.objects.filter(pk=cast.ae.pk).update(time_zone="America/New_York")
        said = {"busy-day": "2026-11-16", "busy-from_clock": "04:00", "busy-to_clock": "05:00"}
        assert self.post(cast, cast.ae, "/time/{rep}/busy/", **said).status_code == 302
        found = BusyTime.objects.get()
        assert (found.starts_at, found.ends_at) == (TEN, TEN + 2 * HALF)
        backwards = self.post(cast, cast.ae, "/time/{rep}/busy/", **said | {"busy-to_clock": "03:00"})
        assert backwards.status_code == 422
        self.post(cast, cast.ae, f"/time/busy/{found.pk}/remove/")
        assert not BusyTime.objects.exists()

    def test_caps_are_the_managers_to_say(self, cast):
        said = {
            "caps-daily_meeting_cap": "2",
            "caps-weekly_meeting_cap": "5",
            "caps-booking_notice_minutes": "60",
        }
        assert self.post(cast, cast.ae, "/time/{rep}/caps/", **said).status_code == 403
        assert self.post(cast, cast.manager, "/time/{rep}/caps/", **said).status_code == 302
        assert Rep.objects.get(user=cast.ae).daily_meeting_cap == 2
        wrong = self.post(cast, cast.manager, "/time/{rep}/caps/", **said | {"caps-daily_meeting_cap": "99"})
        assert wrong.status_code == 422

    def test_reading_the_page_writes_nothing(self, cast):
        client = client_of(cast.ae)
        with CaptureQueriesContext(connection) as seen:
            client.get(f"/time/{cast.rep(cast.ae).pk}/")
        assert [one["sql"] for one in seen if one["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")] == []

    @pytest.mark.parametrize("week", ["nonsense", "2026-13-01", "0001-01-01", "9999-12-31"])
    def test_a_week_that_is_none_is_this_week(self, cast, week):
        assert "9 Nov to 15 Nov 2026" in page(cast, cast.ae, week)


class TestTeam:
    def test_says_of_everybody_what_is_free_and_booked_and_what_stands_in_the_way(self, cast):
        ae = cast.rep(cast.ae)
        meeting(a_lead(cast), ae, TEN)
        feed = busy_calendars.add_feed(rep=ae, name="Web", address=SECRET, at=NOW)
        feeds.failed(calendar=feed, why="It did not answer in time.", at=NOW)
        time_off.add_time_off(
            rep=cast.rep(cast.second_ae), starts_on=date(2026, 11, 11), ends_on=date(2026, 11, 18), at=NOW
        )
        found = {
            one.rep.name: (one.free_words, one.booked, one.back_on, len(one.failing))
            for one in team_week(user=cast.manager, monday=WEEK, zone="Europe/Berlin", at=NOW)
        }
        assert found == {
            "Ae": ("39.5 h", 1, None, 1),
            "Am": ("40 h", 0, None, 0),
            "Second Ae": ("24 h", 0, date(2026, 11, 18), 0),
        }
        this = team_week(user=cast.manager, monday=date(2026, 11, 9), zone="Europe/Berlin", at=NOW)
        assert {one.rep.name: one.back_on for one in this}["Second Ae"] == date(2026, 11, 18)
        text = client_of(cast.manager).get("/time/team/?week=2026-11-16").content.decode()
        assert "Web since 12 Nov" in text

    def test_the_statements_do_not_grow_with_the_team(self, cast):
        def statements() -> int:
            with CaptureQueriesContext(connection) as seen:
                list(team_week(user=cast.manager, monday=WEEK, zone="Europe/Berlin", at=NOW))
            return len(seen)

        few = statements()
        for number in range(5):
            rep = Rep.objects.create(
                name=f"AE {number}", team=cast.ae_team, role="ae", hired_on=date(2025, 1, 1)
            )
            busy_calendars.add_feed(rep=rep, name="Web", address=SECRET, at=NOW)
        assert statements() == few
