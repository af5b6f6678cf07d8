"""Stage gates by API: what each stage asks now and from a coming day on; the next version written, or given up.

What an opportunity answers, and a move with an override, are the opportunity's own (``api.opportunities``).
"""

from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.periods import day_of
from apps.leads import policies
from apps.leads.models import OpportunityKind, OpportunityStage, StageGate
from apps.leads.rules.gates import LONGEST_NAME, LONGEST_QUESTION, GateCriterion
from apps.leads.selectors import gates as selectors
from apps.leads.services import gates as services

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class GateCriterionSerializer(serializers.Serializer):
    """One thing that is asked; ``fills_from`` is the criterion of the qualification that answers it, "" for none."""

    key = serializers.CharField(max_length=20)
    name = serializers.CharField(max_length=LONGEST_NAME)
    asks = serializers.CharField(max_length=LONGEST_QUESTION, required=False, allow_blank=True, default="")
    fills_from = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class GateSerializer(serializers.Serializer):
    """A version of what a stage asks of a kind of opportunity."""

    id = serializers.IntegerField(source="gate.pk")
    stage = serializers.CharField(source="gate.stage")
    kind = serializers.CharField(source="gate.kind")
    version = serializers.IntegerField(source="gate.version")
    state = serializers.CharField(help_text="in_force, coming, past or withdrawn")
    effective_on = serializers.DateField(source="gate.effective_on")
    overrider = serializers.CharField(source="gate.overrider")
    note = serializers.CharField(source="gate.note")
    criteria = GateCriterionSerializer(many=True)


class GateInput(serializers.Serializer):
    """The next version for a stage and a kind; no criteria asks for nothing."""

    stage = serializers.ChoiceField(choices=[str(one) for one in StageGate.STAGES])
    kind = serializers.ChoiceField(choices=OpportunityKind.choices)
    criteria = GateCriterionSerializer(many=True)
    overrider = serializers.ChoiceField(choices=StageGate.Overrider.choices)
    effective_on = serializers.DateField()
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


def _today() -> Any:
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


def _shown(gate: StageGate) -> dict[str, Any]:
    versions = selectors.door_of(gate, _today()).versions
    return GateSerializer(next(one for one in versions if one.gate.pk == gate.pk)).data


class GatesView(GuardedView):
    """Every version of every gate, by kind and stage, the newest first."""

    policy = policies.SEE_GATES

    @extend_schema(operation_id="stage_gates", responses={200: GateSerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        versions = [one for door in selectors.doors(_today()) for one in door.versions]
        return Response(GateSerializer(versions, many=True).data)


class WriteGateView(GuardedView):
    """Write the next version, in force from a day that is not past."""

    policy = policies.WRITE_GATES

    @extend_schema(
        operation_id="write_stage_gate", request=GateInput, responses={201: GateSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        given = read(GateInput, request)
        gate = services.write_gate(
            stage=OpportunityStage(given["stage"]),
            kind=OpportunityKind(given["kind"]),
            criteria=[GateCriterion(**one) for one in given["criteria"]],
            overrider=StageGate.Overrider(given["overrider"]),
            effective_on=given["effective_on"],
            note=given["note"],
            today=_today(),
            at=timezone.now(),
            actor=request.user,
        )
        return Response(_shown(gate), status=201)


class WithdrawGateView(GuardedView):
    """Give up a version that is not in force yet; twice is once."""

    policy = policies.WRITE_GATES

    @extend_schema(
        operation_id="withdraw_stage_gate", request=None, responses={200: GateSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        gate = get_object_or_404(StageGate, pk=pk)
        gate = services.withdraw_gate(gate=gate, today=_today(), at=timezone.now(), actor=request.user)
        return Response(_shown(gate))
