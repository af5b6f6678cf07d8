"""Plans, bands, lines, proration and differences: edges, properties, and others' worked cases."""

import copy
import itertools
import json
import os
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.compensation.rules import words
from apps.compensation.rules.deltas import Posted, deltas
from apps.compensation.rules.earn import WHOLE_SHARE, CreditedEvent, UnableToEarn, earn
from apps.compensation.rules.plan import PlanInvalid, parse_plan
from apps.compensation.rules.prorate import QuotaSpan, quota_for
from apps.compensation.rules.rates import Band, Method, RateTable
from apps.compensation.rules.terms import QuotaRule
from apps.compensation.services.plans import shipped_plan
from apps.core.money import round_half_up
from apps.core.periods import Period, parse_period
from tests.compensation.conftest import banded_plan, flat_plan

REPOSITORY = Path(__file__).resolve().parents[2]


def events(*amounts: int | None, kind: str = "won", capacity: str = "owned", share: int = WHOLE_SHARE):
    return [
        CreditedEvent(number, kind, capacity, share, amount, "EUR")
        for number, amount in enumerate(amounts, 1)
    ]


def pay(document, *amounts, quota: int | None = None, **more) -> int:
    plan = parse_plan(document)
    quotas = dict.fromkeys(plan.quota_rules, quota)
    return sum(line.amount_minor for line in earn(plan, events(*amounts, **more), quotas))


# --- Documents ------------------------------------------------------------------------------------


def broken(**changes):
    """The shipped SDR plan with one thing changed: a path of keys joined by "__", and its value."""
    document = copy.deepcopy(shipped_plan("sdr"))
    for path, value in changes.items():
        target, *_ = [document]
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        for part in parents:
            target = target[part]
        target[last] = value
    return document


BANDS = "components__0__rates__bands"


class TestAPlanDocument:
    def test_those_that_come_along_are_plans(self):
        assert [component.key for component in parse_plan(shipped_plan("sdr")).components] == [
            "accepted_meetings",
            "accepted_amount",
            "closed_won",
        ]
        assert parse_plan(shipped_plan("ae")).quota_rules == (QuotaRule("amount_won", Fraction(1, 2)),)

    @pytest.mark.parametrize(
        ("document", "place", "says"),
        [
            (broken(format="other/1"), "format", "reads no other"),
            (broken(currency="euro"), "currency", "ISO 4217"),
            (broken(role="boss"), "role", "Choose one of"),
            (broken(extra=1), "extra", "is not known here"),
            (broken(components=[]), "components", "Give at least one"),
            (broken(components__1__key="accepted_meetings"), "components[1].key", "is used twice"),
            (broken(components__0__pays="percent_of_amount"), "components[0].pays", "sums amounts"),
            (broken(components__1__pays="per_unit"), "components[1].pays", "counts"),
            (broken(components__0__measure__event="touched"), "components[0].measure.event", "Choose one of"),
            (broken(components__0__bands_in="percent_of_quota"), "components[0].quota", "which quota"),
            (broken(components__0__rates__method="both"), "components[0].rates.method", "Choose one of"),
            (
                broken(**{f"{BANDS}__1__from": "12"}),
                "components[0].rates.bands[1].from",
                "10 to 12 has no rate",
            ),
            (
                broken(**{f"{BANDS}__1__from": "8"}),
                "components[0].rates.bands[1].from",
                "8 to 10 has two rates",
            ),
            (broken(**{f"{BANDS}__0__from": "1"}), "components[0].rates.bands[0].from", "starts at 0"),
            (broken(**{f"{BANDS}__2__to": "30"}), "components[0].rates.bands[2].to", "has no end"),
            (broken(**{f"{BANDS}__0__rate": "-1"}), "components[0].rates.bands[0].rate", "is below 0"),
            (broken(**{f"{BANDS}__0__rate": 0.2}), "components[0].rates.bands[0].rate", "in quotes"),
            (broken(**{f"{BANDS}__0__rate": "ten"}), "components[0].rates.bands[0].rate", "is not a number"),
            (broken(**{f"{BANDS}__0__rate": "NaN"}), "components[0].rates.bands[0].rate", "is not a number"),
            ("not an object", "", "JSON object"),
        ],
    )
    def test_what_is_wrong_is_named_by_its_place(self, document, place, says):
        with pytest.raises(PlanInvalid) as caught:
            parse_plan(document)
        assert any(where == place and says in sentence for where, sentence in caught.value.problems)

    def test_everything_that_is_wrong_is_found_at_once(self):
        with pytest.raises(PlanInvalid) as caught:
            parse_plan(broken(currency="x", role="y", **{f"{BANDS}__1__from": "12"}))
        assert len(caught.value.problems) == 3


