"""Nothing is lost and nothing happens twice, whoever is killed: promises fall due while the machinery breaks."""

import contextlib
import json
import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connections

from tests.conftest import REQUIRE_ALL, redis_url
from tests.databases import postgres_template
from tests.processes import Installation, installation, kill, wait_until
from tests.slas import falling_due

POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
PROMISES = 10_000
SPREAD = 12
"""Seconds over which they fall due, while workers are killed."""
TAIL = 7
"""Seconds after that in which the last steps come due (two percent of five minutes)."""

USE = "from tests.slas import falling_due\nfrom datetime import datetime, timedelta\n"


# --- Installations ------------------------------------------------------------------------------------


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """The address of a migrated PostgreSQL database, dropped afterwards. Skips, saying why, without a server."""
    name = f"salesportal_faults_{os.getpid()}"
    try:
        server = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        words = f"No PostgreSQL answers at {POSTGRES}, which this needs (TEST_DATABASE_URL): {error}"
        if REQUIRE_ALL:
            pytest.fail(f"{words} With CI=true it is required.", pytrace=False)
        pytest.skip(words)
    with server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template(POSTGRES)}"')
        try:
            yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def on_postgres(tmp_path: Path) -> Iterator[Installation]:
    """An installation on PostgreSQL and Redis, as a company runs it."""
    import redis

    with own_database() as address:
        redis.Redis.from_url(redis_url()).flushdb()
        portal_of = installation(
            tmp_path / "var", is_migrated=True, DATABASE_URL=address, REDIS_URL=redis_url()
        )
        with portal_of as portal:
            yield portal


def fill(portal: Installation, count: int, first_due: datetime, spread: float) -> None:
    portal.python(
        f"{USE}falling_due.fill(count={count}, first_due=datetime.fromisoformat({first_due.isoformat()!r}), "
        f"spread=timedelta(seconds={spread}))"
    )


def ask(portal: Installation, question: str) -> Any:
    """What an expression over ``falling_due`` gives in the installation, through JSON."""
    return json.loads(portal.python(f"{USE}import json\nprint(json.dumps({question}))"))


def sweep_times(portal: Installation, times: int) -> None:
    portal.python("from apps.slas.tasks import sweep\n" + "sweep()\n" * times)


# --- Ten thousand -------------------------------------------------------------------------------------


class Chaos:
    """Kills and restarts at random what works, flushes the broker, and asks for sweeps all the while.

    Somebody is killed only once something was done since the last time: on a slow machine too the workers get to
    work, and are interrupted in it.
    """

    def __init__(self, portal: Installation, database: Any, chance: random.Random) -> None:
        import redis
        from celery import Celery

        self.portal, self.database, self.chance = portal, database, chance
        self.redis = redis.Redis.from_url(redis_url())
        self.bell = Celery("bell", broker=redis_url())
        self.workers = [portal.start_worker() for _ in range(2)]
        self.answerer = self._start_answerer()
        self.kills = self.flushes = self.seen = 0

    def _start_answerer(self) -> Any:
        return self.portal.start("-c", f"import django; django.setup()\n{USE}falling_due.answer_all()")

    def go_on_until(self, end: datetime) -> None:
        """To ``end``, and until five were killed in the middle of their work if it takes longer."""
        while datetime.now(UTC) < end or (self.kills < 5 and self._left()):
            for _ in range(self.chance.randint(1, 3)):
                self.bell.send_task("slas.sweep")
            time.sleep(self.chance.uniform(0.1, 0.5))
            if self.chance.random() < 0.1:
                self.redis.flushdb()
                self.flushes += 1
            done = self._done()
            if done > self.seen and self.chance.random() < 0.5:
                self.seen = done
                self._kill_one()

    def _done(self) -> int:
        return int(self.database.execute("SELECT count(*) FROM slas_escalationact").fetchone()[0])

    def _left(self) -> bool:
        left = "SELECT count(*) FROM slas_clock WHERE next_step_at IS NOT NULL"
        return bool(self.database.execute(left).fetchone()[0])

    def _kill_one(self) -> None:
        """The answers, a whole worker, or a process of its pool in whatever it does."""
        self.kills += 1
        kind = self.chance.random()
        if kind < 0.2 and self.answerer.poll() is None:
            kill(self.answerer)
            self.answerer = self._start_answerer()
            return
        place = self.chance.randrange(len(self.workers))
        children = pool_of(self.workers[place].pid)
        if kind < 0.6 and children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.chance.choice(children), signal.SIGKILL)
            return
        kill(self.workers[place])
        self.workers[place] = self.portal.start_worker()

    def end(self) -> None:
        """Kill every worker and flush the broker once more; let the answers come to their end."""
        for worker in self.workers:
            kill(worker)
        self.redis.flushdb()
        wait_until(lambda: self.answerer.poll() is not None, what="the last answers")
        assert self.answerer.returncode == 0, self.portal.log()
        # What a killed worker had begun is rolled back as soon as the server sees that it is gone.
        alone = "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()"
        wait_until(lambda: self.database.execute(alone).fetchone()[0], what="the end of the killed sessions")


