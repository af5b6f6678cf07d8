"""Marks that repeat in every row: icons, scores, tiers, badges, and two small filters."""

from functools import lru_cache
from typing import Any

from django.templatetags.static import static
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

from apps.core.templatetags.figures import initials
from apps.portal.templatetags.components.library import register


@lru_cache(maxsize=512)
def _icon(name: str, kind: str, label: str) -> SafeString:
    classes = f"i {kind}".strip()
    named = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return mark_safe(  # noqa: S308 - names come from templates, the label is escaped
        f'<svg class="{classes}" {named}><use href="{static("portal/icons.svg")}#{name}"/></svg>'
    )


@register.simple_tag
def icon(name: str, kind: str = "", label: str = "") -> SafeString:
    """``{% icon "check" %}``; ``kind`` is further classes ("i-sm ok"); ``label`` names one without a word."""
    return _icon(name, kind, label)


_SCORES = {
    letter: mark_safe(  # noqa: S308 - constants
        f'<span class="score score-{letter.lower()}" title="Score {letter}">'
        f'<span class="visually-hidden">Score </span>{letter}</span>'
    )
    for letter in "ABCD"
}


@register.simple_tag
def score(letter: str | None) -> SafeString | str:
    """A lead's score, A to D, told apart by weight and never by hue; an absent one is a dash."""
    return _SCORES.get(str(letter or "").upper()) or "–"


@register.simple_tag
def tier(number: int | None, of: int = 3) -> SafeString | str:
    """``{% tier 1 %}``: the word and three bars; tier 1 is the highest of ``of``."""
    return "–" if number is None else _tier(int(number), int(of))


@lru_cache(maxsize=32)
def _tier(number: int, of: int) -> SafeString:
    lit = max(1, round(3 * (of - number + 1) / of))
    bars = "".join(f"<b{' class=on' if place < lit else ''}></b>" for place in range(3))
    return mark_safe(f'<span class="tier"><i aria-hidden="true">{bars}</i>Tier {number}</span>')  # noqa: S308


@register.simple_tag
def avatar(name: str, kind: str = "") -> SafeString:
    """Initials in a circle, hidden from screen readers: the name stands beside it."""
    classes = f"avatar {kind}".strip()
    return mark_safe(  # noqa: S308 - initials are escaped
        f'<span class="{classes}" aria-hidden="true">{escape(initials(name))}</span>'
    )


_BADGE_ICONS = {"ok": "check", "warn": "alert", "bad": "stop", "line": "clock"}


@register.simple_tag
def badge(kind: str, text: Any, icon: str = "") -> SafeString:
    """A state as icon and word. ``kind``: ok, warn, bad, line, accent or "" (plain); ``icon="-"``: none."""
    name = icon or _BADGE_ICONS.get(kind, "")
    mark = _icon(name, "i-sm", "") if name and name != "-" else ""
    variant = f" badge-{kind}" if kind else ""
    return mark_safe(  # noqa: S308 - the text is escaped
        f'<span class="badge{variant}">{mark}{conditional_escape(text)}</span>'
    )


@register.filter
def thousands(number: int | None) -> str:
    """``12345`` as ``12,345``; an absent number is a dash."""
    return "–" if number is None else f"{number:,}"


@register.filter
def split_words(text: str) -> list[str]:
    """``"one two"|split_words``: for a short loop over constants."""
    return text.split()
