"""An estimate is what the run pays once what it supposes has happened: to the cent, line by line, in words."""

import copy
import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.compensation.models import CustomerPayment, LedgerEntry, PayoutRun, Statement
from apps.compensation.rules.comparison import PaidLine, total
from apps.compensation.rules.events import WHOLE_SHARE, UnableToEarn
from apps.compensation.rules.turns import in_turn, paid_in, period_of
from apps.compensation.selectors.estimates import Estimate, course_of, estimate
from apps.compensation.selectors.supposed import Supposed, SupposedCredit, SupposedEvent
from apps.core.periods import Period, parse_period
from apps.leads.models import Capacity, EventKind, FunnelEvent, Opportunity
from apps.leads.services.record import Credit
from apps.reps.models import Quota, QuotaMeasure, Rep, RepRole
from tests.compensation import formula_reader
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import (
    COUNT,
    DRAW,
    OF_EVERY_KIND,
    QUOTA,
    component,
    graduated,
    plan,
    whole,
)
from tests.stage import staged

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("ESTIMATE_EXAMPLES", "12"))
YEAR = Period(date(2026, 1, 1), date(2027, 1, 1))
KINDS = {name: document for name, document in OF_EVERY_KIND.items() if name != "override"}
FIGURES = {"margin": "812.50", "seats": "7", "term_years": "3", "margin_percent": "16"}


@pytest.fixture
@staged
def ae(payroll: Payroll) -> Rep:
    return payroll.cast.rep(payroll.cast.ae)


def won(rep: Rep, at: datetime, amount_minor: int, **more: Any) -> SupposedEvent:
    shares = more.pop("credits", (SupposedCredit(rep.pk, Capacity.OWNED, WHOLE_SHARE),))
    return SupposedEvent(EventKind.WON, at, shares, amount_minor, "EUR", **more)


def ask(rep: Rep, *events: SupposedEvent, at: datetime, today: date | None = None) -> Estimate:
    return estimate(course=course_of(rep.pk, at), supposed=Supposed(events), today=today or at.date())


def pays(lines: tuple[PaidLine, ...]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in lines:
        found[line.currency] += line.amount_minor
    return dict(found)


def said(line: PaidLine) -> tuple[str, str, int]:
    return line.component_key, line.formula, line.amount_minor


def posted(run: PayoutRun, rep: Rep) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(run=run, rep=rep).order_by("pk"))


def read_back(line: PaidLine) -> None:
    """The words of a line, evaluated by somebody who knows nothing of the engine, give its amount."""
    earned = line.line.amount_minor if line.line else 0
    if not line.formula.startswith("Now") and line.line and line.line.kind != "draw_forgiveness":
        if "by largest remainder" not in line.formula:
            assert formula_reader.minor(line.formula) == earned, line.formula


# --- Any plan, any events -------------------------------------------------------------------------

instants = st.integers(0, 27 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
amounts = st.one_of(st.integers(1, 90_000_00), st.sampled_from([40_000_00, 50_000_00, 80_000_00, 100_000_00]))
kinds = st.sampled_from(["won", "won", "won", "accepted", "booked", "paid"])
happening = st.fixed_dictionaries(
    {
        "kind": kinds,
        "after": instants,
        "amount": amounts,
        "share": st.sampled_from([WHOLE_SHARE, WHOLE_SHARE, 500_000, 333_333]),
        "figures": st.booleans(),
        "deal": st.integers(0, 2),
        "label": st.sampled_from(["", "setup invoice", "first subscription invoice"]),
        "late": st.booleans(),
    }
)
draws = st.sampled_from(
    [
        None,
        None,
        DRAW,
        DRAW | {"recoverable": "no"},
        DRAW | {"paid": "in_advance"},
        DRAW | {"forgiven_on": "2026-02-10"},
    ]
)


@st.composite
def documents(pick: Any) -> dict[str, Any]:
    names = pick(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3, unique=True))
    found = []
    for name in names:
        one = copy.deepcopy(KINDS[name]) | {"key": name.replace(" ", "_").replace("-", "_")}
        if pick(st.booleans()) and "basis" not in one and "bonus" not in one and "holdback" not in one:
            one["basis"] = pick(st.sampled_from(["month", "quarter", "year_to_date"]))
        found.append(one)
    draw = pick(draws)
    return plan(*found, **({"draw": draw} if draw else {}))


