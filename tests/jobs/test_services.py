"""Asking for, running, stopping and resuming a job, as seen from one process."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.core.errors import DomainError
from apps.jobs import services
from apps.jobs.context import JobContext
from apps.jobs.models import Job, JobState, ScheduledSlot


def ask(at, key="one", kind="tests.count", **more):
    return services.enqueue(kind=kind, key=key, at=at, **more)


@pytest.fixture
def handler(monkeypatch):
    """Have a function do jobs of the kind ``tests.count`` for the length of a test."""
    from apps.jobs import handlers

    def use(work, kind="tests.count"):
        monkeypatch.setitem(handlers._handlers, kind, handlers.Handler(kind, "Counting", work))

    return use


def run(job, at):
    taken = services.run(job_id=job.pk, clock=lambda: at)
    job.refresh_from_db()
    return taken


@pytest.mark.django_db
class TestEnqueue:
    def test_returns_the_active_job_of_the_same_work(self, at):
        first = ask(at, params={"run": 7})
        assert ask(at, params={"run": 7}) == first
        assert Job.objects.count() == 1

    def test_asks_again_once_the_first_is_over(self, at, handler):
        handler(lambda job: None)
        first = ask(at)
        run(first, at)
        assert ask(at) != first

    def test_keeps_different_keys_apart(self, at):
        assert ask(at, key="one") != ask(at, key="two")

    def test_the_database_refuses_a_second_active_job(self, at):
        job = ask(at)
        with pytest.raises(IntegrityError), transaction.atomic():
            Job.objects.create(kind=job.kind, key=job.key, requested_at=at, woken_at=at)

    def test_sends_only_the_id_and_only_after_the_commit(
        self, at, monkeypatch, django_capture_on_commit_callbacks
    ):
        sent = []
        monkeypatch.setattr(services.current_app, "send_task", lambda name, **more: sent.append((name, more)))
        with django_capture_on_commit_callbacks() as callbacks:
            job = ask(at, params={"secret": 1})
            assert sent == []
        for callback in callbacks:
            callback()
        assert sent == [("jobs.run_job", {"args": [job.pk], "retry": False})]

    def test_survives_a_broker_that_is_away(self, at, monkeypatch, django_capture_on_commit_callbacks):
        def refuse(*_, **__):
            raise ConnectionError

        monkeypatch.setattr(services.current_app, "send_task", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            job = ask(at)
        assert Job.objects.get(pk=job.pk).state == JobState.QUEUED


@pytest.mark.django_db
class TestRun:
    def test_keeps_the_result_and_the_last_progress(self, at, handler):
        def count(job: JobContext):
            for n in range(1, 4):
                job.progress(n, 3, f"Step {n}")
            return {"summary": "Counted to three."}

        handler(count)
        job = ask(at)
        assert run(job, at)
        assert (job.state, job.progress_done, job.progress_total) == (JobState.DONE, 3, 3)
        assert job.result == {"summary": "Counted to three."}
        assert (job.finished_at, job.lease_token, job.percent) == (at, "", 100)

    def test_gives_the_handler_its_parameters(self, at, handler):
        seen = []
        handler(lambda job: seen.append(job.params))
        run(ask(at, params={"run_id": 7}), at)
        assert seen == [{"run_id": 7}]

    def test_does_nothing_for_a_job_that_is_over(self, at, handler):
        calls = []
        handler(lambda job: calls.append(1))
        job = ask(at)
        run(job, at)
        assert not run(job, at)
        assert calls == [1]

    def test_shows_the_sentence_of_a_refusal(self, at, handler):
        def refuse(job):
            raise DomainError("The period is closed. Choose an open one.")

        handler(refuse)
        job = ask(at)
        run(job, at)
        assert (job.state, job.error) == (JobState.FAILED, "The period is closed. Choose an open one.")

    def test_a_bug_fails_the_job_without_leaking_what_it_held(self, at, handler):
        def stumble(job):
            raise ValueError("ada@example.com")

        handler(stumble)
        job = ask(at)
        run(job, at)
        assert job.state == JobState.FAILED
        assert "ValueError" in job.error
        assert "ada@example.com" not in job.error

    def test_a_kind_that_nothing_handles_fails_with_its_name(self, at):
        job = ask(at, kind="tests.unknown")
        run(job, at)
        assert job.state == JobState.FAILED
        assert "tests.unknown" in job.error

    def test_stops_where_the_lease_was_lost_and_leaves_the_row_alone(self, at, handler):
        def overtaken(job):
            Job.objects.filter(pk=job.job_id).update(lease_token="another")
            job.progress(1, 2)
            pytest.fail("it went on without its lease")

        handler(overtaken)
        job = ask(at)
        run(job, at)
        assert (job.state, job.lease_token) == (JobState.RUNNING, "another")

    def test_a_lost_lease_undoes_the_step_that_would_have_been_saved(self, at, handler):
        def overtaken(job):
            with transaction.atomic():
                ScheduledSlot.objects.create(name="a step", starts_at=at, claimed_at=at)
                Job.objects.filter(pk=job.job_id).update(lease_token="another")
                job.save_checkpoint({"done": 1})

        handler(overtaken)
        job = ask(at)
        run(job, at)
        assert not ScheduledSlot.objects.exists()

    def test_takes_over_at_once_from_a_process_that_is_dead(self, at, handler, dead_process):
        calls = []
        handler(lambda job: calls.append(job.checkpoint))
        job = ask(at)
        Job.objects.update(
            state=JobState.RUNNING,
            lease_token="old",
            lease_process=dead_process,
            started_at=at,
            heartbeat_at=at,
            checkpoint={"done": 4},
        )
        assert run(job, at)
        assert calls == [{"done": 4}]
        assert job.state == JobState.DONE


@pytest.mark.django_db
class TestCancelAndResume:
    def test_a_waiting_job_stops_at_once(self, at):
        job = ask(at)
        services.request_cancel(job=job, at=at)
        job.refresh_from_db()
        assert (job.state, job.finished_at) == (JobState.CANCELLED, at)

    def test_a_running_job_stops_at_its_next_step(self, at, handler):
        steps = []

        def count(job):
            for n in range(1, 10):
                if n == 3:
                    services.request_cancel(job=Job.objects.get(pk=job.job_id), at=at)
                job.progress(n, 9)
                steps.append(n)

        handler(count)
        job = ask(at)
        run(job, at)
        assert (job.state, steps) == (JobState.CANCELLED, [1, 2])

    def test_refuses_to_stop_what_is_over(self, at, handler):
        handler(lambda job: None)
        job = ask(at)
        run(job, at)
        with pytest.raises(services.UnableToCancelJob):
            services.request_cancel(job=job, at=at)

    def test_a_failed_job_goes_on_from_its_checkpoint(self, at, handler):
        seen = []

        def fail_once(job):
            seen.append(dict(job.checkpoint))
            if not job.checkpoint:
                job.save_checkpoint({"done": 5})
                raise DomainError("No rate for March.")

        handler(fail_once)
        job = ask(at)
        run(job, at)
        services.resume(job=job, at=at)
        run(job, at)
        assert seen == [{}, {"done": 5}]
        assert (job.state, job.error) == (JobState.DONE, "")

    def test_refuses_to_resume_while_the_same_work_is_active(self, at):
        first = ask(at)
        services.request_cancel(job=first, at=at)
        ask(at)
        with pytest.raises(services.UnableToResumeJob, match="as another job"):
            services.resume(job=first, at=at)

    def test_refuses_to_resume_what_is_not_over(self, at):
        with pytest.raises(services.UnableToResumeJob, match="failed or cancelled"):
            services.resume(job=ask(at), at=at)


@pytest.mark.django_db
class TestReap:
    def running(self, at, process, **more):
        job = ask(at)
        Job.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING,
            lease_token="theirs",
            lease_process=process,
            started_at=at,
            heartbeat_at=at,
            **more,
        )
        return job

    def after(self, job, at):
        services.reap(at=at)
        job.refresh_from_db()
        return job.state

    def test_puts_back_at_once_what_a_dead_process_here_held(self, at, dead_process):
        assert self.after(self.running(at, dead_process), at) == JobState.QUEUED

    def test_leaves_alone_what_a_living_process_here_holds(self, at, living_process):
        assert self.after(self.running(at, living_process), at + timedelta(minutes=5)) == JobState.RUNNING

    def test_takes_from_a_living_process_that_says_nothing_for_long(self, at, living_process):
        assert self.after(self.running(at, living_process), at + timedelta(minutes=11)) == JobState.QUEUED

    @pytest.mark.parametrize("silent, state", [(59, JobState.RUNNING), (60, JobState.QUEUED)])
    def test_judges_a_process_elsewhere_by_its_heartbeat(self, at, silent, state):
        job = self.running(at, "elsewhere.1.2")
        assert self.after(job, at + timedelta(seconds=silent)) == state

    def test_gives_up_after_too_many_starts_without_a_checkpoint(self, at, dead_process):
        job = self.running(at, dead_process, attempts=services.MAX_ATTEMPTS)
        assert self.after(job, at) == JobState.FAILED
        assert "interrupted 5 times" in job.error

    def test_what_was_asked_to_stop_is_not_started_again(self, at, dead_process):
        assert self.after(self.running(at, dead_process, cancel_requested_at=at), at) == JobState.CANCELLED

    def test_a_heartbeat_in_the_meantime_wins_over_the_reaper(self, at, dead_process):
        job = self.running(at, dead_process)
        stale = Job.objects.get(pk=job.pk)
        Job.objects.update(heartbeat_at=at + timedelta(seconds=1))
        assert not services._take_back(stale, at=at)

    def test_tells_a_worker_again_ever_more_seldom(self, at, monkeypatch, django_capture_on_commit_callbacks):
        sent = []
        monkeypatch.setattr(services.current_app, "send_task", lambda name, **more: sent.append(name))
        with django_capture_on_commit_callbacks(execute=True):
            ask(at)
        moments = []
        for second in range(0, 600, 15):
            before = len(sent)
            with django_capture_on_commit_callbacks(execute=True):
                services.reap(at=at + timedelta(seconds=second))
            if len(sent) > before:
                moments.append(second)
        assert moments == [30, 60, 120, 240, 480]


@pytest.mark.django_db
class TestClaimSlot:
    def test_gives_a_slot_to_one_caller(self, at):
        claims = [services.claim_slot(name="rank", at=at, seconds=86_400) for _ in range(3)]
        assert claims == [True, False, False]

    def test_starts_a_new_slot_at_midnight_utc(self, at):
        midnight = at.replace(hour=0, minute=0) + timedelta(days=1)
        assert services.claim_slot(name="rank", at=midnight - timedelta(seconds=1), seconds=86_400)
        assert services.claim_slot(name="rank", at=midnight, seconds=86_400)

    def test_keeps_names_apart(self, at):
        assert services.claim_slot(name="rank", at=at, seconds=60)
        assert services.claim_slot(name="seal", at=at, seconds=60)

    def test_forgets_only_what_began_before(self, at):
        services.claim_slot(name="rank", at=at - timedelta(days=2), seconds=60)
        services.claim_slot(name="rank", at=at, seconds=60)
        assert services.forget_slots(before=at - timedelta(days=1)) == 1
        assert not services.claim_slot(name="rank", at=at, seconds=60)
