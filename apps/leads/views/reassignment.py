"""A manager or RevOps passes leads on: chosen rows, all of one SDR, or a team's pool."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.models import Lead, Reassignment
from apps.leads.selectors import reassignment as selectors
from apps.leads.services import reassignment as services
from apps.leads.views.listing import number_in
from apps.reps.models import Rep

_NAMED = 3
"""So many refusals are said by name in a message; more would not be read."""


def giving_context(user: Any, at: Any) -> dict[str, Any]:
    """What ``leads/_reassign_bar.html`` offers."""
    return {"takers": selectors.takers(user=user, at=at), "request_key": uuid4().hex}


@require_POST
@guarded(policies.REASSIGN)
def reassign(request: HttpRequest) -> HttpResponse:
    """Give the chosen leads to whom was chosen; what could not move is said by name."""
    now = timezone.now()
    try:
        to = _takers(request, now)
        done = services.reassign(
            leads=_leads(request),
            to=to,
            at=now,
            actor=request.user,
            request_key=request.POST.get("request_key", "")[:64] or uuid4().hex,
        )
    except InvalidInput as error:
        messages.error(request, error.message)
        return redirect(_back(request))
    _say(request, done, to)
    return redirect(_back(request))


@require_POST
@guarded(policies.REASSIGN)
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo one's own reassignment, for ten minutes."""
    done = visible_or_404(Reassignment.objects.visible_to(request.user), pk=pk)
    back = services.take_back(reassignment=done, at=timezone.now(), actor=request.user)
    stayed = len(done.moves) - len(back)
    words = f"{_count(len(back))} back where {'it was' if len(back) == 1 else 'they were'}."
    messages.info(request, words + (f" {_count(stayed)} moved on meanwhile." if stayed else ""))
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect(_back(request))


def _leads(request: HttpRequest) -> list[Lead]:
    """The chosen rows, or all of ``from=rep:7`` or ``from=pool:2``; 404 for what is out of scope."""
    kind, _, number = request.POST.get("from", "").partition(":")
    if kind in ("rep", "pool"):
        return selectors.workable_of(user=request.user, **{kind: number_in(number) or 0})
    ids = {number_in(one) for one in request.POST.getlist("lead")}
    if None in ids:
        raise Http404
    found = {lead.pk: lead for lead in Lead.objects.visible_to(request.user).filter(pk__in=ids).only("pk")}
    if len(found) != len(ids):
        raise Http404
    return [found[int(one)] for one in dict.fromkeys(request.POST.getlist("lead"))]


def _takers(request: HttpRequest, now: Any) -> list[Rep]:
    """Nobody for the pool, those present for sharing out, else the one named; 404 for one out of scope."""
    to = request.POST.get("to", "")
    if to == "pool":
        return []
    if to == "share":
        kind, _, number = request.POST.get("from", "").partition(":")
        present = selectors.takers(user=request.user, at=now).present
        team = number_in(request.POST.get("team"))
        mates = [rep for rep in present if team in (None, rep.team_id)]
        others = [rep for rep in mates if not (kind == "rep" and rep.pk == number_in(number))]
        if not others:
            raise InvalidInput("Nobody else is present to share them out among.", field="to")
        return others
    if not number_in(to):
        raise InvalidInput("Choose whom to give them to.", field="to")
    return [visible_or_404(Rep.objects.visible_to(request.user).sdrs(), pk=number_in(to))]


def _say(request: HttpRequest, done: Reassignment, to: list[Rep]) -> None:
    if done.moves:
        if not to:
            where = "put back into the pool"
        elif len(to) == 1:
            where = f"given to {to[0].name}"
        else:
            where = f"shared out among {len(to)}"
        undo = reverse("leads:take_back", args=[done.pk])
        messages.success(request, f"{_count(len(done.moves))} {where}.", extra_tags=f"undo={undo}")
    if done.refused:
        named = "; ".join(f"{name} {why}" for name, why in done.refused[:_NAMED])
        more = len(done.refused) - _NAMED
        rest = f"; and {more} more" if more > 0 else ""
        messages.warning(request, f"{_count(len(done.refused))} stayed: {named}{rest}.")


def _count(number: int) -> str:
    return "1 lead" if number == 1 else f"{number:,} leads"


def _back(request: HttpRequest) -> str:
    """The page one came from, if it is one of ours."""
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        return back
    return reverse("leads:team_day")
