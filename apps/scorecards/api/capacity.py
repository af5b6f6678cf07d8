"""Capacity, assumptions and hiring scenarios by API: the same selectors, services and refusals as behind the pages.

Exact figures are fractions in text; amounts are minor units.
"""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.periods import NotAPeriod, Period, month_of, parse_period
from apps.core.policies import visible_or_404
from apps.reps.models import RepRole
from apps.scorecards import capacity_policies as policies
from apps.scorecards.models import Assumption, HiringScenario
from apps.scorecards.presentation_hiring import break_words
from apps.scorecards.rules.hiring import breaks, play
from apps.scorecards.rules.hiring_draft import plan_of, read_draft
from apps.scorecards.selectors.capacity import Capacity, capacity_of
from apps.scorecards.selectors.cards import in_month
from apps.scorecards.selectors.velocity import velocity_of
from apps.scorecards.services import assumptions, hiring
from apps.scorecards.views import asked
from apps.scorecards.views.capacity import reps_for, scope_of

MONTH = OpenApiParameter("month", str, description="A month such as 2026-10; the last whole one without it.")


class CapacityPersonSerializer(serializers.Serializer):
    rep = serializers.IntegerField(source="rep_id")
    name = serializers.CharField()
    total = serializers.CharField(allow_null=True)
    rate = serializers.CharField(allow_null=True, help_text="In the unit of the assumption.")
    missing = serializers.CharField()
    days = serializers.IntegerField(help_text="Working days that the rep was there.")
    not_counted = serializers.CharField(source="why_not", help_text="Why not; empty for who counts.")


class CapacityRoleSerializer(serializers.Serializer):
    role = serializers.CharField()
    metric = serializers.CharField(source="metric.key")
    over = serializers.CharField(source="basis.code")
    assumed = serializers.CharField(source="verdict.assumption.value")
    counted_per = serializers.CharField(source="verdict.assumption.per", help_text="month, day or level.")
    mean = serializers.CharField(source="verdict.mean", allow_null=True)
    share_below = serializers.CharField(source="verdict.share", allow_null=True)
    is_unused = serializers.BooleanField(source="verdict.is_unused")
    rule = serializers.CharField(source="verdict.rule_words")
    people = CapacityPersonSerializer(source="verdict.people", many=True)


class SkewSerializer(serializers.Serializer):
    role = serializers.CharField()
    metric = serializers.CharField(source="metric.key")
    currency = serializers.CharField()
    over = serializers.CharField(source="basis.code")
    mean = serializers.CharField(source="without_two.mean", allow_null=True)
    mean_without_one = serializers.CharField(source="without_one.mean_without", allow_null=True)
    mean_without_two = serializers.CharField(source="without_two.mean_without", allow_null=True)
    falls_without_one = serializers.CharField(source="without_one.fall", allow_null=True)
    falls_without_two = serializers.CharField(source="without_two.fall", allow_null=True)


class GrowthSerializer(serializers.Serializer):
    month = serializers.CharField(source="month.code")
    leads = serializers.IntegerField()
    before = serializers.IntegerField()
    rate = serializers.CharField(allow_null=True, help_text="null: nothing to grow from.")
    words = serializers.CharField()


class CapacitySerializer(serializers.Serializer):
    month = serializers.CharField()
    roles = CapacityRoleSerializer(many=True)
    skews = SkewSerializer(many=True)
    lead_velocity = GrowthSerializer(many=True)


class AssumptionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Assumption
        fields = ("id", "role", "metric", "value", "per", "effective_on", "set_at")


class AssumptionInput(serializers.Serializer):
    """A rate is a fraction of one, counted "level"."""

    role = serializers.ChoiceField(choices=RepRole.choices)
    metric = serializers.CharField()
    value = serializers.DecimalField(max_digits=14, decimal_places=4)
    per = serializers.ChoiceField(choices=Assumption.Per.choices)
    month = serializers.CharField(help_text="The first month it holds for, such as 2026-12.")


class ScenarioSerializer(serializers.ModelSerializer):
    plan = serializers.JSONField(source="document")

    class Meta:
        model = HiringScenario
        fields = ("id", "name", "plan", "version", "saved_at")


class ScenarioInput(serializers.Serializer):
    """``plan`` as a saved scenario gives it: percents and figures as text, amounts in minor units."""

    name = serializers.CharField(max_length=80)
    plan = serializers.DictField()


class ScenarioChangeInput(ScenarioInput):
    version = serializers.IntegerField(help_text="The one that was read; a later one refuses.")


class PlannedMonthSerializer(serializers.Serializer):
    month = serializers.CharField(source="month.code")
    leads = serializers.CharField()
    capacity = serializers.SerializerMethodField()
    left_over = serializers.CharField()
    meetings = serializers.CharField()
    hours_left = serializers.CharField()
    won = serializers.CharField()
    spent_minor = serializers.IntegerField()

    def get_capacity(self, month: Any) -> str:
        return str(month.capacity("isr"))


