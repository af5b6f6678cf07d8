"""A close rate, how sure it is, and what is said of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.close_rates import MINIMUM, Rate, Verdict, wilson

pairs = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


class TestWilson:
    @given(pairs)
    def test_holds_the_seen_rate_within_0_and_1(self, pair: tuple[int, int]) -> None:
        won, decided = pair
        low, high = wilson(won, decided)
        assert 0 <= low <= won / decided <= high <= 1

    @given(pairs)
    def test_ten_times_as_many_make_it_narrower(self, pair: tuple[int, int]) -> None:
        won, decided = pair
        low, high = wilson(won, decided)
        closer_low, closer_high = wilson(10 * won, 10 * decided)
        assert closer_high - closer_low < high - low

    @pytest.mark.parametrize(
        ("won", "decided", "low", "high"),
        [(30, 100, 0.2189, 0.3958), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 2, 0.0945, 0.9055)],
    )
    def test_known_values(self, won: int, decided: int, low: float, high: float) -> None:
        assert wilson(won, decided) == pytest.approx((low, high), abs=0.0001)


class TestRate:
    @pytest.mark.parametrize(
        ("won", "decided", "verdict", "words"),
        [
            (0, 0, Verdict.TOO_FEW, "Too few to say: 0 decided, 20 are needed."),
            (9, MINIMUM - 1, Verdict.TOO_FEW, "Too few to say: 19 decided, 20 are needed."),
            (6, MINIMUM, Verdict.AS_EXPECTED, "As expected."),
            (25, 100, Verdict.AS_EXPECTED, "As expected."),
            (35, 100, Verdict.AS_EXPECTED, "As expected."),
            (10, 100, Verdict.BELOW, "Below what was expected, beyond chance."),
            (60, 100, Verdict.ABOVE, "Above what was expected, beyond chance."),
            (20, 100, Verdict.UNSURE, "Below what was expected, but chance may be why."),
            (40, 100, Verdict.UNSURE, "Above what was expected, but chance may be why."),
        ],
    )
    def test_is_held_against_what_was_expected(self, won, decided, verdict, words) -> None:
        rate = Rate(won, decided, (25, 35))
        assert (rate.verdict, rate.in_words) == (verdict, words)

    def test_nothing_was_expected(self) -> None:
        assert Rate(30, 100).verdict is Verdict.NOT_EXPECTED

    def test_nothing_is_decided(self) -> None:
        rate = Rate(0, 0, (25, 35))
        assert (rate.seen, rate.interval) == (None, None)
