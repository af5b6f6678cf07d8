"""The estimator: what one's pay would be if these deals close. Nothing is saved, and no address carries it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.compensation import policies
from apps.compensation.estimate_forms import EstimateForm
from apps.compensation.rules.events import UnableToEarn
from apps.compensation.selectors import estimate_offers, estimate_page
from apps.compensation.selectors.estimates import course_of, estimate, whose_pay
from apps.compensation.selectors.inputs import NoPlanInForce
from apps.compensation.selectors.supposed import Supposed
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.reps.models import Rep
from apps.reps.selectors import rep_of


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.ESTIMATE_PAY)
def own(request: HttpRequest) -> HttpResponse:
    """One's own; a manager without pay of the own chooses whose."""
    rep = rep_of(request.user)
    if rep is None:
        return render(request, "compensation/estimate_whose.html", {"reps": _managed(request)})
    return _page(request, rep)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.ESTIMATE_PAY)
def of_rep(request: HttpRequest, pk: int) -> HttpResponse:
    """That of a rep under one's management, or one's own."""
    return _page(request, visible_or_404(whose_pay(request.user), pk=pk))


def _managed(request: HttpRequest) -> list[Rep]:
    found = whose_pay(request.user).filter(left_on__isnull=True)
    return list(found.select_related("team").order_by("team__name", "name")[:300])


def _page(request: HttpRequest, rep: Rep) -> HttpResponse:
    """The page, or the result alone where the form asked for it while somebody types."""
    user: Any = request.user
    at = timezone.now()
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    context: dict[str, Any] = {"rep": rep, "is_own": rep.user_id == user.pk, "today": today}
    try:
        course = course_of(rep.pk, at)
        asked = estimate_offers.asked_of(course, today)
    except NoPlanInForce as error:
        return _answer(request, context | {"refusal": error.message})
    offers = estimate_offers.offers(user=user, rep=rep, asked=asked, at=at)
    form = EstimateForm.of(
        offers,
        asked,
        estimate_offers.currency_of(course, today),
        today,
        data=request.POST if request.method == "POST" else None,
        chosen=request.GET.get("deal", ""),
    )
    context |= {"form": form, "asked": asked, "has_plan": bool(asked.kinds)}
    if request.method == "POST":
        steps, typed = form.steps, form.typed
        problems = form.problems
    else:
        steps, typed, problems = form.chosen_steps, [], []
    events = estimate_offers.supposed_events(steps, typed, rep=rep, asked=asked)
    context |= {"problems": problems, "supposed": len(events)}
    try:
        found = estimate(course=course, supposed=Supposed(events), today=today)
    except (UnableToEarn, NoPlanInForce) as error:
        return _answer(request, context | {"refusal": estimate_offers.in_names(error, events)})
    context |= {"periods": estimate_page.shown(found), "ahead": found.ahead}
    return _answer(request, context)


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    if request.method == "POST" and getattr(request, "htmx", False):
        return render(request, "compensation/_estimate.html", context | {"is_fragment": True})
    status = 422 if context.get("problems") else 200
    return render(request, "compensation/estimate.html", context, status=status)