# --- Bands ----------------------------------------------------------------------------------------

TABLE = RateTable(
    Method.GRADUATED,
    (
        Band(Fraction(0), Fraction(100), Fraction(1, 10)),
        Band(Fraction(100), Fraction(250), Fraction(2, 10)),
        Band(Fraction(250), None, Fraction(5, 100)),
    ),
)


def paid_by(table: RateTable, before: int, base: int, total: int) -> Fraction:
    return sum(
        (
            piece.base * piece.band.rate
            for piece in table.split(Fraction(before), Fraction(base), Fraction(total))
        ),
        Fraction(0),
    )


class TestBands:
    @pytest.mark.parametrize(("value", "rate"), [(-1, 10), (0, 10), (99, 10), (100, 20), (249, 20), (250, 5)])
    def test_a_value_on_an_edge_belongs_to_the_higher_band(self, value, rate):
        assert TABLE.band_at(value).rate == Fraction(rate, 100)

    @given(st.lists(st.integers(-400, 400), max_size=12), st.randoms(use_true_random=False))
    def test_graduated_pay_is_that_of_the_total_whatever_the_order_and_signs(self, bases, random):
        whole = paid_by(TABLE, 0, sum(bases), sum(bases))
        random.shuffle(bases)
        before, paid = 0, Fraction(0)
        for base in bases:
            paid += paid_by(TABLE, before, base, sum(bases))
            before += base
        assert paid == whole

    @given(st.integers(0, 600), st.integers(0, 600))
    def test_graduated_pay_never_falls_as_the_total_rises(self, one, other):
        low, high = sorted((one, other))
        assert paid_by(TABLE, 0, low, low) <= paid_by(TABLE, 0, high, high)

    @given(st.integers(-300, 600), st.integers(-600, 600))
    def test_pieces_sum_to_the_base(self, before, base):
        pieces = TABLE.split(Fraction(before), Fraction(base), Fraction(0))
        assert sum(piece.base for piece in pieces) == base
        assert len(pieces) >= 1

    @given(st.integers(1, 599), st.integers(0, 600))
    def test_taking_back_what_was_added_leaves_nothing(self, base, before):
        assert paid_by(TABLE, before, base, 0) + paid_by(TABLE, before + base, -base, 0) == 0

    @pytest.mark.parametrize(
        ("amount", "commission"),
        [(99_99, 10_00), (100_00, 10_00), (100_01, 10_00), (100_03, 10_01), (250_00, 40_00)],
    )
    def test_a_cent_around_an_edge(self, amount, commission):
        bands = [["0", "100", "10"], ["100", "250", "20"], ["250", None, "5"]]
        assert pay(banded_plan(bands), amount) == commission

    @pytest.mark.parametrize(("amount", "commission"), [(99_99, 10_00), (100_00, 20_00), (100_01, 20_00)])
    def test_a_cent_around_an_edge_when_the_whole_is_paid_at_the_reached_rate(self, amount, commission):
        bands = [["0", "100", "10"], ["100", None, "20"]]
        assert pay(banded_plan(bands, method="whole"), amount) == commission


# --- Lines ----------------------------------------------------------------------------------------

amounts = st.lists(st.integers(-5_000_00, 900_000_00), min_size=1, max_size=8)
shares = st.sampled_from([WHOLE_SHARE, 500_000, 333_333, 1])


