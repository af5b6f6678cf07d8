"""A run is the same however it is cut into parts, and whoever takes them; its lines are held against what they name."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from fractions import Fraction

import pytest
from django.db import IntegrityError, connection, transaction

from apps.compensation.models import LedgerEntry, PayoutPart, PayoutRun, RunState, Statement
from apps.compensation.selectors import control
from apps.compensation.selectors.reopened import earned_by
from apps.compensation.services import computation, runs
from apps.compensation.services.computation import UnableToCompute, compute_run, help_computation
from apps.compensation.services.ledger_lines import NewLine, write_lines
from apps.reps.models import Rep, RepRole
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, noon
from tests.compensation.plan_documents import COUNT, DRAW, component, graduated, plan, whole
from tests.jobs.test_races import at_once

pytestmark = pytest.mark.django_db
AT = noon(5, 2)
COUNTED = component(
    graduated("40.00", "3", "60.00", "7", "90.00"), key="counted", measure=COUNT, pays="per_unit"
)
CAPPED = component(whole("1.25", "20000", "2.5"), cap="700.00")
HELD = component(graduated("3.3"), holdback={"percent": "30", "releases": [{"on": "won"}]})


def fill(payroll: Payroll, people: int = 7) -> list[Rep]:
    """People on three plans with deals of uneven amounts, some of them reversed."""
    made = [
        payroll.plan(plan(COUNTED, CAPPED, name="One")),
        payroll.plan(plan(HELD, name="Two", draw=DRAW)),
        payroll.plan(plan(COUNTED, name="Three")),
    ]
    team = payroll.cast.rep(payroll.cast.ae).team
    reps = [
        Rep.objects.create(name=f"Rep {number}", team=team, role=RepRole.AE, hired_on=date(2020, 1, 1))
        for number in range(people)
    ]
    dice = random.Random(20_26)
    for number, rep in enumerate(reps):
        payroll.assign(rep, made[number % 3])
        for _ in range(4 + number):
            deal = payroll.won(rep, noon(dice.randint(1, 28)), dice.randint(1, 900_000))
            if dice.random() < 0.2:
                payroll.reverse(deal, noon(29))
    return reps


def found_by(payroll: Payroll, work) -> tuple:
    """What ``work`` (of a run) leaves in the books, and everything as before."""
    with transaction.atomic():
        run = runs.create_run(period=JANUARY, at=AT, actor=payroll.cast.revops)
        work(run)
        run.refresh_from_db()
        assert run.state == RunState.COMPUTED
        assert control.fingerprint(run) == run.fingerprint, "the lines give what the digests gave"
        lines = LedgerEntry.objects.order_by("rep_id", "component_key", "source_key")
        found = (
            run.fingerprint,
            list(lines.values_list("rep_id", "source_key", "amount_minor", "formula", "terms")),
        )
        transaction.set_rollback(True)
    return found


def quiet(run: PayoutRun) -> None:
    compute_run(run=run, clock=lambda: AT)


class TestPartsOfAnySize:
    @pytest.mark.parametrize(("reps", "credits_"), [(1, 10_000), (2, 10_000), (50, 1), (50, 17), (3, 9)])
    def test_the_same_lines_whatever_the_parts(self, payroll, monkeypatch, reps, credits_):
        fill(payroll)
        as_ever = found_by(payroll, quiet)
        monkeypatch.setattr(computation, "REPS_PER_BATCH", reps)
        monkeypatch.setattr(computation, "CREDITS_PER_BATCH", credits_)
        assert found_by(payroll, quiet) == as_ever

    def test_a_part_has_so_many_reps_or_credits_and_nobody_is_left_out(self, payroll, monkeypatch):
        reps = fill(payroll)
        monkeypatch.setattr(computation, "REPS_PER_BATCH", 3)
        monkeypatch.setattr(computation, "CREDITS_PER_BATCH", 12)
        run = payroll.compute(JANUARY)
        parts = [part.rep_ids for part in PayoutPart.objects.filter(run=run)]
        weighs = {rep.pk: rep.credits.filter(event__reversed_by__isnull=False).count() for rep in reps}
        weighs = {
            rep.pk: rep.credits.exclude(event__kind="reversed").count() for rep in reps if rep.pk in weighs
        }
        assert [rep_id for part in parts for rep_id in part] == [rep.pk for rep in reps]
        assert all(len(part) <= 3 for part in parts)
        assert all(len(part) == 1 or sum(weighs[rep_id] for rep_id in part) <= 12 for part in parts)

    def test_in_whatever_order_and_by_whomever_they_are_taken(self, payroll, monkeypatch):
        fill(payroll)
        as_ever = found_by(payroll, quiet)
        monkeypatch.setattr(computation, "REPS_PER_BATCH", 1)
        for seed in range(12):
            dice = random.Random(seed)

            def in_disorder(run, dice=dice):
                def call_help(number, parts):
                    places = list(PayoutPart.objects.filter(run=run).values_list("pk", flat=True))
                    for pk, place in zip(places, dice.sample(range(100, 200), parts), strict=True):
                        PayoutPart.objects.filter(pk=pk).update(place=place)
                    left = dice.randint(0, parts)
                    helped = help_computation(
                        run=PayoutRun.objects.get(pk=run.pk),
                        number=number,
                        may_go_on=lambda: PayoutPart.objects.filter(is_done=False).count() > left,
                    )
                    assert helped == parts - left

                compute_run(run=run, clock=lambda: AT, call_help=call_help)

            assert found_by(payroll, in_disorder) == as_ever, f"seed {seed}"

    def test_one_rep_worked_out_alone_earns_what_the_run_posted(self, payroll):
        reps = fill(payroll)
        run = payroll.compute(JANUARY)
        for rep in reps:
            alone = {
                (one.line.component_key, one.line.source_key): one.line.amount_minor
                for one in earned_by(run, rep.pk)
            }
            posted = LedgerEntry.objects.filter(run=run, rep=rep, amount_minor__gte=-(10**12))
            by_source = {(line.component_key, line.source_key): line.amount_minor for line in posted}
            assert by_source == {key: amount for key, amount in alone.items() if key in by_source or amount}


class TestHelpers:
    def test_a_helper_of_an_earlier_computation_does_nothing(self, payroll):
        fill(payroll, 2)
        run = payroll.compute(JANUARY)
        assert help_computation(run=run, number=run.computations, may_go_on=lambda: True) == 0
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
        assert help_computation(run=run, number=run.computations - 1, may_go_on=lambda: True) == 0

    def test_a_run_finished_meanwhile_leaves_a_helper_nothing_to_do(self, payroll):
        fill(payroll, 2)
        run = runs.create_run(period=JANUARY, at=AT, actor=payroll.cast.revops)

        def call_help(number, _):
            def finished_meanwhile() -> bool:
                compute_run(run=run, clock=lambda: AT)
                return True

            own = PayoutRun.objects.get(pk=run.pk)
            assert help_computation(run=own, number=number, may_go_on=finished_meanwhile) == 0

        with pytest.raises(UnableToCompute, match="carried on while"):
            compute_run(run=run, clock=lambda: AT, call_help=call_help)
        run.refresh_from_db()
        assert run.state == RunState.COMPUTED

    def test_a_second_computation_takes_the_place_of_the_first(self, payroll, monkeypatch):
        fill(payroll)
        as_ever = found_by(payroll, quiet)
        monkeypatch.setattr(computation, "REPS_PER_BATCH", 2)
        run = runs.create_run(period=JANUARY, at=AT, actor=payroll.cast.revops)
        with pytest.raises(UnableToCompute, match="carried on while"):
            compute_run(
                run=run, clock=lambda: AT, call_help=lambda *_: compute_run(run=run, clock=lambda: AT)
            )
        run.refresh_from_db()
        assert (run.state, run.computations, run.fingerprint) == (RunState.COMPUTED, 2, as_ever[0])

    @pytest.mark.django_db(transaction=True)
    def test_four_at_once_post_every_part_once(self, payroll, monkeypatch):
        fill(payroll, 12)
        monkeypatch.setattr(computation, "REPS_PER_BATCH", 1)
        as_ever = found_by(payroll, quiet)
        run = runs.create_run(period=JANUARY, at=AT, actor=payroll.cast.revops)
        taken: list[int] = []

        def call_help(number, parts):
            def take() -> int:
                own = PayoutRun.objects.get(pk=run.pk)
                return help_computation(run=own, number=number, may_go_on=lambda: True)

            taken.extend(at_once(4, take))
            assert sum(taken) == parts == 12

        compute_run(run=run, clock=lambda: AT, call_help=call_help)
        run.refresh_from_db()
        assert run.fingerprint == as_ever[0]
        assert LedgerEntry.objects.count() == len(as_ever[1])


class TestDigests:
    def test_a_later_line_of_a_statement_is_taken_in(self, payroll):
        (rep,) = fill(payroll, 1)
        first = payroll.compute(JANUARY)
        before = Statement.objects.get(run=first, rep=rep).digest
        payroll.won(rep, noon(30), 123_45)
        again = payroll.compute(JANUARY)
        statement = Statement.objects.get(run=again, rep=rep)
        assert before
        assert statement.digest not in ("", before)
        assert control.digest(statement.pk) == statement.digest
        assert control.fingerprint(again) == again.fingerprint != first.fingerprint

    def test_an_adjustment_of_a_closed_period_is_taken_in(self, payroll):
        (rep,) = fill(payroll, 1)
        payroll.settle(JANUARY)
        payroll.won(rep, noon(30), 123_45, recorded_at=noon(10, 2))
        february = payroll.compute(FEBRUARY)
        assert LedgerEntry.objects.filter(run=february, starts_on=JANUARY.start).exists()
        assert control.fingerprint(february) == february.fingerprint

    def test_a_run_from_before_digests_keeps_its_fingerprint_until_it_is_computed_again(self, payroll):
        fill(payroll, 3)
        run = payroll.compute(JANUARY)
        by_digests = run.fingerprint
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
        Statement.objects.filter(run=run).update(digest="")
        by_lines = control.fingerprint(run)
        assert by_lines not in ("", by_digests)
        assert control.fingerprint(run) == by_lines
        assert payroll.compute(JANUARY).fingerprint == by_digests
        assert not Statement.objects.filter(run=run, digest="").exists()


ODD = "A “name”, with\ttab, \\N and \\ stroke,\nand 'quotes' {} ,\r"


def one_line(payroll: Payroll, **changes) -> NewLine:
    """A line that a run may post, once more under another source."""
    run = PayoutRun.objects.filter(code=JANUARY.code).first()
    if run is None:
        fill(payroll, 2)
        run = payroll.compute(JANUARY)
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
    posted = LedgerEntry.objects.filter(run=run, kind="earning").order_by("pk").first()
    values = {name: getattr(posted, name) for name in NewLine._fields}
    return NewLine(**values | {"source_key": "test:1", "terms": ((Fraction(7), Fraction(-1, 3)),)} | changes)


class TestWriting:
    def test_what_was_written_is_read_back(self, payroll):
        parts = [[ODD, "2 %", -5, "1/3"], ["Überschlag", "", 7, "2"]]
        conversion = {"from": "USD", "note": ODD, "minor": 100}
        line = one_line(
            payroll, component_name=ODD, formula=ODD, band=ODD, cause=ODD, parts=parts, conversion=conversion,
            base_minor=None, place=None, event_id=None, share=0,
        )  # fmt: skip
        write_lines([line, line._replace(source_key="test:2", terms=(), parts=[], conversion=None)])
        first, second = LedgerEntry.objects.filter(source_key__startswith="test:").order_by("pk")
        for name in set(NewLine._fields) - {"terms"}:
            assert getattr(first, name) == getattr(line, name), name
        assert first.terms == [["7", "-1/3"]]
        assert (second.terms, second.parts, second.conversion) == ([], [], None)
        assert control.digest_of([line]) == control.digest_of([first])

    def test_nothing_to_write_is_no_statement(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            write_lines([])

    def test_the_same_source_twice_is_refused(self, payroll):
        line = one_line(payroll)
        with pytest.raises(IntegrityError), transaction.atomic():
            write_lines([line, line])


@contextmanager
def checked() -> Iterator[None]:
    """Look at the keys at once that the database would look at when the transaction ends."""
    yield
    connection.check_constraints()


class TestReferences:
    @pytest.mark.parametrize(
        "name", ["event_id", "cause_event_id", "plan_version_id", "statement_id", "rep_id", "run_id"]
    )
    def test_a_line_that_names_what_is_not_there_is_refused(self, payroll, name):
        line = one_line(payroll, **{name: 987_654_321})
        # SQLite looks at keys when a transaction ends.
        with pytest.raises(IntegrityError), transaction.atomic(), checked():
            write_lines([line])
        assert not LedgerEntry.objects.filter(source_key="test:1").exists()

    @pytest.mark.postgres
    def test_a_line_on_another_rep_s_statement_is_refused(self, payroll):
        line = one_line(payroll)
        other = Statement.objects.exclude(rep=line.rep_id).get()
        for changes in ({"statement_id": other.pk}, {"rep_id": other.rep_id}, {"currency": "USD"}):
            with pytest.raises(IntegrityError, match="not its own"), transaction.atomic():
                write_lines([line._replace(**changes)])

    @pytest.mark.postgres
    def test_a_line_under_a_draft_is_refused(self, payroll):
        line = one_line(payroll)
        approved = LedgerEntry.objects.filter(rep=line.rep_id).first().plan_version
        draft = approved.plan.versions.create(
            number=9, document=approved.document, author=approved.author, written_at=AT,
            effective_on=date(2030, 1, 1), state="draft",
        )  # fmt: skip
        with pytest.raises(IntegrityError, match="not its own"), transaction.atomic():
            write_lines([line._replace(plan_version_id=draft.pk)])

    @pytest.mark.parametrize("table", ["compensation_statement", "compensation_payoutrun", "reps_rep"])
    def test_what_a_line_names_is_not_deleted(self, payroll, table):
        line = one_line(payroll)
        pk = {"compensation_statement": line.statement_id, "compensation_payoutrun": line.run_id}.get(
            table, line.rep_id
        )
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            with checked():
                cursor.execute(f"DELETE FROM {table} WHERE id = %s", [pk])
