"""Carrying a run from step to step: the order, the separation of duties, and what the database refuses."""

import itertools

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditEntry
from apps.compensation import database_guards
from apps.compensation.models import PayoutRun, PlanVersion, RunState
from apps.compensation.models.runs import FOLLOWS
from apps.compensation.services import plan_drafts, plans, runs
from apps.core.errors import InvalidInput
from apps.jobs.models import Job
from tests.compensation.conftest import JANUARY, Payroll, flat_plan, noon
from tests.settling import settle_period
from tests.stage import staged

pytestmark = pytest.mark.django_db
AT = noon(5, 2)


@pytest.fixture
@staged
def computed(payroll: Payroll) -> PayoutRun:
    rep = payroll.cast.rep(payroll.cast.sdr)
    payroll.assign(rep, payroll.plan("sdr"))
    payroll.accepted(rep, noon(5), 1_000_00)
    return payroll.compute(JANUARY)


def submit(payroll, run):
    return runs.submit_run(run=run, at=AT, actor=payroll.cast.revops)


def approve(payroll, run, actor=None):
    return runs.approve_run(run=run, fingerprint=run.fingerprint, at=AT, actor=actor or payroll.cast.finance)


class TestSteps:
    def test_lead_from_computed_to_paid_and_each_is_recorded(self, payroll, computed):
        approve(payroll, submit(payroll, computed))
        runs.lock_run(run=computed, fingerprint=computed.fingerprint, at=AT, actor=payroll.cast.finance)
        runs.mark_paid(run=computed, at=AT, actor=payroll.cast.finance)
        assert computed.state == RunState.PAID
        verbs = AuditEntry.objects.filter(subject_type="compensation.PayoutRun").order_by("pk")
        assert list(verbs.values_list("verb", flat=True)) == [
            f"compensation.run.{step}" for step in ("created", "submitted", "approved", "locked", "paid")
        ]

    def test_none_is_skipped(self, payroll, computed):
        with pytest.raises(runs.UnableToCarryRun, match="is computed by now"):
            approve(payroll, computed)
        with pytest.raises(runs.UnableToCarryRun, match="is computed by now"):
            runs.mark_paid(run=computed, at=AT, actor=payroll.cast.finance)

    def test_a_second_click_changes_nothing(self, payroll, computed):
        submit(payroll, computed)
        with pytest.raises(runs.UnableToCarryRun, match="in approval by now"):
            submit(payroll, computed)

    def test_a_period_that_goes_on_is_not_submitted(self, payroll, computed):
        with pytest.raises(runs.UnableToCarryRun, match="is not over"):
            runs.submit_run(run=computed, at=noon(31), actor=payroll.cast.revops)

    def test_sent_back_it_can_be_computed_and_submitted_again(self, payroll, computed):
        approve(payroll, submit(payroll, computed))
        runs.send_back(run=computed, reason="A split is wrong.", at=AT, actor=payroll.cast.finance)
        assert (computed.state, computed.approved_by, computed.submitted_by) == (
            RunState.COMPUTED,
            None,
            None,
        )
        runs.request_computation(run=computed, at=AT, actor=payroll.cast.revops)
        assert computed.state == RunState.COMPUTING

    def test_going_back_wants_a_reason(self, payroll, computed):
        submit(payroll, computed)
        with pytest.raises(InvalidInput):
            runs.send_back(run=computed, reason="  ", at=AT, actor=payroll.cast.finance)

    @pytest.mark.parametrize("state", ["submitted", "approved"])
    def test_a_run_on_its_way_is_not_computed(self, payroll, computed, state):
        submit(payroll, computed)
        if state == "approved":
            approve(payroll, computed)
        with pytest.raises(runs.UnableToCarryRun, match="send it back"):
            runs.request_computation(run=computed, at=AT)

    def test_a_locked_run_is_never_computed(self, payroll, computed):
        payroll.lock(computed)
        with pytest.raises(runs.UnableToCarryRun, match="never computed again"):
            runs.request_computation(run=computed, at=AT)

    def test_asking_twice_is_one_job(self, payroll, computed):
        one = runs.request_computation(run=computed, at=AT, actor=payroll.cast.revops)
        assert runs.request_computation(run=computed, at=AT, actor=payroll.cast.revops) == one
        assert Job.objects.count() == 1

    def test_what_is_approved_is_what_was_seen(self, payroll, computed):
        submit(payroll, computed)
        with pytest.raises(runs.RunChanged, match="reload"):
            runs.approve_run(run=computed, fingerprint="0" * 64, at=AT, actor=payroll.cast.finance)
        approve(payroll, computed)
        with pytest.raises(runs.RunChanged):
            runs.lock_run(run=computed, fingerprint="", at=AT, actor=payroll.cast.finance)