class PlannedBreakSerializer(serializers.Serializer):
    what = serializers.CharField(help_text="hands, leads, hours or budget.")
    month = serializers.CharField()
    by = serializers.CharField()
    rule = serializers.CharField()


class ScenarioPlayedSerializer(serializers.Serializer):
    scenario = ScenarioSerializer()
    months = PlannedMonthSerializer(many=True)
    breaks = PlannedBreakSerializer(many=True)


def month_given(text: str, *, usual: Period | None = None) -> Period:
    if not text and usual is not None:
        return usual
    try:
        found = parse_period(text)
    except NotAPeriod as error:
        raise InvalidInput(str(error), field="month") from error
    if found != month_of(found.start):
        raise InvalidInput(f"{text!r} is not a month such as 2026-10.", field="month")
    return found


class CapacityView(GuardedView):
    """A month's capacity of those in one's scope, with skew and lead velocity."""

    policy = policies.SEE_CAPACITY

    @extend_schema(
        operation_id="capacity",
        parameters=[MONTH],
        responses={200: CapacitySerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        today = asked.today()
        month = month_given(request.query_params.get("month", ""), usual=month_of(today).previous())
        reps = reps_for(request.user).filter(in_month(month))
        found: Capacity = capacity_of(reps=reps, month=month, today=today)
        whole = month if month.end <= today else month.previous()
        growth = velocity_of(month=whole, kind="mql", teams=scope_of(request.user, None))
        told = {
            "month": month.code,
            "roles": found.roles,
            "skews": found.skews,
            "lead_velocity": growth.growths,
        }
        return Response(CapacitySerializer(told).data)


class AssumptionsView(GuardedView):
    """What was assumed from which month on, newest first in each role and metric."""

    policy = policies.SEE_CAPACITY

    @extend_schema(operation_id="assumptions", responses={200: AssumptionSerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        found = Assumption.objects.visible_to(request.user)
        return Response(AssumptionSerializer(found, many=True).data)


class SetAssumptionView(GuardedView):
    """Assume something of a role from a month on; 204 where that holds already."""

    policy = policies.WRITE_ASSUMPTION

    @extend_schema(
        operation_id="set_assumption",
        request=AssumptionInput,
        responses={201: AssumptionSerializer, 204: None, 400: PROBLEM, 403: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(AssumptionInput, request)
        month = month_given(given.pop("month"))
        made = assumptions.set_assumption(**given, month=month, at=timezone.now(), actor=request.user)
        if made is None:
            return Response(status=204)
        return Response(AssumptionSerializer(made).data, status=201)


class ScenariosView(GuardedView):
    """One's hiring scenarios; RevOps sees all. POST saves a new one."""

    policy = policies.PLAN_HIRING

    @extend_schema(
        operation_id="hiring_scenarios", responses={200: ScenarioSerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        found = HiringScenario.objects.visible_to(request.user).kept()[:100]
        return Response(ScenarioSerializer(found, many=True).data)

    @extend_schema(
        operation_id="save_hiring_scenario",
        request=ScenarioInput,
        responses={201: ScenarioSerializer, 400: PROBLEM, 403: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(ScenarioInput, request)
        draft = read_draft(given["name"], given["plan"])
        made = hiring.save_scenario(draft=draft, at=timezone.now(), actor=request.user)
        return Response(ScenarioSerializer(made).data, status=201)


class ScenarioView(GuardedView):
    """One scenario played forward, with what breaks first. PUT changes it."""

    policy = policies.PLAN_HIRING

    def _found(self, request: Request, pk: int) -> HiringScenario:
        found: HiringScenario = visible_or_404(HiringScenario.objects.visible_to(request.user).kept(), pk=pk)
        return found

    @extend_schema(
        operation_id="hiring_scenario",
        responses={200: ScenarioPlayedSerializer, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        found = self._found(request, pk)
        draft = hiring.draft_of(found)
        plan = plan_of(draft)
        months = play(plan)
        told = {
            "scenario": found,
            "months": months,
            "breaks": [
                {
                    "what": one.what,
                    "month": one.month.code,
                    "by": str(one.by),
                    "rule": break_words(plan, months, one, draft.currency)["rule"],
                }
                for one in breaks(plan, months)
            ],
        }
        return Response(ScenarioPlayedSerializer(told).data)

    @extend_schema(
        operation_id="change_hiring_scenario",
        request=ScenarioChangeInput,
        responses={200: ScenarioSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def put(self, request: Request, pk: int) -> Response:
        found = self._found(request, pk)
        given = read(ScenarioChangeInput, request)
        changed = hiring.change_scenario(
            scenario=found,
            draft=read_draft(given["name"], given["plan"]),
            seen_version=given["version"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response(ScenarioSerializer(changed).data)
