"""The ranking's page, and asking for a new one."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.keyset import page_of
from apps.core.periods import month_of
from apps.core.policies import guarded, visible_or_404
from apps.jobs.models import Job
from apps.reps.models import Rep
from apps.scorecards import policies
from apps.scorecards.models import RankingRow, RankingSnapshot, reps_with_cards_for
from apps.scorecards.presentation import period_words, ranking_row
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.figures import factor
from apps.scorecards.rules.metrics import METRICS
from apps.scorecards.selectors.ranking import (
    current_policy,
    latest_snapshot,
    recent_moves,
    snapshot_before,
    standing_of,
)
from apps.scorecards.services import rankings as services
from apps.scorecards.views import asked

PAGE_SIZE = 50
NOTICE_DAYS = 31


@require_safe
@guarded(policies.SEE_RANKING)
def ranking(request: HttpRequest) -> HttpResponse:
    """The newest ranking, or that of ``?as_of=`` (the newest by then), one peer group at a time."""
    user: Any = request.user
    today = asked.today()
    wanted, wrong = _day(request.GET.get("as_of", ""))
    snapshot = latest_snapshot(on=wanted or today)
    job = _job(request)
    context: dict[str, Any] = {
        "snapshot": snapshot,
        "wrong": wrong,
        "job": job,
        "may_recompute": policies.RECOMPUTE_RANKING.admits(user),
        "today": today,
        "moves": recent_moves(user, today - timedelta(days=NOTICE_DAYS)),
        "policy": snapshot.policy if snapshot else current_policy(today),
    }
    if snapshot is not None:
        context |= _shown(request, user, snapshot)
    context["weights"] = [
        (METRICS[key].name, percent, METRICS[key].says) for key, percent in context["policy"].metrics
    ]
    return render(request, "scorecards/ranking.html", context)


def _day(text: str) -> tuple[date | None, str]:
    if not text:
        return None, ""
    try:
        return date.fromisoformat(text), ""
    except ValueError:
        return None, f"{text!r} is not a day such as 2026-11-12, so the newest ranking is shown."


def _job(request: HttpRequest) -> Job | None:
    """The recompute that was just asked for, or one that runs now."""
    jobs = Job.objects.visible_to(request.user).filter(kind=services.JOB_KIND)
    number = request.GET.get("job", "")
    if number.isdigit() and len(number) < 18:
        return jobs.filter(pk=int(number)).first()
    return jobs.active().first()


def _shown(request: HttpRequest, user: Any, snapshot: RankingSnapshot) -> dict[str, Any]:
    visible = RankingRow.objects.visible_to(user).filter(snapshot=snapshot)
    groups = list(visible.order_by("group_name", "group").values_list("group", "group_name").distinct())
    own = Rep.objects.filter(user=user).first()
    chosen = request.GET.get("group", "")
    group = next((one for one in groups if one[0] == chosen), groups[0] if groups else None)
    if group is None:
        return {"groups": [], "rows": []}
    peers = visible.filter(group=group[0]).select_related("rep")
    page = page_of(peers, by=("rank", "rep_id", "pk"), after=request.GET.get("after", ""), size=PAGE_SIZE)
    edges = snapshot.policy.rules
    earlier = snapshot_before(snapshot)
    before = (
        dict(
            RankingRow.objects.filter(
                snapshot=earlier, rep__in=[row.rep_id for row in page.rows]
            ).values_list("rep_id", "index")
        )
        if earlier
        else {}
    )
    rows = []
    for row in page.rows:
        shown = ranking_row(standing_of(row), row.rep.name, row.currency, edges)
        rows.append(
            shown
            | {
                "pk": row.pk,
                "is_own": own is not None and row.rep_id == own.pk,
                "before": before.get(row.rep_id),
                "card_url": reverse(
                    "scorecards:scorecard_of", args=[row.rep_id, f"{snapshot.period.last_day:%Y-%m}"]
                ),
            }
        )
    return {
        "groups": groups,
        "group": group,
        "rows": rows,
        "page": page,
        "shown": asked.shown(page, "AE"),
        "period_words": period_words(snapshot.period),
        "nearest": _nearest(snapshot, group[0], own),
        "bounds": (factor(edges.floor or edges.up_at, 2), factor(edges.ceiling or edges.up_at, 2)),
        "sees_cards": user.role in ("manager", "revops"),
    }


def _nearest(snapshot: RankingSnapshot, group: str, own: Rep | None) -> str:
    """The nearest step of one's own standing, in words."""
    if own is None:
        return ""
    standings = [standing_of(row) for row in RankingRow.objects.filter(snapshot=snapshot, group=group)]
    mine = next((one for one in standings if one.peer.rep_id == own.pk), None)
    if mine is None:
        return ""
    edges = snapshot.policy.rules
    totals = rules.totals([one.peer for one in standings], [one.key for one in edges.metrics])
    nearest = rules.nearest_step(mine.peer, totals, edges)
    return nearest.words if nearest else ""


@require_safe
@guarded(policies.SEE_RANKING)
def standing(request: HttpRequest, pk: int) -> HttpResponse:
    """How one AE's index and move were made: a fragment for the drawer, a page otherwise."""
    rows = RankingRow.objects.visible_to(request.user).select_related("snapshot__policy", "rep")
    row = visible_or_404(rows, pk=pk)
    snapshot, one = row.snapshot, standing_of(row)
    shown = ranking_row(one, row.rep.name, row.currency, snapshot.policy.rules)
    sees_card = reps_with_cards_for(request.user).filter(pk=row.rep_id).exists()
    known = snapshot.known_at.isoformat().replace("+00:00", "Z")
    for term in shown["terms"]:
        events = reverse("scorecards:events", args=[row.rep_id, snapshot.period.code, term["key"]])
        term["url"] = f"{events}?as_of={known}"
    month = month_of(snapshot.period.last_day)
    context = {
        "row": shown,
        "snapshot": snapshot,
        "group_name": row.group_name,
        "period_words": period_words(snapshot.period),
        "month": month,
        "nearest": _nearest(snapshot, row.group, row.rep) if sees_card else "",
        "card_url": reverse("scorecards:scorecard_of", args=[row.rep_id, month.code]) if sees_card else "",
    }
    fragment = bool(getattr(request, "htmx", False))
    return render(request, "scorecards/_standing.html" if fragment else "scorecards/standing.html", context)


@require_POST
@guarded(policies.RECOMPUTE_RANKING)
def recompute(request: HttpRequest) -> HttpResponse:
    """Ask for the ranking as of ``as_of`` (today without it); the page then shows how far it is."""
    wanted, wrong = _day(request.POST.get("as_of", ""))
    as_of = wanted or asked.today()
    if wrong:
        messages.error(request, "Write the day as 2026-11-12.")
        return redirect("scorecards:ranking")
    try:
        job = services.ask_for_ranking(as_of=as_of, at=timezone.now(), requested_by=request.user)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("scorecards:ranking")
    return redirect(f"{reverse('scorecards:ranking')}?as_of={as_of.isoformat()}&job={job.pk}")
