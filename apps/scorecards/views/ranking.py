"""The ranking's page as of any day, one standing in it, what came since it was frozen, and asking for a new one."""

from collections.abc import Sequence
from datetime import timedelta
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
from apps.leads.rules.metrics import METRICS
from apps.reps.models import Rep
from apps.scorecards import policies
from apps.scorecards.models import RankingHold, RankingRow, RankingSnapshot, reps_with_cards_for
from apps.scorecards.presentation import period_words
from apps.scorecards.presentation_ranking import may_hold, sees_group, since_rows, standing_row
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.figures import factor
from apps.scorecards.selectors.ranking import (
    current_policy,
    groups_in,
    latest_snapshot,
    recent_moves,
    snapshot_before,
)
from apps.scorecards.selectors.ranking_copies import standing_of
from apps.scorecards.selectors.ranking_standing import Ranking, ranking_as_of, since_frozen
from apps.scorecards.services import rankings as services
from apps.scorecards.views import asked

PAGE_SIZE = 50
MOST_SORTED = 200
NOTICE_DAYS = 31
SORTS = {
    "": "Place",
    "raw": "Raw index",
    "adjusted": "Adjusted index",
    "moves": "Moves first",
    "name": "Name",
}


@require_safe
@guarded(policies.SEE_RANKING)
def ranking(request: HttpRequest) -> HttpResponse:
    """The newest ranking, or that of ``?as_of=``, one peer group at a time.

    Of a day without a kept one it is worked out from what was on record by the end of that day.
    """
    user: Any = request.user
    today = asked.today()
    wanted, wrong = asked.past_day(request.GET.get("as_of", ""))
    snapshot, live = _found(wanted)
    policy = snapshot.policy if snapshot else live.policy if live else current_policy(today)
    context: dict[str, Any] = {
        "snapshot": snapshot,
        "live": live,
        "as_of": snapshot.as_of if snapshot else live.as_of if live else None,
        "wrong": wrong,
        "job": _job(request),
        "may_recompute": policies.RECOMPUTE_RANKING.admits(user),
        "sees_policies": policies.SEE_RANKING_POLICY.admits(user),
        "today": today,
        "moves": recent_moves(user, today - timedelta(days=NOTICE_DAYS)),
        "policy": policy,
        "sort": request.GET.get("sort", "") if request.GET.get("sort", "") in SORTS else "",
        "sorts": SORTS,
    }
    if snapshot is not None:
        context |= _kept(request, user, snapshot, context["sort"])
    elif live is not None:
        context |= _worked_out(request, user, live, context["sort"])
    context["weights"] = [(METRICS[key].name, percent, METRICS[key].says) for key, percent in policy.metrics]
    return render(request, "scorecards/ranking.html", context)


def _found(wanted: Any) -> tuple[RankingSnapshot | None, Ranking | None]:
    """The kept ranking to show, or the one that was worked out for a day without."""
    if wanted is None:
        return latest_snapshot(on=asked.today()), None
    kept = RankingSnapshot.objects.filter(as_of=wanted).select_related("policy").order_by("-policy__version")
    snapshot = kept.first()
    return (snapshot, None) if snapshot else (None, ranking_as_of(day=wanted, at=timezone.now()))


def _job(request: HttpRequest) -> Job | None:
    """The recompute that was just asked for, or one that runs now."""
    jobs = Job.objects.visible_to(request.user).filter(kind=services.JOB_KIND)
    number = request.GET.get("job", "")
    if number.isdigit() and len(number) < 18:
        return jobs.filter(pk=int(number)).first()
    return jobs.active().first()


def _kept(request: HttpRequest, user: Any, snapshot: RankingSnapshot, sort: str) -> dict[str, Any]:
    visible = RankingRow.objects.visible_to(user).filter(snapshot=snapshot)
    groups = list(visible.order_by("group_name", "group").values_list("group", "group_name").distinct())
    group = _chosen(request, groups)
    if group is None:
        return {"groups": [], "rows": []}
    peers = visible.filter(group=group[0]).select_related("rep__team")
    page, found = None, []
    if sort:
        found = list(peers[:MOST_SORTED])
    else:
        page = page_of(peers, by=("rank", "rep_id", "pk"), after=request.GET.get("after", ""), size=PAGE_SIZE)
        found = page.rows
    edges = snapshot.policy.rules
    before = _before(snapshot, found)
    rows = [
        standing_row(standing_of(row), row.rep.name, row.currency, edges)
        | _links(request, row.rep, snapshot.period.last_day)
        | {"pk": row.pk, "before": before.get(row.rep_id), "is_held": row.hold_id is not None}
        for row in found
    ]
    return {
        "groups": groups,
        "group": group,
        "rows": _sorted(rows, sort),
        "page": page,
        "shown": asked.shown(page, "AE") if page else "",
        "period_words": period_words(snapshot.period),
        "nearest": _nearest(snapshot, group[0], user),
        "bounds": (factor(edges.floor or edges.up_at, 2), factor(edges.ceiling or edges.up_at, 2)),
    }


def _worked_out(request: HttpRequest, user: Any, live: Ranking, sort: str) -> dict[str, Any]:
    seen = [group for group in live.groups if sees_group(user, group)]
    groups = [(group.key, group.name) for group in seen]
    chosen = _chosen(request, groups)
    if chosen is None:
        return {"groups": [], "rows": [], "period_words": period_words(live.period)}
    group = next(one for one in seen if one.key == chosen[0])
    edges = live.policy.rules
    rows = [
        standing_row(one, group.reps[one.peer.rep_id].name, group.currency, edges)
        | _links(request, group.reps[one.peer.rep_id], live.period.last_day)
        | {"pk": None, "before": None, "is_held": one.peer.rep_id in group.holds}
        for one in group.standings[:MOST_SORTED]
    ]
    return {
        "groups": groups,
        "group": chosen,
        "rows": _sorted(rows, sort),
        "period_words": period_words(live.period),
    }


