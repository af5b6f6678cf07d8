"""Writes that may be asked for more than once: under one ``Idempotency-Key`` they are done once and answered alike."""

import hashlib
import json
import time
from collections.abc import Callable

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import request_key
from apps.core.errors import DomainError
from apps.leads.models import AnsweredRequest
from apps.leads.services import answered_requests

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Sent again within a day, the request is answered as before; with another body it is refused (409).",
)
PATIENCE = 10.0
"""Seconds for which a twin waits for the first."""


class StillWorkedOn(DomainError):
    """The same request came before, and has no answer yet."""

    code = "still_worked_on"


def once(request: Request, act: Callable[[], Response]) -> Response:
    """What ``act`` answers, or what it answered when this very request came first. Without a key it acts.

    Raises what ``act`` raises, ``KeyReused`` for a key of another request, ``StillWorkedOn`` when the first takes
    longer than a caller waits.
    """
    key = request_key(request)
    if not key:
        return act()
    until = time.monotonic() + PATIENCE
    while True:
        begun = answered_requests.begin(key=key, asked=_asked(request), at=timezone.now())
        if isinstance(begun, answered_requests.Answer):
            return Response(json.loads(begun.body) if begun.body else None, status=begun.status)
        if begun is not None:
            return _done(begun, act)
        if time.monotonic() >= until:
            raise StillWorkedOn("The first request of this key is still worked on: ask again in a moment.")
        time.sleep(0.05)


def _done(begun: AnsweredRequest, act: Callable[[], Response]) -> Response:
    try:
        response = act()
    except BaseException:
        answered_requests.refused(request=begun)
        raise
    body = JSONRenderer().render(response.data).decode() if response.data is not None else ""
    answered_requests.answered(request=begun, status=response.status_code, body=body)
    return response


def _asked(request: Request) -> str:
    """A hash over all that is asked: the order of the fields says nothing."""
    said = json.dumps([request.method, request.path, request.data], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()
