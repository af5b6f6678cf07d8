"""Training and coaching by API: the same selectors, services and refusals as behind the pages."""

from fractions import Fraction
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.policies import visible_or_404
from apps.leads.models import Meeting
from apps.reps.models import Rep, RepRole
from apps.scorecards import capacity_policies as policies
from apps.scorecards.api.capacity import month_given
from apps.scorecards.models import (
    Certification,
    CertificationResult,
    PracticeGoal,
    SharedRecording,
    SupportAction,
    SupportAnswer,
    TrainingDue,
    TrainingSession,
    reps_in_training_for,
)
from apps.scorecards.rules.training import state_on
from apps.scorecards.selectors.coaching import progress_of, recorded_meetings
from apps.scorecards.selectors.training import dues_for
from apps.scorecards.services import coaching, support, training
from apps.scorecards.views import asked

MOST = 500


class CertificationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Certification
        fields = ("id", "role", "name", "says", "valid_months", "pass_score", "asked_from", "retired_at")


class CertificationInput(serializers.Serializer):
    role = serializers.ChoiceField(choices=RepRole.choices)
    name = serializers.CharField(max_length=80)
    says = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    valid_months = serializers.IntegerField(required=False, default=12)
    pass_score = serializers.IntegerField(required=False, allow_null=True, default=None)
    asked_from = serializers.DateField()


class TrainingDueSerializer(serializers.ModelSerializer):
    state = serializers.SerializerMethodField(help_text="done, due or overdue today.")

    class Meta:
        model = TrainingDue
        fields = ("rep", "certification", "due_on", "was_passed", "state")

    def get_state(self, due: TrainingDue) -> str:
        return state_on(asked.today(), due=due.due_on, was_passed=due.was_passed).value


class TrainingSessionSerializer(serializers.ModelSerializer):
    class Meta:
        model = TrainingSession
        fields = ("id", "title", "certification", "starts_at", "trainer", "material_url")


class TrainingSessionInput(serializers.Serializer):
    title = serializers.CharField(max_length=120)
    starts_at = serializers.DateTimeField()
    reps = serializers.ListField(child=serializers.IntegerField(), min_length=1, max_length=500)
    trainer = serializers.IntegerField(required=False, help_text="A person; oneself without it.")
    certification = serializers.IntegerField(required=False)
    material_url = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class CertificationResultSerializer(serializers.ModelSerializer):
    class Meta:
        model = CertificationResult
        fields = (
            "id", "certification", "rep", "session", "taken_on", "score", "is_pass", "valid_until",
            "takes_back", "recorded_at",
        )  # fmt: skip


class CertificationResultInput(serializers.Serializer):
    certification = serializers.IntegerField()
    rep = serializers.IntegerField()
    taken_on = serializers.DateField()
    score = serializers.IntegerField(required=False, allow_null=True, default=None)
    is_pass = serializers.BooleanField(required=False, allow_null=True, default=None)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class PracticeGoalSerializer(serializers.ModelSerializer):
    class Meta:
        model = PracticeGoal
        fields = (
            "id", "rep", "metric", "months", "baseline", "aim", "ends_on", "tier_from", "tier_to", "why", "set_at",
        )  # fmt: skip


class GoalProgressSerializer(serializers.Serializer):
    goal = PracticeGoalSerializer()
    now = serializers.CharField(allow_null=True)
    over = serializers.CharField(source="basis.code")
    goal_state = serializers.CharField(source="state.value", help_text="running, reached, missed or ended.")


class PracticeGoalInput(serializers.Serializer):
    """``aim`` is exact: minor units, a fraction of one for a rate ("0.285" or "57/200")."""

    rep = serializers.IntegerField()
    metric = serializers.CharField()
    aim = serializers.CharField(max_length=40)
    last_month = serializers.CharField()
    why = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class SupportActionSerializer(serializers.ModelSerializer):
    class Meta:
        model = SupportAction
        fields = ("id", "rep", "month_on", "reason", "raised_at", "is_open", "escalations", "escalate_at")


class SupportAnswerInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=SupportAnswer.Kind.choices)
    text = serializers.CharField(max_length=500)


class RecordedMeetingSerializer(serializers.ModelSerializer):
    class Meta:
        model = Meeting
        fields = ("id", "ae", "lead", "starts_at", "recording_url")


class ShareRecordingInput(serializers.Serializer):
    reps = serializers.ListField(child=serializers.IntegerField(), min_length=1, max_length=500)
    why = serializers.CharField(max_length=300)


class SharedRecordingSerializer(serializers.ModelSerializer):
    class Meta:
        model = SharedRecording
        fields = ("id", "meeting", "rep", "url", "why", "shared_at")


def _reps(request: Request, ids: list[int]) -> list[Rep]:
    """Those of one's scope, all of them or 404."""
    found = list(reps_in_training_for(request.user).filter(pk__in=ids).select_related("team"))
    if len(found) != len(set(ids)):
        visible_or_404(Rep.objects.none(), pk=0)
    return found


