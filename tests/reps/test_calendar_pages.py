"""The pages of calendars: what each shows to whom, and that a change is seen before it is kept."""

import re
from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from apps.reps.models import BusinessCalendar, Rep
from apps.reps.rules.hours import WEEKDAYS
from apps.reps.services import calendars
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(cast: Cast, time_machine: Any) -> BusinessCalendar:
    time_machine.move_to(NOW, tick=False)
    office = BusinessCalendar.objects.get()
    calendars.make_default(calendar=office, at=NOW)
    office.holidays = [{"on": "2026-12-25", "name": "Christmas Day", "source": "library", "kept": True}]
    office.overrides = {"2026-12-24": [["09:00", "12:00"]]}
    office.notes = {"2026-12-24": "Half a day"}
    office.breaks = {"mon": [["12:00", "12:30"]]}
    office.save()
    return office


@pytest.fixture
def revops(cast: Cast, client: Any) -> Any:
    client.force_login(cast.revops)
    return client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


class TestTheList:
    def test_says_who_works_by_which_and_which_is_ones_own(self, cast, office, revops):
        own = calendars.create_calendar(name="Mornings", at=NOW)
        calendars.give_to_rep(calendar=own, rep=cast.rep(cast.teammate), at=NOW)
        rows = {row.calendar.name: row for row in revops.get(reverse("reps:calendars")).context["rows"]}
        assert {team.name for team in rows["Berlin office"].teams} == {
            "Mid-market AEs", "Inbound SDRs", "Other team",
        }  # fmt: skip
        assert [rep.name for rep in rows["Mornings"].reps] == ["Teammate"]
        assert rows["Berlin office"].is_mine
        assert rows["Mornings"].asks_for_holidays

    def test_of_somebody_else_has_the_one_that_applies_and_no_way_to_change_it(self, cast, office, client):
        calendars.create_calendar(name="Another", at=NOW)
        client.force_login(cast.sdr)
        page = client.get(reverse("reps:calendars"))
        assert [row.calendar.name for row in page.context["rows"]] == ["Berlin office"]
        assert reverse("reps:calendar_new") not in page.content.decode()

    @pytest.mark.parametrize("more", [0, 5])
    def test_asks_the_same_however_many_calendars(self, office, revops, django_assert_num_queries, more):
        for number in range(more):
            calendars.create_calendar(name=f"Calendar {number}", at=NOW)
        revops.get(reverse("reps:calendars"))
        with django_assert_num_queries(10):
            revops.get(reverse("reps:calendars"))

    def test_without_any_says_what_to_do(self, cast, client, office):
        office.is_default = False
        office.save()
        client.force_login(cast.finance)
        assert "No calendar applies to you" in text_of(client.get(reverse("reps:calendars")))


class TestAMonth:
    def get(self, client: Any, office: BusinessCalendar, query: str = "") -> Any:
        return client.get(f"{reverse('reps:calendar', args=[office.pk])}{query}")

    def test_has_each_days_hours_with_holidays_by_name(self, office, revops):
        page = self.get(revops, office, "?month=2026-12")
        month = page.context["month"]
        days = {day.day: day for week in month.weeks for day in week if day}
        assert days[date(2026, 12, 25)].name == "Christmas Day"
        assert days[date(2026, 12, 24)].hours == "3 h"
        assert days[date(2026, 12, 21)].hours == "7 h 30"
        # 23 weekdays: Christmas closed, Christmas Eve three hours, four Mondays with half an hour's break.
        assert month.sentence == "169 h open on 22 days"
        assert "Christmas Day" in text_of(page)

    def test_opens_a_day_for_detail(self, office, revops):
        words = text_of(self.get(revops, office, "?month=2026-12&day=2026-12-24"))
        assert "Half a day" in words
        assert "09:00 to 12:00" in words

    def test_marks_the_days_on_which_the_clocks_change(self, office, revops):
        page = self.get(revops, office, "?month=2027-03&day=2027-03-28")
        assert [day.day for day in page.context["month"].shifts] == [date(2027, 3, 28)]
        assert "1 h shorter than others" in text_of(page)

    @pytest.mark.parametrize(
        "query",
        ["?month=x", "?month=2026-13", "?month=9999-12", "?month=0001-01", "?day=2026-02-31", "?month=%00"],
    )
    def test_takes_any_address_bar(self, office, revops, query):
        assert self.get(revops, office, query).context["month"].period.code == "2026-11"

    def test_leads_to_the_months_beside_it(self, office, revops):
        page = self.get(revops, office, "?month=2026-12")
        assert (page.context["previous"].code, page.context["following"].code) == ("2026-11", "2027-01")

    def test_is_read_by_whom_it_applies_to_without_a_way_to_change_it(self, cast, office, client):
        client.force_login(cast.sdr)
        page = self.get(client, office)
        assert page.status_code == 200
        assert reverse("reps:calendar_edit", args=[office.pk]) not in page.content.decode()
        assert [team.name for team in page.context["users"].teams] == ["Inbound SDRs"]

    def test_asks_a_pinned_number_of_statements(self, office, revops, django_assert_num_queries):
        self.get(revops, office)
        with django_assert_num_queries(9):
            self.get(revops, office)


