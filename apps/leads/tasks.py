"""The sweep of cadences: pauses that end, conditions that fall due, leads that came back from nurture."""

from celery import shared_task
from django.utils import timezone

from apps.leads.services import sweeping


@shared_task(name="leads.sweep_cadences")
def sweep_cadences() -> None:
    """Idempotent: any number may run at once (``services.sweeping``)."""
    sweeping.sweep(at=timezone.now())
