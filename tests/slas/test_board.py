"""The board, the page of one promise, why promises were broken, and the forecast's pages."""

from datetime import timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.leads.models import Lead, Reassignment
from apps.leads.services import touches
from apps.slas.models import BreachReason, Clock, ClockKind, Policy
from apps.slas.selectors import patterns, reasons
from apps.slas.selectors.attainment import attained
from apps.slas.selectors.clock import clock_page, with_everything
from apps.slas.selectors.forecast import team_forecast
from apps.slas.services import rebasing, verdicts
from apps.slas.services import sweep as sweeping
from tests.cast import NOW, Cast
from tests.leads.test_touches import VOICEMAIL, arrive
from tests.slas.test_forecast import arrivals

DAY = timedelta(days=1)
MONTH = {"start": NOW - 12 * DAY, "end": NOW + 10 * DAY}


def broken(cast: Cast, number: int = 1) -> Clock:
    """A promise of the SDR's that ran out, answered a minute late."""
    lead = arrive(cast, number)
    due = Clock.objects.get(lead=lead, kind=ClockKind.FIRST_RESPONSE).due_at
    sweeping.sweep(at=due + timedelta(seconds=1))
    touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=due + timedelta(minutes=1), **VOICEMAIL)
    return Clock.objects.get(lead=lead, kind=ClockKind.FIRST_RESPONSE)


@pytest.fixture
def at_now() -> Any:
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


class TestAttainment:
    def test_is_cut_by_kind_team_rep_source_and_policy_with_what_it_is_of(self, cast: Cast) -> None:
        broken(cast)
        for number in (2, 3):
            touches.log_touch(lead=arrive(cast, number), rep=cast.rep(cast.sdr), at=NOW, **VOICEMAIL)
        found = attained(user=cast.manager, **MONTH)
        assert found.total.first_response.rate == Fraction(2, 3)
        assert [(name, one.decided) for name, one in found.kinds] == [("First response", 3)]
        assert [(one.name, one.all_kinds.decided) for one in found.sources] == [("Demo request", 3)]
        assert len(found.policies) == 1
        assert attained(user=cast.outside_manager, **MONTH).kinds == []

    def test_speed_to_lead_is_told_apart_from_the_reps_own_part(self, cast: Cast) -> None:
        lead = arrive(cast)
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=NOW + timedelta(minutes=10), **VOICEMAIL)
        times = attained(user=cast.manager, **MONTH).total.times
        assert times.speed_to_lead == 10
        # It lay in the pool until it was answered: nobody had it.
        assert (times.rep_response, times.minutes("routing")) == (0, 10)
        assert sum(part.share for part in patterns.parts(times)) == 1


class TestHeat:
    def test_counts_by_the_due_hour_in_the_companys_zone(self, cast: Cast) -> None:
        clock = broken(cast)
        found = patterns.heat(user=cast.manager, **MONTH)
        local = clock.due_at.astimezone(ZoneInfo("Europe/Berlin"))
        assert local.hour != clock.due_at.hour
        assert [(cell.day, cell.hour, cell.attained.breached) for cell in found.cells] == [
            (f"{local:%a}", local.hour, 1)
        ]

    def test_a_single_late_one_makes_no_hour_the_worst(self, cast: Cast) -> None:
        broken(cast)
        assert patterns.heat(user=cast.manager, **MONTH).sentence == "No hour stands out."


