"""The index adjusted for the lead mix: kinds of leads, what is expected, and that the mix alone moves nothing."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.metrics import SECONDS_A_DAY, WHOLE
from apps.scorecards.presentation_ranking import adjusted_words
from apps.scorecards.rules.lead_mix import (
    FOUND_ALONE,
    Cell,
    Deals,
    expected_of,
    expected_wins,
    join_thin,
    lines_of,
    standard,
)
from apps.scorecards.rules.nearest_step import nearest_step, with_shorter_cycle, with_wins
from apps.scorecards.rules.ranking import (
    ADJUSTED,
    Move,
    Peer,
    Rules,
    Standing,
    Weighted,
    rank,
    totals,
)

KEYS = ("revenue_won", "win_rate", "average_deal", "sales_cycle", "self_sourced_pipeline")
RAW_RULES = Rules(
    tuple(
        Weighted(key, Fraction(weight, 100), key == "sales_cycle")
        for key, weight in zip(KEYS, (30, 25, 15, 15, 15), strict=True)
    ),
    floor=None,
    ceiling=None,
)
RULES = replace(RAW_RULES, decides=ADJUSTED)
GOOD, POOR = Cell(1, "inbound"), Cell(3, "outbound")
CELLS = [Cell(tier, way) for tier in (1, 2, 3) for way in ("inbound", "outbound")] + [FOUND_ALONE]


def deals(won: int, closed: int, amount: int = 1_000, days: int = 30) -> Deals:
    """So many whole deals, each win of ``amount`` minor units and ``days``."""
    return Deals(
        won * WHOLE,
        closed * WHOLE,
        won * amount * WHOLE,
        won * WHOLE,
        won * days * SECONDS_A_DAY * WHOLE,
        won * WHOLE,
    )


def peer(rep_id: int, mix: dict[Cell, Deals], *, pipeline: int = 500, tier: int = 2) -> Peer:
    """An AE whose raw metrics are those of the deals in ``mix``."""
    total = Deals()
    for one in mix.values():
        total = total + one
    won, closed = Fraction(total.won, WHOLE), Fraction(total.closed, WHOLE)
    return Peer(
        rep_id,
        {
            "revenue_won": Fraction(total.revenue, WHOLE),
            "win_rate": won / closed if closed else None,
            "average_deal": Fraction(total.revenue, total.priced) if total.priced else None,
            "sales_cycle": Fraction(total.seconds, total.timed) / SECONDS_A_DAY if total.timed else None,
            "self_sourced_pipeline": Fraction(pipeline),
        },
        won=won,
        closed=closed,
        revenue=Fraction(total.revenue, WHOLE),
        tier=tier,
        mix=mix,
    )


def by_rep(standings: list[Standing]) -> dict[int, Standing]:
    return {one.peer.rep_id: one for one in standings}


def equal_pair(first: tuple[int, int], second: tuple[int, int]) -> list[Peer]:
    """Two who make the same of each kind of lead: of ten good ones six are won, of ten poor ones one; the
    counts are how many tens each was given."""
    return [
        peer(
            number,
            {
                GOOD: deals(6 * good, 10 * good, amount=9_000, days=20),
                POOR: deals(poor, 10 * poor, amount=2_000, days=70),
            },
        )
        for number, (good, poor) in ((1, first), (2, second))
    ]


COUNTS = st.tuples(st.integers(1, 9), st.integers(1, 9))


class TestTheMixAlone:
    @given(COUNTS, COUNTS)
    def test_moves_no_adjusted_index_of_two_who_are_equal(self, first, second):
        one, other = rank(equal_pair(first, second), RULES)
        assert one.adjusted.index == other.adjusted.index == 1

    def test_moves_the_raw_index(self):
        same = by_rep(rank(equal_pair((4, 4), (4, 4)), RAW_RULES))
        shifted = by_rep(rank(equal_pair((7, 1), (1, 7)), RAW_RULES))
        assert same[1].index == same[2].index == 1
        assert shifted[1].index > Fraction(6, 5) > 1 > Fraction(4, 5) > shifted[2].index
        assert shifted[1].move is Move.UP
        assert shifted[2].move is Move.DOWN

    def test_moves_nobody_where_the_adjusted_index_decides(self):
        assert {one.move for one in rank(equal_pair((7, 1), (1, 7)), RULES)} == {Move.STAY}

    def test_leaves_a_difference_of_skill_to_be_seen(self):
        better = peer(1, {GOOD: deals(2, 20), POOR: deals(12, 40)})
        worse = peer(2, {GOOD: deals(30, 60), POOR: deals(1, 20)})
        raw, fair = by_rep(rank([better, worse], RAW_RULES)), by_rep(rank([better, worse], RULES))
        assert raw[1].peer.values["win_rate"] < raw[2].peer.values["win_rate"]
        assert fair[1].adjusted.lines != fair[2].adjusted.lines


MIXES = st.lists(
    st.dictionaries(
        st.sampled_from(CELLS),
        st.integers(0, 20).flatmap(
            lambda closed: st.integers(0, closed).map(lambda won: deals(won, closed, amount=700))
        ),
    ),
    min_size=1,
    max_size=6,
)


class TestWhatIsExpected:
    @given(MIXES, st.integers(1, 40))
    def test_of_all_peers_sums_to_what_they_made(self, mixes, least):
        against = standard(mixes, least)
        expected = sum((expected_wins(lines_of(mix, against)) for mix in mixes), Fraction(0))
        assert expected * WHOLE == sum(one.won for mix in mixes for one in mix.values())
        revenue = sum((expected_of("revenue_won", mix, against) or 0 for mix in mixes), Fraction(0))
        assert revenue * WHOLE == sum(one.revenue for mix in mixes for one in mix.values())

    def test_is_at_the_peers_rate_of_each_kind_of_lead(self):
        own = {GOOD: deals(3, 9), POOR: deals(4, 12)}
        other = {GOOD: deals(5, 11), POOR: deals(0, 8)}
        lines = lines_of(own, standard([own, other], 10))
        assert [(line.closed, line.rate, line.expected) for line in lines] == [
            (9, Fraction(8, 20), Fraction(18, 5)),
            (12, Fraction(4, 20), Fraction(12, 5)),
        ]

    def test_of_what_is_found_alone_is_the_peers_mean(self):
        one, other = {FOUND_ALONE: deals(4, 4)}, {GOOD: deals(5, 10)}
        against = standard([one, other], 10)
        assert expected_of("revenue_won", one, against) == 2_000
        assert expected_of("revenue_won", other, against) == 7_000

    def test_of_deal_and_cycle_goes_by_the_kinds_of_the_own_wins(self):
        one = {GOOD: deals(4, 10, amount=900, days=10), POOR: deals(0, 10)}
        other = {GOOD: deals(4, 10, amount=300, days=30), POOR: deals(2, 10, amount=50, days=90)}
        against = standard([one, other], 10)
        assert expected_of("average_deal", one, against) == 600
        assert expected_of("sales_cycle", one, against) == 20

    def test_is_none_where_nothing_was_closed(self):
        against = standard([{}, {GOOD: deals(1, 10)}], 10)
        assert [expected_of(key, {}, against) for key in ("win_rate", "average_deal", "sales_cycle")] == [
            None
        ] * 3


class TestThinKinds:
    def test_are_joined_with_the_smallest_of_their_tier_then_of_the_nearest(self):
        closed = {
            Cell(1, "inbound"): 3,
            Cell(1, "outbound"): 20,
            Cell(2, "inbound"): 15,
            Cell(3, "inbound"): 4,
        }
        pools = join_thin({cell: count * WHOLE for cell, count in closed.items()}, 10)
        assert pools == [
            (Cell(1, "inbound"), Cell(1, "outbound")),
            (Cell(2, "inbound"), Cell(3, "inbound")),
        ]

    @given(
        st.dictionaries(st.sampled_from(CELLS), st.integers(1, 30 * WHOLE), min_size=1), st.integers(1, 40)
    )
    def test_end_in_one_pool_each_and_none_is_thin_but_a_last_one(self, closed, least):
        pools = join_thin(closed, least)
        assert sorted(cell for pool in pools for cell in pool) == sorted(closed)
        given_pools = [pool for pool in pools if FOUND_ALONE not in pool]
        sizes = [sum(closed[cell] for cell in pool) for pool in given_pools]
        assert len(given_pools) <= 1 or min(sizes) >= least * WHOLE

    def test_never_takes_in_what_was_found_alone(self):
        pools = join_thin({FOUND_ALONE: 1, GOOD: 50 * WHOLE}, 10)
        assert pools == [(FOUND_ALONE,), (GOOD,)]


class TestTooLittle:
    def group(self) -> list[Peer]:
        return [peer(1, {GOOD: deals(5, 5)}), peer(2, {GOOD: deals(0, 20)})]

    def test_moves_nobody_and_says_so(self):
        found = by_rep(rank(self.group(), RULES))[1]
        assert found.adjusted.index is None
        assert found.move is Move.STAY
        assert (
            found.reason == "1 wins expected are fewer than the 2 that an adjustment needs, so nothing moves."
        )

    def test_changes_nothing_where_the_raw_index_decides(self):
        assert by_rep(rank(self.group(), RAW_RULES))[1].move is Move.UP

    @pytest.mark.parametrize(
        "least, is_adjusted", [(Fraction(1), True), (Fraction(1) + Fraction(1, WHOLE), False)]
    )
    def test_the_least_itself_is_enough(self, least, is_adjusted):
        found = by_rep(rank(self.group(), replace(RULES, least_expected=least)))[1]
        assert (found.adjusted.index is not None) == is_adjusted


class TestHeld:
    def test_a_held_move_stays_and_says_that_it_is_held(self):
        better, worse = equal_pair((7, 1), (1, 7))
        found = by_rep(rank([replace(better, is_held=True), worse], RAW_RULES))[1]
        assert (found.move, found.tier_after) == (Move.STAY, 2)
        assert "would move one tier up, but the move is held: tier 2 stays." in found.reason

    def test_a_hold_says_nothing_where_nothing_would_move(self):
        found = rank([replace(one, is_held=True) for one in equal_pair((4, 4), (4, 4))], RAW_RULES)
        assert all("held" not in one.reason for one in found)


class TestNearestStepOfTheAdjustedIndex:
    def test_the_wins_it_names_are_enough_and_one_fewer_is_not(self):
        own = peer(1, {GOOD: deals(9, 20), POOR: deals(3, 20)})
        others = [peer(number, {GOOD: deals(8, 20), POOR: deals(2, 20)}) for number in range(2, 7)]
        group, edges = [own, *others], replace(RULES, floor=Fraction(1, 2), ceiling=Fraction(3, 2))
        against = standard([one.mix for one in group], edges.least_in_cell)
        found = nearest_step(own, totals(group, list(KEYS)), edges, against)
        assert found is not None
        assert found.aim == "reach 1.20 and tier 1"
        assert found.wins is not None

        def reached(more: int) -> Fraction:
            changed = with_wins(own, more, own.values["average_deal"])
            return by_rep(rank([changed, *others], edges))[1].adjusted.index

        assert reached(found.wins - 1) < edges.up_at <= reached(found.wins)

    def test_days_off_the_cycle_count_against_the_cycle_of_the_same_kind_of_lead(self):
        group = [
            peer(1, {GOOD: deals(9, 20, days=60)}),
            *(peer(n, {GOOD: deals(9, 20)}) for n in range(2, 7)),
        ]
        edges = replace(RULES, up_at=Fraction(101, 100), floor=Fraction(1, 2), ceiling=Fraction(3, 2))
        against = standard([one.mix for one in group], edges.least_in_cell)
        found = nearest_step(group[0], totals(group, list(KEYS)), edges, against)
        assert found is not None
        assert found.days is not None
        for off, enough in ((found.days - 1, False), (found.days, True)):
            changed = with_shorter_cycle(group[0], off)
            assert (by_rep(rank([changed, *group[1:]], edges))[1].adjusted.index >= edges.up_at) == enough


class TestInWords:
    def test_shows_the_arithmetic_of_an_ae(self):
        own = {GOOD: deals(5, 9), POOR: deals(2, 12)}
        other = {GOOD: deals(3, 11), POOR: deals(2, 28)}
        found = by_rep(rank([peer(1, own), peer(2, other)], RAW_RULES))[1]
        assert adjusted_words(found.adjusted) == (
            "21 deals closed: 9 of tier 1 inbound at 40.0 %, 12 of tier 3 outbound at 10.0 %; "
            "4.8 wins expected, 7 won, 1.46."
        )

    def test_names_joined_kinds_together(self):
        own = {GOOD: deals(1, 4), Cell(1, "outbound"): deals(1, 4), FOUND_ALONE: deals(1, 2)}
        found = rank([peer(1, own), peer(2, own)], RAW_RULES)[0]
        assert "8 of tier 1 inbound and tier 1 outbound together at 25.0 %" in adjusted_words(found.adjusted)
        assert "2 found alone at 50.0 %" in adjusted_words(found.adjusted)
