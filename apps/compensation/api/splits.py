"""Credits by hand by API: what waits and was decided, asking for one, and the decision."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compensation import policies
from apps.compensation.models import CreditSplit, CreditSplitPart
from apps.compensation.selectors import splits as selectors
from apps.compensation.services import credit_splits as services
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.keyset import page_of
from apps.core.policies import visible_or_404
from apps.leads.models import WHOLE_SHARE, Capacity
from apps.leads.selectors.events import event_for
from apps.reps.models import Rep

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


class SplitPartSerializer(serializers.ModelSerializer):
    """A rep's share before and after, in millionths."""

    name = serializers.CharField(source="rep.name")

    class Meta:
        model = CreditSplitPart
        fields = ("rep", "name", "share_before", "share")


class SplitSerializer(serializers.ModelSerializer):
    """A split of one event's credit; ``verdict`` is empty while it waits."""

    parts = SplitPartSerializer(many=True)
    verdict = serializers.CharField()
    decided_by = serializers.CharField(source="decision.by.name", default=None)
    decided_at = serializers.DateTimeField(source="decision.at", default=None)
    words = serializers.CharField(source="decision.words", default="")
    proposed_by = serializers.CharField(source="proposed_by.name")

    class Meta:
        model = CreditSplit
        fields = (
            "id", "event", "capacity", "number", "reason", "proposed_by", "proposed_at", "reverses", "parts",
            "verdict", "decided_by", "decided_at", "words",
        )  # fmt: skip


class SplitsSerializer(serializers.Serializer):
    """A page of splits; ``next_after`` is the cursor of the page behind it."""

    splits = SplitSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class ShareInput(serializers.Serializer):
    rep = serializers.IntegerField()
    share = serializers.IntegerField(min_value=1, max_value=WHOLE_SHARE, help_text="In millionths.")


class SplitInput(serializers.Serializer):
    """What is asked for; the shares sum to a million."""

    event = serializers.IntegerField()
    capacity = serializers.ChoiceField(choices=Capacity.choices)
    shares = ShareInput(many=True)
    reason = serializers.CharField(max_length=services.MOST_WORDS)


class DeclineInput(serializers.Serializer):
    words = serializers.CharField(max_length=services.MOST_WORDS)


class TakeBackInput(serializers.Serializer):
    reason = serializers.CharField(max_length=services.MOST_WORDS)


def _found(request: Request, pk: int) -> CreditSplit:
    found: CreditSplit = visible_or_404(selectors.splits_for(request.user), pk=pk)
    return found


def _shown(request: Request, pk: int, status: int = 200) -> Response:
    return Response(SplitSerializer(_found(request, pk)).data, status=status)


class SplitsView(GuardedView):
    """Splits in the caller's scope, the newest first; and asking for one."""

    policy = policies.SEE_SPLITS

    @extend_schema(operation_id="credit_splits", responses={200: SplitsSerializer, 403: PROBLEM})
    def get(self, request: Request) -> Response:
        rows = selectors.splits_for(request.user)
        if request.query_params.get("waiting") == "1":
            rows = rows.filter(decision__isnull=True)
        page = page_of(rows, by=("-proposed_at", "-pk"), after=request.query_params.get("after", ""))
        return Response(SplitsSerializer({"splits": page.rows, "next_after": page.next_after}).data)

    @extend_schema(
        operation_id="propose_credit_split", request=SplitInput, responses={201: SplitSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        policies.PROPOSE_SPLIT.check(request.user, None)
        given = read(SplitInput, request)
        event = visible_or_404(event_for(request.user), pk=given["event"])
        shares: dict[int, int] = {}
        for one in given["shares"]:
            if one["rep"] in shares:
                raise InvalidInput("Name everybody once.", field="shares")
            shares[one["rep"]] = one["share"]
        reps = Rep.objects.in_bulk(shares)
        if missing := sorted(set(shares) - set(reps)):
            raise InvalidInput(f"There is no rep {missing[0]}.", field="shares")
        made = services.propose_split(
            event=event,
            capacity=Capacity(given["capacity"]),
            shares={reps[pk]: share for pk, share in shares.items()},
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
        )
        return _shown(request, made.pk, 201)


class SplitView(GuardedView):
    """One split."""

    policy = policies.SEE_SPLITS

    @extend_schema(operation_id="credit_split", responses={200: SplitSerializer, 403: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, pk: int) -> Response:
        return _shown(request, pk)


class ApproveSplitView(GuardedView):
    """Let a split count from now on; not for who proposed it or gains by it."""

    policy = policies.DECIDE_SPLIT

    @extend_schema(
        operation_id="approve_credit_split", request=None, responses={200: SplitSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        services.approve_split(split=found, at=timezone.now(), actor=request.user)
        return _shown(request, pk)


class DeclineSplitView(GuardedView):
    """Say no, with a reason."""

    policy = policies.DECIDE_SPLIT

    @extend_schema(
        operation_id="decline_credit_split",
        request=DeclineInput,
        responses={200: SplitSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        self.policy.check(request.user, found)
        given: dict[str, Any] = read(DeclineInput, request)
        services.decline_split(split=found, words=given["words"], at=timezone.now(), actor=request.user)
        return _shown(request, pk)


class WithdrawSplitView(GuardedView):
    """Take back what the caller asked for."""

    policy = policies.PROPOSE_SPLIT

    @extend_schema(
        operation_id="withdraw_credit_split", request=None, responses={200: SplitSerializer, **_REFUSALS}
    )
    def post(self, request: Request, pk: int) -> Response:
        services.withdraw_split(split=_found(request, pk), at=timezone.now(), actor=request.user)
        return _shown(request, pk)


class TakeBackSplitView(GuardedView):
    """Ask that an approved split be taken back; the answer is the split that would do so."""

    policy = policies.PROPOSE_SPLIT

    @extend_schema(
        operation_id="take_back_credit_split",
        request=TakeBackInput,
        responses={201: SplitSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        found = _found(request, pk)
        given = read(TakeBackInput, request)
        made = services.propose_reversal(
            split=found, reason=given["reason"], at=timezone.now(), actor=request.user
        )
        return _shown(request, made.pk, 201)
