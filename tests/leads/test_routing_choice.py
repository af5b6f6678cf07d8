"""Routing as a service: the policy in force decides, the decision is kept whole, and turns stay right."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from apps.leads.models import (
    Account,
    HandOff,
    Lead,
    Meeting,
    PoolTurn,
    RoutingDecision,
    RoutingPolicy,
    RoutingRule,
    SlotHold,
    TurnPool,
)
from apps.leads.rules.routing import kept
from apps.leads.selectors.routing import rules_of
from apps.leads.services import routing
from tests.cast import NOW, Cast

TEN = datetime(2026, 11, 16, 10, tzinfo=NOW.tzinfo)
"""The Monday after: within everybody's hours."""
HALF = timedelta(minutes=30)


def in_force(*rules: dict[str, Any], at: datetime = NOW) -> RoutingPolicy:
    """A version that decides from ``at`` on."""
    policy = RoutingPolicy.objects.create(
        number=RoutingPolicy.objects.count() + 1,
        name="Policy",
        state="on",
        written_at=at,
        changed_at=at,
        switched_on_at=at,
        from_at=at,
    )
    for position, rule in enumerate(rules, 1):
        RoutingRule.objects.create(
            policy=policy,
            position=position,
            name=rule["name"],
            method=rule["method"],
            conditions=rule.get("conditions", []),
            terms={key: value for key, value in rule.items() if key not in ("name", "method", "conditions")},
        )
    return policy


def a_lead(cast: Cast, company: str = "Brightmoor Logistics", **fields: Any) -> Lead:
    return Lead.objects.create(
        **{"company": company, "team": cast.sdr_team, "score": "A", "created_at": NOW, **fields}
    )


def routed(lead: Lead, starts_at: datetime = TEN, at: datetime = NOW, **more: Any) -> RoutingDecision:
    """Chosen and kept."""
    with transaction.atomic():
        chosen = routing.choose(lead=lead, starts_at=starts_at, ends_at=starts_at + HALF, at=at, **more)
        return routing.keep(chosen=chosen, lead=lead, at=at)


def handed(cast: Cast, lead: Lead, starts_at: datetime = TEN, **more: Any) -> HandOff:
    """A hand-off with its meeting, routed in one transaction as booking does it."""
    with transaction.atomic():
        chosen = routing.choose(lead=lead, starts_at=starts_at, ends_at=starts_at + HALF, at=NOW)
        meeting = Meeting.objects.create(
            lead=lead, ae=chosen.ae, starts_at=starts_at, ends_at=starts_at + HALF, state_changed_at=NOW
        )
        hand_off = HandOff.objects.create(
            lead=lead,
            sdr=cast.rep(cast.sdr),
            ae=chosen.ae,
            meeting=meeting,
            created_at=NOW,
            routing=chosen.as_dict(),
            **more,
        )
        routing.keep(chosen=chosen, lead=lead, at=NOW, hand_off=hand_off)
        return hand_off


ROBIN = {"name": "Mid-market", "method": "round_robin"}


def standing(cast: Cast, user: Any, pool: str = "Mid-market") -> Any:
    rows = kept.standings_of(TurnPool.objects.get(name=pool).standings)
    return rows[cast.rep(user).pk]


