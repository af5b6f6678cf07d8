"""Bookable time by API: what is free and why not, time off, busy times, calendars, caps."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.reps.models import BusyCalendar, BusyTime, Rep, TimeOff
from tests.cast import NOW, Cast
from tests.leads.test_availability import TEN, a_lead, meeting
from tests.reps.test_busy_calendars import MONDAY, SECRET, calendar_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


def ask(user: User, method: str, name: str, pk: int, body: Any = None, **query: str) -> Any:
    client = Client()
    client.force_login(user)
    address = reverse(f"api:{name}", args=[pk])
    if method == "get":
        return client.get(address, query)
    return getattr(client, method)(address, json.dumps(body), content_type="application/json")


def ae(cast: Cast) -> int:
    return cast.rep(cast.ae).pk


class TestBookable:
    def test_says_of_each_half_hour_whether_it_is_free_and_why_not(self, cast):
        meeting(a_lead(cast), cast.rep(cast.ae), TEN)
        answer = ask(
            cast.ae, "get", "bookable", ae(cast), first="2026-11-16T07:30:00Z", last="2026-11-16T09:31:00Z"
        )
        assert [
            (row["starts_at"][11:16], row["free"], row["kind"], row["why"])
            for row in answer.json()["results"]
        ] == [
            ("08:00", True, "", ""),
            ("08:30", True, "", ""),
            ("09:00", False, "meeting", "In a meeting 10:00 to 10:30 CET"),
            ("09:30", True, "", ""),
        ]

    @pytest.mark.parametrize(
        ("first", "last"),
        [("", "2026-11-16"), ("2026-11-17T00:00Z", "2026-11-16T00:00Z"), ("2026-01-01T00:00Z", "2026-03-01T00:00Z"),
         ("0001-01-01T00:00Z", "0001-01-02T00:00Z")],
    )  # fmt: skip
    def test_a_span_that_is_none_is_refused(self, cast, first, last):
        assert ask(cast.ae, "get", "bookable", ae(cast), first=first, last=last).status_code == 400


class TestTimeOff:
    def test_is_added_once_read_changed_and_ended(self, cast):
        days = {"starts_on": "2026-12-01", "ends_on": "2026-12-05"}
        assert ask(cast.manager, "post", "time_offs", ae(cast), days).status_code == 201
        again = ask(cast.ae, "post", "time_offs", ae(cast), days)
        assert (again.status_code, again.json()["title"]) == (400, "time_off_overlaps")
        (row,) = ask(cast.ae, "get", "time_offs", ae(cast)).json()["results"]
        assert (row["starts_on"], row["kind"]) == ("2026-12-01", "holiday")
        changed = ask(cast.ae, "put", "time_off", row["id"], days | {"ends_on": "2026-12-08"})
        assert changed.json()["ends_on"] == "2026-12-08"
        assert ask(cast.ae, "delete", "time_off", row["id"]).status_code == 204
        assert not TimeOff.objects.filter(starts_on=date(2026, 12, 1)).exists()


class TestBusyTimes:
    def test_a_time_is_closed_and_opened_again_and_its_title_not_told(self, cast):
        said = {
            "starts_at": TEN.isoformat(),
            "ends_at": (TEN + timedelta(hours=1)).isoformat(),
            "title": "Dentist",
        }
        made = ask(cast.ae, "post", "busy_times", ae(cast), said)
        assert made.status_code == 201
        assert "Dentist" not in made.content.decode()
        assert BusyTime.objects.get().title == "Dentist"
        assert ask(cast.ae, "delete", "busy_time", made.json()["id"]).status_code == 204
        assert not BusyTime.objects.exists()


class TestCalendars:
    def test_a_file_and_a_feed_are_added_and_the_address_is_never_read_back(self, cast):
        content = calendar_of(MONDAY).decode()
        assert (
            ask(cast.ae, "post", "busy_calendars", ae(cast), {"name": "Desk", "content": content}).status_code
            == 201
        )
        feed = ask(cast.ae, "post", "busy_calendars", ae(cast), {"address": SECRET})
        assert feed.status_code == 201
        listed = ask(cast.manager, "get", "busy_calendars", ae(cast))
        assert [row["name"] for row in listed.json()["results"]] == ["Desk", "calendar.invalid"]
        for answer in (feed, listed):
            assert "private-7f3a9c" not in answer.content.decode()
        assert ask(cast.ae, "delete", "busy_calendar", feed.json()["id"]).status_code == 204
        assert BusyCalendar.objects.get().name == "Desk"

    @pytest.mark.parametrize(
        "body", [{}, {"address": SECRET, "content": "x"}, {"content": "x"}, {"address": "x"}]
    )
    def test_neither_both_or_nonsense_is_refused(self, cast, body):
        assert ask(cast.ae, "post", "busy_calendars", ae(cast), body).status_code == 400
        assert not BusyCalendar.objects.exists()


class TestCaps:
    def test_are_the_managers_to_set(self, cast):
        body = {"daily": 2, "weekly": 8, "notice_minutes": 45}
        assert ask(cast.ae, "put", "caps", ae(cast), body).status_code == 403
        assert ask(cast.manager, "put", "caps", ae(cast), body).json() == body
        assert Rep.objects.get(pk=ae(cast)).weekly_meeting_cap == 8
        assert ask(cast.manager, "put", "caps", ae(cast), body | {"daily": -1}).status_code == 400
