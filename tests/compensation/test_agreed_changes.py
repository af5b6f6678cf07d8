"""From a rep's question to money: a change with four eyes, posted once, by the next run, and taken back."""

from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import DatabaseError, transaction

from apps.compensation.models import (
    Inquiry,
    LedgerEntry,
    PayAdjustmentDecision,
    PayoutRun,
    Statement,
    Verdict,
)
from apps.compensation.selectors import control
from apps.compensation.selectors.reports import report_rows
from apps.compensation.services import pay_adjustments as services
from apps.compensation.services import rates
from apps.compensation.services.inquiry_rows import UnableToHandle
from apps.compensation.services.pay_adjustments import UnableToAdjust, UnableToDecide
from apps.core.errors import InvalidInput
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.formula_reader import minor
from tests.compensation.inquiry_scenes import Scene, monday, settled

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(payroll: Payroll) -> Scene:
    return settled(payroll)


def lines_of(run: PayoutRun) -> list[dict]:
    return list(LedgerEntry.objects.filter(run=run).order_by("pk").values())


def state_of(run: PayoutRun) -> list:
    """All that a locked run says of itself."""
    return [
        PayoutRun.objects.values().get(pk=run.pk),
        list(Statement.objects.filter(run=run).order_by("pk").values()),
        lines_of(run),
        control.fingerprint(run),
    ]


def adds_up(run: PayoutRun) -> bool:
    statements = Statement.objects.filter(run=run)
    by_report = sum(row.payable_minor for row in report_rows(run))
    return (
        control.differences(run) == []
        and sum(one.payable_minor for one in statements) == by_report
        and all(one.digest == control.digest(one.pk) for one in statements if one.line_count)
    )


class TestAnAgreedChange:
    def test_is_paid_by_the_next_locked_run_and_leaves_the_questioned_one_as_it_was(self, scene: Scene):
        before = state_of(scene.run)
        inquiry = scene.ask_line()
        scene.agree(inquiry)
        assert state_of(scene.run) == before
        february = scene.payroll.settle(FEBRUARY)
        statement = Statement.objects.get(run=february, rep=scene.rep)
        assert (statement.earned_minor, statement.adjustments_minor) == (0, 80_00)
        assert state_of(scene.run) == before
        assert adds_up(february)
        inquiry.refresh_from_db()
        assert (inquiry.state, inquiry.outcome) == ("agreed", "agreed")

    def test_stands_on_its_line_with_its_cause_and_a_formula_that_reads_back(self, scene: Scene):
        inquiry = scene.ask_line()
        scene.agree(inquiry)
        february = scene.payroll.compute(FEBRUARY)
        line = LedgerEntry.objects.get(run=february, source_key=f"inquiry:{inquiry.pk}:1")
        assert (line.kind, line.component_key, line.starts_on) == ("adjustment", "only", JANUARY.start)
        assert f"inquiry {inquiry.pk}" in line.cause
        assert "The second product was left out." in line.cause
        assert minor(line.formula) == line.amount_minor == line.earned_minor == 80_00
        assert sum(Fraction(term[0]) for term in line.terms) == Fraction(line.exact) == 80_00
        assert line.title == f"Agreed in inquiry {inquiry.pk}"

    def test_below_zero_takes_pay_back_and_reads_back_too(self, scene: Scene):
        inquiry = scene.ask_line()
        scene.agree(inquiry, -25_50)
        february = scene.payroll.settle(FEBRUARY)
        line = LedgerEntry.objects.get(run=february, source_key=f"inquiry:{inquiry.pk}:1")
        assert minor(line.formula) == line.amount_minor == -25_50
        assert scene.payroll.paid(february, scene.rep) == -25_50

    def test_is_posted_once_however_often_the_run_computes(self, scene: Scene):
        scene.agree(scene.ask_line())
        february = scene.payroll.compute(FEBRUARY)
        first, fingerprint = lines_of(february), february.fingerprint
        for _ in range(2):
            february = scene.payroll.compute(FEBRUARY)
        assert lines_of(february) == first
        assert february.fingerprint == fingerprint
        march = scene.payroll.settle(FEBRUARY) and scene.payroll.settle(MARCH)
        assert not LedgerEntry.objects.filter(run=march).exists()

    def test_that_is_approved_after_the_computation_waits_for_the_next_one(self, scene: Scene):
        inquiry = scene.ask_line()
        proposed = scene.propose(inquiry)
        february = scene.payroll.compute(FEBRUARY, at=noon(2, 3))
        services.approve(adjustment=proposed, at=noon(3, 3), actor=scene.cast.finance)
        assert not LedgerEntry.objects.filter(run=february).exists()
        february = scene.payroll.compute(FEBRUARY, at=noon(4, 3))
        assert scene.payroll.paid(february, scene.rep) == 80_00
        assert adds_up(february)

    def test_of_a_run_that_is_still_open_is_posted_by_that_run(self, scene: Scene, payroll: Payroll):
        payroll.won(scene.rep, noon(10, 2), 500_00)
        from apps.compensation.services import runs

        february = payroll.compute(FEBRUARY, at=noon(2, 3))
        runs.submit_run(run=february, at=noon(3, 3), actor=scene.cast.revops)
        scene.statement = Statement.objects.get(run=february, rep=scene.rep)
        scene.agree(scene.ask(at=noon(4, 3)), at=noon(5, 3))
        february.refresh_from_db()
        runs.send_back(run=february, reason="A change was agreed.", at=noon(5, 3), actor=scene.cast.finance)
        february = payroll.compute(FEBRUARY, at=noon(6, 3))
        statement = Statement.objects.get(run=february, rep=scene.rep)
        assert (statement.earned_minor, statement.adjustments_minor) == (50_00 + 80_00, 0)
        assert adds_up(february)

    def test_pays_who_is_on_no_plan_any_more(self, scene: Scene):
        from apps.compensation.models import PlanAssignment

        PlanAssignment.objects.filter(rep=scene.rep).update(ends_on=JANUARY.end)
        scene.agree(scene.ask_line())
        assert scene.payroll.paid(scene.payroll.settle(FEBRUARY), scene.rep) == 80_00

    def test_is_converted_with_the_rest_for_who_is_paid_in_another_currency(self, scene: Scene):
        rates.set_payout_currency(rep=scene.rep, currency="USD", starts_on=FEBRUARY.start, at=noon(1))
        rate = rates.NewRate("EUR", "USD", noon(27, 2).date(), Decimal("1.10"), "ECB")
        rates.record_rates(rates=[rate], today=noon(28, 2).date(), at=noon(28, 2))
        scene.agree(scene.ask_line())
        february = scene.payroll.settle(FEBRUARY)
        assert scene.payroll.paid(february, scene.rep, "EUR") == 0
        assert scene.payroll.paid(february, scene.rep, "USD") == 88_00
        assert control.differences(february) == []

    def test_stays_beside_what_a_late_event_changes(self, scene: Scene):
        scene.agree(scene.ask_line())
        scene.payroll.won(scene.rep, noon(20), 300_00, recorded_at=noon(20, 2))
        february = scene.payroll.settle(FEBRUARY)
        assert scene.payroll.paid(february, scene.rep) == 80_00 + 30_00
        assert scene.payroll.paid(scene.payroll.settle(MARCH), scene.rep) == 0


