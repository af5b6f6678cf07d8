"""The board of promises: what is at risk and late, how many were kept, when they break and why."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.core.periods import NotAPeriod, Period, day_of, month_of, parse_period
from apps.core.policies import guarded
from apps.slas import policies
from apps.slas.selectors import attainment, patterns, reasons
from apps.slas.selectors.forecast import teams_in_scope
from apps.slas.selectors.policies import promised
from apps.slas.selectors.pressing import pressing, steps_today


@require_safe
@guarded(policies.SEE_BOARD)
def board(request: HttpRequest) -> HttpResponse:
    """``?period=2026-10`` chooses the period of the attainment; without one, the present month."""
    now = timezone.now()
    period = period_of(request)
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    attained = attainment.attained(user=request.user, start=start, end=end)
    context = {
        "pressing": pressing(user=request.user, now=now),
        "steps": steps_today(user=request.user, now=now),
        "attained": attained,
        "heat": patterns.heat(user=request.user, start=start, end=end),
        "parts": patterns.parts(attained.total.times),
        "reasons": reasons.report(user=request.user, start=start, end=end),
        "promised": promised(),
        "teams": teams_in_scope(request.user),
        "now": now,
        **period_context(period),
    }
    return render(request, "slas/board.html", context)


@require_safe
@guarded(policies.SEE_BOARD)
def live(request: HttpRequest) -> HttpResponse:
    """The part of the board that ``?part=`` names (``pressing`` or ``steps``); 204 while it is as it ``was``."""
    now = timezone.now()
    if request.GET.get("part") == "steps":
        steps = steps_today(user=request.user, now=now)
        return _unless_shown(request, steps.fingerprint, "slas/_steps_today.html", {"steps": steps})
    found = pressing(user=request.user, now=now)
    return _unless_shown(request, found.fingerprint, "slas/_pressing.html", {"pressing": found, "now": now})


def _unless_shown(request: HttpRequest, print_: str, name: str, context: dict[str, Any]) -> HttpResponse:
    if request.GET.get("was") == print_:
        return HttpResponse(status=204)
    return render(request, name, context)


def period_of(request: HttpRequest) -> Period:
    """The period that the address names, else the present month."""
    usual = month_of(day_of(timezone.now(), settings.COMPANY_TIME_ZONE))
    try:
        return parse_period(request.GET.get("period", "") or usual.code)
    except NotAPeriod:
        return usual


def period_context(period: Period) -> dict[str, Period | None]:
    """The period with its neighbours; there is none later than the present one."""
    _, end = period.bounds(settings.COMPANY_TIME_ZONE)
    later = period.following() if end <= timezone.now() else None
    return {"period": period, "earlier": period.previous(), "later": later}
