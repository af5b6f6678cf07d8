"""Acceptance against peers on the same lead mix: exact, blind to the mix, and not fooled by chance."""

import random
from fractions import Fraction
from itertools import product
from math import comb

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.leads.rules.answer_patterns import (
    MINIMUM,
    Cell,
    Verdict,
    compare,
    is_enough,
    level_for,
    ways,
)

LEVEL = level_for(8)

cells = st.builds(
    lambda own, own_share, peers, peers_share: Cell(
        own, own * own_share // 10, peers, peers * peers_share // 10
    ),
    st.integers(0, 12),
    st.integers(0, 10),
    st.integers(0, 20),
    st.integers(0, 10),
)


class TestWays:
    @given(st.lists(cells, min_size=1, max_size=3))
    def test_are_those_counted_one_by_one(self, found):
        least, counts = ways(found)
        plain: dict[int, int] = {}
        spans = []
        for cell in found:
            rejected = cell.own_rejected + cell.peers_rejected
            spans.append(
                [
                    (k, comb(cell.own, k) * comb(cell.peers, rejected - k))
                    for k in range(cell.own + 1)
                    if 0 <= rejected - k <= cell.peers
                ]
            )
        for chosen in product(*spans):
            total, weight = sum(k for k, _ in chosen), 1
            for _, one in chosen:
                weight *= one
            plain[total] = plain.get(total, 0) + weight
        assert least == min(plain)
        whole, theirs = sum(counts), sum(plain.values())
        for place, count in enumerate(counts):
            assert Fraction(count, whole) == Fraction(plain[least + place], theirs)


class TestCompare:
    def test_says_nothing_below_the_minimum(self):
        pattern = compare([Cell(MINIMUM - 1, MINIMUM - 1, 400, 0)], level=LEVEL)
        assert pattern.verdict is Verdict.TOO_FEW
        assert pattern.low is None
        assert not is_enough([Cell(MINIMUM - 1, 0, 400, 0)])

    def test_compares_only_leads_that_peers_had_too(self):
        pattern = compare([Cell(40, 5, 400, 50), Cell(90, 90, 0, 0)], level=LEVEL)
        assert (pattern.answered, pattern.compared, pattern.observed) == (130, 40, 5)
        assert pattern.verdict is Verdict.CHANCE

    def test_names_who_accepts_everything(self):
        pattern = compare([Cell(60, 0, 400, 50), Cell(40, 0, 300, 60)], level=LEVEL)
        assert pattern.verdict is Verdict.ACCEPTS_ALL
        assert pattern.low == 0
        assert pattern.high < 1

    def test_names_who_rejects_far_more(self):
        pattern = compare([Cell(60, 25, 400, 50), Cell(40, 15, 300, 60)], level=LEVEL)
        assert pattern.verdict is Verdict.MORE
        assert 1 < pattern.low < pattern.ratio < pattern.high

    def test_finds_nothing_where_nobody_rejects(self):
        pattern = compare([Cell(60, 0, 400, 0)], level=LEVEL)
        assert (pattern.verdict, pattern.ratio) == (Verdict.CHANCE, None)

    def test_holds_a_worked_example(self):
        # One cell, 2 of 20 answered by the AE were among 10 rejections of 40: P(K <= 2) of a hypergeometric.
        pattern = compare([Cell(20, 2, 20, 8)], level=Fraction(1, 20))
        tail = Fraction(sum(comb(20, k) * comb(20, 10 - k) for k in range(3)), comb(40, 10))
        assert pattern.expected == 5
        assert (tail < Fraction(1, 40)) == (pattern.high < 1)

    @given(st.lists(cells, min_size=1, max_size=4), st.sampled_from([LEVEL, Fraction(1, 10)]))
    def test_has_an_interval_round_what_was_seen_that_agrees_with_its_verdict(self, found, level):
        pattern = compare(found, level=level)
        assume(pattern.low is not None)
        assert pattern.low <= pattern.ratio <= pattern.high
        beyond = pattern.low > 1 or pattern.high < 1
        assert pattern.is_beyond_chance == beyond
        assert compare(found, level=level, bounded=False).verdict is pattern.verdict

    @given(
        st.lists(st.tuples(st.integers(1, 9), st.integers(2, 30)), min_size=2, max_size=5),
        st.lists(st.integers(0, 12), min_size=5, max_size=5),
        st.lists(st.integers(0, 12), min_size=5, max_size=5),
    )
    def test_is_blind_to_a_shifted_mix(self, kinds, mix, other_mix):
        """Whoever rejects in every cell as the peers do has ratio 1, whatever leads come."""

        def of(shares):
            # In tens of answers, so that each cell's own rate is exactly the peers'.
            return [
                Cell(10 * share, share * tenths, 10 * peers, peers * tenths)
                for (tenths, peers), share in zip(kinds, shares, strict=False)
            ]

        one, other = compare(of(mix), level=LEVEL), compare(of(other_mix), level=LEVEL)
        for pattern in (one, other):
            if pattern.compared:
                assert pattern.ratio == 1
            if pattern.compared >= MINIMUM:
                assert pattern.verdict is Verdict.CHANCE

    def test_moves_the_raw_rate_alone_when_the_mix_shifts(self):
        good, bad = (100, 10), (100, 60)
        easy = compare([Cell(90, 9, *good), Cell(10, 6, *bad)], level=LEVEL)
        hard = compare([Cell(10, 1, *good), Cell(90, 54, *bad)], level=LEVEL)
        assert Fraction(easy.rejected, easy.answered) != Fraction(hard.rejected, hard.answered)
        assert easy.ratio == hard.ratio == 1
        assert easy.verdict is hard.verdict is Verdict.CHANCE

    @given(st.lists(cells, min_size=1, max_size=3))
    def test_is_stricter_the_more_is_looked_at(self, found):
        few, many = compare(found, level=level_for(1)), compare(found, level=level_for(500))
        if many.is_beyond_chance:
            assert few.is_beyond_chance

    @pytest.mark.parametrize("wrong", [(3, 4, 5, 1), (3, -1, 5, 1), (3, 1, 5, 6)])
    def test_refuses_more_rejections_than_answers(self, wrong):
        with pytest.raises(ValueError, match="more rejections"):
            Cell(*wrong)


