"""How the pay pages write what only they write."""

from datetime import datetime

from django import template
from django.conf import settings

from apps.core.periods import day_of

register = template.Library()


@register.filter
def pay_day(instant: datetime | None) -> str:
    """``30 Oct``: the company's own day, which decides the period that an event is paid in."""
    if instant is None:
        return "–"
    day = day_of(instant, settings.COMPANY_TIME_ZONE)
    return f"{day.day} {day:%b}"
