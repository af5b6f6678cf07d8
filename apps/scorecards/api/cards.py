"""Scorecards by API: the list of a month, one whole, notes, agreed actions, signing; and the metrics.

The same selectors, services, policies and refusals as behind the pages. Exact figures are fractions in text. What a
manager keeps to themselves is written and read by that manager's own token alone.
"""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.keyset import page_of
from apps.core.periods import month_of
from apps.core.policies import Policy, visible_or_404
from apps.leads.rules.metrics import METRICS
from apps.reps.models import Rep
from apps.scorecards import policies
from apps.scorecards.models import (
    ActionOutcome,
    Scorecard,
    ScorecardAction,
    ScorecardNote,
    ScorecardPrivateNote,
    ScorecardSignature,
    SignedAs,
    reps_with_cards_for,
)
from apps.scorecards.selectors import card_of, cards_of
from apps.scorecards.selectors.card_actions import agreed_over, opens_with
from apps.scorecards.selectors.card_copies import as_json, from_json
from apps.scorecards.selectors.cards import Card, in_month
from apps.scorecards.selectors.metric_uses import uses_of_metrics
from apps.scorecards.selectors.since_closed import since_closed
from apps.scorecards.services import card_actions
from apps.scorecards.services import cards as services
from apps.scorecards.views import asked

PAGE_SIZE = 50
MONTH = OpenApiParameter("month", str, description="A month such as 2026-10; the last whole one without it.")


class CardFigureSerializer(serializers.Serializer):
    metric = serializers.CharField(source="metric.key")
    unit = serializers.CharField(source="metric.unit")
    own = serializers.CharField(allow_null=True)
    top = serializers.CharField(allow_null=True, help_text="What a rate or a mean was divided from.")
    bottom = serializers.CharField(allow_null=True)
    trend = serializers.ListField(child=serializers.CharField(allow_null=True), help_text="Month by month.")
    target = serializers.CharField(allow_null=True)
    target_from = serializers.CharField(allow_blank=True, help_text="quota, assumption, or none.")
    mean = serializers.CharField(allow_null=True, help_text="Of the peers.")
    peers = serializers.IntegerField()


class CardNoteSerializer(serializers.ModelSerializer):
    author_name = serializers.CharField(source="author.name", read_only=True)

    class Meta:
        model = ScorecardNote
        fields = ("id", "author", "author_name", "written_at", "text")


class CardPrivateNoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = ScorecardPrivateNote
        fields = ("id", "written_at", "text")


class CardActionSerializer(serializers.ModelSerializer):
    month = serializers.SerializerMethodField()
    owner_name = serializers.CharField(source="owner.name", read_only=True)
    outcome = serializers.CharField(read_only=True, help_text="done, dropped, or nothing while it is open.")

    class Meta:
        model = ScorecardAction
        fields = ("id", "month", "text", "owner", "owner_name", "due_on", "agreed_by", "agreed_at", "outcome")

    def get_month(self, action: ScorecardAction) -> str:
        return action.scorecard.month.code


class CardSignatureSerializer(serializers.ModelSerializer):
    user_name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = ScorecardSignature
        fields = ("signed_as", "user", "user_name", "signed_at", "fingerprint")


class CardDifferenceSerializer(serializers.Serializer):
    name = serializers.CharField()
    metric = serializers.CharField(source="key", allow_blank=True)
    over = serializers.CharField(allow_blank=True, help_text="The month; the card's own period without it.")
    then = serializers.CharField(allow_null=True)
    now = serializers.CharField(allow_null=True)


class CardRowSerializer(serializers.Serializer):
    """A card in a list: enough to find whom to open."""

    rep = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.CharField()
    team = serializers.CharField()
    month = serializers.CharField()
    state = serializers.CharField(help_text="open or frozen.")
    fingerprint = serializers.CharField(allow_blank=True)
    signed_as = serializers.ListField(child=serializers.CharField())
    figures = CardFigureSerializer(many=True)


class CardsSerializer(serializers.Serializer):
    cards = CardRowSerializer(many=True)
    next_after = serializers.CharField(allow_blank=True)


