"""Several at once: one run of a period, one computation, one approval, and nothing posted twice."""

from datetime import date, timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.compensation.models import LedgerEntry, PayoutRun, PayReview, PlanAssignment, RunState, Statement
from apps.compensation.selectors import reviews as reviews_of_run
from apps.compensation.services import reviews, runs
from apps.compensation.services.computation import UnableToCompute, compute_run
from apps.compensation.services.plan_assignments import assign_many
from apps.compensation.services.plans import UnableToAssignPlan
from apps.core.errors import DomainError
from apps.core.periods import parse_period
from apps.jobs.models import Job
from tests.compensation.conftest import JANUARY, Payroll, noon
from tests.jobs.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
AT = noon(5, 2)


def outcome(act):
    try:
        return act()
    except DomainError as error:
        return type(error)


@pytest.fixture
def company(payroll: Payroll) -> Payroll:
    plan = payroll.plan("sdr")
    for name in ("sdr", "teammate", "outsider"):
        rep = payroll.cast.rep(getattr(payroll.cast, name))
        payroll.assign(rep, plan)
        for day in range(1, 13):
            payroll.accepted(rep, noon(day), 1_000_00)
    return payroll


def test_a_period_gets_one_run(company):
    """Many rounds: two rows that share days may not wait for each other in the database either."""
    for year in range(2006, 2026):
        periods = iter([parse_period(f"{year}-01"), parse_period(f"{year}Q1")] * 4)
        found = at_once(
            8, lambda periods=periods: outcome(lambda: runs.start_run(period=next(periods), at=AT))
        )
        assert PayoutRun.objects.filter(starts_on__year=year).count() == 1
        assert found.count(runs.UnableToStartRun) == 7
    assert Job.objects.count() == 20


def test_a_rep_who_is_put_on_two_plans_at_once_is_on_one(company):
    cast, plans = company.cast, [company.plan("ae"), company.plan("manager")]
    reps = [cast.rep(cast.ae), cast.rep(cast.second_ae)]
    for month in range(1, 11):
        turns = iter(range(8))
        first, after = date(2027, month, 1), date(2027, month + 1, 1)

        def assign(turns=turns, first=first, after=after):
            turn = next(turns)
            return assign_many(
                # In either order, so that whoever holds one of them may not wait for the other.
                reps=reps[:: -1 if turn % 2 else 1],
                plan=plans[turn // 2 % 2],
                starts_on=first,
                ends_on=after,
                at=AT,
                actor=cast.revops,
            )

        found = at_once(8, lambda assign=assign: outcome(assign))
        kept = PlanAssignment.objects.filter(starts_on=first, ends_on=after)
        assert kept.count() == 2
        assert kept.values("plan").distinct().count() == 1
        assert found.count(UnableToAssignPlan) == 4


def test_eight_computations_of_one_run_at_once_post_once(company, monkeypatch):
    from apps.compensation.services import computation

    monkeypatch.setattr(computation, "REPS_PER_BATCH", 1)
    run = runs.create_run(period=JANUARY, at=AT, actor=company.cast.revops)
    found = at_once(8, lambda: outcome(lambda: compute_run(run=run, clock=lambda: AT).state))
    assert RunState.COMPUTED in found
    assert set(found) <= {RunState.COMPUTED, UnableToCompute, computation.CarriedOn}
    assert LedgerEntry.objects.count() == 3 * 24
    assert set(Statement.objects.values_list("payable_minor", flat=True)) == {10 * 40_00 + 2 * 60_00 + 24_00}


def test_four_approvals_at_once_are_one(company):
    run = company.compute(JANUARY)
    runs.submit_run(run=run, at=AT, actor=company.cast.revops)

    def approve():
        own = PayoutRun.objects.get(pk=run.pk)
        return runs.approve_run(run=own, fingerprint=run.fingerprint, at=AT, actor=company.cast.finance)

    found = at_once(4, lambda: outcome(approve))
    assert sum(isinstance(one, PayoutRun) for one in found) == 1
    assert found.count(runs.UnableToCarryRun) == 3
    assert AuditEntry.objects.filter(verb="compensation.run.approved").count() == 1


def test_an_approval_and_a_sending_back_at_once_have_one_outcome(company):
    """Whichever was first, the other is refused: no run stands approved over pay that is sent back."""
    for month in range(1, 11):
        period = parse_period(f"2026-{month:02}")
        at = period.bounds()[1] + timedelta(days=2)
        run = company.compute(period, at=at)
        runs.submit_run(run=run, at=at, actor=company.cast.revops)
        rep = company.cast.rep(company.cast.sdr)
        seen = {rep.pk: reviews_of_run.digests(run)[rep.pk]}

        def approve(run=run, at=at):
            own = PayoutRun.objects.get(pk=run.pk)
            return runs.approve_run(
                run=own, fingerprint=run.fingerprint, at=at, actor=company.cast.finance
            ).state

        def send_back(run=run, at=at, seen=seen):
            return reviews.review_pay(
                run=run, seen=seen, verdict="sent_back", reason="Late.", at=at, actor=company.cast.manager
            )

        acts = iter([approve, send_back] if month % 2 else [send_back, approve])
        found = at_once(2, lambda acts=acts: outcome(next(acts)))
        run.refresh_from_db()
        approved = run.state == RunState.APPROVED
        assert found.count(runs.UnableToCarryRun) == 1
        assert PayReview.objects.filter(run=run).exists() is not approved
        assert (RunState.APPROVED in found) is approved


def test_closing_while_recomputing_is_before_or_after_and_never_between(company):
    for round_ in range(6):
        period = parse_period(f"2026-0{round_ + 2}")
        rep = company.cast.rep(company.cast.sdr)
        company.accepted(rep, period.bounds()[0] + timedelta(days=3), 1_000_00)
        at = period.bounds()[1] + timedelta(days=2)
        run = company.compute(period, at=at)
        late = period.bounds()[0] + timedelta(days=4)
        company.accepted(rep, late, 1_000_00, recorded_at=at)

        def submit(run=run, at=at):
            own = PayoutRun.objects.get(pk=run.pk)
            return runs.submit_run(run=own, at=at, actor=company.cast.revops)

        def recompute(run=run, at=at):
            own = PayoutRun.objects.get(pk=run.pk)
            runs.request_computation(run=own, at=at, actor=company.cast.revops)
            return compute_run(run=own, clock=lambda: at)

        acts = iter([submit, recompute])
        found = at_once(2, lambda acts=acts: outcome(next(acts)))
        run.refresh_from_db()
        paid = company.paid(run, rep)
        if run.state == RunState.SUBMITTED and runs.UnableToCarryRun in found:
            assert paid == 42_00, "it was submitted first, so it stays as it was seen"
        else:
            assert paid == 84_00
