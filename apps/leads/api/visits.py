"""Visits to the site by API: one, or up to a thousand at once, by lead or by address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read, request_key
from apps.core.errors import InvalidInput
from apps.leads import policies
from apps.leads.models import Lead, Source
from apps.leads.selectors.visits import people
from apps.leads.services.visits import NewVisit, Outcome, record_visits

MOST = 1_000
_LONGEST_KEY = 64


class VisitInput(serializers.Serializer):
    """Somebody was on a page. Say who by ``lead`` or by ``email``; the same ``key`` is recorded once."""

    lead = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    email = serializers.CharField(required=False, max_length=254)
    occurred_at = serializers.DateTimeField()
    page = serializers.CharField(required=False, allow_blank=True, max_length=2_000, default="")
    campaign = serializers.CharField(required=False, allow_blank=True, max_length=80, default="")
    key = serializers.CharField(required=False, allow_blank=True, max_length=_LONGEST_KEY, default="")
    event = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=80,
        default="",
        help_text="The webinar or fair that they came to, where it was not a page.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lead" in attrs) == ("email" in attrs):
            raise serializers.ValidationError(
                {"lead": "Say who it was, by lead or by email: one of the two."}
            )
        return attrs


class VisitSerializer(serializers.Serializer):
    id = serializers.IntegerField(help_text="The event on the record.")
    lead = serializers.IntegerField(help_text="Who survived, where the lead was merged.")
    cause = serializers.CharField(help_text="touch, campaign or unknown, as known when it was recorded.")
    recorded = serializers.BooleanField(help_text="False for one that was known already.")


class BatchInput(serializers.Serializer):
    """Rows are checked one by one, so that a bad one loses no good one."""

    visits = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=MOST, help_text="As for one visit."
    )


class RefusedSerializer(serializers.Serializer):
    row = serializers.IntegerField(help_text="From 0, as sent.")
    problems = serializers.DictField(help_text="Messages by field.")


class BatchSerializer(serializers.Serializer):
    recorded = serializers.IntegerField()
    known = serializers.IntegerField(help_text="Recorded before, or twice in this batch.")
    refused = RefusedSerializer(many=True)


@dataclass(frozen=True)
class _Row:
    """A row that could be read."""

    number: int
    given: dict[str, Any]

    @property
    def who(self) -> int | str:
        return self.given.get("lead") or self.given["email"]


class VisitsView(GuardedView):
    """Record one visit: attributed to the outreach or the campaign that caused it."""

    policy = policies.RECORD_VISITS

    @extend_schema(
        operation_id="record_visit",
        request=VisitInput,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={200: VisitSerializer, 201: VisitSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(VisitInput, request)
        row = _Row(0, given)
        lead = _leads_of([row], request.user).get(row.who)
        if lead is None and "lead" in given:
            raise Http404
        if lead is None:
            raise InvalidInput("Nobody with this address is a lead.", field="email")
        visit = _visit(row, lead, request.user, given["key"] or request_key(request))
        (outcome,) = record_visits(visits=[visit], at=timezone.now())
        if outcome.event is None:
            raise InvalidInput(outcome.refused, field=outcome.field)
        shown = {
            "id": outcome.event.pk,
            "lead": outcome.event.lead_id,
            "cause": outcome.event.data["cause"],
            "recorded": outcome.is_new,
        }
        return Response(VisitSerializer(shown).data, status=201 if outcome.is_new else 200)


class VisitsBatchView(GuardedView):
    """Record up to a thousand visits: the good ones are kept, and each bad one is told with its row."""

    policy = policies.RECORD_VISITS

    @extend_schema(
        operation_id="record_visits",
        request=BatchInput,
        responses={200: BatchSerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        rows, refused = _read_rows(read(BatchInput, request)["visits"])
        leads = _leads_of(rows, request.user)
        known = [row for row in rows if row.who in leads]
        refused += [(row.number, _nobody(row)) for row in rows if row.who not in leads]
        outcomes = record_visits(
            visits=[_visit(row, leads[row.who], request.user, row.given["key"]) for row in known],
            at=timezone.now(),
        )
        return Response(BatchSerializer(_told(known, outcomes, refused)).data)


Refused = list[tuple[int, dict[str, Any]]]


def _read_rows(given: Sequence[dict[str, Any]]) -> tuple[list[_Row], Refused]:
    rows, refused = [], []
    for number, one in enumerate(given):
        checked = VisitInput(data=one)
        if checked.is_valid():
            rows.append(_Row(number, dict(checked.validated_data)))
        else:
            refused.append((number, {name: list(words) for name, words in checked.errors.items()}))
    return rows, refused


def _nobody(row: _Row) -> dict[str, Any]:
    if "lead" in row.given:
        return {"lead": ["There is no such lead."]}
    return {"email": ["Nobody with this address is a lead."]}


def _leads_of(rows: Sequence[_Row], user: Any) -> dict[int | str, Lead]:
    return people(
        user=user,
        ids=[row.given["lead"] for row in rows if "lead" in row.given],
        emails=[row.given["email"] for row in rows if "email" in row.given],
    )


def _visit(row: _Row, lead: Lead, user: Any, key: str) -> NewVisit:
    occurred_at: datetime = row.given["occurred_at"]
    return NewVisit(
        lead=lead,
        occurred_at=occurred_at,
        page=row.given["page"],
        campaign=row.given["campaign"],
        # A caller's key is the caller's own: another system may count from 1 as well.
        key=f"{user.pk}:{key}" if key else "",
        source=Source.API,
        actor=user,
        event=row.given["event"],
    )


def _told(rows: Sequence[_Row], outcomes: Sequence[Outcome], refused: Refused) -> dict[str, Any]:
    turned_away = [
        (row.number, {outcome.field: [outcome.refused]})
        for row, outcome in zip(rows, outcomes, strict=True)
        if outcome.event is None
    ]
    told = sorted([*refused, *turned_away], key=lambda one: one[0])
    return {
        "recorded": sum(outcome.is_new for outcome in outcomes),
        "known": sum(outcome.event is not None and not outcome.is_new for outcome in outcomes),
        "refused": [{"row": number, "problems": problems} for number, problems in told],
    }
