"""The events behind a figure, and the definitions of all figures."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.compensation.selectors.measures import split_events
from apps.core.keyset import Page, page_of
from apps.core.periods import Period
from apps.core.policies import guarded, visible_or_404
from apps.leads.models import WHOLE_SHARE, EventKind, FunnelEvent
from apps.leads.rules.metrics import METRICS, Metric, Part, Unit, UnknownMetric, metric
from apps.reps.models import Rep, Team
from apps.scorecards import policies
from apps.scorecards.models import reps_with_cards_for
from apps.scorecards.presentation import made_of, period_words
from apps.scorecards.rules.figures import in_figures, plain
from apps.scorecards.selectors import events_behind, measure
from apps.scorecards.selectors.cards import Row
from apps.scorecards.selectors.events import team_events
from apps.scorecards.selectors.metric_uses import uses_of_metrics
from apps.scorecards.selectors.targets import capacity_of
from apps.scorecards.views import asked

PAGE_SIZE = 50


@require_safe
@guarded(policies.SEE_CARD)
def events(request: HttpRequest, rep: int, period: str, key: str) -> HttpResponse:
    """Each event that the metric ``key`` of a rep over ``period`` was made from, as of ``?as_of=``."""
    about = visible_or_404(reps_with_cards_for(request.user).select_related("team"), pk=rep)
    over, as_of = asked.period(period), asked.as_of(request)
    try:
        one = metric(key)
    except UnknownMetric as error:
        raise Http404 from error
    sums = measure(reps=[about], periods=[over], metrics=[one], as_of=as_of)[0][about.pk]
    figure = one.read(sums)
    page = page_of(
        events_behind(metric=one, rep=about, period=over, as_of=as_of),
        by=("-occurred_at", "-pk"),
        after=request.GET.get("after", ""),
        size=PAGE_SIZE,
    )
    kept = Row(one, figure.value, figure.top, figure.bottom, figure.apart, (), None, "", None, 0)
    context = {
        "rep": about,
        "is_own": about.user_id == request.user.pk,
        "metric": one,
        "period": over,
        "period_words": period_words(over),
        "figure": in_figures(figure.value, one.unit, about.team.currency, whole=False),
        "made_of": made_of(kept, about.team.currency),
        "apart": [
            in_figures(amount, Unit.MONEY, other, whole=False) for other, amount in figure.apart.items()
        ],
        "as_of": as_of,
        "page": page,
        "shown": asked.shown(page, "event"),
        "rows": _rep_rows(page, about, one, over, as_of),
        "card_month": f"{over.last_day:%Y-%m}",
    }
    return render(request, "scorecards/events.html", context)


TEAM_PARTS = {
    "converted-leads": (EventKind.HANDED_OFF, "Converted leads"),
    "accepted": (EventKind.ACCEPTED, "Accepted"),
    "rejected": (EventKind.REJECTED, "Rejected"),
    "stage-1": (EventKind.STAGE_1, "Stage 1"),
    "stage-2": (EventKind.STAGE_2, "Stage 2"),
    "won": (EventKind.WON, "Won"),
}


@require_safe
@guarded(policies.SEE_TEAM_EVENTS)
def target_events(request: HttpRequest, team: int, period: str, key: str) -> HttpResponse:
    """Each event that a count of the team target was made from."""
    about = visible_or_404(Team.objects.visible_to(request.user), pk=team)
    over, as_of = asked.period(period), asked.as_of(request)
    if key not in TEAM_PARTS:
        raise Http404
    kind, name = TEAM_PARTS[key]
    reps = list(Rep.objects.filter(team=about))
    capacity = capacity_of(about, reps)
    page = page_of(
        team_events(team=about, part=Part(kind, capacity), period=over, as_of=as_of),
        by=("-occurred_at", "-pk"),
        after=request.GET.get("after", ""),
        size=PAGE_SIZE,
    )
    context = {
        "team": about,
        "name": name,
        "period": over,
        "as_of": as_of,
        "page": page,
        "shown": asked.shown(page, "event"),
        "rows": _rows(page, {rep.pk for rep in reps}, capacity),
    }
    return render(request, "scorecards/team_events.html", context)


def _rows(page: Page, reps: set[int], capacity: str) -> list[dict[str, Any]]:
    """Events with the share of the team's people, as recorded."""
    rows = []
    for event in page.rows:
        own = [one for one in event.credits.all() if one.capacity == capacity and one.rep_id in reps]
        rows.append(_row(event, ", ".join(one.rep.name for one in own), sum(one.share for one in own)))
    return rows


def _rep_rows(
    page: Page, rep: Rep, one: Metric, over: Period, as_of: datetime | None
) -> list[dict[str, Any]]:
    """Events with the rep's share as it stands: by the newest approved split, else as recorded."""
    capacity = one.parts[0].capacity
    kinds = {part.kind for part in one.parts}
    split = {found.pk: found for found in split_events(periods=[over], kinds=kinds, as_of=as_of)}
    rows = []
    for event in page.rows:
        share = sum(
            credit.share
            for credit in event.credits.all()
            if credit.capacity == capacity and credit.rep_id == rep.pk
        )
        if event.pk in split:
            share = split[event.pk].standing.get((rep.pk, capacity), 0)
        rows.append(_row(event, rep.name if share else "", share))
    return rows


def _row(event: FunnelEvent, names: str, share: int) -> dict[str, Any]:
    words = "" if share == WHOLE_SHARE else f"{plain(Fraction(share * 100, WHOLE_SHARE), 2)} %"
    return {"event": event, "about": _about(event), "names": names, "share": words}


def _about(event: FunnelEvent) -> str:
    """What to call the subject of an event."""
    if event.opportunity is not None:
        return str(event.opportunity)
    return str(event.lead) if event.lead is not None else "–"


@require_safe
@guarded(policies.SEE_METRICS)
def metrics(request: HttpRequest) -> HttpResponse:
    """Every metric, in words: what it counts and where it stands."""
    uses = uses_of_metrics(user=request.user, today=asked.today())
    context = {"rows": [(one, uses[one.key]) for one in METRICS.values()]}
    return render(request, "scorecards/metrics.html", context)
