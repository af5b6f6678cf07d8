"""Runs from the record to the ledger: stories worked out by hand."""

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from apps.compensation.models import EntryKind, LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.selectors import control
from apps.compensation.services import computation, plans, runs
from apps.compensation.services.computation import UnableToCompute, Unwatched, compute_run
from apps.core.periods import parse_period
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, banded_plan, flat_plan, noon
from tests.stage import staged

pytestmark = pytest.mark.django_db


@pytest.fixture
@staged
def sdr(payroll: Payroll):
    rep = payroll.cast.rep(payroll.cast.sdr)
    payroll.assign(rep, payroll.plan("sdr"))
    return rep


@pytest.fixture
@staged
def ae(payroll: Payroll):
    rep = payroll.cast.rep(payroll.cast.ae)
    payroll.assign(rep, payroll.plan("ae"))
    return rep


class TestWorkedStories:
    def test_twenty_three_accepted_meetings_pay_each_band_at_its_own_rate(self, payroll, sdr):
        for day in range(1, 24):
            payroll.accepted(sdr, noon(day), amount_minor=10_000_00)
        run = payroll.compute(JANUARY)
        # 10 × 40 + 10 × 60 + 3 × 90 = 1,270.00, and 230,000.00 × 0.20 % = 460.00
        assert payroll.paid(run, sdr) == 1_270_00 + 460_00
        meetings = [line for line in payroll.lines(run, sdr) if line.component_key == "accepted_meetings"]
        assert [line.amount_minor for line in meetings[8:12]] == [40_00, 40_00, 60_00, 60_00]
        assert meetings[20].place == 21
        assert meetings[20].band == "20 and more"
        assert meetings[20].formula == "1 meeting × €90.00 = €90.00"

    def test_a_win_passes_through_the_bands_of_the_quota(self, payroll, ae):
        payroll.quota(ae, 100_000_00)
        payroll.won(ae, noon(5), 70_000_00)
        payroll.won(ae, noon(9), 60_000_00)
        run = payroll.compute(JANUARY)
        first, second = payroll.lines(run, ae)
        assert first.amount_minor == 2_800_00  # 70,000 × 4 %
        # 10,000 × 4 % + 20,000 × 6 % + 20,000 × 9 % + 10,000 × 12 %
        assert second.amount_minor == 400_00 + 1_200_00 + 1_800_00 + 1_200_00
        assert [part[2] for part in second.parts] == [400_00, 1_200_00, 1_800_00, 1_200_00]
        assert "€10,000.00 × 4.00 % + €20,000.00 × 6.00 %" in second.formula

    def test_the_quota_of_a_quarter_is_prorated_by_days_and_halved_while_ramping(self, payroll, ae):
        ae.ramp_ends_on = date(2026, 1, 16)
        ae.save()
        payroll.quota(ae, 90_000_00, parse_period("2026Q1"))
        payroll.won(ae, noon(20), 50_000_00)
        run = payroll.compute(JANUARY)
        # 15 days at a half and 16 whole, of 90: 90,000 × 23.5 / 90 = 23,500.00
        line = payroll.lines(run, ae)[0]
        assert [part[2] for part in line.parts] == [752_00, 282_00, 423_00, 2_616_00]
        assert "€18,800.00 × 4.00 %" in line.formula

    def test_a_negative_amount_is_credited_below_zero_and_counts_as_a_unit(self, payroll, sdr):
        payroll.accepted(sdr, noon(3), amount_minor=-101_15)
        run = payroll.compute(JANUARY)
        assert [line.amount_minor for line in payroll.lines(run, sdr)] == [40_00, -20]

    def test_a_half_credit_is_half_a_meeting(self, payroll, sdr):
        teammate = payroll.cast.rep(payroll.cast.teammate)
        halves = [Credit(sdr, Capacity.SOURCED, 500_000), Credit(teammate, Capacity.SOURCED, 500_000)]
        payroll.event(EventKind.ACCEPTED, noon(4), *halves, amount_minor=1_000_00)
        run = payroll.compute(JANUARY)
        lines = payroll.lines(run, sdr)
        assert [line.amount_minor for line in lines] == [20_00, 1_00]
        assert lines[0].formula == "1 meeting × 50 % credit × €40.00 = €20.00"

    def test_an_event_without_an_amount_is_told_with_a_line_of_zero(self, payroll, sdr):
        payroll.accepted(sdr, noon(4), amount_minor=None)
        run = payroll.compute(JANUARY)
        share = payroll.lines(run, sdr)[1]
        assert share.amount_minor == 0
        assert share.formula == "No amount was given, so there is nothing to pay on: €0.00"

    def test_midnight_is_the_company_s_own(self, payroll, sdr):
        # 23:30 UTC on 31 January is already February in Berlin.
        payroll.accepted(sdr, datetime(2026, 1, 31, 22, 59, tzinfo=UTC))
        payroll.accepted(sdr, datetime(2026, 1, 31, 23, 0, tzinfo=UTC))
        january, february = payroll.compute(JANUARY), payroll.compute(FEBRUARY)
        assert payroll.paid(january, sdr) == 40_00
        assert payroll.paid(february, sdr) == 40_00

    def test_a_quarter_is_a_period_like_any_other(self, payroll, sdr):
        for month in (1, 2, 3):
            for day in range(1, 6):
                payroll.accepted(sdr, noon(day, month))
        run = payroll.compute(parse_period("2026Q1"))
        assert payroll.paid(run, sdr) == 10 * 40_00 + 5 * 60_00

    def test_days_before_the_plan_are_not_paid(self, payroll):
        rep = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(rep, payroll.plan("sdr"), starts_on=date(2026, 1, 15))
        payroll.accepted(rep, noon(14))
        payroll.accepted(rep, noon(15))
        assert payroll.paid(payroll.compute(JANUARY), rep) == 40_00

    def test_each_currency_has_a_statement_of_its_own(self, payroll):
        rep = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(rep, payroll.plan(flat_plan()))
        payroll.won(rep, noon(5), 1_000_00)
        payroll.won(rep, noon(6), 2_000_00, currency="USD")
        run = payroll.compute(JANUARY)
        assert payroll.paid(run, rep) == 100_00
        assert payroll.paid(run, rep, "USD") == 200_00

    def test_somebody_on_a_plan_who_earned_nothing_has_a_statement_of_zero(self, payroll, sdr):
        assert payroll.paid(payroll.compute(JANUARY), sdr) == 0


