"""Replays by API: ask one, follow it, read what it found, take its file."""

import uuid
from typing import Any

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.fresh import check_fresh
from apps.compensation import policies
from apps.compensation.models import Plan, PlanVersion, Replay, ReplayPay, ReportFormat
from apps.compensation.rules.moves import Who
from apps.compensation.selectors.replay_results import ReplayResults, results
from apps.compensation.services import replay_downloads, replays
from apps.compensation.views.statements import sent
from apps.core.api import PROBLEM, GuardedView, read, request_key
from apps.core.errors import InvalidInput
from apps.core.periods import NotAPeriod, Period, parse_period
from apps.core.policies import visible_or_404
from apps.reps.models import Rep, RepRole, Team

LISTED = 100


class TargetInput(serializers.Serializer):
    """One of the three: a plan as it was in force, one of its versions, or a plan document."""

    plan = serializers.IntegerField(required=False, min_value=1)
    version = serializers.IntegerField(required=False, min_value=1)
    document = serializers.JSONField(required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if len(given) != 1:
            raise serializers.ValidationError("Give one of plan, version and document.")
        return given


class ReplayMoveInput(serializers.Serializer):
    who = serializers.ChoiceField(choices=[one.value for one in Who])
    ids = serializers.ListField(
        child=serializers.CharField(max_length=20),
        required=False,
        default=list,
        help_text="Plans, teams or reps by number, roles by key; none for everybody.",
    )
    to = TargetInput()


class AlternativeInput(serializers.Serializer):
    name = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    moves = ReplayMoveInput(many=True, allow_empty=False)


class ReplayInput(serializers.Serializer):
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    months = serializers.IntegerField(min_value=1, max_value=replays.MOST_MONTHS)
    until = serializers.CharField(max_length=10, help_text="The last month, such as 2026-10.")
    everybody = serializers.BooleanField(
        required=False, default=False, help_text="All on a plan, not only those whom it concerns."
    )
    alternatives = AlternativeInput(many=True, allow_empty=False)

    def validate_until(self, text: str) -> Period:
        try:
            return parse_period(text)
        except NotAPeriod as error:
            raise serializers.ValidationError(str(error)) from error


class ReplaySerializer(serializers.Serializer):
    """A replay; ``fingerprint`` is null until it is worked out, and ``job`` tells how far it is."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(help_text="First day after the last period.")
    as_of = serializers.DateTimeField()
    asked_by = serializers.CharField(source="asked_by.name")
    fingerprint = serializers.CharField(source="outcome.fingerprint", allow_null=True, default=None)
    job = serializers.SerializerMethodField()

    def get_job(self, replay: Replay) -> int | None:
        jobs: dict[str, int] = self.context.get("jobs", {})
        return jobs.get(replay.job_key)


class SumsSerializer(serializers.Serializer):
    """``pay`` is in minor units, by alternative: 0 what was paid, 1 as it was, 2 and on the others."""

    key = serializers.CharField()
    name = serializers.CharField()
    pay = serializers.ListField(child=serializers.IntegerField())


class PersonSerializer(serializers.Serializer):
    rep = serializers.IntegerField(source="rep_id")
    name = serializers.CharField()
    role = serializers.CharField()
    team = serializers.CharField()
    won_minor = serializers.IntegerField()
    accepted = serializers.IntegerField()
    pay = serializers.ListField(child=serializers.IntegerField())


class AgreedSerializer(serializers.Serializer):
    """Pairs of people in one role whose revenue differs: paid in the same order, alike, the other way round."""

    alternative = serializers.IntegerField()
    agree = serializers.IntegerField()
    tied = serializers.IntegerField()
    against = serializers.IntegerField()


class ReplayProblemSerializer(serializers.Serializer):
    rep = serializers.IntegerField(source="rep_id")
    alternative = serializers.IntegerField()
    says = serializers.CharField()


class FoundSerializer(serializers.Serializer):
    """What a replay found in one currency; currencies are never added together."""

    replay = ReplaySerializer()
    currency = serializers.CharField()
    currencies = serializers.ListField(child=serializers.CharField())
    alternatives = serializers.ListField(child=serializers.CharField(), source="names")
    totals = serializers.ListField(child=serializers.IntegerField())
    won_minor = serializers.IntegerField()
    by_component = SumsSerializer(many=True)
    by_period = SumsSerializer(many=True)
    people = PersonSerializer(many=True)
    agreed = AgreedSerializer(many=True)
    left_out = ReplayProblemSerializer(many=True, source="problems")


def _shown(request: Request, found: list[Replay]) -> dict[str, Any]:
    return {"jobs": replays.jobs_of(found)}


def _visible(request: Request) -> Any:
    return Replay.objects.visible_to(request.user).select_related("asked_by", "outcome")


class ReplaysView(GuardedView):
    """The newest replays, and asking for one."""

    policy = policies.REPLAY_PLANS

    @extend_schema(operation_id="replays", responses={200: ReplaySerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        found = list(_visible(request)[:LISTED])
        return Response(ReplaySerializer(found, many=True, context=_shown(request, found)).data)

    @extend_schema(
        operation_id="ask_replay",
        request=ReplayInput,
        responses={202: ReplaySerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(ReplayInput, request)
        made, _ = replays.ask_replay(
            name=given["name"],
            months=given["months"],
            until=given["until"].last_day,
            alternatives=[
                replays.Alternative(one["name"], [_move(request, move) for move in one["moves"]])
                for one in given["alternatives"]
            ],
            everybody=given["everybody"],
            request_key=request_key(request) or f"api:{request.user.pk}:{uuid.uuid4().hex}",
            at=timezone.now(),
            actor=request.user,
        )
        return Response(ReplaySerializer(made, context=_shown(request, [made])).data, status=202)


def _move(request: Request, given: dict[str, Any]) -> replays.AskedMove:
    who = Who(given["who"])
    ids, says = _people(request, who, given["ids"])
    to = given["to"]
    if "plan" in to:
        plan = visible_or_404(Plan.objects.visible_to(request.user), pk=to["plan"])
        return replays.AskedMove(who, ids, says, replays.Target(plan=plan))
    if "version" in to:
        versions = PlanVersion.objects.visible_to(request.user).select_related("plan")
        version = visible_or_404(versions, pk=to["version"])
        return replays.AskedMove(who, ids, says, replays.Target(version=version))
    return replays.AskedMove(who, ids, says, replays.Target(document=to["document"], name="the API"))


def _people(request: Request, who: Who, ids: list[str]) -> tuple[list[int | str], str]:
    """The ids that ``who`` asks for, each within the caller's scope, and what people call them."""
    if who is Who.EVERYBODY:
        return [], "Everybody on any plan"
    if who is Who.ROLE:
        labels = dict(RepRole.choices)
        if not ids or set(ids) - set(labels):
            raise InvalidInput(f"ids: choose roles among {', '.join(labels)}.", field="ids")
        return list(ids), ", ".join(f"every {labels[one]}" for one in ids)
    models: dict[Who, Any] = {Who.PLAN: Plan, Who.TEAM: Team, Who.PEOPLE: Rep}
    visible = models[who].objects.visible_to(request.user)
    numbers = sorted({int(one) for one in ids if one.isascii() and one.isdigit()})
    names = dict(visible.filter(pk__in=numbers).values_list("pk", "name"))
    unknown = [one for one in ids if not one.isdigit() or int(one) not in names]
    if unknown or not ids:
        raise InvalidInput(f"ids: {', '.join(unknown) or 'none'} names no {who.value} of yours.", field="ids")
    return [*numbers], ", ".join(names[one] for one in numbers)[:300]


class ReplayView(GuardedView):
    """What one replay found; 409 while it is not worked out."""

    policy = policies.REPLAY_PLANS

    @extend_schema(
        operation_id="replay",
        parameters=[OpenApiParameter("currency", str, description="The main one without it.")],
        responses={200: FoundSerializer, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        found = visible_or_404(_visible(request), pk=pk)
        if not hasattr(found, "outcome"):
            raise replays.UnableToReplay("The replay is not worked out yet: follow its job.")
        shown = results(found, request.query_params.get("currency", ""))
        return Response(FoundSerializer(_told(shown), context=_shown(request, [found])).data)


def _told(shown: ReplayResults) -> dict[str, Any]:
    numbers = range(ReplayPay.IN_FORCE, len(shown.names))
    names = ("replay", "currency", "currencies", "names", "won_minor", "by_component", "by_period", "people")
    agreed = []
    for number in numbers:
        pairs = shown.agreement(number).pairs
        agreed.append(
            {"alternative": number, "agree": pairs.agree, "tied": pairs.tied, "against": pairs.against}
        )
    return {
        **{name: getattr(shown, name) for name in (*names, "problems")},
        "totals": [shown.total(number) for number in range(len(shown.names))],
        "agreed": agreed,
    }


class ReplayFileInput(serializers.Serializer):
    format = serializers.ChoiceField(choices=ReportFormat.choices)


class ReplayFileView(GuardedView):
    """The figures as a file; that it was taken is recorded."""

    policy = policies.REPLAY_PLANS

    @extend_schema(
        operation_id="download_replay",
        request=ReplayFileInput,
        responses={
            200: OpenApiResponse(OpenApiTypes.BINARY),
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request, pk: int) -> FileResponse:
        check_fresh(request._request)
        found = visible_or_404(_visible(request), pk=pk)
        given = read(ReplayFileInput, request)
        made = replay_downloads.download_replay(
            replay=found, file_format=given["format"], at=timezone.now(), actor=request.user
        )
        return sent(made)
