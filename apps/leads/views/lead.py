"""One lead: its page or panel, why it stands where it does, and one event explained."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.zones import zone_of
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.models import Capacity
from apps.leads.selectors import events
from apps.leads.selectors import lead as selectors
from apps.leads.selectors.happenings import what_happened
from apps.leads.views import panel


@require_safe
@guarded(policies.SEE_LEAD)
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    """The lead; by htmx the panel's content. ``?act=qualify`` and ``?act=book`` open what is to be done."""
    found = visible_or_404(selectors.leads_for(request.user), pk=pk)
    return panel.show(request, found, act=request.GET.get("act", ""))


@require_safe
@guarded(policies.SEE_LEAD)
def explain(request: HttpRequest, pk: int) -> HttpResponse:
    """Why the lead stands where it does in the queue, and how its score was made."""
    found = visible_or_404(selectors.leads_for(request.user), pk=pk)
    now = timezone.now()
    zone = zone_of(request.user)
    context = {
        "lead": found,
        "now": now,
        "sentences": selectors.position_of(lead=found, now=now, zone=zone),
        "score_parts": selectors.score_parts(found),
        "threshold_words": selectors.threshold_words(found),
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
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "leads/_event.html" if fragment else "leads/event.html", context)
