"""Leads as a list to search, and one taken in by hand."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Role
from apps.core.errors import InvalidInput
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.forms.intake import ZONES, LeadForm
from apps.leads.models import Lead, LeadStage, Score, Source
from apps.leads.selectors import lead_list
from apps.leads.services import intake
from apps.leads.services.intake import Arrival, Outcome, Received
from apps.leads.views.reassignment import giving_context
from apps.reps.models import Team
from apps.reps.selectors import rep_of


@require_safe
@guarded(policies.LIST_LEADS)
def leads(request: HttpRequest) -> HttpResponse:
    """Leads within one's scope, the newest first; filters stand in the address."""
    filters = lead_list.Filters.of(request.GET)
    page = lead_list.page(user=request.user, filters=filters, after=request.GET.get("after", ""))
    context = {
        "page": page,
        "filters": filters,
        "stages": LeadStage.choices,
        "scores": Score.choices,
        "can_add": policies.TAKE_IN_LEAD.admits(request.user),
    }
    if policies.REASSIGN.admits(request.user):
        context |= giving_context(request.user, timezone.now())
    return render(request, "leads/leads.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.TAKE_IN_LEAD)
def new(request: HttpRequest) -> HttpResponse:
    """Take a lead in by hand: an SDR for the own team, a manager or RevOps for a team within scope."""
    options: dict[str, Any] = {"teams": _teams(request), "can_own": request.user.role == Role.SDR}
    if request.method != "POST":
        form = LeadForm(initial={"request_key": uuid4().hex, "is_inbound": "yes"}, **options)
        return render(request, "leads/lead_new.html", {"form": form, "zones": ZONES})
    form = LeadForm(request.POST, **options)
    if form.is_valid():
        answer = _take_in(request, form)
        if answer is not None:
            return answer
    return render(request, "leads/lead_new.html", {"form": form, "zones": ZONES}, status=422)


def _teams(request: HttpRequest) -> Any:
    return (
        Team.objects.visible_to(request.user)
        .filter(is_open=True, reps__role__in=("isr", "osr"))
        .distinct()
        .order_by("name")
    )


def _take_in(request: HttpRequest, form: LeadForm) -> HttpResponse | None:
    """The answer when it worked; ``None`` leaves the error on the form."""
    arrival = Arrival(
        incoming=form.incoming,
        team=form.cleaned_data["team"],
        owner=rep_of(request.user) if form.cleaned_data.get("mine") else None,
        at=timezone.now(),
        source=Source.PAGE,
        source_key=f"page:{request.user.pk}:{form.cleaned_data['request_key']}",
        actor=request.user,
    )
    try:
        found = intake.receive(arrivals=[arrival])[0]
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None
    if not Lead.objects.visible_to(request.user).filter(pk=found.lead.pk).exists():
        form.add_error("email" if form.incoming.email else None, _ELSEWHERE[found.outcome])
        return None
    say = messages.success if found.outcome is Outcome.NEW else messages.info
    say(request, _words(found))
    return redirect(reverse("leads:lead", args=[found.lead.pk]))


_ELSEWHERE = {
    Outcome.NEW: "It is taken in, for another team.",
    Outcome.ASKED_AGAIN: "They are known already and worked by somebody else, who sees now that they asked again.",
    Outcome.WITH_AN_AE: "They are known already and with an AE, who sees now that they asked again.",
    Outcome.KNOWN: "They are known already and worked by somebody else; ask RevOps who.",
    Outcome.OPTED_OUT: "They have opted out: that they asked is kept, and nobody may contact them.",
}


def _words(found: Received) -> str:
    """What became of the arrival, plainly."""
    label = found.lead.label
    match found.outcome:
        case Outcome.NEW:
            before = f" They were here before, as lead {found.earlier.pk}." if found.earlier else ""
            return f"{label} is taken in with score {found.lead.score}.{before}"
        case Outcome.ASKED_AGAIN:
            return f"{label} was known already: no second lead. That they asked again is recorded; they are next."
        case Outcome.WITH_AN_AE:
            return f"{label} was known already and is with an AE. That they asked again is recorded."
        case Outcome.OPTED_OUT:
            return f"{label} has opted out: kept, and nobody may contact them."
    return f"{label} was known already: here is where it stands."
