"""What customers paid, as the page shows it."""

from django.db.models import Q

from apps.compensation.models import CustomerPayment
from apps.core.keyset import Page, page_of


def payment_page(*, search: str = "", after: str = "") -> Page:
    """The newest first; ``search`` is part of a deal's name, of a reference or of a label. One statement."""
    rows = CustomerPayment.objects.select_related("opportunity", "by", "reverses", "reversed_by")
    if words := search.strip():
        rows = rows.filter(
            Q(opportunity__name__icontains=words) | Q(source_key__icontains=words) | Q(label__icontains=words)
        )
    return page_of(rows, by=("-paid_at", "-pk"), after=after)
