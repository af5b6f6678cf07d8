"""Endpoints and their messages by API: what was given up is found and sent again by a program as well."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.policies import visible_or_404
from apps.integrations.models import WebhookAttempt, WebhookEndpoint, WebhookMessage
from apps.integrations.policies import KEEP_WEBHOOKS
from apps.integrations.rules.webhooks import TOPICS
from apps.integrations.selectors import webhooks as selectors
from apps.integrations.services import webhooks

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


TOPIC_CHOICES = [(name, one.says) for name, one in TOPICS.items()]


class WebhookSerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookEndpoint
        fields = ("id", "name", "url", "kinds", "with_history", "is_active", "created_at", "secret_made_at",
                  "earlier_until", "rests_until")  # fmt: skip

    kinds = serializers.ListField(child=serializers.CharField())


class WebhookSecretSerializer(serializers.Serializer):
    webhook = WebhookSerializer()
    secret = serializers.CharField(help_text="Shown in this answer alone.")


class WebhookInput(serializers.Serializer):
    name = serializers.CharField(max_length=80)
    url = serializers.CharField(max_length=500)
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=TOPIC_CHOICES),
        min_length=1,
        max_length=len(TOPICS),
    )
    with_history = serializers.BooleanField(required=False, default=False)


class WebhookChange(WebhookInput):
    is_active = serializers.BooleanField()


class RotateInput(serializers.Serializer):
    at_once = serializers.BooleanField(
        required=False, default=False, help_text="The one before stops signing now: it leaked."
    )


class WebhookAttemptSerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookAttempt
        fields = ("number", "began_at", "milliseconds", "status", "words")


class WebhookMessageSerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookMessage
        fields = ("id", "message_id", "kind", "subject", "state", "created_at", "due_at", "settled_at",
                  "attempts", "last_status", "last_words")  # fmt: skip


class WebhookMessageDetailSerializer(WebhookMessageSerializer):
    tries = WebhookAttemptSerializer(many=True)

    class Meta:
        model = WebhookMessage
        fields = (*WebhookMessageSerializer.Meta.fields, "body", "tries")


class WebhookMessagePageSerializer(serializers.Serializer):
    results = WebhookMessageSerializer(many=True)
    next_after = serializers.CharField(help_text='The cursor of the next page; "" on the last.')


class _WebhookView(GuardedView):
    policy = KEEP_WEBHOOKS

    def endpoint(self, request: Request, pk: int) -> WebhookEndpoint:
        found: WebhookEndpoint = visible_or_404(WebhookEndpoint.objects.visible_to(request.user), pk=pk)
        return found

    def message(self, request: Request, pk: int) -> WebhookMessage:
        found: WebhookMessage = visible_or_404(WebhookMessage.objects.visible_to(request.user), pk=pk)
        return found


def _with_secret(made: WebhookEndpoint, secret: str, status: int) -> Response:
    shown: dict[str, Any] = {"webhook": made, "secret": secret}
    return Response(WebhookSecretSerializer(shown).data, status=status)


class WebhooksView(_WebhookView):
    """Who is told of what."""

    @extend_schema(operation_id="webhooks", responses={200: WebhookSerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        found = WebhookEndpoint.objects.visible_to(request.user)
        return Response(WebhookSerializer(found, many=True).data)

    @extend_schema(
        operation_id="add_webhook",
        request=WebhookInput,
        responses={201: WebhookSecretSerializer, 400: PROBLEM, 403: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(WebhookInput, request)
        return _with_secret(
            *webhooks.add_endpoint(**given, at=timezone.now(), actor=request.user), status=201
        )


class WebhookView(_WebhookView):
    """One endpoint."""

    @extend_schema(operation_id="webhook", responses={200: WebhookSerializer, 403: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, pk: int) -> Response:
        return Response(WebhookSerializer(self.endpoint(request, pk)).data)

    @extend_schema(
        operation_id="change_webhook", request=WebhookChange, responses={200: WebhookSerializer, **_REFUSALS}
    )
    def put(self, request: Request, pk: int) -> Response:
        endpoint = self.endpoint(request, pk)
        given = read(WebhookChange, request)
        changed = webhooks.change_endpoint(endpoint=endpoint, **given, at=timezone.now(), actor=request.user)
        return Response(WebhookSerializer(changed).data)


class RotateWebhookView(_WebhookView):
    """A new secret; both sign for a day."""

    @extend_schema(
        operation_id="rotate_webhook_secret",
        request=RotateInput,
        responses={200: WebhookSecretSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        endpoint = self.endpoint(request, pk)
        at_once = read(RotateInput, request)["at_once"]
        return _with_secret(
            *webhooks.rotate_secret(
                endpoint=endpoint, at_once=at_once, at=timezone.now(), actor=request.user
            ),
            status=200,
        )


class WebhookMessagesView(_WebhookView):
    """What an endpoint was told, the latest first."""

    @extend_schema(
        operation_id="webhook_messages",
        parameters=[
            OpenApiParameter("after", str, description="``next_after`` of the page before."),
            OpenApiParameter("state", str, enum=list(selectors.STATES)),
        ],
        responses={200: WebhookMessagePageSerializer, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        asked = request.query_params
        page = selectors.messages_of(
            endpoint=self.endpoint(request, pk), state=asked.get("state", ""), after=asked.get("after", "")
        )
        shown = {"results": page.rows, "next_after": page.next_after}
        return Response(WebhookMessagePageSerializer(shown).data)


class WebhookMessageView(_WebhookView):
    """One message with its attempts."""

    @extend_schema(
        operation_id="webhook_message",
        responses={200: WebhookMessageDetailSerializer, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(WebhookMessageDetailSerializer(self.message(request, pk)).data)


class SendWebhookAgainView(_WebhookView):
    """Send a message again that was given up."""

    @extend_schema(
        operation_id="send_webhook_again",
        request=None,
        responses={200: WebhookMessageSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        message = self.message(request, pk)
        webhooks.send_again(message=message, at=timezone.now(), actor=request.user)
        message.refresh_from_db()
        return Response(WebhookMessageSerializer(message).data)
