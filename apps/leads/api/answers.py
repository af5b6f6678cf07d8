"""Endpoints of answers: take one back, contest a rejection, and what follows from that."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.keyset import page_of
from apps.core.policies import visible_or_404
from apps.leads import answer_policies, policies
from apps.leads.api import answer_serializers as serializers
from apps.leads.api.serializers import HandOffSerializer
from apps.leads.models import Contest, ContestState, Source
from apps.leads.selectors import contests as contest_rows
from apps.leads.selectors import hand_offs as hand_off_rows
from apps.leads.services import contests, unanswering

_REFUSALS: dict[int, Any] = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}
_ANSWERS = {200: serializers.ContestSerializer, **_REFUSALS}


class UndoAnswerView(GuardedView):
    """Take one's answer to a hand-off back, within a minute."""

    policy = policies.DECIDE_HAND_OFF

    @extend_schema(
        operation_id="undo_answer",
        request=None,
        responses={200: serializers.TakenBackSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        hand_off = visible_or_404(hand_off_rows.dossier_rows(request.user), pk=pk)
        self.policy.check(request.user, hand_off)
        back = unanswering.take_answer_back(
            hand_off=hand_off, at=timezone.now(), actor=request.user, source=Source.API
        )
        shown = {"hand_off": HandOffSerializer(back.hand_off).data, "meeting_back": back.meeting_back}
        return Response(shown)


class ContestHandOffView(GuardedView):
    """Contest a rejection, with a written reason."""

    policy = answer_policies.CONTEST

    @extend_schema(
        operation_id="contest_hand_off",
        request=serializers.ContestInput,
        responses={201: serializers.ContestSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        hand_off = visible_or_404(hand_off_rows.dossier_rows(request.user), pk=pk)
        self.policy.check(request.user, hand_off)
        given = read(serializers.ContestInput, request)
        opened = contests.open_contest(
            hand_off=hand_off,
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(serializers.ContestSerializer(opened).data, status=201)


class ContestsView(GuardedView):
    """Contests in the caller's scope, the latest first."""

    policy = answer_policies.SEE_CONTESTS

    @extend_schema(
        operation_id="contests",
        parameters=[
            OpenApiParameter("after", str, description="The cursor that the page before gave."),
            OpenApiParameter("state", str, enum=ContestState.values),
            OpenApiParameter("to_judge", bool, description="Only those that wait for the caller's decision."),
        ],
        responses={200: serializers.ContestPageSerializer, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        rows = contest_rows.contest_rows(request.user)
        if (state := request.query_params.get("state", "")) in ContestState.values:
            rows = rows.filter(state=state)
        if request.query_params.get("to_judge", "").lower() in ("1", "true"):
            rows = rows.filter(judge=request.user.pk, state=ContestState.OPEN)
        page = page_of(rows, by=("-opened_at", "-pk"), after=request.query_params.get("after", ""))
        shown = {"results": page.rows, "next_after": page.next_after}
        return Response(serializers.ContestPageSerializer(shown).data)


class _OneContest(GuardedView):
    """What acts on one contest within the caller's scope."""

    def found(self, request: Request, pk: int) -> Contest:
        contest: Contest = visible_or_404(contest_rows.contest_rows(request.user), pk=pk)
        self.policy.check(request.user, contest)
        return contest


class ContestView(_OneContest):
    """One contest."""

    policy = answer_policies.SEE_CONTESTS

    @extend_schema(
        operation_id="contest", responses={200: serializers.ContestSerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(serializers.ContestSerializer(self.found(request, pk)).data)


class StatementView(_OneContest):
    """Add one side's statement, once."""

    policy = answer_policies.STATE_IN_CONTEST

    @extend_schema(operation_id="state_in_contest", request=serializers.StatementInput, responses=_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        found = self.found(request, pk)
        given = read(serializers.StatementInput, request)
        done = contests.add_statement(
            contest=found, text=given["statement"], at=timezone.now(), actor=request.user
        )
        return Response(serializers.ContestSerializer(done).data)


class WithdrawView(_OneContest):
    """Let the rejection stand."""

    policy = answer_policies.WITHDRAW_CONTEST

    @extend_schema(operation_id="withdraw_contest", request=None, responses=_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        done = contests.withdraw_contest(
            contest=self.found(request, pk), at=timezone.now(), actor=request.user
        )
        return Response(serializers.ContestSerializer(done).data)


class DecideView(_OneContest):
    """The judge's decision: upheld, it moves the credit to the SDR; the deal may go on with another AE."""

    policy = answer_policies.JUDGE_CONTEST

    @extend_schema(operation_id="decide_contest", request=serializers.DecisionInput, responses=_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        found = self.found(request, pk)
        given = read(serializers.DecisionInput, request)
        done = contests.decide_contest(
            contest=found,
            uphold=given["decision"] != "dismiss",
            with_another=given["decision"] == "uphold_with_another",
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
            source=Source.API,
        )
        return Response(serializers.ContestSerializer(done).data)