class TestTakingBack:
    def test_needs_four_eyes_and_posts_the_opposite_once(self, scene: Scene):
        inquiry = scene.ask_line()
        change = scene.agree(inquiry)
        scene.payroll.settle(FEBRUARY)
        back = services.propose_reversal(
            adjustment=change, reason="It was counted after all.", at=noon(5, 3), actor=scene.cast.finance
        )
        with pytest.raises(UnableToDecide, match="proposed"):
            services.approve(adjustment=back, at=noon(6, 3), actor=scene.cast.finance)
        services.approve(adjustment=back, at=noon(6, 3), actor=scene.cast.revops)
        march = scene.payroll.settle(MARCH)
        assert scene.payroll.paid(march, scene.rep) == -80_00
        line = LedgerEntry.objects.get(run=march)
        assert (line.sequence, line.earned_minor, line.source_key) == (2, 0, change.source_key)
        assert "Taken back in inquiry" in line.cause
        assert "posted before €80.00" in line.formula

    def test_before_it_was_posted_leaves_two_lines_that_cancel_out(self, scene: Scene):
        change = scene.agree(scene.ask_line())
        back = services.propose_reversal(
            adjustment=change, reason="A mistake.", at=monday(13), actor=scene.cast.revops
        )
        services.approve(adjustment=back, at=monday(14), actor=scene.cast.finance)
        february = scene.payroll.settle(FEBRUARY)
        assert [one.amount_minor for one in scene.payroll.lines(february, scene.rep)] == [80_00, -80_00]
        assert scene.payroll.paid(february, scene.rep) == 0
        assert adds_up(february)

    def test_is_done_once(self, scene: Scene):
        change = scene.agree(scene.ask_line())
        for at in (13, 14):
            if at == 14:
                with pytest.raises(UnableToAdjust, match="already"):
                    services.propose_reversal(
                        adjustment=change, reason="Again.", at=monday(at), actor=scene.cast.revops
                    )
                break
            back = services.propose_reversal(
                adjustment=change, reason="A mistake.", at=monday(at), actor=scene.cast.revops
            )
            services.approve(adjustment=back, at=monday(at, 30), actor=scene.cast.finance)

    def test_is_for_what_counts(self, scene: Scene):
        waiting = scene.propose(scene.ask_line())
        with pytest.raises(UnableToAdjust, match="counts"):
            services.propose_reversal(
                adjustment=waiting, reason="No.", at=monday(13), actor=scene.cast.finance
            )


