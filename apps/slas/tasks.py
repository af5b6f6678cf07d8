"""The sweeps of promises, idempotent, so that any number may run at once; and the trial of a policy as a job."""

from datetime import datetime
from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.core.errors import DomainError
from apps.jobs.context import JobContext
from apps.jobs.handlers import handles
from apps.slas.models import Policy
from apps.slas.services import dry_run
from apps.slas.services import sweep as services


@shared_task(name="slas.sweep")
def sweep() -> None:
    """Call the running clocks breached whose due instant has passed, and take the steps that are due."""
    at = timezone.now()
    services.sweep(at=at)
    services.escalate(at=at)


@handles(dry_run.JOB_KIND, title="Trial of a policy on past leads")
def try_policy(job: JobContext) -> dict[str, Any]:
    """Params: ``policy``, ``days``, ``at`` and ``as_it_is`` (``dry_run.key_of``). Reads alone: safe to repeat."""
    policy = Policy.objects.get(pk=job.params["policy"])
    days = job.params["days"]
    if dry_run.key_of(policy=policy, days=days) != job.params["as_it_is"]:
        raise DomainError("The policies were changed since the trial was asked for. Try it again.")
    at = datetime.fromisoformat(job.params["at"])
    report = dry_run.dry_run(policy=policy, days=days, at=at, progress=job.progress)
    leads = "1 lead" if report.taken == 1 else f"{report.taken:,} leads"
    return {
        "summary": f"{policy} would have taken {leads} of the last {days} days; "
        f"{report.tried.met:,} promises kept, {report.tried.breached:,} broken.",
        "url": f"/slas/policies/{policy.pk}/dry-run/?days={days}",
        "url_label": "Open the trial",
        "report": report.as_dict(),
    }