def _chosen(request: HttpRequest, groups: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    asked_for = request.GET.get("group", "")
    return next((one for one in groups if one[0] == asked_for), groups[0] if groups else None)


def _links(request: HttpRequest, rep: Rep, last_day: Any) -> dict[str, Any]:
    """Where a row leads, for those who may go there."""
    user: Any = request.user
    is_own = rep.user_id == user.pk
    manages = may_hold(user, rep)
    return {
        "is_own": is_own,
        "may_hold": manages,
        "standing_url": reverse("scorecards:own_standing")
        if is_own
        else reverse("scorecards:standing_of", args=[rep.pk])
        if manages or user.role == "revops"
        else "",
        "card_url": reverse("scorecards:scorecard_of", args=[rep.pk, f"{last_day:%Y-%m}"]),
    }


def _before(snapshot: RankingSnapshot, rows: Sequence[RankingRow]) -> dict[int, Any]:
    """The raw index of each in the ranking of the period before."""
    earlier = snapshot_before(snapshot)
    if earlier is None:
        return {}
    found = RankingRow.objects.filter(snapshot=earlier, rep__in=[row.rep_id for row in rows])
    return dict(found.values_list("rep_id", "index"))


def _sorted(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    keys = {
        "raw": lambda row: -float(row["index"]),
        "adjusted": lambda row: -float(row.get("adjusted") or 0),
        "moves": lambda row: (row["move"] == rules.Move.STAY, row["rank"]),
        "name": lambda row: row["name"],
    }
    return sorted(rows, key=keys[sort]) if sort in keys else rows


def _nearest(snapshot: RankingSnapshot, group: str, user: Any) -> str:
    """The nearest step of one's own standing, in words."""
    own = Rep.objects.filter(user=user).first()
    if own is None:
        return ""
    found = next((one for one in groups_in(snapshot, [own.pk]) if one.key == group), None)
    mine = next((one for one in found.standings if one.peer.rep_id == own.pk), None) if found else None
    if found is None or mine is None:
        return ""
    nearest = found.stepper(snapshot.policy.rules)(mine)
    return nearest.words if nearest else ""


@require_safe
@guarded(policies.SEE_RANKING)
def standing(request: HttpRequest, pk: int) -> HttpResponse:
    """How one AE's index and move were made: a fragment for the drawer, a page otherwise."""
    rows = RankingRow.objects.visible_to(request.user).select_related("snapshot__policy", "rep__team")
    row = visible_or_404(rows, pk=pk)
    snapshot, one = row.snapshot, standing_of(row)
    edges = snapshot.policy.rules
    shown = standing_row(one, row.rep.name, row.currency, edges)
    sees_card = reps_with_cards_for(request.user).filter(pk=row.rep_id).exists()
    known = snapshot.known_at.isoformat().replace("+00:00", "Z")
    for term in shown["terms"]:
        events = reverse("scorecards:events", args=[row.rep_id, snapshot.period.code, term["key"]])
        term["url"] = f"{events}?as_of={known}"
    month = month_of(snapshot.period.last_day)
    context = {
        "row": shown,
        "snapshot": snapshot,
        "policy": snapshot.policy,
        "group_name": row.group_name,
        "period_words": period_words(snapshot.period),
        "month": month,
        "nearest": _nearest_of(row) if sees_card else "",
        "hold": RankingHold.objects.visible_to(request.user).filter(pk=row.hold_id).first()
        if row.hold_id
        else None,
        "card_url": reverse("scorecards:scorecard_of", args=[row.rep_id, month.code]) if sees_card else "",
    }
    fragment = bool(getattr(request, "htmx", False))
    return render(request, "scorecards/_standing.html" if fragment else "scorecards/standing.html", context)


def _nearest_of(row: RankingRow) -> str:
    found = next((one for one in groups_in(row.snapshot, [row.rep_id]) if one.key == row.group), None)
    if found is None:
        return ""
    nearest = found.stepper(row.snapshot.policy.rules)(standing_of(row))
    return nearest.words if nearest else ""


@require_safe
@guarded(policies.SEE_STANDING)
def since(request: HttpRequest, pk: int) -> HttpResponse:
    """What was recorded since a ranking was made, for those within one's scope; the kept one stays."""
    user: Any = request.user
    visible = RankingRow.objects.visible_to(user).values("snapshot")
    snapshot = visible_or_404(RankingSnapshot.objects.filter(pk__in=visible).select_related("policy"), pk=pk)
    own = set(reps_with_cards_for(user).values_list("pk", flat=True))
    groups = groups_in(snapshot)
    found = [one for one in since_frozen(snapshot, groups) if one.rep.pk in own]
    context = {
        "snapshot": snapshot,
        "period_words": period_words(snapshot.period),
        "rows": since_rows(found, groups, snapshot.policy.rules),
    }
    fragment = bool(getattr(request, "htmx", False))
    return render(request, "scorecards/_since.html" if fragment else "scorecards/since.html", context)


@require_POST
@guarded(policies.RECOMPUTE_RANKING)
def recompute(request: HttpRequest) -> HttpResponse:
    """Ask for the ranking as of ``as_of`` (today without it); the page then shows how far it is."""
    wanted, wrong = asked.day(request.POST.get("as_of", ""))
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
