"""``kill -9`` of real workers in the middle of a payout run: the ledger is that of an undisturbed one."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import redis_url
from tests.processes import Installation, installation, kill, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.slow]

REPS, EVENTS = 600, 24


@pytest.fixture(scope="module")
def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an installation with people, plans and events, for others to begin with."""
    folder = tmp_path_factory.mktemp("filled")
    with installation(folder, like=migrated) as portal:
        portal.python(
            "from tests.compensation.many_reps import fill\n"
            f"fill({REPS}, {EVENTS})\n"
            "from django.db import connection; connection.cursor().execute('VACUUM')"
        )
        yield folder


@pytest.fixture(scope="module")
def undisturbed(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The fingerprint of the run when nobody disturbs it."""
    with installation(tmp_path_factory.mktemp("quiet"), like=filled) as portal:
        said = portal.manage("run_payouts", "--period", "2026-01", "--json")
    return json.loads(said)["fingerprint"]


@pytest.fixture(params=["embedded", pytest.param("redis", marks=pytest.mark.redis)])
def portal(request, tmp_path: Path, filled: Path) -> Iterator[Installation]:
    variables = {}
    if request.param == "redis":
        import redis

        variables["REDIS_URL"] = redis_url()
        redis.Redis.from_url(redis_url()).flushdb()
    with installation(tmp_path / "var", like=filled, **variables) as portal:
        yield portal


class Watch:
    """Looks at the only run of an installation, from outside of its processes."""

    def __init__(self, portal: Installation) -> None:
        self.file = portal.folder / "portal.sqlite3"

    def ask(self, question: str) -> tuple:
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(question).fetchone()

    @property
    def state(self) -> str:
        return self.ask("SELECT state FROM compensation_payoutrun")[0]

    @property
    def reps_done(self) -> int:
        return self.ask("SELECT count(*) FROM compensation_statement")[0]

    @property
    def job_state(self) -> str:
        return self.ask("SELECT state FROM jobs_job")[0]


def start_run(portal: Installation) -> None:
    portal.python(
        "from apps.compensation.services import runs\n"
        "from apps.core.periods import parse_period\n"
        "from django.utils import timezone\n"
        "runs.start_run(period=parse_period('2026-01'), at=timezone.now())"
    )


def test_killed_and_begun_again_the_run_pays_the_same(portal: Installation, undisturbed: str) -> None:
    worker = portal.start_worker()
    start_run(portal)
    run = Watch(portal)
    killed_at = []
    # Two thirds are still to come at the last: whoever kills it has time for that.
    for reached in (1, REPS // 6, REPS // 3):
        wait_until(lambda reached=reached: run.reps_done >= reached, what=f"rep {reached}")
        kill(worker)
        killed_at.append(run.reps_done)
        assert run.state == "computing", "the worker was killed too late to show anything"
        assert run.job_state == "running"
        worker = portal.start_worker()
    wait_until(lambda: run.job_state == "done", what="the end of the run")
    assert killed_at == sorted(killed_at)
    assert all(done % 50 == 0 and done < REPS for done in killed_at), "whole batches are kept, never half"
    assert run.state == "computed", portal.log()
    assert run.ask("SELECT fingerprint FROM compensation_payoutrun")[0] == undisturbed
    assert run.ask("SELECT count(*) FROM compensation_ledgerentry")[0] == 2 * REPS * EVENTS


def test_the_command_does_the_work_itself_where_no_worker_is(
    filled: Path, tmp_path: Path, undisturbed: str
) -> None:
    with installation(tmp_path / "var", like=filled) as portal:
        for _ in range(2):
            said = json.loads(portal.manage("run_payouts", "--period", "2026-01", "--json"))
            assert said["fingerprint"] == undisturbed
        assert Watch(portal).ask("SELECT count(*) FROM compensation_ledgerentry")[0] == 2 * REPS * EVENTS
