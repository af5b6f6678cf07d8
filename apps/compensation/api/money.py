"""Exchange rates, payout currencies and payments by API."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compensation import policies
from apps.compensation.models import CustomerPayment, ExchangeRate, PayoutCurrency
from apps.compensation.models.rates import RATE_DIGITS, RATE_PLACES
from apps.compensation.selectors.payments import payment_page
from apps.compensation.services import payments, rates
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.keyset import page_of
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.leads.models import Opportunity
from apps.reps.models import Rep

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}
MOST_RATES = 5_000


def _today() -> Any:
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


class RateSerializer(serializers.ModelSerializer):
    """One unit of ``from_currency`` is worth ``rate`` of ``to_currency``; a higher ``number`` corrects a lower one."""

    rate = serializers.CharField(source="shown", help_text="A decimal, exact.")

    class Meta:
        model = ExchangeRate
        fields = ("id", "from_currency", "to_currency", "on", "number", "rate", "source", "recorded_at")


class RatesSerializer(serializers.Serializer):
    rates = RateSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class RateInput(serializers.Serializer):
    from_currency = serializers.CharField(max_length=3)
    to_currency = serializers.CharField(max_length=3)
    on = serializers.DateField()
    rate = serializers.DecimalField(max_digits=RATE_DIGITS, decimal_places=RATE_PLACES)
    source = serializers.CharField(max_length=80)  # type: ignore[assignment]


class RatesInput(serializers.Serializer):
    """All of them are recorded, or none."""

    rates = RateInput(many=True, allow_empty=False, max_length=MOST_RATES)  # type: ignore[call-arg]


class RatesRecordedSerializer(serializers.Serializer):
    new = serializers.IntegerField()
    corrected = serializers.IntegerField()
    known = serializers.IntegerField()


class RatesView(GuardedView):
    """Exchange rates, the newest day first; and recording some."""

    policy = policies.SEE_RATES

    @extend_schema(operation_id="exchange_rates", responses={200: RatesSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        page = page_of(
            ExchangeRate.objects.all(), by=("-on", "-pk"), after=request.query_params.get("after", "")
        )
        return Response(RatesSerializer({"rates": page.rows, "next_after": page.next_after}).data)

    @extend_schema(
        operation_id="record_exchange_rates",
        request=RatesInput,
        responses={200: RatesRecordedSerializer, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        policies.RECORD_RATES.check(request.user, None)
        given = read(RatesInput, request)
        wanted = [rates.NewRate(**one) for one in given["rates"]]
        for number, one in enumerate(wanted, 1):
            try:
                rates.check_rate(one, today=_today())
            except InvalidInput as error:
                raise InvalidInput(f"Rate {number}: {error.message}", field="rates") from error
        done = rates.record_rates(rates=wanted, today=_today(), at=timezone.now(), actor=request.user)
        return Response(RatesRecordedSerializer(done).data)


class PayoutCurrencySerializer(serializers.ModelSerializer):
    """``currency`` is empty where the plan's counts again."""

    class Meta:
        model = PayoutCurrency
        fields = ("id", "rep", "currency", "starts_on", "set_at")


class PayoutCurrenciesSerializer(serializers.Serializer):
    payout_currencies = PayoutCurrencySerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class PayoutCurrencyInput(serializers.Serializer):
    rep = serializers.IntegerField()
    currency = serializers.CharField(max_length=3, allow_blank=True)
    starts_on = serializers.DateField()


class PayoutCurrenciesView(GuardedView):
    """Who is paid in another currency than the plan's; and setting it."""

    policy = policies.SEE_RATES

    @extend_schema(
        operation_id="payout_currencies", responses={200: PayoutCurrenciesSerializer, 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        rows = PayoutCurrency.objects.visible_to(request.user)
        page = page_of(rows, by=("-starts_on", "-pk"), after=request.query_params.get("after", ""))
        shown = {"payout_currencies": page.rows, "next_after": page.next_after}
        return Response(PayoutCurrenciesSerializer(shown).data)

    @extend_schema(
        operation_id="set_payout_currency",
        request=PayoutCurrencyInput,
        responses={201: PayoutCurrencySerializer, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        policies.RECORD_RATES.check(request.user, None)
        given = read(PayoutCurrencyInput, request)
        rep = visible_or_404(Rep.objects.all(), pk=given.pop("rep"))
        made = rates.set_payout_currency(rep=rep, **given, at=timezone.now(), actor=request.user)
        return Response(PayoutCurrencySerializer(made).data, status=201)


class PaymentSerializer(serializers.ModelSerializer):
    """What a customer paid; a payment that ``reverses`` another is below zero."""

    class Meta:
        model = CustomerPayment
        fields = (
            "id", "opportunity", "label", "amount_minor", "currency", "paid_at", "recorded_at", "source_key",
            "reverses",
        )  # fmt: skip


class PaymentsSerializer(serializers.Serializer):
    payments = PaymentSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class PaymentInput(serializers.Serializer):
    """``reference`` tells it from any other: the same one is recorded once."""

    opportunity = serializers.IntegerField()
    amount_minor = serializers.IntegerField(min_value=1, max_value=10**15)
    currency = serializers.CharField(max_length=3)
    paid_on = serializers.DateField()
    reference = serializers.CharField(max_length=100)
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=80, required=False, allow_blank=True, default=""
    )


class PaymentsView(GuardedView):
    """What customers paid, the newest first; and recording a payment."""

    policy = policies.SEE_PAYMENTS

    @extend_schema(operation_id="payments", responses={200: PaymentsSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        page = payment_page(
            search=request.query_params.get("q", ""), after=request.query_params.get("after", "")
        )
        return Response(PaymentsSerializer({"payments": page.rows, "next_after": page.next_after}).data)

    @extend_schema(
        operation_id="record_payment", request=PaymentInput, responses={201: PaymentSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        policies.RECORD_PAYMENTS.check(request.user, None)
        given = read(PaymentInput, request)
        now = timezone.now()
        if given["paid_on"] > _today():
            raise InvalidInput("A payment is recorded once it was made.", field="paid_on")
        deal = visible_or_404(Opportunity.objects.all(), pk=given["opportunity"])
        made = payments.record_payment(
            opportunity=deal,
            amount_minor=given["amount_minor"],
            currency=given["currency"],
            paid_at=payments.paid_at(day=given["paid_on"], zone=settings.COMPANY_TIME_ZONE, at=now),
            source_key=payments.source_key_of(given["reference"]),
            at=now,
            label=given["label"],
            actor=request.user,
        )
        return Response(PaymentSerializer(made).data, status=201)


class ReversePaymentView(GuardedView):
    """Take back a payment that was recorded by mistake; both stay."""

    policy = policies.RECORD_PAYMENTS

    @extend_schema(
        operation_id="reverse_payment", request=None, responses={201: PaymentSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = visible_or_404(CustomerPayment.objects.all(), pk=pk)
        made = payments.reverse_payment(payment=found, at=timezone.now(), actor=request.user)
        return Response(PaymentSerializer(made).data, status=201)
