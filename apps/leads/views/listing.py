"""The queue's list with the figures of the day, as pages and fragments of this package show it.

Not views: what ``views.queue`` and ``views.panel`` both put beside a lead.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from apps.accounts.zones import zone_of
from apps.leads.models import Channel, QueueBucket, Score
from apps.leads.rules import refresh
from apps.leads.selectors import day, focus
from apps.leads.selectors import queue as selectors
from apps.reps.models import Rep

FILTERS = ("bucket", "score", "channel")
_TOP_HOLDS = 300
"""Seconds for which the line of the present in the focus strip is near enough."""


def asked(request: HttpRequest) -> dict[str, str]:
    """The query of the page that is on the screen: its own address, also while a fragment is fetched."""
    if "HX-Current-URL" in request.headers and not request.GET:
        return dict(parse_qsl(urlsplit(request.headers["HX-Current-URL"]).query))
    return {name: request.GET[name] for name in request.GET}


def list_context(request: HttpRequest, rep: Rep | None, member: Rep | None = None) -> dict[str, Any]:
    """What ``leads/_queue.html`` shows: the rows, the focus block, the figures of the day, the chips."""
    now = timezone.now()
    if rep is None:
        return {"queue": None, "now": now, "member": member, "picks": False}
    zone = zone_of(request.user)
    filters = selectors.Filters.of(asked(request))
    strip = focus.strip_of(rep, now, zone)
    found = selectors.queue_of(rep=rep, at=now, zone=zone, filters=filters, focus=strip.channel)
    if member is None and request.user.pk:
        selectors.remember_count(request.user, found)
    of = [member.pk] if member else []
    list_url = reverse("leads:member_queue_list" if member else "leads:queue_list", args=of)
    query = filters_query(filters)
    context = {
        "queue": found,
        "day": day.day_of_rep(rep=rep, at=now),
        "strip": strip,
        "now": now,
        "rep": rep,
        "member": member,
        "here": reverse("leads:member_queue" if member else "leads:queue", args=of),
        "refresh": f"{list_url}?{query}" if query else list_url,
        "chips": _chips(filters),
        "lead_pk": number_in(asked(request).get("lead")),
        "query": query,
        "next_url": f"{reverse('leads:next')}?{query}" if query else reverse("leads:next"),
        "picks": member is not None,
        "columns": 9 if member else 8,
    }
    return context | {"top_print": _top_print(context)}


def _top_print(context: dict[str, Any]) -> str:
    """The fingerprint of what stands above the rows: the count, the block, the figures, who is late."""
    found, now = context["queue"], context["now"]
    pressing = [(row.pk, row.due_at) for row in (*found.late, *found.at_risk)]
    shown = (found.total, found.shown, pressing, context["strip"].span, context["day"])
    return selectors.fingerprint_of((shown, int(now.timestamp()) // _TOP_HOLDS))


def changed(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """204 where the page shows what is so, else what changed, row by row.

    The page says what it shows in ``Queue-Shown``: its top and its rows in their order, with fingerprints. To
    one that shows no rows, or that is to show none, the whole list is given.
    """
    found: selectors.Queue | None = context["queue"]
    parts = {part.key: part for part in found.parts} if found else {}
    now = [(key, part.fingerprint) for key, part in parts.items()]
    tag = f'"{selectors.fingerprint_of((now, context.get("top_print")))}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=204, headers={"ETag": tag})
    shown = refresh.parse_shown(request.headers.get("Queue-Shown", ""))
    rows = [(key, fingerprint) for key, fingerprint in shown if key != "top"]
    if not rows or not now:
        response = render(request, "leads/_queue.html", context | {"with_list": bool(shown)})
        response["ETag"] = tag
        return response
    todo = refresh.changes(rows, now)
    top_changed = dict(shown).get("top") != context["top_print"]
    if not todo and not top_changed:
        return HttpResponse(status=204, headers={"ETag": tag})
    changes = {
        "top_changed": top_changed,
        "removed": todo.removed,
        "renewed": [parts[key] for key in todo.renewed],
        "placed": [
            (parts[key], f"afterend:#q-{after}" if after else "afterbegin:#queue-body")
            for key, after in todo.placed
        ],
    }
    response = render(request, "leads/_queue_changes.html", context | changes)
    response["ETag"] = tag
    return response


# --- Filters ----------------------------------------------------------------------------------------


def filters_query(filters: selectors.Filters) -> str:
    """The filters as a part of an address."""
    pairs = [(name, getattr(filters, name)) for name in FILTERS]
    return "&".join(f"{name}={value}" for name, value in pairs if value)


@dataclass(frozen=True)
class Chip:
    """A menu of filters: what it is set to ("" for nothing), its choices as (address, word), the way back."""

    label: str
    chosen: str
    choices: tuple[tuple[str, str], ...]
    without: str


@lru_cache(maxsize=256)
def _chips(filters: selectors.Filters) -> tuple[Chip, ...]:
    """The three menus of filters."""
    menus = (
        ("bucket", "Why", filters.bucket, [(bucket.value, bucket.label) for bucket in QueueBucket]),
        ("score", "Score", filters.score, [(score.value, score.label) for score in Score]),
        ("channel", "Channel", filters.channel, [(one.value, one.label) for one in Channel]),
    )
    return tuple(
        Chip(
            label=label,
            chosen=next((word for value, word in choices if value == current), ""),
            choices=tuple((_with(filters, name, value), word) for value, word in choices),
            without=_with(filters, name, None),
        )
        for name, label, current, choices in menus
    )


def _with(filters: selectors.Filters, name: str, value: Any) -> str:
    changed: dict[str, Any] = {name: value or (None if name == "bucket" else "")}
    # Said even where no filter is left: an address that says nothing brings back the last ones.
    return "?" + (filters_query(replace(filters, **changed)) or "show=all")


def number_in(text: Any) -> int | None:
    """A key from an address; ``None`` for what is none."""
    return int(text) if isinstance(text, str) and text.isdigit() and len(text) < 19 else None
