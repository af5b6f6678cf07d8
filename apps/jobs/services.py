"""Ask for a job, stop it, resume it; run one; put back those whose worker died; claim a scheduled slot.

What a job does lives with its handler (each app's ``tasks.py``). A state changes by one conditional UPDATE
whose row count says who won, so that any number of workers, reapers and people may try at once.
"""

import logging
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import current_app
from django.db import DatabaseError, IntegrityError, InterfaceError, connection, connections, transaction
from django.db.models import F, QuerySet

from apps.core.errors import DomainError
from apps.core.processes import is_dead, is_here, this_process
from apps.jobs.context import (
    Clock,
    InlinePulse,
    JobCancelled,
    JobContext,
    Lease,
    LeaseLost,
    Pulse,
    ThreadedPulse,
)
from apps.jobs.handlers import handler_for
from apps.jobs.models import Job, JobState, ScheduledSlot

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
# A worker elsewhere is known by its heartbeat alone. One on this machine is known to live or not; a silent
# one that lives is given longer, since a long write on SQLite keeps its heartbeat waiting.
SILENT_AFTER = timedelta(seconds=60)
SILENT_HERE_AFTER = timedelta(minutes=10)
WAKE_AGAIN_AFTER = timedelta(seconds=30)

INTERRUPTED = (
    f"It was interrupted {MAX_ATTEMPTS} times without getting further, so it was not started again. "
    "What it had finished is kept. Ask an operator to look at the worker, then resume it."
)


class UnableToEnqueueJob(DomainError):
    """The same work was asked for by several people at once, and each time ended as this call looked."""

    code = "unable_to_enqueue_job"


class UnableToResumeJob(DomainError):
    """The job is not one that can go on."""

    code = "unable_to_resume_job"


class UnableToCancelJob(DomainError):
    """The job is over, so there is nothing to stop."""

    code = "unable_to_cancel_job"


# --- Asking ---------------------------------------------------------------------------------------


def enqueue(
    *, kind: str, key: str, at: datetime, params: dict[str, Any] | None = None, requested_by: Any = None
) -> Job:
    """Ask for a job of ``kind`` on ``key``; returns the one that waits or runs already, if there is one.

    ``params`` is JSON for the handler (ids, not objects; no personal data). A worker is told once the
    caller's transaction commits; if the broker is away then, the reaper tells one later.
    """
    for _ in range(3):
        present = Job.objects.active().filter(kind=kind, key=key).first()
        if present is not None:
            return present
        with suppress(IntegrityError), transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                key=key,
                params=params or {},
                requested_by=requested_by if getattr(requested_by, "pk", None) else None,
                requested_at=at,
                woken_at=at,
            )
            _wake_on_commit(job.pk)
            return job
        # Somebody else asked in the same moment; theirs is there now, unless it ended as quickly.
    raise UnableToEnqueueJob("The same work was asked for several times at once. Try again in a moment.")


def request_cancel(*, job: Job, at: datetime) -> None:
    """Stop ``job``: at once while it waits; at its next step while it runs.

    Raises ``UnableToCancelJob`` when it is over.
    """
    rows = Job.objects.filter(pk=job.pk)
    if rows.filter(state=JobState.QUEUED).update(
        state=JobState.CANCELLED, finished_at=at, cancel_requested_at=at, note=""
    ):
        return
    if rows.filter(state=JobState.RUNNING).update(cancel_requested_at=at):
        return
    raise UnableToCancelJob("This job is over, so there is nothing to stop.")


def resume(*, job: Job, at: datetime) -> None:
    """Put a failed or cancelled ``job`` back in the queue; it goes on from its last checkpoint.

    Raises ``UnableToResumeJob`` when it is in another state, or when the same work is active as another job.
    """
    over = Job.objects.filter(pk=job.pk, state__in=(JobState.FAILED, JobState.CANCELLED))
    try:
        with transaction.atomic():
            resumed = over.update(
                state=JobState.QUEUED,
                attempts=0,
                error="",
                note="",
                woken_at=at,
                finished_at=None,
                cancel_requested_at=None,
            )
            if resumed:
                _wake_on_commit(job.pk)
    except IntegrityError:
        raise UnableToResumeJob("The same work is waiting or running already, as another job.") from None
    if not resumed:
        raise UnableToResumeJob(
            "Only a failed or cancelled job can be resumed; reload to see where it stands."
        )


def _wake_on_commit(job_id: int) -> None:
    transaction.on_commit(lambda: _wake(job_id))


def _wake(job_id: int) -> None:
    """Send a worker the job's id. A broker that is away must not break what was asked: the row is kept."""
    try:
        current_app.send_task("jobs.run_job", args=[job_id], retry=False)
    except Exception as error:
        logger.warning("job %s: no worker could be told (%s); the reaper will", job_id, type(error).__name__)


# --- Running --------------------------------------------------------------------------------------


def run(*, job_id: int, clock: Clock) -> bool:
    """Do job ``job_id``, if it waits (or its worker is known to be dead) and nobody else takes it first.

    Returns whether this call took it. How it went is on the row; only a bug in this module raises.
    """
    held = Job.objects.filter(pk=job_id, state=JobState.RUNNING).first()
    if held is not None:
        # A message that comes again after a worker was killed need not wait for the reaper.
        if not is_dead(held.lease_process):
            return False
        _take_back(held, at=clock())
    token = uuid.uuid4().hex
    job = _claim(job_id=job_id, token=token, at=clock())
    if job is None:
        return False
    _work(job, Lease(job_id=job_id, token=token, clock=clock))
    return True


