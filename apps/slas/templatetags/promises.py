"""Business minutes as people say them."""

from django import template

from apps.slas.rules import in_words

register = template.Library()


@register.filter
def span(minutes: int) -> str:
    """``{{ clock.target_minutes|span }}``: ``30 min``, ``2 business days``."""
    return in_words.span(int(minutes))
