"""The ranking by API: of any day, one standing whole, policies with drafts and replay, holds.

The same selectors, services, policies and refusals as behind the pages. Exact figures are fractions in text.
"""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.policies import visible_or_404
from apps.reps.models import Rep
from apps.scorecards import policies
from apps.scorecards.models import Decides, PeerGroup, RankingHold, RankingPolicy, reps_with_cards_for
from apps.scorecards.presentation_ranking import adjusted_words, sees_group
from apps.scorecards.rules import ranking as rules
from apps.scorecards.selectors import ranking_standing
from apps.scorecards.selectors.ranking import Group
from apps.scorecards.selectors.ranking_replay import MONTHS, replay
from apps.scorecards.services import ranking_holds, ranking_policies
from apps.scorecards.views import asked

AS_OF = OpenApiParameter("as_of", str, description="A day such as 2026-11-01; the newest ranking without it.")


class TermSerializer(serializers.Serializer):
    metric = serializers.CharField(source="key")
    own = serializers.CharField(allow_null=True)
    mean = serializers.CharField(allow_null=True, help_text="Of the peers; expected, where adjusted.")
    ratio = serializers.CharField(help_text="Held between the bounds.")
    weight = serializers.CharField()


class AdjustedSerializer(serializers.Serializer):
    index = serializers.CharField(allow_null=True, help_text="null: too little to adjust by.")
    why = serializers.CharField()
    wins_expected = serializers.CharField(source="expected")
    won = serializers.CharField()
    words = serializers.SerializerMethodField()
    terms = TermSerializer(many=True)

    def get_words(self, adjusted: rules.Adjusted) -> str:
        return adjusted_words(adjusted)


class RankedSerializer(serializers.Serializer):
    rep = serializers.IntegerField(source="peer.rep_id")
    name = serializers.CharField()
    rank = serializers.IntegerField()
    of = serializers.IntegerField()
    index = serializers.CharField(help_text="The raw one.")
    adjusted = AdjustedSerializer(allow_null=True)
    tier_before = serializers.IntegerField(source="peer.tier")
    tier_after = serializers.IntegerField()
    move = serializers.CharField(help_text="up, down or stay.")
    is_held = serializers.BooleanField(source="peer.is_held")
    reason = serializers.CharField()
    terms = TermSerializer(many=True)


class RankingGroupSerializer(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    standings = RankedSerializer(many=True)


class RankingSerializer(serializers.Serializer):
    """A ranking: the kept one of that day, else worked out from what was on record by the end of it."""

    as_of = serializers.DateField()
    period = serializers.CharField(source="period.code")
    policy = serializers.IntegerField(source="policy.version")
    decides = serializers.CharField(source="policy.decides")
    is_kept = serializers.BooleanField()
    is_frozen = serializers.BooleanField()
    groups = RankingGroupSerializer(many=True)


class StandingSerializer(serializers.Serializer):
    as_of = serializers.DateField()
    period = serializers.CharField()
    standing = RankedSerializer(allow_null=True)
    nearest_step = serializers.CharField(allow_blank=True)


class RankingPolicySerializer(serializers.ModelSerializer):
    """A version, or a draft (without version and day). Weights are percents by metric."""

    class Meta:
        model = RankingPolicy
        fields = (
            "id", "version", "effective_on", "note", "weights", "months", "peer_group", "floor", "ceiling",
            "up_at", "down_at", "least_closed", "decides", "least_expected", "least_in_cell", "days_to_hold",
        )  # fmt: skip


class RankingDraftInput(serializers.Serializer):
    """What is left out is as in the product's defaults."""

    weights = serializers.DictField(child=serializers.IntegerField())
    months = serializers.IntegerField(required=False)
    peer_group = serializers.ChoiceField(choices=PeerGroup.choices, required=False)
    floor = serializers.DecimalField(max_digits=4, decimal_places=2, required=False)
    ceiling = serializers.DecimalField(max_digits=4, decimal_places=2, required=False)
    up_at = serializers.DecimalField(max_digits=4, decimal_places=2, required=False)
    down_at = serializers.DecimalField(max_digits=4, decimal_places=2, required=False)
    least_closed = serializers.IntegerField(required=False)
    decides = serializers.ChoiceField(choices=Decides.choices, required=False)
    least_expected = serializers.DecimalField(max_digits=5, decimal_places=2, required=False)
    least_in_cell = serializers.IntegerField(required=False)
    days_to_hold = serializers.IntegerField(required=False)
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)


class InForceInput(serializers.Serializer):
    effective_on = serializers.DateField()


class ReplayLineSerializer(serializers.Serializer):
    month = serializers.CharField()
    rep = serializers.IntegerField()
    name = serializers.CharField()
    tier_then = serializers.IntegerField(allow_null=True)
    tier_draft = serializers.IntegerField()
    index_draft = serializers.CharField()


class HoldInput(serializers.Serializer):
    rep = serializers.IntegerField(min_value=1)
    last_day = serializers.DateField()
    reason = serializers.CharField(max_length=500)