class TestWhoAgrees:
    def test_the_proposer_does_not_approve(self, scene: Scene):
        proposed = scene.propose(scene.ask_line())
        with pytest.raises(UnableToDecide, match="Who proposed"):
            services.approve(adjustment=proposed, at=monday(12), actor=scene.cast.revops)

    def test_the_asker_neither_proposes_nor_approves(self, scene: Scene):
        inquiry = scene.ask_line()
        with pytest.raises(UnableToHandle, match="own pay"):
            scene.propose(inquiry, actor=scene.asker)
        proposed = scene.propose(inquiry)
        with pytest.raises(UnableToDecide, match="own pay"):
            services.approve(adjustment=proposed, at=monday(12), actor=scene.asker)

    @pytest.mark.parametrize("who", ["revops", "ae"])
    def test_the_database_refuses_the_proposer_and_the_payee(self, scene: Scene, who: str):
        proposed = scene.propose(scene.ask_line())
        with pytest.raises(DatabaseError, match="nobody approves an adjustment"), transaction.atomic():
            PayAdjustmentDecision.objects.create(
                adjustment=proposed, verdict=Verdict.APPROVED, by=getattr(scene.cast, who), at=monday(12)
            )

    def test_the_database_refuses_a_second_taking_back_and_half_a_one(self, scene: Scene):
        change = scene.agree(scene.ask_line())
        with pytest.raises(DatabaseError, match="takes back all"), transaction.atomic():
            type(change).objects.create(
                inquiry=change.inquiry, number=2, rep=change.rep, plan_version=change.plan_version,
                component_key="only", component_name="x", starts_on=change.starts_on, ends_on=change.ends_on,
                amount_minor=-1, currency="EUR", reason="x", proposed_by=scene.cast.revops,
                proposed_at=monday(13), reverses=change, source_key=change.source_key, sequence=2,
            )  # fmt: skip

    def test_approving_twice_counts_once(self, scene: Scene):
        proposed = scene.propose(scene.ask_line())
        services.approve(adjustment=proposed, at=monday(12), actor=scene.cast.finance)
        with pytest.raises(UnableToDecide, match="approved by"):
            services.approve(adjustment=proposed, at=monday(12), actor=scene.cast.finance)
        assert scene.payroll.paid(scene.payroll.settle(FEBRUARY), scene.rep) == 80_00

    def test_a_declined_change_leaves_the_inquiry_open_and_pays_nothing(self, scene: Scene):
        inquiry = scene.ask_line()
        proposed = scene.propose(inquiry)
        with pytest.raises(InvalidInput):
            services.decline(adjustment=proposed, text=" ", at=monday(12), actor=scene.cast.finance)
        services.decline(
            adjustment=proposed, text="It is in the plan.", at=monday(12), actor=scene.cast.finance
        )
        inquiry.refresh_from_db()
        assert inquiry.state == "open"
        assert scene.payroll.paid(scene.payroll.settle(FEBRUARY), scene.rep) == 0

    def test_only_the_proposer_withdraws(self, scene: Scene):
        proposed = scene.propose(scene.ask_line())
        with pytest.raises(UnableToDecide, match="Only who proposed"):
            services.withdraw(adjustment=proposed, at=monday(12), actor=scene.cast.finance)
        services.withdraw(adjustment=proposed, at=monday(12), actor=scene.cast.revops)
        assert proposed.inquiry.adjustments.waiting().count() == 0


class TestWhatIsProposed:
    def test_names_what_is_wrong(self, scene: Scene):
        inquiry = scene.ask_line()
        for field, changed in (
            ("amount", {"amount_minor": 0}),
            ("currency", {"currency": "USD"}),
            ("component", {"component_key": "other"}),
            ("reason", {"reason": " "}),
        ):
            with pytest.raises(InvalidInput) as told:
                scene.propose(inquiry, **changed)
            assert told.value.field == field

    def test_one_waits_at_a_time_and_the_same_is_the_same(self, scene: Scene):
        inquiry = scene.ask_line()
        first = scene.propose(inquiry)
        assert scene.propose(inquiry).pk == first.pk
        with pytest.raises(UnableToAdjust, match="waits"):
            scene.propose(inquiry, 90_00)

    def test_counts_no_more_once_the_inquiry_was_withdrawn_or_settled(self, scene: Scene):
        inquiry = scene.ask_line()
        scene.agree(inquiry)
        assert Inquiry.objects.get().state == "agreed"
        with pytest.raises(UnableToHandle, match="settled"):
            scene.propose(inquiry, 5_00)
