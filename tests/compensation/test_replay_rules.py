"""Who moves where, and how far pay agreed with revenue: against slow and published answers."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.compensation.rules.agreement import Paid, Pairs, pairs, rank_correlation
from apps.compensation.rules.moves import Assigned, Move, Person, Who, changed_reps, moved
from apps.core.periods import Period

WINDOW = Period(date(2026, 1, 1), date(2026, 4, 1))
PEOPLE = {number: Person(number, number % 2, "ae", date(2025, 1, 1)) for number in range(1, 7)}


def to(plan_id: int, who: Who = Who.PEOPLE, *ids: int | str) -> Move:
    return Move(who, frozenset(ids), plan_id)


class TestMoves:
    def test_an_assignment_that_touches_the_window_moves_whole(self):
        row = Assigned(1, 5, date(2025, 6, 1), None)
        assert moved([row], PEOPLE, [to(9, Who.PLAN, 5)], WINDOW) == [row._replace(plan_id=9)]

    def test_one_that_was_over_or_comes_later_stays(self):
        rows = [Assigned(1, 5, date(2025, 6, 1), date(2026, 1, 1)), Assigned(1, 5, date(2026, 4, 1), None)]
        assert moved(rows, PEOPLE, [to(9, Who.EVERYBODY)], WINDOW) == rows

    def test_neighbours_on_one_plan_become_one(self):
        rows = [Assigned(1, 5, date(2025, 6, 1), date(2026, 2, 1)), Assigned(1, 6, date(2026, 2, 1), None)]
        both = moved(rows, PEOPLE, [to(9, Who.ROLE, "ae")], WINDOW)
        assert both == [Assigned(1, 9, date(2025, 6, 1), None)]

    def test_who_is_named_and_was_on_no_plan_is_put_on_it_from_the_hire(self):
        late = {1: Person(1, 1, "ae", date(2026, 2, 10), date(2026, 3, 20))}
        assert moved([], late, [to(9, Who.PEOPLE, 1)], WINDOW) == [
            Assigned(1, 9, date(2026, 2, 10), date(2026, 3, 20))
        ]

    def test_concern_whoever_shares_a_plan_with_who_moves(self):
        rows = [Assigned(number, 5 if number < 3 else 6, date(2025, 6, 1), None) for number in (1, 2, 3)]
        after = moved(rows, PEOPLE, [to(6, Who.PEOPLE, 1)], WINDOW)
        assert changed_reps(rows, after, WINDOW) == {1, 2, 3}
        aside = moved(rows, PEOPLE, [to(9, Who.PEOPLE, 1)], WINDOW)
        assert changed_reps(rows, aside, WINDOW) == {1, 2}


figures = st.lists(
    st.builds(Paid, st.sampled_from(["ae", "isr"]), st.integers(-5, 5), st.integers(0, 5)), max_size=25
)


class TestPairs:
    @given(figures)
    def test_are_those_that_are_counted_one_by_one(self, people):
        slow = Pairs()
        for place, one in enumerate(people):
            for other in people[:place]:
                if one.role != other.role or one.revenue_minor == other.revenue_minor:
                    continue
                same = (one.revenue_minor - other.revenue_minor) * (one.pay_minor - other.pay_minor)
                slow += Pairs(int(same > 0), int(same == 0), int(same < 0))
        assert pairs(people) == slow

    def test_share_counts_a_tie_half_and_is_none_without_a_pair(self):
        assert Pairs(2, 1, 1).share == Fraction(5, 8)
        assert Pairs().share is None


class TestRankCorrelation:
    def test_of_a_published_example(self):
        """Hours of television and intelligence of ten people: rho = -29/165."""
        iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
        hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
        found = rank_correlation([Paid("", a, b) for a, b in zip(iq, hours, strict=True)])
        assert found.rho is not None
        assert abs(found.rho - Decimal(-29) / 165) < Decimal("1e-20")
        assert found.low is not None
        assert found.high is not None
        assert -1 < found.low < found.rho < found.high < 1
        # atanh(-0.17576) = -0.17760; half a width of 1.95996 * sqrt((1 + 0.01545) / 7) = 0.74649.
        assert abs(found.low - Decimal("-0.72783")) < Decimal("0.0005")
        assert abs(found.high - Decimal("0.51452")) < Decimal("0.0005")

    @given(st.lists(st.integers(0, 9), min_size=2, max_size=20))
    def test_of_something_with_itself_is_one_and_with_its_opposite_minus_one(self, values):
        same = rank_correlation([Paid("", one, one) for one in values])
        turned = rank_correlation([Paid("", -one, one) for one in values])
        if len(set(values)) == 1:
            assert same.rho is None is turned.rho
        else:
            assert (same.rho, turned.rho) == (1, -1)

    @pytest.mark.parametrize("count", [0, 1, 9])
    def test_of_few_has_no_interval(self, count):
        found = rank_correlation([Paid("", number * number % 7, number) for number in range(count)])
        assert found.is_few
        assert found.low is None