class TestRunningTwice:
    def test_pays_once(self, payroll, sdr):
        payroll.accepted(sdr, noon(5), 10_000_00)
        first = payroll.compute(JANUARY)
        lines, fingerprint = LedgerEntry.objects.count(), first.fingerprint
        again = payroll.compute(JANUARY)
        assert LedgerEntry.objects.count() == lines
        assert again.fingerprint == fingerprint
        assert again.computations == 2

    def test_posts_only_the_difference_of_what_was_reversed_meanwhile(self, payroll, sdr):
        kept = [payroll.accepted(sdr, noon(day)) for day in (5, 6)]
        run = payroll.compute(JANUARY)
        payroll.reverse(kept[0], noon(3, 2))
        run = payroll.compute(JANUARY, at=noon(4, 2))
        assert payroll.paid(run, sdr) == 40_00
        correction = payroll.lines(run, sdr)[-1]
        assert (correction.kind, correction.sequence, correction.earned_minor) == (EntryKind.ADJUSTMENT, 2, 0)
        assert "reversed on 3 Feb 2026 (duplicate)" in correction.cause

    def test_the_same_events_give_the_same_fingerprint_in_whatever_order_they_came(self, payroll, sdr):
        # Two companies cannot be had in one database; the canonical order is shown on the lines instead.
        for day in (9, 3, 7):
            payroll.accepted(sdr, noon(day), 1_000_00)
        run = payroll.compute(JANUARY)
        assert control.fingerprint(run) == run.fingerprint
        places = LedgerEntry.objects.filter(component_key="accepted_meetings").order_by("place")
        assert [line.event.occurred_at.day for line in places] == [3, 7, 9]


