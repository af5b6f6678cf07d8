"""What inbound and outbound bring: a rep's own home, the switches of the day, and the pages for managers and
marketing with the events behind each figure.
"""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.core.keyset import page_of
from apps.core.periods import NotAPeriod, Period, day_of, month_of, parse_period
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.rules.attribution import CONVERTS_WITHIN, EXPECTED
from apps.leads.rules.switches import USUAL_DAYS
from apps.leads.selectors import inbound as inbound_rows
from apps.leads.selectors import motions, switches
from apps.leads.selectors import outreach as outreach_rows
from apps.leads.selectors import visits as visit_rows
from apps.leads.services.visits import window
from apps.reps.models import Rep, RepRole
from apps.reps.selectors import rep_of


@require_safe
@guarded(policies.WORK_QUEUE)
def home(request: HttpRequest) -> HttpResponse:
    """The rep's own measures, inbound or outbound; by htmx the fragment that stands beside the queue."""
    rep = rep_of(request.user)
    context: dict[str, Any] = {"rep": rep, "now": timezone.now()} | _terms()
    if rep is not None and rep.role == RepRole.OSR:
        context["outbound"] = motions.outbound_home(rep=rep, at=context["now"])
    elif rep is not None:
        context["inbound"] = motions.inbound_home(rep=rep, at=context["now"])
    fragment = getattr(request, "htmx", False)
    return render(request, "leads/_home.html" if fragment else "leads/home.html", context)


@require_safe
@guarded(policies.SEE_SWITCHES)
def focus_report(request: HttpRequest) -> HttpResponse:
    """Context switches: an SDR's own; a manager chooses one of the team's by ``?rep=``."""
    now = timezone.now()
    own = rep_of(request.user)
    context: dict[str, Any] = {"now": now, "rep": own, "team": [], "usual_days": USUAL_DAYS}
    if request.user.role != Role.SDR:
        today = day_of(now, settings.COMPANY_TIME_ZONE)
        visible = (
            Rep.objects.visible_to(request.user)
            .sdrs()
            .active_on(today)
            .select_related("calendar", "team__calendar")
        )
        reps = list(visible.order_by("team__name", "name"))
        asked = request.GET.get("rep", "")
        context["rep"] = visible_or_404(visible, pk=asked) if asked else None
        found = switches.compare(reps=reps, at=now)
        context["team"] = [(rep, found[rep.pk]) for rep in reps]
    if context["rep"] is not None:
        context["comparison"] = switches.compare(reps=[context["rep"]], at=now)[context["rep"].pk]
    return render(request, "leads/focus_report.html", context)


@require_safe
@guarded(policies.SEE_OUTREACH)
def outreach(request: HttpRequest) -> HttpResponse:
    """Visits and conversions caused in ``?month=``; ``?compare=1`` does the attribution again beside it."""
    now = timezone.now()
    month = _month(request)
    context = {
        "found": outreach_rows.outreach(user=request.user, month=month, at=now),
        "sees_all": request.user.role != Role.MANAGER,
        **_months(month),
        **_terms(),
    }
    if request.GET.get("compare"):
        context["differences"] = visit_rows.differences(
            *month.bounds(settings.COMPANY_TIME_ZONE), user=request.user
        )
    return render(request, "leads/outreach.html", context)


@require_safe
@guarded(policies.SEE_OUTREACH_EVENTS)
def outreach_events(request: HttpRequest) -> HttpResponse:
    """The visits or conversions behind one figure of ``?month=``, the latest first."""
    month = _month(request)
    filters = outreach_rows.Filters.of({name: request.GET[name] for name in request.GET})
    rows = outreach_rows.events_behind(user=request.user, filters=filters, month=month)
    page = page_of(rows, by=("-occurred_at", "-pk"), after=request.GET.get("after", ""))
    context: dict[str, Any] = {"filters": filters, "page": page, "shown": page.words, **_months(month)}
    if filters.rep:
        context["rep"] = Rep.objects.filter(pk=filters.rep).first()
    if filters.what == "conversions":
        context["conversions"] = visit_rows.told(page.rows)
    return render(request, "leads/outreach_events.html", context)


@require_safe
@guarded(policies.SEE_OUTREACH)
def inbound(request: HttpRequest) -> HttpResponse:
    """How fast inbound leads were answered in ``?month=``, and what became of the meetings."""
    month = _month(request)
    found = inbound_rows.inbound(user=request.user, month=month, at=timezone.now())
    context = {
        "found": found,
        "rejections": list(found.whole.meetings.criteria),
        # The events behind a rep's figures are on the scorecard's pages, which marketing does not read.
        "opens": request.user.role != Role.MARKETING,
        **_months(month),
    }
    return render(request, "leads/inbound.html", context)


def _terms() -> dict[str, Any]:
    """What the pages say of how visits and conversions are counted."""
    return {
        "expected": EXPECTED,
        "window_days": window().days,
        "converts_days": CONVERTS_WITHIN.days,
        "cohort_days": motions.COHORT_DAYS,
    }


def _month(request: HttpRequest) -> Period:
    """``?month=``, or the running one; what is no month does not exist."""
    text = request.GET.get("month", "")
    if not text:
        return month_of(day_of(timezone.now(), settings.COMPANY_TIME_ZONE))
    try:
        found = parse_period(text)
    except NotAPeriod as error:
        raise Http404 from error
    if found != month_of(found.start):
        raise Http404
    return found


def _months(month: Period) -> dict[str, Any]:
    today = day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
    return {
        "month": month,
        "before": month.previous(),
        "after": month.following() if month.end <= today else None,
    }
