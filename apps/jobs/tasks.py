"""What Celery calls: run one job, put back abandoned ones. The work itself is each app's handler."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.jobs import services

KEEP_SLOTS = timedelta(days=90)


@shared_task(name="jobs.run_job")
def run_job(job_id: int) -> None:
    """Do the job with this id, if nobody else does."""
    services.run(job_id=job_id, clock=timezone.now)


@shared_task(name="jobs.reap")
def reap() -> None:
    """Put back jobs whose worker died; tell workers again of those that nobody began."""
    services.reap(at=timezone.now())


@shared_task(name="jobs.forget_slots")
def forget_slots() -> None:
    """Drop old slots of the schedule."""
    now = timezone.now()
    if services.claim_slot(name="jobs.forget_slots", at=now, seconds=86_400):
        services.forget_slots(before=now - KEEP_SLOTS)