class TestChoose:
    def test_without_a_policy_the_best_ranked_of_the_leads_tier_takes_it(self, cast: Cast) -> None:
        decision = routed(a_lead(cast))
        assert (decision.chosen, decision.policy) == (cast.rep(cast.ae), None)
        assert decision.words == "The lead is tier 1, so tier 1 was asked first, best rank first."
        assert [one["outcome"] for one in decision.candidates] == ["taken", "not_needed"]

    def test_an_ae_to_whom_the_race_was_lost_is_passed_over_with_the_reason(self, cast: Cast) -> None:
        decision = routed(a_lead(cast), without=[cast.rep(cast.ae).pk])
        assert decision.chosen == cast.rep(cast.second_ae)
        assert decision.candidates[0]["why"] == routing.LOST_THE_RACE

    def test_nobody_free_chooses_nobody_and_keeps_nothing(self, cast: Cast) -> None:
        sunday = datetime(2026, 11, 15, 10, tzinfo=NOW.tzinfo)
        with transaction.atomic():
            chosen = routing.choose(lead=a_lead(cast), starts_at=sunday, ends_at=sunday + HALF, at=NOW)
        assert (chosen.ae, chosen.words) == (None, "Nobody is free at this time.")
        assert {one.why for one in chosen.outcome.considered} == {"Outside working hours"}

    def test_a_named_account_goes_to_its_ae_whatever_the_tier(self, cast: Cast) -> None:
        second = cast.rep(cast.second_ae)
        in_force(
            {
                "name": "Named",
                "method": "named_account",
                "accounts": [{"account": "brightmoor.example", "rep": second.pk}],
            }
        )
        decision = routed(a_lead(cast, email="hanna@brightmoor.example"))
        assert (decision.chosen, decision.rule) == (second, "Named")
        assert decision.words == f"Rule “Named”: brightmoor.example is a named account of {second.name}."

    def test_a_lead_of_nobodys_account_falls_to_the_best_available(self, cast: Cast) -> None:
        in_force(
            {
                "name": "Named",
                "method": "named_account",
                "accounts": [{"account": "other.example", "rep": cast.rep(cast.second_ae).pk}],
            }
        )
        decision = routed(a_lead(cast, email="hanna@brightmoor.example"))
        assert (decision.chosen, decision.rule) == (cast.rep(cast.ae), "Best available")

    @pytest.mark.parametrize("how", ["this lead", "merged", "person", "account"])
    def test_who_had_it_before_has_it_again(self, cast: Cast, how: str) -> None:
        in_force({"name": "Sticky", "method": "sticky", "months": 12})
        account = Account.objects.create(name="Brightmoor")
        lead = a_lead(cast, email="hanna@brightmoor.example", account=account if how == "account" else None)
        before = {
            "this lead": lead,
            "merged": a_lead(cast, merged_into=lead) if how == "merged" else lead,
            "person": a_lead(cast, email="hanna@brightmoor.example") if how == "person" else lead,
            "account": a_lead(cast, account=account) if how == "account" else lead,
        }[how]
        HandOff.objects.create(
            lead=before,
            sdr=cast.rep(cast.sdr),
            ae=cast.rep(cast.second_ae),
            created_at=NOW - timedelta(days=100),
            state="accepted",
            decided_at=NOW - timedelta(days=99),
        )
        decision = routed(lead)
        assert decision.chosen == cast.rep(cast.second_ae)
        assert "on 4 Aug 2026, within 12 months, so it stays there" in decision.words

    def test_a_former_owner_of_long_ago_or_who_rejected_it_does_not_count(self, cast: Cast) -> None:
        in_force({"name": "Sticky", "method": "sticky", "months": 3})
        lead = a_lead(cast)
        for days, state in ((120, "accepted"), (5, "rejected")):
            HandOff.objects.create(
                lead=lead,
                sdr=cast.rep(cast.sdr),
                ae=cast.rep(cast.second_ae),
                created_at=NOW - timedelta(days=days),
                state=state,
                decided_at=NOW - timedelta(days=1),
            )
        assert routed(lead).chosen == cast.rep(cast.ae)

    def test_a_rule_whose_conditions_do_not_hold_is_not_asked_and_says_why(self, cast: Cast) -> None:
        in_force(
            {**ROBIN, "conditions": [{"field": "size", "operator": "at_least", "value": [500]}]},
        )
        decision = routed(a_lead(cast, employees=40))
        assert decision.rule == "Best available"
        assert decision.steps[0]["words"] == "Not asked: Employees is at least 500: does not hold (40)."

    def test_a_territory_goes_to_its_own(self, cast: Cast) -> None:
        second = cast.rep(cast.second_ae)
        in_force(
            {
                "name": "Regions",
                "method": "territory",
                "territories": [
                    {
                        "name": "Hamburg",
                        "conditions": [{"field": "city", "operator": "in", "value": ["Hamburg"]}],
                        "reps": [second.pk],
                    }
                ],
            }
        )
        assert routed(a_lead(cast, city="hamburg")).chosen == second
        assert routed(a_lead(cast, city="Kiel")).chosen == cast.rep(cast.ae)

    def test_a_version_decides_from_its_moment_on_until_the_next(self, cast: Cast) -> None:
        first = in_force(ROBIN, at=NOW)
        RoutingPolicy.objects.filter(pk=first.pk).update(until_at=NOW + timedelta(hours=1))
        second = in_force(ROBIN, at=NOW + timedelta(hours=1))
        found = [
            routed(a_lead(cast), at=NOW + timedelta(minutes=minutes)).policy for minutes in (-1, 0, 59, 60)
        ]
        assert found == [None, first, first, second]

    def test_takes_no_more_statements_for_many_aes(self, cast: Cast, django_assert_max_num_queries) -> None:
        from apps.reps.models import Rep

        in_force(ROBIN)
        Rep.objects.bulk_create(
            [
                Rep(name=f"AE {one}", team=cast.ae_team, role="ae", tier=1, hired_on=NOW.date())
                for one in range(40)
            ]
        )
        lead = Lead.objects.select_related("team").get(pk=a_lead(cast).pk)
        with transaction.atomic(), django_assert_max_num_queries(14):
            routing.choose(lead=lead, starts_at=TEN, ends_at=TEN + HALF, at=NOW)


