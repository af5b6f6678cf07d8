"""The schedule's doors to sealing and to the daily verification, and the job that verifies."""

import logging
from typing import Any

from celery import shared_task
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.audit.forms import FilterForm
from apps.audit.models import Verification
from apps.audit.origin import acting_from
from apps.audit.rules.verdicts import Anchor
from apps.audit.services import exports, sealing, verifying
from apps.jobs import services as jobs
from apps.jobs.context import JobContext
from apps.jobs.handlers import handles

logger = logging.getLogger(__name__)

VERIFY = "audit.verify_records"
EXPORT = "audit.export_log"


@shared_task(name="audit.seal")
def seal() -> None:
    with acting_from("schedule:audit.seal"):
        sealing.seal_records(at=timezone.now())


@shared_task(name="audit.verify_daily")
def verify_daily() -> None:
    """Ask for a verification, once a day."""
    now = timezone.now()
    with transaction.atomic():
        if jobs.claim_slot(name="audit.verify_daily", at=now, seconds=86_400):
            jobs.enqueue(kind=VERIFY, key="all", at=now)


@handles(VERIFY, title="Verification of the records")
def verify(job: JobContext) -> dict[str, Any]:
    """Verify the whole chain, against the anchor of the parameters if there is one, and keep what was found."""
    given = job.params.get("anchor")
    anchor = Anchor(given["seal"], given["hash"]) if given else None
    with acting_from("job:verify_records"):
        held_against = [*verifying.earlier_heads(), *([anchor] if anchor else [])]
        verdict = verifying.verify_records(anchors=held_against, steps=job)
        kept = verifying.keep_verdict(verdict=verdict, at=job.now(), actor=_who_asked(job), against=anchor)
    if not verdict.holds:
        logger.error("the chain of seals does not hold: verification %s", kept.pk)
    return {
        "summary": _summary(kept),
        "url": reverse("audit:chain"),
        "url_label": "Open the state of the records",
    }


def _who_asked(job: JobContext) -> Any:
    if job.requested_by_id is None:
        return None
    return get_user_model()._default_manager.filter(pk=job.requested_by_id).first()


def _summary(kept: Verification) -> str:
    if kept.holds:
        return f"The records hold: {kept.seal_count:,} seals over {kept.row_count:,} rows."
    places = "1 place" if len(kept.breaks) == 1 else f"{len(kept.breaks)} places"
    return f"The records were altered in {places}."


@handles(EXPORT, title="File of the audit log")
def export(job: JobContext) -> dict[str, Any]:
    """Make a long file of the log; asked for again after an interruption, it is made anew."""
    filters = FilterForm(job.params["filters"]).filters()
    up_to = job.params["up_to"]
    total = exports.count_up_to(filters, up_to=up_to, most=10_000_000)
    with acting_from("job:export_audit_log"):
        made = exports.make_export(
            filters=filters,
            file_format=job.params["format"],
            up_to=up_to,
            at=job.now(),
            actor=_who_asked(job),
            told=lambda done: job.progress(done, total, "Entries written"),
        )
    return {
        "summary": f"{made.row_count:,} entries.",
        "url": reverse("audit:chain"),
        "url_label": "Take the file",
    }
