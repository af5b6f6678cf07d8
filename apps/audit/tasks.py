"""The schedule's door to sealing."""

from celery import shared_task
from django.utils import timezone

from apps.audit import services


@shared_task(name="audit.seal")
def seal() -> None:
    services.seal_entries(at=timezone.now())