class TestReasons:
    def test_are_asked_for_and_reported_by_reason_rep_and_week(self, cast: Cast) -> None:
        first, second = broken(cast, 1), broken(cast, 2)
        assert reasons.asked(user=cast.sdr)[1] == 2
        verdicts.give_reason(clock=first, reason=BreachReason.CAPACITY, note="", at=NOW + DAY, actor=cast.sdr)
        assert [one.pk for one in reasons.asked(user=cast.sdr)[0]] == [second.pk]
        found = reasons.report(user=cast.manager, **MONTH)
        assert [(one.name, one.count, one.of) for one in found.reasons] == [
            ("Too many leads at once", 1, 2),
            ("No reason given", 1, 2),
        ]
        assert [(row.name, row.counts, row.total) for row in found.reps] == [("Sdr", [1, 1], 2)]
        assert [row.name for row in found.weeks] == ["Week of 9 Nov"]

    def test_a_rep_gives_it_for_own_ones_and_nobody_elses(self, cast: Cast, client: Any) -> None:
        clock = broken(cast)
        for user, status in ((cast.teammate, 404), (cast.outside_manager, 404), (cast.sdr, 302)):
            client.force_login(user)
            answer = client.post(f"/slas/clocks/{clock.pk}/reason/", {"reason": "capacity"})
            assert answer.status_code == status
        clock.refresh_from_db()
        assert (clock.breach_reason, clock.reason_by) == ("capacity", cast.sdr)

    def test_by_htmx_the_row_alone_comes_back_and_faults_stand_at_the_field(
        self, cast: Cast, client: Any
    ) -> None:
        clock = broken(cast)
        client.force_login(cast.manager)
        address, htmx = f"/slas/clocks/{clock.pk}/reason/", {"HTTP_HX_REQUEST": "true"}
        answer = client.post(address, {"reason": "other", "note": ""}, **htmx)
        assert "Say in a few words what the reason was." in answer.content.decode()
        answer = client.post(address, {"reason": "other", "note": "Fire drill"}, **htmx)
        assert "Fire drill" in answer.content.decode()
        assert b"<html" not in answer.content
        assert client.get("/slas/reasons/?period=2026-11").status_code == 200


class TestBoardPage:
    def test_live_part_answers_only_when_it_changed(self, cast: Cast, client: Any, at_now: Any) -> None:
        client.force_login(cast.manager)
        found = client.get("/slas/").context["pressing"]
        assert client.get(f"/slas/live/?part=pressing&was={found.fingerprint}").status_code == 204
        clock = Clock.objects.get(lead=arrive(cast))
        at_now.move_to(clock.warn_at)
        answer = client.get(f"/slas/live/?part=pressing&was={found.fingerprint}")
        assert answer.status_code == 200
        assert clock.lead.label in answer.content.decode()

    def test_steps_taken_today_are_told(self, cast: Cast, client: Any, at_now: Any) -> None:
        clock = Clock.objects.get(lead=arrive(cast))
        at_now.move_to(clock.warn_at)
        sweeping.escalate(at=clock.warn_at)
        client.force_login(cast.manager)
        answer = client.get("/slas/live/?part=steps")
        assert "it lies in the pool" in answer.content.decode()
        client.force_login(cast.outside_manager)
        assert "No step yet today" in client.get("/slas/live/?part=steps").content.decode()

    def test_statements_do_not_grow_with_the_promises(self, cast: Cast, client: Any) -> None:
        client.force_login(cast.manager)
        counts = []
        for numbers in (range(1, 3), range(3, 9)):
            for number in numbers:
                broken(cast, number)
            with CaptureQueriesContext(connection) as counted:
                assert client.get("/slas/?period=2026-11").status_code == 200
            counts.append(len(counted))
        assert counts[0] == counts[1] <= 17


