"""What the engine earns: every kind of component, its arithmetic read back, and what must always hold."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.compensation.rules.draws import draw_lines, settle
from apps.compensation.rules.earn import UnableToEarn, earn, earn_component
from apps.compensation.rules.events import WHOLE_SHARE, CreditedEvent, Ended
from apps.compensation.rules.lines import (
    Line,
    evaluate,
    held_lines,
    limit_lines,
    pool_lines,
    release_line,
    since_before,
)
from apps.compensation.rules.plan import parse_plan
from apps.compensation.rules.spans import far, spans_of
from apps.compensation.rules.terms import Draw
from apps.compensation.rules.vocabulary import Basis
from apps.core.money import round_half_up
from apps.core.periods import parse_period
from tests.compensation import formula_reader
from tests.compensation.plan_documents import (
    COUNT,
    OF_EVERY_KIND,
    QUOTA,
    bands,
    component,
    graduated,
    plan,
    whole,
)

FIGURES = {
    "margin": Fraction(-1250, 100),
    "margin_percent": Fraction(17),
    "seats": Fraction(7),
    "term_years": Fraction(3),
}
INDUSTRIES = ("Finance", "Retail", "")


def event(number, amount=0, *, share=WHOLE_SHARE, like=None, **more) -> CreditedEvent:
    """An event that the only component of ``like`` looks at."""
    measure = parse_plan(plan(like or component(graduated("1")))).components[0].measure
    facts = {"industry": INDUSTRIES[number % 3], "meets_definition": number % 2 == 0}
    return CreditedEvent(
        number, measure.event, measure.capacity, share, amount, "EUR",
        figures=more.pop("figures", FIGURES), facts=facts, on=date(2026, 2, 1), **more,
    )  # fmt: skip


def lines_of(document, events, quota=None) -> list[Line]:
    rules = parse_plan(plan(document))
    return earn(rules, events, dict.fromkeys(rules.quota_rules, quota))


def pay(document, *amounts, quota=None, **more) -> int:
    events = [event(number, amount, like=document, **more) for number, amount in enumerate(amounts, 1)]
    return sum(line.amount_minor for line in lines_of(document, events, quota))


amounts = st.lists(st.integers(-2_000_00, 200_000_00), min_size=1, max_size=6)
shares = st.sampled_from([WHOLE_SHARE, 500_000, 333_333, 1])
ends = st.sampled_from([None, Ended(0, 9), Ended(91, 9), Ended(364, 9), Ended(365, 9)])


class TestTheArithmeticOfALine:
    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    @given(amounts=amounts, share=shares, ended=ends)
    def test_is_read_back_from_its_words_and_from_its_terms(self, kind, amounts, share, ended):
        like = OF_EVERY_KIND[kind]
        events = [
            event(number, amount, share=share, like=like, ended=ended if number == 1 else None)
            for number, amount in enumerate(amounts, 1)
        ]
        for line in lines_of(like, events, 120_000_00):
            assert formula_reader.minor(line.formula) == line.amount_minor, line.formula
            assert round_half_up(evaluate(line.terms)) == line.amount_minor
            assert evaluate(line.terms) == line.exact
            assert sum(part.amount_minor for part in line.parts) == (line.amount_minor if line.parts else 0)

    @given(amounts=amounts, share=shares)
    def test_holds_for_what_is_held_back_and_released(self, amounts, share):
        like = OF_EVERY_KIND["holdback"]
        only = parse_plan(plan(like)).components[0]
        earned = lines_of(like, [event(n, a, share=share, like=like) for n, a in enumerate(amounts, 1)])
        for held in held_lines(only.holdback, earned):
            assert formula_reader.minor(held.formula) == held.amount_minor
            released = [
                release_line(only, -held.amount_minor, place, held.event, "EUR", "paid") for place in (0, 1)
            ]
            assert sum(line.amount_minor for line in released) == -held.amount_minor

    @given(amounts=amounts, days=st.lists(st.integers(1, 31), min_size=1, max_size=5))
    def test_of_a_pool_sums_to_the_pool(self, amounts, days):
        pool = lines_of(OF_EVERY_KIND["team pool"], [event(n, a) for n, a in enumerate(amounts, 1)])
        members = [pool_lines(pool, days, own) for own in range(len(days))]
        for at, line in enumerate(pool):
            assert sum(shared[at].amount_minor for shared in members) == line.amount_minor
            for shared in members:
                near = formula_reader.computed(shared[at].formula) * 100
                assert abs(near - shared[at].amount_minor) < 1
                assert near == evaluate(shared[at].terms)


class TestWhatMustAlwaysHold:
    @given(st.integers(0, 300_000_00), st.integers(0, 300_000_00))
    @pytest.mark.parametrize("kind", ["graduated", "accelerator", "threshold"])
    def test_graduated_pay_rises_with_the_amount_and_does_not_jump(self, kind, one, other):
        low, high = sorted((one, other))
        like = OF_EVERY_KIND[kind]
        paid = [pay(like, amount, quota=100_000_00) for amount in (low, high)]
        assert paid[0] <= paid[1]
        # The steepest rate among them is 20 %: a cent more never pays more than that, rounding aside.
        assert paid[1] - paid[0] <= (high - low) * Fraction(20, 100) + 1

    @given(amounts, st.randoms(use_true_random=False))
    @pytest.mark.parametrize(
        "kind", ["graduated", "whole", "accelerator", "decelerator", "cliff", "threshold"]
    )
    def test_the_order_of_events_does_not_matter(self, kind, amounts, random):
        def exact(given_amounts):
            events = [event(n, a) for n, a in enumerate(given_amounts, 1)]
            return sum(
                (line.exact for line in lines_of(OF_EVERY_KIND[kind], events, 100_000_00)), Fraction(0)
            )

        before = exact(amounts)
        random.shuffle(amounts)
        assert exact(amounts) == before

    @given(amounts, st.integers(0, 6))
    @pytest.mark.parametrize(
        "kind", ["graduated", "whole", "accelerator", "decelerator", "cliff", "cap and floor"]
    )
    def test_a_period_split_in_two_and_trued_up_is_the_whole(self, kind, amounts, cut):
        """January's lines stand as the year to date gives them; the limits of the rest are a difference."""
        only = parse_plan(plan(OF_EVERY_KIND[kind])).components[0]
        events = [event(number, amount) for number, amount in enumerate(amounts, 1)]

        def limits(given_events):
            return limit_lines(only, earn_component(only, given_events, "EUR", 100_000_00), "EUR")

        whole_lines = [*earn_component(only, events, "EUR", 100_000_00), *limits(events)]
        early = earn_component(only, events[:cut], "EUR", 100_000_00)
        trued_up = earn_component(only, events, "EUR", 100_000_00)
        january = sum(line.amount_minor for line in [*early, *limits(events[:cut])])
        true_up = sum(
            now.amount_minor - then.amount_minor for now, then in zip(trued_up, early, strict=False)
        )
        rest = sum(line.amount_minor for line in trued_up[cut:])
        rest += sum(line.amount_minor for line in since_before(limits(events), limits(events[:cut])))
        assert january + true_up + rest == sum(line.amount_minor for line in whole_lines)

    @given(amounts)
    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    def test_reversing_everything_at_once_leaves_nothing_but_the_floor(self, kind, amounts):
        like = OF_EVERY_KIND[kind]
        events = [
            event(number, amount, like=like, ended=Ended(0, 9)) for number, amount in enumerate(amounts, 1)
        ]
        floor = 500_00 if kind == "cap and floor" else 0
        assert sum(line.amount_minor for line in lines_of(like, events, 100_000_00)) == floor


