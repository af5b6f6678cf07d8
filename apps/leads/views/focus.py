"""Focus blocks: the company's week and each rep's, a weekday changed, a week begun or given up."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.focus import DayForm
from apps.leads.forms.rows import is_act
from apps.leads.selectors import focus as weeks
from apps.leads.selectors import focus_week as selectors
from apps.leads.services import focus as services
from apps.reps.models import Rep


def _rep(request: HttpRequest, pk: int) -> Rep:
    """A rep whose week the user may see, and so change."""
    return visible_or_404(_reps(request), pk=pk)


def _reps(request: HttpRequest) -> Any:
    return selectors.reps_with_a_week(request.user, day_of(timezone.now(), settings.COMPANY_TIME_ZONE))


@require_safe
@guarded(policies.SEE_FOCUS)
def focus(request: HttpRequest) -> HttpResponse:
    """An SDR's own week; for the others the company's."""
    return _week(request, _reps(request).filter(user=request.user).first())


@require_safe
@guarded(policies.SEE_FOCUS)
def focus_company(request: HttpRequest) -> HttpResponse:
    """The company's week, which holds for every rep without an own one."""
    return _week(request, None)


@require_safe
@guarded(policies.SEE_FOCUS)
def focus_rep(request: HttpRequest, pk: int) -> HttpResponse:
    """One rep's week."""
    return _week(request, _rep(request, pk))


def _week(request: HttpRequest, rep: Rep | None) -> HttpResponse:
    week = weeks.week_of(rep)
    reps = list(_reps(request))
    context = {
        "rep": rep,
        "is_own": week.is_own,
        "picture": selectors.picture(week),
        "usual": services.default_day(),
        "reps": reps,
        "may_change": rep is not None or policies.SET_COMPANY_FOCUS.admits(request.user),
    }
    return render(request, "leads/focus.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_COMPANY_FOCUS)
def focus_company_day(request: HttpRequest, weekday: int) -> HttpResponse:
    """Divide a weekday of the company anew."""
    return _day(request, None, weekday)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_FOCUS)
def focus_rep_day(request: HttpRequest, pk: int, weekday: int) -> HttpResponse:
    """Divide a weekday of one rep anew."""
    return _day(request, _rep(request, pk), weekday)


def _day(request: HttpRequest, rep: Rep | None, weekday: int) -> HttpResponse:
    if weekday >= len(selectors.WEEKDAYS):
        raise Http404
    week = weeks.week_of(rep)
    status = 200
    if request.method != "POST":
        blocks = [
            {"starts": f"{one.starts:%H:%M}", "ends": f"{one.ends:%H:%M}", "kind": one.kind}
            for one in sorted(week.blocks.get(weekday, ()))
        ]
        form = DayForm(weekday=weekday, blocks=blocks)
    elif is_act(request.POST):
        form = DayForm(weekday=weekday, data=request.POST, act=True)
    else:
        form = DayForm(weekday=weekday, data=request.POST)
        if form.is_valid():
            try:
                return _kept(request, rep, week, weekday, form)
            except services.BlocksInvalid as error:
                form.refuse(error.faults)
        status = 422
    context = {
        "rep": rep,
        "is_own": week.is_own,
        "weekday": weekday,
        "name": selectors.WEEKDAYS[weekday],
        "form": form,
        "back": _address(rep),
    }
    return render(request, "leads/focus_day.html", context, status=status)


def _kept(
    request: HttpRequest, rep: Rep | None, week: weeks.OwnWeek, weekday: int, form: DayForm
) -> HttpResponse:
    # A rep who begins from the company's week keeps the rest of it.
    wanted = dict(week.blocks) if rep is not None and not week.is_own else {}
    days = [weekday, *form.weekdays]
    wanted |= dict.fromkeys(days, form.blocks)
    services.set_week(rep=rep, week=wanted, at=timezone.now(), actor=request.user)
    names = ", ".join(selectors.WEEKDAYS[day] for day in sorted(days))
    messages.success(request, f"{names}: kept.")
    return redirect(_address(rep))


def _address(rep: Rep | None) -> str:
    return reverse("leads:focus_rep", args=[rep.pk]) if rep else reverse("leads:focus_company")


@require_POST
@guarded(policies.SET_COMPANY_FOCUS)
def focus_company_usual(request: HttpRequest) -> HttpResponse:
    """Begin the company's week with the usual day on each weekday from Monday to Friday."""
    week = dict.fromkeys(range(5), services.default_day())
    services.set_week(rep=None, week=week, at=timezone.now(), actor=request.user)
    messages.success(request, "Monday to Friday begin with the usual day. Change what differs with you.")
    return redirect("leads:focus_company")


@require_POST
@guarded(policies.SET_FOCUS)
def focus_rep_begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the company's week the rep's own, to change from there."""
    rep = _rep(request, pk)
    services.begin_own_week(rep=rep, at=timezone.now(), actor=request.user)
    messages.success(request, "This week is now one's own. The company's changes no longer change it.")
    return redirect("leads:focus_rep", rep.pk)


@require_POST
@guarded(policies.SET_FOCUS)
def focus_rep_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up the rep's own week: the company's holds again."""
    rep = _rep(request, pk)
    services.drop_own_week(rep=rep, at=timezone.now(), actor=request.user)
    messages.success(request, f"The company’s blocks hold for {rep.name} again.")
    return redirect("leads:focus_rep", rep.pk)
