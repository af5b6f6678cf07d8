"""Parts of a page that follow from a few plain values alone: rendered once a process for each of them."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from apps.portal.templatetags.components.library import register


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
