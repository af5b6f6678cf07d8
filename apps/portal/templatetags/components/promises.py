"""Countdowns: a promise with the time that is left, gone or taken. portal.js lets them tick."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.template import Context
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.portal.templatetags.components.library import register
from apps.portal.templatetags.components.marks import icon

_STATES = {
    "left": ("clock", "left"),
    "risk": ("alert", "at risk"),
    "late": ("stop", "late"),
    "met": ("checkc", "met"),
    "paused": ("pause", "paused"),
}
# Beyond this a promise is shown as day and time; a number of hours would have to be worked out.
_SHOWN_AS_INSTANT = timedelta(hours=12)


def _span(length: timedelta) -> str:
    minutes = -(-int(abs(length).total_seconds()) // 60)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    return f"{hours} h {rest:02d}" if hours else f"{minutes} min"


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def countdown_state(due_at: datetime, now: datetime, warn_at: datetime | None = None) -> str:
    """left, risk or late: what a running promise is at ``now``."""
    if now >= due_at:
        return "late"
    return "risk" if warn_at is not None and now >= warn_at else "left"


@register.simple_tag(takes_context=True)
def countdown(
    context: Context,
    due_at: datetime | None,
    now: datetime,
    state: str = "",
    warn_at: datetime | None = None,
    took: timedelta | None = None,
    resumes_at: datetime | None = None,
    word: str = "",
) -> SafeString | str:
    """A promise that ticks: icon, time and word, with the absolute instant on hover (``countdown_in``).

    ``state``: left, risk, late, met or paused; without one it follows from the instants. ``took`` is the time
    that a met promise took; ``resumes_at`` when a paused one goes on; ``word`` replaces the usual word.
    """
    zone = str(context.get("viewer_zone") or "UTC")
    return countdown_in(zone, due_at, now, state, warn_at, took, resumes_at, word)


@lru_cache(maxsize=4096)
def _when(due_at: datetime, zone: str) -> str:
    local = due_at.astimezone(_zone(zone))
    return f' title="Due {local:%A} {local.day} {local:%b, %H:%M %Z}"'


def countdown_in(
    zone: str,
    due_at: datetime | None,
    now: datetime,
    state: str = "",
    warn_at: datetime | None = None,
    took: timedelta | None = None,
    resumes_at: datetime | None = None,
    word: str = "",
) -> SafeString | str:
    """``countdown`` in a time zone by its name, for rows that are not written by a template."""
    if due_at is None:
        return "–"
    state = state or countdown_state(due_at, now, warn_at)
    mark, usual = _STATES[state]
    attributes = _when(due_at, zone)
    if state == "met":
        shown = _span(took) if took is not None else ""
    elif state == "paused":
        shown = f"{resumes_at.astimezone(_zone(zone)):%H:%M}" if resumes_at else _span(due_at - now)
    else:
        attributes += f' data-due="{due_at.isoformat()}"'
        if warn_at is not None:
            attributes += f' data-warn="{warn_at.isoformat()}"'
        if word:
            attributes += f' data-word="{escape(word)}"'
        if state == "left" and due_at - now > _SHOWN_AS_INSTANT:
            near = due_at - now < timedelta(days=6)
            local = due_at.astimezone(_zone(zone))
            shown = f"{local:%a %H:%M}" if near else f"{local.day} {local:%b %H:%M}"
            usual = "due"
        else:
            shown = _span(due_at - now)
    text = escape(word) if word else usual
    return mark_safe(  # noqa: S308 - built from instants and escaped words
        f'<span class="cd cd-{state}"{attributes}>{icon(mark, "i-sm")}'
        f'<span class="t">{shown}</span> <span class="w">{text}</span></span>'
    )
