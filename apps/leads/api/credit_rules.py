"""Rules that share credit by API: all of them, a draft, its approval, its end."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.leads import credit_policies as policies
from apps.leads.models import Capacity, CreditRule
from apps.leads.rules.credit_rules import KINDS, MOST_SHARES, WHOLE
from apps.leads.services import credit_rules as services

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class RuleShareInput(serializers.Serializer):
    to = serializers.CharField(
        max_length=20, help_text="credited, sdr, ae, opener, owner, lead_owner or rep:12."
    )
    share = serializers.IntegerField(min_value=1, max_value=WHOLE, help_text="In millionths.")


class RuleInput(serializers.Serializer):
    """A rule; conditions are rows of field, operator and value, as cadences have them."""

    name = serializers.CharField(max_length=80)
    capacity = serializers.ChoiceField(choices=Capacity.choices)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=KINDS), allow_empty=False)
    conditions = serializers.ListField(child=serializers.DictField(), required=False, default=list)
    shares = serializers.ListField(child=RuleShareInput(), allow_empty=False, max_length=MOST_SHARES)
    position = serializers.IntegerField(min_value=1, max_value=999, required=False, default=10)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class RuleSerializer(serializers.ModelSerializer):
    class Meta:
        model = CreditRule
        fields = (
            "id", "name", "capacity", "kinds", "conditions", "shares", "position", "starts_on", "ends_on",
            "note", "author", "written_at", "approver", "approved_at",
        )  # fmt: skip


class EndInput(serializers.Serializer):
    ends_on = serializers.DateField(help_text="First day it no longer counts.")


def _found(request: Request, pk: int) -> CreditRule:
    found: CreditRule = visible_or_404(CreditRule.objects.visible_to(request.user), pk=pk)
    return found


class CreditRulesView(GuardedView):
    """All rules in the order in which they are asked; and a draft of one."""

    policy = policies.SEE_CREDIT_RULES

    @extend_schema(operation_id="credit_rules", responses={200: RuleSerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        return Response(RuleSerializer(CreditRule.objects.visible_to(request.user), many=True).data)

    @extend_schema(
        operation_id="draft_credit_rule", request=RuleInput, responses={201: RuleSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        policies.WRITE_CREDIT_RULE.check(request.user, None)
        given = read(RuleInput, request)
        given["shares"] = [dict(one) for one in given["shares"]]
        terms = services.RuleTerms(**{**given, "capacity": Capacity(given["capacity"])})
        made = services.draft_rule(terms=terms, at=timezone.now(), actor=request.user)
        return Response(RuleSerializer(made).data, status=201)


class ApproveCreditRuleView(GuardedView):
    """Put a draft in force; not for its author."""

    policy = policies.APPROVE_CREDIT_RULE

    @extend_schema(
        operation_id="approve_credit_rule", request=None, responses={200: RuleSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        done = services.approve_rule(rule=found, at=timezone.now(), actor=request.user)
        return Response(RuleSerializer(done).data)


class EndCreditRuleView(GuardedView):
    """From a day on it shares nothing more."""

    policy = policies.WRITE_CREDIT_RULE

    @extend_schema(
        operation_id="end_credit_rule", request=EndInput, responses={200: RuleSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        given = read(EndInput, request)
        now = timezone.now()
        done = services.end_rule(
            rule=found,
            ends_on=given["ends_on"],
            today=day_of(now, settings.COMPANY_TIME_ZONE),
            at=now,
            actor=request.user,
        )
        return Response(RuleSerializer(done).data)
