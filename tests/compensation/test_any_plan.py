"""Plans of format 2 from the record to the ledger: what runs on over periods, is shared, held or taken back."""

from datetime import date

import pytest
from django.urls import reverse

from apps.compensation.models import EntryKind, LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.selectors import control
from apps.compensation.services import payments, runs
from apps.compensation.services.computation import UnableToCompute
from apps.core.periods import parse_period
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Quota, QuotaMeasure, Rep, RepRole
from tests.compensation import formula_reader
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import COUNT, DRAW, QUOTA, bands, component, graduated, plan, whole
from tests.leads.scenes import handed_off
from tests.stage import staged

pytestmark = pytest.mark.django_db
QUARTER = parse_period("2026Q1")


@pytest.fixture
@staged
def ae(payroll: Payroll) -> Rep:
    return payroll.cast.rep(payroll.cast.ae)


def on(payroll: Payroll, rep: Rep, *components, start: date = date(2025, 1, 1), ends_on=None, **more):
    made = payroll.plan(plan(*components, **more))
    payroll.assign(rep, made, start, **({"ends_on": ends_on} if ends_on else {}))
    return made


def colleague(rep: Rep, name: str = "Colleague") -> Rep:
    return Rep.objects.create(name=name, team=rep.team, role=RepRole.AE, hired_on=date(2020, 1, 1))


def standing(rep: Rep, **which) -> int:
    """What the ledger says in all, each line of it read back from its words."""
    lines = LedgerEntry.objects.filter(rep=rep, **which)
    for line in lines:
        assert formula_reader.minor(line.formula) == line.earned_minor, line.formula
    return sum(line.amount_minor for line in lines)


class TestPeriodsThatRunOn:
    def test_a_quarter_by_months_is_trued_up_to_the_quarter(self, payroll, ae):
        """Whole rates: the second month lifts the first one's rate, and says so."""
        on(payroll, ae, component(whole("5", "100000", "10"), basis="quarter"))
        payroll.won(ae, noon(5), 60_000_00)
        january = payroll.settle(JANUARY)
        assert payroll.paid(january, ae) == 3_000_00
        payroll.won(ae, noon(5, 2), 50_000_00)
        february = payroll.settle(FEBRUARY)
        own, earlier = Statement.objects.values_list("earned_minor", "adjustments_minor").get(run=february)
        assert (own, earlier) == (5_000_00, 3_000_00)
        true_up = LedgerEntry.objects.get(run=february, kind=EntryKind.ADJUSTMENT)
        assert true_up.cause == "Trued up: what the quarter gives by now, with all that happened since."
        assert standing(ae) == 110_000_00 // 10
        assert payroll.paid(payroll.compute(MARCH), ae) == 0
        assert control.fingerprint(january) == january.fingerprint

    def test_the_next_quarter_begins_anew(self, payroll, ae):
        on(payroll, ae, component(whole("5", "100000", "10"), basis="quarter"))
        payroll.won(ae, noon(5, 3), 90_000_00)
        payroll.won(ae, noon(5, 4), 90_000_00)
        payroll.settle(MARCH)
        assert payroll.paid(payroll.compute(parse_period("2026-04")), ae) == 4_500_00

    def test_the_year_to_date_is_measured_against_the_days_gone_by(self, payroll, ae):
        like = component(
            graduated("0", "100", "10"), bands_in="percent_of_quota", quota=QUOTA, basis="year_to_date"
        )
        on(payroll, ae, like)
        payroll.quota(ae, 365_000_00, parse_period("2026"))
        payroll.won(ae, noon(5), 41_000_00)
        assert payroll.paid(payroll.settle(JANUARY), ae) == 1_000_00  # 10,000 above 31,000
        payroll.won(ae, noon(5, 2), 8_000_00)
        payroll.settle(FEBRUARY)
        assert standing(ae) == 0  # 49,000 of 59,000 by now: what January paid is taken back

    def test_a_cap_of_the_quarter_holds_over_its_months(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), basis="quarter", cap="1500.00"))
        for month, period in ((1, JANUARY), (2, FEBRUARY), (3, MARCH)):
            payroll.won(ae, noon(5, month), 7_000_00)
            payroll.settle(period)
        assert standing(ae) == 1_500_00
        capped = LedgerEntry.objects.filter(source_key="cap").order_by("starts_on")
        assert [line.amount_minor for line in capped] == [-600_00]
        assert capped[0].starts_on == date(2026, 3, 1)

    def test_months_of_a_quarterly_run_have_limits_of_their_own(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), basis="month", cap="500.00"))
        for month in (1, 2):
            payroll.won(ae, noon(5, month), 7_000_00)
        assert payroll.paid(payroll.compute(QUARTER), ae) == 1_000_00
        keys = LedgerEntry.objects.filter(source_key__startswith="cap").values_list("source_key", flat=True)
        assert set(keys) == {"cap", "cap@2026-02-01"}

    def test_recomputing_posts_nothing(self, payroll, ae):
        on(payroll, ae, component(whole("5", "100000", "10"), basis="quarter", cap="9000.00", floor="100.00"))
        payroll.won(ae, noon(5), 60_000_00)
        payroll.settle(JANUARY)
        payroll.won(ae, noon(5, 2), 50_000_00)
        first = payroll.compute(FEBRUARY)
        lines = LedgerEntry.objects.count()
        assert payroll.compute(FEBRUARY).fingerprint == first.fingerprint
        assert LedgerEntry.objects.count() == lines


