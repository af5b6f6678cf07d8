"""The exploration budget: what was agreed, what is left of the quarter, and whether the bets pay."""

from datetime import date, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import DomainError
from apps.core.periods import NotAPeriod, day_of, parse_period, quarter_of
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.exploration import BudgetForm
from apps.leads.selectors import exploration as selectors
from apps.leads.services import exploration as services
from apps.reps.models import Rep


def _today() -> date:
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


@require_safe
@guarded(policies.SEE_EXPLORATION)
def exploration(request: HttpRequest) -> HttpResponse:
    """One quarter (``?period=``; this one without): budgets within one's scope, and outcomes apart."""
    today = _today()
    try:
        quarter = quarter_of(parse_period(request.GET.get("period", "") or quarter_of(today).code).start)
    except NotAPeriod:
        quarter = quarter_of(today)
    day = min(max(today, quarter.start), quarter.end - timedelta(days=1))
    shown = {
        "overview": selectors.overview(user=request.user, quarter=quarter, day=day),
        "following": quarter.following() if quarter.end <= today else None,
        "may_set": policies.SET_EXPLORATION.admits(request.user),
        "may_set_company": policies.SET_COMPANY_EXPLORATION.admits(request.user),
    }
    return render(request, "leads/exploration.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_COMPANY_EXPLORATION)
def exploration_company(request: HttpRequest) -> HttpResponse:
    """What holds for everybody without a budget of their own."""
    return _set(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_EXPLORATION)
def exploration_rep(request: HttpRequest, pk: int) -> HttpResponse:
    """What holds for one SDR."""
    return _set(request, visible_or_404(selectors.sdrs_for(request.user), pk=pk))


def _set(request: HttpRequest, rep: Rep | None) -> HttpResponse:
    today = _today()
    if request.method == "POST":
        form = BudgetForm(request.POST, today=today)
        if form.is_valid() and _saved(request, form, rep):
            return redirect("leads:exploration")
    else:
        form = BudgetForm(today=today, initial={"from_on": quarter_of(today).start.isoformat()})
    status = 422 if request.method == "POST" else 200
    return render(request, "leads/exploration_set.html", {"form": form, "rep": rep}, status=status)


def _saved(request: HttpRequest, form: BudgetForm, rep: Rep | None) -> bool:
    given = form.cleaned_data
    try:
        services.set_budget(rep=rep, **given, at=timezone.now(), actor=request.user)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    whose = rep.name if rep else "everybody"
    number = given["per_quarter"]
    messages.success(
        request,
        f"The budget for {whose} is {number} a quarter."
        if number is not None
        else f"Taken away for {whose}.",
    )
    return True
