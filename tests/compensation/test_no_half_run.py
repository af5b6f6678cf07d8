"""What cannot be earned is told by name before the first line, also where a closed period asks for it."""

from datetime import date

import pytest

from apps.compensation.models import LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.services import computation, plans
from apps.compensation.services.computation import UnableToCompute
from apps.core.errors import DomainError
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Rep, RepRole
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, banded_plan, flat_plan, noon
from tests.compensation.plan_documents import QUOTA, component, graduated, plan
from tests.stage import staged

pytestmark = pytest.mark.django_db
BY_QUOTA = component(graduated("4", "80", "6"), bands_in="percent_of_quota", quota=QUOTA)
TWO_BANDS = graduated("1", "100", "2")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch) -> None:
    """One rep a batch: whoever is found late would leave lines of those before."""
    monkeypatch.setattr(computation, "REPS_PER_BATCH", 1)


@pytest.fixture
@staged
def neighbour(payroll: Payroll):
    """Somebody who is computed first, and whose pay is in order."""
    rep = payroll.cast.rep(payroll.cast.sdr)
    payroll.assign(rep, payroll.plan("sdr"))
    payroll.accepted(rep, noon(4))
    return rep


def ae_on(payroll: Payroll, *components, **more):
    rep = payroll.cast.rep(payroll.cast.ae)
    payroll.assign(rep, payroll.plan(plan(*components, **more)))
    return rep


def refused(payroll: Payroll, period, *, says: str) -> None:
    before = (LedgerEntry.objects.count(), Statement.objects.count())
    with pytest.raises(DomainError, match=says):
        payroll.compute(period)
    assert (LedgerEntry.objects.count(), Statement.objects.count()) == before
    assert PayoutRun.objects.get(code=period.code).state == RunState.COMPUTING


class TestAClosedPeriodThatCanNoLongerBeComputed:
    def test_for_want_of_its_quota_stops_the_open_run_before_its_first_line(self, payroll, neighbour):
        rep = ae_on(payroll, BY_QUOTA)
        quota = payroll.quota(rep, 100_000_00)
        payroll.won(rep, noon(5), 1_000_00)
        payroll.settle(JANUARY)
        quota.delete()
        payroll.accepted(neighbour, noon(6, 2))
        refused(payroll, FEBRUARY, says=r"Ae: January 2026: “The only component” is measured against")
        payroll.quota(rep, 100_000_00)
        assert payroll.paid(payroll.compute(FEBRUARY), neighbour) == 40_00

    def test_for_a_late_event_in_another_currency(self, payroll, neighbour):
        rep = ae_on(payroll, component(TWO_BANDS))
        payroll.settle(JANUARY)
        late = payroll.won(rep, noon(5), 1_000_00, currency="USD", recorded_at=noon(9, 2))
        refused(payroll, FEBRUARY, says=rf"Ae: January 2026: Event {late.pk} is in USD")

    def test_for_a_version_that_asks_what_its_events_do_not_say(self, payroll, neighbour):
        rep = ae_on(payroll, component(graduated("10")))
        payroll.won(rep, noon(5), 1_000_00)
        payroll.settle(JANUARY)
        by_term = component(graduated("10"), measure={"term": {"figure": "term_years"}})
        payroll.plan(plan(by_term))
        refused(payroll, FEBRUARY, says=r"January 2026: .*says none above zero")


class TestAnotherCurrency:
    def test_of_a_payment_is_found_before_the_first_line(self, payroll, neighbour):
        rep = ae_on(payroll, component(TWO_BANDS, measure={"event": "paid"}))
        deal = payroll.deal(rep)
        payroll.won(rep, noon(5), 1_000_00, opportunity=deal)
        payroll.payment(deal, noon(9), 500_00, currency="USD")
        refused(payroll, JANUARY, says="is in USD, and the bands")

    def test_of_a_payment_does_not_matter_to_a_flat_rate(self, payroll, neighbour):
        rep = ae_on(payroll, component(graduated("10"), measure={"event": "paid"}))
        deal = payroll.deal(rep)
        payroll.won(rep, noon(5), 1_000_00, opportunity=deal)
        payroll.payment(deal, noon(9), 500_00, currency="USD")
        assert payroll.paid(payroll.compute(JANUARY), rep, "USD") == 50_00

    def test_of_a_teammate_s_event_is_found_before_the_first_line(self, payroll, neighbour):
        ae_on(payroll, component(TWO_BANDS, scope="team"))
        second = payroll.cast.rep(payroll.cast.second_ae)
        payroll.event(
            EventKind.WON, noon(7), Credit(second, Capacity.OWNED), amount_minor=1_000_00, currency="USD"
        )
        refused(payroll, JANUARY, says="is in USD, and the bands")

    def test_of_an_event_before_the_first_run_of_a_quarter_is_found_too(self, payroll, neighbour):
        rep = ae_on(payroll, component(TWO_BANDS, basis="quarter"))
        payroll.won(rep, noon(5), 1_000_00, currency="USD")
        refused(payroll, FEBRUARY, says="is in USD, and the bands")


class TestNamedErrors:
    def test_a_missing_quota(self, payroll, neighbour):
        rep = ae_on(payroll, BY_QUOTA)
        payroll.won(rep, noon(5), 1_000_00)
        refused(payroll, JANUARY, says="Ae: “The only component” is measured against the quota “amount_won”")

    @pytest.mark.parametrize("currency", ["EURO", "", "XXX", "eur", None])
    def test_an_unknown_currency_of_a_plan(self, payroll, currency):
        with pytest.raises(DomainError, match="Write an ISO 4217 code"):
            payroll.plan(banded_plan([["0", None, "1"]], currency=currency))

    def test_overlapping_assignments(self, payroll, neighbour):
        other = payroll.plan(flat_plan())
        for day in (date(2025, 6, 1), date(2024, 1, 1)):
            with pytest.raises(plans.UnableToAssignPlan, match="Sdr is on a plan on one of those days"):
                payroll.assign(neighbour, other, starts_on=day)

    def test_a_plan_without_an_approved_version(self, payroll, neighbour):
        version = plans.load_plan_document(
            document=plan(component(TWO_BANDS)), author=payroll.cast.revops, at=noon(1)
        )
        payroll.assign(payroll.cast.rep(payroll.cast.ae), version.plan)
        refused(payroll, JANUARY, says="“Test plan” has no approved version on 01 Jan 2026")

    def test_of_many_the_first_five_are_named_and_the_rest_counted(self, payroll, neighbour):
        rules = payroll.plan(plan(BY_QUOTA))
        for number in range(7):
            rep = Rep.objects.create(
                name=f"Ae {number}", team=neighbour.team, role=RepRole.AE, hired_on=date(2025, 1, 1)
            )
            payroll.assign(rep, rules)
            payroll.won(rep, noon(5), 1_00)
        with pytest.raises(UnableToCompute) as told:
            payroll.compute(JANUARY)
        assert told.value.message.count("is measured against the quota") == 5
        assert told.value.message.endswith("And 2 more.")
