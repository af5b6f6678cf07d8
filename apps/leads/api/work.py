"""Working leads by API: take the next one, let go, read one with what happened, undo, answer a proposal.

The same services, policies and refusals as behind the pages.
"""

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.zones import zone_of
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.policies import visible_or_404
from apps.leads import policies
from apps.leads.api import work_serializers as serializers
from apps.leads.api.serializers import TouchSerializer
from apps.leads.models import Lead, Source, Touch
from apps.leads.selectors.happenings import KINDS
from apps.leads.selectors.lead import dossier_of, leads_for
from apps.leads.selectors.timeline import timeline_of
from apps.leads.services import proposals, queue, touches
from apps.reps.models import Rep
from apps.reps.selectors import rep_of


def _rep(request: Request) -> Rep:
    rep = rep_of(request.user)
    if rep is None:
        raise Http404
    return rep


def _told(request: Request, pk: int) -> Response:
    """The lead as it stands now."""
    lead = visible_or_404(leads_for(request.user), pk=pk)
    dossier = dossier_of(lead=lead, user=request.user, now=timezone.now(), zone=zone_of(request.user))
    return Response(serializers.LeadSerializer(dossier).data)


class NextView(GuardedView):
    """Claim the best lead of the own queue; what was held before is let go. 204 when nothing waits."""

    policy = policies.WORK_QUEUE

    @extend_schema(
        operation_id="next_lead",
        request=serializers.NextInput,
        responses={200: serializers.LeadSerializer, 204: None, 400: PROBLEM, 403: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        given = read(serializers.NextInput, request)
        rep = _rep(request)
        after = Lead.objects.visible_to(request.user).filter(pk=given.get("after") or 0).first()
        lead = queue.claim_next(rep=rep, at=timezone.now(), after=after)
        return Response(status=204) if lead is None else _told(request, lead.pk)


class LeadView(GuardedView):
    """One lead: how reachable, what comes next and why, and the latest that happened."""

    policy = policies.SEE_LEAD

    @extend_schema(
        operation_id="lead", responses={200: serializers.LeadSerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        return _told(request, pk)


class TimelineView(GuardedView):
    """Everything that happened to a lead, page by page."""

    policy = policies.SEE_LEAD

    @extend_schema(
        operation_id="lead_timeline",
        parameters=[
            OpenApiParameter("kind", str, enum=list(KINDS)),
            OpenApiParameter("before", str, description="The place that the page before gave."),
        ],
        responses={200: serializers.TimelineSerializer, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        lead = visible_or_404(leads_for(request.user), pk=pk)
        asked = request.query_params
        found = timeline_of(lead, kind=asked.get("kind", ""), before=asked.get("before", ""))
        return Response(serializers.TimelineSerializer(found).data)


class ReleaseView(GuardedView):
    """Let go of a held lead, so that a teammate may be offered it."""

    policy = policies.WORK_QUEUE

    @extend_schema(
        operation_id="release_lead", request=None, responses={204: None, 403: PROBLEM, 404: PROBLEM}
    )
    def post(self, request: Request, pk: int) -> Response:
        lead = visible_or_404(Lead.objects.visible_to(request.user), pk=pk)
        queue.release(rep=_rep(request), at=timezone.now(), lead=lead)
        return Response(status=204)


class ProposalView(GuardedView):
    """Answer what is proposed after the agreed touches: as proposed, or keep working."""

    policy = policies.WORK_LEAD

    @extend_schema(
        operation_id="answer_proposal",
        request=serializers.ProposalInput,
        responses={
            200: serializers.LeadSerializer,
            400: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        lead = visible_or_404(leads_for(request.user), pk=pk)
        self.policy.check(request.user, lead)
        given = read(serializers.ProposalInput, request)
        rep, at = _rep(request), timezone.now()
        if given["answer"] == "accept":
            proposals.accept(lead=lead, rep=rep, at=at, actor=request.user, source=Source.API)
        else:
            proposals.decline(lead=lead, rep=rep, at=at, actor=request.user)
        return _told(request, lead.pk)


class UndoTouchView(GuardedView):
    """Take back one's own latest touch within ten minutes; its events are reversed."""

    policy = policies.WORK_QUEUE

    @extend_schema(
        operation_id="undo_touch",
        request=None,
        responses={200: TouchSerializer, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, pk: int) -> Response:
        rep = _rep(request)
        own = Touch.objects.filter(rep=rep, lead__in=Lead.objects.visible_to(request.user))
        touch = visible_or_404(own, pk=pk)
        touches.undo_touch(touch=touch, rep=rep, at=timezone.now(), actor=request.user)
        touch.refresh_from_db()
        return Response(TouchSerializer(touch).data)
