"""The sweeps of cadences and of contests: pauses that end, conditions that fall due, judges to be reminded."""

from datetime import datetime
from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.core.errors import DomainError
from apps.jobs.context import JobContext
from apps.jobs.handlers import handles
from apps.leads.models import RoutingPolicy
from apps.leads.services import answered_requests, holds, invitation_mail, judges, routing_replay, sweeping


@shared_task(name="leads.sweep_cadences")
def sweep_cadences() -> None:
    """Idempotent: any number may run at once (``services.sweeping``)."""
    sweeping.sweep(at=timezone.now())


@shared_task(name="leads.remind_judges")
def remind_judges() -> None:
    """Remind those who judge contests that are soon due, and tell of overdue ones; each once."""
    judges.remind_judges(at=timezone.now())


@shared_task(name="leads.sweep_holds")
def sweep_holds() -> None:
    """Tidy up after holds that have lapsed and requests of yesterday; nobody waits for it (``services.holds``)."""
    holds.sweep_holds(at=timezone.now())
    answered_requests.forget_old_requests(at=timezone.now())


@shared_task(name="leads.send_invitations")
def send_invitations() -> None:
    """One bounded round of the outbox; any number of them at once do no harm (``services.invitation_mail``)."""
    invitation_mail.send_due(at=timezone.now())


@handles(routing_replay.JOB_KIND, title="Replay of a routing policy on the past")
def replay_routing(job: JobContext) -> dict[str, Any]:
    """Params: ``policy``, ``months``, ``at``, ``as_it_is`` (``routing_replay.key_of``). Reads alone."""
    policy = RoutingPolicy.objects.get(pk=job.params["policy"])
    months = job.params["months"]
    if routing_replay.key_of(policy=policy, months=months) != job.params["as_it_is"]:
        raise DomainError("The draft was changed since the replay was asked for. Replay it again.")
    at = datetime.fromisoformat(job.params["at"])
    report = routing_replay.replay(policy=policy, months=months, at=at, progress=job.progress)
    return {
        "summary": f"{policy} would have given {report.changed_in_all:,} of {report.examined:,} hand-offs "
        "to another AE.",
        "url": f"/routing/{policy.pk}/past/?months={months}",
        "url_label": "Open the replay",
        "report": report.as_dict(),
    }
