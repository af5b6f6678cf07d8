"""Inquiries by API: asking, what was said, outcomes, changes of pay and their decisions. Files come as multipart."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.compensation import inquiry_policies as policies
from apps.compensation.models import (
    Inquiry,
    InquiryAttachment,
    InquiryMessage,
    LedgerEntry,
    PayAdjustment,
    Statement,
)
from apps.compensation.rules.attachments import Checked
from apps.compensation.selectors import inquiries as selectors
from apps.compensation.services import (
    inquiries,
    inquiry_files,
    inquiry_outcomes,
    inquiry_owners,
    inquiry_thread,
)
from apps.compensation.services.inquiry_rows import MOST_REASON, MOST_TEXT
from apps.core.api import PROBLEM, GuardedView, read, request_key
from apps.core.errors import InvalidInput
from apps.core.policies import visible_or_404

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class AttachmentSerializer(serializers.ModelSerializer):
    """A file; its bytes are at ``/pay/inquiries/files/<id>/``."""

    class Meta:
        model = InquiryAttachment
        fields = ("id", "name", "size", "sha256")


class InquiryMessageSerializer(serializers.ModelSerializer):
    """Something that was said."""

    by = serializers.CharField(source="by.name")
    attachments = AttachmentSerializer(many=True)

    class Meta:
        model = InquiryMessage
        fields = ("number", "kind", "by", "at", "text", "attachments")


class PayAdjustmentSerializer(serializers.ModelSerializer):
    """A change of pay; ``verdict`` is empty while it waits."""

    verdict = serializers.CharField()
    proposed_by = serializers.CharField(source="proposed_by.name")
    decided_by = serializers.CharField(source="decision.by.name", default=None)
    decided_at = serializers.DateTimeField(source="decision.at", default=None)
    words = serializers.CharField(source="decision.words", default="")

    class Meta:
        model = PayAdjustment
        fields = (
            "id", "number", "component_key", "component_name", "starts_on", "ends_on", "amount_minor", "currency",
            "reason", "proposed_by", "proposed_at", "reverses", "verdict", "decided_by", "decided_at", "words",
        )  # fmt: skip


class InquirySerializer(serializers.ModelSerializer):
    """An inquiry with its instants; amounts in minor units of the statement's currency."""

    owner = serializers.CharField(source="owner.name")
    asked_by = serializers.CharField(source="asked_by.name")
    rep_name = serializers.CharField(source="rep.name")
    currency = serializers.CharField(source="statement.currency")

    class Meta:
        model = Inquiry
        fields = (
            "id", "statement", "line", "rep", "rep_name", "about", "expected", "expected_minor", "currency", "state",
            "round", "owner", "asked_by", "asked_at", "first_due_at", "first_answered_at", "due_at", "next_due_at",
            "paused_at", "outcome", "outcome_words", "corrected_link", "settled_at", "reopen_until",
        )  # fmt: skip


class InquiryWholeSerializer(serializers.Serializer):
    """An inquiry with all that was said, and its changes of pay."""

    inquiry = InquirySerializer()
    messages = InquiryMessageSerializer(many=True)
    adjustments = PayAdjustmentSerializer(many=True)


class InquiriesSerializer(serializers.Serializer):
    """A page of inquiries; ``next_after`` is the cursor of the page behind it."""

    inquiries = InquirySerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class AskInput(serializers.Serializer):
    """A question about a line, something missing (``expected``), or the whole statement."""

    statement = serializers.IntegerField()
    line = serializers.IntegerField(required=False, allow_null=True, default=None)
    expected = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    expected_minor = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0)
    text = serializers.CharField(max_length=MOST_TEXT)


class SayInput(serializers.Serializer):
    text = serializers.CharField(max_length=MOST_TEXT)


class InquiryOutcomeInput(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=["explained", "corrected", "declined"])
    text = serializers.CharField(max_length=inquiry_outcomes.MOST_OUTCOME)
    link = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="Of what was corrected."
    )


class OwnerInput(serializers.Serializer):
    owner = serializers.IntegerField()
    reason = serializers.CharField(max_length=MOST_REASON)


class InquiryReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=MOST_REASON)


def _found(request: Request, pk: int) -> Inquiry:
    found: Inquiry = visible_or_404(selectors.inquiries_for(request.user), pk=pk)
    return found


def _whole(request: Request, pk: int, status: int = 200) -> Response:
    found = _found(request, pk)
    body = {
        "inquiry": found,
        "messages": selectors.messages_of(found),
        "adjustments": [one.adjustment for one in selectors.changes_of(found)],
    }
    return Response(InquiryWholeSerializer(body).data, status=status)


def _files(request: Request) -> list[Checked]:
    uploads = request.FILES.getlist("files") if request.FILES else []
    return inquiry_files.read([one for one in uploads if isinstance(one, UploadedFile)])