class TestKeep:
    def test_keeps_all_that_is_needed_to_decide_again(self, cast: Cast) -> None:
        policy = in_force(ROBIN)
        for slot in range(4):
            routed(a_lead(cast), TEN + slot * HALF)
        for decision in RoutingDecision.objects.all():
            again = kept.replay(rules_of(policy), decision.inputs, decision.candidates)
            assert again.chosen is not None
            assert again.chosen.rep_id == decision.chosen_id
            assert again.words == decision.words

    def test_takes_the_turn_and_writes_the_ledger(self, cast: Cast) -> None:
        in_force({**ROBIN, "weights": [{"rep": cast.rep(cast.ae).pk, "weight": 3, "from_on": ""}]})
        for slot in range(8):
            routed(a_lead(cast), TEN + slot * HALF)
        assert (standing(cast, cast.ae).taken, standing(cast, cast.second_ae).taken) == (6, 2)
        kinds = list(PoolTurn.objects.order_by("pk").values_list("kind", flat=True))
        assert kinds == ["joined", "joined"] + ["taken"] * 8

    def test_a_hold_that_is_booked_keeps_its_turn(self, cast: Cast) -> None:
        in_force(ROBIN)
        lead, hold = self.held(cast)
        SlotHold.objects.filter(pk=hold.pk).update(state=SlotHold.State.USED)
        hand_off = HandOff.objects.create(lead=lead, sdr=cast.rep(cast.sdr), ae=hold.ae, created_at=NOW)
        decision = routing.confirm(hold=hold, hand_off=hand_off, at=NOW)
        assert decision is not None
        assert (decision.cause, decision.chosen, decision.confirms.hold) == ("booked", hold.ae, hold)
        assert PoolTurn.objects.filter(kind="taken").count() == 1
        assert routing.confirm(hold=hold, hand_off=hand_off, at=NOW) == decision

    @pytest.mark.parametrize("state", ["released", "lapsed", "held"])
    def test_a_hold_that_ends_otherwise_gives_its_turn_back(self, cast: Cast, state: str) -> None:
        in_force(ROBIN)
        _, hold = self.held(cast)
        SlotHold.objects.filter(pk=hold.pk).update(state=state)
        decision = routed(a_lead(cast, "Other"), TEN + HALF, at=NOW + timedelta(minutes=10))
        assert decision.chosen == hold.ae
        assert decision.inputs["turns"]["Mid-market"] == {
            str(cast.rep(user).pk): ["0", 0] for user in (cast.ae, cast.second_ae)
        }

    def held(self, cast: Cast) -> tuple[Lead, SlotHold]:
        lead = a_lead(cast)
        with transaction.atomic():
            chosen = routing.choose(lead=lead, starts_at=TEN, ends_at=TEN + HALF, at=NOW, cause="held")
            hold = SlotHold.objects.create(
                lead=lead,
                sdr=cast.rep(cast.sdr),
                ae=chosen.ae,
                starts_at=TEN,
                ends_at=TEN + HALF,
                created_at=NOW,
                expires_at=NOW + timedelta(minutes=5),
            )
            routing.keep(chosen=chosen, lead=lead, at=NOW, hold=hold)
        return lead, hold


