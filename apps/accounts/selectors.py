"""Who may sign in, as RevOps lists them; and what one person was told."""

from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import Notification, User
from apps.core.keyset import Page, page_of


def people(*, text: str, role: str, state: str, after: str) -> Page:
    """A page of people by name. ``state``: "left" for those who may no longer sign in, else those who may."""
    found = User.objects.filter(is_active=state != "left")
    if role:
        found = found.filter(role=role)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(email__icontains=text))
    return page_of(found, by=("name", "pk"), after=after)


def notifications(*, user: Any, kind: str = "", unread: bool = False, after: str = "") -> Page:
    """A page of what ``user`` was told in the portal, newest first."""
    told = Notification.objects.visible_to(user)
    if unread:
        told = told.unread()
    if kind:
        told = told.filter(kind=kind)
    return page_of(told, by=("-at", "-pk"), after=after, size=30)


def unread_query(user: Any, *, most: int) -> QuerySet[Notification]:
    """What ``user`` has not read, ``most`` of it, to be counted by its index."""
    return Notification.objects.visible_to(user).unread().order_by()[:most]
