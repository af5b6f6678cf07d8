"""The weekly review, the team target and complaints about leads, by API.

The same selectors, services and refusals as behind the pages. Amounts are minor units beside their currency; exact
figures that may have a fraction are text.
"""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read, request_key
from apps.core.errors import InvalidInput
from apps.core.periods import NotAPeriod, Period, parse_period, year_of
from apps.core.policies import visible_or_404
from apps.leads.models import EventKind, Lead
from apps.reps.models import Team
from apps.scorecards import policies
from apps.scorecards.models import (
    ComplaintReason,
    LeadComplaint,
    ReviewItem,
    ReviewItemEnd,
    ReviewSection,
    WeeklyReview,
)
from apps.scorecards.rules.pace import Forecast
from apps.scorecards.selectors.review_items import items_of, owners_for
from apps.scorecards.selectors.review_pack import is_intact, sections_for
from apps.scorecards.selectors.target_outlook import Contribution, contributions, forecasts
from apps.scorecards.selectors.targets import team_target
from apps.scorecards.services import complaints, review_items
from apps.scorecards.views import asked

PERIOD = OpenApiParameter("period", str, description="2026-10, 2026Q4 or 2026.")
MOST = 100


def asked_period(request: Request, usual: Period) -> Period:
    """``?period=``, or the ``usual`` one. Raises ``InvalidInput`` for text that names none."""
    text = request.query_params.get("period", "")
    try:
        return parse_period(text) if text else usual
    except NotAPeriod as error:
        raise InvalidInput(str(error), field="period") from error


class ReviewItemSerializer(serializers.ModelSerializer):
    """A decision or an action; ``end`` once it is done or dropped."""

    owner = serializers.CharField(source="owner.name", allow_null=True, default=None)
    carried = serializers.IntegerField(help_text="Into how many reviews since.")
    days_late = serializers.IntegerField()
    ended = serializers.CharField(allow_blank=True, help_text="done, dropped, or empty while it is open.")

    class Meta:
        model = ReviewItem
        fields = ("id", "kind", "section", "text", "owner", "due_on", "carried", "days_late", "ended")


class ReviewSerializer(serializers.Serializer):
    """A pack without its lists."""

    id = serializers.IntegerField(source="pk")
    team = serializers.IntegerField(source="team_id")
    week = serializers.DateField(source="week_on", help_text="The Monday.")
    made_at = serializers.DateTimeField()
    meeting_at = serializers.DateTimeField()
    fingerprint = serializers.CharField()


class ReviewPackSerializer(ReviewSerializer):
    """A frozen pack: its lists as they were when it was made (ids and figures), and what was agreed."""

    is_intact = serializers.BooleanField(help_text="Whether the lists still have the fingerprint.")
    lists = serializers.DictField(help_text="By section: count, before, reasons, missing, rows …")
    items = ReviewItemSerializer(many=True)


class ReviewItemInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=ReviewItem.Kind.choices)
    text = serializers.CharField(max_length=300)
    section = serializers.ChoiceField(choices=ReviewSection.choices, required=False, default="actions")
    owner = serializers.IntegerField(required=False, min_value=1, help_text="A user; an action needs one.")
    due_on = serializers.DateField(required=False, help_text="An action needs one.")


class ReviewItemEndInput(serializers.Serializer):
    how = serializers.ChoiceField(choices=ReviewItemEnd.How.choices)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


def _item(item: ReviewItem, carried: int = 0, late: int = 0) -> dict[str, Any]:
    end = getattr(item, "end", None)
    fields = ("id", "kind", "section", "text", "owner", "due_on")
    said = {name: getattr(item, name) for name in fields}
    return {**said, "carried": carried, "days_late": late, "ended": end.how if end else ""}