class TestLateAndReversedEvents:
    def test_a_late_event_is_an_adjustment_in_the_next_run_that_names_it(self, payroll, sdr):
        january = payroll.settle(JANUARY)
        before = (january.fingerprint, payroll.paid(january, sdr))
        late = payroll.accepted(sdr, noon(29), 38_000_00, recorded_at=noon(20, 2))
        february = payroll.compute(FEBRUARY)
        statement = Statement.objects.get(run=february, rep=sdr)
        assert (statement.earned_minor, statement.adjustments_minor) == (0, 40_00 + 76_00)
        lines = payroll.lines(february, sdr)
        assert {line.kind for line in lines} == {EntryKind.ADJUSTMENT}
        assert {line.starts_on for line in lines} == {date(2026, 1, 1)}
        assert {line.cause_event_id for line in lines} == {late.pk}
        assert "came to the record on 20 Feb 2026" in lines[0].cause
        january.refresh_from_db()
        assert (control.fingerprint(january), payroll.paid(january, sdr)) == before

    def test_a_reversal_is_a_negative_adjustment_and_moves_the_others_between_bands(self, payroll, sdr):
        events = [payroll.accepted(sdr, noon(day)) for day in range(1, 22)]
        january = payroll.settle(JANUARY)
        assert payroll.paid(january, sdr) == 10 * 40_00 + 10 * 60_00 + 90_00
        reversal = payroll.reverse(events[4], noon(6, 2))
        february = payroll.compute(FEBRUARY)
        # The 5th goes (−40), the 11th becomes the 10th (60 → 40), the 21st the 20th (90 → 60): −90 in all.
        amounts = [line.amount_minor for line in payroll.lines(february, sdr)]
        assert sorted(amounts) == [-40_00, -30_00, -20_00]
        assert {line.cause_event_id for line in payroll.lines(february, sdr)} == {reversal.pk}
        assert payroll.paid(february, sdr) == -90_00

    def test_an_adjustment_is_posted_once_whatever_runs_follow(self, payroll, sdr):
        event = payroll.accepted(sdr, noon(5))
        payroll.settle(JANUARY)
        payroll.reverse(event, noon(6, 2))
        payroll.settle(FEBRUARY)
        march = payroll.compute(MARCH)
        assert payroll.paid(march, sdr) == 0
        assert LedgerEntry.objects.filter(run=march).count() == 0

    def test_full_clawback_case(self, payroll):
        """cmp-57: a deal of 50,000 at 5 % that is taken back costs what it paid."""
        rep = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(rep, payroll.plan(flat_plan(rate="5")))
        deal = payroll.won(rep, noon(5), 50_000_00)
        january = payroll.settle(JANUARY)
        payroll.reverse(deal, noon(5, 2))
        february = payroll.compute(FEBRUARY)
        assert payroll.paid(january, rep) == 2_500_00
        assert payroll.paid(february, rep) == -2_500_00

    def test_a_run_that_is_open_is_no_prior_period(self, payroll, sdr):
        payroll.compute(JANUARY)
        payroll.accepted(sdr, noon(29), recorded_at=noon(20, 2))
        assert payroll.paid(payroll.compute(FEBRUARY), sdr) == 0
        assert payroll.paid(payroll.compute(JANUARY, at=noon(21, 2)), sdr) == 40_00

    def test_what_is_recorded_after_the_computation_began_waits(self, payroll, sdr):
        payroll.accepted(sdr, noon(29), recorded_at=noon(20, 2))
        assert payroll.paid(payroll.compute(JANUARY, at=noon(3, 2)), sdr) == 0

    def test_a_changed_quota_moves_pay_with_a_cause_of_its_own(self, payroll, ae):
        quota = payroll.quota(ae, 100_000_00)
        payroll.won(ae, noon(5), 100_000_00)
        payroll.settle(JANUARY)
        quota.target_minor = 200_000_00
        quota.save()
        february = payroll.compute(FEBRUARY)
        # 80,000 × 4 % + 20,000 × 6 % = 4,400 was paid; now 100,000 × 4 % = 4,000.
        assert payroll.paid(february, ae) == -400_00
        line = payroll.lines(february, ae)[0]
        assert line.cause == "The plan, its version or the quota of the period was changed."
        assert line.formula.endswith("posted before €4,400.00; difference − €400.00")

    def test_another_plan_version_never_pays_the_same_event_again(self, payroll):
        rep = payroll.cast.rep(payroll.cast.ae)
        plan = payroll.plan(flat_plan(rate="10"))
        payroll.assign(rep, plan)
        payroll.won(rep, noon(5), 1_000_00)
        payroll.settle(JANUARY)
        payroll.plan(flat_plan(rate="12"))
        assert payroll.paid(payroll.compute(FEBRUARY), rep) == 20_00
        assert plan.versions.count() == 2

    def test_somebody_who_left_the_plan_still_gets_the_adjustment(self, payroll):
        rep = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(rep, payroll.plan("sdr"), ends_on=date(2026, 2, 1))
        event = payroll.accepted(rep, noon(5))
        payroll.settle(JANUARY)
        payroll.reverse(event, noon(6, 2))
        february = payroll.compute(FEBRUARY)
        assert payroll.paid(february, rep) == -40_00
        assert Statement.objects.get(run=february, rep=rep).plan_version is None


