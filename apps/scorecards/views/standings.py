"""An AE's own standing, whole: how the index was made, the nearest step, strong peers, the course, holds, moves."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.core.periods import month_of
from apps.core.policies import guarded, visible_or_404
from apps.leads.rules.metrics import METRICS
from apps.reps.models import Rep
from apps.scorecards import policies
from apps.scorecards.models import reps_with_cards_for
from apps.scorecards.presentation import period_words
from apps.scorecards.presentation_ranking import course_chart, may_hold, standing_row, strong_rows
from apps.scorecards.selectors import ranking_standing as selectors
from apps.scorecards.selectors.ranking import Group
from apps.scorecards.views import asked


@require_safe
@guarded(policies.SEE_STANDING)
def own_standing(request: HttpRequest) -> HttpResponse:
    """One's own; whoever is no AE here is told so."""
    rep = Rep.objects.aes().filter(user=request.user).select_related("team__manager").first()
    if rep is None:
        return render(request, "scorecards/no_standing.html")
    return _standing(request, rep)


@require_safe
@guarded(policies.SEE_STANDING)
def standing_of(request: HttpRequest, rep: int) -> HttpResponse:
    """That of an AE whom one manages."""
    aes = reps_with_cards_for(request.user).filter(role="ae").select_related("team__manager")
    return _standing(request, visible_or_404(aes, pk=rep))


def _standing(request: HttpRequest, rep: Rep) -> HttpResponse:
    now, today = timezone.now(), asked.today()
    day, wrong = asked.past_day(request.GET.get("as_of", ""))
    shown_day = day or selectors.newest_day(on=today)
    found = selectors.ranking_as_of(day=shown_day, at=now, rep=rep.pk)
    group = found.group_of(rep.pk)
    context: dict[str, Any] = {
        "rep": rep,
        "is_own": rep.user_id == request.user.pk,
        "wrong": wrong,
        "today": today,
        "day": shown_day,
        "found": found,
        "snapshot": found.snapshot,
        "policy": found.policy,
        "period_words": period_words(found.period),
        "holds": selectors.holds_of(rep, request.user),
        "history": selectors.tier_history(rep),
        "may_hold": may_hold(request.user, rep),
        "action": reverse("scorecards:own_standing")
        if rep.user_id == request.user.pk
        else reverse("scorecards:standing_of", args=[rep.pk]),
    }
    context["you"] = "You" if context["is_own"] else rep.name.split(" ")[0]
    edges = found.policy.rules
    name = "Your" if context["is_own"] else f"{context['you']}’s"
    context["course"] = course_chart(selectors.course_of(rep, until=shown_day), edges, name)
    if group is not None:
        context |= _within(rep, group, found)
    if day is None:
        # Set since the ranking was made, a hold is in force all the same.
        context["hold"] = next((one for one in context["holds"] if one.holds_on(today)), None)
    if group is not None and day is None and not wrong:
        context["so_far"] = _so_far(rep, now)
    return render(request, "scorecards/own_standing.html", context)


def _within(rep: Rep, group: Group, found: selectors.Ranking) -> dict[str, Any]:
    """The standing among the peers, in words and figures."""
    edges = found.policy.rules
    one = next(one for one in group.standings if one.peer.rep_id == rep.pk)
    row = standing_row(one, rep.name, group.currency, edges)
    known = found.known_at.isoformat().replace("+00:00", "Z") if found.known_at else ""
    for term in row["terms"]:
        events = reverse("scorecards:events", args=[rep.pk, found.period.code, term["key"]])
        term["url"] = f"{events}?as_of={known}" if known else events
    nearest = group.stepper(edges)(one)
    hold = group.holds.get(rep.pk)
    return {
        "row": row,
        "group_name": group.name,
        "nearest": nearest.words if nearest else "",
        "strong": strong_rows(selectors.strong_peers(group, one, edges), group.currency),
        "hold": hold,
        "month": month_of(found.period.last_day),
        "card_url": reverse("scorecards:scorecard_of", args=[rep.pk, month_of(found.period.last_day).code]),
        "weighed": [(METRICS[key].name, percent) for key, percent in found.policy.metrics],
    }


def _so_far(rep: Rep, now: datetime) -> dict[str, Any] | None:
    """What the next ranking would say if its last month ended now."""
    found = selectors.ranking_so_far(at=now)
    group = found.group_of(rep.pk)
    if group is None:
        return None
    edges = found.policy.rules
    one = next(one for one in group.standings if one.peer.rep_id == rep.pk)
    nearest = group.stepper(edges)(one)
    return {
        "row": standing_row(one, rep.name, group.currency, edges),
        "period_words": period_words(found.period),
        "nearest": nearest.words if nearest else "",
        "last_day": found.period.last_day,
    }
