"""The SDR's day: the queue, the next lead, and a manager's view of who has what before them."""

from typing import Any

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
from apps.leads.services import queue as services
from apps.leads.views import panel
from apps.leads.views.listing import list_context, number_in
from apps.reps.models import Rep
from apps.reps.selectors import rep_of


@require_safe
@guarded(policies.WORK_QUEUE)
def queue(request: HttpRequest) -> HttpResponse:
    """My day; ``?lead=`` opens a lead beside the list, ``act=qualify`` or ``book`` what is done to it."""
    context = list_context(request, _own_rep(request))
    lead = panel.asked_lead(request)
    if lead is not None:
        context |= panel.context_of(request, lead, act=request.GET.get("act", ""), now=context["now"])
    return render(request, "leads/queue.html", context)


@require_safe
@guarded(policies.WORK_QUEUE)
def queue_list(request: HttpRequest) -> HttpResponse:
    """The list alone, for the page's refresh; 204 while nothing in it has changed."""
    return _list_or_nothing(request, list_context(request, _own_rep(request)))


@require_POST
@guarded(policies.WORK_QUEUE)
def next_lead(request: HttpRequest) -> HttpResponse:
    """Claim the best lead and open it; the one that was open is offered again only if nothing else is."""
    rep = _own_rep(request)
    if rep is None:
        return redirect("leads:queue")
    after = Lead.objects.visible_to(request.user).filter(pk=number_in(request.POST.get("after"))).first()
    lead = services.claim_next(rep=rep, at=timezone.now(), after=after)
    if lead is None:
        messages.info(request, "Nothing waits: the queue is empty for now.")
        return redirect("leads:queue")
    return redirect(f"{reverse('leads:queue')}?lead={lead.pk}")


@require_POST
@guarded(policies.WORK_QUEUE)
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let go of a held lead, so that a teammate may be offered it."""
    lead = visible_or_404(Lead.objects.visible_to(request.user), pk=pk)
    rep = _own_rep(request)
    if rep is not None:
        services.release(rep=rep, at=timezone.now(), lead=lead)
    return HttpResponse(status=204)


@require_safe
@guarded(policies.SEE_TEAM_DAY)
def team(request: HttpRequest) -> HttpResponse:
    """Each SDR's queue in figures: what waits, what is at risk, what is late, what was done today."""
    found = team_day.team_day(user=request.user, at=timezone.now())
    return render(request, "leads/team_day.html", {"day": found, "now": found.now})


@require_safe
@guarded(policies.SEE_TEAM_DAY)
def member_queue(request: HttpRequest, pk: int) -> HttpResponse:
    """One SDR's queue as they see it, to read."""
    rep = visible_or_404(
        Rep.objects.visible_to(request.user).sdrs().select_related("team__calendar", "user"), pk=pk
    )
    context = list_context(request, rep, member=rep)
    lead = panel.asked_lead(request)
    if lead is not None:
        context |= panel.context_of(request, lead, act="", now=context["now"])
    return render(request, "leads/queue.html", context)


@require_safe
@guarded(policies.SEE_TEAM_DAY)
def member_queue_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The list alone of one SDR's queue."""
    rep = visible_or_404(Rep.objects.visible_to(request.user).sdrs().select_related("team__calendar"), pk=pk)
    return _list_or_nothing(request, list_context(request, rep, member=rep))


def _own_rep(request: HttpRequest) -> Rep | None:
    return rep_of(request.user)


def _list_or_nothing(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    found = context["queue"]
    tag = f'"{found.fingerprint if found else "none"}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=204)
    response = render(request, "leads/_queue.html", context)
    response["ETag"] = tag
    return response
