"""The SDR's day: the queue, the next lead, and a manager's view of who has what before them."""

from urllib.parse import parse_qsl
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.models import Lead
from apps.leads.selectors import team_day
from apps.leads.selectors.queue import Filters
from apps.leads.services import queue as services
from apps.leads.views import panel
from apps.leads.views.listing import FILTERS, changed, filters_query, list_context, number_in
from apps.leads.views.reassignment import giving_context
from apps.reps.models import Rep
from apps.reps.selectors import rep_of


@require_safe
@guarded(policies.WORK_QUEUE)
def queue(request: HttpRequest) -> HttpResponse:
    """My day; ``?lead=`` opens a lead beside the list, ``act=qualify`` or ``book`` what is done to it.

    An address without any filter brings back the last ones; ``?show=all`` forgets them.
    """
    if not request.GET and request.COOKIES.get(_FILTERS_COOKIE):
        last = Filters.of(dict(parse_qsl(request.COOKIES[_FILTERS_COOKIE])))
        if last:
            return redirect(f"{reverse('leads:queue')}?{filters_query(last)}")
    context = list_context(request, _own_rep(request))
    lead = panel.asked_lead(request) if "lead" in request.GET else None
    if lead is not None:
        context |= panel.context_of(request, lead, act=request.GET.get("act", ""), now=context["now"])
    response = render(request, "leads/queue.html", context)
    if any(name in request.GET for name in (*FILTERS, "show")):
        _remember_filters(response, context.get("query", ""))
    return response


_FILTERS_COOKIE = "queue_filters"
_FILTERS_KEPT = 180 * 24 * 3600


def _remember_filters(response: HttpResponse, query: str) -> None:
    path = reverse("leads:queue")
    if query:
        response.set_cookie(_FILTERS_COOKIE, query, _FILTERS_KEPT, path=path, httponly=True, samesite="Lax")
    else:
        response.delete_cookie(_FILTERS_COOKIE, path=path, samesite="Lax")


@require_safe
@guarded(policies.WORK_QUEUE)
def queue_list(request: HttpRequest) -> HttpResponse:
    """What changed in the list since the page showed it; 204 while nothing did."""
    return changed(request, list_context(request, _own_rep(request)))


@require_POST
@guarded(policies.WORK_QUEUE)
def next_lead(request: HttpRequest) -> HttpResponse:
    """Claim the best lead and open it; the one that was open is offered again only if nothing else is."""
    rep = _own_rep(request)
    if rep is None:
        return redirect("leads:queue")
    after = Lead.objects.visible_to(request.user).filter(pk=number_in(request.POST.get("after"))).first()
    lead = services.claim_next(rep=rep, at=timezone.now(), after=after)
    query = filters_query(Filters.of(request.GET.dict()))
    if lead is None:
        messages.info(request, "Nothing waits: the queue is empty for now.")
        return redirect(f"{reverse('leads:queue')}{'?' if query else ''}{query}")
    return redirect(f"{reverse('leads:queue')}?{query}{'&' if query else ''}lead={lead.pk}")


@require_POST
@guarded(policies.WORK_QUEUE)
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let go of a held lead, so that a teammate may be offered it."""
    lead = visible_or_404(Lead.objects.visible_to(request.user), pk=pk)
    rep = _own_rep(request)
    if rep is not None:
        services.release(rep=rep, at=timezone.now(), lead=lead)
    return HttpResponse(status=204)


@require_POST
@guarded(policies.WORK_QUEUE)
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """A sign of life while a held lead is open: 204 while it is held, 409 once it is not any more."""
    lead = visible_or_404(Lead.objects.visible_to(request.user), pk=pk)
    rep = _own_rep(request)
    until = services.keep(rep=rep, at=timezone.now(), lead=lead) if rep else None
    return HttpResponse(status=204 if until else 409)


@require_safe
@guarded(policies.SEE_TEAM_DAY)
def team(request: HttpRequest) -> HttpResponse:
    """Each SDR's queue in figures: what waits, what is at risk, what is late, what was done today."""
    found = team_day.team_day(user=request.user, at=timezone.now())
    context = {"day": found, "now": found.now, "takers": found.takers, "request_key": uuid4().hex}
    return render(request, "leads/team_day.html", context)


@require_safe
@guarded(policies.SEE_TEAM_DAY)
def member_queue(request: HttpRequest, pk: int) -> HttpResponse:
    """One SDR's queue as they see it, to read."""
    rep = visible_or_404(
        Rep.objects.visible_to(request.user).sdrs().select_related("team__calendar", "user"), pk=pk
    )
    context = list_context(request, rep, member=rep)
    context |= giving_context(request.user, context["now"])
    lead = panel.asked_lead(request) if "lead" in request.GET else None
    if lead is not None:
        context |= panel.context_of(request, lead, act="", now=context["now"])
    return render(request, "leads/queue.html", context)


@require_safe
@guarded(policies.SEE_TEAM_DAY)
def member_queue_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The list alone of one SDR's queue."""
    rep = visible_or_404(Rep.objects.visible_to(request.user).sdrs().select_related("team__calendar"), pk=pk)
    return changed(request, list_context(request, rep, member=rep))


def _own_rep(request: HttpRequest) -> Rep | None:
    return rep_of(request.user)
