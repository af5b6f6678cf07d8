"""Endpoints of the funnel: translate, one selector or service, translate."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.zones import zone_of
from apps.core.api import PROBLEM, GuardedView, read, request_key
from apps.core.errors import KeyReused
from apps.core.keyset import page_of
from apps.core.policies import visible_or_404
from apps.leads import policies
from apps.leads.api import serializers
from apps.leads.models import Channel, Disposition, HandOff, Lead, Opportunity, RejectionReason, Source, Touch
from apps.leads.selectors import hand_offs as hand_off_rows
from apps.leads.selectors import queue
from apps.leads.selectors.opportunities import Filters, filtered
from apps.leads.services import hand_offs, touches
from apps.reps.models import Rep
from apps.reps.selectors import rep_of

AFTER = OpenApiParameter("after", str, description="The cursor that the page before gave.")


def _rep(request: Request) -> Rep:
    rep = rep_of(request.user)
    if rep is None:
        raise Http404
    return rep


class QueueView(GuardedView):
    """The own queue in its order, with why each lead is here now."""

    policy = policies.WORK_QUEUE

    @extend_schema(operation_id="queue", responses={200: serializers.QueueSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        found = queue.queue_of(rep=_rep(request), at=timezone.now(), zone=zone_of(request.user))
        return Response(serializers.QueueSerializer({"total": found.total, "results": found.rows}).data)


class TouchesView(GuardedView):
    """Log a touch; its disposition decides what follows."""

    policy = policies.WORK_LEAD

    @extend_schema(
        operation_id="log_touch",
        request=serializers.TouchInput,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={
            201: serializers.TouchSerializer,
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request) -> Response:
        given = read(serializers.TouchInput, request)
        lead = visible_or_404(Lead.objects.visible_to(request.user), pk=given["lead"])
        self.policy.check(request.user, lead)
        touch = touches.log_touch(
            lead=lead,
            rep=_rep(request),
            channel=Channel(given["channel"]),
            disposition=Disposition(given["disposition"]),
            callback_at=given.get("callback_at"),
            note=given["note"],
            request_key=request_key(request) or None,
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
            purpose=given["purpose"],
            they_asked=given["they_asked"],
        )
        _refuse_another_payload(touch, given)
        return Response(serializers.TouchSerializer(touch).data, status=201)


def _refuse_another_payload(touch: Touch, given: dict[str, Any]) -> None:
    """A key that was used before answers only the payload that it was used with."""
    before = (touch.lead_id, touch.channel, touch.disposition, touch.note)
    asked = (given["lead"], given["channel"], given["disposition"], given["note"].strip())
    if before != asked or given["purpose"] not in ("", touch.purpose):
        raise KeyReused("This Idempotency-Key was used for another touch: send a new key.")


class HandOffsView(GuardedView):
    """Hand-offs in the caller's scope, the latest first."""

    policy = policies.SEE_HAND_OFFS

    @extend_schema(
        operation_id="hand_offs",
        parameters=[AFTER, OpenApiParameter("state", str, enum=HandOff.State.values)],
        responses={200: serializers.HandOffPageSerializer, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        rows = HandOff.objects.visible_to(request.user).select_related("lead", "sdr", "ae", "meeting")
        if (state := request.query_params.get("state", "")) in HandOff.State.values:
            rows = rows.filter(state=state)
        page = page_of(rows, by=("-created_at", "-pk"), after=request.query_params.get("after", ""))
        shown = {"results": page.rows, "next_after": page.next_after}
        return Response(serializers.HandOffPageSerializer(shown).data)


class AcceptView(GuardedView):
    """Accept a hand-off: an opportunity opens at stage 1."""

    policy = policies.DECIDE_HAND_OFF

    @extend_schema(
        operation_id="accept_hand_off",
        request=serializers.AcceptInput,
        responses={
            200: serializers.OpportunitySerializer,
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        hand_off = visible_or_404(hand_off_rows.dossier_rows(request.user), pk=pk)
        self.policy.check(request.user, hand_off)
        given = read(serializers.AcceptInput, request)
        opened = hand_offs.accept_hand_off(
            hand_off=hand_off,
            amount_minor=given.get("amount_minor"),
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(serializers.OpportunitySerializer(opened).data)


class RejectView(GuardedView):
    """Reject a hand-off on a named criterion, with a reason."""

    policy = policies.DECIDE_HAND_OFF

    @extend_schema(
        operation_id="reject_hand_off",
        request=serializers.RejectInput,
        responses={
            200: serializers.HandOffSerializer,
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        hand_off = visible_or_404(hand_off_rows.dossier_rows(request.user), pk=pk)
        self.policy.check(request.user, hand_off)
        given = read(serializers.RejectInput, request)
        rejected = hand_offs.reject_hand_off(
            hand_off=hand_off,
            criterion=given["criterion"],
            reason=RejectionReason(given["reason"]),
            comment=given["comment"],
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(serializers.HandOffSerializer(rejected).data)


class OpportunitiesView(GuardedView):
    """Opportunities in the caller's scope, the latest opened first."""

    policy = policies.SEE_OPPORTUNITIES

    @extend_schema(
        operation_id="opportunities",
        parameters=[AFTER, OpenApiParameter("stage", str, description='A stage, or "open".')],
        responses={200: serializers.OpportunityPageSerializer, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        stage = request.query_params.get("stage", "")
        known = stage in ("", "open", *dict(Opportunity._meta.get_field("stage").choices or ()))
        rows = filtered(request.user, Filters(stage=stage if known else ""))
        page = page_of(
            rows.select_related("owner", "sourced_by"),
            by=("-opened_at", "-pk"),
            after=request.query_params.get("after", ""),
        )
        shown = {"results": page.rows, "next_after": page.next_after}
        return Response(serializers.OpportunityPageSerializer(shown).data)
