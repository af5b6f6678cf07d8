"""Leads and suppressions by API: taken in, known again, closed; the same services as the pages'."""

from typing import Any
from uuid import uuid4

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read, request_key
from apps.core.errors import InvalidInput
from apps.leads import policies
from apps.leads.api.views import AFTER, KeyReused
from apps.leads.models import Channel, Lead, LeadAddress, Score, Source, Suppression
from apps.leads.rules.calling import zone_named
from apps.leads.rules.matching import Likeness, compare
from apps.leads.selectors import suppressions as listed
from apps.leads.services import intake, suppressions
from apps.leads.services.intake import Arrival, Incoming, Outcome, Received
from apps.reps.models import Rep, Team
from apps.reps.selectors import rep_of


def _text(longest: int) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, max_length=longest, default="")


class LeadInput(serializers.Serializer):
    """What is known of somebody; a company or an e-mail address is needed."""

    name = _text(120)
    title = _text(120)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254, default="")
    phone = _text(40)
    company = _text(160)
    industry = _text(80)
    employees = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=10_000_000, default=None
    )
    city = _text(80)
    time_zone = _text(64)
    campaign = _text(80)
    predictive = serializers.ChoiceField(
        required=False,
        allow_blank=True,
        choices=Score.choices,
        default="",
        help_text="A score made elsewhere.",
    )
    is_inbound = serializers.BooleanField(required=False, default=True, help_text="They came to us.")
    team = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="Without it the caller's own."
    )
    mine = serializers.BooleanField(required=False, default=False, help_text="The caller works it.")

    def get_fields(self) -> dict[str, serializers.Field]:
        # ``source`` is an argument of every field, so that a class attribute of that name would shadow it.
        return {**super().get_fields(), "source": _text(80)}

    def validate_time_zone(self, value: str) -> str:
        if value.strip() and zone_named(value.strip()) is None:
            raise serializers.ValidationError("Write a zone such as Europe/Berlin, or leave it out.")
        return value.strip()


class ReceivedSerializer(serializers.Serializer):
    """``lead`` is null where the person is known, and their lead is beyond the caller's scope."""

    lead = serializers.IntegerField(allow_null=True)
    outcome = serializers.ChoiceField(
        choices=[one.value for one in Outcome],
        help_text="new; asked_again: known, and first in turn now; with_an_ae: known and handed off; known: nothing "
        "new, or the same message again; opted_out: kept, and nobody may contact them.",
    )
    is_new = serializers.BooleanField()
    score = serializers.CharField(allow_null=True)
    stage = serializers.CharField(allow_null=True)
    earlier = serializers.IntegerField(allow_null=True, help_text="A finished lead of the same person.")


class LeadsView(GuardedView):
    """Take a lead in. One person is one lead: whoever is known is answered with the lead that they are."""

    policy = policies.TAKE_IN_LEAD

    @extend_schema(
        operation_id="take_in_lead",
        request=LeadInput,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={
            200: ReceivedSerializer,
            201: ReceivedSerializer,
            400: PROBLEM,
            403: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request) -> Response:
        given = read(LeadInput, request)
        team, mine = _team(request, given.pop("team", None)), given.pop("mine")
        key = request_key(request) or f"api:{request.user.pk}:{uuid4().hex}"
        arrival = Arrival(
            incoming=Incoming(**given),
            team=team,
            at=timezone.now(),
            source=Source.API,
            source_key=key,
            owner=_owner(request) if mine else None,
            actor=request.user,
        )
        found = intake.receive(arrivals=[arrival])[0]
        _refuse_another_payload(found, arrival.incoming)
        return Response(_shown(request, found), status=201 if found.is_new else 200)


def _owner(request: Request) -> Rep:
    rep = rep_of(request.user)
    if rep is None or not rep.is_sdr:
        raise InvalidInput("Only an SDR works a lead.", field="mine")
    return rep


def _team(request: Request, pk: int | None) -> Team:
    """The named team within the caller's scope, or an SDR's own."""
    teams = (
        Team.objects.visible_to(request.user).filter(is_open=True, reps__role__in=("isr", "osr")).distinct()
    )
    if pk is None:
        rep = rep_of(request.user)
        team = teams.filter(pk=rep.team_id).first() if rep else None
    else:
        team = teams.filter(pk=pk).first()
    if team is None:
        raise InvalidInput("Name an SDR team within your scope.", field="team")
    return team


def _refuse_another_payload(found: Received, incoming: Incoming) -> None:
    """A key that was used before answers only for the person that it was used for."""
    if found.is_new or found.outcome not in (Outcome.KNOWN, Outcome.OPTED_OUT):
        return
    addresses = list(LeadAddress.objects.filter(lead=found.lead).values_list("email", flat=True))
    merged = Lead.objects.filter(merged_into=found.lead)
    known = [found.lead.as_person(addresses), *(lead.as_person() for lead in merged)]
    if all(compare(one, incoming.person).likeness is Likeness.NONE for one in known) and incoming.email:
        raise KeyReused("This Idempotency-Key was used for another lead: send a new key.")


def _shown(request: Request, found: Received) -> dict[str, Any]:
    visible = Lead.objects.visible_to(request.user)
    is_seen = visible.filter(pk=found.lead.pk).exists()
    earlier = found.earlier if found.earlier and visible.filter(pk=found.earlier.pk).exists() else None
    return {
        "lead": found.lead.pk if is_seen else None,
        "outcome": found.outcome.value,
        "is_new": found.is_new,
        "score": found.lead.score if is_seen else None,
        "stage": found.lead.stage if is_seen else None,
        "earlier": earlier.pk if earlier else None,
    }


class SuppressionInput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Suppression.Kind.choices)
    value = serializers.CharField(max_length=254)
    channel = serializers.ChoiceField(
        choices=Channel.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="Empty: every channel.",
    )
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices)
    note = _text(200)


class SuppressionSerializer(serializers.ModelSerializer):
    value = serializers.CharField(source="shown")
    added_by = serializers.CharField(source="added_by.name", allow_null=True, default=None)

    class Meta:
        model = Suppression
        fields = ("id", "kind", "value", "channel", "reason", "note", "added_at", "added_by", "lifted_at",
                  "lifted_because")  # fmt: skip


class SuppressionPageSerializer(serializers.Serializer):
    results = SuppressionSerializer(many=True)
    next_after = serializers.CharField(help_text='The cursor of the next page; "" on the last.')


class SuppressionsView(GuardedView):
    """Whom nobody may contact. Managers and RevOps add to it."""

    policy = policies.SEE_SUPPRESSIONS

    @extend_schema(
        operation_id="suppressions",
        parameters=[
            AFTER,
            OpenApiParameter("q", str, description="Part of an address or a domain, or a number."),
            OpenApiParameter("show", str, enum=["lifted"], description="Those that were lifted."),
        ],
        responses={200: SuppressionPageSerializer, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        asked = request.query_params
        page = listed.page(
            text=asked.get("q", "").strip()[:100], show=asked.get("show", ""), after=asked.get("after", "")
        )
        shown = {"results": page.rows, "next_after": page.next_after}
        return Response(SuppressionPageSerializer(shown).data)

    @extend_schema(
        operation_id="suppress",
        request=SuppressionInput,
        responses={201: SuppressionSerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        policies.EDIT_SUPPRESSIONS.check(request.user, None)
        made = suppressions.suppress(**read(SuppressionInput, request), at=timezone.now(), actor=request.user)
        return Response(SuppressionSerializer(made).data, status=201)