class TestOthersEvents:
    def test_a_shared_target_pays_everybody_on_the_team_s_result(self, payroll, ae):
        other = colleague(ae)
        Quota.objects.create(
            team=ae.team, measure=QuotaMeasure.AMOUNT_WON, starts_on=JANUARY.start, ends_on=JANUARY.end,
            target_minor=100_000_00, currency="EUR",
        )  # fmt: skip
        like = component(
            whole("0", "100", "100"), scope="team", pays="target_by_band", target="1200.00",
            bands_in="percent_of_quota", quota=QUOTA,
        )  # fmt: skip
        made = on(payroll, ae, like)
        payroll.assign(other, made)
        payroll.won(ae, noon(5), 30_000_00)
        payroll.won(other, noon(6), 70_000_00)
        run = payroll.compute(JANUARY)
        assert [payroll.paid(run, rep) for rep in (ae, other)] == [1_200_00, 1_200_00]

    def test_a_pool_is_divided_by_days_and_sums_to_the_whole(self, payroll, ae):
        second, third = colleague(ae, "Second"), colleague(ae, "Third")
        made = on(payroll, ae, component(graduated("10"), scope="team_pool"))
        payroll.assign(second, made)
        payroll.assign(third, made, date(2026, 1, 17))
        payroll.won(ae, noon(5), 1_000_01)
        run = payroll.compute(JANUARY)
        paid = [payroll.paid(run, rep) for rep in (ae, second, third)]
        assert sum(paid) == 100_00
        assert paid == [4026, 4026, 1948]

    def test_a_late_sale_of_a_colleague_moves_the_override(self, payroll, ae):
        manager = Rep.objects.create(
            name="M", user=ae.team.manager, team=ae.team, role=RepRole.AE, hired_on=date(2020, 1, 1)
        )
        on(payroll, manager, component(graduated("3"), scope="managed"), role="manager")
        payroll.won(ae, noon(5), 1_000_00)
        assert payroll.paid(payroll.settle(JANUARY), manager) == 30_00
        late = payroll.won(ae, noon(20), 2_000_00, recorded_at=noon(10, 2))
        february = payroll.compute(FEBRUARY)
        assert payroll.paid(february, manager) == 60_00
        assert LedgerEntry.objects.get(run=february).cause_event == late


class TestDraws:
    def test_a_reversal_in_a_locked_month_moves_the_draw_and_what_is_owed(self, payroll, ae):
        on(payroll, ae, component(graduated("100")), draw=DRAW)
        deal = payroll.won(ae, noon(5), 2_500_00)
        assert payroll.paid(payroll.settle(JANUARY), ae) == 2_500_00
        payroll.won(ae, noon(5, 2), 2_300_00)
        assert payroll.paid(payroll.settle(FEBRUARY), ae) == 2_300_00
        payroll.reverse(deal, noon(3, 3))
        # January: nothing earned, 2,000 advanced. February takes 300 back. March owes 1,700.
        march = payroll.settle(MARCH)
        by_period = {month: standing(ae, starts_on=date(2026, month, 1)) for month in (1, 2, 3)}
        assert by_period == {1: 2_000_00, 2: 2_000_00, 3: 2_000_00}
        assert payroll.paid(march, ae) == 2_000_00 - 500_00 - 300_00
        owed = LedgerEntry.objects.filter(source_key="draw")
        assert sum(line.amount_minor for line in owed) == 2_000_00 - 300_00 + 2_000_00

    def test_what_is_owed_is_forgiven_on_its_day(self, payroll, ae):
        on(payroll, ae, component(graduated("100")), draw=DRAW | {"forgiven_on": "2026-02-15"})
        assert payroll.paid(payroll.settle(JANUARY), ae) == 2_000_00
        payroll.won(ae, noon(5, 2), 3_000_00)
        february = payroll.settle(FEBRUARY)
        assert payroll.paid(february, ae) == 3_000_00
        given_up = LedgerEntry.objects.get(run=february, kind=EntryKind.DRAW_FORGIVENESS)
        assert (given_up.amount_minor, given_up.formula) == (0, "€2,000.00 owed × 0, forgiven = €0.00")
        payroll.won(ae, noon(5, 3), 3_000_00)
        assert payroll.paid(payroll.compute(MARCH), ae) == 3_000_00

    def test_one_paid_in_advance_owes_what_was_not_earned(self, payroll, ae):
        on(payroll, ae, component(graduated("100")), draw=DRAW | {"paid": "in_advance"})
        payroll.won(ae, noon(5), 1_500_00)
        assert payroll.paid(payroll.settle(JANUARY), ae) == 0
        payroll.won(ae, noon(5, 2), 3_000_00)
        assert payroll.paid(payroll.settle(FEBRUARY), ae) == 500_00


