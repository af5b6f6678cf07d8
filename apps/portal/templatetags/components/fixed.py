"""Parts of a page that look alike whoever reads it: rendered once a process, as they are or with places left open."""

import re
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from apps.portal.templatetags.components.library import register

_PLACE = re.compile("\x02([a-z_]+)\x03")


@lru_cache(maxsize=512)
def _rendered(template_name: str, values: tuple[tuple[str, Any], ...]) -> SafeString:
    return mark_safe(render_to_string(template_name, dict(values)))  # noqa: S308 - the template escapes


@register.simple_tag
def fixed(template_name: str, **values: Any) -> SafeString:
    """``{% fixed "components/_dialogs.html" %}``: a template that sees ``values`` and nothing else.

    Neither the request nor the viewer reaches it, so what is kept can be nobody's own. Values are hashable and
    few: plain words and figures, tuples, frozen dataclasses; nothing that names a person.
    """
    if settings.DEBUG:
        return render_to_string(template_name, values)
    return _rendered(template_name, tuple(values.items()))


@register.simple_tag
def filled(template_name: str, **values: Any) -> SafeString:
    """``{% filled "components/_who.html" name=frame.user.name %}``: a template that prints ``values`` and no more.

    It is rendered with a marker in each place where it prints one of them (so it can neither ask nor filter
    them), and each page then fills the places. What is kept holds the markers alone, so values may be anybody's.
    """
    known = _rendered_blank if not settings.DEBUG else _rendered_blank.__wrapped__
    blank = known(template_name, tuple(values))
    written = {name: conditional_escape(value) for name, value in values.items()}
    return mark_safe(blank % written)  # noqa: S308 - every value was escaped


@lru_cache(maxsize=64)
def _rendered_blank(template_name: str, names: tuple[str, ...]) -> str:
    return opened(render_to_string(template_name, place_of(names)))


def place_of(names: tuple[str, ...]) -> dict[str, SafeString]:
    """A marker for each of ``names``, for a template to print."""
    return {name: mark_safe(f"\x02{name}\x03") for name in names}  # noqa: S308 - constants


def opened(html: str) -> str:
    """What was rendered with markers as a pattern for ``%``. What fills it is escaped by whoever does."""
    return _PLACE.sub(r"%(\1)s", html.replace("%", "%%"))
