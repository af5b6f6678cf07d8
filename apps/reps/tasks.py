"""Reading feeds: a sweep for those that are due, and one now because somebody asked."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.jobs.context import JobContext
from apps.jobs.handlers import handles
from apps.reps.models import BusyCalendar
from apps.reps.services import feeds

READ_FEED = "reps.read_feed"


@shared_task(name="reps.read_feeds")
def read_feeds() -> None:
    """Ask for the feeds that are due; whoever claims one first reads it, so any number may run at once."""
    for pk in feeds.due(timezone.now()):
        calendar = feeds.claim(pk=pk, at=timezone.now())
        if calendar is not None:
            feeds.read_feed(calendar=calendar, at=timezone.now())


@handles(READ_FEED, title="Reading of a calendar feed")
def read_feed(job: JobContext) -> dict[str, Any]:
    """Params: ``calendar``. Reading again changes only what changed: safe to repeat."""
    calendar = BusyCalendar.objects.select_related("rep__user").filter(pk=job.params["calendar"]).first()
    if calendar is None:
        return {"summary": "The calendar was removed meanwhile."}
    url = f"/time/{calendar.rep_id}/"
    if not feeds.read_feed(calendar=calendar, at=timezone.now()):
        return {
            "summary": f"{calendar.name} could not be read: {calendar.failure}",
            "url": url,
            "url_label": "See",
        }
    return {
        "summary": f"{calendar.name} was read: {calendar.times.count():,} busy times.",
        "url": url,
        "url_label": "See",
    }