def recorded(payroll: Payroll, rep: Rep, deals: list[Opportunity], start: datetime, one: dict, at: datetime):
    """Put ``one`` on record, as an import would."""
    when, deal = start + one["after"], deals[one["deal"]]
    known_at = at if one["late"] else min(max(when, noon(1)), at)
    if one["kind"] == "paid":
        if not FunnelEvent.objects.filter(opportunity=deal, kind=EventKind.WON, recorded_at__lte=at).exists():
            return
        payroll.payment(deal, when, one["amount"], label=one["label"], recorded_at=known_at)
        return
    capacity = Capacity.OWNED if one["kind"] == "won" else Capacity.SOURCED
    shares = [Credit(rep, capacity, one["share"])]
    if one["share"] < WHOLE_SHARE:
        other = Rep.objects.exclude(pk=rep.pk).filter(team=rep.team).order_by("pk")[0]
        shares.append(Credit(other, capacity, WHOLE_SHARE - one["share"]))
    payroll.event(
        EventKind(one["kind"]),
        when,
        *shares,
        amount_minor=one["amount"],
        recorded_at=known_at,
        figures=FIGURES if one["figures"] else {"term_years": "2"},
        opportunity=deal,
    )


def supposed_of(rep: Rep, deals: list[Opportunity], start: datetime, one: dict) -> list[SupposedEvent]:
    """The same as a supposition; a payment is credited as the wins of its deal are."""
    when, deal = start + one["after"], (("opportunity", deals[one["deal"]].pk),)
    figures = FIGURES if one["figures"] else {"term_years": "2"}
    if one["kind"] == "paid":
        raise AssertionError("Payments are supposed beside a win; see the stories.")
    capacity = Capacity.OWNED if one["kind"] == "won" else Capacity.SOURCED
    shares = [SupposedCredit(rep.pk, capacity, one["share"])]
    if one["share"] < WHOLE_SHARE:
        other = Rep.objects.exclude(pk=rep.pk).filter(team=rep.team).order_by("pk")[0]
        shares.append(SupposedCredit(other.pk, capacity, WHOLE_SHARE - one["share"]))
    return [
        SupposedEvent(
            one["kind"], when, tuple(shares), one["amount"], "EUR",
            {name: Fraction(value) for name, value in figures.items()}, deals=deal,
        )
    ]  # fmt: skip


