"""The rows of the queue, fifty a page: most of what a page costs, so their template is rendered once a process.

``leads/_queue_row.html`` is rendered with a marker in each place where a row says something of its own, and each
row then fills those places. Everything that a lead brings along is escaped here, as a template would.
"""

import re
from functools import lru_cache

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.leads.selectors.queue_rows import Row
from apps.portal.templatetags.components.marks import icon, score
from apps.portal.templatetags.components.promises import countdown

register = template.Library()

_PLACES = (
    "pk", "print", "active", "score", "label", "detail", "why", "behind", "due", "channel", "title", "tries", "theirs",
)  # fmt: skip
_ANY = 987654321
_MARK = re.compile("\x02([a-z]+)\x03")


@lru_cache(maxsize=64)
def _pattern(picks: bool, query: str, oob: bool) -> str:
    """The row's template as a pattern for ``%``: one for each kind of list."""
    marks = {name: mark_safe(f"\x02{name}\x03") for name in _PLACES}  # noqa: S308 - constants
    # The number is a place too: an address is made with one that no other part of it has.
    panel = mark_safe(reverse("leads:lead", args=[_ANY]).replace(str(_ANY), "\x02pk\x03"))  # noqa: S308
    known = {"row": marks, "picks": picks, "query": query, "oob": oob, "panel": panel}
    html = render_to_string("leads/_queue_row.html", known)
    return _MARK.sub(r"%(\1)s", html.strip().replace("%", "%%"))


@register.simple_tag(takes_context=True)
def queue_row(context: Context, row: Row, oob: bool = False) -> SafeString:
    """One row of the list in ``context`` (needs now, member, query, lead_pk); ``oob`` renews it in place."""
    pattern = _pattern(bool(context.get("member")), context.get("query") or "", oob)
    lead = row.lead
    return mark_safe(  # noqa: S308 - every value is escaped or made of constants
        pattern
        % {
            "pk": row.pk,
            "print": row.fingerprint,
            "active": ' class="active" aria-selected="true"' if row.pk == context.get("lead_pk") else "",
            "score": score(lead.score),
            "label": escape(row.label),
            "detail": escape(row.detail or "No name, no company"),
            "why": escape(row.why),
            "behind": escape(row.behind),
            "due": countdown(context, row.due_at, context["now"], warn_at=row.warn_at)
            if row.due_at
            else '<span class="muted">No deadline</span>',
            "channel": f"{icon(row.channel_icon, 'i-sm')} {row.channel_word}",
            "title": escape(row.title),
            "tries": lead.touch_count,
            "theirs": _theirs(row),
        }
    )


def _theirs(row: Row) -> str:
    if row.theirs is None:
        return '<span class="muted">–</span>'
    proper = row.theirs.is_proper
    mark = icon("check", "i-sm ok", "May be called") if proper else icon("moon", "i-sm", "Outside their day")
    return f'{mark} <span data-clock="{escape(row.lead.time_zone)}">{row.clock}</span>'
