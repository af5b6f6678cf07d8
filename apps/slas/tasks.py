"""The sweep of promises that ran out. It is idempotent, so that any number may run at once."""

from celery import shared_task
from django.utils import timezone

from apps.slas.services import clocks


@shared_task(name="slas.sweep")
def sweep() -> None:
    """Call the running clocks breached whose due instant has passed."""
    clocks.sweep(at=timezone.now())
