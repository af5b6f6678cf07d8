"""What moves a closed period from outside of it: its payments' wins, quarters, draws, held pay, what is undone."""

from datetime import date

import pytest

from apps.compensation.models import LedgerEntry, PlanAssignment
from apps.core.periods import parse_period
from apps.reps.models import Quota
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import DRAW, QUOTA, component, graduated, plan, whole

pytestmark = pytest.mark.django_db
APRIL = parse_period("2026-04")
OF_PAYMENTS = component(graduated("10"), measure={"event": "paid"})


def ae_on(payroll: Payroll, *components, **more):
    rep = payroll.cast.rep(payroll.cast.ae)
    payroll.assign(rep, payroll.plan(plan(*components, **more)))
    return rep


def earned(rep, period, key: str = "only") -> int:
    """What all runs together posted for ``period``."""
    lines = LedgerEntry.objects.filter(rep=rep, starts_on=period.start, component_key=key)
    return sum(lines.values_list("amount_minor", flat=True))


class TestAPayment:
    @pytest.fixture
    def settled(self, payroll):
        """A win of January whose customer paid in February; both months are closed."""
        rep = ae_on(payroll, OF_PAYMENTS)
        deal = payroll.deal(rep)
        win = payroll.won(rep, noon(5), 1_000_00, opportunity=deal)
        payroll.payment(deal, noon(9, 2), 1_000_00)
        payroll.settle(JANUARY)
        assert payroll.paid(payroll.settle(FEBRUARY), rep) == 100_00
        return rep, deal, win

    def test_pays_no_more_once_its_win_is_reversed(self, payroll, settled):
        rep, _, win = settled
        payroll.reverse(win, noon(9, 3))
        assert payroll.paid(payroll.compute(MARCH), rep) == -100_00
        assert earned(rep, FEBRUARY) == 0

    def test_pays_whom_its_win_credits_now(self, payroll, settled):
        rep, deal, win = settled
        other = payroll.cast.rep(payroll.cast.second_ae)
        payroll.assign(other, payroll.plan(plan(OF_PAYMENTS, name="Another")))
        payroll.reverse(win, noon(9, 3))
        payroll.won(other, noon(5), 1_000_00, opportunity=deal, recorded_at=noon(10, 3))
        march = payroll.compute(MARCH)
        assert (payroll.paid(march, rep), payroll.paid(march, other)) == (-100_00, 100_00)


class TestAQuarter:
    def test_is_trued_up_in_all_its_closed_months_when_a_late_deal_lifts_it(self, payroll):
        rep = ae_on(payroll, component(whole("1", "100000", "2"), basis="quarter"))
        payroll.won(rep, noon(5), 60_000_00)
        for month in (JANUARY, FEBRUARY, MARCH):
            payroll.settle(month)
        payroll.won(rep, noon(20, 3), 50_000_00, recorded_at=noon(9, 4))
        april = payroll.compute(APRIL)
        # 2 % of 110,000.00, less the 1 % of 60,000.00 that was paid.
        assert payroll.paid(april, rep) == 2_200_00 - 600_00
        assert (earned(rep, JANUARY), earned(rep, MARCH)) == (1_200_00, 1_000_00)

    def test_is_trued_down_when_its_last_month_loses_a_deal(self, payroll):
        rep = ae_on(payroll, component(whole("1", "100000", "2"), basis="quarter"))
        payroll.won(rep, noon(5), 60_000_00)
        late = payroll.won(rep, noon(20, 3), 50_000_00)
        for month in (JANUARY, FEBRUARY, MARCH):
            payroll.settle(month)
        payroll.reverse(late, noon(9, 4))
        assert payroll.paid(payroll.compute(APRIL), rep) == 600_00 - 2_200_00


class TestADraw:
    def test_is_taken_back_once_by_whom_two_plans_of_one_month_draw(self, payroll):
        """500.00 are owed from January; in February two plans with a draw each earn more than it."""
        draws = {"draw": DRAW | {"amount": "500.00"}}
        rep = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(rep, payroll.plan(plan(component(graduated("10")), **draws)))
        payroll.settle(JANUARY)
        PlanAssignment.objects.update(ends_on=date(2026, 2, 15))
        payroll.assign(
            rep, payroll.plan(plan(component(graduated("10")), name="Next", **draws)), date(2026, 2, 15)
        )
        for day in (5, 20):
            payroll.won(rep, noon(day, 2), 10_000_00)
        assert payroll.paid(payroll.settle(FEBRUARY), rep) == 2_000_00 - 500_00
        assert earned(rep, FEBRUARY, "draw") == -500_00
        payroll.won(rep, noon(5, 3), 10_000_00)
        assert payroll.paid(payroll.compute(MARCH), rep) == 1_000_00

    def test_of_a_closed_month_follows_an_older_one_that_is_computed_after_it(self, payroll):
        rep = ae_on(payroll, component(graduated("10")), draw=DRAW | {"amount": "500.00"})
        payroll.won(rep, noon(5, 2), 12_000_00)
        assert payroll.paid(payroll.settle(FEBRUARY), rep) == 1_200_00
        january = payroll.compute(JANUARY, at=noon(5, 3))
        # January advances 500.00, which February's pay above the draw takes back at once.
        assert payroll.paid(january, rep) == 500_00 - 500_00
        assert (earned(rep, JANUARY, "draw"), earned(rep, FEBRUARY, "draw")) == (500_00, -500_00)


class TestWhatIsUndone:
    def test_a_quota_that_was_changed_and_changed_back_pays_as_before(self, payroll):
        by_quota = component(graduated("4", "80", "6"), bands_in="percent_of_quota", quota=QUOTA)
        rep = ae_on(payroll, by_quota)
        quota = payroll.quota(rep, 100_000_00)
        payroll.won(rep, noon(5), 100_000_00)
        payroll.settle(JANUARY)
        for target, change, month in ((200_000_00, -400_00, FEBRUARY), (100_000_00, 400_00, MARCH)):
            Quota.objects.filter(pk=quota.pk).update(target_minor=target)
            assert payroll.paid(payroll.settle(month), rep) == change
        assert earned(rep, JANUARY) == 4_400_00


class TestHeldPay:
    def test_of_who_left_is_released_by_what_came_late_for_a_closed_month(self, payroll):
        """The win credits the AE alone, and comes to the record when both months are closed."""
        holding = component(
            graduated("100.00"),
            measure={"event": "accepted", "capacity": "sourced", "of": "count"},
            pays="per_unit",
            holdback={"percent": "50", "releases": [{"on": "won"}]},
        )
        sdr = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(sdr, payroll.plan(plan(holding, role="sdr")), ends_on=date(2026, 2, 1))
        ae = payroll.cast.rep(payroll.cast.ae)
        deal = payroll.deal(ae)
        payroll.accepted(sdr, noon(5), opportunity=deal)
        assert payroll.paid(payroll.settle(JANUARY), sdr) == 50_00
        payroll.settle(FEBRUARY)
        payroll.won(ae, noon(20, 2), 1_000_00, opportunity=deal, recorded_at=noon(9, 3))
        assert payroll.paid(payroll.settle(MARCH), sdr) == 50_00
        assert earned(sdr, FEBRUARY) == 50_00
        assert not LedgerEntry.objects.filter(run=payroll.compute(APRIL)).exists()