def _claim(*, job_id: int, token: str, at: datetime) -> Job | None:
    won = Job.objects.filter(pk=job_id, state=JobState.QUEUED).update(
        state=JobState.RUNNING,
        lease_token=token,
        lease_process=this_process(),
        started_at=at,
        heartbeat_at=at,
        attempts=F("attempts") + 1,
    )
    # Read back by the token: between the two statements a reaper may have thought otherwise.
    return Job.objects.filter(pk=job_id, lease_token=token).first() if won else None


def _work(job: Job, lease: Lease) -> None:
    handler = handler_for(job.kind)
    if handler is None:
        _finish(
            lease, state=JobState.FAILED, error=f"Nothing installed here does work of the kind {job.kind}."
        )
        return
    pulse: Pulse = InlinePulse(lease) if connection.in_atomic_block else ThreadedPulse(lease)
    ending: dict[str, Any]
    try:
        with pulse:
            result = handler.work(JobContext(job=job, lease=lease, pulse=pulse))
        ending = {"state": JobState.DONE, "result": result or {}, "note": ""}
    except JobCancelled:
        ending = {"state": JobState.CANCELLED}
    except LeaseLost:
        logger.warning("job %s: its lease is lost; this worker stops", job.pk)
        return
    except DomainError as error:
        ending = {"state": JobState.FAILED, "error": error.message}
    except (DatabaseError, InterfaceError) as error:
        if isinstance(error, IntegrityError) or connection.in_atomic_block:
            ending = _unexpected(job, error)
        else:
            logger.warning("job %s: the database failed it (%s)", job.pk, type(error).__name__, exc_info=True)
            connections.close_all()
            _give_back(lease)
            return
    except Exception as error:
        ending = _unexpected(job, error)
    _finish(lease, **{**pulse.take_pending(), **ending})


def _unexpected(job: Job, error: Exception) -> dict[str, Any]:
    logger.error("job %s (%s) failed", job.pk, job.kind, exc_info=error)
    return {
        "state": JobState.FAILED,
        "error": f"The work stopped at something nobody foresaw ({type(error).__name__}). "
        "What it had finished is kept. The log of the worker says where; resume it once that is mended.",
    }


def _finish(lease: Lease, *, state: JobState, **values: Any) -> None:
    at = lease.clock()
    if not lease.write(
        state=state, finished_at=at, heartbeat_at=at, lease_token="", lease_process="", **values
    ):
        logger.warning("job %s: ended as %s after its lease was lost", lease.job_id, state)


def _give_back(lease: Lease) -> None:
    """The database broke under the work: leave the job to a later attempt (the reaper sends it out again)."""
    try:
        job = Job.objects.filter(pk=lease.job_id, lease_token=lease.token).first()
        if job is not None:
            _take_back(job, at=lease.clock())
    except (DatabaseError, InterfaceError):
        # Still away. The row keeps the lease; with no heartbeat behind it the reaper takes it back.
        connections.close_all()


# --- Putting back ---------------------------------------------------------------------------------


def reap(*, at: datetime) -> int:
    """Put back the jobs whose worker is gone, and tell workers again of jobs that nobody began.

    Safe to run anywhere, at any time, several at once. Returns how many jobs it put back or gave up.
    """
    taken = sum(
        _take_back(job, at=at) for job in Job.objects.filter(state=JobState.RUNNING) if _is_abandoned(job, at)
    )
    _wake_forgotten(Job.objects.filter(state=JobState.QUEUED, woken_at__lte=at - WAKE_AGAIN_AFTER), at=at)
    return taken


def _is_abandoned(job: Job, at: datetime) -> bool:
    silent = at - (job.heartbeat_at or job.requested_at)
    if is_here(job.lease_process):
        return is_dead(job.lease_process) or silent >= SILENT_HERE_AFTER
    return silent >= SILENT_AFTER


def _take_back(job: Job, *, at: datetime) -> bool:
    """Take ``job`` from the worker that held it when it was read; says whether this call did."""
    still = Job.objects.filter(
        pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token, heartbeat_at=job.heartbeat_at
    )
    nobody = {"lease_token": "", "lease_process": ""}
    if job.cancel_requested_at is not None:
        return bool(still.update(state=JobState.CANCELLED, finished_at=at, **nobody))
    if job.attempts >= MAX_ATTEMPTS:
        return bool(still.update(state=JobState.FAILED, finished_at=at, error=INTERRUPTED, **nobody))
    taken = bool(still.update(state=JobState.QUEUED, woken_at=at, **nobody))
    if taken:
        _wake_on_commit(job.pk)
    return taken


def _wake_forgotten(waiting: QuerySet[Job], *, at: datetime) -> None:
    for job in waiting:
        # Twice as long each time: behind a long job the queue must not fill with copies of one message.
        if at - job.woken_at < max(WAKE_AGAIN_AFTER, job.woken_at - job.requested_at):
            continue
        if Job.objects.filter(pk=job.pk, state=JobState.QUEUED, woken_at=job.woken_at).update(woken_at=at):
            _wake_on_commit(job.pk)


# --- Schedule -------------------------------------------------------------------------------------


def claim_slot(*, name: str, at: datetime, seconds: int) -> bool:
    """Take the slot of ``seconds`` that holds ``at`` (UTC, counted from 1970) for the work called ``name``.

    True for the one caller that may do it now. A second schedule, or a late one, gets False.
    """
    starts_at = datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, tz=UTC)
    try:
        with transaction.atomic():
            ScheduledSlot.objects.create(name=name, starts_at=starts_at, claimed_at=at)
    except IntegrityError:
        return False
    return True


def forget_slots(*, before: datetime) -> int:
    """Delete slots that began before ``before``; they have done their part."""
    return ScheduledSlot.objects.filter(starts_at__lt=before).delete()[0]
