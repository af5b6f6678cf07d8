"""The job that computes a payout run. What it does is ``services.computation``."""

from typing import Any

from django.urls import reverse

from apps.audit.origin import acting_from
from apps.compensation.models import PayoutRun
from apps.compensation.selectors.control import control_totals
from apps.compensation.services import runs
from apps.compensation.services.computation import compute_run
from apps.core.money import in_words
from apps.jobs.context import JobContext
from apps.jobs.handlers import handles


@handles(runs.JOB_KIND, title="Payout run")
def run_payouts(job: JobContext) -> dict[str, Any]:
    """Compute the run ``run_id``; goes on from the last batch of reps that was kept."""
    run = PayoutRun.objects.get(pk=job.params["run_id"])
    with acting_from("job:run_payouts"):
        compute_run(run=run, clock=job.now, steps=job)
    totals = control_totals(run)
    sums = ", ".join(in_words(total.statement_minor, total.currency) for total in totals)
    count = sum(total.statements for total in totals)
    return {
        "summary": f"{run.name}: {count:,} statements{', ' + sums if sums else ''}.",
        "url": reverse("compensation:run", args=[run.pk]),
        "url_label": "Open the run",
    }