class TestHeldAndTakenBack:
    HELD = {"percent": "30", "releases": [{"on": "won"}]}

    def test_a_part_of_an_accepted_meeting_waits_for_the_win(self, payroll, ae):
        like = component(
            graduated("100.00"), pays="per_unit", holdback=self.HELD, measure=COUNT | {"event": "accepted"}
        )
        on(payroll, ae, like)
        deal = payroll.deal(ae)
        payroll.event(EventKind.ACCEPTED, noon(5), Credit(ae, Capacity.OWNED), opportunity=deal)
        assert payroll.paid(payroll.settle(JANUARY), ae) == 70_00
        payroll.settle(FEBRUARY)
        won = payroll.won(ae, noon(5, 3), 9_000_00, opportunity=deal)
        march = payroll.settle(MARCH)
        assert payroll.paid(march, ae) == 30_00
        payroll.reverse(won, noon(2, 4))
        assert payroll.paid(payroll.compute(parse_period("2026-04")), ae) == -30_00
        assert standing(ae) == 70_00

    def test_a_leaver_still_gets_what_is_released(self, payroll, ae):
        held = {"percent": "50", "releases": [{"on": "paid"}]}
        on(payroll, ae, component(graduated("10"), holdback=held), ends_on=date(2026, 2, 1))
        deal = payroll.deal(ae)
        payroll.won(ae, noon(5), 1_000_00, opportunity=deal)
        payroll.settle(JANUARY)
        payroll.payment(deal, noon(5, 2), 1_000_00)
        assert payroll.paid(payroll.compute(FEBRUARY), ae) == 50_00

    def test_what_is_reversed_takes_what_was_held_with_it(self, payroll, ae):
        held = {"percent": "30", "releases": [{"on": "paid"}]}
        on(payroll, ae, component(graduated("10"), holdback=held))
        deal = payroll.deal(ae)
        won = payroll.won(ae, noon(5), 1_000_00, opportunity=deal)
        payroll.settle(JANUARY)
        payroll.reverse(won, noon(5, 2))
        payroll.settle(FEBRUARY)
        assert standing(ae) == 0

    def test_a_clawback_day_by_day_keeps_what_was_served(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), clawback={"within_days": "100", "method": "pro_rata"}))
        first, second = (payroll.won(ae, noon(day), 10_000_00) for day in (5, 6))
        payroll.settle(JANUARY)
        reversal = payroll.reverse(first, noon(24, 2))
        february = payroll.settle(FEBRUARY)
        line = LedgerEntry.objects.get(run=february)
        assert (line.kind, line.amount_minor, line.earned_minor) == (EntryKind.CLAWBACK, -500_00, 500_00)
        assert "€10,000.00 × 50 ÷ 100 days kept × 10.00 %" in line.formula
        assert line.cause_event == reversal
        payroll.reverse(second, noon(20, 4))
        assert payroll.paid(payroll.compute(parse_period("2026-04")), ae) == 0

    def test_a_payment_that_was_a_mistake_is_taken_back(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure={"event": "paid"}))
        deal = payroll.deal(ae)
        payroll.won(ae, noon(5), 1_000_00, opportunity=deal)
        payment = payroll.payment(deal, noon(9), 400_00)
        assert payroll.paid(payroll.settle(JANUARY), ae) == 40_00
        payments.reverse_payment(payment=payment, at=noon(3, 2))
        assert payroll.paid(payroll.compute(FEBRUARY), ae) == -40_00
        with pytest.raises(payments.UnableToReversePayment):
            payments.reverse_payment(payment=payment, at=noon(4, 2))


