"""Opportunities by API: one, its move, its answers, and a move taken back."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.policies import visible_or_404
from apps.leads import policies
from apps.leads.api.serializers import OpportunitySerializer
from apps.leads.models import LossReason, Opportunity, OpportunityStage, Source
from apps.leads.rules.gates import Known
from apps.leads.selectors import opportunities as selectors
from apps.leads.services import gates, opportunities

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class CriterionSerializer(serializers.Serializer):
    """A criterion of the stage to come, as it is known."""

    key = serializers.CharField()
    name = serializers.CharField()
    met = serializers.BooleanField()
    evidence = serializers.CharField(allow_blank=True)
    filled = serializers.BooleanField(help_text="By the qualification.")


class OpportunityDetailSerializer(OpportunitySerializer):
    """One opportunity with its plan and what its next stage asks."""

    gate = serializers.SerializerMethodField()

    class Meta(OpportunitySerializer.Meta):
        fields = (*OpportunitySerializer.Meta.fields, "kind", "expected_close_on", "next_step", "gate")  # type: ignore[assignment]

    @extend_schema(responses=CriterionSerializer(many=True))
    def get_gate(self, opportunity: Opportunity) -> list[dict[str, Any]]:
        ahead = [one for one in opportunities.next_stages(opportunity.stage) if one != OpportunityStage.LOST]
        standing = (
            gates.standing_of(opportunity=opportunity, stage=ahead[0], at=timezone.now()) if ahead else None
        )
        return gates.as_judged(standing.judged) if standing else []


class MoveInput(serializers.Serializer):
    """Where to; won needs an amount, lost a reason, an unmet gate the reason to override it."""

    stage = serializers.ChoiceField(choices=["stage_2", "won", "lost"])
    amount_minor = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=10**15)
    loss_reason = serializers.ChoiceField(choices=LossReason.choices, required=False, allow_blank=True)
    override = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class AnswerInput(serializers.Serializer):
    """One criterion: whether it is met, and by what evidence."""

    criterion = serializers.CharField(max_length=20)
    met = serializers.BooleanField()
    evidence = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class AnswersInput(serializers.Serializer):
    """Answers to what a stage asks."""

    stage = serializers.ChoiceField(choices=["stage_2", "won"])
    answers = AnswerInput(many=True)


class UndoInput(serializers.Serializer):
    """Why the move is taken back."""

    reason = serializers.CharField(max_length=200)


def _found(request: Request, pk: int) -> Opportunity:
    return visible_or_404(selectors.with_owner(request.user), pk=pk)


class OpportunityView(GuardedView):
    """One opportunity in the caller's scope."""

    policy = policies.SEE_OPPORTUNITIES

    @extend_schema(
        operation_id="opportunity",
        responses={200: OpportunityDetailSerializer, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(OpportunityDetailSerializer(_found(request, pk)).data)


class MoveView(GuardedView):
    """Move it to the stage that follows, or close it."""

    policy = policies.MOVE_OPPORTUNITY

    @extend_schema(
        operation_id="move_opportunity",
        request=MoveInput,
        responses={200: OpportunityDetailSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given = read(MoveInput, request)
        moved = opportunities.move_opportunity(
            opportunity=found,
            stage=OpportunityStage(given["stage"]),
            amount_minor=given.get("amount_minor"),
            loss_reason=given.get("loss_reason", ""),
            override=given["override"],
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(OpportunityDetailSerializer(moved).data)


class AnswersView(GuardedView):
    """Answer what the next stage asks, with evidence."""

    policy = policies.ANSWER_GATE

    @extend_schema(
        operation_id="answer_gate",
        request=AnswersInput,
        responses={200: OpportunityDetailSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given = read(AnswersInput, request)
        gates.answer_criteria(
            opportunity=found,
            stage=OpportunityStage(given["stage"]),
            answers={one["criterion"]: Known(one["met"], one["evidence"]) for one in given["answers"]},
            at=timezone.now(),
            actor=request.user,
        )
        return Response(OpportunityDetailSerializer(found).data)


class UndoView(GuardedView):
    """Take a mistaken move back."""

    policy = policies.UNDO_MOVE

    @extend_schema(
        operation_id="undo_opportunity_move",
        request=UndoInput,
        responses={200: OpportunityDetailSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given = read(UndoInput, request)
        back = opportunities.undo_move(
            opportunity=found,
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(OpportunityDetailSerializer(back).data)
