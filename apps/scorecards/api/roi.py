"""What leads cost and brought, and spend, by API. Amounts are minor units by currency; a return is exact."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read, request_key
from apps.core.errors import InvalidInput
from apps.core.periods import NotAPeriod, parse_period, year_of
from apps.scorecards import policies
from apps.scorecards.api.review import PERIOD, asked_period
from apps.scorecards.models import Spend
from apps.scorecards.rules.roi import Outcome
from apps.scorecards.selectors import roi
from apps.scorecards.services import spend as spending
from apps.scorecards.views import asked


class OutcomeSerializer(serializers.Serializer):
    source = serializers.CharField()  # type: ignore[assignment]
    campaign = serializers.CharField(allow_null=True, help_text="null: the source as a whole.")
    counts = serializers.DictField(child=serializers.IntegerField())
    revenue = serializers.DictField(child=serializers.IntegerField(), help_text="Minor units by currency.")
    spend = serializers.DictField(child=serializers.IntegerField(), help_text="Minor units by currency.")
    roi = serializers.CharField(
        allow_null=True, help_text="(Revenue − spend) ÷ spend in one currency, exact."
    )


def _outcome(one: Outcome, source: str, campaign: str | None) -> dict[str, Any]:
    said = {name: getattr(one, name) for name in ("counts", "revenue", "spend", "roi")}
    return {**said, "source": source, "campaign": campaign}


class LeadRoiView(GuardedView):
    """What the leads collected in a period cost and brought, by source and campaign."""

    policy = policies.SEE_ROI

    @extend_schema(
        operation_id="lead_roi",
        parameters=[PERIOD],
        responses={200: OutcomeSerializer(many=True), 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        found = roi.roi(asked_period(request, year_of(asked.today())), user=request.user)
        told = []
        for source in found.sources:
            told.append(_outcome(source, source.name, None))
            told += [_outcome(one, source.name, one.name) for one in found.campaigns[source.name]]
        return Response(OutcomeSerializer(told, many=True).data)


class SpendInput(serializers.Serializer):
    source = serializers.CharField(max_length=80)  # type: ignore[assignment]
    campaign = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    month = serializers.RegexField(r"^\d{4}-(0[1-9]|1[0-2])$", help_text="2026-10")
    amount_minor = serializers.IntegerField(min_value=1, max_value=10**14)
    currency = serializers.RegexField(r"^[A-Z]{3}$")
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class SpendSerializer(serializers.ModelSerializer):
    class Meta:
        model = Spend
        fields = (
            "id",
            "source",
            "campaign",
            "month_on",
            "amount_minor",
            "currency",
            "note",
            "entered_at",
            "reverses",
        )


class SpendView(GuardedView):
    """Enter what was spent; the Idempotency-Key makes it repeatable."""

    policy = policies.ENTER_SPEND

    @extend_schema(
        operation_id="enter_spend",
        request=SpendInput,
        responses={201: SpendSerializer, 400: PROBLEM, 403: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(SpendInput, request)
        key = request_key(request)
        if not key:
            raise InvalidInput(
                "Send an Idempotency-Key: the same amount must not be entered twice by accident."
            )
        try:
            month = parse_period(given.pop("month"))
        except NotAPeriod as error:
            raise InvalidInput(str(error), field="month") from error
        new = spending.NewSpend(month_on=month.start, **given)
        made = spending.enter_spend(new=new, source_key=key, at=timezone.now(), actor=request.user)
        return Response(SpendSerializer(made).data, status=201)


class SpendReverseInput(serializers.Serializer):
    reason = serializers.CharField(max_length=300)
    amount_minor = serializers.IntegerField(
        min_value=1,
        max_value=10**14,
        required=False,
        help_text="What it should be; nothing: it is only taken back.",
    )


class SpendCorrectView(GuardedView):
    """Take an entry back, and enter another amount in its place where one is given."""

    policy = policies.ENTER_SPEND

    @extend_schema(
        operation_id="correct_spend",
        request=SpendReverseInput,
        responses={200: SpendSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = Spend.objects.filter(pk=pk).first()
        if found is None:
            raise Http404
        given = read(SpendReverseInput, request)
        at, reason = timezone.now(), given["reason"]
        if "amount_minor" in given:
            made = spending.correct_spend(
                spend=found, amount_minor=given["amount_minor"], reason=reason, at=at, actor=request.user
            )
        else:
            made = spending.reverse_spend(spend=found, reason=reason, at=at, actor=request.user)
        return Response(SpendSerializer(made).data)
