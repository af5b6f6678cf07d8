"""One lead: its page or panel, its timeline, why it stands where it does, and one event explained."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.zones import zone_of
from apps.core.policies import guarded, visible_or_404
from apps.leads import credit_policies, policies
from apps.leads.models import Capacity
from apps.leads.rules.credit_rules import KINDS
from apps.leads.selectors import events
from apps.leads.selectors import lead as selectors
from apps.leads.selectors.happenings import what_happened
from apps.leads.selectors.timeline import timeline_of
from apps.leads.selectors.why import explanation_of
from apps.leads.views import panel


@require_safe
@guarded(policies.SEE_LEAD)
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    """The lead; by htmx the panel's content. ``?act=qualify`` and ``?act=book`` open what is to be done."""
    found = visible_or_404(selectors.leads_for(request.user), pk=pk)
    return panel.show(request, found, act=request.GET.get("act", ""))


@require_safe
@guarded(policies.SEE_LEAD)
def timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """What happened to the lead: ``kind`` of happening, ``before`` a place; by htmx the rows alone."""
    found = visible_or_404(selectors.leads_for(request.user), pk=pk)
    before = request.GET.get("before", "")
    context = {
        "lead": found,
        "timeline": timeline_of(found, kind=request.GET.get("kind", ""), before=before),
    }
    if not getattr(request, "htmx", False):
        return render(request, "leads/timeline.html", context)
    return render(request, "leads/_timeline_rows.html" if before else "leads/_lead_timeline.html", context)


@require_safe
@guarded(policies.SEE_LEAD)
def explain(request: HttpRequest, pk: int) -> HttpResponse:
    """Why the lead stands where it does: place, next step, calling, owner, and its score point by point."""
    found = visible_or_404(selectors.leads_for(request.user), pk=pk)
    now = timezone.now()
    context = {
        "lead": found,
        "now": now,
        "why": explanation_of(lead=found, user=request.user, now=now, zone=zone_of(request.user)),
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "leads/_explain.html" if fragment else "leads/explain.html", context)


@require_safe
@guarded(policies.SEE_EVENT)
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """One event of the record: what, when it occurred and was recorded, credits, amount, source, links."""
    found = visible_or_404(events.event_for(request.user), pk=pk)
    credited = list(found.credits.all())
    visible = events.reachable(found, request.user)
    context = {
        "event": found,
        "what": what_happened(found),
        "sourced": [one for one in credited if one.capacity == Capacity.SOURCED],
        "owned": [one for one in credited if one.capacity == Capacity.OWNED],
        "reversed_by": getattr(found, "reversed_by", None),
        "visible": visible,
        "may_split": found.kind in KINDS
        and not hasattr(found, "reversed_by")
        and credit_policies.ASK_FOR_SPLIT.admits(request.user),
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "leads/_event.html" if fragment else "leads/event.html", context)