class TestLines:
    @given(amounts, shares)
    def test_each_line_is_the_exact_pay_rounded_once(self, given_amounts, share):
        document = banded_plan([["0", "100000", "0.5"], ["100000", None, "1.25"]])
        for line in earn(parse_plan(document), events(*given_amounts, share=share)):
            assert line.amount_minor == round_half_up(line.exact)
            assert sum(part.amount_minor for part in line.parts) == line.amount_minor
            assert sum(part.base for part in line.parts) == line.base

    @given(amounts, shares)
    def test_the_formula_in_words_gives_the_amount(self, given_amounts, share):
        document = banded_plan(
            [["0", "80", "4"], ["80", "100", "6"], ["100", None, "9"]],
            bands_in="percent_of_quota",
            quota={"measure": "amount_won"},
        )
        plan = parse_plan(document)
        quotas = dict.fromkeys(plan.quota_rules, 12345678)
        for line in earn(plan, events(*given_amounts, share=share), quotas):
            assert evaluated(line.formula) == Fraction(line.amount_minor, 100)

    @given(st.lists(st.integers(1, 90), min_size=1, max_size=40))
    def test_counted_lines_say_their_number(self, days):
        lines = earn(parse_plan(shipped_plan("sdr")), events(*days, kind="accepted", capacity="sourced"))
        counted = [line for line in lines if line.component.key == "accepted_meetings"]
        assert [line.place for line in counted] == list(range(1, len(days) + 1))

    def test_what_is_not_measured_earns_nothing(self):
        plan = parse_plan(shipped_plan("sdr"))
        assert earn(plan, events(100, kind="accepted", capacity="owned")) == []
        assert earn(plan, events(100, kind="booked", capacity="sourced")) == []

    @pytest.mark.parametrize(("where", "count"), [("yes", 1), ("no", 2), (None, 3)])
    def test_exploration_is_a_condition(self, where, count):
        document = flat_plan(pays="per_unit", rate="10")
        if where:
            document["components"][0]["measure"]["where"] = {"exploration": where}
        given_events = [CreditedEvent(n, "won", "owned", is_exploration=n == 1) for n in (1, 2, 3)]
        assert len(earn(parse_plan(document), given_events)) == count

    def test_a_currency_without_minor_units_is_rounded_to_the_whole(self):
        document = flat_plan(rate="0.25") | {"currency": "JPY"}
        lines = earn(
            parse_plan(document), [CreditedEvent(1, "won", "owned", amount_minor=1_001, currency="JPY")]
        )
        assert lines[0].amount_minor == 3
        assert lines[0].formula == "¥1,001 × 0.25 % = ¥2.5025, rounded to ¥3"

    def test_a_quota_of_zero_is_refused(self):
        document = shipped_plan("ae")
        with pytest.raises(UnableToEarn, match="none above zero"):
            pay(document, 100, quota=0)

    def test_a_float_never_enters(self):
        with pytest.raises(TypeError):
            round_half_up(0.5)


def evaluated(formula: str) -> Fraction:
    """An independent reading of a formula in words, rounded half up to the cent."""
    left = formula.split(" = ")[0].replace("− ", "-").replace(",", "").replace(" credit", "")
    total = Fraction(0)
    for term in left.split(" + "):
        value = Fraction(1)
        for factor in term.split(" × "):
            number = Fraction(Decimal(re.sub(r"[^0-9.\-]", "", factor)))
            value *= number / 100 if factor.endswith("%") else number
        total += value
    cents = abs(total) * 100
    rounded = int(cents + Fraction(1, 2))
    return Fraction(rounded if total >= 0 else -rounded, 100)


# --- Proration, differences, words ----------------------------------------------------------------

YEAR = parse_period("2026")


