"""The weighted round robin: exact shares, absences that flood nobody, turns that are given back."""

from datetime import date
from fractions import Fraction
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.leads.rules.routing.policies import Method, Rule, Weight
from apps.leads.rules.routing.turns import Member, Standing, after, again, next_turn, without

Standings = dict[int, Standing]
LEADS = 1_000


def members(weights: list[int], away: set[int] = frozenset(), busy: set[int] = frozenset()) -> list[Member]:
    return [
        Member(number, weight, number not in away, number not in away | busy)
        for number, weight in enumerate(weights)
    ]


def deal(weights: list[int], standings: Standings, **who: set[int]) -> tuple[int, Standings]:
    turn = next_turn(members(weights, **who), standings)
    assert turn.chosen is not None
    return turn.chosen, after(standings, turn)


weights_of = st.lists(st.integers(1, 1_000), min_size=1, max_size=12)


class TestWeights:
    @settings(max_examples=25)
    @given(weights_of)
    @example([1, 1])
    @example([1_000, 1])
    @example([7, 5, 3, 2, 1, 1, 1])
    @example([1] * 12)
    def test_are_met_within_one_lead_at_every_lead_of_a_thousand(self, weights: list[int]) -> None:
        standings: Standings = {}
        taken = [0] * len(weights)
        for lead in range(1, LEADS + 1):
            chosen, standings = deal(weights, standings)
            taken[chosen] += 1
            for number, weight in enumerate(weights):
                assert abs(taken[number] - Fraction(weight * lead, sum(weights))) < 1

    def test_nobody_of_weight_nought_is_asked_while_another_is_free(self) -> None:
        turn = next_turn(members([0, 1, 1], busy={1}), {})
        assert turn.chosen == 2
        assert next_turn(members([0, 1, 1], busy={1, 2}), {}).chosen == 0

    def test_change_from_a_day_on(self) -> None:
        rule = Rule("R", Method.ROUND_ROBIN, weights=(Weight(1, 3), Weight(1, 5, date(2026, 12, 1))))
        assert [rule.weight_of(1, date(2026, month, 1)) for month in (11, 12)] == [3, 5]
        assert rule.weight_of(2, date(2026, 12, 1)) == 1

    def test_who_joins_later_begins_level(self) -> None:
        standings: Standings = {}
        for _ in range(100):
            _, standings = deal([1, 1], standings)
        taken = []
        for _ in range(9):
            chosen, standings = deal([1, 1, 1], standings)
            taken.append(chosen)
        assert sorted(taken) == [0] * 3 + [1] * 3 + [2] * 3


class TestAbsence:
    @settings(max_examples=60)
    @given(
        st.lists(st.integers(1, 100), min_size=2, max_size=8),
        st.integers(0, 120),
        st.integers(1, 120),
        st.data(),
    )
    def test_two_weeks_off_put_nobody_more_than_a_turn_from_what_is_due_by_presence(
        self, weights: list[int], leaves: int, stays_away: int, data: st.DataObject
    ) -> None:
        """Due by presence: of each lead, a part by weight among those at work at it."""
        who = data.draw(st.integers(0, len(weights) - 1))
        standings: Standings = {}
        due = [Fraction(0)] * len(weights)
        taken = [0] * len(weights)
        for lead in range(leaves + stays_away + 150):
            away = {who} if leaves <= lead < leaves + stays_away else set()
            here = [one for one in range(len(weights)) if one not in away]
            total = sum(weights[one] for one in here)
            for one in here:
                due[one] += Fraction(weights[one], total)
            chosen, standings = deal(weights, standings, away=away)
            assert chosen not in away
            taken[chosen] += 1
            assert all(abs(due[one] - taken[one]) <= 1 for one in range(len(weights))), lead

    @settings(max_examples=40)
    @given(st.lists(st.integers(1, 100), min_size=2, max_size=8), st.integers(0, 60), st.integers(1, 80))
    def test_who_comes_back_is_owed_what_was_owed_on_leaving(
        self, weights: list[int], leaves: int, stays_away: int
    ) -> None:
        standings: Standings = {}
        for _ in range(leaves):
            _, standings = deal(weights, standings)
        before = standings.get(0, Standing()).owed
        for _ in range(stays_away):
            _, standings = deal(weights, standings, away={0})
        assert standings.get(0, Standing()).owed == before

    @settings(max_examples=40)
    @given(st.lists(st.integers(1, 50), min_size=2, max_size=6), st.integers(1, 200))
    def test_who_is_never_free_is_owed_one_turn_at_most_when_free_again(
        self, weights: list[int], busy_for: int
    ) -> None:
        standings: Standings = {}
        for _ in range(busy_for):
            _, standings = deal(weights, standings, busy={0})
        owed = standings.get(0, Standing()).owed
        assert owed <= 1 + Fraction(weights[0], sum(weights))


class TestGivenBack:
    @settings(max_examples=60)
    @given(
        st.lists(st.integers(1, 60), min_size=2, max_size=7),
        st.integers(0, 40),
        st.integers(0, 40),
    )
    def test_it_is_as_though_the_turn_had_never_been(
        self, weights: list[int], before: int, later: int
    ) -> None:
        standings: Standings = {}
        for _ in range(before):
            _, standings = deal(weights, standings)
        turn = next_turn(members(weights), standings)
        with_it = after(standings, turn)
        turns_after = []
        for _ in range(later):
            one = next_turn(members(weights), with_it)
            with_it = after(with_it, one)
            turns_after.append(one)
        assert turn.chosen is not None
        given_back = without(with_it, turn.shares, turn.chosen)
        never = standings
        for one in turns_after:
            never = after(never, one)
        everybody = range(len(weights))
        assert [given_back.get(one, Standing()) for one in everybody] == [
            never.get(one, Standing()) for one in everybody
        ]
        assert again(given_back, turn.shares, turn.chosen) == with_it

    @settings(max_examples=30)
    @given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
    def test_the_next_lead_makes_good_for_it(self, weights: list[int]) -> None:
        turn = next_turn(members(weights), {})
        assert turn.chosen is not None
        back = without(after({}, turn), turn.shares, turn.chosen)
        assert next_turn(members(weights), back).chosen == turn.chosen


class TestExactness:
    @settings(max_examples=10)
    @given(st.lists(st.integers(1, 997), min_size=3, max_size=10), st.integers(0, 999))
    def test_many_sums_of_weights_do_not_make_fractions_grow_and_the_sum_stays(
        self, weights: list[int], seed: int
    ) -> None:
        random = Random(seed)
        standings: Standings = {}
        for _ in range(300):
            away = {one for one in range(1, len(weights)) if random.random() < 0.3}
            _, standings = deal(weights, standings, away=away)
        assert sum(one.owed for one in standings.values()) == 0
        assert max(one.due.denominator for one in standings.values()) < 10**16
