"""``kill -9`` of real workers in the middle of a job: it goes on by itself and each step is done once."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.conftest import redis_url
from tests.jobs.steps import KIND
from tests.processes import Installation, free_port, installation, kill, wait_until

STEPS = 120
"""Many more than any test waits for: who is slow to kill a worker still finds it at work."""
HANDLERS = "tests.jobs.steps"

pytestmark = [pytest.mark.processes, pytest.mark.slow]


@pytest.fixture(
    params=["embedded", pytest.param("redis", marks=pytest.mark.redis)],
)
def portal(request, tmp_path, migrated) -> Iterator[Installation]:
    variables = {}
    if request.param == "redis":
        import redis

        variables["REDIS_URL"] = redis_url()
        redis.Redis.from_url(redis_url()).flushdb()
    with installation(tmp_path / "var", like=migrated, **variables) as portal:
        yield portal


def ask(portal: Installation, *, key: str = "one", pause: float = 0.05) -> int:
    return int(
        portal.python(
            "from apps.jobs import services\n"
            "from django.utils import timezone\n"
            f"params = {{'steps': {STEPS}, 'pause': {pause}}}\n"
            f"print(services.enqueue(kind={KIND!r}, key={key!r}, params=params, at=timezone.now()).pk)"
        )
    )


class Watch:
    """Looks at a job in the installation's database, from outside of its processes."""

    def __init__(self, portal: Installation, job_id: int) -> None:
        self.file, self.job_id = portal.folder / "portal.sqlite3", job_id

    def ask(self, question: str, *values):
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(question, values).fetchone()

    @property
    def state(self) -> str:
        return self.ask("SELECT state FROM jobs_job WHERE id = ?", self.job_id)[0]

    @property
    def steps(self) -> int:
        return self.ask("SELECT count(*) FROM jobs_scheduledslot WHERE name = ?", f"step of {self.job_id}")[0]

    @property
    def worker_pid(self) -> int:
        process = self.ask("SELECT lease_process FROM jobs_job WHERE id = ?", self.job_id)[0]
        return int(process.split(".")[1])


class TestKilledWorker:
    def test_its_successor_goes_on_from_the_last_step(self, portal):
        worker = portal.start_worker(include=HANDLERS)
        job = Watch(portal, ask(portal))
        for reached in (5, 12, 25):
            wait_until(lambda reached=reached: job.steps >= reached, what=f"step {reached}")
            kill(worker)
            assert job.state == "running"
            worker = portal.start_worker(include=HANDLERS)
        wait_until(lambda: job.state == "done", what="the end of the job")
        assert job.steps == STEPS, portal.log()

    def test_a_killed_process_of_the_pool_is_replaced(self, portal):
        portal.start_worker(include=HANDLERS)
        job = Watch(portal, ask(portal))
        wait_until(lambda: job.steps >= 5, what="step 5")
        os.kill(job.worker_pid, signal.SIGKILL)
        wait_until(lambda: job.state == "done", what="the end of the job")
        assert job.steps == STEPS, portal.log()


class TestWorker:
    @pytest.fixture
    def portal(self, tmp_path, migrated):
        with installation(tmp_path / "var", like=migrated) as portal:
            yield portal

    def test_takes_its_pool_with_it(self, portal):
        worker = portal.start_worker(include=HANDLERS)
        job = Watch(portal, ask(portal))
        wait_until(lambda: job.steps >= 2, what="step 2")
        child = job.worker_pid
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()

        def gone() -> bool:
            try:
                os.kill(child, 0)
            except ProcessLookupError:
                return True
            return False

        wait_until(gone, what="the end of the pool's process")

    def test_a_job_asked_for_while_nobody_works_is_done_later(self, portal):
        job = Watch(portal, ask(portal, pause=0))
        assert job.state == "queued"
        portal.start_worker(include=HANDLERS)
        wait_until(lambda: job.state == "done", what="the end of the job")
        assert job.steps == STEPS

    def test_gets_another_message_for_a_job_whose_message_was_lost(self, portal):
        job = Watch(portal, ask(portal, pause=0))
        for message in (portal.folder / "broker" / "queues").rglob("*-*"):
            message.unlink()
        portal.python(
            "from datetime import timedelta\n"
            "from apps.jobs import services\n"
            "from django.utils import timezone\n"
            "services.reap(at=timezone.now() + timedelta(seconds=31))"
        )
        portal.start_worker(include=HANDLERS)
        wait_until(lambda: job.state == "done", what="the end of the job")


class TestAskingWhileRedisIsAway:
    def test_keeps_the_job_and_does_not_keep_the_page_waiting(self, tmp_path, migrated):
        away = f"redis://127.0.0.1:{free_port()}/0"
        with installation(tmp_path / "var", like=migrated, REDIS_URL=away) as portal:
            said = portal.python(
                "import time\n"
                "from apps.jobs import services\n"
                "from django.utils import timezone\n"
                "began = time.monotonic()\n"
                "job = services.enqueue(kind='tests.steps', key='one', at=timezone.now())\n"
                "job.refresh_from_db()\n"
                "print(job.state, time.monotonic() - began < 10)"
            )
            assert said == "queued True"
