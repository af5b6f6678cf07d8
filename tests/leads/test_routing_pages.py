"""The pages of routing: RevOps writes, replays and switches on; managers see; everybody may ask why."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.jobs.models import Job
from apps.leads.models import HandOff, RoutingDecision, RoutingPolicy, RoutingRule, TurnPool
from apps.leads.rules.routing import kept
from apps.leads.selectors import past_standing
from apps.leads.selectors.past_standing import AsTheyWere
from apps.leads.services import routing_policies, routing_replay
from apps.reps.models import Rep, TierChange
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.leads.test_routing_choice import ROBIN, TEN, a_lead, handed, in_force
from tests.stage import staged


def open_page(client: Client, user: Any, page: str, *args: Any) -> Any:
    client.force_login(user)
    return client.get(reverse(f"leads:{page}", args=args))


def send(client: Client, user: Any, page: str, /, *args: Any, **data: Any) -> Any:
    client.force_login(user)
    return client.post(reverse(f"leads:{page}", args=args), data)


@pytest.fixture
@staged
def draft(cast: Cast) -> RoutingPolicy:
    return routing_policies.create_policy(name="Routing", at=NOW, actor=cast.revops)


def rule_data(method: str, **more: Any) -> dict[str, Any]:
    return {
        "method": method,
        "name": "A rule",
        "otherwise": "next",
        "exploration_percent": "0",
        "months": "12",
        "conditions-rows": "0",
        "weights-rows": "0",
        "territories-rows": "0",
        "accounts-rows": "0",
        **more,
    }


class TestVersions:
    def test_says_what_holds_while_nothing_is_written(self, cast: Cast, client: Client) -> None:
        page = open_page(client, cast.manager, "routing").content.decode()
        assert "No policy is in force." in page
        assert "New version" not in page

    def test_a_draft_is_begun_written_and_switched_on(self, cast: Cast, client: Client) -> None:
        send(client, cast.revops, "routing_new", name="Routing", note="Named accounts first")
        policy = RoutingPolicy.objects.get()
        answer = send(
            client,
            cast.revops,
            "routing_rule_new",
            policy.pk,
            **rule_data(
                "named_account",
                **{
                    "accounts-rows": "1",
                    "accounts-0-account": "brightmoor.example",
                    "accounts-0-rep": str(cast.rep(cast.second_ae).pk),
                },
            ),
        )
        assert answer.status_code == 302
        page = open_page(client, cast.revops, "routing_policy", policy.pk).content.decode()
        assert "brightmoor.example: Second Ae" in page
        send(client, cast.revops, "routing_switch_on", policy.pk, from_at="")
        policy.refresh_from_db()
        assert (policy.state, policy.switched_on_by) == ("on", cast.revops)
        verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))
        assert verbs[-3:] == [
            "leads.routing_policy.created",
            "leads.routing_policy.rule_added",
            "leads.routing_policy.switched_on",
        ]

    def test_what_is_wrong_stands_at_its_row_and_what_was_typed_is_kept(
        self, cast: Cast, client: Client, draft: RoutingPolicy
    ) -> None:
        answer = send(
            client,
            cast.revops,
            "routing_rule_new",
            draft.pk,
            **rule_data(
                "round_robin",
                name="Mid-market",
                **{
                    "weights-rows": "2",
                    "weights-0-rep": str(cast.rep(cast.ae).pk),
                    "weights-0-weight": "2",
                    "weights-1-rep": str(cast.rep(cast.ae).pk),
                    "weights-1-weight": "3",
                },
            ),
        )
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "This AE has a weight from that day already." in page
        assert 'value="Mid-market"' in page
        assert not RoutingRule.objects.exists()

    def test_rows_of_one_name_are_one_territory(
        self, cast: Cast, client: Client, draft: RoutingPolicy
    ) -> None:
        ae = str(cast.rep(cast.ae).pk)
        row = {"field": "city", "operator": "in", "value": "Hamburg, Kiel", "name": "North", "reps": [ae]}
        other = {"field": "size", "operator": "at_least", "value": "200", "name": "north", "reps": []}
        data = {
            f"territories-{place}-{key}": value
            for place, one in enumerate((row, other))
            for key, value in one.items()
        }
        answer = send(
            client,
            cast.revops,
            "routing_rule_new",
            draft.pk,
            **rule_data("territory", **{"territories-rows": "2", **data}),
        )
        assert answer.status_code == 302, answer.content.decode()
        assert RoutingRule.objects.get().terms["territories"] == [
            {
                "name": "North",
                "conditions": [
                    {"field": "city", "operator": "in", "value": ["Hamburg", "Kiel"]},
                    {"field": "size", "operator": "at_least", "value": [200]},
                ],
                "reps": [int(ae)],
            }
        ]
        page = open_page(client, cast.revops, "routing_rule_edit", RoutingRule.objects.get().pk)
        assert page.content.decode().count('value="North"') == 2

    def test_a_button_changes_rows_and_saves_nothing(
        self, cast: Cast, client: Client, draft: RoutingPolicy
    ) -> None:
        answer = send(
            client, cast.revops, "routing_rule_new", draft.pk, **rule_data("round_robin", act="weights:add")
        )
        assert answer.status_code == 200
        assert 'name="weights-0-weight"' in answer.content.decode()
        assert not RoutingRule.objects.exists()

    def test_rules_change_places(self, cast: Cast, client: Client, draft: RoutingPolicy) -> None:
        for name in ("One", "Two", "Three"):
            routing_policies.add_rule(policy=draft, name=name, method="best_ranked", at=NOW)
        send(client, cast.revops, "routing_rule_move", RoutingRule.objects.get(name="Three").pk, place="1")
        send(client, cast.revops, "routing_rule_remove", RoutingRule.objects.get(name="One").pk)
        assert list(draft.rules.values_list("name", "position")) == [("Three", 1), ("Two", 2)]

    def test_a_version_that_was_switched_on_never_changes(self, cast: Cast, client: Client) -> None:
        policy = in_force(ROBIN)
        rule = policy.rules.get()
        send(client, cast.revops, "routing_rule_remove", rule.pk)
        answer = send(client, cast.revops, "routing_rule_edit", rule.pk, **rule_data("round_robin"))
        assert "does not change any more" in answer.content.decode()
        assert policy.rules.get().name == ROBIN["name"]

    def test_two_who_change_a_draft_at_once_do_not_overwrite_each_other(
        self, cast: Cast, client: Client, draft: RoutingPolicy
    ) -> None:
        rule = routing_policies.add_rule(policy=draft, name="One", method="best_ranked", at=NOW)
        seen = NOW.isoformat()
        routing_policies.add_rule(
            policy=draft, name="Two", method="best_ranked", at=NOW + timedelta(seconds=1)
        )
        answer = send(
            client, cast.revops, "routing_rule_edit", rule.pk, **rule_data("best_ranked", seen=seen)
        )
        assert answer.status_code == 422
        assert "Somebody else changed this draft meanwhile." in answer.content.decode()

    def test_a_manager_sees_and_does_not_write(
        self, cast: Cast, client: Client, draft: RoutingPolicy
    ) -> None:
        assert open_page(client, cast.manager, "routing_policy", draft.pk).status_code == 200
        assert send(client, cast.manager, "routing_switch_on", draft.pk).status_code == 403
        assert open_page(client, cast.sdr, "routing").status_code == 403


class TestSwitchOn:
    def test_what_decided_until_then_ends_and_what_comes_later_still_comes(
        self, cast: Cast, draft: RoutingPolicy
    ) -> None:
        first = in_force(ROBIN, at=NOW - timedelta(days=3))
        later = in_force(ROBIN, at=NOW + timedelta(days=3))
        RoutingPolicy.objects.filter(pk=first.pk).update(until_at=later.from_at, number=91)
        routing_policies.add_rule(policy=draft, name="One", method="best_ranked", at=NOW)
        on = routing_policies.switch_on(policy=draft, at=NOW)
        first.refresh_from_db()
        assert (first.until_at, on.from_at, on.until_at) == (NOW, NOW, later.from_at)
        for days, expected in ((-1, first), (0, on), (2, on), (3, later)):
            assert RoutingPolicy.objects.in_force(NOW + timedelta(days=days)).get() == expected

    def test_one_that_is_taken_back_before_it_begins_changes_nothing(
        self, cast: Cast, draft: RoutingPolicy
    ) -> None:
        first = in_force(ROBIN, at=NOW - timedelta(days=3))
        RoutingPolicy.objects.filter(pk=first.pk).update(number=91)
        routing_policies.add_rule(policy=draft, name="One", method="best_ranked", at=NOW)
        begins = NOW + timedelta(days=5)
        coming = routing_policies.switch_on(policy=draft, at=NOW, from_at=begins)
        routing_policies.end(policy=coming, at=NOW)
        assert RoutingPolicy.objects.in_force(begins + timedelta(days=1)).get() == first

    def test_refuses_a_draft_without_a_rule_and_a_moment_that_is_past(
        self, cast: Cast, draft: RoutingPolicy
    ) -> None:
        with pytest.raises(routing_policies.InvalidInput, match="Write a rule first"):
            routing_policies.switch_on(policy=draft, at=NOW)
        with pytest.raises(routing_policies.InvalidInput, match="still to come"):
            routing_policies.switch_on(policy=draft, at=NOW, from_at=NOW - timedelta(days=1))


class TestWhy:
    def test_explains_every_decision_with_all_candidates(self, cast: Cast, client: Client) -> None:
        in_force(ROBIN)
        lead = a_lead(cast, owner=cast.rep(cast.sdr))
        handed(cast, lead)
        page = open_page(client, cast.sdr, "lead_routing", lead.pk).content.decode()
        assert "turn in “Mid-market” (weight 1 of 2, level)." in page
        assert "Owed" not in page
        assert "Ae" in page
        assert "Second Ae" in page

    def test_the_ae_of_the_hand_off_sees_it_and_a_stranger_does_not(self, cast: Cast, client: Client) -> None:
        hand_off = handed_off(cast)
        assert open_page(client, cast.ae, "lead_routing", hand_off.lead_id).status_code == 200
        assert open_page(client, cast.outsider, "lead_routing", hand_off.lead_id).status_code == 404

    def test_booking_keeps_the_decision(self, cast: Cast) -> None:
        hand_off = handed_off(cast)
        decision = RoutingDecision.objects.get()
        assert (decision.hand_off, decision.chosen, decision.cause) == (hand_off, hand_off.ae, "booked")
        assert decision.words == hand_off.routing["words"]


class TestTurns:
    def test_shows_each_pool_with_what_is_due_and_taken(self, cast: Cast, client: Client) -> None:
        in_force({**ROBIN, "weights": [{"rep": cast.rep(cast.ae).pk, "weight": 3, "from_on": ""}]})
        handed(cast, a_lead(cast))
        page = open_page(client, cast.manager, "routing_turns").content.decode()
        assert "0.25 of a turn ahead" in page
        assert "owed 0.25 of a turn" in page

    def test_a_page_takes_as_many_statements_for_many_pools(
        self, cast: Cast, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        client.force_login(cast.manager)
        for number in range(4):
            RoutingPolicy.objects.all().delete() if not RoutingDecision.objects.exists() else None
            in_force({**ROBIN, "name": f"Pool {number}"}, at=NOW + timedelta(seconds=number))
            handed(cast, a_lead(cast))
        with django_assert_max_num_queries(16):
            client.get(reverse("leads:routing_turns"))


class TestReplay:
    def test_says_who_would_have_got_what(self, cast: Cast) -> None:
        hand_off = handed_off(cast)
        policy = in_force(
            {
                "name": "Named",
                "method": "named_account",
                "accounts": [{"account": "brightmoor.example", "rep": cast.rep(cast.second_ae).pk}],
            }
        )
        report = routing_replay.replay(policy=policy, months=1, at=NOW + timedelta(days=1))
        assert (report.examined, report.changed_in_all, report.nobody) == (1, 1, 0)
        assert report.happened[hand_off.ae_id].count == 1
        assert report.tried[cast.rep(cast.second_ae).pk].tiers == {"1": 1}
        assert report.changed[0].tried_words.startswith("Rule “Named”: brightmoor.example")
        assert routing_replay.Report.of(report.as_dict()) == report

    def test_the_same_rules_would_have_given_the_same(self, cast: Cast) -> None:
        for slot in range(3):
            handed_off(cast, f"Company{slot} Ltd", slot=slot)
        policy = in_force({"name": "Best", "method": "best_ranked"})
        report = routing_replay.replay(policy=policy, months=1, at=NOW + timedelta(days=1))
        assert (report.examined, report.same) == (3, 3)

    def test_ranks_and_tiers_are_those_of_then(self, cast: Cast) -> None:
        best, second = cast.rep(cast.ae), cast.rep(cast.second_ae)
        Rep.objects.filter(pk=best.pk).update(tier=1, rank=1)
        Rep.objects.filter(pk=second.pk).update(tier=1, rank=2)
        policy = in_force({"name": "Best", "method": "best_ranked"})
        assert handed(cast, a_lead(cast)).ae == best
        # Since then the ranking has turned over: what happened is not judged by it.
        Rep.objects.filter(pk=best.pk).update(tier=3, rank=9)
        report = routing_replay.replay(policy=policy, months=1, at=NOW + timedelta(days=1))
        assert (report.examined, report.same) == (1, 1)

    def test_a_tier_of_which_no_decision_tells_is_that_of_its_history(self, cast: Cast) -> None:
        ae = cast.rep(cast.ae)
        TierChange.objects.create(
            rep=ae,
            tier_before=1,
            tier_after=2,
            effective_on=NOW.date() + timedelta(days=3),
            decided_at=NOW,
            reason="Index 0.7",
        )
        Rep.objects.filter(pk=ae.pk).update(tier=2, rank=4)
        found = AsTheyWere([Rep.objects.get(pk=ae.pk)], since=NOW)
        assert found.tier_and_rank(ae.pk) == (1, 4)
        found.move_to(NOW + timedelta(days=3))
        assert found.tier_and_rank(ae.pk) == (2, 4)

    def test_the_round_robin_goes_on_from_the_turns_of_then(self, cast: Cast) -> None:
        policy = in_force({**ROBIN, "name": "Turns"})
        first = handed(cast, a_lead(cast, "First"))
        later = NOW + timedelta(days=40)
        second = handed(cast, a_lead(cast, "Second"), TEN + timedelta(days=1))
        assert first.ae != second.ae
        HandOff.objects.filter(pk=second.pk).update(created_at=later)
        # Only the second lies in the month that is replayed; the first one's turn was taken before it.
        before = past_standing.standings_at(names=["Turns"], at=later)["Turns"]
        assert sum(one.taken for one in before.values()) == 2
        assert past_standing.standings_at(names=["Turns"], at=NOW) == {}
        report = routing_replay.replay(policy=policy, months=1, at=later + timedelta(days=1))
        assert report.examined == 1
        assert kept.standings_of(TurnPool.objects.get(name="Turns").standings) == before

    def test_the_page_shows_it_and_leaves_many_to_a_job(
        self, cast: Cast, client: Client, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handed_off(cast)
        HandOff.objects.update(created_at=routing_replay.datetime.now(tz=NOW.tzinfo) - timedelta(days=1))
        policy = in_force({"name": "Best", "method": "best_ranked"})
        page = open_page(client, cast.revops, "routing_past", policy.pk)
        assert "Hand-offs replayed" in page.content.decode()
        monkeypatch.setattr(routing_replay, "MOST_IN_REQUEST", 0)
        page = open_page(client, cast.revops, "routing_past", policy.pk)
        assert "in the background" in page.content.decode()
        send(client, cast.revops, "routing_past", policy.pk)
        run_jobs()
        assert Job.objects.get().result["summary"].startswith("Policy, version 1 would have given")
        page = open_page(client, cast.revops, "routing_past", policy.pk)
        assert "Hand-offs replayed" in page.content.decode()
