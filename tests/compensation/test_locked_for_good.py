"""Twelve months of late deals, new rates and other splits: locked runs stay byte for byte, and can be worked out anew.

And nothing that was posted can be changed or taken away: by the ORM, by raw SQL, by a superuser; there is no admin.
"""

import hashlib
from collections import defaultdict
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import NoReverseMatch, reverse

from apps.compensation.models import LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.selectors import control
from apps.compensation.selectors.budgets import Budgets
from apps.compensation.selectors.circles import Circles
from apps.compensation.selectors.inputs import PlanShelf, load_inputs
from apps.compensation.selectors.reopened import Books
from apps.compensation.services import plan_drafts, plans, runs
from apps.core.errors import DomainError
from apps.core.periods import Period, parse_period
from apps.leads.models import Capacity, EventCredit, EventKind, FunnelEvent
from apps.leads.services.record import Credit
from apps.reps.models import Rep
from tests.compensation import slow_oracle
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, noon
from tests.compensation.plan_documents import component, graduated, plan
from tests.compensation.slow_oracle import Deal
from tests.stage import staged

pytestmark = pytest.mark.django_db
MONTHS = [parse_period(f"2026-{month:02}") for month in range(1, 13)]
Sums = dict[tuple[int, str], int]


def bytes_of(run: PayoutRun) -> str:
    """Every column of the run, its statements and its lines."""
    sha = hashlib.sha256(repr(PayoutRun.objects.filter(pk=run.pk).values_list().get()).encode())
    for rows in (LedgerEntry.objects.filter(run=run), Statement.objects.filter(run=run)):
        for row in rows.order_by("pk").values_list():
            sha.update(repr(row).encode())
    return sha.hexdigest()


def worked_out_anew(run: PayoutRun) -> Sums:
    """What the engine makes of the run's stored inputs: the record and the versions as they were at its instant."""
    assert run.as_of is not None
    shelf = PlanShelf()
    for versions in shelf._versions.values():
        versions[:] = [one for one in versions if one.approved_at <= run.as_of]
    inputs = load_inputs(run.period, shelf=shelf)
    books = Books(shelf, Circles(), Budgets(run.as_of, run.ends_on), run.as_of, run.ends_on)
    earnings = books.earnings(inputs, sorted(inputs.segments))
    return {
        (rep_id, one.line.source_key): one.line.amount_minor
        for rep_id in earnings.rep_ids
        for one in earnings.of(rep_id)
    }


def posted(run: PayoutRun) -> Sums:
    """What the run itself posted for its own period."""
    found: Sums = defaultdict(int)
    for line in LedgerEntry.objects.filter(run=run, starts_on=run.starts_on):
        found[line.rep_id, line.source_key] += line.amount_minor
    return dict(found)


def version(number: int) -> dict:
    """Every month the rates of all months before are others."""
    rates = graduated(f"{4 + number}.25", "40000", f"{9 - number % 5}.5", "90000", "12")
    return plan(component(rates), effective_on="2025-01-01", notes=f"Version {number}")


class TestTwelveVersionsDeep:
    def test_locked_runs_stay_and_the_open_one_pays_the_difference(self, payroll: Payroll):
        reps = [payroll.cast.rep(payroll.cast.ae), payroll.cast.rep(payroll.cast.second_ae)]
        rules = payroll.plan(version(0))
        for rep in reps:
            payroll.assign(rep, rules)
        deals: dict[int, tuple[Period, list[tuple[Rep, int]], int]] = {}
        locked: dict[int, str] = {}
        for number, month in enumerate(MONTHS):
            at = month.bounds()[1] + timedelta(days=1)
            if number:
                self._approve(payroll, version(number), at)
            # A late deal for each month so far, one of this month, and another split of the oldest.
            for place, of_month in enumerate(MONTHS[: number + 1]):
                share = 1_000_000 - 111_111 * (place + 1) % 1_000_000
                shares = [(reps[0], share), (reps[1], 1_000_000 - share)]
                amount = 9_000_37 * (place + 1) + number
                deals[self._win(payroll, of_month, shares, amount, at)] = (of_month, shares, amount)
            oldest = min(deals)
            of_month, shares, amount = deals.pop(oldest)
            payroll.reverse(FunnelEvent.objects.get(pk=oldest), at)
            swapped = [(rep, 1_000_000 - share) for rep, share in shares]
            deals[self._win(payroll, of_month, swapped, amount, at)] = (of_month, swapped, amount)
            run = payroll.compute(month, at=at + timedelta(hours=1))
            assert worked_out_anew(run) == posted(run)
            payroll.lock(run, at=at + timedelta(hours=2))
            for pk, digest in locked.items():
                assert bytes_of(PayoutRun.objects.get(pk=pk)) == digest
            run.refresh_from_db()
            locked[run.pk] = bytes_of(run)
            self._owes_nothing(reps, deals, number)
        for run in PayoutRun.objects.all():
            assert control.fingerprint(run) == run.fingerprint
            assert control.kept_fingerprint(run) == run.fingerprint
            assert not control.differences(run)
            assert worked_out_anew(run) == posted(run)

    def _approve(self, payroll: Payroll, document: dict, at) -> None:
        fresh = plans.load_plan_document(document=document, author=payroll.cast.revops, at=at)
        plan_drafts.submit_version(version=fresh, at=at, actor=fresh.author)
        plans.approve_version(version=fresh, approver=payroll.cast.finance, at=at)

    def _win(self, payroll: Payroll, month: Period, shares: list[tuple[Rep, int]], amount: int, at) -> int:
        when = month.bounds()[0] + timedelta(days=9, hours=12)
        parts = [Credit(rep, Capacity.OWNED, share) for rep, share in shares]
        return payroll.event(EventKind.WON, when, *parts, amount_minor=amount, recorded_at=at).pk

    def _owes_nothing(self, reps, deals, number: int) -> None:
        """All runs together paid what the newest version gives for every deal as it stands."""
        for rep in reps:
            for month in MONTHS[: number + 1]:
                mine = [
                    Deal(pk, "won", "owned", dict(shares)[rep], amount)
                    for pk, (of_month, shares, amount) in sorted(deals.items())
                    if of_month == month
                ]
                wanted = sum(slow_oracle.pay_of(version(number), mine, {}).values())
                lines = LedgerEntry.objects.filter(rep=rep, starts_on=month.start)
                assert sum(lines.values_list("amount_minor", flat=True)) == wanted


