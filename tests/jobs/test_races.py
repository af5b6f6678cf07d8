"""Several at once: one claim, one active job, one slot; and a heartbeat that no long transaction stops."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from apps.jobs import handlers, services
from apps.jobs.context import JobContext
from apps.jobs.models import Job, JobState

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(times: int, act) -> list:
    """``act`` in as many threads, begun together; each with a connection of its own."""
    gate = threading.Barrier(times)

    def begin():
        connection.ensure_connection()
        gate.wait()
        return act()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: in_thread(begin), range(times)))


def in_thread(act):
    try:
        return act()
    finally:
        connections.close_all()


@pytest.fixture
def handler(monkeypatch):
    def use(work):
        monkeypatch.setitem(handlers._handlers, "tests.race", handlers.Handler("tests.race", "Race", work))

    return use


def ask(key: str = "one") -> Job:
    return services.enqueue(kind="tests.race", key=key, at=timezone.now())


class TestSeveralAtOnce:
    def test_one_of_many_workers_does_the_job(self, handler):
        calls = []
        handler(lambda job: calls.append(job.job_id))
        for number in range(5):
            job = ask(str(number))
            took = at_once(6, lambda job=job: services.run(job_id=job.pk, clock=timezone.now))
            assert took.count(True) == 1
        assert len(calls) == 5

    def test_asking_many_times_makes_one_job(self):
        jobs = at_once(6, ask)
        assert len({job.pk for job in jobs}) == Job.objects.count() == 1

    def test_one_of_many_schedules_gets_the_slot(self):
        at = timezone.now()
        claims = at_once(6, lambda: services.claim_slot(name="rank", at=at, seconds=86_400))
        assert claims.count(True) == 1

    def test_one_of_many_reapers_puts_a_job_back(self, dead_process):
        now = timezone.now()
        job = ask()
        Job.objects.update(
            state=JobState.RUNNING,
            lease_token="x",
            lease_process=dead_process,
            started_at=now,
            heartbeat_at=now,
        )
        assert sum(at_once(6, lambda: services.reap(at=now))) == 1
        job.refresh_from_db()
        assert job.state == JobState.QUEUED

    def test_a_cancel_and_an_end_leave_one_outcome(self, handler):
        def cancel(job: Job) -> bool:
            try:
                services.request_cancel(job=job, at=timezone.now())
            except services.UnableToCancelJob:
                return False
            return True

        handler(lambda job: None)
        for number in range(10):
            job = ask(str(number))
            acts = iter(
                [lambda j=job: services.run(job_id=j.pk, clock=timezone.now), lambda j=job: cancel(j)]
            )
            lock = threading.Lock()

            def act(acts=acts, lock=lock):
                with lock:
                    mine = next(acts)
                return mine()

            at_once(2, act)
            job.refresh_from_db()
            assert job.state in (JobState.DONE, JobState.CANCELLED)
            assert job.finished_at is not None


class TestPulse:
    def run(self, job: Job) -> None:
        services.run(job_id=job.pk, clock=timezone.now)
        job.refresh_from_db()

    def test_a_cancel_from_elsewhere_reaches_the_work(self, handler):
        began = threading.Event()

        def work(job: JobContext):
            began.set()
            for n in range(1, 3_000):
                time.sleep(0.02)
                job.progress(n, 3_000)

        handler(work)
        job = ask()

        def cancel():
            began.wait()
            services.request_cancel(job=Job.objects.get(pk=job.pk), at=timezone.now())
            connections.close_all()

        thread = threading.Thread(target=cancel)
        thread.start()
        self.run(job)
        thread.join()
        assert job.state == JobState.CANCELLED
        assert job.progress_done < 2_999

    def test_progress_is_seen_while_the_work_goes_on(self, handler):
        seen = []

        def work(job: JobContext):
            job.progress(7, 10, "Seven of ten")
            deadline = time.monotonic() + 60
            while not seen and time.monotonic() < deadline:
                time.sleep(0.05)
                row = Job.objects.get(pk=job.job_id)
                if row.progress_done == 7:
                    seen.append(row.note)

        handler(work)
        self.run(ask())
        assert seen == ["Seven of ten"]

    def test_a_silent_statement_does_not_look_dead(self, handler, monkeypatch):
        from apps.jobs import context

        monkeypatch.setattr(context, "BEAT_EVERY", timedelta(seconds=0.2))
        monkeypatch.setattr(context, "TICK_SECONDS", 0.1)
        beats: list[datetime] = []

        def work(job: JobContext):
            deadline = time.monotonic() + 60
            while len(beats) < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
                beat = Job.objects.get(pk=job.job_id).heartbeat_at
                if beat not in beats:
                    beats.append(beat)

        handler(work)
        self.run(ask())
        assert len(beats) == 3
        assert beats == sorted(beats)

    def test_a_long_transaction_of_the_work_neither_blocks_nor_loses_it(self, handler):
        def work(job: JobContext):
            with transaction.atomic():
                job.save_checkpoint({"done": 1})
                for n in range(1, 5):
                    time.sleep(0.4)
                    job.progress(n, 4)

        handler(work)
        job = ask()
        self.run(job)
        assert (job.state, job.progress_done, job.checkpoint) == (JobState.DONE, 4, {"done": 1})

    def test_a_worker_whose_job_was_taken_stops(self, handler):
        def work(job: JobContext):
            Job.objects.filter(pk=job.job_id).update(lease_token="another")
            for n in range(1, 3_000):
                time.sleep(0.02)
                job.progress(n, 3_000)

        handler(work)
        job = ask()
        self.run(job)
        assert (job.state, job.lease_token) == (JobState.RUNNING, "another")
