"""Hiring scenarios: listed, written, played forward, compared, dropped."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.periods import month_of
from apps.core.policies import guarded, visible_or_404
from apps.scorecards import capacity_policies as policies
from apps.scorecards.forms.capacity import ScenarioForm
from apps.scorecards.models import HiringScenario
from apps.scorecards.presentation_hiring import plan_context, side_by_side
from apps.scorecards.rules.hiring import play
from apps.scorecards.rules.hiring_draft import Draft, plan_of
from apps.scorecards.selectors.capacity import capacity_of
from apps.scorecards.selectors.cards import in_month
from apps.scorecards.selectors.hiring import starting_point
from apps.scorecards.selectors.velocity import velocity_of
from apps.scorecards.services import hiring as services
from apps.scorecards.views import asked
from apps.scorecards.views.capacity import reps_for, scope_of


def _visible(request: HttpRequest) -> Any:
    return HiringScenario.objects.visible_to(request.user).kept().select_related("owner")


def _played(draft: Draft) -> dict[str, Any]:
    plan = plan_of(draft)
    return plan_context(draft, plan, play(plan))


@require_safe
@guarded(policies.PLAN_HIRING)
def scenarios(request: HttpRequest) -> HttpResponse:
    """One's scenarios, the newest first, each with what breaks first in it."""
    rows = [{"row": one, **_played(services.draft_of(one))} for one in _visible(request)[:50]]
    return render(request, "scorecards/hiring.html", {"rows": rows})


@require_safe
@guarded(policies.PLAN_HIRING)
def scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """One scenario month by month."""
    found = visible_or_404(_visible(request), pk=pk)
    others = _visible(request).exclude(pk=found.pk)[:20]
    context = {"scenario": found, "others": others, **_played(services.draft_of(found))}
    return render(request, "scorecards/hiring_scenario.html", context)


@require_safe
@guarded(policies.PLAN_HIRING)
def compare(request: HttpRequest) -> HttpResponse:
    """``?a=`` beside ``?b=``; without both, the two newest."""
    mine = list(_visible(request)[:50])
    chosen = [
        visible_or_404(_visible(request), pk=request.GET[name]) if request.GET.get(name) else None
        for name in ("a", "b")
    ]
    spare = [one for one in mine if one not in chosen]
    sides = [one or (spare.pop(0) if spare else None) for one in chosen]
    context: dict[str, Any] = {"scenarios": mine, "sides": [], "rows": [], "a": sides[0], "b": sides[1]}
    known = [one for one in sides if one is not None]
    if len(known) == 2:
        played = [(one.name, services.draft_of(one)) for one in known]
        months = [play(plan_of(draft)) for _, draft in played]
        context["sides"] = [
            {"row": one, **_played(draft)} for one, (_, draft) in zip(known, played, strict=True)
        ]
        context["rows"] = side_by_side((*played[0], months[0]), (*played[1], months[1]))
    return render(request, "scorecards/hiring_compare.html", context)


def _starting(request: HttpRequest) -> Draft:
    """A draft out of the last whole month of one's people."""
    user: Any = request.user
    today = asked.today()
    month = month_of(today).previous()
    reps = list(reps_for(user).filter(in_month(month)))
    currencies = {rep.team.currency for rep in reps}
    return starting_point(
        reps=reps,
        capacity=capacity_of(reps=reps, month=month, today=today),
        growth=velocity_of(month=month, kind="mql", teams=scope_of(user, None)),
        today=today,
        currency=currencies.pop() if len(currencies) == 1 else settings.COMPANY_CURRENCY,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.PLAN_HIRING)
def new(request: HttpRequest) -> HttpResponse:
    """Write a scenario that starts from the record; ``?from=`` another one of one's own."""
    copied = request.GET.get("from", "")
    draft = services.draft_of(visible_or_404(_visible(request), pk=copied)) if copied else _starting(request)
    form = ScenarioForm(request.POST or None, draft=draft)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.save_scenario(draft=form.draft, at=timezone.now(), actor=request.user)
        except DomainError as error:
            form.refuse(error.field, error.message)
        else:
            messages.success(request, "The scenario is saved.")
            return redirect("scorecards:hiring_scenario", made.pk)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "scenario": None, "copied": bool(copied)}
    return render(request, "scorecards/hiring_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.PLAN_HIRING)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a scenario."""
    found = visible_or_404(_visible(request), pk=pk)
    form = ScenarioForm(request.POST or None, draft=services.draft_of(found), version=found.version)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_scenario(
                scenario=found,
                draft=form.draft,
                seen_version=form.cleaned_data["seen"] or 0,
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.refuse(error.field, error.message)
        else:
            messages.success(request, "The scenario is saved.")
            return redirect("scorecards:hiring_scenario", found.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "scorecards/hiring_edit.html", {"form": form, "scenario": found}, status=status)


@require_POST
@guarded(policies.PLAN_HIRING)
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """List a scenario no more."""
    found = visible_or_404(_visible(request), pk=pk)
    services.drop_scenario(scenario=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} is listed no more.")
    return redirect("scorecards:hiring")
