"""Send a form from a program: open to anybody with its address, guarded as its page is.

``GET`` says what the form asks and gives a ticket, ``POST`` sends it back with what was filled in.
"""

from allauth.account.adapter import get_adapter
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView
from apps.core.errors import InvalidInput
from apps.integrations.capture_inputs import VisitorForm
from apps.integrations.policies import SEND_CAPTURE
from apps.integrations.rules.capture import FIELDS
from apps.integrations.services import capture, capture_guard
from apps.integrations.views.capture import open_form
from apps.leads.models import Source


class CaptureFieldSerializer(serializers.Serializer):
    name = serializers.CharField(help_text=f"One of {', '.join(FIELDS)}.")
    is_required = serializers.BooleanField()


class CaptureFormSerializer(serializers.Serializer):
    title = serializers.CharField()
    fields_asked = CaptureFieldSerializer(many=True)
    consent = serializers.CharField()
    consent_version = serializers.IntegerField()
    consent_required = serializers.BooleanField()
    ticket = serializers.CharField(
        help_text="Send it back, not sooner than three seconds and within 12 hours."
    )


class CaptureInput(serializers.Serializer):
    """The fields that the form asks, by name, beside these."""

    ticket = serializers.CharField(max_length=600)
    agreed = serializers.BooleanField(required=False, default=False)
    name = serializers.CharField(required=False, max_length=120)
    email = serializers.CharField(max_length=254)
    phone = serializers.CharField(required=False, max_length=40)
    company = serializers.CharField(required=False, max_length=160)
    title = serializers.CharField(required=False, max_length=120)
    industry = serializers.CharField(required=False, max_length=80)
    employees = serializers.IntegerField(required=False, min_value=1, max_value=10_000_000)
    city = serializers.CharField(required=False, max_length=80)


class CaptureTimeSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField()


class CaptureAnswerSerializer(serializers.Serializer):
    thanks = serializers.CharField()
    answer = serializers.CharField(help_text="For choosing a time, within the hour.")
    times = CaptureTimeSerializer(many=True)


class ChooseTimeInput(serializers.Serializer):
    answer = serializers.CharField(max_length=200)
    starts_at = serializers.DateTimeField()


_REFUSALS = {400: PROBLEM, 404: PROBLEM, 409: PROBLEM, 410: PROBLEM, 429: PROBLEM}


class _OpenView(GuardedView):
    policy = SEND_CAPTURE
    authentication_classes = ()


class CaptureView(_OpenView):
    """What a form asks; and what somebody fills in."""

    @extend_schema(operation_id="capture_form", responses={200: CaptureFormSerializer, 404: PROBLEM})
    def get(self, request: Request, key: str) -> Response:
        form = open_form(key)
        consent = capture_guard.consent_of(form)
        asked = [
            {"name": name, "is_required": how == "required"} for name, how in form.fields_in_order.items()
        ]
        shown = {
            "title": form.title,
            "fields_asked": asked,
            "consent": consent.words,
            "consent_version": consent.version,
            "consent_required": consent.is_required,
            "ticket": capture_guard.ticket(form=form, consent=consent, at=timezone.now()),
        }
        return Response(CaptureFormSerializer(shown).data)

    @extend_schema(
        operation_id="capture_lead",
        request=CaptureInput,
        responses={201: CaptureAnswerSerializer, **_REFUSALS},
    )
    def post(self, request: Request, key: str) -> Response:
        form, now = open_form(key), timezone.now()
        capture_guard.count(form=form, address=get_adapter(request).get_client_ip(request), at=now)
        if not isinstance(request.data, dict):
            raise InvalidInput("Send the fields by name.")
        given = {name: value for name, value in request.data.items() if isinstance(value, str | int)}
        filling = capture_guard.read_ticket(form=form, words=str(given.get("ticket", "")), at=now)
        visitor = VisitorForm(given, form=form, consent=filling.consent)
        if not visitor.is_valid():
            raise serializers.ValidationError(
                {name: list(map(str, said)) for name, said in visitor.errors.items()}
            )
        made = capture.capture_lead(
            form=form,
            filled=visitor.filled,
            agreed=visitor.cleaned_data["agreed"],
            filling=filling,
            source=Source.API,
            at=now,
        )
        days = capture.times_for(capture=made, at=now)
        shown = {
            "thanks": form.thanks,
            "answer": capture_guard.answer_ticket(capture=made, at=now),
            "times": [time for day in days for time in day.times],
        }
        return Response(CaptureAnswerSerializer(shown).data, status=201)


class CaptureTimeView(_OpenView):
    """Choose one of the times that were offered."""

    @extend_schema(
        operation_id="choose_captured_time",
        request=ChooseTimeInput,
        responses={200: CaptureTimeSerializer, **_REFUSALS},
    )
    def post(self, request: Request, key: str) -> Response:
        form, now = open_form(key), timezone.now()
        checked = ChooseTimeInput(data=request.data)
        checked.is_valid(raise_exception=True)
        given = checked.validated_data
        made = capture_guard.read_answer(form=form, words=given["answer"], at=now)
        capture.choose_time(capture=made, starts_at=given["starts_at"], at=now)
        return Response(CaptureTimeSerializer({"starts_at": given["starts_at"]}).data)
