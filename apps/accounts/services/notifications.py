"""Tell people something, once for each occasion; and note what they have read.

Whether it stands in the portal and when it goes out by e-mail follows each person's choice
(``notification_preferences``); the mails themselves are ``notification_mail``'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When

from apps.accounts.models import Notification, NotificationPreference, User
from apps.accounts.notification_kinds import Way, kind_called
from apps.accounts.rules.digests import next_digest
from apps.accounts.services.notification_preferences import ways_of
from apps.accounts.zones import zone_called

Mail = NotificationPreference.Mail


@dataclass(frozen=True)
class NewNotification:
    """``key`` names the occasion: the same one is told to the same person once.

    ``kind`` is one that an app has declared; ``url`` an address within the portal.
    """

    user_id: int
    kind: str
    key: str
    title: str
    body: str = ""
    url: str = ""


def notify(*, notifications: Sequence[NewNotification], at: datetime) -> int:
    """Write these notifications; those that were told before are left as they are. How many were to be told.

    Who has left is told nothing, and nobody what they chose not to hear of. Three statements and the rows,
    whatever their number. Raises ``UnknownKind`` for a kind that nobody declared.
    """
    kinds = {one.kind for one in notifications}
    for kind in kinds:
        kind_called(kind)
    if not notifications:
        return 0
    zones = dict(
        User.objects.filter(pk__in={one.user_id for one in notifications}, is_active=True)
        .order_by()
        .values_list("pk", "time_zone")
    )
    ways = ways_of(user_ids=zones, kinds=kinds)
    # In one order, so that no two who tell the same wait for each other crosswise.
    ordered = sorted(notifications, key=lambda one: (one.user_id, one.key))
    rows = [row for one in ordered if (row := _row(one, zones, ways, at)) is not None]
    Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=100)
    return len(rows)


def _row(
    new: NewNotification, zones: Mapping[int, str], ways: Mapping[tuple[int, str], Way], at: datetime
) -> Notification | None:
    if new.user_id not in zones:
        return None
    way = ways[new.user_id, new.kind]
    if not way.in_portal and way.mail == Mail.NEVER:
        return None
    return Notification(
        user_id=new.user_id,
        kind=new.kind,
        key=new.key,
        title=new.title,
        body=new.body,
        url=new.url,
        at=at,
        in_portal=way.in_portal,
        mail_due_at=_mail_due_at(way, zones[new.user_id], at),
    )


def _mail_due_at(way: Way, zone: str, at: datetime) -> datetime | None:
    if way.mail == Mail.AT_ONCE:
        return at
    return next_digest(at, zone_called(zone)) if way.mail == Mail.DIGEST else None


def mark_read(*, notification: Notification, at: datetime) -> bool:
    """Note that it was read; what was read need not be mailed any more. Whether it was unread."""
    read = _mark(Notification.objects.filter(pk=notification.pk), at) > 0
    notification.refresh_from_db()
    return read


def mark_all_read(*, user: Any, up_to: int, kind: str = "", at: datetime) -> int:
    """Note that ``user`` has read everything that was told up to the notification ``up_to``; how many it were.

    What came after the list was drawn stays unread. ``kind`` narrows it to one kind.
    """
    unread = Notification.objects.visible_to(user).filter(pk__lte=up_to)
    return _mark(unread.filter(kind=kind) if kind else unread, at)


def _mark(notifications: QuerySet[Notification], at: datetime) -> int:
    # A mail that has gone out keeps the instant at which it was due.
    still_due = Case(When(mailed_at__isnull=True, then=Value(None)), default=F("mail_due_at"))
    return notifications.filter(read_at__isnull=True).update(read_at=at, mail_due_at=still_due)