def week(**changes: str) -> dict[str, str]:
    typed = {"name": "Berlin office", "time_zone": "Europe/Berlin", "version": "1"}
    typed |= {f"{day}_open": "09:00-17:00" if day not in ("sat", "sun") else "" for day in WEEKDAYS}
    typed |= {f"{day}_breaks": "12:00-12:30" if day == "mon" else "" for day in WEEKDAYS}
    return typed | changes


class TestHours:
    def url(self, office: BusinessCalendar) -> str:
        return reverse("reps:calendar_edit", args=[office.pk])

    def test_a_change_is_shown_with_months_before_and_after_and_not_kept(self, office, revops):
        page = revops.post(self.url(office), week(fri_open="09:00-12:00, 13:00-15:00"))
        assert page.status_code == 200
        november = page.context["preview"].months[0]
        assert (november.name, november.before, november.after) == ("November 2026", "165 h 30", "153 h 30")
        assert november.change == "−12 h"
        assert page.context["preview"].days[0].day == date(2026, 11, 13)
        assert BusinessCalendar.objects.get().version == 1

    def test_what_was_seen_is_kept_when_sent_again(self, office, revops):
        typed = week(fri_open="9-12, 13-15", sat_open="22:00-02:00 next day")
        seen = revops.post(self.url(office), typed).context["seen"]
        answer = revops.post(self.url(office), {**typed, "seen": seen})
        assert answer.status_code == 302
        kept = BusinessCalendar.objects.get()
        assert kept.weekly["fri"] == [["09:00", "12:00"], ["13:00", "15:00"]]
        assert kept.weekly["sat"] == [["22:00", "02:00"]]
        assert "sun" not in kept.weekly
        assert kept.holidays == office.holidays
        assert kept.overrides == office.overrides

    def test_what_was_typed_after_the_look_is_shown_again_first(self, office, revops):
        seen = revops.post(self.url(office), week(fri_open="9-12")).context["seen"]
        answer = revops.post(self.url(office), {**week(fri_open="9-13"), "seen": seen})
        assert answer.status_code == 200
        assert BusinessCalendar.objects.get().version == 1

    def test_of_nothing_says_so(self, office, revops):
        page = revops.post(self.url(office), week())
        assert page.context["preview"].says_same
        assert "This is what is kept already" in text_of(page)

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"tue_open": "17:00-09:00"}, "tue_open", "next day"),
            ({"tue_open": "9-12, 11-15"}, "tue_open", "Windows of Tuesday overlap"),
            ({"tue_breaks": "20:00-21:00"}, "tue_breaks", "outside the hours of Tuesday"),
            ({"time_zone": "Mars/Base"}, "time_zone", "Choose a time zone"),
            ({"name": ""}, "name", "Give the calendar a name"),
        ],
    )
    def test_a_fault_stands_at_its_field_and_keeps_what_was_typed(
        self, office, revops, changes, field, words
    ):
        page = revops.post(self.url(office), week(**changes))
        assert page.status_code == 422
        assert words in str(page.context["form"].errors[field])
        assert page.context["form"][field].value() == changes[field]
        assert "preview" not in page.context

    def test_a_change_by_somebody_else_is_said_and_asks_again(self, office, revops):
        typed = week(fri_open="9-12")
        seen = revops.post(self.url(office), typed).context["seen"]
        BusinessCalendar.objects.update(version=2)
        page = revops.post(self.url(office), {**typed, "seen": seen})
        assert page.status_code == 200
        assert page.context["moved"]
        assert BusinessCalendar.objects.get().weekly == office.weekly

    def test_monday_is_copied_to_friday_without_being_kept(self, office, revops):
        page = revops.post(self.url(office), week(mon_open="8-12", act="like_monday"))
        form = page.context["form"]
        assert [form[f"{day}_open"].value() for day in WEEKDAYS] == ["8-12"] * 5 + ["", ""]
        assert form["fri_breaks"].value() == "12:00-12:30"
        assert BusinessCalendar.objects.get().version == 1