class TestClockPage:
    def test_says_everything_of_one_promise(self, cast: Cast, client: Any) -> None:
        clock = broken(cast)
        page = clock_page(clock=with_everything(Clock.objects).get(pk=clock.pk), now=NOW + DAY)
        assert page.terms[0].startswith("First response within")
        assert [one.name for one in page.holders] == ["the team’s pool", "Sdr"]
        assert page.total == clock.target_minutes + 1
        client.force_login(cast.sdr)
        text = client.get(f"/slas/clocks/{clock.pk}/").content.decode()
        assert "Why it was broken" in text
        assert "Change it" not in text

    def test_a_manager_lets_it_stand_still_and_go_on(self, cast: Cast, client: Any, at_now: Any) -> None:
        clock = Clock.objects.get(lead=arrive(cast))
        client.force_login(cast.manager)
        address = f"/slas/clocks/{clock.pk}/"
        assert client.post(f"{address}pause/", {"reason": ""}).status_code == 422
        assert client.post(f"{address}pause/", {"reason": "Back on Monday"}).status_code == 302
        assert "Back on Monday" in client.get(address).content.decode()
        at_now.move_to(NOW + timedelta(minutes=20))
        assert client.post(f"{address}resume/").status_code == 302
        due_at = clock.due_at
        clock.refresh_from_db()
        assert clock.due_at == due_at + timedelta(minutes=20)
        assert client.post(f"{address}resume/", follow=True).status_code == 200

    def test_setting_anew_shows_in_figures_what_it_will_do_and_then_does_it(
        self, cast: Cast, client: Any, at_now: Any
    ) -> None:
        clock = Clock.objects.get(lead=arrive(cast))
        Policy.objects.filter(pk=clock.policy_id).update(first_response_minutes=clock.target_minutes + 45)
        client.force_login(cast.manager)
        answer = client.get(f"/slas/rebase/?clock={clock.pk}")
        (row,) = answer.context["previews"]
        assert row.due_after == clock.due_at + timedelta(minutes=45)
        before = clock.due_at
        clock.refresh_from_db()
        assert clock.due_at == before, "looking changes nothing"
        assert client.post("/slas/rebase/", {"clock": clock.pk, "why": ""}).status_code == 422
        assert client.post("/slas/rebase/", {"clock": clock.pk, "why": "Agreed"}).status_code == 302
        clock.refresh_from_db()
        assert clock.due_at == row.due_after
        assert clock.rebases.get().why == "Agreed"

    def test_what_cannot_be_set_anew_is_said(self, cast: Cast) -> None:
        clock = broken(cast)
        (row,) = rebasing.preview(running=[clock], at=NOW)
        assert row.after is None
        assert "only a promise that runs" in row.why_not

    def test_setting_anew_stays_within_the_scope(self, cast: Cast, client: Any) -> None:
        clock = broken(cast)
        client.force_login(cast.outside_manager)
        assert client.get(f"/slas/rebase/?clock={clock.pk}").status_code == 404
        assert "No promise was chosen" in client.get("/slas/rebase/").content.decode()


class TestALateFact:
    def test_who_left_before_the_due_instant_breaks_no_promise_of_touches(self, cast: Cast) -> None:
        Policy.objects.update(touch_count=3, touch_days=1)
        lead = arrive(cast)
        clock = Clock.objects.get(lead=lead, kind=ClockKind.TOUCHES)
        late = clock.due_at + timedelta(hours=1)
        sweeping.sweep(at=late)
        fact = verdicts.Fact("recycled", NOW + timedelta(minutes=5), lead.pk)
        verdicts.judge(facts=[fact], at=late)
        clock.refresh_from_db()
        assert (clock.state, clock.breached_at) == ("cancelled", None)


class TestForecastPages:
    def test_an_sdr_sees_the_own_queue_and_nothing_to_move(
        self, cast: Cast, client: Any, at_now: Any
    ) -> None:
        arrivals(cast, 6, owner=cast.rep(cast.sdr))
        client.force_login(cast.sdr)
        text = client.get("/slas/forecast/?team=1&plan=1").content.decode()
        assert "6 due, capacity 3; these 3 will breach by 11:12" in text
        assert "Give away" not in text

    def test_a_manager_confirms_in_figures_and_moves(self, cast: Cast, client: Any, at_now: Any) -> None:
        arrivals(cast, 6, owner=cast.rep(cast.sdr))
        client.force_login(cast.manager)
        answer = client.get(f"/slas/forecast/?team={cast.sdr_team.pk}&plan=1")
        assert "3 would break; with these moves 0" in answer.content.decode()
        moves = [f"{one.lead_id}:{one.to}" for one in answer.context["plan"].moves]
        press = {"team": cast.sdr_team.pk, "request_key": "press", "move": moves}
        for _ in range(2):
            said = client.post("/slas/forecast/move/", press, follow=True).content.decode()
        assert "3 leads given to Teammate." in said
        assert Reassignment.objects.count() == 1
        assert not team_forecast(team=cast.sdr_team, at=NOW).found.breaking

    def test_stays_within_the_scope(self, cast: Cast, client: Any, at_now: Any) -> None:
        (lead,) = arrivals(cast, 1, owner=cast.rep(cast.sdr))
        client.force_login(cast.outside_manager)
        assert client.get(f"/slas/forecast/?team={cast.sdr_team.pk}").status_code == 404
        assert client.get(f"/slas/forecast/?rep={cast.rep(cast.sdr).pk}").status_code == 404
        mate = cast.rep(cast.outsider)
        for team in (cast.sdr_team, cast.other_team):
            press = {"team": team.pk, "move": [f"{lead.pk}:{mate.pk}"]}
            assert client.post("/slas/forecast/move/", press).status_code == 404
        assert Lead.objects.get(pk=lead.pk).owner == cast.rep(cast.sdr)
