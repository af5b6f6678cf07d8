"""Worked examples that others published, each from a plan file over events and a run to the ledger.

The figures are read from the file of cases; here stands only what each is as a plan and as events.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from apps.compensation.models import EntryKind, LedgerEntry, PayoutRun, Statement
from apps.compensation.services import plans
from apps.core.periods import parse_period
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Rep, RepRole
from tests.compensation import formula_reader
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import COUNT, QUOTA, bands, component, graduated, plan, whole
from tests.compensation.proving import prove, unpacked

pytestmark = pytest.mark.django_db
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cases() -> dict[str, dict[str, Any]]:
    folder = Path(os.environ.get("CASES_DIR") or REPOSITORY.parent / "shared" / "cases")
    file = folder / "compensation.json"
    if not file.exists():
        pytest.skip(f"The worked cases are not at {folder} (set CASES_DIR).")
    return {case["id"]: case for case in json.loads(file.read_text())["cases"]}


def minor(major: Any) -> int:
    scaled = Decimal(str(major)) * 100
    assert scaled == int(scaled)
    return int(scaled)


def tiers(given: list[list[Any]]) -> list[str]:
    """``[[10000, 10], [null, 20]]`` as ``"10", "10000", "20"``."""
    return [str(one) for edge, rate in given for one in (rate, edge) if one is not None]


@dataclass
class Story:
    """One rep under one plan file."""

    payroll: Payroll
    folder: Path
    rep: Rep

    def on(
        self, *components: dict[str, Any], rep: Rep | None = None, start: date = date(2019, 1, 1), **more: Any
    ) -> None:
        """Put the rep on a plan, loaded from a file as anybody would."""
        file = self.folder / "plan.json"
        document = plan(*components, **({"effective_on": "2019-01-01"} | more))
        file.write_text(json.dumps(document), encoding="utf-8")
        self.payroll.assign(rep or self.rep, self.payroll.plan(plans.read_plan_file(file)), start)

    def won(self, amount: Any, day: int = 5, month: int = 1, **more: Any):
        return self.payroll.won(self.rep, noon(day, month), minor(amount), **more)

    def counted(self, kind: EventKind, times: int) -> None:
        for number in range(times):
            self.payroll.event(kind, noon(1 + number % 28), Credit(self.rep, Capacity.SOURCED))

    def lines(self, run: PayoutRun, rep: Rep | None = None, **which: Any) -> list[LedgerEntry]:
        """The ledger's lines, each read back: words, terms and amount agree."""
        found = list(LedgerEntry.objects.filter(run=run, rep=rep or self.rep, **which).order_by("pk"))
        for line in found:
            read = formula_reader.minor(line.formula)
            assert read == line.earned_minor, line.formula
            exact = sum((product(term) for term in line.terms), Fraction(0))
            assert round(exact) == line.earned_minor or abs(exact - line.earned_minor) == Fraction(1, 2)
        return found

    def pay(self, run: PayoutRun, **which: Any) -> int:
        return sum(line.amount_minor for line in self.lines(run, **which))


def product(term: list[str]) -> Fraction:
    value = Fraction(1)
    for factor in term:
        value *= Fraction(factor)
    return value


@pytest.fixture
def story(payroll: Payroll, tmp_path: Path) -> Iterator[Story]:
    """The story; at its end a proof pack of every statement is worked out anew by its own script, and agrees."""
    yield Story(payroll, tmp_path, payroll.cast.rep(payroll.cast.ae))
    for statement in Statement.objects.order_by("pk"):
        verdict = prove(unpacked(statement, tmp_path / f"proof-{statement.pk}"))
        assert verdict.last == "agrees", verdict.said


def accelerator(*steps: str) -> dict[str, Any]:
    return {
        "name": "Accelerator",
        "bands_in": "percent_of_quota",
        "method": "graduated",
        "bands": bands(*steps, value="times"),
    }


