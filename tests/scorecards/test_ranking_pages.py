"""The pages of ranking, standing, holds and policies, and their API: what they show, refuse and cost."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.core.periods import month_of
from apps.leads.models import FunnelEvent
from apps.leads.services.record import reverse_event
from apps.reps.models import Rep
from apps.scorecards.models import RankingHold, RankingPolicy, RankingSnapshot
from apps.scorecards.services import frozen_rankings, rankings
from apps.scorecards.services.ranking_policies import Draft, put_in_force, write_draft
from tests.cast import NOW, Cast
from tests.scorecards.sellers import Sellers
from tests.stage import staged

TODAY = NOW.date()
WHY = "Back from parental leave in September only."


@pytest.fixture
@staged
def sellers(cast: Cast) -> Sellers:
    """The cast's AE and a peer, in a team of the cast's manager, each with leads of two kinds."""
    made = Sellers(2, 2)
    Rep.objects.filter(user=cast.ae).update(user=None, left_on=date(2026, 1, 1))
    Rep.objects.filter(user=cast.second_ae).update(user=None, left_on=date(2026, 1, 1))
    Rep.objects.filter(pk=made.reps[0].pk).update(user=cast.ae)
    Rep.objects.filter(pk=made.reps[1].pk).update(user=cast.second_ae)
    made.team.manager = cast.manager
    made.team.save()
    first, second = Rep.objects.filter(team=made.team).select_related("team").order_by("pk")
    made.reps = [first, second]
    made.given(first, score="A", won=12, lost=8, amount=300_00)
    made.given(first, score="C", inbound=False, won=2, lost=8)
    made.given(second, score="A", won=4, lost=6, amount=300_00)
    made.given(second, score="C", inbound=False, won=3, lost=17, days=50)
    return made


@pytest.fixture
@staged
def ranked(sellers: Sellers) -> RankingSnapshot:
    return rankings.recompute_rankings(as_of=TODAY, at=NOW).snapshot


def shown(client: Client, user: object, name: str, *args: object, **query: object) -> tuple[int, str]:
    client.force_login(user)
    response = client.get(reverse(name, args=args), query)
    return response.status_code, response.content.decode()


class TestRankingPage:
    def test_shows_both_indexes_side_by_side(self, cast, client, ranked):
        status, text = shown(client, cast.manager, "scorecards:ranking")
        row = ranked.rows.get(rep__user=cast.ae)
        assert status == 200
        assert f"{row.index:.2f}" in text
        assert f"{row.adjusted:.2f}" in text
        assert "14 won," in text

    @pytest.mark.parametrize("sort", ["raw", "adjusted", "moves", "name", "nonsense"])
    def test_sorts(self, cast, client, ranked, sort):
        assert shown(client, cast.revops, "scorecards:ranking", sort=sort)[0] == 200

    def test_of_a_day_without_a_kept_one_is_worked_out_from_the_record_of_then(self, cast, client, ranked):
        status, text = shown(client, cast.manager, "scorecards:ranking", as_of="2026-10-15")
        assert status == 200
        assert "No ranking was kept for" in text
        assert not RankingSnapshot.objects.filter(as_of=date(2026, 10, 15)).exists(), "looking writes nothing"

    @pytest.mark.parametrize("day", ["soon", "2999-01-01"])
    def test_a_day_that_is_none_is_refused_in_words(self, cast, client, ranked, day):
        status, text = shown(client, cast.manager, "scorecards:ranking", as_of=day)
        assert status == 200
        assert "so the newest ranking is shown" in text

    def test_an_outside_manager_sees_no_group(self, cast, client, ranked):
        for query in ({}, {"as_of": "2026-10-15"}):
            _, text = shown(client, cast.outside_manager, "scorecards:ranking", **query)
            assert "AE 1" not in text

    def test_only_the_manager_may_hold(self, cast, client, ranked):
        hold = reverse("scorecards:ranking_hold", args=[ranked.rows.first().rep_id])
        assert hold in shown(client, cast.manager, "scorecards:ranking")[1]
        assert hold not in shown(client, cast.revops, "scorecards:ranking")[1]

    def test_is_read_in_a_bounded_number_of_statements(
        self, cast, client, ranked, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(cast.manager)
        client.get(reverse("scorecards:ranking"))
        for query in ({}, {"as_of": "2026-10-15"}):
            with django_assert_max_num_queries(24):
                client.get(reverse("scorecards:ranking"), query)


class TestExplanation:
    def test_holds_the_arithmetic_of_both(self, cast, client, ranked):
        row = ranked.rows.get(rep__user=cast.ae)
        _, text = shown(client, cast.second_ae, "scorecards:standing", row.pk)
        assert "30 deals closed: 20 of tier 1 inbound at 53.3 %, 10 of tier 3 outbound at 16.7 %" in text
        assert "12.33 wins expected, 14 won, 1.14." in text


class TestOwnStanding:
    def test_shows_how_it_was_made_the_step_and_strong_peers(self, cast, client, ranked):
        status, text = shown(client, cast.second_ae, "scorecards:own_standing")
        assert status == 200
        for words in (
            "My standing",
            "Raw index",
            "Adjusted for the lead mix",
            "Nearest step",
            "Who does well",
        ):
            assert words in text
        assert "AE 1, " in text
        assert "You moved from tier 2 to tier 3" in text

    def test_of_another_is_for_the_manager_and_revops(self, cast, client, ranked):
        rep = Rep.objects.get(user=cast.ae)
        expected = {"manager": 200, "revops": 200, "outside_manager": 404, "second_ae": 404, "sdr": 403}
        for part, status in expected.items():
            assert shown(client, getattr(cast, part), "scorecards:standing_of", rep.pk)[0] == status, part

    def test_of_a_past_day_knows_what_was_known_then(self, cast, client, sellers):
        before = shown(client, cast.ae, "scorecards:own_standing", as_of="2026-11-05")[1]
        for event in FunnelEvent.objects.filter(kind="won", credits__rep=sellers.reps[0])[:6]:
            reverse_event(event=event, reason="Cancelled", at=NOW)
        after = shown(client, cast.ae, "scorecards:own_standing", as_of="2026-11-05")[1]
        figures = [text[text.index("How ") : text.index("Who does well")] for text in (before, after)]
        assert figures[0] == figures[1]

    def test_shows_the_course_over_months(self, cast, client, sellers):
        for month in (9, 10):
            frozen_rankings.freeze_ranking(month=month_of(date(2026, month, 1)), at=NOW)
        _, text = shown(client, cast.ae, "scorecards:own_standing")
        assert "Your index" in text
        assert "between September 2026 and October 2026" in text

    def test_somebody_who_is_not_ranked_is_told_so(self, cast, client, ranked):
        assert "You are not ranked" in shown(client, cast.manager, "scorecards:own_standing")[1]

    def test_before_any_ranking_it_is_worked_out(self, cast, client, sellers):
        status, text = shown(client, cast.ae, "scorecards:own_standing")
        assert status == 200
        assert "worked out for this look" in text

    def test_is_read_in_a_bounded_number_of_statements(
        self, cast, client, ranked, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(cast.ae)
        client.get(reverse("scorecards:own_standing"))
        with django_assert_max_num_queries(30):
            client.get(reverse("scorecards:own_standing"))


class TestHoldPages:
    def post(self, client: Client, user: object, rep: Rep, **said: object):
        client.force_login(user)
        data = {"last_day": (TODAY + timedelta(days=9)).isoformat(), "reason": WHY} | said
        return client.post(reverse("scorecards:ranking_hold", args=[rep.pk]), data)

    def test_a_hold_is_set_and_the_ae_reads_why_and_a_peer_does_not(self, cast, client, sellers):
        assert self.post(client, cast.manager, sellers.reps[0]).status_code == 302
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        assert WHY in shown(client, cast.ae, "scorecards:own_standing")[1]
        row = RankingSnapshot.objects.get().rows.get(rep=sellers.reps[0])
        assert WHY in shown(client, cast.ae, "scorecards:standing", row.pk)[1]
        peers = shown(client, cast.second_ae, "scorecards:standing", row.pk)[1]
        assert WHY not in peers
        assert "Held" in shown(client, cast.second_ae, "scorecards:ranking")[1]

    @pytest.mark.parametrize(
        "said", [{"reason": "no"}, {"reason": ""}, {"last_day": "soon"}, {"last_day": "2020-01-01"}]
    )
    def test_what_cannot_be_is_refused_and_what_was_typed_stays(self, cast, client, sellers, said):
        response = self.post(client, cast.manager, sellers.reps[0], **said)
        assert response.status_code == 422
        assert not RankingHold.objects.exists()
        assert next(iter(said.values())) in response.content.decode()

    def test_is_lifted_by_the_manager_alone(self, cast, client, sellers):
        self.post(client, cast.manager, sellers.reps[0])
        address = reverse("scorecards:ranking_hold_lift", args=[RankingHold.objects.get().pk])
        for user, status in ((cast.revops, 403), (cast.outside_manager, 404), (cast.manager, 302)):
            client.force_login(user)
            assert client.post(address, {"reason": "Settled"}).status_code == status
        assert RankingHold.objects.get().lift.reason == "Settled"

    def test_another_manager_finds_nobody_to_hold(self, cast, client, sellers):
        assert self.post(client, cast.outside_manager, sellers.reps[0]).status_code == 404


def said(**changes: object) -> dict[str, object]:
    """What the form of a policy sends."""
    return {
        "weight_revenue_won": 30, "weight_win_rate": 25, "weight_average_deal": 15, "weight_sales_cycle": 15,
        "weight_self_sourced_pipeline": 15, "months": 3, "peer_group": "team", "floor": "0.50",
        "ceiling": "1.50", "up_at": "1.20", "down_at": "0.80", "least_closed": 5, "days_to_hold": 0,
        "decides": "raw", "least_expected": "2.00", "least_in_cell": 10, "note": "", "seen": "", **changes,
    }  # fmt: skip


class TestPolicyPages:
    def new(self, client: Client, user: object, **changes: object):
        client.force_login(user)
        return client.post(reverse("scorecards:ranking_policy_new"), said(**changes))

    def test_a_draft_is_written_changed_tried_and_put_in_force(self, cast, client, ranked):
        assert self.new(client, cast.revops, decides="adjusted").status_code == 302
        draft = RankingPolicy.objects.get(version=None)
        _, text = shown(client, cast.revops, "scorecards:ranking_policy", draft.pk)
        assert "What it changes" in text
        assert "The index adjusted for the lead mix" in text
        edit = reverse("scorecards:ranking_policy_edit", args=[draft.pk])
        seen = draft.written_at.isoformat()
        assert client.post(edit, said(decides="adjusted", months=4, seen=seen)).status_code == 302
        assert shown(client, cast.revops, "scorecards:ranking_policy_replay", draft.pk, months=3)[0] == 200
        address = reverse("scorecards:ranking_policy_put_in_force", args=[draft.pk])
        refused = client.post(address, {"effective_on": TODAY.isoformat()})
        assert refused.status_code == 422
        assert "Choose tomorrow or a later day" in refused.content.decode()
        assert client.post(address, {"effective_on": "2026-12-01"}).status_code == 302
        draft.refresh_from_db()
        assert (draft.version, draft.months) == (2, 4)
        assert client.get(edit).status_code == 404
        assert "To come" in shown(client, cast.manager, "scorecards:ranking_policies")[1]

    @pytest.mark.parametrize(
        "changes, message",
        [
            ({"weight_win_rate": 26}, "these make 101"),
            ({"weight_win_rate": ""}, "4 are weighed here"),
            ({"weight_win_rate": "much"}, "Write a whole number"),
            ({"weight_win_rate": -1}, "Write 0 to 100"),
            ({"floor": "1.10"}, "above the lower bound"),
            ({"up_at": "1.60"}, "up to the bound"),
            ({"months": 1}, "never a single one"),
            ({"decides": "luck"}, "Select a valid choice"),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field_and_stays_as_typed(self, cast, client, changes, message):
        response = self.new(client, cast.revops, note="Try this", **changes)
        text = response.content.decode()
        assert response.status_code == 422
        assert message in text
        assert "Try this" in text
        assert not RankingPolicy.objects.exists()

    def test_who_read_it_before_another_changed_it_is_told_so(self, cast, client):
        draft = write_draft(draft=Draft(), at=NOW)
        client.force_login(cast.revops)
        address = reverse("scorecards:ranking_policy_edit", args=[draft.pk])
        response = client.post(address, said(months=6, seen=(NOW - timedelta(days=1)).isoformat()))
        assert response.status_code == 422
        assert "Somebody else changed this draft" in response.content.decode()

    def test_managers_see_and_do_not_write(self, cast, client):
        draft = write_draft(draft=Draft(), at=NOW)
        assert shown(client, cast.manager, "scorecards:ranking_policies")[0] == 200
        text = shown(client, cast.manager, "scorecards:ranking_policy", draft.pk)[1]
        assert "Put in force" not in text
        assert self.new(client, cast.manager).status_code == 403
        assert shown(client, cast.ae, "scorecards:ranking_policies")[0] == 403

    def test_a_draft_is_thrown_away(self, cast, client):
        draft = write_draft(draft=Draft(), at=NOW)
        client.force_login(cast.revops)
        assert client.post(reverse("scorecards:ranking_policy_drop", args=[draft.pk])).status_code == 302
        assert not RankingPolicy.objects.exists()

    def test_a_replay_costs_the_same_for_each_month(
        self, cast, client, ranked, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        draft = write_draft(draft=Draft(), at=NOW)
        client.force_login(cast.revops)
        client.get(reverse("scorecards:ranking_policies"))
        with django_assert_max_num_queries(3 * 18 + 10):
            client.get(reverse("scorecards:ranking_policy_replay", args=[draft.pk]))


class TestFrozen:
    def test_is_never_made_anew_and_what_came_since_stands_beside(self, cast, client, sellers):
        snapshot = frozen_rankings.freeze_ranking(month=month_of(date(2026, 10, 1)), at=NOW)
        assert snapshot is not None
        assert frozen_rankings.is_as_recorded(snapshot)
        before = list(snapshot.rows.order_by("pk").values())
        won = FunnelEvent.objects.filter(kind="won", credits__rep=sellers.reps[0]).first()
        reverse_event(event=won, reason="Cancelled", at=NOW + timedelta(hours=2))
        again = rankings.recompute_rankings(as_of=TODAY, at=NOW + timedelta(hours=3))
        assert (again.is_new, again.snapshot) == (False, snapshot)
        assert list(snapshot.rows.order_by("pk").values()) == before
        assert frozen_rankings.is_as_recorded(snapshot)
        _, text = shown(client, cast.manager, "scorecards:since_frozen", snapshot.pk)
        assert "AE 1" in text
        assert "The frozen ranking stays as it is" in text
        assert "AE 1" not in shown(client, cast.second_ae, "scorecards:since_frozen", snapshot.pk)[1]
        assert shown(client, cast.outside_manager, "scorecards:since_frozen", snapshot.pk)[0] == 404

    def test_a_month_is_frozen_once(self, sellers):
        october = month_of(date(2026, 10, 1))
        first = frozen_rankings.freeze_ranking(month=october, at=NOW)
        later = frozen_rankings.freeze_ranking(month=october, at=NOW + timedelta(days=3))
        assert first == later
        assert RankingSnapshot.objects.filter(month_on=october.start).count() == 1

    def test_a_month_that_was_missed_is_frozen_as_of_its_following_end_and_moves_nobody(self, sellers):
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        tiers = list(Rep.objects.order_by("pk").values_list("tier", flat=True))
        snapshot = frozen_rankings.freeze_ranking(month=month_of(date(2026, 8, 1)), at=NOW)
        assert snapshot is not None
        assert (snapshot.as_of, snapshot.is_applied) == (date(2026, 9, 30), False)
        assert list(Rep.objects.order_by("pk").values_list("tier", flat=True)) == tiers

    def test_a_running_month_is_refused(self, sellers):
        with pytest.raises(rankings.UnableToRank, match="not over"):
            frozen_rankings.freeze_ranking(month=month_of(TODAY), at=NOW)


class TestApi:
    def test_tells_the_ranking_as_the_page_does(self, cast, client, ranked):
        client.force_login(cast.ae)
        told = client.get(reverse("api:ranking")).json()
        (group,) = told["groups"]
        row = ranked.rows.get(rep__user=cast.ae)
        one = next(one for one in group["standings"] if one["rep"] == row.rep_id)
        assert one["index"] == row.metrics["index"]
        assert one["adjusted"]["index"] == row.metrics["adjusted"]["index"]
        assert (told["is_kept"], told["decides"]) == (True, "raw")
        assert client.get(reverse("api:ranking"), {"as_of": "soon"}).status_code == 400

    def test_tells_a_standing_within_ones_scope(self, cast, client, ranked):
        rep = Rep.objects.get(user=cast.ae)
        for part, status in (("ae", 200), ("manager", 200), ("second_ae", 404), ("finance", 403)):
            client.force_login(getattr(cast, part))
            assert client.get(reverse("api:standing", args=[rep.pk])).status_code == status, part

    def test_writes_a_draft_and_puts_it_in_force(self, cast, client):
        client.force_login(cast.revops)

        def post(name: str, body: dict, *args: int):
            return client.post(reverse(name, args=args), body, content_type="application/json")

        weights = {"revenue_won": 30, "win_rate": 25, "average_deal": 15, "sales_cycle": 15, "deals_won": 14}
        refused = post("api:ranking_drafts", {"weights": weights})
        assert refused.status_code == 400
        made = post("api:ranking_drafts", {"weights": weights | {"deals_won": 15}, "decides": "adjusted"})
        assert made.status_code == 201
        put = post("api:ranking_in_force", {"effective_on": "2026-12-01"}, made.json()["id"])
        assert (put.status_code, put.json()["version"]) == (200, 2)
        again = post("api:ranking_in_force", {"effective_on": "2026-12-02"}, made.json()["id"])
        assert again.status_code == 409
        assert client.get(reverse("api:ranking_replay", args=[made.json()["id"]])).status_code == 200
        assert len(client.get(reverse("api:ranking_policies")).json()) == 2

    def test_holds_and_lifts(self, cast, client, sellers):
        client.force_login(cast.manager)
        body = {"rep": sellers.reps[0].pk, "last_day": "2026-11-30", "reason": WHY}
        made = client.post(reverse("api:ranking_holds"), body, content_type="application/json")
        assert made.status_code == 201
        lift = reverse("api:ranking_lift", args=[made.json()["id"]])
        assert client.post(lift, {}, content_type="application/json").status_code == 204
        assert client.post(lift, {}, content_type="application/json").status_code == 409


def test_the_schedule_keeps_the_totals(sellers: Sellers, run_jobs: Callable[[], int]) -> None:
    from apps.scorecards import tasks
    from apps.scorecards.models import RankingTotal, RankingTotalMark

    tasks.refresh_totals()
    assert RankingTotal.objects.exists()
    assert not RankingTotalMark.objects.exists()


def test_a_version_to_come_decides_nothing_yet(sellers: Sellers) -> None:
    draft = write_draft(draft=Draft(decides="adjusted"), at=NOW)
    put_in_force(policy=draft, effective_on=TODAY + timedelta(days=1), at=NOW)
    assert rankings.recompute_rankings(as_of=TODAY, at=NOW).snapshot.policy.version == 1
