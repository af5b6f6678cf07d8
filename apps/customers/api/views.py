"""Customers by API: one with its figures, health, answers, and a pass-on accepted."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.money import round_half_up
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.customers import policies
from apps.customers.models import HealthReading, PassOn
from apps.customers.selectors import book, home
from apps.customers.services import pass_ons, readings
from apps.leads.models import Account, Source

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class ContractSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()


class ValueSerializer(serializers.Serializer):
    """Lifetime value in one currency; ``expected_minor`` is null where there is not enough data."""

    currency = serializers.CharField()
    won_minor = serializers.IntegerField()
    expected_minor = serializers.IntegerField(allow_null=True)
    value_minor = serializers.IntegerField()


class CustomerSerializer(serializers.Serializer):
    """A customer: who looks after it, how it does, what it is worth."""

    account = serializers.IntegerField()
    name = serializers.CharField()
    owner = serializers.CharField(allow_null=True)
    health = serializers.CharField(allow_null=True)
    nps = serializers.IntegerField(allow_null=True, help_text="From -100 to 100.")
    nps_answers = serializers.IntegerField()
    left_on = serializers.DateField(allow_null=True)
    contracts = ContractSerializer(many=True)
    lifetime_value = ValueSerializer(many=True)


class HealthInput(serializers.Serializer):
    status = serializers.ChoiceField(choices=HealthReading.Status.choices)
    why = serializers.CharField(max_length=300)
    drivers = serializers.ListField(
        child=serializers.ChoiceField(choices=HealthReading.Driver.choices), required=False, default=list
    )


class NpsInput(serializers.Serializer):
    score = serializers.IntegerField(min_value=0, max_value=10)
    respondent = serializers.CharField(max_length=120)
    answered_on = serializers.DateField()
    comment = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class PassOnSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    account = serializers.IntegerField(source="account_id")
    state = serializers.CharField()
    receiver = serializers.CharField(source="receiver.name", allow_null=True, default=None)


def _shown(account: Account) -> dict[str, Any]:
    today = day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
    values, _ = book.lifetime(account, on=today)
    score = book.nps(account=account, on=today)
    health = home.latest_health([account.pk]).get(account.pk)
    gone = readings.full_churn_of(account)
    shown = {
        "account": account.pk,
        "name": account.name,
        "owner": account.owner.name if account.owner else None,
        "health": health.status if health else None,
        "nps": None if score.exact is None else round_half_up(score.exact),
        "nps_answers": score.count,
        "left_on": gone.churned_on if gone else None,
        "contracts": home.contracts_of(account),
        "lifetime_value": values,
    }
    return CustomerSerializer(shown).data


def _found(request: Request, pk: int) -> Account:
    return visible_or_404(
        Account.objects.visible_to(request.user).select_related("owner__team", "owner__user"), pk=pk
    )


class CustomerView(GuardedView):
    """One customer in the caller's scope."""

    policy = policies.SEE_CUSTOMERS

    @extend_schema(operation_id="customer", responses={200: CustomerSerializer, 403: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, pk: int) -> Response:
        return Response(_shown(_found(request, pk)))


class HealthView(GuardedView):
    """Record how a customer is doing."""

    policy = policies.RECORD

    @extend_schema(
        operation_id="record_health",
        request=HealthInput,
        responses={201: CustomerSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        account = _found(request, pk)
        self.policy.check(request.user, account)
        given = read(HealthInput, request)
        readings.record_health(
            account=account,
            status=HealthReading.Status(given["status"]),
            why=given["why"],
            drivers=given["drivers"],
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(_shown(account), status=201)


class NpsView(GuardedView):
    """Record an answer of somebody at a customer."""

    policy = policies.RECORD

    @extend_schema(
        operation_id="record_nps", request=NpsInput, responses={201: CustomerSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        account = _found(request, pk)
        self.policy.check(request.user, account)
        given = read(NpsInput, request)
        at = timezone.now()
        readings.record_nps(
            account=account,
            **given,
            today=day_of(at, settings.COMPANY_TIME_ZONE),
            at=at,
            actor=request.user,
            source=Source.API,
        )
        return Response(_shown(account), status=201)


class AcceptPassOnView(GuardedView):
    """Take an account over."""

    policy = policies.ACCEPT_PASS_ON

    @extend_schema(
        operation_id="accept_pass_on", request=None, responses={200: PassOnSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        rows = PassOn.objects.visible_to(request.user).select_related("receiver__user", "account")
        found = visible_or_404(rows, pk=pk)
        self.policy.check(request.user, found)
        accepted = pass_ons.accept_pass_on(
            pass_on=found, at=timezone.now(), actor=request.user, source=Source.API
        )
        return Response(PassOnSerializer(accepted).data)