class CertificationsView(GuardedView):
    """What is asked of which role."""

    policy = policies.SEE_TRAINING

    @extend_schema(
        operation_id="certifications", responses={200: CertificationSerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        found = Certification.objects.visible_to(request.user).in_use()
        return Response(CertificationSerializer(found, many=True).data)


class WriteCertificationView(GuardedView):
    """Ask something of a role."""

    policy = policies.WRITE_CERTIFICATION

    @extend_schema(
        operation_id="write_certification",
        request=CertificationInput,
        responses={201: CertificationSerializer, 400: PROBLEM, 403: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        draft = training.CertificationDraft(**read(CertificationInput, request))
        made = training.write_certification(draft=draft, at=timezone.now(), actor=request.user)
        return Response(CertificationSerializer(made).data, status=201)


class TrainingDuesView(GuardedView):
    """Who is done, due and overdue, of those in one's scope."""

    policy = policies.SEE_TRAINING

    @extend_schema(
        operation_id="training_dues", responses={200: TrainingDueSerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        return Response(TrainingDueSerializer(dues_for(request.user)[:MOST], many=True).data)


class TrainingSessionsView(GuardedView):
    """Plan a training, or note one that was held."""

    policy = policies.TRAIN

    @extend_schema(
        operation_id="plan_training",
        request=TrainingSessionInput,
        responses={201: TrainingSessionSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(TrainingSessionInput, request)
        asked_for: Any = given.pop("certification", None)
        trainer: Any = given.pop("trainer", None)
        certifications = Certification.objects.visible_to(request.user).in_use()
        trainers = User.objects.filter(is_active=True)
        made = training.plan_session(
            title=given["title"],
            starts_at=given["starts_at"],
            material_url=given["material_url"],
            reps=_reps(request, given["reps"]),
            certification=visible_or_404(certifications, pk=asked_for) if asked_for else None,
            trainer=visible_or_404(trainers, pk=trainer) if trainer else request.user,
            at=timezone.now(),
            actor=request.user,
        )
        return Response(TrainingSessionSerializer(made).data, status=201)


class CertificationResultsView(GuardedView):
    """Record how somebody did; the same again changes nothing."""

    policy = policies.TRAIN

    @extend_schema(
        operation_id="record_certification_result",
        request=CertificationResultInput,
        responses={
            201: CertificationResultSerializer,
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request) -> Response:
        given = read(CertificationResultInput, request)
        certifications = Certification.objects.visible_to(request.user).in_use()
        certification = visible_or_404(certifications, pk=given.pop("certification"))
        [rep] = _reps(request, [given.pop("rep")])
        made = training.record_result(
            certification=certification, rep=rep, **given, at=timezone.now(), actor=request.user
        )
        return Response(CertificationResultSerializer(made).data, status=201)


class PracticeGoalsView(GuardedView):
    """The goals in one's scope with what the record holds of them now. POST agrees one."""

    policy = policies.COACH

    @extend_schema(
        operation_id="practice_goals", responses={200: GoalProgressSerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        goals = PracticeGoal.objects.visible_to(request.user).select_related("rep__team", "end")[:100]
        return Response(GoalProgressSerializer(progress_of(goals, asked.today()), many=True).data)

    @extend_schema(
        operation_id="set_practice_goal",
        request=PracticeGoalInput,
        responses={201: PracticeGoalSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(PracticeGoalInput, request)
        [rep] = _reps(request, [given["rep"]])
        self.policy.check(request.user, rep)
        try:
            aim = Fraction(given["aim"])
        except (ValueError, ZeroDivisionError) as error:
            raise InvalidInput("Write the aim as 0.285 or 57/200.", field="aim") from error
        made = coaching.set_goal(
            rep=rep,
            metric=given["metric"],
            aim=aim,
            last_month=month_given(given["last_month"]),
            why=given["why"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response(PracticeGoalSerializer(made).data, status=201)


class SupportView(GuardedView):
    """What is asked of a manager for those on the lowest tier, and still open."""

    policy = policies.SEE_COACHING

    @extend_schema(
        operation_id="support_asked", responses={200: SupportActionSerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        found = SupportAction.objects.open().visible_to(request.user)
        return Response(SupportActionSerializer(found[:MOST], many=True).data)


class SupportAnswerView(GuardedView):
    """Say what is done; the AE reads it."""

    policy = policies.ANSWER_SUPPORT

    @extend_schema(
        operation_id="answer_support",
        request=SupportAnswerInput,
        responses={200: SupportActionSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = visible_or_404(
            SupportAction.objects.visible_to(request.user).select_related("rep__user"), pk=pk
        )
        given = read(SupportAnswerInput, request)
        support.answer_support(action=found, **given, at=timezone.now(), actor=request.user)
        return Response(SupportActionSerializer(found).data)


class RecordedMeetingsView(GuardedView):
    """Recorded meetings that one may see, the newest first."""

    policy = policies.SEE_COACHING

    @extend_schema(
        operation_id="recorded_meetings", responses={200: RecordedMeetingSerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        return Response(RecordedMeetingSerializer(recorded_meetings(request.user)[:100], many=True).data)


class ShareRecordingView(GuardedView):
    """Name a recorded meeting to people of one's teams."""

    policy = policies.SHARE_RECORDING

    @extend_schema(
        operation_id="share_recording",
        request=ShareRecordingInput,
        responses={
            201: SharedRecordingSerializer(many=True),
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        meeting = visible_or_404(Meeting.objects.visible_to(request.user), pk=pk)
        given = read(ShareRecordingInput, request)
        made = coaching.share_recording(
            meeting=meeting,
            reps=_reps(request, given["reps"]),
            why=given["why"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response(SharedRecordingSerializer(made, many=True).data, status=201)
