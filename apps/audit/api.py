"""The audit log and the state of the chain by API: reading only."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit.forms import FilterForm
from apps.audit.models import AuditEntry, Seal, Verification
from apps.audit.policies import SEE_LOG
from apps.audit.selectors import log as logs
from apps.audit.selectors.state import chain_state, seals_of
from apps.core.api import PROBLEM, GuardedView
from apps.core.errors import InvalidInput

_FILTERS = [
    OpenApiParameter("group", str, description="first word of the act, such as compensation"),
    OpenApiParameter("verb", str, description="beginning of the act"),
    OpenApiParameter("actor", str, description="a user's number, or part of a name"),
    OpenApiParameter("subject", str, description="leads.HandOff, leads.HandOff 12, or 12"),
    OpenApiParameter("origin", str, description="beginning of an address or name"),
    OpenApiParameter("starts", str, description="first day, of the company"),
    OpenApiParameter("ends", str, description="last day, of the company"),
    OpenApiParameter("after", str, description="next_after of the page before"),
]


class AuditEntrySerializer(serializers.ModelSerializer):
    """``seal`` is the number of the seal that covers it, null until the next round."""

    seal = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "actor", "verb", "subject_type", "subject_id", "data", "origin", "seal")

    def get_seal(self, entry: AuditEntry) -> int | None:
        found: int | None = self.context.get("seals", {}).get(entry.pk)
        return found


class AuditLogSerializer(serializers.Serializer):
    entries = AuditEntrySerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class SealSerializer(serializers.ModelSerializer):
    class Meta:
        model = Seal
        fields = ("number", "hash", "sealed_at", "table", "last_id")


class VerificationSerializer(serializers.ModelSerializer):
    holds = serializers.BooleanField()

    class Meta:
        model = Verification
        fields = (
            "id",
            "at",
            "holds",
            "seal_count",
            "row_count",
            "head_number",
            "head_hash",
            "unsealed",
            "breaks",
        )


class ChainSerializer(serializers.Serializer):
    head = SealSerializer(allow_null=True)
    unsealed = serializers.DictField(child=serializers.IntegerField())
    verification = VerificationSerializer(allow_null=True)


class AuditLogView(GuardedView):
    """The log, the latest first, by the filters of its page."""

    policy = SEE_LOG

    @extend_schema(
        operation_id="audit_log",
        parameters=_FILTERS,
        responses={200: AuditLogSerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        form = FilterForm(request.query_params)
        if not form.is_valid():
            field, errors = next(iter(form.errors.items()))
            raise InvalidInput(f"{field}: {errors[0]}", field=field)
        page = logs.log(form.filters(), after=request.query_params.get("after", ""))
        context: dict[str, Any] = {"seals": seals_of([entry.pk for entry in page.rows])}
        shown = AuditLogSerializer({"entries": page.rows, "next_after": page.next_after}, context=context)
        return Response(shown.data)


class AuditChainView(GuardedView):
    """The head of the chain of seals, what waits for a seal, and what the last verification found."""

    policy = SEE_LOG

    @extend_schema(operation_id="audit_chain", responses={200: ChainSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        state = chain_state()
        said = {"head": state.last, "unsealed": state.unsealed, "verification": state.verification}
        return Response(ChainSerializer(said).data)