class TestWhatCannotBeComputed:
    def test_a_missing_quota_is_named_before_anything_is_posted(self, payroll, ae, sdr):
        payroll.accepted(sdr, noon(4))
        payroll.won(ae, noon(5), 1_000_00)
        with pytest.raises(UnableToCompute, match=r"Ae: “Amount won” is measured against the quota"):
            payroll.compute(JANUARY)
        assert not LedgerEntry.objects.exists()
        assert PayoutRun.objects.get().state == RunState.COMPUTING

    def test_no_quota_is_needed_where_nothing_was_won(self, payroll, ae):
        assert payroll.paid(payroll.compute(JANUARY), ae) == 0

    def test_bands_do_not_compare_two_currencies(self, payroll):
        rep = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(rep, payroll.plan(banded_plan([["0", "100", "1"], ["100", None, "2"]])))
        payroll.won(rep, noon(5), 1_000_00, currency="USD")
        with pytest.raises(UnableToCompute, match=r"is in USD, and the bands .* are in EUR"):
            payroll.compute(JANUARY)

    def test_a_plan_without_an_approved_version_is_named(self, payroll):
        rep = payroll.cast.rep(payroll.cast.sdr)
        version = plans.load_plan_document(
            document=plans.shipped_plan("sdr"), author=payroll.cast.revops, at=noon(1)
        )
        payroll.assign(rep, version.plan)
        with pytest.raises(Exception, match="“SDR” has no approved version on 01 Jan 2026"):
            payroll.compute(JANUARY)


class TestPeriodsDoNotOverlap:
    def test_a_second_run_of_the_period_is_refused_by_name(self, payroll):
        payroll.compute(JANUARY)
        with pytest.raises(runs.UnableToStartRun, match="January 2026 has a run already"):
            runs.create_run(period=JANUARY, at=noon(3, 2))

    def test_a_quarter_over_a_month_is_refused(self, payroll):
        payroll.compute(JANUARY)
        with pytest.raises(runs.UnableToStartRun, match="shares days with the run of January 2026"):
            runs.create_run(period=parse_period("2026Q1"), at=noon(3, 4))

    def test_the_database_refuses_it_as_well(self, payroll):
        payroll.compute(JANUARY)
        with pytest.raises(IntegrityError), transaction.atomic():
            PayoutRun.objects.create(
                code="x", starts_on=date(2026, 1, 31), ends_on=date(2026, 3, 1), created_at=noon(1)
            )

    def test_neighbours_are_fine(self, payroll):
        payroll.compute(JANUARY)
        payroll.compute(FEBRUARY)

    def test_a_period_that_has_not_begun_is_refused(self, payroll):
        with pytest.raises(runs.UnableToStartRun, match="has not begun"):
            runs.create_run(period=FEBRUARY, at=noon(31))

    def test_a_rep_is_on_one_plan_at_a_time(self, payroll, sdr):
        other = payroll.plan(flat_plan())
        with pytest.raises(plans.UnableToAssignPlan, match="on a plan on one of those days"):
            payroll.assign(sdr, other, starts_on=date(2026, 1, 1))
        with pytest.raises(IntegrityError), transaction.atomic():
            sdr.plan_assignments.create(plan=other, starts_on=date(2026, 1, 1))


class Dying(Unwatched):
    """Dies as it is about to keep the second batch of a start."""

    kept_now = 0

    def save_checkpoint(self, checkpoint):
        if checkpoint["done"]:
            self.kept_now += 1
        if self.kept_now == 2:
            raise KeyboardInterrupt
        super().save_checkpoint(checkpoint)


