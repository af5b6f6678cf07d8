"""A recorded run of long work: its progress, its cancellation, its outcome. Celery tasks report here."""
