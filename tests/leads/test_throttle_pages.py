"""The page of daily limits: what holds for whom and from where, today's use, setting and taking away."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.leads.models import Throttle
from apps.leads.selectors.throttle_use import COLUMNS, board, use_today
from apps.leads.services import cadences, enrolments, throttles, touches
from apps.leads.services.throttles import limits_of, new_leads_left
from tests.cast import NOW, Cast
from tests.permissions.subjects import worked_lead

EMPTY = dict.fromkeys((column.name for column in COLUMNS), "")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return response.content.decode()


def cell(cast: Cast, user: User, rep: User, name: str) -> Any:
    shown = board(user=user, at=NOW, day=NOW.date())
    lines = [line for group in shown.teams for line in group.lines if line.rep.user_id == rep.pk]
    return next(one for one in lines[0].cells if one.column.name == name)


class TestWhatHolds:
    def test_says_the_limit_and_whose_it_is(self, cast: Cast) -> None:
        throttles.set_throttle(kind="steps", most=60, at=NOW, actor=cast.revops)
        assert (
            cell(cast, cast.revops, cast.sdr, "steps").most,
            cell(cast, cast.revops, cast.sdr, "steps").whose,
        ) == (
            60,
            "company",
        )
        throttles.set_throttle(kind="steps", team=cast.sdr_team, most=50, at=NOW, actor=cast.revops)
        throttles.set_throttle(kind="steps", rep=cast.rep(cast.teammate), most=0, at=NOW, actor=cast.revops)
        found = {
            part: (one.most, one.whose)
            for part in ("sdr", "teammate", "outsider")
            for one in [cell(cast, cast.revops, getattr(cast, part), "steps")]
        }
        assert found == {"sdr": (50, "team"), "teammate": (0, "own"), "outsider": (60, "company")}

    def test_shows_what_the_services_hold_to(self, cast: Cast) -> None:
        throttles.set_throttle(kind="steps", channel="call", most=40, at=NOW, actor=cast.revops)
        throttles.set_throttle(kind="new_leads", team=cast.sdr_team, most=7, at=NOW, actor=cast.revops)
        limits = limits_of(cast.rep(cast.sdr))
        assert cell(cast, cast.revops, cast.sdr, "steps-call").most == limits.by_channel["call"] == 40
        assert cell(cast, cast.revops, cast.sdr, "new_leads").most == limits.new_leads == 7

    def test_counts_todays_use_as_the_services_do(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        throttles.set_throttle(kind="new_leads", most=5, at=NOW, actor=cast.revops)
        for number, at in enumerate((NOW, NOW - timedelta(days=1))):
            touches.log_touch(
                lead=worked_lead(rep, number), rep=rep, channel="email", disposition="sent", at=at
            )
        cadence = cadences.create_cadence(
            name="One", motion="inbound", conditions=[], position=1, enrols_by_itself=False,
            steps=[{"channel": "email"}], at=NOW, actor=cast.revops,
        )  # fmt: skip
        enrolments.enrol(leads=[worked_lead(rep, 7)], cadence=cadence, at=NOW, actor=cast.sdr)
        used = use_today([rep, cast.rep(cast.teammate)], NOW)
        assert used[rep.pk]["new_leads", ""] == 1 == 5 - (new_leads_left(rep=rep, at=NOW) or 0)
        assert used[rep.pk]["enrolments", ""] == 1
        assert cast.rep(cast.teammate).pk not in used

    def test_takes_the_same_statements_for_three_reps_and_for_thirty(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        from apps.reps.models import Rep

        for number in range(30):
            Rep.objects.create(
                name=f"Rep {number}", team=cast.sdr_team, role="isr", hired_on=NOW.date().replace(year=2025)
            )
        client = signed_in(cast.revops)
        client.get("/throttles/")
        with django_assert_max_num_queries(10):
            page = client.get("/throttles/")
        assert "Rep 29" in text(page)


class TestScope:
    def test_an_sdr_sees_the_own_limits_and_sets_none(self, cast: Cast) -> None:
        client = signed_in(cast.sdr)
        page = text(client.get("/throttles/"))
        assert "Sdr" in page
        assert "Teammate" not in page
        assert ">Set<" not in page
        assert client.get(f"/throttles/reps/{cast.rep(cast.sdr).pk}/").status_code == 403

    def test_a_manager_sets_the_teams_and_not_the_companys_or_anothers(self, cast: Cast) -> None:
        client = signed_in(cast.manager)
        assert "Outsider" not in text(client.get("/throttles/"))
        assert client.get(f"/throttles/teams/{cast.sdr_team.pk}/").status_code == 200
        assert client.get(f"/throttles/reps/{cast.rep(cast.sdr).pk}/").status_code == 200
        assert client.get("/throttles/company/").status_code == 403
        assert client.post(f"/throttles/teams/{cast.other_team.pk}/", EMPTY).status_code == 404
        assert client.post(f"/throttles/reps/{cast.rep(cast.outsider).pk}/", EMPTY).status_code == 404
        assert client.get(f"/throttles/reps/{cast.rep(cast.ae).pk}/").status_code == 404, "AEs work no queue"

    @pytest.mark.parametrize("part", ["ae", "finance", "marketing", "am"])
    def test_is_for_those_who_work_or_manage_a_queue(self, cast: Cast, part: str) -> None:
        assert signed_in(getattr(cast, part)).get("/throttles/").status_code == 403


class TestSetting:
    def test_sets_and_takes_away_and_records_only_what_changed(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        assert (
            client.post("/throttles/company/", EMPTY | {"steps": "80", "steps-call": "50"}).status_code == 302
        )
        assert {(one.kind, one.channel, one.most) for one in Throttle.objects.all()} == {
            ("steps", "", 80), ("steps", "call", 50),
        }  # fmt: skip
        client.post("/throttles/company/", EMPTY | {"steps": "80"})
        assert [(one.kind, one.channel) for one in Throttle.objects.all()] == [("steps", "")]
        assert AuditEntry.objects.filter(verb="leads.throttle.set").count() == 3

    def test_says_what_holds_where_a_field_is_empty(self, cast: Cast) -> None:
        throttles.set_throttle(kind="steps", most=1200, at=NOW, actor=cast.revops)
        throttles.set_throttle(
            kind="steps", channel="call", team=cast.sdr_team, most=9, at=NOW, actor=cast.revops
        )
        page = text(signed_in(cast.revops).get(f"/throttles/reps/{cast.rep(cast.sdr).pk}/"))
        assert "Empty: 1,200, the company’s." in page
        assert "Empty: 9, the team’s." in page
        assert "Empty: no limit." in page

    @pytest.mark.parametrize(
        ("typed", "said"),
        [("-1", "A limit is 0 or more."), ("many", "Write a whole number."), ("10001", "10,000 at most")],
    )
    def test_refuses_what_is_no_limit_at_its_field_and_keeps_the_rest(
        self, cast: Cast, typed: str, said: str
    ) -> None:
        answer = signed_in(cast.revops).post(
            "/throttles/company/", EMPTY | {"steps": typed, "enrolments": "12"}
        )
        page = text(answer)
        assert answer.status_code == 422
        assert said in page
        assert re.search(r'name="enrolments" value="12"', page)
        assert not Throttle.objects.exists()

    def test_a_zero_is_a_limit_and_not_nothing(self, cast: Cast) -> None:
        signed_in(cast.revops).post("/throttles/company/", EMPTY | {"new_leads": "0"})
        assert limits_of(cast.rep(cast.sdr)).new_leads == 0
        assert new_leads_left(rep=cast.rep(cast.sdr), at=timezone.now()) == 0