@pytest.mark.slow
class TestEqualsTheRun:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        # An example is two runs on a database: making a failing one smaller would take minutes.
        phases=[Phase.explicit, Phase.generate],
        print_blob=True,
    )
    @given(
        document=documents(),
        past=st.lists(happening, max_size=5),
        present=st.lists(happening, max_size=4),
        ahead=st.lists(
            st.tuples(st.sampled_from([1, 2]), happening.filter(lambda one: one["kind"] != "paid")),
            min_size=1,
            max_size=4,
        ),
    )
    def test_of_any_plan_and_any_events(self, payroll, ae, document, past, present, ahead):
        with transaction.atomic():
            self._compare(payroll, ae, document, past, present, ahead)
            transaction.set_rollback(True)

    def _compare(self, payroll, ae, document, past, present, ahead):
        colleague = Rep.objects.create(
            name="Colleague", team=ae.team, role=RepRole.AE, hired_on=date(2025, 1, 1)
        )
        made = payroll.plan(document)
        payroll.assign(ae, made)
        payroll.assign(colleague, made, date(2026, 1, 10))
        for rep in (ae, colleague):
            payroll.quota(rep, 1_200_000_00, YEAR)
        Quota.objects.create(
            team=ae.team, measure=QuotaMeasure.AMOUNT_WON, starts_on=YEAR.start, ends_on=YEAR.end,
            target_minor=2_400_000_00, currency="EUR",
        )  # fmt: skip
        deals = [payroll.deal(ae, f"Deal {number}") for number in range(3)]
        start, as_of = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)
        for one in past:
            recorded(payroll, ae, deals, start, one | {"late": False}, datetime(2026, 2, 1, tzinfo=UTC))
        payroll.settle(JANUARY)
        february = datetime(2026, 2, 1, tzinfo=UTC)
        for one in present:
            begun = start if one["late"] else february
            recorded(payroll, ae, deals, begun, one, as_of)
        starts = {1: february, 2: datetime(2026, 3, 1, tzinfo=UTC)}
        # A deal that the customer pays for was won: nobody is offered to suppose that it is won once more.
        paid_for = set(CustomerPayment.objects.values_list("opportunity", flat=True))
        possible = [
            row for row in ahead if row[1]["kind"] != "won" or deals[row[1]["deal"]].pk not in paid_for
        ]
        # What is supposed comes to the record in the order of time.
        rows = sorted(possible, key=lambda row: starts[row[0]] + row[1]["after"])
        events = [event for month, one in rows for event in supposed_of(ae, deals, starts[month], one)]
        before = LedgerEntry.objects.count(), Statement.objects.count(), PayoutRun.objects.count()
        found = ask(ae, *events, at=as_of)
        assert (LedgerEntry.objects.count(), Statement.objects.count(), PayoutRun.objects.count()) == before
        for month, one in rows:
            recorded(payroll, ae, deals, starts[month], one | {"late": False}, starts[month] + timedelta(28))
        for period in (FEBRUARY, MARCH):
            run = payroll.settle(period)
            shown = next((each for each in found.periods if each.period == period), None)
            if shown is None:
                continue
            paid = {each.currency: each.payable_minor for each in Statement.objects.filter(run=run, rep=ae)}
            got = pays(shown.beside.lines)
            assert {cur: got.get(cur, 0) for cur in paid} == paid
            assert set(got) <= set(paid)
            entries = [one for one in posted(run, ae) if one.starts_on == period.start]
            assert Counter(said(line) for line in shown.beside.lines if not line.is_correction) == Counter(
                (entry.component_key, entry.formula, entry.amount_minor) for entry in entries
            )
            for line in shown.beside.lines:
                read_back(line)


# --- Stories --------------------------------------------------------------------------------------


def on_plan(payroll: Payroll, rep: Rep, *components: dict, start: date = date(2025, 1, 1), **more: Any):
    made = payroll.plan(plan(*components, **more))
    payroll.assign(rep, made, start)
    return made


def only(found: Estimate, period: Period = FEBRUARY):
    return next(one for one in found.periods if one.period == period)