class TestProration:
    @given(st.integers(0, 365), st.integers(0, 365), st.integers(1, 10**9))
    def test_two_parts_of_a_year_make_the_whole_to_a_cent(self, one, other, target):
        first, second = sorted((one, other))
        if first in (0, second) or second == 365:
            return
        cuts = [0, first, second, 365]
        days = [date.fromordinal(YEAR.start.toordinal() + cut) for cut in cuts]
        parts = [
            quota_for(Period(start, end), [QuotaSpan(YEAR, target)])
            for start, end in itertools.pairwise(days)
        ]
        assert abs(sum(parts) - target) <= 1

    def test_the_shortest_span_counts_where_several_cover_a_day(self):
        spans = [QuotaSpan(YEAR, 365_00), QuotaSpan(parse_period("2026-02"), 280_00)]
        assert quota_for(parse_period("2026Q1"), spans) == 31_00 + 280_00 + 31_00

    def test_days_before_the_end_of_the_ramp_count_for_a_share(self):
        month = parse_period("2026-01")
        spans = [QuotaSpan(month, 310_00)]
        assert quota_for(month, spans, date(2026, 1, 11), Fraction(1, 2)) == 50_00 + 210_00
        assert quota_for(month, spans, date(2026, 3, 1), Fraction(1, 2)) == 155_00
        assert quota_for(month, spans, date(2025, 3, 1), Fraction(1, 2)) == 310_00

    def test_no_span_is_no_quota(self):
        assert quota_for(parse_period("2026-01"), [QuotaSpan(parse_period("2026-02"), 5)]) is None


figures = st.dictionaries(st.integers(1, 6), st.integers(-50, 50))


class TestDifferences:
    @given(figures, figures, st.booleans())
    def test_posting_them_makes_the_ledger_say_what_is_earned(self, desired, before, keep_zero):
        posted = {key: Posted(amount, 3) for key, amount in before.items()}
        ledger = dict(before)
        for delta in deltas(desired, posted, keep_zero=keep_zero):
            ledger[delta.key] = ledger.get(delta.key, 0) + delta.amount_minor
            assert delta.earned_minor == ledger[delta.key] == desired.get(delta.key, 0)
        assert {key: value for key, value in ledger.items() if value} == {
            key: value for key, value in desired.items() if value
        }

    @given(figures, figures)
    def test_nothing_is_left_to_post_afterwards(self, desired, before):
        posted = {key: Posted(amount, 1) for key, amount in before.items()}
        for delta in deltas(desired, posted, keep_zero=True):
            posted[delta.key] = Posted(delta.earned_minor, delta.sequence)
        assert deltas(desired, posted, keep_zero=True) == []


@pytest.mark.parametrize(
    ("value", "least", "text"),
    [
        (Fraction(1234567, 100), 2, "12,345.67"),
        (Fraction(-1, 2), 0, "− 0.5"),
        (Fraction(1, 3), 0, "0.33333333…"),
        (Fraction(4), 2, "4.00"),
        (Fraction(4), 0, "4"),
    ],
)
def test_decimals_are_written_as_they_are(value, least, text):
    assert words.decimal(value, least) == text


# --- Others' worked cases -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases():
    folder = Path(os.environ.get("CASES_DIR") or REPOSITORY.parent / "shared" / "cases")
    file = folder / "compensation.json"
    if not file.exists():
        pytest.skip(f"The worked cases are not at {folder} (set CASES_DIR).")
    return {case["id"]: case for case in json.loads(file.read_text())["cases"]}


def as_bands(tiers) -> list[list[str | None]]:
    bands, lower = [], "0"
    for upper, rate in tiers:
        bands.append([lower, None if upper is None else str(upper), str(rate)])
        lower = str(upper)
    return bands


def minor(text) -> int:
    return int(Decimal(str(text)) * 100)


