"""A job by API: how far it is, and what it made."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView
from apps.core.policies import visible_or_404
from apps.jobs.models import Job
from apps.jobs.policies import WATCH_JOBS


class JobSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    kind = serializers.CharField()
    state = serializers.CharField()
    progress_done = serializers.IntegerField()
    progress_total = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)
    note = serializers.CharField()
    error = serializers.CharField()


class JobView(GuardedView):
    """One job that the caller asked for (RevOps and finance: any)."""

    policy = WATCH_JOBS

    @extend_schema(operation_id="job", responses={200: JobSerializer, 403: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, pk: int) -> Response:
        job = visible_or_404(Job.objects.visible_to(request.user), pk=pk)
        self.policy.check(request.user, job)
        return Response(JobSerializer(job).data)
