"""Customers who leave, by API: those on record, another one, and one taken back."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.policies import visible_or_404
from apps.customers import policies
from apps.customers.models import Churn, Contract
from apps.customers.services import readings
from apps.leads.models import Account, Source

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class LossSerializer(serializers.Serializer):
    """What is lost a year in one currency."""

    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()


class DepartureSerializer(serializers.Serializer):
    """A departure; one that was taken back says so and counts no more."""

    id = serializers.IntegerField()
    account = serializers.IntegerField(source="account_id")
    extent = serializers.CharField()
    contract = serializers.IntegerField(source="contract_id", allow_null=True)
    churned_on = serializers.DateField()
    reason = serializers.CharField()
    note = serializers.CharField()
    lost = LossSerializer(many=True)
    taken_back = serializers.SerializerMethodField()

    def get_taken_back(self, churn: Churn) -> bool:
        return hasattr(churn.event, "reversed_by")


class DepartureInput(serializers.Serializer):
    """Who leaves altogether loses all contracts of that day; a part is of one contract, with what it loses a year."""

    extent = serializers.ChoiceField(choices=Churn.Extent.choices)
    churned_on = serializers.DateField(help_text="The first day without.")
    reason = serializers.ChoiceField(choices=Churn.Reason.choices)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    contract = serializers.IntegerField(required=False, allow_null=True, default=None)
    lost_minor = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=10**15
    )


class BackInput(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


def _account(request: Request, pk: int) -> Account:
    return visible_or_404(
        Account.objects.visible_to(request.user).select_related("owner__team", "owner__user"), pk=pk
    )


class DeparturesView(GuardedView):
    """The departures of a customer, the latest first, those taken back among them."""

    policy = policies.SEE_CUSTOMERS

    @extend_schema(
        operation_id="departures",
        responses={200: DepartureSerializer(many=True), 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        account = _account(request, pk)
        rows = Churn.objects.filter(account=account).select_related("event__reversed_by")
        return Response(DepartureSerializer(rows, many=True).data)


class DepartView(GuardedView):
    """Record that a customer leaves, altogether or with a part of one contract."""

    policy = policies.RECORD

    @extend_schema(
        operation_id="record_departure",
        request=DepartureInput,
        responses={201: DepartureSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        account = _account(request, pk)
        self.policy.check(request.user, account)
        given = read(DepartureInput, request)
        churn = readings.record_churn(
            account=account,
            extent=Churn.Extent(given["extent"]),
            churned_on=given["churned_on"],
            reason=Churn.Reason(given["reason"]),
            note=given["note"],
            contract=_contract(account, given),
            lost_minor=given["lost_minor"],
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(DepartureSerializer(churn).data, status=201)


def _contract(account: Account, given: dict[str, Any]) -> Any:
    if given["extent"] == Churn.Extent.FULL:
        if given["contract"] is not None or given["lost_minor"] is not None:
            raise InvalidInput("Leave contract and lost_minor out: all is lost.", field="contract")
        return None
    found = Contract.objects.standing().filter(account=account, pk=given["contract"]).first()
    if found is None:
        raise InvalidInput("Name a running contract of this customer.", field="contract")
    return found


class TakeDepartureBackView(GuardedView):
    """They stayed after all, or it was a mistake."""

    policy = policies.TAKE_CHURN_BACK

    @extend_schema(
        operation_id="take_departure_back",
        request=BackInput,
        responses={200: DepartureSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        rows = Churn.objects.visible_to(request.user).select_related("account__owner__team", "event")
        found = visible_or_404(rows, pk=pk)
        self.policy.check(request.user, found)
        reason = read(BackInput, request)["reason"]
        readings.take_churn_back(
            churn=found, reason=reason, at=timezone.now(), actor=request.user, source=Source.API
        )
        return Response(
            DepartureSerializer(Churn.objects.select_related("event__reversed_by").get(pk=pk)).data
        )
