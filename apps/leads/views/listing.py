"""The queue's list with the figures of the day, as pages and fragments of this package show it.

Not views: what ``views.queue`` and ``views.panel`` both put beside a lead.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.zones import zone_of
from apps.leads.models import Channel, QueueBucket, Score
from apps.leads.selectors import day
from apps.leads.selectors import queue as selectors
from apps.reps.models import Rep


def asked(request: HttpRequest) -> dict[str, str]:
    """The query of the page that is on the screen: its own address, also while a fragment is fetched."""
    if "HX-Current-URL" in request.headers and not request.GET:
        return dict(parse_qsl(urlsplit(request.headers["HX-Current-URL"]).query))
    return {name: request.GET[name] for name in request.GET}


def list_context(request: HttpRequest, rep: Rep | None, member: Rep | None = None) -> dict[str, Any]:
    """What ``leads/_queue.html`` shows: the rows, the figures of the day, the chips."""
    now = timezone.now()
    if rep is None:
        return {"queue": None, "now": now, "member": member}
    filters = selectors.Filters.of(asked(request))
    found = selectors.queue_of(rep=rep, at=now, zone=zone_of(request.user), filters=filters)
    if member is None and request.user.pk:
        selectors.remember_count(request.user.pk, found)
    here = reverse("leads:member_queue", args=[member.pk]) if member else reverse("leads:queue")
    refresh = reverse("leads:member_queue_list", args=[member.pk]) if member else reverse("leads:queue_list")
    return {
        "queue": found,
        "day": day.day_of_rep(rep=rep, at=now),
        "now": now,
        "rep": rep,
        "member": member,
        "here": here,
        "refresh": refresh,
        "chips": _chips(filters),
        "lead_pk": number_in(asked(request).get("lead")),
        "query": _filters_query(filters),
    }


def _filters_query(filters: selectors.Filters) -> str:
    pairs = [("bucket", filters.bucket), ("score", filters.score), ("channel", filters.channel)]
    return "&".join(f"{name}={value}" for name, value in pairs if value)


def _chips(filters: selectors.Filters) -> list[dict[str, Any]]:
    """The three menus of filters: what each is set to, and its choices."""
    menus = (
        ("bucket", "Why", filters.bucket, [(bucket.value, bucket.label) for bucket in QueueBucket]),
        ("score", "Score", filters.score, [(score.value, score.label) for score in Score]),
        ("channel", "Channel", filters.channel, [(one.value, one.label) for one in Channel]),
    )
    return [
        {
            "name": name,
            "label": label,
            "chosen": next((word for value, word in choices if value == current), ""),
            "choices": [(_with(filters, name, value), word) for value, word in choices],
            "without": _with(filters, name, None),
        }
        for name, label, current, choices in menus
    ]


def _with(filters: selectors.Filters, name: str, value: Any) -> str:
    changed: dict[str, Any] = {name: value or (None if name == "bucket" else "")}
    return "?" + _filters_query(replace(filters, **changed))


def number_in(text: Any) -> int | None:
    """A key from an address; ``None`` for what is none."""
    return int(text) if isinstance(text, str) and text.isdigit() and len(text) < 19 else None
