"""Certifications that run out, small steps, tiers of a metric: edges and what always holds."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.metrics import Unit
from apps.scorecards.forms.training import aim_as_written, aim_read
from apps.scorecards.rules import coaching, training
from apps.scorecards.rules.coaching import GoalState, Peer
from apps.scorecards.rules.training import State

pytestmark = pytest.mark.once

DUE = date(2026, 12, 1)


class TestCertification:
    def test_holds_to_the_same_day_a_year_later(self):
        assert training.months_later(date(2026, 11, 12), 12) == date(2027, 11, 12)

    def test_of_a_leap_day_ends_with_february(self):
        assert training.months_later(date(2028, 2, 29), 12) == date(2029, 2, 28)

    def test_of_the_31st_ends_with_a_shorter_month(self):
        assert training.months_later(date(2026, 8, 31), 6) == date(2027, 2, 28)

    @pytest.mark.parametrize(
        ("days", "state"),
        [(-31, State.DONE), (-30, State.DUE), (-1, State.DUE), (0, State.OVERDUE), (400, State.OVERDUE)],
    )
    def test_is_due_thirty_days_before_it_ends_and_overdue_from_that_day(self, days, state):
        assert training.state_on(DUE + timedelta(days=days), due=DUE, was_passed=True) is state

    def test_that_was_never_passed_is_due_at_once(self):
        assert training.state_on(DUE - timedelta(days=59), due=DUE, was_passed=False) is State.DUE

    def test_gives_a_newcomer_sixty_days(self):
        due = training.due_on(passed_until=None, hired_on=date(2026, 11, 1), asked_from=date(2026, 1, 1))
        assert due == date(2026, 12, 31)

    def test_is_told_before_on_the_day_and_again_every_fortnight(self):
        assert training.reminder_at(DUE - timedelta(days=31), DUE) is None
        days = [-30, -1, 0, 13, 14, 28]
        found = [training.reminder_at(DUE + timedelta(days=one), DUE).key for one in days]
        assert found == ["soon:0", "soon:0", "overdue:0", "overdue:0", "overdue:1", "overdue:2"]

    @given(st.integers(-100, 400))
    def test_the_next_reminder_is_always_to_come_and_the_last_has_come(self, days):
        day = DUE + timedelta(days=days)
        assert training.reminder_after(day, DUE).on > day
        now = training.reminder_at(day, DUE)
        assert now is None or now.on <= day

    @pytest.mark.parametrize(
        ("score", "asked", "said", "passed"),
        [(79, 80, True, False), (80, 80, None, True), (None, 80, True, None), (None, None, True, True),
         (None, None, None, None)],
    )  # fmt: skip
    def test_a_score_decides_where_one_is_asked(self, score, asked, said, passed):
        assert training.is_pass(score, asked, said) is passed


def peers(*values: tuple[int, int | None]) -> list[Peer]:
    return [
        Peer(number, f"Rep {number}", Fraction(value), tier) for number, (value, tier) in enumerate(values)
    ]


class TestSmallSteps:
    def test_reach_to_the_mean_of_the_next_tier_and_no_further(self):
        some = peers((10, 3), (30, 2), (50, 2), (90, 1))
        step = coaching.next_step(0, some)
        assert (step.own, step.limit, step.from_tier, step.to_tier) == (10, 40, 3, 2)
        assert coaching.is_within(Fraction(40), step)
        assert not coaching.is_within(Fraction(41), step)
        assert not coaching.is_within(Fraction(10), step)

    def test_a_tier_without_anybody_is_stepped_over(self):
        assert coaching.next_step(0, peers((10, 3), (90, 1))).to_tier == 1

    def test_on_top_it_is_a_tenth(self):
        step = coaching.next_step(3, peers((10, 3), (30, 2), (50, 2), (90, 1)))
        assert (step.limit, step.to_tier) == (99, None)

    def test_who_is_beyond_the_next_tier_already_goes_a_tenth(self):
        assert coaching.next_step(0, peers((100, 3), (40, 2))).limit == 110

    def test_where_lower_is_better_they_go_down(self):
        some = peers((90, 3), (50, 2))
        step = coaching.next_step(0, some, lower=True)
        assert step.limit == 50
        assert coaching.is_within(Fraction(60), step, lower=True)
        assert not coaching.is_within(Fraction(49), step, lower=True)
        assert not coaching.is_within(Fraction(90), step, lower=True)

    def test_from_nothing_with_nobody_above_there_is_none(self):
        assert coaching.next_step(0, peers((0, 3))) is None
        assert coaching.next_step(9, peers((5, 3))) is None

    def test_without_tiers_peers_stand_in_thirds_equals_on_the_better(self):
        some = peers((9, None), (8, None), (8, None), (7, None), (6, None), (5, None))
        assert coaching.tiers_of(some) == {0: 1, 1: 1, 2: 1, 3: 2, 4: 3, 5: 3}

    @given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.booleans(), st.randoms())
    def test_tiers_go_with_the_figures_whoever_comes_first(self, values, lower, chance):
        some = peers(*[(value, None) for value in values])
        found = coaching.tiers_of(some, lower=lower)
        shuffled = list(some)
        chance.shuffle(shuffled)
        assert coaching.tiers_of(shuffled, lower=lower) == found
        for one in some:
            for other in some:
                if (one.value < other.value) if lower else (one.value > other.value):
                    assert found[one.rep_id] <= found[other.rep_id]
                if one.value == other.value:
                    assert found[one.rep_id] == found[other.rep_id]

    @given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.booleans())
    def test_a_step_is_always_forward(self, values, lower):
        some = peers(*[(value, None) for value in values])
        for one in some:
            step = coaching.next_step(one.rep_id, some, lower=lower)
            assert step is not None
            assert coaching.is_within(step.limit, step, lower=lower)


class TestGoals:
    @pytest.mark.parametrize(
        ("now", "over", "ended", "state"),
        [(5, False, False, GoalState.RUNNING), (8, False, False, GoalState.REACHED),
         (5, True, False, GoalState.MISSED), (8, True, False, GoalState.REACHED),
         (5, False, True, GoalState.ENDED), (None, False, False, GoalState.RUNNING)],
    )  # fmt: skip
    def test_stand_as_the_record_says(self, now, over, ended, state):
        value = None if now is None else Fraction(now)
        found = coaching.goal_state(value, Fraction(8), lower=False, is_over=over, was_ended=ended)
        assert found is state

    def test_the_way_is_between_nothing_and_all(self):
        assert coaching.way_done(Fraction(10), Fraction(20), Fraction(15)) == Fraction(1, 2)
        assert coaching.way_done(Fraction(10), Fraction(20), Fraction(5)) == 0
        assert coaching.way_done(Fraction(10), Fraction(20), Fraction(50)) == 1
        assert coaching.way_done(Fraction(90), Fraction(50), Fraction(70)) == Fraction(1, 2)
        assert coaching.way_done(Fraction(90), Fraction(50), None) == 0


def test_an_open_support_action_is_told_again_a_week_later():
    at = datetime(2026, 11, 12, 9, tzinfo=UTC)
    assert coaching.next_escalation(at) == at + timedelta(days=7)


@pytest.mark.parametrize(
    ("limit", "unit", "lower", "written"),
    [(Fraction(2, 3), Unit.RATE, False, "66.66"), (Fraction(2, 3), Unit.RATE, True, "66.67"),
     (Fraction(7_615_933, 1), Unit.MONEY, False, "76159.33"), (Fraction(11), Unit.COUNT, False, "11"),
     (Fraction(100), Unit.COUNT, False, "100")],
)  # fmt: skip
def test_what_a_form_proposes_is_never_past_the_step(limit, unit, lower, written):
    assert aim_as_written(limit, unit, "EUR", lower=lower) == written
    read = aim_read(Decimal(written), unit, "EUR")
    assert (read >= limit) if lower else (read <= limit)
