"""The sweep of renewals, idempotent, so that any number may run at once."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.core.periods import day_of
from apps.customers.services.renewals import sweep_renewals


@shared_task(name="customers.sweep_renewals")
def sweep() -> None:
    """Open the renewals of contracts that end soon."""
    at = timezone.now()
    sweep_renewals(at=at, today=day_of(at, settings.COMPANY_TIME_ZONE))