class TestFalseAlarms:
    """Everybody rejects alike; leads differ. A seed fixes the dice: the test says the same each time."""

    AES, LOOKS, ALARMS = 6, 250, Fraction(1, 5)

    def look(self, dice: random.Random) -> list[list[Cell]]:
        rates = [dice.choice((0.05, 0.15, 0.4, 0.7)) for _ in range(4)]
        answers = [
            [(n := dice.randrange(3, 30), sum(dice.random() < rate for _ in range(n))) for rate in rates]
            for _ in range(self.AES)
        ]
        whole = [(sum(a[c][0] for a in answers), sum(a[c][1] for a in answers)) for c in range(4)]
        return [
            [Cell(n, k, whole[c][0] - n, whole[c][1] - k) for c, (n, k) in enumerate(own)] for own in answers
        ]

    def test_are_no_more_than_stated_under_pure_chance(self):
        dice = random.Random(20261112)
        alarmed = naive = 0
        for _ in range(self.LOOKS):
            tables = self.look(dice)
            tests = [own for own in tables if is_enough(own)]
            level = self.ALARMS / max(1, len(tests))
            alarmed += any(compare(own, level=level, bounded=False).is_beyond_chance for own in tests)
            naive += any(compare(own, level=self.ALARMS, bounded=False).is_beyond_chance for own in tests)
        assert alarmed <= self.ALARMS * self.LOOKS
        assert naive > self.ALARMS * self.LOOKS, "without the correction the same dice raise too many"

    def test_are_as_rare_as_the_page_says(self):
        dice = random.Random(7)
        tables = [self.look(dice) for _ in range(self.LOOKS)]
        alarmed = sum(
            any(compare(own, level=level_for(self.AES), bounded=False).is_beyond_chance for own in table)
            for table in tables
        )
        assert alarmed <= self.LOOKS * Fraction(1, 20) / 12 + 1