def rows(prefix: str, *found: dict[str, str]) -> dict[str, str]:
    typed = {f"{prefix}-TOTAL_FORMS": str(len(found)), f"{prefix}-INITIAL_FORMS": "0", "version": "1"}
    for number, row in enumerate(found):
        typed |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return typed


def keep(client: Any, url: str, typed: dict[str, Any]) -> BusinessCalendar:
    """Send it, and send it again as seen."""
    page = client.post(url, typed)
    assert page.status_code == 200, page.context["form"].whole
    assert client.post(url, {**typed, "seen": page.context["seen"]}).status_code == 302
    return BusinessCalendar.objects.get(pk=page.context["calendar"].pk)


class TestHolidays:
    def url(self, office: BusinessCalendar) -> str:
        return reverse("reps:calendar_holidays", args=[office.pk])

    def test_of_a_country_are_proposed_ticked(self, office, revops):
        page = revops.get(f"{self.url(office)}?country=DE&subdivision=BE")
        proposed = {one.on: is_kept for _, found in page.context["form"].years for one, is_kept in found}
        assert proposed[date(2026, 3, 8)] is True
        assert {day.year for day in proposed} == {2026, 2027, 2028}

    def test_those_without_a_tick_are_kept_as_removed_and_can_come_back(self, office, revops):
        first = {"country": "DE", "subdivision": "BE", "keep": ["2026-12-25", "2027-01-01"]}
        kept = keep(
            revops, self.url(office), first | rows("own", {"on": "2026-12-31", "name": "Stocktaking"})
        )
        assert (kept.country, kept.subdivision) == ("DE", "BE")
        by_day = {row["on"]: row for row in kept.holidays}
        assert by_day["2027-01-01"]["kept"] is True
        assert by_day["2027-03-08"] | {"name": ""} == {
            "on": "2027-03-08", "name": "", "source": "library", "kept": False,
        }  # fmt: skip
        assert by_day["2026-12-31"] == {
            "on": "2026-12-31", "name": "Stocktaking", "source": "own", "kept": True,
        }  # fmt: skip
        page = revops.get(self.url(office))
        ticks = {one.on: is_kept for _, found in page.context["form"].years for one, is_kept in found}
        assert (ticks[date(2027, 1, 1)], ticks[date(2027, 3, 8)]) == (True, False)

    def test_years_before_this_one_stay_as_they_were(self, office, revops):
        BusinessCalendar.objects.update(holidays=["2025-05-01", *office.holidays])
        kept = keep(revops, self.url(office), {"country": ""} | rows("own"))
        assert [row["on"] for row in kept.holidays] == ["2025-05-01"]

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ({"on": "2026-12-25", "name": "Ours"}, "already"),
            ({"on": "", "name": "Ours"}, "Say the date"),
            ({"on": "25.12.2026", "name": "Ours"}, "Write a date such as"),
        ],
    )
    def test_a_fault_stands_at_its_row(self, office, revops, row, words):
        typed = {"country": "DE", "subdivision": "BE", "keep": ["2026-12-25"]} | rows("own", row)
        page = revops.post(self.url(office), typed)
        assert page.status_code == 422
        assert words in str(page.context["form"].rows[0].errors)
        assert page.context["form"].wrong == 1

    def test_an_own_one_takes_the_place_of_a_removed_one(self, office, revops):
        typed = {"country": "DE", "subdivision": "BE"} | rows("own", {"on": "2026-12-25", "name": "Ours"})
        kept = keep(revops, self.url(office), typed)
        assert [row["name"] for row in kept.holidays if row["on"] == "2026-12-25"] == ["Ours"]