def pool_of(pid: int) -> list[int]:
    """The child processes of a worker."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


# Made with instants of some time ago, then moved at once: how long the making takes does not matter.
FROM_NOW = """
UPDATE slas_clock SET started_at = started_at + by, warn_at = warn_at + by, due_at = due_at + by,
    next_step_at = next_step_at + by
FROM (SELECT now() + interval '5 seconds' - min(due_at) AS by FROM slas_clock) AS moved
"""


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.redis
def test_ten_thousand_promises_outlive_their_workers(on_postgres: Installation) -> None:
    seed = int(os.environ.get("FAULTS_SEED", secrets.randbelow(1_000_000)))
    print(f"FAULTS_SEED={seed}")  # noqa: T201 - shown where the test fails
    fill(on_postgres, PROMISES, datetime.now(UTC) - timedelta(days=1), SPREAD)
    with psycopg.connect(on_postgres.variables["DATABASE_URL"], autocommit=True) as database:
        database.execute(FROM_NOW)
        chaos = Chaos(on_postgres, database, random.Random(seed))
        chaos.go_on_until(datetime.now(UTC) + timedelta(seconds=5 + SPREAD + TAIL))
        before = ask(on_postgres, "falling_due.so_far()")
        chaos.end()
    sweep_times(on_postgres, 2)
    assert before["breached"] > 0, f"the workers did nothing themselves: {on_postgres.log()}"
    assert before["steps"] > 0, f"the workers did nothing themselves: {on_postgres.log()}"
    assert chaos.kills >= 3
    assert ask(on_postgres, "falling_due.faults_found()[:20]") == []
    assert ask(on_postgres, "falling_due.others_found()") == falling_due.others_expected(PROMISES)
    print(f"{chaos.kills} kills, {chaos.flushes} flushes; by the workers: {before}")  # noqa: T201


# --- Killed in the middle of a batch ------------------------------------------------------------------


STOP_BEFORE_THE_END = """
import time
from django.utils import timezone
from apps.slas.services import escalating, sweep

def stand_still(**_):
    print('all but the end is written', flush=True)
    time.sleep(600)

