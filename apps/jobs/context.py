"""What a handler holds while it works: parameters, progress, checkpoint, and whether it may go on.

A pulse tells the row that the work is alive. It runs in a thread with a database connection of its own, so
that neither one long statement nor a transaction of the handler makes live work look dead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connections

from apps.jobs.models import Job, JobState

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

TICK_SECONDS = 0.5
BEAT_EVERY = timedelta(seconds=5)


class LeaseLost(Exception):
    """The job was given to another worker, or taken back: this one must stop and write nothing more."""


class JobCancelled(Exception):
    """Somebody asked for the job to stop."""


class Lease:
    """The right of one attempt to write to its job's row. Every write is conditional on it."""

    def __init__(self, *, job_id: int, token: str, clock: Clock) -> None:
        self.job_id = job_id
        self.token = token
        self.clock = clock

    def write(self, **values: Any) -> bool:
        """Write to the row if the lease still holds; says whether it did."""
        held = Job.objects.filter(pk=self.job_id, lease_token=self.token, state=JobState.RUNNING)
        return bool(held.update(**values))

    def is_cancel_requested(self) -> bool:
        asked = Job.objects.filter(pk=self.job_id).values_list("cancel_requested_at", flat=True).first()
        return asked is not None


class Pulse:
    """Carries progress to the row, and word of cancellation or a lost lease back."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.lost = False
        self.cancelled = False
        self._lock = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._beaten_at = lease.clock()

    def tell(self, **values: Any) -> None:
        """Take the newest progress; it reaches the row with the next beat."""
        with self._lock:
            self._pending.update(values)

    def take_pending(self) -> dict[str, Any]:
        """What was told and has not reached the row; the caller writes it."""
        with self._lock:
            values, self._pending = self._pending, {}
        return values

    def beat(self) -> None:
        """Write what is pending, or a bare heartbeat when one is due, and look for a cancellation."""
        now = self.lease.clock()
        values = self.take_pending()
        if values or now - self._beaten_at >= BEAT_EVERY:
            if not self.lease.write(heartbeat_at=now, **values):
                self.lost = True
                return
            self._beaten_at = now
        if self.lease.is_cancel_requested():
            self.cancelled = True

    def __enter__(self) -> Pulse:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class InlinePulse(Pulse):
    """For a run inside a transaction (tests): no second connection could see the row, so beat at once."""

    def tell(self, **values: Any) -> None:
        super().tell(**values)
        self.beat()


class ThreadedPulse(Pulse):
    """Beats from a thread with its own connection, closed when the work ends."""

    def __enter__(self) -> ThreadedPulse:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"job-{self.lease.job_id}-pulse", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(TICK_SECONDS):
                try:
                    self.beat()
                except (DatabaseError, InterfaceError):
                    # The database may come back; whether the lease still holds is asked again then.
                    logger.warning("job %s: the heartbeat could not be written", self.lease.job_id)
                    connections.close_all()
                if self.lost:
                    return
        finally:
            connections.close_all()


class JobContext:
    """What a handler is given.

    ``params`` are those the job was asked for with; ``requested_by_id`` is who asked, if anybody;
    ``checkpoint`` is what the last ``save_checkpoint`` kept ({} at first); ``now()`` is the clock.
    """

    def __init__(self, *, job: Job, lease: Lease, pulse: Pulse) -> None:
        self.job_id: int = job.pk
        self.params: dict[str, Any] = job.params
        self.requested_by_id: int | None = job.requested_by_id
        self.checkpoint: dict[str, Any] = job.checkpoint
        self._lease = lease
        self._pulse = pulse

    def now(self) -> datetime:
        return self._lease.clock()

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Say how far the work is; costs nothing worth counting, so call it for each step.

        Raises ``JobCancelled`` when somebody asked for a stop and ``LeaseLost`` when the job is no longer
        this worker's: let both pass, and let them undo the transaction of the step that they interrupt.
        """
        values: dict[str, Any] = {
            "progress_done": done if total is None else min(done, total),
            "note": note[:200],
        }
        values["progress_total"] = total
        self._pulse.tell(**values)
        self.raise_if_stopped()

    def raise_if_stopped(self) -> None:
        """Raise as ``progress`` does, without saying anything new."""
        if self._pulse.lost:
            raise LeaseLost(f"Job {self.job_id} is no longer held by this worker.")
        if self._pulse.cancelled:
            raise JobCancelled(f"Job {self.job_id} was asked to stop.")

    def save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep ``checkpoint`` (JSON) for whoever goes on after this attempt.

        Call it inside the transaction of the step it speaks of: the step and the note that it is done are
        then kept together or not at all, and a worker that lost its job cannot commit it (``LeaseLost``).
        """
        if not self._lease.write(checkpoint=checkpoint, heartbeat_at=self._lease.clock(), attempts=1):
            self._pulse.lost = True
            raise LeaseLost(f"Job {self.job_id} is no longer held by this worker.")
        self.checkpoint = checkpoint
