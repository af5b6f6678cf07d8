"""The estimator by API: pay with and without what is supposed. Nothing is written, so a POST may be repeated."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compensation import policies
from apps.compensation.rules.events import UnableToEarn
from apps.compensation.rules.suppositions import FACTS, OUTCOMES, YES_NO, Asked
from apps.compensation.rules.terms import COUNTS_WHEN, PAYABLE_EVENTS
from apps.compensation.selectors import estimate_offers, estimate_page
from apps.compensation.selectors.estimate_offers import AHEAD, MOST_OF_A_KIND, Offer, Step, Typed
from apps.compensation.selectors.estimates import course_of, estimate, whose_pay
from apps.compensation.selectors.supposed import Supposed
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.money import NotExact, exact
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.reps.selectors import rep_of

_LARGEST = 10**14


class _Figures(serializers.DictField):
    """Numbers by name, as decimals in quotes."""

    child = serializers.CharField(max_length=24)

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        try:
            return {name: exact(value) for name, value in found.items()}
        except NotExact as error:
            raise serializers.ValidationError(str(error)) from error


class DealInput(serializers.Serializer):
    """How far an open deal is supposed to go."""

    deal = serializers.RegexField(
        r"^[oh]\d{1,12}$", help_text="`o12` is the opportunity 12, `h7` the hand-off 7."
    )
    outcome = serializers.ChoiceField(choices=list(OUTCOMES))
    on = serializers.DateField()
    amount_minor = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=_LARGEST,
        help_text="The deal's own when left out.",
    )
    figures = _Figures(required=False)
    label = serializers.CharField(required=False, allow_blank=True, max_length=80)  # type: ignore[assignment]


class EventInput(serializers.Serializer):
    """Events that no deal stands for."""

    kind = serializers.ChoiceField(choices=list(PAYABLE_EVENTS))
    count = serializers.IntegerField(required=False, default=1, min_value=1, max_value=MOST_OF_A_KIND)
    on = serializers.DateField()
    amount_minor = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=_LARGEST,
        help_text="Of each, in the plan's currency.",
    )
    figures = _Figures(required=False)
    facts = serializers.DictField(
        required=False,
        child=serializers.CharField(max_length=80),
        help_text=f"What conditions ask for: {', '.join((*FACTS, *YES_NO))}; yes or no for the last three.",
    )
    label = serializers.CharField(required=False, allow_blank=True, max_length=80)  # type: ignore[assignment]


class EstimateInput(serializers.Serializer):
    """What is supposed; without anything the pay as it stands."""

    rep = serializers.IntegerField(
        required=False, min_value=1, help_text="One of your teams; you when left out."
    )
    deals = DealInput(many=True, required=False, default=list)
    events = EventInput(many=True, required=False, default=list)

    def validate_deals(self, given: list[Any]) -> list[Any]:
        return _few(given)

    def validate_events(self, given: list[Any]) -> list[Any]:
        return _few(given)


def _few(given: list[Any]) -> list[Any]:
    if len(given) > 40:
        raise serializers.ValidationError("Suppose at most 40 at once.")
    return given


class EstimatedSum(serializers.Serializer):
    currency = serializers.CharField()
    before_minor = serializers.IntegerField()
    after_minor = serializers.IntegerField()


class EstimatedLine(serializers.Serializer):
    title = serializers.CharField()
    component = serializers.CharField()
    kind = serializers.CharField()
    band = serializers.CharField()
    formula = serializers.CharField(help_text="The arithmetic in words.")
    currency = serializers.CharField()
    before_minor = serializers.IntegerField()
    after_minor = serializers.IntegerField()
    supposed = serializers.BooleanField(help_text="Whether it is of something supposed, or moved by it.")


class EstimatedLadder(serializers.Serializer):
    name = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField(help_text="The band that is reached.")
    next = serializers.CharField()


class EstimatedStanding(serializers.Serializer):
    component = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    quota = serializers.CharField(allow_blank=True)
    ladders = EstimatedLadder(many=True)


class EstimatedPeriod(serializers.Serializer):
    period = serializers.CharField()
    plans = serializers.ListField(child=serializers.CharField())
    pay = EstimatedSum(many=True)
    lines = EstimatedLine(many=True)
    standings = EstimatedStanding(many=True)


class EstimateSerializer(serializers.Serializer):
    """Pay with and without, period by period."""

    rep = serializers.IntegerField()
    periods = EstimatedPeriod(many=True)


class EstimateView(GuardedView):
    """What the pay would be with events that have not happened. Nothing is kept."""

    policy = policies.ESTIMATE_PAY

    @extend_schema(
        operation_id="estimate_pay",
        request=EstimateInput,
        responses={200: EstimateSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(EstimateInput, request)
        user, at = request.user, timezone.now()
        own = rep_of(user)
        wanted = given.get("rep") or (own.pk if own else None)
        if wanted is None:
            raise InvalidInput("Say whose pay: nobody is paid under your own name.", field="rep")
        rep = visible_or_404(whose_pay(user), pk=wanted)
        today = day_of(at, settings.COMPANY_TIME_ZONE)
        course = course_of(rep.pk, at)
        asked = estimate_offers.asked_of(course, today)
        known = {one.key: one for one in estimate_offers.offers(user=user, rep=rep, asked=asked, at=at)}
        for row in (*given["deals"], *given["events"]):
            if abs(row["on"] - today) > AHEAD:
                raise InvalidInput("Choose a day within a year of today.", field="on")
        steps = [_step(row, known) for row in given["deals"]]
        currency = estimate_offers.currency_of(course, today)
        typed = [_typed(row, asked, currency) for row in given["events"]]
        events = estimate_offers.supposed_events(steps, typed, rep=rep, asked=asked)
        try:
            found = estimate(course=course, supposed=Supposed(events), today=today)
        except UnableToEarn as error:
            raise UnableToEarn(estimate_offers.in_names(error, events)) from error
        return Response({"rep": rep.pk, "periods": [_told(one) for one in estimate_page.shown(found)]})


def _step(row: dict[str, Any], known: dict[str, Offer]) -> Step:
    offer = known.get(row["deal"])
    if offer is None:
        raise InvalidInput(f"{row['deal']} is no open deal of theirs that you see.", field="deals")
    if row["outcome"] not in dict(offer.outcomes):
        possible = ", ".join(value for value, _ in offer.outcomes)
        raise InvalidInput(f"{offer.name} can only be supposed to be: {possible}.", field="deals")
    amount = row.get("amount_minor")
    amount = offer.amount_minor if amount is None else amount
    if row["outcome"] in ("won", "paid") and not amount:
        raise InvalidInput(f"Say for how much {offer.name} would be won.", field="deals")
    return Step(offer, row["outcome"], row["on"], amount, row.get("figures", {}), row.get("label", ""))


def _typed(row: dict[str, Any], asked: Asked, currency: str) -> Typed:
    kind, amount = row["kind"], row.get("amount_minor")
    if kind not in asked.kinds:
        paid = ", ".join(asked.kinds) or "nothing"
        raise InvalidInput(f"The plan does not pay for “{kind}”; it pays for {paid}.", field="events")
    if kind in ("won", "paid") and not amount:
        raise InvalidInput("Say the amount of each.", field="events")
    facts = {
        name: value == "yes" if name in YES_NO else value for name, value in row.get("facts", {}).items()
    }
    return Typed(
        kind, row["count"], row["on"], amount, currency, row.get("figures", {}), facts, row.get("label", ""),
        name=COUNTS_WHEN[kind],
    )  # fmt: skip


def _told(one: estimate_page.ShownPeriod) -> dict[str, Any]:
    return {
        "period": one.period.code,
        "plans": one.plans,
        "pay": [
            {"currency": pay.currency, "before_minor": pay.before_minor, "after_minor": pay.after_minor}
            for pay in one.pays
        ],
        "lines": [
            {
                "title": line.title,
                "component": line.component_key,
                "kind": line.kind,
                "band": line.band,
                "formula": line.formula,
                "currency": line.currency,
                "before_minor": line.before_minor,
                "after_minor": line.after_minor,
                "supposed": line.is_supposed,
            }
            for line in one.lines
        ],
        "standings": [
            {
                "component": place.key,
                "before": place.before,
                "after": place.after,
                "quota": place.quota,
                "ladders": [
                    {"name": row.name, "before": row.before, "after": row.after, "next": row.next}
                    for row in place.ladders
                ],
            }
            for place in one.standings
        ],
    }