@pytest.fixture
@staged
def closed(payroll: Payroll) -> PayoutRun:
    rep = payroll.cast.rep(payroll.cast.sdr)
    payroll.assign(rep, payroll.plan("sdr"))
    payroll.accepted(rep, noon(5), 1_000_00)
    return payroll.settle(JANUARY)


def refused(act) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        act()


POSTED = {
    LedgerEntry: ("amount_minor", 1), Statement: ("adjustments_minor", 1), PayoutRun: ("fingerprint", "x"),
    FunnelEvent: ("amount_minor", 1), EventCredit: ("share", 1),
}  # fmt: skip


@pytest.mark.parametrize("model", POSTED, ids=lambda model: model.__name__)
class TestWhatWasPosted:
    def test_is_not_changed_by_the_orm(self, closed, model):
        column, value = POSTED[model]
        row = model.objects.first()
        setattr(row, column, value)
        refused(row.save)
        refused(lambda: model.objects.update(**{column: value}))
        refused(lambda: model.objects.bulk_update([row], [column]))

    def test_is_not_changed_by_raw_sql(self, closed, model):
        column, value = POSTED[model]
        table = model._meta.db_table

        def change(sql: str, values: list) -> None:
            with connection.cursor() as cursor:
                cursor.execute(sql, values)

        refused(lambda: change(f"UPDATE {table} SET {column} = %s", [value]))
        # An upsert is an update as well.
        upsert = f"INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT (id) DO UPDATE SET {column} = %s"
        refused(lambda: change(upsert, [value]))

    def test_is_not_deleted(self, closed, model):
        rows = model.objects.all()

        def delete() -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")

        refused(delete)
        refused(lambda: rows._raw_delete(rows.db))
        refused(lambda: model.objects.first().delete())


class TestAClosedPeriod:
    def test_has_no_other_way_in(self, closed, payroll):
        rep = payroll.cast.rep(payroll.cast.sdr)
        refused(lambda: Statement.objects.create(run=closed, rep=rep, team=rep.team, currency="USD"))
        refused(lambda: PayoutRun.objects.filter(pk=closed.pk).update(state=RunState.COMPUTING))
        refused(lambda: PayoutRun.objects.filter(pk=closed.pk).update(starts_on=date(2026, 1, 2)))
        for act in (
            lambda: runs.request_computation(run=closed, at=noon(9, 2), actor=payroll.cast.revops),
            lambda: runs.send_back(run=closed, reason="Again", at=noon(9, 2), actor=payroll.cast.finance),
            lambda: runs.create_run(period=JANUARY, at=noon(9, 2)),
            lambda: runs.create_run(period=Period(date(2026, 1, 31), date(2026, 2, 2)), at=noon(9, 2)),
        ):
            with pytest.raises(DomainError):
                act()

    def test_takes_what_comes_late_as_an_adjustment_that_keeps_when_it_was_recorded(self, closed, payroll):
        rep = payroll.cast.rep(payroll.cast.sdr)
        before = bytes_of(closed)
        late = payroll.accepted(rep, noon(6), 1_000_00, recorded_at=noon(9, 2))
        february = payroll.compute(FEBRUARY)
        assert bytes_of(closed) == before
        for line in payroll.lines(february, rep):
            assert line.starts_on == JANUARY.start
            assert line.cause_event_id == late.pk
            assert "came to the record on 9 Feb 2026" in line.cause

    def test_has_no_admin_beside_the_portal(self):
        with pytest.raises(NoReverseMatch):
            reverse("admin:index")
