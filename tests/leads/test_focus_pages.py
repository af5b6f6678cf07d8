"""The pages of focus blocks: whose week, a weekday changed, a week begun and given up."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.leads.models import FocusBlock
from apps.leads.rules.focus import Block, default_day
from apps.leads.selectors.focus import OwnWeek
from apps.leads.selectors.focus_week import in_words, picture
from apps.leads.services import focus
from tests.cast import NOW, Cast
from tests.stage import staged


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return response.content.decode()


def rows(*blocks: tuple[str, str, str], also: tuple[int, ...] = (), act: str = "") -> dict[str, Any]:
    data: dict[str, Any] = {"blocks-rows": len(blocks), "also": list(also)}
    for place, (starts, ends, kind) in enumerate(blocks):
        data |= {
            f"blocks-{place}-starts": starts, f"blocks-{place}-ends": ends, f"blocks-{place}-kind": kind,
        }  # fmt: skip
    return data | ({"act": act} if act else {})


def week_of(rep: Any) -> dict[int, list[tuple[str, str, str]]]:
    found: dict[int, list[tuple[str, str, str]]] = {}
    for one in FocusBlock.objects.filter(rep=rep):
        found.setdefault(one.weekday, []).append((f"{one.starts:%H:%M}", f"{one.ends:%H:%M}", one.kind))
    return found


@pytest.fixture
@staged
def company_week(cast: Cast) -> None:
    focus.set_week(rep=None, week=dict.fromkeys(range(5), default_day()), at=NOW, actor=cast.revops)


class TestWeek:
    def test_offers_the_usual_day_where_nothing_is_set(self, cast: Cast) -> None:
        page = text(signed_in(cast.revops).get("/focus/"))
        assert "Begin with the usual day" in page
        assert "09:00" in page
        assert "clean-up" in page
        signed_in(cast.revops).post("/focus/company/usual/")
        assert [len(week_of(None)[day]) for day in range(5)] == [4] * 5
        page = text(signed_in(cast.revops).get("/focus/company/"))
        assert "40 h a week are planned" in page
        assert "Begin with the usual day" not in page

    def test_an_sdr_who_may_not_set_the_companys_begins_an_own_one(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        assert f"/focus/{rep.pk}/begin/" in text(signed_in(cast.sdr).get("/focus/"))
        signed_in(cast.sdr).post(f"/focus/{rep.pk}/begin/")
        assert [len(week_of(rep)[day]) for day in range(5)] == [4] * 5
        assert week_of(None) == {}

    def test_shows_an_sdr_the_own_week_and_nobody_elses(self, cast: Cast, company_week: None) -> None:
        page = text(signed_in(cast.sdr).get("/focus/"))
        assert "The company’s week, which holds for Sdr" in page
        assert "Teammate" not in page
        client = signed_in(cast.sdr)
        assert client.get(f"/focus/{cast.rep(cast.teammate).pk}/").status_code == 404
        assert client.get(f"/focus/{cast.rep(cast.teammate).pk}/0/").status_code == 404
        assert client.post(f"/focus/{cast.rep(cast.teammate).pk}/reset/").status_code == 404

    def test_a_manager_sees_and_sets_the_teams_but_not_the_companys(
        self, cast: Cast, company_week: None
    ) -> None:
        client = signed_in(cast.manager)
        page = text(client.get("/focus/"))
        assert "Teammate" in page
        assert "Outsider" not in page
        assert "Change Monday" not in page
        assert client.get(f"/focus/{cast.rep(cast.sdr).pk}/0/").status_code == 200
        assert client.get("/focus/company/0/").status_code == 403
        assert client.get(f"/focus/{cast.rep(cast.outsider).pk}/").status_code == 404

    def test_says_whose_week_it_is_when_it_is_an_own_one(self, cast: Cast, company_week: None) -> None:
        rep = cast.rep(cast.sdr)
        focus.begin_own_week(rep=rep, at=NOW, actor=cast.sdr)
        page = text(signed_in(cast.sdr).get("/focus/"))
        assert "Sdr’s own week" in page
        assert "Back to the company’s" in page

    def test_takes_the_same_statements_for_two_reps_and_for_twenty(
        self, cast: Cast, company_week: None, django_assert_max_num_queries: Any
    ) -> None:
        from apps.reps.models import Rep

        client = signed_in(cast.manager)
        client.get("/focus/")
        for number in range(20):
            Rep.objects.create(
                name=f"Rep {number}", team=cast.sdr_team, role="isr", hired_on=NOW.date().replace(year=2025)
            )
        with django_assert_max_num_queries(9):
            page = client.get("/focus/")
        assert "Rep 19" in text(page)

    @pytest.mark.parametrize("weekday", [7, 99])
    def test_there_are_seven_days(self, cast: Cast, weekday: int) -> None:
        assert signed_in(cast.revops).get(f"/focus/company/{weekday}/").status_code == 404


class TestDay:
    def test_is_divided_anew_and_copied_to_other_days(self, cast: Cast, company_week: None) -> None:
        answer = signed_in(cast.revops).post(
            "/focus/company/0/", rows(("08:30", "12:00", "calls"), ("13:00", "15:00", "email"), also=(2, 5))
        )
        assert answer.status_code == 302
        week = week_of(None)
        assert week[0] == [("08:30", "12:00", "calls"), ("13:00", "15:00", "email")]
        assert week[0] == week[2] == week[5]
        assert len(week[1]) == 4

    def test_a_rep_who_changes_one_day_keeps_the_rest_of_the_companys(
        self, cast: Cast, company_week: None
    ) -> None:
        rep = cast.rep(cast.sdr)
        signed_in(cast.sdr).post(f"/focus/{rep.pk}/0/", rows(("09:00", "10:00", "social")))
        week = week_of(rep)
        assert week[0] == [("09:00", "10:00", "social")]
        assert [len(week[day]) for day in (1, 2, 3, 4)] == [4, 4, 4, 4]

    def test_gives_up_the_own_week(self, cast: Cast, company_week: None) -> None:
        rep = cast.rep(cast.sdr)
        client = signed_in(cast.sdr)
        client.post(f"/focus/{rep.pk}/0/", rows(("09:00", "10:00", "social")))
        client.post(f"/focus/{rep.pk}/reset/")
        assert week_of(rep) == {}
        again = client.post(f"/focus/{rep.pk}/reset/")
        assert again.status_code == 409
        assert "hold for Sdr already" in text(again)

    def test_an_overlap_stands_at_its_row_and_what_was_typed_is_kept(
        self, cast: Cast, company_week: None
    ) -> None:
        before = week_of(None)
        answer = signed_in(cast.revops).post(
            "/focus/company/0/",
            rows(("09:00", "11:00", "email"), ("10:30", "12:15", "calls"), also=(3,)),
        )
        page = text(answer)
        assert answer.status_code == 422
        assert "It overlaps the block from 09:00 to 11:00." in page
        assert page.index("10:30") < page.index("It overlaps") < page.index("12:15")
        assert re.search(r'name="also" value="3"[^>]*checked', page)
        assert week_of(None) == before

    @pytest.mark.parametrize(
        ("block", "said"),
        [
            (("11:00", "09:00", "email"), "ends after it starts"),
            (("", "09:00", "email"), "Say when."),
            (("25:00", "09:00", "email"), "Write a time such as 09:30."),
            (("08:00", "09:00", "golf"), "Select a valid choice"),
        ],
    )
    def test_refuses_a_block_that_is_none(self, cast: Cast, block: tuple[str, str, str], said: str) -> None:
        answer = signed_in(cast.revops).post("/focus/company/0/", rows(block))
        assert answer.status_code == 422
        assert said in text(answer)
        assert "What you typed is kept" in text(answer)
        assert week_of(None) == {}

    def test_a_new_row_goes_on_where_the_last_one_ends_and_nothing_is_saved(self, cast: Cast) -> None:
        answer = signed_in(cast.revops).post(
            "/focus/company/0/", rows(("09:00", "11:00", "email"), also=(4,), act="blocks:add")
        )
        page = text(answer)
        assert answer.status_code == 200
        assert re.search(r'name="blocks-1-starts" value="11:00"', page)
        assert re.search(r'name="also" value="4"[^>]*checked', page)
        assert week_of(None) == {}

    def test_may_be_left_free(self, cast: Cast, company_week: None) -> None:
        signed_in(cast.revops).post("/focus/company/4/", rows())
        assert 4 not in week_of(None)


class TestPicture:
    def test_shows_every_block_within_the_hours(self) -> None:
        from datetime import time

        week = OwnWeek(
            {0: [Block(time(6, 30), time(7), "calls")], 5: [Block(time(20), time(23, 15), "email")]}, True
        )
        drawn = picture(week)
        assert [day.name for day in drawn.days] == [
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
        ]
        assert (drawn.hours[0][0], drawn.hours[-1][0]) == ("06:00", "23:00")
        for day in drawn.days:
            for block in day.blocks:
                assert 0 <= block.top < block.top + block.height <= 100
        assert drawn.days[0].blocks[0].is_short
        assert drawn.without == [(6, "Sunday")]
        assert drawn.sentence == "3 h 45 a week are planned, most of it email (3 h 15)."

    @pytest.mark.parametrize(
        ("minutes", "words"), [(0, "0 min"), (45, "45 min"), (60, "1 h"), (65, "1 h 05")]
    )
    def test_says_lengths_as_people_do(self, minutes: int, words: str) -> None:
        assert in_words(minutes) == words
