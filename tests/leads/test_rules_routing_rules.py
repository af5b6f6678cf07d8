"""A policy's rules in order: whoever is chosen is free, nobody better was, and nobody is left without an answer."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.leads.rules.routing import Candidate, choose, kept
from apps.leads.rules.routing.best_ranked import is_explored
from apps.leads.rules.routing.deciding import Earlier, Facts, decide, holds, reach_of
from apps.leads.rules.routing.policies import Method, RuleInvalid, parse_rule, terms_of
from apps.leads.rules.routing.turns import Standing

DAY = date(2026, 11, 12)
TWICE = [{"account": "A", "rep": 1}, {"account": "a", "rep": 2}]
KNOWN = {"score": "A", "city": "Hamburg", "size": 420, "industry": "Logistics"}


def ae(number: int, tier: int = 1, rank: int = 1, why_not: str = "", **more: Any) -> Candidate:
    return Candidate(number, f"AE {number}", tier, rank, why_not=why_not, **more)


def rule(method: str, name: str = "Rule", conditions: Any = (), **terms: Any) -> Any:
    return parse_rule(name=name, method=method, conditions=conditions, terms=terms)


def facts(**more: Any) -> Facts:
    return Facts(**{"lead_id": 7, "tier": 1, "day": DAY, "known": KNOWN, **more})


class TestMethods:
    def test_a_named_account_that_is_busy_falls_to_the_next_rule_and_says_so(self) -> None:
        rules = [
            rule("named_account", "Named", accounts=[{"account": "Brightmoor GmbH", "rep": 2}]),
            rule("best_ranked", "Rest"),
        ]
        outcome = decide(rules, facts(company="brightmoor"), [ae(1), ae(2, why_not="Busy")], {})
        assert outcome.words == (
            "Rule “Named”: Brightmoor GmbH is a named account of AE 2, who is not free. "
            "Rule “Rest”: The lead is tier 1, so tier 1 was asked first, best rank first."
        )
        assert [(one.candidate.rep_id, one.outcome, one.why) for one in outcome.considered] == [
            (2, "passed", "Busy"),
            (1, "taken", "Free: taken"),
        ]

    def test_another_pool_is_asked_where_the_rule_says_so(self) -> None:
        rules = [
            rule("best_ranked", pool={"reps": [1]}, otherwise="pool", other_pool={"reps": [3]}),
            rule("best_ranked", "Never asked"),
        ]
        outcome = decide(rules, facts(), [ae(1, why_not="Busy"), ae(2), ae(3, tier=3)], {})
        assert (outcome.chosen, [one.rule for one in outcome.steps]) == (ae(3, tier=3), ["Rule", "Rule"])

    def test_the_best_ranked_at_once_where_the_rule_says_so(self) -> None:
        rules = [
            rule("best_ranked", pool={"reps": [1]}, otherwise="best"),
            rule("best_ranked", "Never asked"),
        ]
        outcome = decide(rules, facts(), [ae(1, why_not="Busy"), ae(2, rank=5)], {})
        assert [one.rule for one in outcome.steps] == ["Rule", "Best available"]

    def test_the_nearest_and_latest_owner_comes_first(self) -> None:
        earlier = (
            Earlier(3, date(2026, 10, 1), "this lead"),
            Earlier(2, date(2026, 11, 1), "the account"),
        )
        sticky = [rule("sticky", months=3)]
        free = [ae(1), ae(2), ae(3)]
        assert decide(sticky, facts(earlier=earlier), free, {}).chosen == ae(3)
        busy = [ae(1), ae(2), ae(3, why_not="Busy")]
        assert decide(sticky, facts(earlier=earlier), busy, {}).chosen == ae(2)

    @pytest.mark.parametrize(("on", "sticks"), [(date(2026, 8, 12), True), (date(2026, 8, 11), False)])
    def test_an_owner_counts_from_the_same_day_of_the_month_on(self, on: date, sticks: bool) -> None:
        found = decide([rule("sticky", months=3)], facts(earlier=(Earlier(2, on, "it"),)), [ae(1), ae(2)], {})
        assert (found.chosen == ae(2)) is sticks

    def test_the_turn_goes_to_whoever_is_owed_it(self) -> None:
        standings = {"Robin": {1: Standing(Fraction(1, 2), 1), 2: Standing(Fraction(1, 2), 0)}}
        outcome = decide([rule("round_robin", "Robin")], facts(), [ae(1), ae(2)], standings)
        assert (
            outcome.words
            == "Rule “Robin”: It was AE 2’s turn in “Robin” (weight 1 of 2, owed 0.50 of a turn)."
        )
        assert outcome.turn is not None

    def test_a_best_ranked_after_a_round_robin_takes_no_turn(self) -> None:
        outcome = decide(
            [rule("round_robin", "Robin", pool={"reps": [1]})], facts(), [ae(1, why_not="Busy"), ae(2)], {}
        )
        assert (outcome.chosen, outcome.turn) == (ae(2), None)


class TestExploration:
    def test_about_the_share_of_good_leads_goes_to_lower_tiers_and_always_the_same_ones(self) -> None:
        explored = [lead for lead in range(1, 10_001) if is_explored(lead, 1, 10)]
        assert 900 < len(explored) < 1_100
        assert explored == [lead for lead in range(1, 10_001) if is_explored(lead, 1, 10)]
        assert not any(is_explored(lead, 2, 50) for lead in range(500))

    def test_says_so_in_words(self) -> None:
        lead = next(number for number in range(1, 999) if is_explored(number, 1, 10))
        decision = choose(1, [ae(1), ae(2, tier=2)], lead_id=lead, exploration_percent=10)
        assert decision.chosen == ae(2, tier=2)
        assert decision.words.startswith(
            "This is one of the 10 % of tier 1 leads that go to lower tiers first"
        )


class TestReading:
    @pytest.mark.parametrize(
        ("terms", "part"),
        [
            ({"method": "best_ranked", "exploration_percent": 51}, "exploration_percent"),
            ({"method": "sticky", "months": 0}, "months"),
            ({"method": "territory"}, "territories"),
            ({"method": "named_account"}, "accounts"),
            ({"method": "best_ranked", "otherwise": "pool"}, "other_pool"),
            ({"method": "round_robin", "weights": [{"rep": 1, "weight": -1}]}, "weights"),
            ({"method": "round_robin", "weights": [{"rep": 1, "weight": 1, "from_on": "soon"}]}, "weights"),
            ({"method": "named_account", "accounts": TWICE}, "accounts"),
            ({"method": "by magic"}, "method"),
            ({"method": "sticky", "conditions": [{"field": "colour"}]}, "conditions"),
        ],
    )  # fmt: skip
    def test_refuses_what_cannot_be_naming_the_part(self, terms: dict[str, Any], part: str) -> None:
        with pytest.raises(RuleInvalid) as refused:
            rule(**terms)
        assert refused.value.part == part

    def test_reads_back_what_it_writes(self) -> None:
        one = rule(
            "round_robin",
            weights=[{"rep": 1, "weight": 2, "from_on": "2026-12-01"}, {"rep": 1, "weight": 1}],
            pool={"teams": [4], "reps": [5]},
        )
        again = parse_rule(name=one.name, method=one.method, conditions=(), terms=terms_of(one))
        assert again == one


# --- Any policy, any calendars ----------------------------------------------------------------------

ids = st.integers(1, 9)
pools = st.fixed_dictionaries(
    {"teams": st.lists(st.integers(1, 3), max_size=2), "reps": st.lists(ids, max_size=3)}
)
conditions = st.sampled_from(
    [
        [],
        [{"field": "city", "operator": "in", "value": ["Hamburg"]}],
        [{"field": "city", "operator": "in", "value": ["Kiel"]}],
    ]
)


@st.composite
def rules_of(draw: Any) -> list[Any]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        otherwise = draw(st.sampled_from(["next", "best", "pool"]))
        found.append(
            rule(
                draw(st.sampled_from([one.value for one in Method])),
                f"Rule {number}",
                draw(conditions),
                pool=draw(pools),
                otherwise=otherwise,
                other_pool={"reps": draw(st.lists(ids, min_size=1, max_size=3))},
                exploration_percent=draw(st.sampled_from([0, 50])),
                weights=[
                    {"rep": rep, "weight": draw(st.integers(0, 5))}
                    for rep in draw(st.lists(ids, unique=True))
                ],
                territories=[
                    {"name": "T", "conditions": draw(conditions), "reps": draw(st.lists(ids, min_size=1))}
                ],
                accounts=[{"account": draw(st.sampled_from(["a.example", "b.example"])), "rep": draw(ids)}],
            )
        )
    return found


candidates = st.lists(
    st.builds(
        Candidate,
        rep_id=ids,
        name=st.just("AE"),
        tier=st.integers(1, 3),
        rank=st.integers(1, 5),
        why_not=st.sampled_from(["", "", "Busy", "At cap, 6 of 6 that day"]),
        team_id=st.integers(1, 3),
        is_present=st.booleans(),
        takes_team=st.booleans(),
    ),
    unique_by=lambda one: one.rep_id,
    max_size=9,
)
known = st.builds(
    Facts,
    lead_id=st.integers(1, 500),
    tier=st.integers(1, 3),
    day=st.just(DAY),
    known=st.just(KNOWN),
    domains=st.sampled_from([(), ("a.example",)]),
    earlier=st.lists(st.builds(Earlier, ids, st.just(date(2026, 10, 1)), st.just("this lead")), max_size=3).map(tuple),
)  # fmt: skip


@settings(max_examples=300)
@given(rules_of(), known, candidates)
def test_whoever_is_chosen_is_free_and_nobody_is_left_without_an_answer(
    rules: list[Any], facts_: Facts, found: list[Candidate]
) -> None:
    outcome = decide(rules, facts_, found, {})
    free = [one for one in found if not one.closed]
    # Within caps and calendars; somebody whenever anybody may take it.
    assert (outcome.chosen is not None) is bool(free)
    assert outcome.chosen is None or outcome.chosen in free
    # Every candidate stands there once, with a reason; one took it.
    assert sorted(one.candidate.rep_id for one in outcome.considered) == sorted(one.rep_id for one in found)
    assert all(one.why for one in outcome.considered)
    assert [one.candidate for one in outcome.considered if one.outcome == "taken"] == list(
        filter(None, [outcome.chosen])
    )
    # The first rule that holds is the first that is asked.
    asked = [step.rule for step in outcome.steps if step.outcome != "unmatched"]
    holding = [one.name for one in rules if holds(one, facts_)]
    assert not holding or asked[0] == holding[0]
    for one in rules:
        if holds(one, facts_):
            teams, reps = reach_of(one, facts_)
            named = {
                row.candidate.rep_id
                for step in outcome.steps
                if step.rule == one.name
                for row in step.considered
            }
            assert all(
                row.takes_team or row.team_id in teams or row.rep_id in reps
                for row in found
                if row.rep_id in named
            )  # fmt: skip


@settings(max_examples=200)
@given(known, candidates)
def test_by_rank_nobody_better_who_may_take_it_was_free(facts_: Facts, found: list[Candidate]) -> None:
    outcome = decide([rule("best_ranked", "Best")], facts_, found, {})
    asked = outcome.steps[-1].considered
    place = {one.candidate.rep_id: number for number, one in enumerate(asked)}
    if outcome.chosen is None:
        return
    for one in asked[: place[outcome.chosen.rep_id]]:
        assert one.candidate.closed
    same_tier = [
        one.candidate for one in asked if one.candidate.tier == facts_.tier and not one.candidate.closed
    ]
    if same_tier:
        assert (outcome.chosen.tier, outcome.chosen.rank) == (facts_.tier, min(one.rank for one in same_tier))


@settings(max_examples=150)
@given(
    rules_of(),
    known,
    candidates,
    st.dictionaries(ids, st.builds(Standing, st.fractions(0, 3, max_denominator=9), st.integers(0, 3))),
)
def test_a_kept_decision_names_the_same_ae_again(
    rules: list[Any], facts_: Facts, found: list[Candidate], standing: dict[int, Standing]
) -> None:
    import json

    standings = {one.name: standing for one in rules}
    outcome = decide(rules, facts_, found, standings)
    rows = json.loads(json.dumps(kept.candidate_rows(outcome.considered)))
    inputs = json.loads(json.dumps(kept.inputs(facts_, standings)))
    again = kept.replay(rules, inputs, rows)
    assert (again.chosen, again.words) == (outcome.chosen, outcome.words)
