"""The jobs of this app: check an import, write an import; and the sweeps of its webhooks."""

from typing import Any

from celery import shared_task
from django.urls import reverse
from django.utils import timezone

from apps.integrations.models import ImportRun, RunState
from apps.integrations.services import imports, webhook_sending
from apps.jobs.context import JobContext
from apps.jobs.handlers import handles


@handles(imports.CHECK_KIND, title="Check of an import")
def check(job: JobContext) -> dict[str, Any]:
    """Read every row; the figures stand on the import afterwards."""
    run = ImportRun.objects.get(pk=job.params["run_id"])
    run = imports.check_import(run=run, at=job.now(), progress=lambda done: job.progress(done))
    summary = "It cannot be read." if run.state == RunState.FAULTY else "Checked; nothing is written yet."
    return {
        "summary": summary,
        "url": reverse("integrations:import", args=[run.pk]),
        "url_label": "Open the import",
    }


@handles(imports.WRITE_KIND, title="Import")
def write(job: JobContext) -> dict[str, Any]:
    """Write the checked rows; safe to start again after a kill."""
    run = imports.write_import(run=ImportRun.objects.get(pk=job.params["run_id"]), job=job)
    written = sum(one.written.get("new", 0) + one.written.get("changed", 0) for one in run.files.all())
    return {
        "summary": f"{written:,} rows written.",
        "url": reverse("integrations:import", args=[run.pk]),
        "url_label": "Open the import",
    }


@shared_task(name="integrations.send_webhooks")
def send_webhooks() -> None:
    """One bounded round of the outbox; any number of them at once share the endpoints."""
    webhook_sending.send_due(at=timezone.now())


@shared_task(name="integrations.forget_webhooks")
def forget_webhooks() -> None:
    """Delete what was delivered over a month ago."""
    webhook_sending.forget_delivered(at=timezone.now())
