"""Capacity: actual against assumed, who carries the mean, lead velocity; and what is assumed, with its history."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.periods import month_of
from apps.core.policies import guarded
from apps.reps.models import Rep, Team
from apps.scorecards import capacity_policies as policies
from apps.scorecards.forms.capacity import AssumptionForm
from apps.scorecards.models import Assumption, reps_in_training_for
from apps.scorecards.presentation_capacity import (
    assumption_row,
    assumption_words,
    plural,
    role_rows,
    skew_rows,
    velocity_context,
)
from apps.scorecards.selectors.assumptions import in_force
from apps.scorecards.selectors.capacity import capacity_of
from apps.scorecards.selectors.cards import in_month
from apps.scorecards.selectors.velocity import KINDS, velocity_of
from apps.scorecards.services import assumptions as services
from apps.scorecards.views import asked


def reps_for(user: Any) -> QuerySet[Rep]:
    """Whose capacity ``user`` sees: those of managed teams, all for RevOps; with what their days are read from."""
    return reps_in_training_for(user).select_related("calendar", "team__calendar")


def teams_for(user: Any) -> list[Team]:
    """The teams of those people."""
    return list(Team.objects.filter(reps__in=reps_in_training_for(user)).distinct())


def scope_of(user: Any, team: Team | None) -> list[int] | None:
    """Whose leads count: those of the team, of the managed teams, of all (``None``) for RevOps."""
    if team is not None:
        return [team.pk]
    return None if user.role == "revops" else [one.pk for one in Team.objects.filter(manager=user)]


@require_safe
@guarded(policies.SEE_CAPACITY)
def capacity(request: HttpRequest) -> HttpResponse:
    """The month of ``?month=`` (the last whole one without it), of ``?team=`` or of everybody in one's scope."""
    month = asked.chosen_month(request)
    switch = asked.month_switch(month)
    if month.start > switch["running"].start:
        raise Http404
    teams = teams_for(request.user)
    team = next((one for one in teams if str(one.pk) == request.GET.get("team", "")), None)
    reps = reps_for(request.user).filter(in_month(month))
    if team is not None:
        reps = reps.filter(team=team)
    kind = request.GET.get("of", "")
    kind = kind if kind in KINDS else "mql"
    today = asked.today()
    found = capacity_of(reps=reps, month=month, today=today)
    # Half a month has not fallen behind a whole one.
    whole = month if month.end <= today else month.previous()
    growth = velocity_of(month=whole, kind=kind, teams=scope_of(request.user, team))
    context = {
        "month": month,
        "switch": switch,
        "teams": teams,
        "team": team,
        "roles": role_rows(found.roles),
        "skews": skew_rows(found.skews),
        "velocity": velocity_context(growth),
        "kind": kind,
        "kind_word": "SQLs" if kind == "sql" else "MQLs",
        "may_write": policies.WRITE_ASSUMPTION.admits(request.user),
    }
    return render(request, "scorecards/capacity.html", context)


def _assumptions_page(request: HttpRequest, form: AssumptionForm, status: int = 200) -> HttpResponse:
    month = month_of(asked.today())
    history: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in Assumption.objects.visible_to(request.user).select_related("set_by"):
        history.setdefault((one.role, one.metric), []).append(assumption_row(one))
    rows = [
        {
            "role": plural(role)[:1].upper() + plural(role)[1:],
            "words": assumption_words(assumption),
            "history": history.pop((role, key), []),
        }
        for (role, key), assumption in sorted(in_force(month).items())
    ]
    context = {
        "rows": rows,
        "to_come": [one for of_key in history.values() for one in of_key],
        "month": month,
        "form": form,
        "may_write": policies.WRITE_ASSUMPTION.admits(request.user),
    }
    return render(request, "scorecards/capacity_assumptions.html", context, status=status)


@require_safe
@guarded(policies.SEE_CAPACITY)
def assumptions(request: HttpRequest) -> HttpResponse:
    """What each role is assumed to take, and what was assumed before."""
    form = AssumptionForm(initial={"month": month_of(asked.today()).code})
    return _assumptions_page(request, form)


@require_POST
@guarded(policies.WRITE_ASSUMPTION)
def set_assumption(request: HttpRequest) -> HttpResponse:
    """Set one from a month on."""
    form = AssumptionForm(request.POST)
    if form.is_valid():
        try:
            made = services.set_assumption(**form.given, at=timezone.now(), actor=request.user)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            said = "It is assumed from then on." if made else "That is assumed already."
            messages.success(request, said)
            return redirect("scorecards:capacity_assumptions")
    return _assumptions_page(request, form, status=422)
