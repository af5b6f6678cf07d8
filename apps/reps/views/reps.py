"""Reps and their teams, as a list."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.keyset import page_of
from apps.core.policies import guarded
from apps.reps.models import Rep, RepRole, Team
from apps.reps.policies import SEE_REPS


@require_safe
@guarded(SEE_REPS)
def reps(request: HttpRequest) -> HttpResponse:
    """By name, with team, role, tier and whether they may sign in; filtered by team, role and name."""
    text, role = request.GET.get("q", "")[:80].strip(), request.GET.get("role", "")
    team = request.GET.get("team", "")
    found = Rep.objects.visible_to(request.user).select_related("team", "agency", "user")
    if text:
        found = found.filter(name__icontains=text)
    if role in RepRole.values:
        found = found.filter(role=role)
    if team.isascii() and team.isdigit():
        found = found.filter(team=int(team[:18]))
    context = {
        "page": page_of(found, by=("name", "pk"), after=request.GET.get("after", "")),
        "teams": Team.objects.visible_to(request.user),
        "roles": RepRole.choices,
        "text": text,
        "role": role,
        "team": team,
    }
    return render(request, "reps/list.html", context)
