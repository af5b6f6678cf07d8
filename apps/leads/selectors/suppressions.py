"""Whom nobody may contact, as a list to search."""

from django.db.models import Q

from apps.core.keyset import Page, page_of
from apps.leads.models import Suppression
from apps.leads.rules.suppression import PHONE, normal_phone


def page(*, text: str = "", show: str = "", after: str = "") -> Page:
    """Fifty, the latest added first; a number is found however it is written. One statement."""
    rows = Suppression.objects.select_related("added_by", "lifted_by")
    rows = rows.filter(lifted_at__isnull=show != "lifted")
    if text:
        wanted = Q(value__icontains=text.lower()) | Q(written_as__icontains=text)
        if phone := normal_phone(text):
            wanted |= Q(kind=PHONE, value=phone)
        rows = rows.filter(wanted)
    return page_of(rows, by=("-added_at", "-pk"), after=after)
