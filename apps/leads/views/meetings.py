"""Meetings of an SDR or an AE: what is to come, and what came of those that have begun."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.selectors import meetings as selectors
from apps.leads.services import hand_offs as services

_OUTCOMES = {"held": True, "no_show": False}


@require_safe
@guarded(policies.SEE_MEETINGS)
def meetings(request: HttpRequest) -> HttpResponse:
    """Those to come and those that lack an outcome; ``?show=past`` those that have one."""
    now = timezone.now()
    context: dict[str, object] = {"now": now, "may_close": policies.CLOSE_MEETING.admits(request.user)}
    if request.GET.get("show") == "past":
        context["page"] = selectors.past(request.user, after=request.GET.get("after", ""))
    else:
        context["agenda"] = selectors.agenda(request.user, at=now)
    return render(request, "leads/meetings.html", context)


@require_POST
@guarded(policies.CLOSE_MEETING)
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the customer came, or did not."""
    meeting = visible_or_404(selectors.one(request.user), pk=pk)
    policies.CLOSE_MEETING.check(request.user, meeting)
    outcome = request.POST.get("outcome", "")
    if outcome not in _OUTCOMES:
        raise InvalidInput("Say whether the meeting was held or the customer did not come.", field="outcome")
    services.close_meeting(meeting=meeting, held=_OUTCOMES[outcome], at=timezone.now(), actor=request.user)
    said = "held" if _OUTCOMES[outcome] else "a no-show"
    messages.success(request, f"{meeting.lead.company or meeting.lead.label}: noted as {said}.")
    return redirect("leads:meetings")