class TestEachKind:
    def test_a_cliff_pays_nothing_below_and_everything_from_the_edge(self):
        like = OF_EVERY_KIND["cliff"]
        assert pay(like, 49_999_99, quota=100_000_00) == 0
        assert pay(like, 50_000_00, quota=100_000_00) == 5_000_00
        line = lines_of(like, [event(1, 49_999_99)], 100_000_00)[0]
        assert line.formula.endswith("€49,999.99 is below the threshold of 50 % of quota")

    def test_a_threshold_pays_what_is_above(self):
        assert pay(OF_EVERY_KIND["threshold"], 50_000_00) == 0
        assert pay(OF_EVERY_KIND["threshold"], 60_000_00) == 1_000_00

    @pytest.mark.parametrize(
        ("amount", "paid"), [(1_000_00, 500_00), (50_000_00, 5_000_00), (100_000_00, 9_000_00)]
    )
    def test_cap_and_floor_are_lines_of_their_own(self, amount, paid):
        assert pay(OF_EVERY_KIND["cap and floor"], amount) == paid

    def test_a_floor_needs_no_event(self):
        assert lines_of(OF_EVERY_KIND["cap and floor"], [])[0].formula == (
            "floor €500.00 − earned €0.00 = €500.00"
        )

    def test_an_accelerator_speeds_up_what_lies_above_the_quota(self):
        line = lines_of(OF_EVERY_KIND["accelerator"], [event(1, 130_000_00)], 100_000_00)[0]
        assert line.amount_minor == 10_000_00 + 3_000_00 + 2_000_00
        assert "€20,000.00 × 10.00 % × 1.5" in line.formula
        assert line.band == "0 to 100 % of quota, 100 to 120 % of quota, 120 % of quota and more"

    def test_a_decelerator_slows_everything_down(self):
        assert pay(OF_EVERY_KIND["decelerator"], 49_000_00, quota=100_000_00) == 2_450_00
        assert pay(OF_EVERY_KIND["decelerator"], 50_000_00, quota=100_000_00) == 5_000_00

    def test_a_multiplier_holds_for_events_of_a_kind(self):
        first, other = lines_of(OF_EVERY_KIND["multiplier of a kind"], [event(3, 100_00), event(4, 100_00)])
        assert (first.amount_minor, other.amount_minor) == (12_00, 10_00)
        assert first.formula == "€100.00 × 10.00 % × 1.2 “Strategic industries” = €12.00"

    def test_a_grid_takes_the_rate_of_the_cell(self):
        for amount, percent, rate in [(49_999_99, 0, 9), (50_000_00, 15, 11), (10_00, 20, 11)]:
            one = event(1, amount, figures={"margin_percent": Fraction(percent)})
            line = lines_of(OF_EVERY_KIND["grid"], [one])[0]
            assert line.rate == f"{rate}.00 %"

    def test_a_margin_below_zero_counts_as_zero(self):
        assert pay(OF_EVERY_KIND["margin"], 90_00) == 0
        assert pay(OF_EVERY_KIND["margin"], 90_00, figures={"margin": Fraction(10)}) == 2_00

    def test_an_amount_for_several_years_counts_for_one(self):
        line = lines_of(OF_EVERY_KIND["multi-year"], [event(1, 100_000_00)])[0]
        assert line.formula == ("€100,000.00 ÷ 3 years × 13.00 % = €4,333.33333333…, rounded to €4,333.33")
        with pytest.raises(UnableToEarn, match="says none above zero"):
            pay(OF_EVERY_KIND["multi-year"], 100_00, figures={})

    def test_a_clawback_keeps_a_share_of_the_days_and_all_after_the_window(self):
        like = OF_EVERY_KIND["clawback"]
        paid = [pay(like, 36_500_00, ended=Ended(days, 9)) for days in (0, 73, 364, 365)]
        assert paid == [0, 730_00, 3_640_00, 3_650_00]

    def test_a_full_clawback_keeps_nothing_within_the_window(self):
        like = component(graduated("5"), clawback={"within_days": "90", "method": "full"})
        assert [pay(like, 1_000_00, ended=Ended(days, 9)) for days in (89, 90)] == [0, 50_00]

    def test_a_spiff_is_for_its_days(self):
        like = OF_EVERY_KIND["spiff"]
        days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 1)]
        events = [CreditedEvent(n, "won", "owned", on=day) for n, day in enumerate(days)]
        assert [line.event.on for line in lines_of(like, events)] == days[1:3]
        assert {line.kind for line in lines_of(like, events)} == {"bonus"}

    def test_a_target_by_band_is_one_line(self):
        line = lines_of(
            OF_EVERY_KIND["target by band"], [event(1, 90_000_00), event(2, 20_000_00)], 100_000_00
        )[0]
        assert line.amount_minor == 1_200_00
        assert line.formula == (
            "€1,200.00 × 100.00 % = €1,200.00; €110,000.00 reached 100 % of quota and more of €100,000.00"
        )

    def test_a_no_show_does_not_pay_for_a_booking_unless_the_plan_says_so(self):
        like = OF_EVERY_KIND["no-shows"]
        shown = [event(1, like=like), event(2, like=like, is_no_show=True)]
        assert len(lines_of(like, shown)) == 1
        paying = like | {"measure": like["measure"] | {"no_shows": "pay"}}
        assert len(lines_of(paying, shown)) == 2

    def test_what_is_outside_the_definition_pays_unless_the_plan_says_otherwise(self):
        like = OF_EVERY_KIND["within the definition"]
        events = [event(1, like=like), event(2, like=like)]
        assert [line.event.event_id for line in lines_of(like, events)] == [2]
        everything = like | {"measure": {k: v for k, v in like["measure"].items() if k != "where"}}
        assert len(lines_of(everything, events)) == 2

    @pytest.mark.parametrize(
        ("row", "count"),
        [
            ({"field": "industry", "is": "is", "value": "finance"}, 1),
            ({"field": "industry", "is": "is_not", "value": "Finance"}, 2),
            ({"field": "amount", "is": "at_least", "value": "200"}, 2),
            ({"field": "amount", "is": "below", "value": "200.00"}, 1),
            ({"field": "figure:seats", "is": "is", "value": "7"}, 3),
            ({"field": "figure:unknown", "is": "at_least", "value": "0"}, 0),
            ({"field": "employees", "is": "is_not", "value": "5"}, 3),
        ],
    )
    def test_conditions_choose_events(self, row, count):
        like = component(graduated("1"), measure={"where": [row]})
        assert len(lines_of(like, [event(3, 100_00), event(1, 200_00), event(2, 300_00)])) == count


