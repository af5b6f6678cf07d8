"""Routing by API: the versions and their rules, and why an AE was chosen for a lead."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView
from apps.core.policies import visible_or_404
from apps.leads import policies
from apps.leads.models import RoutingDecision, RoutingPolicy
from apps.leads.selectors import routing_pages as selectors


class RoutingRuleSerializer(serializers.Serializer):
    """One rule of a version, as it is kept and in words."""

    position = serializers.IntegerField(source="row.position")
    name = serializers.CharField(source="row.name")
    method = serializers.CharField(source="row.method")
    conditions = serializers.JSONField(source="row.conditions")
    terms = serializers.JSONField(source="row.terms")
    whom = serializers.ListField(child=serializers.CharField())
    how = serializers.ListField(child=serializers.CharField())
    otherwise = serializers.CharField()


class RoutingPolicySerializer(serializers.Serializer):
    """A version: where it stands, since when, its rules, how many it decided."""

    id = serializers.IntegerField(source="policy.pk")
    number = serializers.IntegerField(source="policy.number")
    name = serializers.CharField(source="policy.name")
    note = serializers.CharField(source="policy.note")
    stands = serializers.ChoiceField(choices=["draft", "put_away", "coming", "in_force", "past"])
    from_at = serializers.DateTimeField(source="policy.from_at", allow_null=True)
    until_at = serializers.DateTimeField(source="policy.until_at", allow_null=True)
    decided = serializers.IntegerField()
    rules = RoutingRuleSerializer(many=True)


class RoutingCandidateSerializer(serializers.Serializer):
    """An AE as considered."""

    rep = serializers.IntegerField()
    name = serializers.CharField()
    tier = serializers.IntegerField()
    rank = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["taken", "passed", "not_needed"])
    why = serializers.CharField()


class RoutingStepSerializer(serializers.Serializer):
    """A rule that was looked at."""

    rule = serializers.CharField()
    method = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["unmatched", "nobody", "decided"])
    words = serializers.CharField()


class RoutingDecisionSerializer(serializers.ModelSerializer):
    """Which AE, by which rule, in words, with every candidate."""

    steps = RoutingStepSerializer(many=True)
    candidates = RoutingCandidateSerializer(many=True)
    chosen_name = serializers.CharField(source="chosen.name")

    class Meta:
        model = RoutingDecision
        fields = (
            "id", "lead", "hand_off", "cause", "because", "starts_at", "ends_at", "at", "policy", "rule",
            "method", "chosen", "chosen_name", "lead_tier", "words", "steps", "candidates",
        )  # fmt: skip


def _now() -> datetime:
    return timezone.now()


class RoutingPoliciesView(GuardedView):
    """Every version: in force, coming, drafts, then the past."""

    policy = policies.SEE_ROUTING

    @extend_schema(
        operation_id="routing_policies",
        responses={200: RoutingPolicySerializer(many=True), 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        return Response(RoutingPolicySerializer(selectors.versions(_now()), many=True).data)


class RoutingPolicyView(GuardedView):
    """One version with its rules."""

    policy = policies.SEE_ROUTING

    @extend_schema(
        operation_id="routing_policy", responses={200: RoutingPolicySerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        found = visible_or_404(RoutingPolicy.objects.prefetch_related("rules"), pk=pk)
        return Response(RoutingPolicySerializer(selectors.version(found, _now())).data)


class LeadRoutingView(GuardedView):
    """Why this AE: the decisions about a lead, the latest first, with all candidates."""

    policy = policies.SEE_LEAD_ROUTING

    @extend_schema(
        operation_id="lead_routing",
        responses={200: RoutingDecisionSerializer(many=True), 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        lead = selectors.routed_lead(user=request.user, pk=pk)
        found: list[Any] = selectors.decisions_of(lead=lead, user=request.user)
        return Response(RoutingDecisionSerializer([one.decision for one in found], many=True).data)
