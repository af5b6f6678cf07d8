"""Capacity, hiring, training and coaching by API: the same figures and refusals as on the pages."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.reps.models import Rep
from apps.scorecards.models import PracticeGoal, SupportAction
from apps.scorecards.rules.hiring_draft import document_of
from apps.scorecards.selectors.capacity import capacity_of
from tests.cast import Cast
from tests.scorecards.company import assemble
from tests.scorecards.test_capacity import OCTOBER, TODAY
from tests.scorecards.test_coaching import TEXT, ranked
from tests.scorecards.test_coaching import sellers as sellers
from tests.scorecards.test_hiring_rules import draft


def post(client: Client, name: str, given: dict[str, Any], *args: int, method: str = "post") -> Any:
    return getattr(client, method)(reverse(f"api:{name}", args=args), given, content_type="application/json")


class TestCapacity:
    def test_gives_the_pages_figures_exactly(self, cast: Cast, client: Client):
        made = assemble(seed=11)
        for team in (made.ae_team, made.sdr_team):
            team.manager = cast.manager
            team.save()
        client.force_login(cast.manager)
        told = client.get(reverse("api:capacity") + "?month=2026-10").json()
        reps = Rep.objects.filter(team__manager=cast.manager).select_related("calendar", "team__calendar")
        found = capacity_of(reps=reps, month=OCTOBER, today=TODAY)
        assert [(one["role"], one["mean"], one["rule"]) for one in told["roles"]] == [
            (
                one.role,
                str(one.verdict.mean) if one.verdict.mean is not None else None,
                one.verdict.rule_words,
            )
            for one in found.roles
        ]
        assert len(told["lead_velocity"]) == 6
        assert "AE 4" not in str(told), "of a team that is managed by nobody"

    def test_refuses_what_is_no_month(self, cast: Cast, client: Client):
        client.force_login(cast.manager)
        refused = client.get(reverse("api:capacity") + "?month=2026Q4")
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["month"])

    def test_assumptions_are_set_once(self, cast: Cast, client: Client):
        client.force_login(cast.revops)
        given = {"role": "isr", "metric": "leads_worked", "value": "150", "per": "month", "month": "2026-12"}
        assert post(client, "assumption_set", given).status_code == 201
        assert post(client, "assumption_set", given).status_code == 204
        [kept] = client.get(reverse("api:assumptions")).json()
        assert (kept["value"], kept["effective_on"]) == ("150.0000", "2026-12-01")

    def test_a_scenario_is_saved_played_and_changed(self, cast: Cast, client: Client):
        client.force_login(cast.manager)
        given = {"name": "Three", "plan": document_of(draft())}
        made = post(client, "hiring_scenarios", given)
        assert made.status_code == 201, made.json()
        pk = made.json()["id"]
        played = client.get(reverse("api:hiring_scenario", args=[pk])).json()
        assert len(played["months"]) == 6
        assert played["breaks"][0]["what"] == "hands"
        assert post(client, "hiring_scenarios", given).status_code == 409
        assert post(client, "hiring_scenarios", {"name": "Bad", "plan": {}}).status_code == 400
        changed = {**given, "plan": document_of(draft(months=3)), "version": 1}
        assert post(client, "hiring_scenario", changed, pk, method="put").status_code == 200
        assert post(client, "hiring_scenario", changed, pk, method="put").status_code == 409
        client.force_login(cast.outside_manager)
        assert client.get(reverse("api:hiring_scenario", args=[pk])).status_code == 404


class TestTraining:
    def test_is_asked_passed_and_told(self, cast: Cast, client: Client):
        client.force_login(cast.revops)
        asked = {"role": "isr", "name": "BANT", "asked_from": "2026-01-01", "pass_score": 80}
        certification = post(client, "certification_new", asked).json()["id"]
        client.force_login(cast.manager)
        sdr = cast.rep(cast.sdr)
        result = {"certification": certification, "rep": sdr.pk, "taken_on": "2026-11-02", "score": 90}
        assert post(client, "training_results", result).json()["valid_until"] == "2027-11-02"
        stranger = {**result, "rep": cast.rep(cast.outsider).pk}
        assert post(client, "training_results", stranger).status_code == 404
        states = {one["rep"]: one["state"] for one in client.get(reverse("api:training_dues")).json()}
        assert states == {sdr.pk: "done", cast.rep(cast.teammate).pk: "overdue"}
        session = {
            "title": "Practice", "starts_at": "2026-11-20T09:30:00Z", "reps": [sdr.pk],
            "certification": certification,
        }  # fmt: skip
        assert post(client, "training_sessions", session).status_code == 201
        assert len(client.get(reverse("api:certifications")).json()) == 1


class TestCoaching:
    def test_support_is_answered_and_a_goal_is_one_step(self, cast: Cast, sellers: Any, client: Client):
        ranked()
        client.force_login(cast.manager)
        rep = sellers.reps[3]
        open_ones = client.get(reverse("api:support_asked")).json()
        assert rep.pk in {one["rep"] for one in open_ones}
        pk = SupportAction.objects.get(rep=rep).pk
        assert post(client, "support_answer", {"kind": "coaching", "text": TEXT}, pk).status_code == 200
        assert post(client, "support_answer", {"kind": "coaching", "text": TEXT}, pk).status_code == 409
        goal = {"rep": rep.pk, "metric": "win_rate", "aim": "0.9", "last_month": "2026-12"}
        assert post(client, "practice_goals", goal).status_code == 409
        assert post(client, "practice_goals", {**goal, "aim": "much"}).status_code == 400
        assert post(client, "practice_goals", {**goal, "aim": "2/5"}).status_code == 201
        [told] = client.get(reverse("api:practice_goals")).json()
        assert (told["goal"]["aim"], told["goal_state"]) == ("2/5", "running")
        assert PracticeGoal.objects.get().ends_on == date(2027, 1, 1)

    @pytest.mark.parametrize("part", ["manager", "revops"])
    def test_recorded_meetings_are_those_that_one_may_see(self, cast: Cast, client: Client, part: str):
        client.force_login(getattr(cast, part))
        assert client.get(reverse("api:recorded_meetings")).json() == []