class CardSerializer(CardRowSerializer):
    """A card whole. ``card`` is what is frozen and what the fingerprint is of; open, as it stands now."""

    currency = serializers.CharField()
    basis = serializers.CharField()
    months = serializers.ListField(child=serializers.CharField())
    funnel = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    promises = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    card = serializers.DictField()
    since_closed = CardDifferenceSerializer(many=True)
    notes = CardNoteSerializer(many=True)
    private_notes = CardPrivateNoteSerializer(many=True, help_text="The caller's own.")
    opens_with = CardActionSerializer(many=True)
    actions = CardActionSerializer(many=True)
    signatures = CardSignatureSerializer(many=True)


class NoteInput(serializers.Serializer):
    text = serializers.CharField(max_length=2000)


class ActionInput(serializers.Serializer):
    text = serializers.CharField(max_length=card_actions.MOST_WORDS)
    owner = serializers.ChoiceField(choices=SignedAs.choices)
    due_on = serializers.DateField()


class ActionClosingInput(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=ActionOutcome.choices)
    words = serializers.CharField(
        max_length=card_actions.MOST_WORDS, required=False, allow_blank=True, default=""
    )


class SignInput(serializers.Serializer):
    fingerprint = serializers.CharField(max_length=64, help_text="Of the card that was read.")


