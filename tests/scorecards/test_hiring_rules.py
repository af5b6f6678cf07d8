"""A hiring plan played forward: ramp, attainment, what breaks first, and what always holds."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidInput
from apps.core.periods import month_of
from apps.scorecards.rules import hiring as rules
from apps.scorecards.rules.hiring_draft import Draft, RoleDraft, checked, document_of, plan_of, read_draft

pytestmark = pytest.mark.once

NOVEMBER = month_of(date(2026, 11, 1))


def role(heads: int = 0, does: int = 0, assumed: int = 0, ramp: int = 1, cost: int = 0, meetings: str = "0"):
    return rules.Role(heads, Fraction(does), Fraction(assumed), ramp, cost, Fraction(meetings))


def plan(**changed) -> rules.Plan:
    """Fourteen inbound SDRs of the mockup, three hires in January who ramp over four months."""
    usual = rules.Plan(
        start=NOVEMBER,
        months=6,
        leads=Fraction(2924),
        growth=Fraction("0.033"),
        attainment=Fraction(1),
        hours_a_meeting=Fraction(1),
        close_rate=Fraction(1, 5),
        budget_minor=10**9,
        roles={
            "isr": role(14, 209, 200, 4, 500_000, "0.13"),
            "osr": role(),
            "ae": role(19, 24, 24, 6, 900_000),
        },
        hires=(rules.Hire(2, "isr", 3),),
    )
    return replace(usual, **changed)


class TestRamp:
    def test_goes_up_in_equal_steps_and_stays(self):
        assert [rules.ramp_share(month, 4) for month in range(-1, 6)] == [
            0, Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1, 1, 1,
        ]  # fmt: skip

    def test_without_one_a_hire_does_it_all_at_once(self):
        assert rules.ramp_share(0, 0) == rules.ramp_share(0, 1) == 1

    def test_three_hires_add_150_300_450_600_as_in_the_mockup(self):
        assert [rules.hired_capacity(plan(), "isr", number) for number in range(6)] == [
            0,
            0,
            150,
            300,
            450,
            600,
        ]

    def test_the_attainment_factor_lowers_hires_and_not_those_who_are_here(self):
        month = rules.play(plan(attainment=Fraction(4, 5)))[5]
        assert (month.present["isr"], month.hired["isr"]) == (14 * 209, 480)


class TestWhatBreaksFirst:
    def first(self, **changed):
        asked = plan(**changed)
        found = rules.breaks(asked, rules.play(asked))
        return [(one.what, one.number) for one in found]

    def test_hands_when_more_comes_than_can_be_taken(self):
        assert self.first()[0] == (rules.HANDS, 0)

    def test_leads_when_more_than_a_quarter_of_the_people_has_nothing_to_do(self):
        idle = {**plan().roles, "isr": role(20, 200, 200)}
        assert self.first(leads=Fraction(2999), growth=Fraction(0), roles=idle, hires=())[0] == (
            rules.LEADS,
            0,
        )
        # Exactly a quarter is not more than a quarter.
        assert self.first(leads=Fraction(3000), growth=Fraction(0), roles=idle, hires=()) == []

    def test_ae_hours_when_the_meetings_outgrow_them(self):
        few = {**plan().roles, "ae": role(15, 24, 24)}
        assert (rules.HOURS, 0) in self.first(roles=few)

    def test_the_budget_in_the_month_in_which_it_is_passed(self):
        # Three heads of 5,000 a month from January: 15,000, 30,000, 45,000, 60,000.
        assert (rules.BUDGET, 4) in self.first(budget_minor=3_000_000)
        assert rules.BUDGET not in [what for what, _ in self.first(budget_minor=6_000_000)]

    def test_nothing_in_a_plan_that_fits(self):
        assert self.first(leads=Fraction(2800), growth=Fraction(0), hires=()) == []

    def test_says_by_how_much(self):
        asked = plan(growth=Fraction(0), leads=Fraction(3000), hires=())
        assert rules.breaks(asked, rules.play(asked))[0].by == 3000 - 14 * 209


hires = st.lists(
    st.builds(rules.Hire, st.integers(0, 5), st.sampled_from(rules.ROLES), st.integers(0, 9)), max_size=8
)


class TestAlways:
    @given(hires, st.randoms())
    def test_the_order_of_hires_changes_nothing(self, some, chance):
        shuffled = list(some)
        chance.shuffle(shuffled)
        assert rules.play(plan(hires=tuple(some))) == rules.play(plan(hires=tuple(shuffled)))

    @given(hires)
    def test_three_at_once_are_three_times_one(self, some):
        apart = tuple(rules.Hire(one.month, one.role, 1) for one in some for _ in range(one.count))
        assert rules.play(plan(hires=tuple(some))) == rules.play(plan(hires=apart))

    @given(hires)
    def test_the_plan_is_the_sum_of_its_people(self, some):
        asked = plan(hires=tuple(some))
        for number, month in enumerate(rules.play(asked)):
            for key, one in asked.roles.items():
                each = sum(
                    hire.count * rules.ramp_share(number - hire.month, one.ramp_months) * one.assumed
                    for hire in some
                    if hire.role == key
                )
                assert month.capacity(key) == one.heads * one.does + each

    @given(hires)
    def test_what_is_spent_is_each_heads_months_times_its_cost(self, some):
        asked = plan(hires=tuple(some))
        spent = sum((6 - one.month) * one.count * asked.roles[one.role].cost_minor for one in some)
        assert rules.play(asked)[-1].spent_minor == spent

    @given(hires)
    def test_no_meeting_is_made_of_a_lead_that_nobody_takes(self, some):
        for month in rules.play(plan(hires=tuple(some))):
            assert month.meetings <= month.leads * Fraction("0.13")
            assert month.won <= month.meetings


def draft(**changed) -> Draft:
    one = RoleDraft(14, Decimal("208.9"), Decimal(200), 4, 500_000, Decimal("13"))
    usual = Draft(
        name="Three in January", currency="EUR", start_on=date(2026, 11, 1), months=6, leads=2924,
        growth_percent=Decimal("3.3"), attainment_percent=Decimal(100), hours_a_meeting=Decimal(1),
        close_percent=Decimal(20), budget_minor=100_000_00,
        roles={"isr": one, "osr": replace(one, heads=0), "ae": replace(one, meetings_percent=Decimal(0))},
        hires=((2, "isr", 3),),
    )  # fmt: skip
    return replace(usual, **changed)


class TestDraft:
    def test_is_read_back_as_it_was_written(self):
        assert read_draft("Three in January", document_of(draft())) == draft()

    def test_plays_exactly_what_was_written(self):
        assert plan_of(draft()).growth == Fraction(33, 1000)
        assert plan_of(draft()).roles["isr"].does == Fraction("208.9")

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"name": " "}, "name"),
            ({"months": 0}, "months"),
            ({"months": 13}, "months"),
            ({"leads": -1}, "leads"),
            ({"growth_percent": Decimal("NaN")}, "growth_percent"),
            ({"attainment_percent": Decimal(201)}, "attainment_percent"),
            ({"hours_a_meeting": Decimal(0)}, "hours_a_meeting"),
            ({"budget_minor": -1}, "budget"),
            ({"start_on": date(2026, 11, 2)}, "start"),
            ({"hires": ((0, "am", 1),)}, "hires"),
            ({"hires": ((0, "isr", 501),)}, "hires"),
            ({"roles": {}}, "roles"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, changed, field):
        with pytest.raises(InvalidInput) as refused:
            checked(draft(**changed))
        assert refused.value.field == field

    @pytest.mark.parametrize("document", [{}, {"currency": "EUR"}, {**document_of(draft()), "months": "x"}])
    def test_that_cannot_be_read_is_refused_in_words(self, document):
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_draft("", document)
