"""The project: settings, routes, the Celery app. No domain lives here."""

from salesportal.celery import app as celery_app

__all__ = ["celery_app"]