class MetricSerializer(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    better = serializers.CharField(help_text="up or down.")
    says = serializers.CharField()
    used_in = serializers.ListField(child=serializers.CharField())


def _reps(user: Any) -> QuerySet[Rep]:
    return reps_with_cards_for(user).select_related("calendar", "team__calendar", "team__manager", "user")


def _about(request: Request, rep: int, policy: Policy) -> Rep:
    found = visible_or_404(_reps(request.user), pk=rep)
    policy.check(request.user, found)
    return found


def _row(card: Card, kept: Scorecard | None) -> dict[str, Any]:
    return {
        "rep": card.rep_id,
        "name": card.rep_name,
        "role": card.role,
        "team": card.team_name,
        "month": card.month.code,
        "state": kept.state if kept is not None else "open",
        "fingerprint": kept.fingerprint if kept is not None else "",
        "signed_as": [one.signed_as for one in kept.signatures.all()] if kept is not None else [],
        "figures": card.rows,
    }


class CardsView(GuardedView):
    """The cards of a month within one's scope."""

    policy = policies.SEE_CARD

    @extend_schema(
        operation_id="scorecards",
        parameters=[MONTH, OpenApiParameter("after", str, description="As next_after said.")],
        responses={200: CardsSerializer, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("month", "")
        month = asked.month(text) if text else month_of(asked.today()).previous()
        reps = _reps(request.user).filter(in_month(month))
        after = request.query_params.get("after", "")
        page = page_of(reps, by=("team_id", "name", "pk"), after=after, size=PAGE_SIZE)
        rows = Scorecard.objects.filter(rep__in=page.rows, month_on=month.start)
        kept = {row.rep_id: row for row in rows.prefetch_related("signatures")}
        open_ones = [rep for rep in page.rows if rep.pk not in kept or not kept[rep.pk].is_frozen]
        live = cards_of(reps=open_ones, month=month)
        found = [
            _row(live[rep.pk] if rep.pk in live else from_json(kept[rep.pk].copy), kept.get(rep.pk))
            for rep in page.rows
        ]
        return Response(CardsSerializer({"cards": found, "next_after": page.next_after or ""}).data)


class CardView(GuardedView):
    """One card whole, with what changed since it was closed, notes, actions and signatures."""

    policy = policies.SEE_CARD

    @extend_schema(operation_id="scorecard", responses={200: CardSerializer, 403: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, rep: int, period: str) -> Response:
        about = visible_or_404(_reps(request.user), pk=rep)
        month = asked.card_month(period, about)
        kept = Scorecard.objects.filter(rep=about, month_on=month.start).first()
        frozen = kept is not None and kept.is_frozen
        card = from_json(kept.copy) if kept is not None and frozen else card_of(rep=about, month=month)
        private = ScorecardPrivateNote.objects.visible_to(request.user).filter(scorecard=kept)
        told = _row(card, kept) | {
            "currency": card.currency,
            "basis": card.basis.code,
            "months": [one.code for one in card.months],
            "funnel": card.funnel,
            "promises": [(one.name, one.kept, one.decided) for one in card.promises],
            "card": kept.copy if kept is not None and frozen else as_json(card),
            "since_closed": since_closed(card=card, rep=about).differences if card.as_of else (),
            "notes": kept.notes.select_related("author") if kept is not None else (),
            "private_notes": private,
            "opens_with": opens_with(rep=about, month=month),
            "actions": agreed_over(rep=about, month=month),
            "signatures": kept.signatures.select_related("user") if kept is not None else (),
        }
        return Response(CardSerializer(told).data)


class CardNotesView(GuardedView):
    """Say something about a card; both the rep and the manager read it."""

    policy = policies.WRITE_NOTE

    @extend_schema(
        operation_id="write_scorecard_note",
        request=NoteInput,
        responses={201: CardNoteSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def post(self, request: Request, rep: int, period: str) -> Response:
        about = _about(request, rep, self.policy)
        month = asked.card_month(period, about)
        text = read(NoteInput, request)["text"]
        made = services.write_note(rep=about, month=month, author=request.user, text=text, at=timezone.now())
        return Response(CardNoteSerializer(made).data, status=201)


class CardPrivateNotesView(GuardedView):
    """Keep something about a card to oneself, as the manager."""

    policy = policies.KEEP_PRIVATE_NOTE

    @extend_schema(
        operation_id="keep_private_scorecard_note",
        request=NoteInput,
        responses={201: CardPrivateNoteSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def post(self, request: Request, rep: int, period: str) -> Response:
        about = _about(request, rep, self.policy)
        month = asked.card_month(period, about)
        text = read(NoteInput, request)["text"]
        made = services.write_private_note(
            rep=about, month=month, author=request.user, text=text, at=timezone.now()
        )
        return Response(CardPrivateNoteSerializer(made).data, status=201)


class CardActionsView(GuardedView):
    """Write down what was agreed over a card."""

    policy = policies.AGREE_ACTION

    @extend_schema(
        operation_id="agree_scorecard_action",
        request=ActionInput,
        responses={201: CardActionSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def post(self, request: Request, rep: int, period: str) -> Response:
        about = _about(request, rep, self.policy)
        month = asked.card_month(period, about)
        given = read(ActionInput, request)
        made = card_actions.agree_action(
            rep=about,
            month=month,
            text=given["text"],
            owner=SignedAs(given["owner"]),
            due_on=given["due_on"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response(CardActionSerializer(made).data, status=201)


class CardActionClosingView(GuardedView):
    """Say that an action is done, or dropped and why."""

    policy = policies.AGREE_ACTION

    @extend_schema(
        operation_id="close_scorecard_action",
        request=ActionClosingInput,
        responses={200: CardActionSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, pk: int) -> Response:
        actions = ScorecardAction.objects.visible_to(request.user).select_related("scorecard")
        action = visible_or_404(actions, pk=pk)
        _about(request, action.scorecard.rep_id, self.policy)
        given = read(ActionClosingInput, request)
        card_actions.close_action(
            action=action,
            outcome=ActionOutcome(given["outcome"]),
            words=given["words"],
            at=timezone.now(),
            actor=request.user,
        )
        return Response(CardActionSerializer(actions.select_related("closing", "owner").get(pk=pk)).data)


class CardSignView(GuardedView):
    """Sign the frozen card that was read, for oneself."""

    policy = policies.SIGN_CARD

    @extend_schema(
        operation_id="sign_scorecard",
        request=SignInput,
        responses={201: CardSignatureSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, rep: int, period: str) -> Response:
        about = _about(request, rep, self.policy)
        month = asked.card_month(period, about)
        kept = visible_or_404(Scorecard.objects.visible_to(request.user), rep=about, month_on=month.start)
        fingerprint = read(SignInput, request)["fingerprint"]
        made = services.sign(card=kept, user=request.user, fingerprint=fingerprint, at=timezone.now())
        return Response(CardSignatureSerializer(made).data, status=201)


class MetricsView(GuardedView):
    """Every metric by name: unit, direction, definition, and where it is used."""

    policy = policies.SEE_METRICS

    @extend_schema(operation_id="metrics", responses={200: MetricSerializer(many=True), 403: PROBLEM})
    def get(self, request: Request) -> Response:
        uses = uses_of_metrics(user=request.user, today=asked.today())
        told = [
            {
                "key": one.key,
                "name": one.name,
                "unit": str(one.unit),
                "better": str(one.better),
                "says": one.says,
                "used_in": [f"{use.where}: {use.what}" for use in uses[one.key]],
            }
            for one in METRICS.values()
        ]
        return Response(MetricSerializer(told, many=True).data)