class TestDuties:
    def test_who_computed_does_not_approve(self, payroll, computed):
        submit(payroll, computed)
        with pytest.raises(runs.UnableToCarryRun, match="somebody else approves"):
            approve(payroll, computed, actor=payroll.cast.revops)

    def test_who_submitted_does_not_approve(self, payroll, computed):
        runs.submit_run(run=computed, at=AT, actor=payroll.cast.finance)
        with pytest.raises(runs.UnableToCarryRun, match="somebody else approves"):
            approve(payroll, computed)

    def test_who_is_paid_neither_approves_nor_locks(self, payroll, computed):
        submit(payroll, computed)
        with pytest.raises(runs.UnableToCarryRun, match="This run pays you"):
            approve(payroll, computed, actor=payroll.cast.sdr)
        approve(payroll, computed)
        with pytest.raises(runs.UnableToCarryRun, match="This run pays you"):
            runs.lock_run(run=computed, fingerprint=computed.fingerprint, at=AT, actor=payroll.cast.sdr)

    @pytest.mark.parametrize("part", ["revops", "sdr"])
    def test_the_database_refuses_it_as_well(self, payroll, computed, part):
        submit(payroll, computed)
        person = getattr(payroll.cast, part)
        with pytest.raises(IntegrityError), transaction.atomic():
            PayoutRun.objects.filter(pk=computed.pk).update(
                state=RunState.APPROVED, approved_by=person, approved_at=AT
            )

    def test_the_database_knows_the_steps(self, payroll, computed):
        """Every pair of states: what the table does not allow is refused."""
        table = {(before, after) for before, found in FOLLOWS.items() for after in found}
        assert table == {(RunState(one), RunState(two)) for one, two in database_guards.TRANSITIONS}
        assert {(one, one) for one in RunState}.isdisjoint(table)
        forbidden = [pair for pair in itertools.permutations(RunState, 2) if pair not in table]
        from_computed = [after for before, after in forbidden if before == RunState.COMPUTED]
        assert set(from_computed) == {RunState.APPROVED, RunState.LOCKED, RunState.PAID}
        for after in from_computed:
            people = {"approved_by": payroll.cast.finance, "locked_by": payroll.cast.finance}
            with pytest.raises(IntegrityError), transaction.atomic():
                PayoutRun.objects.filter(pk=computed.pk).update(
                    state=after, approved_at=AT, locked_at=AT, **people
                )

    def test_what_stays_when_locked_is_every_column_but_the_payment(self):
        columns = {field.column for field in PayoutRun._meta.concrete_fields}
        assert columns - set(database_guards.KEPT_WHEN_LOCKED) == {"id", "state", "paid_at", "paid_by_id"}

    def test_a_plan_is_not_approved_by_its_author_nor_by_whom_it_pays(self, payroll, computed):
        version = plans.load_plan_document(document=flat_plan(), author=payroll.cast.revops, at=AT)
        plan_drafts.submit_version(version=version, at=AT, actor=version.author)
        with pytest.raises(plans.UnableToApprovePlan, match="You wrote"):
            plans.approve_version(version=version, approver=payroll.cast.revops, at=AT)
        rep = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(rep, version.plan)
        with pytest.raises(plans.UnableToApprovePlan, match="You are paid"):
            plans.approve_version(version=version, approver=payroll.cast.ae, at=AT)
        with pytest.raises(IntegrityError), transaction.atomic():
            PlanVersion.objects.filter(pk=version.pk).update(
                state="approved", approver=payroll.cast.revops, approved_at=AT
            )
        plans.approve_version(version=version, approver=payroll.cast.finance, at=AT)
        with pytest.raises(plans.UnableToApprovePlan, match="approved before"):
            plans.approve_version(version=version, approver=payroll.cast.finance, at=AT)


class TestLoadingAPlan:
    def test_the_same_document_again_is_the_same_version(self, payroll):
        first = plans.load_plan_document(document=flat_plan(), author=payroll.cast.revops, at=AT)
        assert plans.load_plan_document(document=flat_plan(), author=payroll.cast.revops, at=AT) == first
        other = plans.load_plan_document(document=flat_plan(rate="11"), author=payroll.cast.revops, at=AT)
        assert other.number == 2

    def test_a_plan_keeps_its_role(self, payroll):
        plans.load_plan_document(document=flat_plan(), author=payroll.cast.revops, at=AT)
        with pytest.raises(InvalidInput, match="another role"):
            plans.load_plan_document(
                document=flat_plan() | {"role": "sdr"}, author=payroll.cast.revops, at=AT
            )

    def test_a_day_is_named_when_it_is_none(self, payroll):
        with pytest.raises(InvalidInput, match="effective_on: Write a day"):
            plans.load_plan_document(
                document=flat_plan() | {"effective_on": "soon"}, author=payroll.cast.revops, at=AT
            )


def test_settling_a_past_period_takes_every_step(payroll: Payroll) -> None:
    run = settle_period(
        period=JANUARY, computed_by=payroll.cast.revops, approved_by=payroll.cast.finance, at=AT
    )
    assert (run.state, run.paid_at) == (RunState.PAID, AT)
    with pytest.raises(runs.UnableToCarryRun):
        settle_period(
            period=JANUARY.previous(),
            computed_by=payroll.cast.finance,
            approved_by=payroll.cast.finance,
            at=AT,
        )