class ReviewsView(GuardedView):
    """The newest packs that one may read."""

    policy = policies.SEE_REVIEW

    @extend_schema(operation_id="weekly_reviews", responses={200: ReviewSerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        found = WeeklyReview.objects.visible_to(request.user).order_by("-week_on", "team_id")[:MOST]
        return Response(ReviewSerializer(found, many=True).data)


def _review(request: Request, pk: int) -> WeeklyReview:
    return visible_or_404(
        WeeklyReview.objects.visible_to(request.user).select_related("team").distinct(), pk=pk
    )


class ReviewView(GuardedView):
    """One pack whole; marketing reads the parts on leads."""

    policy = policies.SEE_REVIEW

    @extend_schema(
        operation_id="weekly_review", responses={200: ReviewPackSerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        found = _review(request, pk)
        fields = ("pk", "team_id", "week_on", "made_at", "meeting_at", "fingerprint")
        told = {name: getattr(found, name) for name in fields} | {
            "is_intact": is_intact(found),
            "lists": {str(one): found.copy["lists"][one] for one in sections_for(request.user, found)},
            "items": [_item(one.item, one.carried, one.late) for one in items_of(found, today=asked.today())],
        }
        return Response(ReviewPackSerializer(told).data)


class ReviewItemsView(GuardedView):
    """Note what was agreed in a review."""

    policy = policies.WRITE_REVIEW

    @extend_schema(
        operation_id="agree_in_review",
        request=ReviewItemInput,
        responses={201: ReviewItemSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def post(self, request: Request, pk: int) -> Response:
        review = _review(request, pk)
        policies.WRITE_REVIEW.check(request.user, review.team)
        given = read(ReviewItemInput, request)
        owner = given.pop("owner", None)
        user = owners_for(review.team).filter(pk=owner).first() if owner else None
        if owner and user is None:
            raise InvalidInput(
                "Choose somebody of the team, its manager, marketing or RevOps.", field="owner"
            )
        made = review_items.add_item(
            review=review,
            owner=user,
            request_key=request_key(request),
            at=timezone.now(),
            actor=request.user,
            **given,
        )
        return Response(ReviewItemSerializer(_item(made)).data, status=201)


class ReviewItemEndView(GuardedView):
    """Call an item done, or drop it with a reason."""

    policy = policies.END_REVIEW_ITEM

    @extend_schema(
        operation_id="end_review_item",
        request=ReviewItemEndInput,
        responses={200: ReviewItemSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, pk: int) -> Response:
        items = ReviewItem.objects.visible_to(request.user).select_related("team", "owner").distinct()
        found = visible_or_404(items, pk=pk)
        policies.END_REVIEW_ITEM.check(request.user, found)
        given = read(ReviewItemEndInput, request)
        review_items.end_item(item=found, at=timezone.now(), actor=request.user, **given)
        return Response(ReviewItemSerializer(_item(ReviewItem.objects.get(pk=found.pk))).data)


class ComplaintInput(serializers.Serializer):
    lead = serializers.IntegerField(min_value=1)
    reason = serializers.ChoiceField(choices=ComplaintReason.choices)
    comment = serializers.CharField(max_length=1000)


class ComplaintSerializer(serializers.ModelSerializer):
    class Meta:
        model = LeadComplaint
        fields = ("id", "lead", "team", "reason", "comment", "source", "campaign", "made_at")


class ComplaintsView(GuardedView):
    """Complaints about leads: the newest that one sees."""

    policy = policies.SEE_COMPLAINTS

    @extend_schema(
        operation_id="lead_complaints", responses={200: ComplaintSerializer(many=True), 403: PROBLEM}
    )
    def get(self, request: Request) -> Response:
        found = LeadComplaint.objects.visible_to(request.user).standing()[:MOST]
        return Response(ComplaintSerializer(found, many=True).data)


class ComplainView(GuardedView):
    """Complain about a lead that one sees."""

    policy = policies.COMPLAIN

    @extend_schema(
        operation_id="complain_about_lead",
        request=ComplaintInput,
        responses={201: ComplaintSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(ComplaintInput, request)
        lead = visible_or_404(
            Lead.objects.visible_to(request.user).select_related("team"), pk=given.pop("lead")
        )
        made = complaints.complain(
            lead=lead, request_key=request_key(request), at=timezone.now(), actor=request.user, **given
        )
        return Response(ComplaintSerializer(made).data, status=201)


class ForecastSerializer(serializers.Serializer):
    """Exact fractions in text; amounts in minor units."""

    expected = serializers.CharField()
    low = serializers.CharField()
    high = serializers.CharField()
    mean_a_week = serializers.CharField()
    spread_a_week = serializers.CharField()
    weeks = serializers.IntegerField()


class ContributionSerializer(serializers.Serializer):
    role = serializers.CharField(allow_blank=True)
    amount_minor = serializers.IntegerField()


class TeamTargetSerializer(serializers.Serializer):
    team = serializers.IntegerField()
    period = serializers.CharField()
    currency = serializers.CharField()
    pipeline_asked = serializers.CharField(
        allow_null=True, help_text="Minor units; a fraction when prorated."
    )
    stage_1_minor = serializers.IntegerField()
    stage_2_minor = serializers.IntegerField()
    won_minor = serializers.IntegerField()
    forecast = ForecastSerializer(allow_null=True, help_text="Of stage 2 at the end of the period.")
    sourced_by = ContributionSerializer(many=True)
    owned_by = ContributionSerializer(many=True)


def _contributed(parts: tuple[Contribution, ...]) -> list[dict[str, Any]]:
    return [{"role": one.role, "amount_minor": one.amount_minor} for one in parts]


def _seen(found: Forecast | None) -> dict[str, Any] | None:
    return {name: getattr(found, name) for name in map(str, ForecastSerializer().fields)} if found else None


class TeamTargetView(GuardedView):
    """The shared pipeline target of a team: what was reached, asked, forecast and contributed."""

    policy = policies.SEE_TEAM_TARGET

    @extend_schema(
        operation_id="team_target",
        parameters=[PERIOD],
        responses={200: TeamTargetSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, team: int) -> Response:
        about = visible_or_404(Team.objects.visible_to(request.user), pk=team)
        period = asked_period(request, year_of(asked.today()))
        found = team_target(team=about, period=period)
        shared = contributions(target=found, kind=EventKind.STAGE_2)
        told = {
            "team": about.pk,
            "period": period.code,
            "currency": found.currency,
            "pipeline_asked": found.asked_pipeline_minor,
            "stage_1_minor": found.stage_1_minor,
            "stage_2_minor": found.stage_2_minor,
            "won_minor": found.won_minor,
            "forecast": _seen(forecasts(target=found, day=asked.today()).get(EventKind.STAGE_2)),
            "sourced_by": _contributed(shared.sourced),
            "owned_by": _contributed(shared.owned),
        }
        return Response(TeamTargetSerializer(told).data)