class TestSingleDays:
    def url(self, office: BusinessCalendar) -> str:
        return reverse("reps:calendar_days", args=[office.pk])

    def test_a_day_gets_other_hours_or_none_or_a_break(self, office, revops):
        kept = keep(
            revops,
            self.url(office),
            rows(
                "row",
                {"on": "2026-11-20", "open": "10-12, 14-16", "note": "Team day"},
                {"on": "2026-11-23", "open": "", "breaks": "", "note": "Move"},
                {"on": "2026-11-24", "open": "", "breaks": "15:00-16:00"},
                {"on": "", "open": "", "breaks": "", "note": ""},
            ),
        )
        assert kept.overrides == {"2026-11-20": [["10:00", "12:00"], ["14:00", "16:00"]], "2026-11-23": []}
        assert kept.breaks == {"mon": [["12:00", "12:30"]], "2026-11-24": [["15:00", "16:00"]]}
        assert kept.notes == {"2026-11-20": "Team day", "2026-11-23": "Move"}

    def test_days_before_this_month_stay_as_they_were(self, office, revops):
        BusinessCalendar.objects.update(overrides={"2026-10-30": [], "2026-12-24": []})
        assert keep(revops, self.url(office), rows("row")).overrides == {"2026-10-30": []}

    @pytest.mark.parametrize(
        ("found", "at", "words"),
        [
            ([{"on": "2026-11-20", "open": "16-10"}], 0, "next day"),
            ([{"on": "", "open": "10-16"}], 0, "Say the date"),
            ([{"on": "2026-11-20", "open": "9-12, 10-16"}], 0, "begins before the last one ends"),
            ([{"on": "2026-11-20", "open": "9-12"}, {"on": "2026-11-20", "open": "13-14"}], 1, "twice"),
        ],
    )
    def test_a_fault_stands_at_its_row(self, office, revops, found, at, words):
        page = revops.post(self.url(office), rows("row", *found))
        assert page.status_code == 422
        assert words in str(page.context["form"].rows[at].errors)


class TestWhoWorksByIt:
    def post(self, client: Any, calendar: BusinessCalendar, **data: Any) -> Any:
        return client.post(reverse("reps:calendar_give", args=[calendar.pk]), data, follow=True)

    def test_a_calendar_is_given_to_a_team_and_to_a_rep_and_back(self, cast, office, revops):
        desk = calendars.create_calendar(name="Desk", at=NOW)
        rep = cast.rep(cast.ae)
        self.post(revops, desk, to=f"team:{cast.sdr_team.pk}")
        self.post(revops, desk, to=f"rep:{rep.pk}")
        cast.sdr_team.refresh_from_db()
        assert cast.sdr_team.calendar == Rep.objects.get(pk=rep.pk).calendar == desk
        page = self.post(revops, desk, back=rep.pk)
        assert Rep.objects.get(pk=rep.pk).calendar is None
        assert "works by the hours of Mid-market AEs again" in text_of(page)

    @pytest.mark.parametrize("to", ["", "king:1"])
    def test_nothing_chosen_says_so(self, office, revops, to):
        assert "Choose a team or a rep first" in text_of(self.post(revops, office, to=to))

    @pytest.mark.parametrize("to", ["team", "team:x", "rep:99999999999999999999999", "team:0"])
    def test_nobody_there_is_not_found(self, office, revops, to):
        assert self.post(revops, office, to=to).status_code == 404

    def test_a_new_one_is_made_and_leads_to_its_hours(self, office, revops):
        page = revops.post(reverse("reps:calendar_new"), {"name": "Desk", "like": office.pk})
        made = BusinessCalendar.objects.get(name="Desk")
        assert page.url == reverse("reps:calendar_edit", args=[made.pk])
        assert made.holidays == office.holidays

    def test_a_taken_name_is_refused_at_the_field(self, office, revops):
        page = revops.post(reverse("reps:calendar_new"), {"name": "Berlin office"})
        assert page.status_code == 422
        assert "Another calendar" in str(page.context["form"].errors["name"])

    def test_one_in_use_is_not_removed_and_says_why(self, office, revops):
        calendars.make_default(calendar=calendars.create_calendar(name="Desk", at=NOW), at=NOW)
        page = revops.post(reverse("reps:calendar_remove", args=[office.pk]), follow=True)
        assert "Give them another one first" in text_of(page)

    def test_the_companys_is_moved_and_the_other_removed(self, office, revops):
        desk = calendars.create_calendar(name="Desk", at=NOW)
        revops.post(reverse("reps:calendar_default", args=[desk.pk]))
        assert BusinessCalendar.objects.get(is_default=True) == desk
        revops.post(reverse("reps:calendar_default", args=[office.pk]))
        revops.post(reverse("reps:calendar_remove", args=[desk.pk]))
        assert list(BusinessCalendar.objects.all()) == [office]