class LiftInput(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class HoldSerializer(serializers.ModelSerializer):
    class Meta:
        model = RankingHold
        fields = ("id", "rep", "starts_on", "ends_on", "reason", "held_at")


def _day(request: Request) -> Any:
    day, wrong = asked.past_day(request.query_params.get("as_of", ""))
    if wrong:
        raise InvalidInput(wrong, field="as_of")
    return day or ranking_standing.newest_day(on=asked.today())


def _named(standing: rules.Standing, group: Group) -> dict[str, Any]:
    """A standing with the AE's name, for reading."""
    fields = ("peer", "rank", "of", "index", "adjusted", "tier_after", "move", "reason", "terms")
    said = {name: getattr(standing, name) for name in fields}
    return {**said, "name": group.reps[standing.peer.rep_id].name}


class RankingView(GuardedView):
    """The ranking of a day, within one's scope."""

    policy = policies.SEE_RANKING

    @extend_schema(
        operation_id="ranking",
        parameters=[AS_OF],
        responses={200: RankingSerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        found = ranking_standing.ranking_as_of(day=_day(request), at=timezone.now())
        groups = [
            {
                "key": group.key,
                "name": group.name,
                "currency": group.currency,
                "standings": [_named(one, group) for one in group.standings],
            }
            for group in found.groups
            if sees_group(request.user, group)
        ]
        told = {
            "as_of": found.as_of,
            "period": found.period,
            "policy": found.policy,
            "is_kept": found.snapshot is not None,
            "is_frozen": bool(found.snapshot and found.snapshot.is_frozen),
            "groups": groups,
        }
        return Response(RankingSerializer(told).data)


class StandingView(GuardedView):
    """One AE's standing on a day, with the nearest step: one's own, or that of an AE whom one manages."""

    policy = policies.SEE_STANDING

    @extend_schema(
        operation_id="standing",
        parameters=[AS_OF],
        responses={200: StandingSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, rep: int) -> Response:
        found_rep = visible_or_404(reps_with_cards_for(request.user).filter(role="ae"), pk=rep)
        found = ranking_standing.ranking_as_of(day=_day(request), at=timezone.now(), rep=found_rep.pk)
        group = found.group_of(found_rep.pk)
        told: dict[str, Any] = {
            "as_of": found.as_of,
            "period": found.period.code,
            "standing": None,
            "nearest_step": "",
        }
        if group is not None:
            one = next(one for one in group.standings if one.peer.rep_id == found_rep.pk)
            nearest = group.stepper(found.policy.rules)(one)
            told |= {"standing": _named(one, group), "nearest_step": nearest.words if nearest else ""}
        return Response(StandingSerializer(told).data)


class RankingPoliciesView(GuardedView):
    """All versions and drafts, drafts first."""

    policy = policies.SEE_RANKING_POLICY

    @extend_schema(
        operation_id="ranking_policies", responses={200: RankingPolicySerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        found = RankingPolicy.objects.visible_to(request.user)
        return Response(RankingPolicySerializer(found, many=True).data)


class RankingDraftsView(GuardedView):
    """Write a draft; nobody is ranked by it."""

    policy = policies.WRITE_RANKING_POLICY

    @extend_schema(
        operation_id="write_ranking_draft",
        request=RankingDraftInput,
        responses={201: RankingPolicySerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        draft = ranking_policies.Draft(**read(RankingDraftInput, request))
        made = ranking_policies.write_draft(draft=draft, at=timezone.now(), actor=request.user)
        return Response(RankingPolicySerializer(made).data, status=201)


class RankingInForceView(GuardedView):
    """Put a draft in force from a day to come."""

    policy = policies.WRITE_RANKING_POLICY

    @extend_schema(
        operation_id="put_ranking_policy_in_force",
        request=InForceInput,
        responses={
            200: RankingPolicySerializer,
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        found = visible_or_404(RankingPolicy.objects.visible_to(request.user), pk=pk)
        given = read(InForceInput, request)
        done = ranking_policies.put_in_force(
            policy=found, effective_on=given["effective_on"], at=timezone.now(), actor=request.user
        )
        return Response(RankingPolicySerializer(done).data)


class RankingReplayView(GuardedView):
    """The last months under a policy: the tier of each AE by it, beside the tier by the policies of then."""

    policy = policies.SEE_RANKING_POLICY

    @extend_schema(
        operation_id="replay_ranking_policy",
        parameters=[OpenApiParameter("months", int, enum=list(MONTHS))],
        responses={200: ReplayLineSerializer(many=True), 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        found = visible_or_404(RankingPolicy.objects.visible_to(request.user), pk=pk)
        given = request.query_params.get("months", "")
        months = int(given) if given in [str(one) for one in MONTHS] else MONTHS[0]
        shown = replay(draft=found, today=asked.today(), months=months)
        lines = [
            {
                "month": month.month.code,
                "rep": line.rep.pk,
                "name": line.rep.name,
                "tier_then": line.then.tier_after if line.then else None,
                "tier_draft": line.draft.tier_after,
                "index_draft": str(line.draft.index),
            }
            for month in shown.months
            for line in month.lines
        ]
        return Response(ReplayLineSerializer(lines, many=True).data)


class RankingHoldsView(GuardedView):
    """Hold an AE's tier until a day, with the reason that the AE reads."""

    policy = policies.HOLD_MOVE

    @extend_schema(
        operation_id="hold_tier",
        request=HoldInput,
        responses={201: HoldSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(HoldInput, request)
        aes = reps_with_cards_for(request.user).filter(role="ae").select_related("team")
        rep: Rep = visible_or_404(aes, pk=given["rep"])
        self.policy.check(request.user, rep)
        made = ranking_holds.hold_move(
            rep=rep,
            last_day=given["last_day"],
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response(HoldSerializer(made).data, status=201)


class RankingHoldLiftView(GuardedView):
    """Lift a hold."""

    policy = policies.HOLD_MOVE

    @extend_schema(
        operation_id="lift_hold",
        request=LiftInput,
        responses={204: None, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, pk: int) -> Response:
        holds = RankingHold.objects.visible_to(request.user).select_related("rep__team", "held_by")
        hold = visible_or_404(holds, pk=pk)
        self.policy.check(request.user, hold.rep)
        given = read(LiftInput, request)
        ranking_holds.lift_hold(hold=hold, reason=given["reason"], at=timezone.now(), actor=request.user)
        return Response(status=204)