class InquiriesView(GuardedView):
    """Inquiries in the caller's scope, the oldest promise first; and asking."""

    policy = policies.SEE_INQUIRIES
    parser_classes = [JSONParser, MultiPartParser, FormParser]

    @extend_schema(operation_id="inquiries", responses={200: InquiriesSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        params = request.query_params
        page = selectors.worklist(
            request.user, show=params.get("show", ""), at=timezone.now(), after=params.get("after", "")
        ).page
        return Response(InquiriesSerializer({"inquiries": page.rows, "next_after": page.next_after}).data)

    @extend_schema(
        operation_id="ask_inquiry",
        request=AskInput,
        responses={201: InquiryWholeSerializer, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        if not policies.ASK_INQUIRY.admits(request.user):
            raise PermissionDenied(policies.ASK_INQUIRY.says)
        given = read(AskInput, request)
        statements = Statement.objects.visible_to(request.user).select_related("run", "rep")
        statement = visible_or_404(statements, pk=given["statement"])
        policies.ASK_INQUIRY.check(request.user, statement)
        line = None
        if given["line"] is not None:
            line = visible_or_404(LedgerEntry.objects.filter(statement=statement), pk=given["line"])
        asked = inquiries.ask(
            question=inquiries.Question(
                statement, given["text"], line, given["expected"], given["expected_minor"]
            ),
            files=_files(request),
            source_key=request_key(request),
            at=timezone.now(),
            actor=request.user,
        )
        return _whole(request, asked.pk, 201)


class InquiryView(GuardedView):
    """One inquiry, with all that was said."""

    policy = policies.SEE_INQUIRIES

    @extend_schema(
        operation_id="inquiry", responses={200: InquiryWholeSerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        return _whole(request, pk)


class InquiryReplyView(GuardedView):
    """Say something, with up to five ``files`` as multipart; an Idempotency-Key says it once."""

    policy = policies.REPLY_TO_INQUIRY
    parser_classes = [JSONParser, MultiPartParser, FormParser]

    @extend_schema(
        operation_id="reply_to_inquiry",
        request=SayInput,
        responses={200: InquiryWholeSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        inquiry_thread.reply(inquiry=found, **_said(request))
        return _whole(request, pk)


def _said(request: Request) -> dict[str, Any]:
    return {
        "text": read(SayInput, request)["text"],
        "files": _files(request),
        "source_key": request_key(request),
        "at": timezone.now(),
        "actor": request.user,
    }


class InquiryAskBackView(GuardedView):
    """Ask who asked for something; it stands still until they reply."""

    policy = policies.ANSWER_INQUIRY
    parser_classes = [JSONParser, MultiPartParser, FormParser]

    @extend_schema(
        operation_id="ask_back_in_inquiry",
        request=SayInput,
        responses={200: InquiryWholeSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        inquiry_thread.ask_back(inquiry=found, **_said(request))
        return _whole(request, pk)


class InquirySettleView(GuardedView):
    """Explain, say what was corrected, or decline."""

    policy = policies.ANSWER_INQUIRY

    @extend_schema(
        operation_id="settle_inquiry",
        request=InquiryOutcomeInput,
        responses={200: InquiryWholeSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given = read(InquiryOutcomeInput, request)
        said = {"text": given["text"], "at": timezone.now(), "actor": request.user}
        if given["outcome"] == "corrected":
            inquiry_outcomes.say_corrected(inquiry=found, link=given["link"], **said)
        elif given["outcome"] == "declined":
            inquiry_outcomes.decline(inquiry=found, **said)
        else:
            inquiry_outcomes.explain(inquiry=found, **said)
        return _whole(request, pk)


class InquiryAssignView(GuardedView):
    """Give it to another person of RevOps or finance, with a reason."""

    policy = policies.ANSWER_INQUIRY

    @extend_schema(
        operation_id="assign_inquiry",
        request=OwnerInput,
        responses={200: InquiryWholeSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given = read(OwnerInput, request)
        owner = User.objects.filter(pk=given["owner"], is_active=True).first()
        if owner is None:
            raise InvalidInput("Choose somebody of RevOps or finance.", field="owner")
        inquiry_owners.reassign(
            inquiry=found, owner=owner, reason=given["reason"], at=timezone.now(), actor=request.user
        )
        return _whole(request, pk)


class InquiryAcceptView(GuardedView):
    """Who asked accepts what came of it."""

    policy = policies.FOLLOW_INQUIRY

    @extend_schema(
        operation_id="accept_inquiry", request=None, responses={200: InquiryWholeSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        inquiries.accept(inquiry=found, at=timezone.now(), actor=request.user)
        return _whole(request, pk)


class InquiryWithdrawView(GuardedView):
    """Who asked lets it go."""

    policy = policies.FOLLOW_INQUIRY

    @extend_schema(
        operation_id="withdraw_inquiry", request=None, responses={200: InquiryWholeSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        inquiries.withdraw(inquiry=found, at=timezone.now(), actor=request.user)
        return _whole(request, pk)


class InquiryReopenView(GuardedView):
    """Who asked opens it again, with a reason."""

    policy = policies.FOLLOW_INQUIRY

    @extend_schema(
        operation_id="reopen_inquiry",
        request=InquiryReasonInput,
        responses={200: InquiryWholeSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given = read(InquiryReasonInput, request)
        inquiries.reopen(inquiry=found, reason=given["reason"], at=timezone.now(), actor=request.user)
        return _whole(request, pk)
