"""Plans by API: the plans and versions one may see, a file checked or loaded, the steps, and the rep's own name.

The same selectors, services, policies and refusals as behind the pages. A document is that of a plan file.
"""

from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compensation import policies
from apps.compensation.models import Plan, PlanVersion
from apps.compensation.rules.plan import PlanInvalid
from apps.compensation.selectors import acknowledgements as selectors
from apps.compensation.services import acknowledgements, plan_drafts, plans
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.reps.models import Rep

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class PlanVersionSerializer(serializers.ModelSerializer):
    """A version without its document."""

    author = serializers.CharField(source="author.name")
    approver = serializers.CharField(source="approver.name", allow_null=True, default=None)
    fingerprint = serializers.CharField(help_text="SHA-256 of the document: what is approved and signed.")

    class Meta:
        model = PlanVersion
        fields = (
            "id", "number", "state", "effective_on", "ends_on", "author", "written_at", "submitted_at",
            "approver", "approved_at", "sent_back_because", "fingerprint",
        )  # fmt: skip


class PlanSerializer(serializers.ModelSerializer):
    versions = PlanVersionSerializer(many=True)

    class Meta:
        model = Plan
        fields = ("id", "name", "role", "currency", "versions")


class PlanDocumentSerializer(PlanVersionSerializer):
    """A version with its document, as its file says it."""

    plan = serializers.CharField(source="plan.name")
    document = serializers.JSONField()

    class Meta(PlanVersionSerializer.Meta):
        fields = ("plan", *PlanVersionSerializer.Meta.fields, "document")  # type: ignore[assignment]


class PlanFileInput(serializers.Serializer):
    document = serializers.DictField(help_text="A plan file: docs/compensation.md describes the format.")


class PlanProblemSerializer(serializers.Serializer):
    place = serializers.CharField(help_text="Such as components[0].rates.bands[1].from; empty: the whole.")
    says = serializers.CharField()


class PlanCheckSerializer(serializers.Serializer):
    problems = PlanProblemSerializer(many=True)


class SeenInput(serializers.Serializer):
    fingerprint = serializers.CharField(max_length=64, help_text="Of the version that was read.")


class SendBackInput(serializers.Serializer):
    reason = serializers.CharField(max_length=500)


class AcknowledgeInput(SeenInput):
    typed_name = serializers.CharField(max_length=120)


class SignatureSerializer(serializers.Serializer):
    rep = serializers.IntegerField(source="rep_id")
    typed_name = serializers.CharField()
    version_fingerprint = serializers.CharField()
    at = serializers.DateTimeField()


class AcknowledgementSerializer(serializers.Serializer):
    rep = serializers.IntegerField(source="rep.pk")
    name = serializers.CharField(source="rep.name")
    version = serializers.IntegerField(source="version.pk")
    plan = serializers.CharField(source="version.plan.name")
    number = serializers.IntegerField(source="version.number")
    counts_from = serializers.DateField()
    signed_at = serializers.DateTimeField(source="signed.at", allow_null=True, default=None)


def _version(request: Request, pk: int) -> PlanVersion:
    visible = PlanVersion.objects.visible_to(request.user)
    return visible_or_404(visible.select_related("plan", "author", "approver"), pk=pk)


