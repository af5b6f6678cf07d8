"""The board of promises: what is at risk, what is late, how many were kept."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.core.periods import NotAPeriod, Period, day_of, month_of, parse_period
from apps.core.policies import guarded
from apps.slas import policies, selectors
from apps.slas.models import Policy


@require_safe
@guarded(policies.SEE_BOARD)
def board(request: HttpRequest) -> HttpResponse:
    """``?period=2026-10`` chooses the period of the attainment; without one, the present month."""
    now = timezone.now()
    period = _period(request, month_of(day_of(now, settings.COMPANY_TIME_ZONE)))
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    context = {
        "board": selectors.board(user=request.user, now=now, start=start, end=end),
        "policies": Policy.objects.filter(is_active=True),
        "period": period,
        "earlier": period.previous(),
        "later": period.following() if end <= now else None,
        "now": now,
    }
    return render(request, "slas/board.html", context)


def _period(request: HttpRequest, usual: Period) -> Period:
    try:
        return parse_period(request.GET.get("period", "") or usual.code)
    except NotAPeriod:
        return usual
