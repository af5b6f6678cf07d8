"""Changes of pay by API: proposed for an inquiry, decided by another, taken back."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compensation import inquiry_policies as policies
from apps.compensation.api.inquiries import InquiryReasonInput, PayAdjustmentSerializer
from apps.compensation.models import Inquiry, PayAdjustment
from apps.compensation.selectors import inquiries as selectors
from apps.compensation.services import pay_adjustments
from apps.compensation.services.inquiry_rows import MOST_REASON
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.policies import visible_or_404

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class AdjustmentInput(serializers.Serializer):
    amount_minor = serializers.IntegerField(help_text="Below zero takes pay back.")
    currency = serializers.CharField(max_length=3)
    component = serializers.CharField(max_length=40)
    reason = serializers.CharField(max_length=MOST_REASON)


class AdjustmentDeclineInput(serializers.Serializer):
    words = serializers.CharField(max_length=MOST_REASON)


def _found(request: Request, pk: int) -> Inquiry:
    found: Inquiry = visible_or_404(selectors.inquiries_for(request.user), pk=pk)
    return found


class AdjustmentsView(GuardedView):
    """Propose a change of pay for an inquiry; somebody else approves it."""

    policy = policies.ANSWER_INQUIRY

    @extend_schema(
        operation_id="propose_adjustment",
        request=AdjustmentInput,
        responses={201: PayAdjustmentSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given = read(AdjustmentInput, request)
        made = pay_adjustments.propose(
            inquiry=found,
            amount_minor=given["amount_minor"],
            currency=given["currency"],
            component_key=given["component"],
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
        )
        return _shown(request, made.pk, 201)


def _adjustment(request: Request, pk: int) -> PayAdjustment:
    found: PayAdjustment = visible_or_404(selectors.adjustments_for(request.user), pk=pk)
    return found


def _shown(request: Request, pk: int, status: int = 200) -> Response:
    return Response(PayAdjustmentSerializer(_adjustment(request, pk)).data, status=status)


class ApproveAdjustmentView(GuardedView):
    """Let a change count; not for who proposed it, asked for it or is paid by it."""

    policy = policies.APPROVE_ADJUSTMENT

    @extend_schema(
        operation_id="approve_adjustment", request=None, responses={200: PayAdjustmentSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _adjustment(request, pk)
        self.policy.check(request.user, found)
        pay_adjustments.approve(adjustment=found, at=timezone.now(), actor=request.user)
        return _shown(request, pk)


class DeclineAdjustmentView(GuardedView):
    """Say no to a change, with a reason."""

    policy = policies.APPROVE_ADJUSTMENT

    @extend_schema(
        operation_id="decline_adjustment",
        request=AdjustmentDeclineInput,
        responses={200: PayAdjustmentSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _adjustment(request, pk)
        self.policy.check(request.user, found)
        given = read(AdjustmentDeclineInput, request)
        pay_adjustments.decline(adjustment=found, text=given["words"], at=timezone.now(), actor=request.user)
        return _shown(request, pk)


class WithdrawAdjustmentView(GuardedView):
    """Take back what the caller proposed."""

    policy = policies.WITHDRAW_ADJUSTMENT

    @extend_schema(
        operation_id="withdraw_adjustment",
        request=None,
        responses={200: PayAdjustmentSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _adjustment(request, pk)
        self.policy.check(request.user, found)
        pay_adjustments.withdraw(adjustment=found, at=timezone.now(), actor=request.user)
        return _shown(request, pk)


class ReverseAdjustmentView(GuardedView):
    """Propose to take an approved change back; the answer is the adjustment that would do so."""

    policy = policies.ANSWER_INQUIRY

    @extend_schema(
        operation_id="reverse_adjustment",
        request=InquiryReasonInput,
        responses={201: PayAdjustmentSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _adjustment(request, pk)
        self.policy.check(request.user, found.inquiry)
        given = read(InquiryReasonInput, request)
        made = pay_adjustments.propose_reversal(
            adjustment=found, reason=given["reason"], at=timezone.now(), actor=request.user
        )
        return _shown(request, made.pk, 201)