class PlansView(GuardedView):
    """Every plan that one may see, with its versions, the newest first."""

    policy = policies.SEE_PLANS

    @extend_schema(operation_id="plans", responses={200: PlanSerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        versions = PlanVersion.objects.visible_to(request.user).select_related("author", "approver")
        found = Plan.objects.visible_to(request.user).prefetch_related(
            Prefetch("versions", versions.order_by("-number"))
        )
        return Response(PlanSerializer(found.order_by("name", "currency"), many=True).data)


class PlanVersionView(GuardedView):
    """One version with its document."""

    policy = policies.SEE_PLANS

    @extend_schema(
        operation_id="plan_version", responses={200: PlanDocumentSerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(PlanDocumentSerializer(_version(request, pk)).data)


class PlanCheckView(GuardedView):
    """Everything that is wrong with a plan file; nothing is kept."""

    policy = policies.WRITE_PLAN

    @extend_schema(
        operation_id="check_plan", request=PlanFileInput, responses={200: PlanCheckSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        problems = plan_drafts.problems_of(read(PlanFileInput, request)["document"])
        return Response({"problems": [{"place": place, "says": says} for place, says in problems]})


class PlanLoadView(GuardedView):
    """Load a plan file as a draft of the plan that it names. The same file again is the version that is there."""

    policy = policies.WRITE_PLAN

    @extend_schema(
        operation_id="load_plan", request=PlanFileInput, responses={201: PlanDocumentSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        try:
            version = plans.load_plan_document(
                document=read(PlanFileInput, request)["document"], author=request.user, at=timezone.now()
            )
        except PlanInvalid as error:
            found: dict[str, list[str]] = {}
            for place, says in error.problems:
                found.setdefault(place or "document", []).append(says)
            raise serializers.ValidationError(found) from error
        return Response(PlanDocumentSerializer(version).data, status=201)


class _StepView(GuardedView):
    """A step of a version; ``policy`` is asked again for the version itself."""

    def of(self, request: Request, pk: int) -> PlanVersion:
        version = _version(request, pk)
        self.policy.check(request.user, version)
        return version


class PlanSubmitView(_StepView):
    """Hand a draft of one's own to those who approve."""

    policy = policies.CHANGE_DRAFT

    @extend_schema(
        operation_id="submit_plan", request=None, responses={200: PlanVersionSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = plan_drafts.submit_version(
            version=self.of(request, pk), at=timezone.now(), actor=request.user
        )
        return Response(PlanVersionSerializer(found).data)


class PlanApproveView(_StepView):
    """Put a version in force that somebody else wrote, as it was read."""

    policy = policies.APPROVE_PLAN

    @extend_schema(
        operation_id="approve_plan", request=SeenInput, responses={200: PlanVersionSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        version = self.of(request, pk)
        found = plans.approve_version(
            version=version,
            approver=request.user,
            at=timezone.now(),
            fingerprint=read(SeenInput, request)["fingerprint"],
        )
        return Response(PlanVersionSerializer(found).data)


class PlanSendBackView(_StepView):
    """Give a submitted version back to its author."""

    policy = policies.APPROVE_PLAN

    @extend_schema(
        operation_id="send_back_plan",
        request=SendBackInput,
        responses={200: PlanVersionSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        version = self.of(request, pk)
        found = plan_drafts.send_back_version(
            version=version,
            reason=read(SendBackInput, request)["reason"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response(PlanVersionSerializer(found).data)


class PlanAcknowledgeView(_StepView):
    """Sign the exact version of the plan that pays one. The same again gives the signature that is there."""

    policy = policies.ACKNOWLEDGE_PLAN

    @extend_schema(
        operation_id="acknowledge_plan",
        request=AcknowledgeInput,
        responses={200: SignatureSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        version = self.of(request, pk)
        given: dict[str, Any] = read(AcknowledgeInput, request)
        rep = Rep.objects.get(user_id=request.user.pk or 0)
        signed = acknowledgements.acknowledge(
            version=version, rep=rep, at=timezone.now(), actor=request.user, **given
        )
        return Response(SignatureSerializer(signed).data)


class PlanAcknowledgementsView(GuardedView):
    """Who has to acknowledge which version, and when they did."""

    policy = policies.SEE_ACKNOWLEDGEMENTS

    @extend_schema(
        operation_id="plan_acknowledgements",
        parameters=[OpenApiParameter("missing", bool, description="Only those whose name is missing.")],
        responses={200: AcknowledgementSerializer(many=True), 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        found = selectors.standings(
            today=day_of(timezone.now(), settings.COMPANY_TIME_ZONE), reps=selectors.seen_reps(request.user)
        )
        if request.query_params.get("missing", "") in ("1", "true", "yes"):
            found = [one for one in found if one.signed is None]
        return Response(AcknowledgementSerializer(found, many=True).data)
