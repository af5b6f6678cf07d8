"""The weekly review: the packs of a team, one pack, one of its lists, and the meeting on one screen."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from apps.core.keyset import page_of
from apps.core.policies import guarded, visible_or_404
from apps.reps.models import Team
from apps.scorecards import policies
from apps.scorecards.forms.review import ItemForm
from apps.scorecards.models import ReviewItem, ReviewSection, WeeklyReview
from apps.scorecards.presentation_review import shown_lists
from apps.scorecards.rules.review import agenda, last_whole_week
from apps.scorecards.selectors.review_items import items_of, open_items
from apps.scorecards.selectors.review_pack import (
    is_intact,
    sections_for,
    setting_of,
    since_made,
    teams_with_review,
)
from apps.scorecards.views import asked

PER_PAGE = 12
IN_MEETING = 5
"""Rows of a list that fit on a screen in the meeting; all of them are a key away."""


@require_safe
@guarded(policies.SEE_REVIEW)
def reviews(request: HttpRequest) -> HttpResponse:
    """The packs of ``?team=``, newest first; when it meets next; actions that are open."""
    user: Any = request.user
    # (A team that holds no review any more keeps its packs.)
    teams = list(
        Team.objects.visible_to(user)
        .filter(Q(pk__in=teams_with_review().values("pk")) | Q(pk__in=WeeklyReview.objects.values("team_id")))
        .order_by("name")[:40]
    )
    wanted = request.GET.get("team", "")
    if wanted and not (wanted.isdigit() and any(one.pk == int(wanted) for one in teams)):
        raise Http404
    team = next((one for one in teams if str(one.pk) == wanted), teams[0] if teams else None)
    context: dict[str, Any] = {"team": team, "teams": teams}
    if team is not None:
        setting, week = setting_of(team), last_whole_week(asked.today())
        page = page_of(
            WeeklyReview.objects.visible_to(user).filter(team=team).select_related("team"),
            by=("-week_on", "-pk"),
            after=request.GET.get("after", ""),
            size=PER_PAGE,
        )
        made = any(one.week == week for one in page.rows)
        at = timezone.now()
        upcoming = week if setting.meeting_of(week) > at else week.following()
        context |= {
            "page": page,
            "shown": asked.shown(page, "pack"),
            "setting": setting,
            "week": week,
            "can_make": not made and policies.writes_review_of(user, team),
            "meets_at": setting.meeting_of(upcoming),
            "made_at": setting.made_at(upcoming),
            "writes": policies.writes_review_of(user, team),
            "items": [
                one for one in open_items(user, today=asked.today(), own=False) if one.item.team_id == team.pk
            ],
        }
    return render(request, "scorecards/review_list.html", context)


def found_review(request: HttpRequest, pk: int) -> WeeklyReview:
    """A pack that the reader may open, else 404."""
    packs = WeeklyReview.objects.visible_to(request.user).select_related("team__manager", "made_by")
    return visible_or_404(packs.distinct(), pk=pk)


@require_safe
@guarded(policies.SEE_REVIEW)
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """A whole pack on one page; ``?since=1`` says what was recorded since it was made."""
    return pack_page(request, found_review(request, pk))


def item_forms(review: WeeklyReview, section: str, wrong: ItemForm | None = None) -> dict[str, ItemForm]:
    """The two forms that stand below: a decision, and an action; ``wrong`` in place of its kind's."""
    forms = {kind: ItemForm(team=review.team, kind=kind, section=section) for kind in ReviewItem.Kind.values}
    if wrong is not None:
        forms[wrong.data.get("kind") or ReviewItem.Kind.ACTION] = wrong
    return forms


def _frame(request: HttpRequest, found: WeeklyReview) -> dict[str, Any]:
    user: Any = request.user
    items = items_of(found, today=asked.today())
    return {
        "review": found,
        "team": found.team,
        "week": found.week,
        "writes": policies.writes_review_of(user, found.team),
        "items": items,
        "carried": sum(1 for one in items if one.carried),
        "new": sum(1 for one in items if not one.carried),
        "today": asked.today(),
    }


def pack_page(
    request: HttpRequest, found: WeeklyReview, *, wrong: ItemForm | None = None, status: int = 200
) -> HttpResponse:
    """The page of a pack, with a form whose fields are wrong where there is one."""
    lists = shown_lists(found, request.user, most=10)
    context = _frame(request, found) | {
        "lists": lists,
        "heads": [one for one in lists if one["key"] in ("leads", "appointments", "cold")],
        "forms": item_forms(found, ReviewSection.ACTIONS, wrong),
        "is_intact": is_intact(found),
    }
    if request.GET.get("since"):
        changed = since_made(review=found, at=timezone.now(), sections=sections_for(request.user, found))
        context |= {"asked_since": True, "changed": changed}
    return render(request, "scorecards/review.html", context, status=status)


@require_safe
@guarded(policies.SEE_REVIEW)
def section(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """One list of a pack, every row."""
    found = found_review(request, pk)
    if key not in sections_for(request.user, found):
        raise Http404
    shown = shown_lists(found, request.user, only=[ReviewSection(key)])[0]
    return render(
        request, "scorecards/review_section.html", {"review": found, "team": found.team, "list": shown}
    )


@require_safe
@guarded(policies.SEE_REVIEW)
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """The meeting: one part of the agenda on one screen, with its time and the forms to note what is agreed."""
    return meeting_page(request, found_review(request, pk))


def meeting_page(
    request: HttpRequest, found: WeeklyReview, *, wrong: ItemForm | None = None, status: int = 200
) -> HttpResponse:
    """The screen of ``?part=``, with a form whose fields are wrong where there is one."""
    asked_for = request.POST if request.method == "POST" else request.GET
    parts = [ReviewSection.ACTIONS, *sections_for(request.user, found)]
    wanted = asked_for.get("part") or ReviewSection.ACTIONS
    if wanted not in parts:
        raise Http404
    place = [str(one) for one in parts].index(wanted)
    part = parts[place]
    began = _began(asked_for.get("began", ""))
    slots = agenda([str(one) for one in parts], found.minutes)
    context = _frame(request, found) | {
        "part": part,
        "number": place + 1,
        "of": len(parts),
        "began": began,
        "now_code": timezone.now().replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        "agenda": [
            {
                "key": str(one),
                "name": one.label,
                "number": index + 1,
                "minutes": slots[index].minutes,
                "until": began + timedelta(minutes=slots[index].until) if began else None,
                "state": "done" if index < place else "now" if index == place else "",
            }
            for index, one in enumerate(parts)
        ],
        "ends_at": began + timedelta(minutes=slots[place].until) if began else None,
        "warns_at": began + timedelta(minutes=slots[place].until - 1) if began else None,
        "before": parts[place - 1] if place else None,
        "after": parts[place + 1] if place + 1 < len(parts) else None,
        "list": None
        if part == ReviewSection.ACTIONS
        else shown_lists(found, request.user, most=IN_MEETING, only=[part])[0],
        "forms": item_forms(found, part, wrong),
    }
    return render(request, "scorecards/review_meeting.html", context, status=status)


def _began(text: str) -> datetime | None:
    """When the meeting began, as the address says it; what is no instant is none."""
    try:
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