class TestDraws:
    def test_the_lines_of_a_draw_are_read_back(self):
        for earned, balance in [(0, 0), (500_00, 0), (2_000_00, 500_00), (2_375_00, 500_00), (-90_00, 0)]:
            for advance in (False, True):
                draw = Draw("Draw", 2_000_00, True, advance)
                for line in draw_lines(draw, "EUR", earned, balance, Fraction(1), forgives=False):
                    assert formula_reader.minor(line.formula) == line.amount_minor

    @given(st.lists(st.integers(-5_000_00, 9_000_00), min_size=1, max_size=24), st.booleans())
    def test_what_is_advanced_is_taken_back_or_still_owed(self, earned, in_advance):
        draw, balance, paid = Draw("Draw", 2_000_00, True, in_advance), 0, 0
        for one in earned:
            settled = settle(draw, 2_000_00, one, balance)
            balance = settled.balance_minor
            paid += one + settled.change_minor + (2_000_00 if in_advance else 0)
            assert balance >= 0
            if not in_advance:
                assert one + settled.change_minor >= 2_000_00
        assert paid - sum(earned) == balance

    def test_what_is_forgiven_is_owed_no_more(self):
        draw = Draw("Draw", 2_000_00, True, forgiven_on=date(2026, 3, 1))
        lines = draw_lines(draw, "EUR", 3_000_00, 500_00, Fraction(1), forgives=True)
        assert [(line.kind, line.amount_minor) for line in lines] == [("draw_forgiveness", 0)]

    def test_a_draw_is_for_the_days_on_the_plan(self):
        draw = Draw("Draw", 3_100_00, False)
        assert draw_lines(draw, "EUR", 0, 0, Fraction(15, 31), forgives=False)[0].amount_minor == 1_500_00