class TestStories:
    def test_the_next_deal_reaches_the_accelerator_and_moves_the_others(self, payroll, ae):
        on_plan(payroll, ae, component(whole("5", "100", "10"), bands_in="percent_of_quota", quota=QUOTA))
        payroll.quota(ae, 100_000_00, FEBRUARY)
        payroll.won(ae, noon(3, 2), 60_000_00)
        found = only(ask(ae, won(ae, noon(20, 2), 50_000_00, name="Corvane"), at=noon(10, 2)))
        assert total(found.sums_without["EUR"]) == 3_000_00
        assert total(found.sums_with["EUR"]) == 11_000_00
        moved = {one.shown.formula: one.change_minor for one in found.moved}
        assert moved == {
            "€50,000.00 × 10.00 % = €5,000.00": 5_000_00,
            "€60,000.00 × 10.00 % = €6,000.00": 3_000_00,
        }
        (before,), (after,) = found.without.placed, found.beside.placed
        (ladder,) = before.standing.ladders
        assert (ladder.reached, ladder.next.left, ladder.next.pays) == (
            "0 to 100 % of quota", 40_000_00, "10.00 %",
        )  # fmt: skip
        assert after.standing.attainment == Fraction(11, 10)
        assert after.standing.ladders[0].next is None

    def test_a_cap_that_is_reached_takes_the_rest(self, payroll, ae):
        on_plan(payroll, ae, component(graduated("10"), cap="9000.00"))
        payroll.won(ae, noon(3, 2), 80_000_00)
        found = only(ask(ae, won(ae, noon(20, 2), 50_000_00), at=noon(10, 2)))
        assert total(found.sums_with["EUR"]) == 9_000_00
        assert {one.shown.source_key for one in found.moved if one.shown.line.event is None} == {"cap"}

    def test_a_draw_that_is_owed_is_taken_back_from_what_the_deal_brings(self, payroll, ae):
        on_plan(payroll, ae, component(graduated("10")), draw=DRAW)
        payroll.settle(JANUARY)
        found = only(ask(ae, won(ae, noon(20, 2), 50_000_00), at=noon(10, 2)))
        assert total(found.sums_without["EUR"]) == 2_000_00
        # January's advance of 2,000 is owed; 5,000 earned is 3,000 above the draw.
        assert total(found.sums_with["EUR"]) == 3_000_00
        payroll.won(ae, noon(20, 2), 50_000_00)
        assert payroll.paid(payroll.compute(FEBRUARY), ae) == 3_000_00

    def test_held_pay_is_released_by_a_payment_that_is_supposed(self, payroll, ae):
        on_plan(payroll, ae, copy.deepcopy(KINDS["holdback"]))
        deal = payroll.deal(ae)
        event = payroll.won(ae, noon(5), 10_000_00, opportunity=deal)
        payroll.settle(JANUARY)
        paid = SupposedEvent(
            "paid", noon(20, 2), (SupposedCredit(ae.pk, Capacity.OWNED, WHOLE_SHARE),), 5_000_00, "EUR",
            deals=(("opportunity", deal.pk),), label="setup invoice", of_event=event.pk,
        )  # fmt: skip
        found = only(ask(ae, paid, at=noon(10, 2)))
        assert total(found.sums_with["EUR"]) == 150_00
        payroll.payment(deal, noon(20, 2), 5_000_00, label="setup invoice")
        assert payroll.paid(payroll.compute(FEBRUARY), ae) == 150_00

    def test_a_win_and_its_payment_release_what_the_win_itself_holds_back(self, payroll, ae):
        on_plan(payroll, ae, copy.deepcopy(KINDS["holdback"]))
        deal = payroll.deal(ae)
        deals = (("opportunity", deal.pk),)
        shares = (SupposedCredit(ae.pk, Capacity.OWNED, WHOLE_SHARE),)
        events = [
            won(ae, noon(20, 2), 10_000_00, deals=deals),
            SupposedEvent(
                "paid", noon(21, 2), shares, 5_000_00, "EUR", deals=deals, label="setup invoice"
            ),
        ]  # fmt: skip
        found = only(ask(ae, *events, at=noon(10, 2)))
        payroll.won(ae, noon(20, 2), 10_000_00, opportunity=deal)
        payroll.payment(deal, noon(21, 2), 5_000_00, label="setup invoice")
        assert payroll.paid(payroll.compute(FEBRUARY), ae) == total(found.sums_with["EUR"]) == 850_00

    def test_a_manager_is_paid_on_what_the_team_closes(self, payroll, ae):
        boss = Rep.objects.create(
            name="Boss", user=payroll.cast.manager, team=payroll.cast.other_team, role=RepRole.AE,
            hired_on=date(2025, 1, 1),
        )  # fmt: skip
        on_plan(payroll, boss, copy.deepcopy(OF_EVERY_KIND["override"]))
        found = only(ask(boss, won(ae, noon(20, 2), 10_000_00), at=noon(10, 2)))
        assert total(found.sums_with["EUR"]) == 300_00

    def test_conditions_look_at_the_facts_of_what_is_supposed(self, payroll, ae):
        on_plan(payroll, ae, copy.deepcopy(KINDS["multiplier of a kind"]))
        at = noon(10, 2)
        plain = only(ask(ae, won(ae, noon(20, 2), 10_000_00), at=at))
        finance = only(ask(ae, won(ae, noon(20, 2), 10_000_00, facts={"industry": "Finance"}), at=at))
        assert total(plain.sums_with["EUR"]) == 1_000_00
        assert total(finance.sums_with["EUR"]) == 1_200_00

    def test_the_version_of_that_period_pays(self, payroll, ae):
        made = on_plan(payroll, ae, component(graduated("10")))
        payroll.plan(plan(component(graduated("20")), effective_on="2026-03-01"))
        march = ask(ae, won(ae, noon(20, 3), 10_000_00), at=noon(10, 2))
        assert only(march, MARCH).without.segments[0].plan_id == made.pk
        assert total(only(march, MARCH).sums_with["EUR"]) == 2_000_00

    def test_in_a_closed_period_it_corrects_and_is_paid_in_the_open_one(self, payroll, ae):
        on_plan(payroll, ae, component(graduated("10", "50000", "20")))
        payroll.won(ae, noon(20), 50_000_00)
        payroll.settle(JANUARY)
        found = only(ask(ae, won(ae, noon(5), 10_000_00), at=noon(10, 2)))
        assert found.period == FEBRUARY
        assert total(found.sums_with["EUR"]) == 2_000_00
        assert all(one.shown.is_correction for one in found.moved)
        payroll.won(ae, noon(5), 10_000_00, recorded_at=noon(11, 2))
        assert payroll.paid(payroll.compute(FEBRUARY), ae) == 2_000_00

    def test_what_is_missing_is_named(self, payroll, ae):
        on_plan(payroll, ae, component(graduated("10"), quota=QUOTA))
        with pytest.raises(UnableToEarn, match="measured against the quota “amount_won”"):
            ask(ae, won(ae, noon(20, 2), 10_000_00), at=noon(10, 2))

    def test_without_a_plan_nothing_is_paid(self, ae):
        (found,) = ask(ae, won(ae, noon(20, 2), 10_000_00), at=noon(10, 2)).periods
        assert not found.has_plan
        assert found.moved == []