class TestPoliciesOfTheField:
    def test_nobody_is_paid_for_a_booking_that_turned_out_a_no_show(self, payroll, ae):
        like = component(graduated("20.00"), pays="per_unit", measure=COUNT | {"event": "booked"})
        on(payroll, ae, like)
        hand_off = handed_off(payroll.cast)
        credit = Credit(ae, Capacity.OWNED)
        payroll.event(EventKind.BOOKED, noon(5), credit, hand_off=hand_off)
        assert payroll.paid(payroll.settle(JANUARY), ae) == 20_00
        missed = payroll.event(EventKind.NO_SHOW, noon(3, 2), credit, hand_off=hand_off)
        february = payroll.settle(FEBRUARY)
        assert payroll.paid(february, ae) == -20_00
        assert LedgerEntry.objects.get(run=february).cause_event == missed
        payroll.event(EventKind.HELD, noon(3, 3), credit, hand_off=hand_off)
        assert payroll.paid(payroll.compute(MARCH), ae) == 20_00

    def test_a_spiff_stops_at_its_budget_first_come_first_served(self, payroll, ae):
        other = colleague(ae)
        spiff = component(
            graduated("100.00"), pays="per_unit", measure=COUNT,
            bonus={"from": "2026-01-01", "to": "2026-03-01", "budget": "350.00"},
        )  # fmt: skip
        made = on(payroll, ae, spiff)
        payroll.assign(other, made)
        for day, rep in ((5, ae), (6, other), (7, other)):
            payroll.won(rep, noon(day), 1_00)
        january = payroll.settle(JANUARY)
        assert [payroll.paid(january, rep) for rep in (ae, other)] == [100_00, 200_00]
        for day, rep in ((5, ae), (6, other)):
            payroll.won(rep, noon(day, 2), 1_00)
        february = payroll.settle(FEBRUARY)
        assert [payroll.paid(february, rep) for rep in (ae, other)] == [50_00, 0]
        cut = LedgerEntry.objects.get(run=february, rep=ae)
        assert cut.kind == EntryKind.BONUS
        assert cut.formula.startswith("left of the budget €50.00 = €50.00; the budget is €350.00")
        payroll.won(ae, noon(4), 1_00, recorded_at=noon(5, 3))
        payroll.compute(MARCH)
        assert standing(ae) + standing(other) == 350_00

    def test_only_industries_of_a_kind_are_paid_more(self, payroll, ae):
        more = {
            "name": "Strategic",
            "where": [{"field": "figure:seats", "is": "at_least", "value": "100"}],
            "times": "2",
        }
        on(payroll, ae, component(graduated("10"), multipliers=[more]))
        payroll.won(ae, noon(5), 100_00, figures={"seats": "100"})
        payroll.won(ae, noon(6), 100_00, figures={"seats": "99.5"})
        assert payroll.paid(payroll.compute(JANUARY), ae) == 30_00


class TestNoHalfRun:
    def refused(self, payroll, match):
        with pytest.raises(UnableToCompute, match=match):
            payroll.compute(JANUARY)
        assert not LedgerEntry.objects.exists()
        assert PayoutRun.objects.get().state == RunState.COMPUTING

    def test_a_missing_quota_of_the_team_is_named(self, payroll, ae):
        like = component(graduated("10"), scope="team", quota=QUOTA, multipliers=[
            {"name": "A", "bands_in": "percent_of_quota", "method": "graduated", "bands": bands("1", value="times")}
        ])  # fmt: skip
        on(payroll, ae, like)
        payroll.won(ae, noon(5), 100_00)
        self.refused(payroll, "Ae: .*amount_won.* none above zero")

    def test_a_contract_without_its_years_is_named(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), measure={"term": {"figure": "term_years"}}))
        deal = payroll.won(ae, noon(5), 100_00)
        self.refused(payroll, f"“term_years”, and event {deal.pk} says none above zero")

    def test_another_currency_under_a_cap_is_named(self, payroll, ae):
        on(payroll, ae, component(graduated("10"), cap="10.00"))
        payroll.won(ae, noon(5), 100_00, currency="USD")
        self.refused(payroll, "is in USD, and the bands of .* are in EUR")


class TestStatementsAgree:
    def test_page_report_and_ledger_say_the_same_of_every_kind(self, payroll, ae, client):
        held = {"percent": "30", "releases": [{"on": "paid"}]}
        on(
            payroll, ae,
            component(graduated("10"), holdback=held, cap="900.00"),
            component(graduated("1"), key="second", name="Second", floor="250.00"),
            draw=DRAW,
        )  # fmt: skip
        payroll.won(ae, noon(5), 10_000_00)
        run = payroll.compute(JANUARY)
        runs.submit_run(run=run, at=noon(2, 2), actor=payroll.cast.revops)
        statement = Statement.objects.get(run=run, rep=ae)
        assert statement.payable_minor == sum(
            LedgerEntry.objects.filter(run=run).values_list("amount_minor", flat=True)
        )
        assert statement.payable_minor == 2_000_00
        client.force_login(payroll.cast.finance)
        page = client.get(reverse("compensation:statement", args=[statement.pk])).content.decode()
        assert "draw advanced" in page
        assert "held back" in page
        for line in LedgerEntry.objects.filter(run=run):
            assert client.get(reverse("compensation:line", args=[line.pk])).status_code == 200
