"""The index, its bounds and edges, the move and the nearest step."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scorecards.rules.nearest_step import index_if, nearest_step, with_shorter_cycle, with_wins
from apps.scorecards.rules.ranking import (
    Move,
    Peer,
    Rules,
    Weighted,
    decide,
    index_of,
    means,
    rank,
    shown,
    term,
    terms_of,
    totals,
)

KEYS = ("revenue_won", "win_rate", "average_deal", "sales_cycle", "self_sourced_pipeline")
WEIGHTS = (30, 25, 15, 15, 15)
RULES = Rules(
    tuple(
        Weighted(key, Fraction(weight, 100), key == "sales_cycle")
        for key, weight in zip(KEYS, WEIGHTS, strict=True)
    )
)
UNBOUNDED = replace(RULES, floor=None, ceiling=None)
STEP = Fraction(1, 10_000)


def peer(rep_id: int, *values: object, **more: object) -> Peer:
    """A peer with the five values in the order of ``KEYS``, and enough closed deals to move."""
    given_values = {
        key: None if value is None else Fraction(str(value)) for key, value in zip(KEYS, values, strict=True)
    }
    fields: dict = {"closed": Fraction(20), "won": Fraction(8), "tier": 2, **more}
    return Peer(rep_id, given_values, **fields)


def mover(**more: object) -> Peer:
    return peer(1, 1, 1, 1, 1, 1, **more)


class TestMove:
    @pytest.mark.parametrize(
        "index, tier, expected",
        [
            (Fraction(12, 10) - STEP, 2, (Move.STAY, 2)),
            (Fraction(12, 10), 2, (Move.UP, 1)),
            (Fraction(12, 10) + STEP, 2, (Move.UP, 1)),
            (Fraction(12, 10), 3, (Move.UP, 2)),
            (Fraction(12, 10), 1, (Move.STAY, 1)),
            (Fraction(8, 10) + STEP, 2, (Move.STAY, 2)),
            (Fraction(8, 10), 2, (Move.DOWN, 3)),
            (Fraction(8, 10) - STEP, 2, (Move.DOWN, 3)),
            (Fraction(8, 10), 1, (Move.DOWN, 2)),
            (Fraction(8, 10), 3, (Move.STAY, 3)),
            (Fraction(3, 2), 3, (Move.UP, 2)),
            (Fraction(1, 2), 1, (Move.DOWN, 2)),
        ],
    )
    def test_edges_belong_to_the_move_and_it_is_one_step(self, index, tier, expected):
        assert decide(index, mover(tier=tier), RULES, 9)[:2] == expected

    def test_nobody_moves_below_the_minimum_of_closed_deals(self):
        few = mover(closed=Fraction(499, 100))
        move, tier, reason = decide(Fraction(3, 2), few, RULES, 9)
        assert (move, tier) == (Move.STAY, 2)
        assert "4.99 closed deals are fewer than the 5" in reason
        assert decide(Fraction(3, 2), mover(closed=Fraction(5)), RULES, 9)[0] is Move.UP

    def test_nobody_moves_while_ramping(self):
        move, tier, reason = decide(Fraction(1, 2), mover(is_ramping=True), RULES, 9)
        assert (move, tier) == (Move.STAY, 2)
        assert "ramping" in reason

    def test_nobody_moves_without_peers(self):
        assert decide(Fraction(3, 2), mover(), RULES, 1)[0] is Move.STAY

    def test_the_reason_shows_as_many_decimals_as_the_edge_needs(self):
        just_below = Fraction(12, 10) - Fraction(1, 1_000_000)
        assert shown(just_below, RULES) == "1.199999"
        assert shown(Fraction(12, 10), RULES) == "1.2000"
        assert "1.199999" in decide(just_below, mover(), RULES, 9)[2]


class TestTerm:
    revenue, cycle = RULES.metrics[0], RULES.metrics[3]

    def test_is_own_over_mean(self):
        assert term(Fraction(412_600), Fraction(318_000), self.revenue, RULES).ratio == Fraction(4126, 3180)

    def test_is_turned_round_where_lower_is_better(self):
        assert term(Fraction(47), Fraction(58), self.cycle, RULES).ratio == Fraction(58, 47)

    @pytest.mark.parametrize(
        "own, ratio", [(49, "0.5"), (50, "0.5"), (51, "0.51"), (149, "1.49"), (150, "1.5"), (151, "1.5")]
    )
    def test_is_held_between_the_bounds(self, own, ratio):
        found = term(Fraction(own), Fraction(100), self.revenue, RULES)
        assert found.ratio == Fraction(ratio)
        assert bool(found.why) == (own in (49, 151))

    def test_without_a_value_counts_as_the_lower_bound_and_says_so(self):
        found = term(None, Fraction(100), self.revenue, RULES)
        assert found.ratio == Fraction(1, 2)
        assert "no value in the period" in found.why

    @pytest.mark.parametrize("mean", [None, Fraction(0), Fraction(-5)])
    def test_without_anything_to_compare_with_counts_as_average(self, mean):
        assert term(Fraction(0), mean, self.revenue, RULES).ratio == 1

    def test_no_days_at_all_count_as_the_upper_bound(self):
        assert term(Fraction(0), Fraction(10), self.cycle, RULES).ratio == Fraction(3, 2)

    def test_corrections_below_zero_count_as_the_lower_bound(self):
        assert term(Fraction(-10), Fraction(10), self.revenue, RULES).ratio == Fraction(1, 2)


class TestRank:
    def test_the_worked_example_of_the_scorecard(self):
        """The figures of one AE against the means of nine: 0.3892 + 0.3247 + 0.1653 + 0.1851 + 0.1744."""
        own = peer(1, 412_600, "0.286", 34_383, 47, 186_000)
        averages = dict(zip(KEYS, map(Fraction, ("318000", "0.22", "31200", "58", "160000")), strict=True))
        terms = terms_of(own, averages, RULES)
        assert [shown(one.adds, RULES) for one in terms] == ["0.3892", "0.3250", "0.1653", "0.1851", "0.1744"]
        assert decide(index_of(terms), own, RULES, 9)[:2] == (Move.UP, 1)

    def test_equal_peers_share_the_first_place_at_exactly_one(self):
        standings = rank([peer(number, 5, "0.5", 7, 30, 2) for number in (3, 1, 2)], RULES)
        assert [(one.peer.rep_id, one.rank, one.index) for one in standings] == [
            (1, 1, 1),
            (2, 1, 1),
            (3, 1, 1),
        ]

    def test_the_place_after_a_shared_one_is_left_out(self):
        best = [peer(number, 9, "0.5", 7, 30, 2) for number in (1, 2)]
        standings = rank([*best, peer(3, 1, "0.5", 7, 30, 2)], RULES)
        assert [one.rank for one in standings] == [1, 1, 3]

    def test_an_index_of_exactly_one_point_two_moves_up(self):
        """Two AEs, 12 against 8 in everything: the mean is 10 and the ratios are exactly 1.2 and 0.8."""
        rules = Rules(tuple(Weighted(key, Fraction(1, 4)) for key in KEYS if key != "sales_cycle"))
        standings = rank([peer(1, 12, 12, 12, 1, 12), peer(2, 8, 8, 8, 1, 8)], rules)
        assert [one.index for one in standings] == [Fraction(6, 5), Fraction(4, 5)]
        assert [one.move for one in standings] == [Move.UP, Move.DOWN]

    def test_without_a_win_there_is_no_deal_and_no_cycle_but_a_standing(self):
        standings = rank([peer(1, 0, 0, None, None, 5), peer(2, 10, "0.5", 10, 30, 5)], RULES)
        last = standings[-1]
        assert last.peer.rep_id == 1
        assert [one.why != "" for one in last.terms] == [True, True, True, True, False]

    def test_nobody_has_anything(self):
        standings = rank([peer(1, 0, None, None, None, 0), peer(2, 0, None, None, None, 0)], RULES)
        assert {one.index for one in standings} == {Fraction(1)}

    def test_weights_that_do_not_sum_to_the_whole_are_refused(self):
        with pytest.raises(ValueError, match="sum to the whole"):
            Rules((Weighted("win_rate", Fraction(1, 2)),))


positive = st.fractions(min_value=Fraction(1, 1000), max_value=10_000, max_denominator=1000)
anything = st.none() | st.fractions(min_value=-100, max_value=10_000, max_denominator=1000)


def groups(values: st.SearchStrategy) -> st.SearchStrategy:
    rows = st.lists(st.tuples(*[values] * 5), min_size=1, max_size=9)
    return rows.map(lambda found: [peer(number, *row) for number, row in enumerate(found, 1)])


def mean_of(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


class TestProperties:
    @given(groups(positive))
    def test_unbounded_ratios_average_to_one_where_higher_is_better(self, peers):
        standings = rank(peers, UNBOUNDED)
        for number, key in enumerate(KEYS):
            average = mean_of([one.terms[number].ratio for one in standings])
            if key == "sales_cycle":
                assert average >= 1, "the mean over own is convex, so its mean is one at the least"
            else:
                assert average == 1

    @given(groups(anything))
    def test_the_index_lies_between_the_bounds_and_is_the_sum_of_what_is_added(self, peers):
        for one in rank(peers, RULES):
            assert Fraction(1, 2) <= one.index <= Fraction(3, 2)
            assert one.index == sum((found.adds for found in one.terms), Fraction(0))

    @given(groups(anything), st.randoms(use_true_random=False))
    def test_the_order_in_which_peers_come_changes_nothing(self, peers, random):
        shuffled = list(peers)
        random.shuffle(shuffled)
        assert rank(shuffled, RULES) == rank(peers, RULES)

    @given(groups(positive), st.integers(2, 1000))
    def test_the_unit_of_a_metric_changes_nothing(self, peers, times):
        """Cents or euros, hours or days: ratios have no unit."""
        scaled = [
            replace(one, values={key: value and value * times for key, value in one.values.items()})
            for one in peers
        ]
        assert [one.index for one in rank(scaled, RULES)] == [one.index for one in rank(peers, RULES)]

    @given(groups(anything))
    def test_places_follow_the_index_and_moves_follow_the_edges(self, peers):
        standings = rank(peers, RULES)
        for better, worse in pairwise(standings):
            assert (better.index > worse.index) == (better.rank < worse.rank)
        for one in standings:
            assert abs(one.tier_after - one.peer.tier) <= 1
            if one.move is Move.UP:
                assert one.index >= RULES.up_at
            if one.move is Move.DOWN:
                assert one.index <= RULES.down_at

    @given(groups(anything))
    def test_an_unchanged_peer_keeps_its_index_when_the_rule_is_run_again(self, peers):
        group = totals(peers, KEYS)
        for one in rank(peers, RULES):
            assert index_if(one.peer, one.peer, group, RULES) == one.index


def consistent(rep_id: int, won: int, lost: int, deal: int, cycle: int, own: int, tier: int = 2) -> Peer:
    """A peer whose five values follow from deals."""
    closed = won + lost
    return Peer(
        rep_id,
        {
            "revenue_won": Fraction(won * deal),
            "win_rate": Fraction(won, closed) if closed else None,
            "average_deal": Fraction(deal) if won else None,
            "sales_cycle": Fraction(cycle) if won else None,
            "self_sourced_pipeline": Fraction(own),
        },
        won=Fraction(won),
        closed=Fraction(closed),
        revenue=Fraction(won * deal),
        tier=tier,
    )


deals = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.integers(0, 20),
        st.integers(1, 90_000),
        st.integers(1, 90),
        st.integers(0, 500_000),
    ),
    min_size=2,
    max_size=7,
).map(lambda rows: [consistent(number, *row) for number, row in enumerate(rows, 1)])


class TestNearestStep:
    PEERS = (
        consistent(1, 8, 12, 30_000, 50, 100_000),
        consistent(2, 6, 14, 30_000, 60, 100_000),
        consistent(3, 6, 14, 28_000, 64, 90_000),
    )

    def test_names_the_fewest_wins_and_days_that_are_enough(self):
        step = nearest_step(self.PEERS[0], totals(self.PEERS, KEYS), RULES)
        assert step is not None
        assert step.words == "Two more wins, or 15 days off the cycle would reach 1.20 and tier 1."

    @given(deals)
    def test_is_enough_and_one_less_is_not(self, peers):
        group = totals(peers, KEYS)
        mine = peers[0]
        step = nearest_step(mine, group, RULES)
        now = index_if(mine, mine, group, RULES)
        if step is None:
            assert now >= RULES.up_at
            return
        falling = now <= RULES.down_at

        def enough(changed: Peer) -> bool:
            index = rank([changed, *peers[1:]], RULES)
            found = next(one.index for one in index if one.peer.rep_id == mine.rep_id)
            if falling:
                return found > RULES.down_at
            return found >= RULES.up_at and changed.closed >= RULES.least_closed

        deal = mine.values["average_deal"] or means(peers, KEYS)["average_deal"]
        if step.wins is not None:
            assert enough(with_wins(mine, step.wins, deal))
            assert step.wins == 1 or not enough(with_wins(mine, step.wins - 1, deal))
        if step.days is not None:
            assert enough(with_shorter_cycle(mine, step.days))
            assert step.days == 1 or not enough(with_shorter_cycle(mine, step.days - 1))

    def test_there_is_none_above_the_best_tier(self):
        best = replace(self.PEERS[0], tier=1)
        assert nearest_step(best, totals([best, *self.PEERS[1:]], KEYS), RULES) is None

    def test_says_what_would_keep_the_tier_of_somebody_about_to_fall(self):
        low = consistent(1, 3, 17, 20_000, 90, 40_000)
        step = nearest_step(low, totals([low, *self.PEERS[1:]], KEYS), RULES)
        assert step is not None
        assert "keep tier 2" in step.words