escalating.notify = stand_still
sweep.escalate(at=timezone.now())
"""


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.parametrize("told_before", [False, True], ids=["of those who are told", "of leads given on"])
def test_a_batch_that_is_killed_leaves_no_step_half_done(
    told_before: bool, tmp_path: Path, migrated: Path
) -> None:
    first_due = datetime.now(UTC) - timedelta(hours=1)
    with installation(tmp_path / "var", like=migrated) as portal:
        fill(portal, 100, first_due, 1)
        if told_before:
            # One percent, three seconds, after its due instant a lead is given on; everybody was told by then.
            until = (first_due + timedelta(seconds=2)).isoformat()
            portal.python(f"{USE}falling_due.escalate_until(datetime.fromisoformat({until!r}))")
        before = ask(portal, "falling_due.everything()")
        batch = portal.start("-c", f"import django; django.setup()\n{STOP_BEFORE_THE_END}")
        wait_until(lambda: "all but the end is written" in portal.log(), what="the middle of the batch")
        kill(batch)
        assert ask(portal, "falling_due.everything()") == before
        portal.python(f"{USE}falling_due.answer_all()")
        sweep_times(portal, 2)
        assert ask(portal, "falling_due.faults_found()") == []
        assert ask(portal, "falling_due.others_found()") == falling_due.others_expected(100)


# --- Two sweeps at once, in one process ---------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_beside_the_answers_lose_nothing() -> None:
    from apps.slas.services import sweep as sweeping

    count, first_due = 250, datetime.now(UTC) - timedelta(hours=1)
    falling_due.fill(count=count, first_due=first_due, spread=timedelta(seconds=10))
    together, failed = threading.Barrier(3), []

    def at_once(work: Any) -> threading.Thread:
        def run() -> None:
            try:
                together.wait()
                work()
            except Exception as error:
                failed.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def sweep_on() -> None:
        for second in range(-5, 20):
            at = first_due + timedelta(seconds=second)
            sweeping.sweep(at=at)
            sweeping.escalate(at=at)

    for thread in [at_once(sweep_on), at_once(sweep_on), at_once(falling_due.answer_all)]:
        thread.join()
    assert failed == []
    # What one sweep found held by another it left to the next one.
    sweep_on()
    assert falling_due.faults_found() == []
    assert falling_due.others_found() == falling_due.others_expected(count)


# --- By itself ----------------------------------------------------------------------------------------


@pytest.mark.processes
@pytest.mark.slow
def test_a_lead_that_nobody_touches_turns_breached_by_itself(tmp_path: Path, migrated: Path) -> None:
    with installation(tmp_path / "var", like=migrated) as portal:
        portal.start_worker()
        portal.start(
            "-m", "celery", "--app", "tests.slas.quick_schedule", "--quiet", "beat", "--loglevel=WARNING",
            "--pidfile=",
        )  # fmt: skip
        portal.python(f"{USE}falling_due.one_lead(within=timedelta(seconds=8))")
        wait_until(lambda: ask(portal, "falling_due.the_lead()")["state"] != "running", what="the breach")
        lead = ask(portal, "falling_due.the_lead()")
        assert (lead["state"], lead["breached_at"]) == ("breached", lead["due_at"])
        assert lead["touches"] == 0


@pytest.mark.django_db
def test_after_an_hour_without_a_schedule_each_breach_has_its_true_instant() -> None:
    from apps.slas.models import Clock, EscalationAct
    from apps.slas.tasks import sweep

    first_due = datetime.now(UTC) - timedelta(hours=1)
    falling_due.fill(count=120, first_due=first_due, spread=timedelta(minutes=58))
    sweep()
    found = list(Clock.objects.order_by("due_at").values_list("state", "due_at", "breached_at"))
    assert [(state, breached_at) for state, _, breached_at in found] == [
        ("breached", first_due + timedelta(minutes=58) * number / 120) for number in range(120)
    ]
    planned = {
        (act.clock_id, act.step): act.planned_at - act.clock.due_at
        for act in EscalationAct.objects.select_related("clock")
    }
    assert set(planned.values()) == {timedelta(seconds=seconds) for seconds in (-3, 0, 3)}
    acts = EscalationAct.objects.count()
    sweep()
    assert EscalationAct.objects.count() == acts == len(planned)
    assert list(Clock.objects.order_by("due_at").values_list("state", "due_at", "breached_at")) == found
