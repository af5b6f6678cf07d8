"""Whether this installation is fit: for a load balancer and for whoever is on call. It tells no figures."""

import dataclasses
from datetime import timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable
from health_check.views import HealthCheckView

from apps.core.policies import PUBLIC
from apps.jobs.models import Job, JobState

STUCK_AFTER = timedelta(minutes=5)


@dataclasses.dataclass
class JobsMove(HealthCheck):
    """No job has waited for long without any being done: a worker is there and keeps up."""

    def run(self) -> None:
        try:
            self._look()
        finally:
            # Checks run in threads of their own; Django closes connections only where it answers requests.
            connection.close()

    def _look(self) -> None:
        now = timezone.now()
        waits = Job.objects.filter(state=JobState.QUEUED, requested_at__lt=now - STUCK_AFTER)
        moves = Job.objects.filter(state=JobState.RUNNING, heartbeat_at__gte=now - STUCK_AFTER)
        if waits.exists() and not moves.exists():
            raise ServiceUnavailable("Jobs wait and no worker takes them.")


class Health(HealthCheckView):
    """Answers 200 when every check holds and 500 otherwise, as JSON."""

    policy = PUBLIC

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.META["QUERY_STRING"] = "format=json"
        return await super().get(request, *args, **kwargs)


# The web process may serve as long as its database answers; whether jobs move is the worker's affair.
urlpatterns = [
    path("", Health.as_view(checks=["health_check.Database"]), name="healthz"),
    path("jobs/", Health.as_view(checks=["health_check.Database", JobsMove]), name="healthz-jobs"),
]
