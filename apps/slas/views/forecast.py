"""Which promises will break today, and giving them to those who still have room."""

from datetime import tzinfo
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Role
from apps.accounts.zones import zone_of
from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.leads.models import Lead
from apps.reps.models import Rep, Team
from apps.reps.selectors import rep_of
from apps.slas import policies
from apps.slas.rules import forecast as rules
from apps.slas.selectors import forecast as selectors
from apps.slas.services import forecast as services


@require_safe
@guarded(policies.SEE_FORECAST)
def forecast(request: HttpRequest) -> HttpResponse:
    """An SDR's own queue; for managers ``?team=`` or ``?rep=``. ``?plan=1`` shows who could still answer."""
    now = timezone.now()
    teams: list[Team] = []
    if request.user.role == Role.SDR:
        rep = rep_of(request.user)
        one = selectors.rep_forecast(rep=rep, at=now) if rep is not None and rep.is_sdr else None
    else:
        teams = selectors.teams_in_scope(request.user)
        one = _asked(request, teams, now)
    context: dict[str, Any] = {"one": one, "teams": teams, "now": now}
    if one is not None:
        context |= _shown(request, one)
    return render(request, "slas/forecast.html", context)


def _asked(request: HttpRequest, teams: list[Team], now: Any) -> selectors.TeamForecast | None:
    if request.GET.get("rep"):
        reps = Rep.objects.visible_to(request.user).sdrs().select_related("team__calendar")
        return selectors.rep_forecast(rep=visible_or_404(reps, pk=request.GET["rep"]), at=now)
    if request.GET.get("team"):
        team = next((one for one in teams if str(one.pk) == request.GET["team"]), None)
        if team is None:
            raise Http404
        return selectors.team_forecast(team=team, at=now)
    return selectors.team_forecast(team=teams[0], at=now) if teams else None


def _shown(request: HttpRequest, one: selectors.TeamForecast) -> dict[str, Any]:
    found = one.found
    zone = zone_of(request.user)
    may_move = policies.MOVE_WHAT_BREAKS.admits(request.user) and one.rep is None
    plan = selectors.plan(one) if may_move and request.GET.get("plan") and found.breaking else None
    leads = Lead.objects.in_bulk(one.lead_ids)
    names = {pk: rep.name for pk, rep in one.reps.items()}
    top = max([1, *(max(hour.due, hour.capacity) for hour in found.hours)])
    return {
        "found": found,
        "headline": rules.headline(found, {found.by: _words(found, zone)}),
        "breaking": [
            {
                "lead": leads[row.lead_id],
                "due_at": row.due_at,
                "answered_at": row.answered_at,
                "owner": names.get(row.owner_id or 0, "the pool"),
                "by": names.get(row.rep_id or 0, ""),
            }
            for row in found.breaking
        ],
        "people": [
            {
                "rep": one.reps[worker.rep_id],
                "handling": worker.handling,
                "worked": rules.worked_time(worker.windows, found.at, found.by).total_seconds() // 60,
                "fits": rules.capacity([worker], found.at, found.by),
            }
            for worker in found.workers
        ],
        "hours": [
            {
                "hour": hour,
                "due": f"{100 * (hour.due - hour.late) / top:.2f}",
                "late": f"{100 * hour.late / top:.2f}",
                "mark": f"{100 * hour.capacity / top:.2f}",
            }
            for hour in found.hours
        ],
        "may_move": may_move,
        "plan": plan,
        "moves": [
            {
                "move": move,
                "lead": leads[move.lead_id],
                "to": names[move.to],
                "owner": names.get(move.owner_id or 0, "the pool"),
            }
            for move in (plan.moves if plan else ())
        ],
        "stuck": [leads[row.lead_id] for row in (plan.stuck if plan else ()) if row.lead_id in leads],
        "request_key": uuid4().hex,
    }


def _words(found: rules.Forecast, zone: tzinfo) -> str:
    """``15:40``, with the weekday where that is not today."""
    by = found.by.astimezone(zone)
    return f"{by:%H:%M}" if by.date() == found.at.astimezone(zone).date() else f"{by:%a %H:%M}"


@require_POST
@guarded(policies.MOVE_WHAT_BREAKS)
def move(request: HttpRequest) -> HttpResponse:
    """Give the leads of ``move=<lead>:<rep>`` away as shown; what is being worked stays and is named."""
    teams = {str(one.pk): one for one in selectors.teams_in_scope(request.user)}
    if not request.POST.get("move"):
        messages.error(request, "Nothing was chosen to be moved: look at the forecast first.")
        return redirect("slas:forecast")
    team = teams.get(request.POST.get("team", ""))
    if team is None:
        raise Http404
    moves = _moves(request)
    if set(moves) - set(
        Lead.objects.visible_to(request.user).filter(pk__in=moves).values_list("pk", flat=True)
    ):
        raise Http404
    key = request.POST.get("request_key", "")[:48] or uuid4().hex
    try:
        moved = services.move_what_breaks(
            team=team, moves=moves, at=timezone.now(), actor=request.user, request_key=key
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        _say(request, moved)
    return redirect(f"{reverse('slas:forecast')}?team={team.pk}")


def _moves(request: HttpRequest) -> dict[int, int]:
    found = {}
    for one in request.POST.getlist("move")[:100]:
        lead, _, rep = one.partition(":")
        if not (lead.isascii() and lead.isdigit() and rep.isascii() and rep.isdigit() and len(one) < 38):
            raise Http404
        found[int(lead)] = int(rep)
    return found


def _say(request: HttpRequest, moved: services.Moved) -> None:
    names = dict(Rep.objects.filter(pk__in=moved.done).values_list("pk", "name"))
    for to, done in moved.done.items():
        if done.moves:
            undo = reverse("leads:take_back", args=[done.pk])
            number = len(done.moves)
            words = f"{number} {'lead' if number == 1 else 'leads'} given to {names[to]}."
            messages.success(request, words, extra_tags=f"undo={undo}")
        if done.refused:
            named = "; ".join(f"{name} {why}" for name, why in done.refused)
            messages.warning(request, f"Stayed: {named}.")
