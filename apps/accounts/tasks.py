"""What Celery calls: send the notifications that are due by e-mail."""

from celery import shared_task
from django.utils import timezone

from apps.accounts.services import notification_mail


@shared_task(name="accounts.mail_notifications")
def mail_notifications() -> None:
    """One bounded round; any number of them at once do no harm."""
    notification_mail.send_due(at=timezone.now())
