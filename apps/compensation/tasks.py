"""The jobs that compute a payout run, help with one and replay plans, and the reminder of plans. See ``services``."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.compensation.models import PayoutRun, Replay
from apps.compensation.selectors.control import control_totals
from apps.compensation.services import acknowledgements, finance_files, inquiry_sweep, replays, runs
from apps.compensation.services.computation import compute_run, help_computation
from apps.compensation.services.replay_computation import compute_replay
from apps.core.money import in_words
from apps.core.periods import day_of
from apps.jobs import services as jobs
from apps.jobs.context import JobContext
from apps.jobs.handlers import handles
from apps.jobs.models import Job, JobState

# With fewer parts a run is over before a helper has read the plans.
PARTS_WORTH_HELP = 8


@handles(runs.JOB_KIND, title="Payout run")
def run_payouts(job: JobContext) -> dict[str, Any]:
    """Compute the run ``run_id``; goes on from the last batch of reps that was kept."""
    run = PayoutRun.objects.get(pk=job.params["run_id"])
    with acting_from("job:run_payouts"):
        compute_run(
            run=run,
            clock=job.now,
            steps=job,
            call_help=lambda number, parts: _call_help(job, run, number, parts),
        )
    totals = control_totals(run)
    sums = ", ".join(in_words(total.statement_minor, total.currency) for total in totals)
    count = sum(total.statements for total in totals)
    return {
        "summary": f"{run.name}: {count:,} statements{', ' + sums if sums else ''}.",
        "url": reverse("compensation:run", args=[run.pk]),
        "url_label": "Open the run",
    }


def _call_help(job: JobContext, run: PayoutRun, number: int, parts: int) -> None:
    """Ask other workers to take parts. Those that are busy come later, or find nothing left to do."""
    # SQLite lets one write at a time, so there a helper would only wait.
    if connection.vendor == "sqlite" or parts < PARTS_WORTH_HELP:
        return
    for helper in range(settings.PAYOUT_HELPERS):
        jobs.enqueue(
            kind=runs.HELP_KIND,
            key=f"{run.job_key}:{helper + 1}",
            params={"run_id": run.pk, "computation": number, "job_id": job.job_id},
            at=job.now(),
        )


@handles(runs.HELP_KIND, title="Payout run, a helper")
def help_with_payouts(job: JobContext) -> dict[str, Any]:
    """Take parts of a run's computation for as long as the job that computes it goes on."""
    run = PayoutRun.objects.get(pk=job.params["run_id"])
    computing = Job.objects.filter(
        pk=job.params["job_id"], state=JobState.RUNNING, cancel_requested_at__isnull=True
    )

    def may_go_on() -> bool:
        job.raise_if_stopped()
        return computing.exists()

    with acting_from("job:run_payouts"):
        done = help_computation(run=run, number=job.params["computation"], may_go_on=may_go_on)
    return {"summary": f"{run.name}: {done:,} {'part' if done == 1 else 'parts'} computed."}


@handles(replays.JOB_KIND, title="Replay of plans")
def replay_plans(job: JobContext) -> dict[str, Any]:
    """Work out the replay ``replay_id``; goes on from the last batch of people that was kept."""
    replay = Replay.objects.get(pk=job.params["replay_id"])
    with acting_from("job:replay_plans"):
        compute_replay(replay=replay, clock=job.now, steps=job)
    people = replay.people.count()
    return {
        "summary": f"{replay.name}: {people:,} {'person' if people == 1 else 'people'} replayed.",
        "url": reverse("compensation:replay", args=[replay.pk]),
        "url_label": "Open the replay",
    }


@handles(finance_files.JOB_KIND, title="File of a payout run")
def make_file(job: JobContext) -> dict[str, Any]:
    """Make the file that was asked for and keep it, for who may to take it."""
    with acting_from("job:make_file"):
        kept = finance_files.make_file(job)
    return {
        "summary": f"{kept.get_kind_display()} as {kept.get_format_display()}: {kept.size:,} bytes.",
        "url": reverse("compensation:run", args=[kept.run_id]),
        "url_label": "Open the run",
    }


@shared_task(name="compensation.remind_of_plans")
def remind_of_plans() -> None:
    """Once a day: whoever has not put a name under a plan is asked again, every few days."""
    at = timezone.now()
    if jobs.claim_slot(name="compensation.remind_of_plans", at=at, seconds=86_400):
        acknowledgements.remind_by_itself(today=day_of(at, settings.COMPANY_TIME_ZONE), at=at)


@shared_task(name="compensation.sweep_inquiries")
def sweep_inquiries() -> None:
    """Remind of inquiries, tell of late ones, close settled ones: idempotent (``services.inquiry_sweep``)."""
    inquiry_sweep.sweep(at=timezone.now())