class TestTurns:
    closed = (JANUARY, FEBRUARY)

    @pytest.mark.parametrize(
        ("day", "code"),
        [
            (date(2026, 1, 31), "2026-01"),
            (date(2026, 3, 1), "2026-03"),
            (date(2026, 12, 31), "2026-12"),
            (date(2025, 12, 31), "2025-12"),
        ],
    )
    def test_periods_go_on_as_the_newest_run(self, day, code):
        assert period_of(day, self.closed).code == code

    def test_quarters_go_on_as_quarters(self):
        assert period_of(date(2026, 8, 5), [parse_period("2026Q1")]).code == "2026Q3"

    def test_a_gap_is_filled_up_to_its_neighbours(self):
        known = [Period(date(2026, 1, 1), date(2026, 1, 20)), FEBRUARY]
        assert period_of(date(2026, 1, 25), known) == Period(date(2026, 1, 20), date(2026, 2, 1))

    def test_what_happened_in_a_closed_period_is_paid_in_the_next_open_one(self):
        assert paid_in(date(2026, 1, 5), self.closed, []) == MARCH
        assert paid_in(date(2026, 1, 5), [JANUARY], [FEBRUARY]) == FEBRUARY

    def test_all_open_periods_come_before_it(self):
        row = in_turn([parse_period("2026-05")], [JANUARY], [FEBRUARY])
        assert [one.code for one in row] == ["2026-02", "2026-03", "2026-04", "2026-05"]

    def test_of_a_long_row_the_last_are_kept(self):
        row = in_turn([parse_period("2028-01")], [JANUARY], [])
        assert len(row) == 14
        assert row[-1].code == "2028-01"


class TestCost:
    def test_one_rep_costs_the_same_queries_for_ten_events_and_for_five_hundred(self, payroll, ae):
        on_plan(payroll, ae, component(graduated("10", "50000", "20")), component(
            graduated("40.00"), measure=COUNT, pays="per_unit", key="count",
        ))  # fmt: skip
        payroll.won(ae, noon(3), 10_000_00)
        payroll.settle(JANUARY)
        counts = []
        for _ in range(2):
            for number in range(10 if not counts else 490):
                payroll.won(ae, noon(1 + number % 20, 2), 100_00 + number)
            with CaptureQueriesContext(connection) as asked:
                ask(ae, won(ae, noon(25, 2), 50_000_00), at=noon(26, 2))
            counts.append(len(asked))
        assert counts[0] == counts[1]
        assert counts[0] <= 30
