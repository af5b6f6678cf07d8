"""A job for tests with real workers: many short steps, each leaving one row; a row twice would fail it."""

import time
from datetime import UTC, datetime, timedelta

from django.db import transaction

from apps.jobs.context import JobContext
from apps.jobs.handlers import handles
from apps.jobs.models import ScheduledSlot

KIND = "tests.steps"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@handles(KIND, title="Steps")
def take_steps(job: JobContext) -> dict[str, int]:
    done = job.checkpoint.get("done", 0)
    total = job.params["steps"]
    for number in range(done + 1, total + 1):
        time.sleep(job.params["pause"])
        with transaction.atomic():
            ScheduledSlot.objects.create(
                name=f"step of {job.job_id}",
                starts_at=BEGIN + timedelta(minutes=number),
                claimed_at=job.now(),
            )
            job.save_checkpoint({"done": number})
        job.progress(number, total, f"Step {number}")
    return {"steps": total}
