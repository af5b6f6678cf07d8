"""The rows of the queue, fifty a page: most of what a page costs, so their template is rendered once a process.

``leads/_queue_row.html`` is rendered with a marker in each place where a row says something of its own, and each
row then fills those places. Everything that a lead brings along is escaped here, as a template would.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.leads.selectors.queue_rows import Row
from apps.portal.templatetags.components.fixed import opened, place_of
from apps.portal.templatetags.components.marks import icon, score
from apps.portal.templatetags.components.promises import countdown_in

register = template.Library()

_PLACES = (
    "pk", "print", "active", "score", "label", "detail", "why", "behind", "due", "channel", "title", "tries", "theirs",
)  # fmt: skip
_ANY = 987654321


@lru_cache(maxsize=64)
def _pattern(picks: bool, query: str, oob: bool) -> str:
    """The row's template as a pattern for ``%``: one for each kind of list."""
    marks = place_of(_PLACES)
    # The number is a place too: an address is made with one that no other part of it has.
    panel = mark_safe(reverse("leads:lead", args=[_ANY]).replace(str(_ANY), marks["pk"]))  # noqa: S308
    known = {"row": marks, "picks": picks, "query": query, "oob": oob, "panel": panel}
    return opened(render_to_string("leads/_queue_row.html", known).strip())


@dataclass(frozen=True)
class _List:
    """What the rows of one list have in common."""

    pattern: str
    active: int | None
    now: datetime
    zone: str


def _list_of(context: Context, oob: bool) -> _List:
    pattern = _pattern(bool(context.get("picks")), context.get("query") or "", oob)
    zone = str(context.get("viewer_zone") or "UTC")
    return _List(pattern, context.get("lead_pk"), context["now"], zone)


@register.simple_tag(takes_context=True)
def queue_row(context: Context, row: Row, oob: bool = False) -> SafeString:
    """One row of the list in ``context`` (needs now, picks, query, lead_pk); ``oob`` renews it in place."""
    return mark_safe(_written(_list_of(context, oob), row))  # noqa: S308 - every value is escaped or a constant


@register.simple_tag(takes_context=True)
def queue_rows(context: Context, rows: list[Row]) -> SafeString:
    """``queue_row`` of each of ``rows``, line by line."""
    of = _list_of(context, oob=False)
    return mark_safe("\n".join([_written(of, row) for row in rows]))  # noqa: S308 - as for one row


def _written(of: _List, row: Row) -> str:
    lead = row.lead
    return of.pattern % {
        "pk": row.pk,
        "print": row.fingerprint,
        "active": ' class="active" aria-selected="true"' if row.pk == of.active else "",
        "score": score(lead.score),
        "label": escape(row.label),
        "detail": escape(row.detail or "No name, no company"),
        "why": escape(row.why),
        "behind": escape(row.behind),
        "due": countdown_in(of.zone, row.due_at, of.now, warn_at=row.warn_at) if row.due_at else _NO_DEADLINE,
        "channel": _channel(row.channel_icon, row.channel_word),
        "title": escape(row.title),
        "tries": lead.touch_count,
        "theirs": _theirs(row),
    }


_NO_DEADLINE = '<span class="muted">No deadline</span>'


@lru_cache(maxsize=32)
def _channel(mark: str, word: str) -> str:
    return f"{icon(mark, 'i-sm')} {word}"


def _theirs(row: Row) -> str:
    if row.theirs is None:
        return '<span class="muted">–</span>'
    return _their_time(row.lead.time_zone, row.theirs.is_proper, row.clock)


@lru_cache(maxsize=256)
def _their_time(zone: str, is_proper: bool, clock: str) -> str:
    mark = icon("moon", "i-sm", "Outside their day")
    if is_proper:
        mark = icon("check", "i-sm ok", "May be called")
    return f'{mark} <span data-clock="{escape(zone)}">{clock}</span>'