class TestSettle:
    @pytest.mark.parametrize("ends", ["no_show", "cancelled", "rejected"])
    def test_gives_the_turn_back_exactly_and_once(self, cast: Cast, ends: str) -> None:
        in_force({**ROBIN, "weights": [{"rep": cast.rep(cast.ae).pk, "weight": 2, "from_on": ""}]})
        for slot in range(3):
            routed(a_lead(cast), TEN + slot * HALF)
        before = TurnPool.objects.get().standings
        hand_off = handed(cast, a_lead(cast), TEN + 4 * HALF)
        assert TurnPool.objects.get().standings != before
        self.end(hand_off, ends)
        for _ in range(2):
            with transaction.atomic():
                routing.settle(hand_off=HandOff.objects.get(), at=NOW + HALF)
        assert TurnPool.objects.get().standings == before
        assert PoolTurn.objects.filter(kind="given_back").count() == 1

    def end(self, hand_off: HandOff, how: str) -> None:
        if how == "rejected":
            HandOff.objects.filter(pk=hand_off.pk).update(state="rejected", decided_at=NOW)
        else:
            Meeting.objects.filter(pk=hand_off.meeting_id).update(state=Meeting.State(how))

    def test_an_answer_that_is_taken_back_counts_the_turn_again(self, cast: Cast) -> None:
        in_force(ROBIN)
        hand_off = handed(cast, a_lead(cast))
        taken = TurnPool.objects.get().standings
        for state, decided_at in (("rejected", NOW), ("pending", None), ("pending", None)):
            HandOff.objects.filter(pk=hand_off.pk).update(state=state, decided_at=decided_at)
            with transaction.atomic():
                routing.settle(hand_off=HandOff.objects.get(), at=NOW)
        assert TurnPool.objects.get().standings == taken
        assert list(PoolTurn.objects.filter(decision__isnull=False).order_by("pk").values_list("kind")) == [
            ("taken",), ("given_back",), ("retaken",),
        ]  # fmt: skip

    def test_a_hand_off_that_is_routed_again_holds_one_turn(self, cast: Cast) -> None:
        in_force(ROBIN)
        hand_off = handed(cast, a_lead(cast))
        first = hand_off.ae
        with transaction.atomic():
            chosen = routing.choose(
                lead=hand_off.lead,
                starts_at=TEN,
                ends_at=TEN + HALF,
                at=NOW + HALF,
                without={first.pk: "Did not answer"},
                cause="rerouted",
            )
            routing.keep(
                chosen=chosen, lead=hand_off.lead, at=NOW + HALF, hand_off=hand_off, because="No answer"
            )
        owed = {pk: one.taken for pk, one in kept.standings_of(TurnPool.objects.get().standings).items()}
        assert owed == {first.pk: 0, chosen.ae.pk: 1}
        passed = [one.why for one in chosen.outcome.considered if one.outcome == "passed"]
        assert passed == ["Did not answer; keeps the turn"]