class TestRates:
    @pytest.mark.parametrize("name", ["cmp-03", "cmp-06", "cmp-11", "cmp-16"])
    def test_marginal_tiers(self, cases, story, name):
        given, expected = cases[name]["inputs"], cases[name]["expected"]
        story.on(component(graduated(*tiers(given["tiers"]))))
        story.won(given["amount"])
        paid = story.pay(story.payroll.compute(JANUARY))
        assert paid == minor(expected["commission"])
        if "effective_rate_pct" in expected:
            effective = Fraction(paid, minor(given["amount"])) * 100
            assert round(effective, 2) == Fraction(expected["effective_rate_pct"])

    def test_retroactive_tiers(self, cases, story):
        given, expected = cases["cmp-15"]["inputs"], cases["cmp-15"]["expected"]
        story.on(component(whole(*tiers(given["tiers"]))))
        story.won(given["amount"])
        assert story.pay(story.payroll.compute(JANUARY)) == minor(expected["commission"])

    def test_a_section_that_is_not_reached(self, cases, story):
        given, expected = cases["cmp-81"]["inputs"], cases["cmp-81"]["expected"]
        ((lower, upper, rate),) = given["sections"]
        story.on(component(whole("0", str(lower), str(rate), str(upper), "0")))
        story.won(given["base"])
        assert story.pay(story.payroll.compute(JANUARY)) == minor(expected["commission"])

    def test_accelerator_of_a_deal_above_the_quota(self, cases, story):
        given, expected = cases["cmp-02"]["inputs"], cases["cmp-02"]["expected"]
        threshold, times = str(given["threshold_attainment_pct"]), str(given["accelerator_multiplier"])
        faster = accelerator("1", threshold, times)
        story.on(component(graduated(str(given["base_rate_pct"])), quota=QUOTA, multipliers=[faster]))
        story.payroll.quota(story.rep, minor(1_000_000))
        story.won(1_000_000 * given["attainment_pct_before_deal"] // 100)
        story.won(given["deal"], day=9)
        _, deal = story.lines(story.payroll.compute(JANUARY))
        assert deal.amount_minor == minor(expected["commission"])
        assert deal.formula == "€50,000.00 × 6.00 % × 1.25 = €3,750.00"

    def test_accelerators_at_100_and_120_percent(self, cases, story):
        given, expected = cases["cmp-25"]["inputs"], cases["cmp-25"]["expected"]
        (_, first), (_, second) = given["multipliers"]
        faster = accelerator("1", "100", str(first), "120", str(second))
        story.on(component(graduated(str(given["base_rate_pct"])), quota=QUOTA, multipliers=[faster]))
        story.payroll.quota(story.rep, minor(given["quota"]))
        story.won(given["closed"])
        assert story.pay(story.payroll.compute(JANUARY)) == minor(expected["commission"])

    def test_decelerator_below_half(self, cases, story):
        given, expected = cases["cmp-23"]["inputs"], cases["cmp-23"]["expected"]
        slower = {
            "name": "Decelerator",
            "bands_in": "percent_of_quota",
            "method": "whole",
            "bands": bands(str(given["multiplier_below_50_pct"]), "50", "1", value="times"),
        }
        story.on(
            component(
                graduated("100"),
                pays="percent_of_target",
                target=str(given["target_variable"]),
                bands_in="percent_of_quota",
                quota=QUOTA,
                multipliers=[slower],
            )
        )
        story.payroll.quota(story.rep, minor(1_000_000))
        story.won(1_000_000 * given["attainment_pct"] // 100)
        assert story.pay(story.payroll.compute(JANUARY)) == minor(expected["payout"])

    def test_a_grid_of_invoice_and_gross_profit(self, cases, story):
        """The source's breakpoints are upper edges that belong to the lower band: a cent above, the next begins."""
        given, expected = cases["cmp-68"]["inputs"], cases["cmp-68"]["expected"]
        columns = ["0", *(f"{edge}.01" for edge in given["invoice_breakpoints"][:-1])]
        rows = ["0", *(f"{edge}.01" for edge in given["gp_breakpoints"][:-1])]
        rates = [[str(rate) for rate in given["grid"][str(edge)]] for edge in given["gp_breakpoints"]]
        grid = {
            "method": "grid",
            "columns": {"by": "amount", "from": columns},
            "rows": {"by": "figure:gp_percent", "from": rows},
            "rates": rates,
        }
        story.on(component(grid))
        story.won(given["invoice"], figures={"gp_percent": str(given["gp_pct"])})
        (line,) = story.lines(story.payroll.compute(JANUARY))
        assert line.rate == f"{expected['rate_pct']}.00 %"
        assert line.amount_minor == minor(Decimal(given["invoice"]) * Decimal(expected["rate_pct"]) / 100)


class TestBases:
    def test_the_quota_of_a_hire_in_june_is_for_the_days_that_are_left(self, cases, story):
        given, expected = cases["cmp-29"]["inputs"], cases["cmp-29"]["expected"]
        start = date.fromisoformat(given["start"])
        like = component(
            graduated("100"), pays="percent_of_target", target="10000.00",
            bands_in="percent_of_quota", quota=QUOTA, basis="year",
        )  # fmt: skip
        story.on(like, start=start)
        story.payroll.quota(story.rep, minor(given["annual_quota"]), parse_period("2019"))
        story.payroll.won(story.rep, datetime(2019, 6, 12, 12, tzinfo=UTC), minor(1_000))
        (line,) = story.lines(story.payroll.compute(parse_period("2019-06")))
        assert f"€{Decimal(expected['quota']):,}" in line.formula
        share = Fraction(expected["quota"]) / given["annual_quota"] * 100
        assert round(share, 2) == Fraction(expected["weight_pct"])
        assert round(Fraction(given["days_remaining"], given["year_days"]) * 100, 2) == round(share, 2)

    def test_yearly_revenue_and_not_the_contract_over_two_years(self, cases, story):
        given, expected = cases["cmp-35"]["inputs"], cases["cmp-35"]["expected"]
        term = {"figure": "term_years", "years": "1"}
        story.on(component(graduated(str(given["rate_pct"])), measure={"term": term}))
        contract = given["arr"] * given["term_years"]
        story.won(contract, figures={"term_years": str(given["term_years"])})
        paid = story.pay(story.payroll.compute(JANUARY))
        assert paid == minor(expected["commission"])
        assert Fraction(paid, minor(contract)) * 100 == Fraction(expected["pct_of_tcv"])

    def test_pay_per_demo_and_per_opportunity(self, cases, story):
        given, expected = cases["cmp-38"]["inputs"], cases["cmp-38"]["expected"]

        def per_unit(key: str, event: str, rate: int) -> dict[str, Any]:
            measure = COUNT | {"event": event, "capacity": "sourced"}
            return component(graduated(str(rate)), key=key, pays="per_unit", measure=measure)

        demos = per_unit("demos", "held", given["demo_bonus"])
        opportunities = per_unit("opportunities", "stage_1", given["opp_bonus"])
        story.on(demos, opportunities, role="sdr")
        story.counted(EventKind.HELD, given["demos"])
        story.counted(EventKind.STAGE_1, given["opps"])
        run = story.payroll.compute(JANUARY)
        assert story.pay(run, component_key="demos") == minor(expected["demo_payout"])
        assert story.pay(run, component_key="opportunities") == minor(expected["opp_payout"])

    def test_a_deal_split_between_sdr_and_ae(self, cases, story):
        given, expected = cases["cmp-40"]["inputs"], cases["cmp-40"]["expected"]
        split = {"sourced": str(given["sdr"]["split_pct"]), "owned": str(given["ae"]["split_pct"])}
        sdr = story.payroll.cast.rep(story.payroll.cast.sdr)
        sourced = component(
            graduated(str(given["sdr"]["rate_pct"])), split=split, measure={"capacity": "sourced"}
        )
        meeting = component(
            graduated(str(given["sdr"]["per_meeting"])),
            key="meetings",
            pays="per_unit",
            measure=COUNT | {"event": "accepted", "capacity": "sourced"},
        )
        story.on(sourced, meeting, rep=sdr, role="sdr", name="SDR")
        story.on(component(graduated(str(given["ae"]["rate_pct"])), split=split))
        story.payroll.accepted(sdr, noon(2))
        both = [Credit(sdr, Capacity.SOURCED), Credit(story.rep, Capacity.OWNED)]
        story.payroll.event(EventKind.WON, noon(5), *both, amount_minor=minor(given["acv"]))
        run = story.payroll.compute(JANUARY)
        paid = {
            who: sum(line.amount_minor for line in story.lines(run, rep))
            for who, rep in (("sdr", sdr), ("ae", story.rep))
        }
        assert paid == {who: minor(expected[who]) for who in ("sdr", "ae")}
        assert sum(paid.values()) == minor(expected["total"])

    def test_a_manager_s_override_on_what_the_reps_sold(self, cases, story):
        given, expected = cases["cmp-43"]["inputs"], cases["cmp-43"]["expected"]
        payroll, team = story.payroll, story.rep.team
        manager = Rep.objects.create(
            name="Manager", user=team.manager, team=team, role=RepRole.AE, hired_on=date(2020, 1, 1)
        )
        people = {}
        for name, sold in given["rep_sales"].items():
            people[name] = Rep.objects.create(
                name=name, team=team, role=RepRole.AE, hired_on=date(2020, 1, 1)
            )
            story.on(component(graduated(str(given["rep_rate_pct"]))), rep=people[name], name=f"Rep {name}")
            payroll.won(people[name], noon(5), minor(sold))
        payroll.won(manager, noon(6), minor(1_000))  # one's own sale is no override
        over = component(graduated(str(given["override_pct"])), scope="managed")
        story.on(over, rep=manager, role="manager", name="Manager")
        run = payroll.compute(JANUARY)
        lines = story.lines(run, manager)
        by_rep = {line.event.credits.get().rep.name: line.amount_minor for line in lines}
        assert by_rep == {name: minor(expected[name]) for name in people}
        assert sum(by_rep.values()) == minor(expected["override_total"])
        of_reps = LedgerEntry.objects.filter(run=run, rep__in=people.values())
        assert sum(line.amount_minor for line in of_reps) == minor(expected["rep_total"])

    def test_selling_below_cost_is_a_base_of_zero(self, cases, story):
        given, expected = cases["cmp-84"]["inputs"], cases["cmp-84"]["expected"]
        margin = {"of": "figure", "figure": "margin", "unit": "money", "not_below_zero": "yes"}
        story.on(component(graduated(str(given["rate_pct"])), measure=margin))
        made = (given["subtotal"] - given["cost"]) * given["qty"]
        story.won(given["subtotal"], figures={"margin": str(made)})
        (line,) = story.lines(story.payroll.compute(JANUARY))
        assert line.amount_minor == minor(expected["commission"])

    def test_settlements_are_never_mixed_across_currencies_or_months(self, cases, story):
        given, expected = cases["cmp-88"]["inputs"], cases["cmp-88"]["expected"]
        story.on(component(graduated("10")))
        months = {"last month": 1, "today": 2}
        for number, (when, currency) in enumerate(given["invoices"], 1):
            own = currency == "company currency"
            story.won(100 * number, month=months[when], currency="EUR" if own else "USD")
        for period in (JANUARY, FEBRUARY):
            story.payroll.settle(period)
        settled = Statement.objects.filter(line_count__gt=0)
        assert settled.count() == int(expected["settlements"])
        assert {(one.run.code, one.currency) for one in settled} == {
            ("2026-01", "USD"), ("2026-02", "EUR"), ("2026-02", "USD"),
        }  # fmt: skip


class TestDraws:
    def earn(self, story: Story, draw: dict[str, str], earned: list[int]) -> list[int]:
        """Settle a month for each amount; gives what each month paid."""
        story.on(component(graduated("100")), draw={"name": "Draw"} | draw)
        paid = []
        for number, amount in enumerate(earned, 1):
            story.won(amount, month=number)
            run = story.payroll.settle(parse_period(f"2026-{number:02}"))
            story.lines(run)
            paid.append(story.payroll.paid(run, story.rep))
        return paid

    def owed(self, story: Story) -> list[int]:
        """The balance after each month, from the draw's own lines."""
        total, found = 0, []
        for number in range(1, PayoutRun.objects.count() + 1):
            lines = LedgerEntry.objects.filter(source_key="draw", starts_on=date(2026, number, 1))
            total += sum(line.amount_minor for line in lines)
            found.append(total)
        return found

    def test_one_that_is_not_taken_back_is_a_floor(self, cases, story):
        given, expected = cases["cmp-47"]["inputs"], cases["cmp-47"]["expected"]
        draw = {"amount": str(given["draw_per_period"]), "recoverable": "no"}
        assert self.earn(story, draw, given["earned"]) == [minor(one) for one in expected["paid"]]
        assert self.owed(story) == [minor(one) for one in expected["balance_owed"]]
        assert LedgerEntry.objects.get(component_key="draw").kind == EntryKind.DRAW_ADVANCE

    def test_one_that_is_taken_back_never_takes_pay_below_it(self, cases, story):
        given, expected = cases["cmp-48"]["inputs"], cases["cmp-48"]["expected"]
        draw = {"amount": str(given["draw_per_period"]), "recoverable": "yes"}
        assert self.earn(story, draw, given["earned"]) == [minor(one) for one in expected["paid"]]
        assert self.owed(story) == [minor(one) for one in expected["balance_owed"]]

    def test_one_paid_up_front_is_settled(self, cases, story):
        given, expected = cases["cmp-52"]["inputs"], cases["cmp-52"]["expected"]
        draw = {"amount": str(given["draw_paid_up_front"]), "recoverable": "yes", "paid": "in_advance"}
        assert self.earn(story, draw, [given["earned"]]) == [minor(expected["settlement"])]


class TestLater:
    def test_a_deal_that_is_reversed_is_clawed_back_in_full(self, cases, story):
        given, expected = cases["cmp-57"]["inputs"], cases["cmp-57"]["expected"]
        story.on(
            component(graduated(str(given["rate_pct"])), clawback={"within_days": "90", "method": "full"})
        )
        deal = story.won(given["deal"])
        january = story.payroll.settle(JANUARY)
        assert story.pay(january) == minor(expected["commission"])
        reversal = story.payroll.reverse(deal, noon(5, 2), reason="cancelled")
        february = story.payroll.compute(FEBRUARY)
        (line,) = LedgerEntry.objects.filter(run=february)
        assert (line.kind, line.amount_minor) == (EntryKind.CLAWBACK, minor(expected["clawback"]))
        assert line.cause_event_id == reversal.pk
        assert "reversed on 5 Feb 2026 (cancelled)" in line.cause

    def test_a_share_is_held_back(self, cases, story):
        given, expected = cases["cmp-60"]["inputs"], cases["cmp-60"]["expected"]
        assert given["pay_now_pct"] + given["hold_pct"] == 100
        held = {"percent": str(given["hold_pct"]), "releases": [{"on": "paid"}]}
        story.on(component(graduated("10"), holdback=held))
        deal = story.payroll.deal(story.rep)
        story.won(given["commission"] * 10, opportunity=deal)
        january = story.payroll.settle(JANUARY)
        assert story.pay(january) == minor(expected["paid_now"])
        assert story.pay(january, kind=EntryKind.HOLDBACK) == -minor(expected["held"])
        story.payroll.payment(deal, noon(9, 3), minor(10_000))
        assert story.pay(story.payroll.settle(FEBRUARY)) == 0
        released = story.lines(story.payroll.settle(MARCH))
        assert [(line.kind, line.amount_minor) for line in released] == [
            (EntryKind.RELEASE, minor(expected["held"]))
        ]

    def test_what_is_held_is_released_in_two_halves(self, cases, story):
        given, expected = cases["cmp-66"]["inputs"], cases["cmp-66"]["expected"]
        first, second = (label.removesuffix(" paid") for label in given["releases"])
        releases = [{"on": "paid", "label": label, "percent": "50"} for label in (first, second)]
        story.on(component(graduated("10"), holdback={"percent": "100", "releases": releases}))
        deal = story.payroll.deal(story.rep)
        story.won(given["total"] * 10, opportunity=deal)
        assert story.pay(story.payroll.settle(JANUARY)) == 0
        story.payroll.payment(deal, noon(2, 2), minor(300), label=first)
        assert story.pay(story.payroll.settle(FEBRUARY)) == minor(expected["first"])
        story.payroll.payment(deal, noon(2, 3), minor(700), label=second)
        assert story.pay(story.payroll.settle(MARCH)) == minor(expected["second"])

    def test_what_is_not_paid_pays_nobody(self, cases, story):
        given, expected = cases["cmp-87"]["inputs"], cases["cmp-87"]["expected"]
        assert given["invoice_posted"]
        assert not given["paid"]
        story.on(component(graduated("10"), measure={"event": "paid"}))
        deal = story.payroll.deal(story.rep)
        story.won(1_000, opportunity=deal)
        january = story.payroll.settle(JANUARY)
        assert len(story.lines(january)) == int(expected["settlements_before_payment"])
        story.payroll.payment(deal, noon(9, 2), minor(400))
        february = story.payroll.settle(FEBRUARY)
        assert len(story.lines(february)) >= int(expected["settlements_after_payment_at_least"])
        assert story.pay(february) == minor(40)


def test_every_case_has_a_test(cases):
    told = Path(__file__).read_text()
    assert [name for name in cases if name not in told] == []
