"""Daily limits: what holds for whom with today's use, and setting those of the company, a team or a rep."""

from datetime import date

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import DomainError
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.throttles import LimitsForm
from apps.leads.selectors import throttle_use as selectors
from apps.leads.services.limits import set_limits
from apps.reps.models import Rep, Team


def _today() -> date:
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


@require_safe
@guarded(policies.SEE_THROTTLES)
def throttles(request: HttpRequest) -> HttpResponse:
    """Every limit within one's scope, from where it comes, and how much of it was used today."""
    context = {
        "board": selectors.board(user=request.user, at=timezone.now(), day=_today()),
        "columns": selectors.COLUMNS,
        "may_set": policies.SET_THROTTLES.admits(request.user),
        "may_set_company": policies.SET_COMPANY_THROTTLES.admits(request.user),
    }
    return render(request, "leads/throttles.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_COMPANY_THROTTLES)
def throttle_company(request: HttpRequest) -> HttpResponse:
    """The company's limits."""
    return _edit(request, team=None, rep=None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_THROTTLES)
def throttle_team(request: HttpRequest, pk: int) -> HttpResponse:
    """A team's limits, which win over the company's."""
    return _edit(request, team=visible_or_404(selectors.teams_in_scope(request.user), pk=pk), rep=None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_THROTTLES)
def throttle_rep(request: HttpRequest, pk: int) -> HttpResponse:
    """A rep's limits, which win over the team's."""
    return _edit(
        request, team=None, rep=visible_or_404(selectors.reps_in_scope(request.user, _today()), pk=pk)
    )


def _edit(request: HttpRequest, *, team: Team | None, rep: Rep | None) -> HttpResponse:
    inherited = selectors.inherited(team=team, rep=rep)
    status = 200
    if request.method == "POST":
        form = LimitsForm(request.POST, inherited=inherited)
        if form.is_valid() and _set(request, form, team, rep):
            messages.success(request, f"The limits of {rep or team or 'the company'} are kept.")
            return redirect("leads:throttles")
        status = 422
    else:
        form = LimitsForm(initial=selectors.own_limits(team=team, rep=rep), inherited=inherited)
    context = {"form": form, "team": team, "rep": rep}
    return render(request, "leads/throttle_edit.html", context, status=status)


def _set(request: HttpRequest, form: LimitsForm, team: Team | None, rep: Rep | None) -> bool:
    limits = [(column.kind, column.channel, most) for column, most in form.limits]
    try:
        set_limits(limits=limits, team=team, rep=rep, at=timezone.now(), actor=request.user)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    return True