class TestInterruptedWork:
    def test_dying_in_every_batch_leaves_the_ledger_of_a_quiet_run(self, payroll, monkeypatch):
        """Each start dies as it would keep its second batch; the next one goes on from what was kept."""
        monkeypatch.setattr(computation, "REPS_PER_BATCH", 1)
        plan = payroll.plan("sdr")
        reps = [payroll.cast.rep(getattr(payroll.cast, name)) for name in ("sdr", "teammate", "outsider")]
        for rep in reps:
            payroll.assign(rep, plan)
            for day in range(1, 13):
                payroll.accepted(rep, noon(day), 1_234_56)
        run = runs.create_run(period=JANUARY, at=noon(3, 2), actor=payroll.cast.revops)
        steps = Dying()
        deaths = 0
        while run.state == RunState.COMPUTING:
            steps.kept_now = 0
            try:
                # The clock goes on, and the instant that counts stays that of the first start.
                compute_run(run=run, clock=lambda: noon(3 + deaths, 2), steps=steps)  # noqa: B023
            except KeyboardInterrupt:
                deaths += 1
                assert LedgerEntry.objects.count() == 24 * deaths, "the batch that died left nothing"
        assert deaths == 2
        assert run.as_of == noon(3, 2)
        assert [payroll.paid(run, rep) for rep in reps] == [10 * 40_00 + 2 * 60_00 + 12 * 247] * 3
        assert payroll.compute(JANUARY, at=noon(9, 2)).fingerprint == run.fingerprint

    def test_going_on_skips_what_was_kept_and_counts_by_the_same_instant(self, payroll, sdr):
        other = payroll.cast.rep(payroll.cast.teammate)
        payroll.assign(other, sdr.plan_assignments.get().plan)
        run = runs.create_run(period=JANUARY, at=noon(3, 2), actor=payroll.cast.revops)
        PayoutRun.objects.filter(pk=run.pk).update(as_of=noon(3, 2), computations=1)
        for place, rep in enumerate((sdr, other), 1):
            payroll.accepted(rep, noon(5))
            payroll.accepted(rep, noon(6), recorded_at=noon(4, 2))
            run.parts.create(computation=1, place=place, rep_ids=[rep.pk], is_done=rep == sdr)
        steps = Unwatched()
        steps.checkpoint = {"as_of": noon(3, 2).isoformat(), "computation": 1, "done": 1}
        compute_run(run=run, clock=lambda: noon(5, 2), steps=steps)
        assert not Statement.objects.filter(run=run, rep=sdr).exists()
        assert payroll.paid(run, other) == 40_00


def test_tables_are_guarded_in_the_database(payroll, sdr):
    payroll.accepted(sdr, noon(5))
    run = payroll.settle(JANUARY)
    statement, line = Statement.objects.get(), LedgerEntry.objects.first()
    refused = [
        ("UPDATE compensation_ledgerentry SET amount_minor = 1 WHERE id = %s", [line.pk]),
        ("DELETE FROM compensation_ledgerentry WHERE id = %s", [line.pk]),
        (
            "UPDATE compensation_statement SET payable_minor = 1, earned_minor = 1 WHERE id = %s",
            [statement.pk],
        ),
        ("DELETE FROM compensation_statement WHERE id = %s", [statement.pk]),
        ("UPDATE compensation_payoutrun SET fingerprint = 'x' WHERE id = %s", [run.pk]),
        ("UPDATE compensation_payoutrun SET state = 'computing' WHERE id = %s", [run.pk]),
        ("DELETE FROM compensation_payoutrun WHERE id = %s", [run.pk]),
        ("UPDATE compensation_planversion SET document = '{}'", []),
        (
            (
                "INSERT INTO compensation_ledgerentry SELECT * FROM "
                "(SELECT * FROM compensation_ledgerentry WHERE id = %s) x"
            ),
            [line.pk],
        ),
    ]
    for sql, values in refused:
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    for act in (
        lambda: LedgerEntry.objects.update(amount_minor=1),
        lambda: Statement.objects.update(payable_minor=2, earned_minor=2),
        lambda: PayoutRun.objects.update(state=RunState.APPROVED),
        lambda: Statement.objects.create(run=run, rep=sdr, team=sdr.team, currency="USD"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()
