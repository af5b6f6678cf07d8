"""Pages about jobs: the list, one job, its card that polls itself, cancel and resume."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import quote_etag
from django.views.decorators.http import require_GET, require_POST

from apps.core.keyset import page_of
from apps.core.policies import guarded, visible_or_404
from apps.jobs import services
from apps.jobs.models import Job
from apps.jobs.policies import STEER_JOB, WATCH_JOBS
from apps.jobs.signals import job_steered

# The browser's poll stops at this status: the card will not change any more.
LAST_WORD = 286


@require_GET
@guarded(WATCH_JOBS)
def job_list(request: HttpRequest) -> HttpResponse:
    """The jobs that the user may see, newest first."""
    jobs = Job.objects.visible_to(request.user).select_related("requested_by")
    page = page_of(jobs, by=("-requested_at", "-pk"), after=request.GET.get("after", ""))
    shown = "1 job" if page.shown == 1 else f"{page.shown} jobs"
    return render(request, "jobs/list.html", {"page": page, "shown": shown, "now": timezone.now()})


@require_GET
@guarded(WATCH_JOBS)
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One job: how far it is, what it made or why it failed."""
    job = visible_or_404(Job.objects.visible_to(request.user).select_related("requested_by"), pk=pk)
    return render(request, "jobs/detail.html", {"job": job, "now": timezone.now()})


@require_GET
@guarded(WATCH_JOBS)
def job_card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of one job, for polling: 304 while nothing changed, 286 once nothing will."""
    return _card(request, visible_or_404(Job.objects.visible_to(request.user), pk=pk), timezone.now())


@require_POST
@guarded(STEER_JOB)
def cancel_job(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a job to stop."""
    return _steer(request, pk, services.request_cancel)


@require_POST
@guarded(STEER_JOB)
def resume_job(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a failed or cancelled job go on where it stopped."""
    return _steer(request, pk, services.resume)


def _steer(request: HttpRequest, pk: int, act: Callable[..., None]) -> HttpResponse:
    job = visible_or_404(Job.objects.visible_to(request.user), pk=pk)
    STEER_JOB.check(request.user, job)
    now = timezone.now()
    with transaction.atomic():
        act(job=job, at=now)
        said = "cancelled" if act is services.request_cancel else "resumed"
        job_steered.send(sender=Job, job=job, act=said, by=request.user, at=now)
    if not request.htmx:
        return redirect("jobs:detail", pk=pk)
    job.refresh_from_db()
    return render(request, "jobs/_card.html", {"job": job, "now": now})


def _card(request: HttpRequest, job: Job, now: datetime) -> HttpResponse:
    parts = (
        job.state,
        job.progress_done,
        job.progress_total,
        job.note,
        job.cancel_requested_at,
        job.started_at,
    )
    # The time left is told in steps of five seconds; between them the card looks the same.
    left = (job.seconds_left(now) or 0) // 5
    etag = quote_etag("-".join(str(part) for part in (*parts, left)).encode().hex()[-120:])
    if job.is_active and request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified()
    response = render(request, "jobs/_card.html", {"job": job, "now": now})
    response["ETag"] = etag
    if not job.is_active:
        response.status_code = LAST_WORD
    return response