class TestWorkedCasesOfOthers:
    @pytest.mark.parametrize("name", ["cmp-03", "cmp-06", "cmp-11", "cmp-16"])
    def test_marginal_tiers(self, cases, name):
        given_case, expected = cases[name]["inputs"], cases[name]["expected"]
        document = banded_plan(as_bands(given_case["tiers"]))
        assert pay(document, minor(given_case["amount"])) == minor(expected["commission"])

    def test_retroactive_tier(self, cases):
        given_case, expected = cases["cmp-15"]["inputs"], cases["cmp-15"]["expected"]
        document = banded_plan(as_bands(given_case["tiers"]), method="whole")
        assert pay(document, minor(given_case["amount"])) == minor(expected["commission"])

    def test_accelerator_above_quota(self, cases):
        given_case, expected = cases["cmp-02"]["inputs"], cases["cmp-02"]["expected"]
        fast = Decimal(given_case["base_rate_pct"]) * Decimal(str(given_case["accelerator_multiplier"]))
        edge = str(given_case["threshold_attainment_pct"])
        document = banded_plan(
            [["0", edge, str(given_case["base_rate_pct"])], [edge, None, str(fast)]],
            bands_in="percent_of_quota",
            quota={"measure": "amount_won"},
        )
        quota = minor(1_000_000)
        before = quota * given_case["attainment_pct_before_deal"] // 100
        plan = parse_plan(document)
        lines = earn(plan, events(before, minor(given_case["deal"])), {plan.quota_rules[0]: quota})
        assert lines[1].amount_minor == minor(expected["commission"])

    def test_accelerators_at_100_and_120_percent(self, cases):
        given_case, expected = cases["cmp-25"]["inputs"], cases["cmp-25"]["expected"]
        base = Decimal(given_case["base_rate_pct"])
        rates = [str(base * Decimal(str(times))) for _, times in given_case["multipliers"]]
        document = banded_plan(
            [["0", "100", str(base)], ["100", "120", rates[0]], ["120", None, rates[1]]],
            bands_in="percent_of_quota",
            quota={"measure": "amount_won"},
        )
        assert pay(document, minor(given_case["closed"]), quota=minor(given_case["quota"])) == minor(
            expected["commission"]
        )

    def test_decelerator_below_half(self, cases):
        given_case, expected = cases["cmp-23"]["inputs"], cases["cmp-23"]["expected"]
        document = banded_plan(
            [
                ["0", "50", str(Decimal(str(given_case["multiplier_below_50_pct"])) * 100)],
                ["50", None, "100"],
            ],
            method="whole",
            pays="percent_of_target",
            target=str(given_case["target_variable"]),
            bands_in="percent_of_quota",
            quota={"measure": "amount_won"},
        )
        quota = minor(1_000_000)
        closed = quota * given_case["attainment_pct"] // 100
        assert pay(document, closed, quota=quota) == minor(expected["payout"])

    def test_prorated_quota_of_a_new_hire(self, cases):
        given_case, expected = cases["cmp-29"]["inputs"], cases["cmp-29"]["expected"]
        year = parse_period("2019")
        days = Period(date.fromisoformat(given_case["start"]), year.end)
        assert days.days == given_case["days_remaining"]
        quota = quota_for(days, [QuotaSpan(year, minor(given_case["annual_quota"]))])
        assert quota == minor(expected["quota"])

    def test_yearly_revenue_not_the_contract(self, cases):
        given_case, expected = cases["cmp-35"]["inputs"], cases["cmp-35"]["expected"]
        document = flat_plan(rate=str(given_case["rate_pct"]))
        assert pay(document, minor(given_case["arr"])) == minor(expected["commission"])

    def test_pay_per_unit(self, cases):
        given_case, expected = cases["cmp-38"]["inputs"], cases["cmp-38"]["expected"]
        for what in ("demo", "opp"):
            document = flat_plan(pays="per_unit", rate=str(given_case[f"{what}_bonus"]))
            paid = pay(document, *[None] * given_case[f"{what}s"])
            assert paid == minor(expected[f"{what}_payout"])

    def test_a_deal_split_between_sdr_and_ae(self, cases):
        given_case, expected = cases["cmp-40"]["inputs"], cases["cmp-40"]["expected"]
        paid = {}
        for who in ("sdr", "ae"):
            share = given_case[who]["split_pct"] * WHOLE_SHARE // 100
            document = flat_plan(rate=str(given_case[who]["rate_pct"]))
            paid[who] = pay(document, minor(given_case["acv"]), share=share)
        paid["sdr"] += pay(flat_plan(pays="per_unit", rate=str(given_case["sdr"]["per_meeting"])), None)
        assert paid == {who: minor(expected[who]) for who in ("sdr", "ae")}
        assert sum(paid.values()) == minor(expected["total"])

    def test_below_the_first_section(self, cases):
        given_case, expected = cases["cmp-81"]["inputs"], cases["cmp-81"]["expected"]
        ((lower, upper, rate),) = given_case["sections"]
        bands = [["0", str(lower), "0"], [str(lower), str(upper), str(rate)], [str(upper), None, "0"]]
        document = banded_plan(bands, method="whole")
        assert pay(document, minor(given_case["base"])) == minor(expected["commission"])