class TestSpans:
    def test_a_quarter_runs_on_over_its_months(self):
        february = parse_period("2026-02")
        (span,) = spans_of(Basis.QUARTER, february, far(date(2025, 1, 1), None), february.end)
        assert (span.counted.start, span.counted.end) == (date(2026, 1, 1), date(2026, 3, 1))
        assert span.quota_days == parse_period("2026Q1")
        assert span.paid == february

    def test_the_year_to_date_is_measured_against_the_days_gone_by(self):
        (span,) = spans_of(
            Basis.YEAR_TO_DATE, parse_period("2026-02"), far(date(2026, 1, 11), None), date(2026, 4, 1)
        )
        assert span.quota_days == span.counted
        assert (span.counted.start, span.counted.end) == (date(2026, 1, 11), date(2026, 4, 1))

    def test_months_begin_anew_within_a_quarterly_run(self):
        spans = spans_of(Basis.MONTH, parse_period("2026Q1"), far(date(2025, 1, 1), None), date(2026, 4, 1))
        assert [span.paid.code for span in spans] == ["2026-01", "2026-02", "2026-03"]
        assert all(span.paid == span.counted == span.quota_days for span in spans)


def test_a_document_of_a_test_pays_what_it_says():
    assert (
        pay(component(whole("10", "100", "20"), bands_in="percent_of_quota", quota=QUOTA), 10_00, quota=10_00)
        == 2_00
    )
    assert pay(component(graduated("5.00"), measure=COUNT, pays="per_unit"), 1, 2) == 10_00
    assert len(bands("1")) == 1
