"""What API views share: the policy on the class, the problem shape, the key that makes a write repeatable."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core.errors import InvalidInput
from apps.core.policies import Policy

LONGEST_KEY = 40


class GuardedView(APIView):
    """An API view that declares its policy; ``policy.check`` is asked again once the object is there."""

    policy: Policy


PROBLEM = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(),
        "title": serializers.CharField(help_text="Stable: for programs."),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(help_text="A sentence: for people."),
        "errors": serializers.DictField(required=False, help_text="Messages by field."),
    },
)
"""RFC 9457 problem details: how every refusal looks."""


def request_key(request: Request) -> str:
    """The caller's ``Idempotency-Key``, made the caller's own; "" without one.

    Raises ``InvalidInput`` for one that is too long to keep.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY:
        raise InvalidInput(f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    return f"api:{request.user.pk}:{key}" if key else ""


def read(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """The body, checked field by field; DRF turns what is wrong into a problem with ``errors``."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
