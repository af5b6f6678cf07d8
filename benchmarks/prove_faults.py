"""Disturb payout runs on PostgreSQL, and see that they pay what an undisturbed one pays.

    python benchmarks/prove_faults.py [kills=50] [backends=20] [eight=20] [shuffles=200] [closes=1000]
                                      [--seed N] [--reps N] [--events N]

kills: ``kill -9`` of one of one to three workers at random moments. backends: the database ends the workers'
connections. eight: that many workers at one period. shuffles: order of the record, sizes of parts, workers, locale,
zone, language. closes: closing races recomputing and an import.

Each trial begins with a copy of one database. Workers are processes that take jobs as in production, on the job service
itself; only the broker is left out. Prints the seed first, ends with 1 at the first difference.
"""

import argparse
import locale
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.test")

from measure import start_django

PERIOD = "2026-01"
IDLE_SECONDS = 3
LOCALES = ("C", "C.UTF-8", "POSIX")
ZONES = ("UTC", "Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu", "Europe/Berlin")
LANGUAGES = ("en", "de", "tr", "ar")


class Different(AssertionError):
    """A disturbed run is not what the quiet one is."""


class Trials:
    """A filled database to copy, what its quiet run comes to, and the processes of the present trial."""

    def __init__(self, rng: Random, reps: int, events: int) -> None:
        from django.db import connection

        from apps.compensation.services import computation
        from apps.jobs import services as jobs
        from tests.compensation.many_reps import fill

        self.rng = rng
        computation.REPS_PER_BATCH = 4
        jobs._wake = lambda job_id: None  # type: ignore[assignment]
        fill(reps, events)
        self.filled = connection.settings_dict["NAME"]
        self.number = 0
        with self.copy():
            started = time.perf_counter()
            self.begin()
            self.finish([self.fork()])
            self.seconds = time.perf_counter() - started
            self.quiet = self.outcome()

    @contextmanager
    def copy(self) -> Any:
        """A database of the trial's own, gone afterwards."""
        from django.db import connection

        self.number += 1
        name = f"{self.filled}_{self.number}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{self.filled}"')
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = self.filled
            self._administer(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _administer(self, statement: str) -> None:
        import psycopg
        from django.db import connection

        connection.close()
        given = connection.settings_dict
        with psycopg.connect(
            host=given["HOST"], port=given["PORT"] or 5432, user=given["USER"], password=given["PASSWORD"],
            dbname="postgres", autocommit=True,
        ) as server:  # fmt: skip
            server.execute(statement)

    # --- Runs and workers -----------------------------------------------------------------------------

    def begin(self) -> None:
        from django.utils import timezone

        from apps.compensation.services import runs
        from apps.core.periods import parse_period

        runs.start_run(period=parse_period(PERIOD), at=timezone.now())

    def fork(self, generation: int = 0, before: Callable[[], None] | None = None) -> int:
        """A worker process that does jobs until the run is computed; returns its number."""
        from django.db import connection

        connection.close()
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            if before is not None:
                before()
            _work(generation)
            code = 0
        finally:
            os._exit(code)

    def finish(self, children: list[int], disturb: Callable[[list[int]], None] | None = None) -> int:
        """Wait until the run is computed; whoever died is followed by another. Returns how many began anew."""
        generation = 0
        if disturb is not None:
            disturb(children)
        while True:
            for child in children:
                os.waitpid(child, 0)
            if self.is_computed():
                return generation
            generation += 1
            if generation > 40:
                raise Different("The run does not come to an end.")
            _take_back(generation)
            children = [self.fork(generation)]

    def is_computed(self) -> bool:
        from apps.compensation.models import PayoutRun, RunState

        return PayoutRun.objects.get().state == RunState.COMPUTED

    def outcome(self) -> tuple:
        """All that two runs are compared by."""
        from django.db.models import Sum

        from apps.compensation.models import LedgerEntry, PayoutRun, Statement
        from apps.compensation.selectors import control

        run = PayoutRun.objects.get()
        if apart := control.differences(run):
            raise Different(f"statements and ledger: {apart}")
        if control.kept_fingerprint(run) != run.fingerprint:
            raise Different("the fingerprint is not that of the statements")
        sums = Statement.objects.aggregate(total=Sum("payable_minor"))["total"]
        return control.fingerprint(run), run.fingerprint, LedgerEntry.objects.count(), sums

    def whole_so_far(self) -> None:
        """Whatever was kept is whole parts: a rep has all lines, or none."""
        from django.db.models import Count

        from apps.compensation.models import LedgerEntry

        counts = LedgerEntry.objects.order_by().values("rep").annotate(lines=Count("pk"))
        if len(set(counts.values_list("lines", flat=True))) > 1:
            raise Different("A rep's lines were kept in part.")

    def same(self) -> None:
        if (found := self.outcome()) != self.quiet:
            raise Different(f"{found} is not {self.quiet}")


def _work(generation: int) -> None:
    from django.utils import timezone

    from apps.compensation.models import PayoutRun, RunState
    from apps.jobs import services as jobs
    from apps.jobs.models import Job, JobState

    idle = time.monotonic()
    while PayoutRun.objects.get().state == RunState.COMPUTING:
        job = Job.objects.filter(state=JobState.QUEUED).order_by("pk").first()
        if job is None:
            # What runs may be a dead worker's: whoever takes it back waits for the others to end.
            if (
                time.monotonic() - idle > IDLE_SECONDS
                or not Job.objects.filter(state=JobState.RUNNING).exists()
            ):
                return
            time.sleep(0.02)
            continue
        jobs.run(job_id=job.pk, clock=lambda: timezone.now() + generation * timedelta(hours=1))
        idle = time.monotonic()


def _take_back(generation: int) -> None:
    """What the heartbeat's sweep does after a while: dead work is given to somebody else."""
    from django.utils import timezone

    from apps.jobs import services as jobs
    from apps.jobs.models import Job, JobState

    later = timezone.now() + generation * timedelta(hours=1)
    jobs.reap(at=later)
    for job in Job.objects.filter(state__in=(JobState.FAILED, JobState.CANCELLED)):
        jobs.resume(job=job, at=later)


# --- What is done to them -------------------------------------------------------------------------------


def kills(trials: Trials, count: int) -> str:
    begun_anew = 0
    for _ in range(count):
        workers = trials.rng.choice((1, 1, 2, 3))

        def kill(children: list[int]) -> None:
            time.sleep(trials.rng.uniform(0.02, trials.seconds))
            os.kill(trials.rng.choice(children), signal.SIGKILL)
            trials.whole_so_far()

        with trials.copy():
            trials.begin()
            begun_anew += trials.finish([trials.fork() for _ in range(workers)], kill)
            trials.same()
    return f"{count} × kill -9 of a worker, {begun_anew} times another one had to go on: the same every time"


def backends(trials: Trials, count: int) -> str:
    ended = 0

    def end(children: list[int]) -> None:
        nonlocal ended
        from django.db import connection

        time.sleep(trials.rng.uniform(0.02, trials.seconds))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            ended += cursor.fetchone()[0]
        trials.whole_so_far()

    for _ in range(count):
        with trials.copy():
            trials.begin()
            trials.finish([trials.fork() for _ in range(trials.rng.choice((1, 2)))], end)
            trials.same()
    return f"{count} runs, {ended} connections ended by the database: the same every time"


def eight(trials: Trials, count: int) -> str:
    for _ in range(count):
        with trials.copy():
            trials.begin()
            trials.finish([trials.fork() for _ in range(8)])
            trials.same()
    return f"{count} × eight workers at one period: one result"


def shuffles(trials: Trials, count: int) -> str:
    from apps.leads.models import EventCredit, FunnelEvent

    with trials.copy():
        record = [list(model.objects.all()) for model in (FunnelEvent, EventCredit)]
    rng = trials.rng
    for _ in range(count):
        sizes = (rng.randint(1, 60), rng.choice((1, 7, 100, 10_000)))
        where = (rng.choice(LOCALES), rng.choice(ZONES), rng.choice(LANGUAGES))

        def elsewhere(sizes: Any = sizes, where: Any = where) -> None:
            _elsewhere(sizes, *where)

        with trials.copy():
            _record_anew(rng, record, where[1])
            trials.begin()
            trials.finish([trials.fork(before=elsewhere) for _ in range(rng.choice((1, 1, 2, 4)))])
            trials.same()
    return f"{count} shuffles of order, parts, workers, locale, zone and language: one hash"


def _record_anew(rng: Random, record: list[list[Any]], zone: str) -> None:
    """The same facts under the same numbers, put on record in another order."""
    from django.db import connection

    with connection.cursor() as cursor:
        # The record refuses to be emptied; here it is put down anew, in a database of the benchmark's own.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("TRUNCATE leads_funnelevent, leads_eventcredit CASCADE")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(f"ALTER DATABASE \"{connection.settings_dict['NAME']}\" SET TimeZone = '{zone}'")
    for rows in record:
        shuffled = rng.sample(rows, len(rows))
        type(rows[0]).objects.bulk_create(shuffled, batch_size=rng.choice((7, 100, 1_000)))


def _elsewhere(sizes: tuple[int, int], said: str, zone: str, language: str) -> None:
    from django.utils import timezone, translation

    from apps.compensation.services import computation

    computation.REPS_PER_BATCH, computation.CREDITS_PER_BATCH = sizes
    locale.setlocale(locale.LC_ALL, said)
    os.environ["TZ"] = zone
    time.tzset()
    timezone.activate(zone)
    translation.activate(language)


def closes(trials: Trials, count: int) -> str:
    """Submit, recompute and import at once; what comes out is one or the other, never between."""
    from django.db.models import Sum
    from django.utils import timezone

    from apps.accounts.models import User
    from apps.compensation.models import LedgerEntry, PayoutRun, RunState, Statement
    from apps.compensation.selectors import control
    from apps.compensation.services import runs
    from apps.compensation.services.computation import compute_run
    from apps.core.errors import DomainError
    from apps.core.periods import parse_period
    from apps.leads.models import EventKind, Source
    from apps.leads.services.record import NewEvent, record_events, sourced
    from apps.reps.models import Rep
    from tests.compensation.many_reps import AT
    from tests.jobs.test_races import at_once

    won = {"submitted first": 0, "recomputed first": 0}
    with trials.copy():
        run = runs.create_run(period=parse_period(PERIOD), at=timezone.now())
        compute_run(run=run, clock=timezone.now)
        submitter, rep = User.objects.get(name="A"), Rep.objects.first()

        def total() -> int:
            return Statement.objects.filter(run=run).aggregate(total=Sum("payable_minor"))["total"]

        def allowed(act: Callable[[], object]) -> bool:
            try:
                act()
            except DomainError:
                return False
            return True

        for number in range(count):
            run.refresh_from_db()
            seen, before = run.fingerprint, total()

            def submit() -> bool:
                own = PayoutRun.objects.get(pk=run.pk)
                return allowed(lambda: runs.submit_run(run=own, at=timezone.now(), actor=submitter))

            def recompute() -> bool:
                own = PayoutRun.objects.get(pk=run.pk)
                return allowed(
                    lambda: (
                        runs.request_computation(run=own, at=timezone.now(), actor=submitter),
                        compute_run(run=own, clock=timezone.now),
                    )
                )

            def bring(number: int = number) -> bool:
                new = NewEvent(
                    EventKind.ACCEPTED, AT + timedelta(days=3), Source.IMPORT, f"race:{number}",
                    credits=sourced(rep), amount_minor=1_000_00, currency="EUR",
                )  # fmt: skip
                return allowed(lambda: record_events(events=[new], at=timezone.now()))

            acts = iter(trials.rng.sample([submit, recompute, bring], 3))
            at_once(3, lambda acts=acts: next(acts)())
            run.refresh_from_db()
            after = total()
            if control.differences(run) or control.fingerprint(run) != control.kept_fingerprint(run):
                raise Different(f"round {number}: statements and ledger do not agree")
            if run.state == RunState.SUBMITTED:
                if run.fingerprint == seen and after != before:
                    raise Different(f"round {number}: a submitted run changed under its fingerprint")
                won["submitted first"] += run.fingerprint == seen
                runs.send_back(run=run, reason="Look again", at=timezone.now(), actor=submitter)
            else:
                won["recomputed first"] += 1
            runs.request_computation(run=run, at=timezone.now(), actor=submitter)
            compute_run(run=run, clock=timezone.now)
            lines = LedgerEntry.objects.filter(run=run, event__source_key=f"race:{number}").count()
            if lines != 2:
                raise Different(f"round {number}: the imported meeting has {lines} lines")
    return f"{count:,} races of closing, recomputing and an import: before or after, never between {won}"


def main() -> None:
    work = {act.__name__: act for act in (kills, backends, eight, shuffles, closes)}
    usual = ["kills=50", "backends=20", "eight=20", "shuffles=200", "closes=1000"]
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("what", nargs="*", default=usual)
    asked.add_argument("--seed", type=int, default=Random().randrange(10**9))
    asked.add_argument("--reps", type=int, default=60)
    asked.add_argument("--events", type=int, default=10)
    given = asked.parse_args()
    print(f"seed {given.seed}; {given.reps} reps, {given.reps * given.events} events", flush=True)
    start_django()
    try:
        trials = Trials(Random(given.seed), given.reps, given.events)
        for one in given.what:
            name, _, count = one.partition("=")
            started = time.perf_counter()
            print(work[name](trials, int(count)), f"({time.perf_counter() - started:.0f} s)", flush=True)
    except Different as different:
        sys.exit(f"different: {different}")


if __name__ == "__main__":
    main()
