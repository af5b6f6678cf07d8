"""Who may sign in, as RevOps lists them."""

from django.db.models import Q

from apps.accounts.models import User
from apps.core.keyset import Page, page_of


def people(*, text: str, role: str, state: str, after: str) -> Page:
    """A page of people by name. ``state``: "left" for those who may no longer sign in, else those who may."""
    found = User.objects.filter(is_active=state != "left")
    if role:
        found = found.filter(role=role)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(email__icontains=text))
    return page_of(found, by=("name", "pk"), after=after)
