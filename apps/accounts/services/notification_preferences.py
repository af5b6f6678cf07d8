"""How each person wants to hear of each kind of notification."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import transaction

from apps.accounts.models import Notification, NotificationPreference, User
from apps.accounts.notification_kinds import Way, kind_called
from apps.audit import services as audit
from apps.core.errors import InvalidInput


def ways_of(*, user_ids: Iterable[int], kinds: Collection[str]) -> dict[tuple[int, str], Way]:
    """By (user, kind): what the person chose, else the kind's usual way. One statement."""
    people = list(user_ids)
    ways = {(pk, kind): kind_called(kind).usual for pk in people for kind in kinds}
    chosen = NotificationPreference.objects.filter(user__in=people, kind__in=kinds).order_by()
    for user_id, kind, in_portal, mail in chosen.values_list("user_id", "kind", "in_portal", "mail"):
        ways[user_id, kind] = Way(in_portal, mail)
    return ways


@transaction.atomic
def choose(*, person: User, ways: Mapping[str, Way], at: datetime) -> list[str]:
    """Write what ``person`` chose, by kind; the kinds that changed.

    It holds for what is told from now on. Of a kind that is no longer wanted by e-mail, what still waits
    for its digest does not go out either. Raises ``UnknownKind``, ``InvalidInput`` for an unknown way of mail.
    """
    if any(way.mail not in NotificationPreference.Mail.values for way in ways.values()):
        raise InvalidInput("Choose how you hear of it from the list.", field="mail")
    before = ways_of(user_ids=[person.pk], kinds=list(ways))
    changed = [kind for kind, way in ways.items() if before[person.pk, kind] != way]
    if not changed:
        return []
    NotificationPreference.objects.bulk_create(
        [
            NotificationPreference(
                user=person, kind=kind, in_portal=ways[kind].in_portal, mail=ways[kind].mail
            )
            for kind in changed
        ],
        update_conflicts=True,
        unique_fields=["user", "kind"],
        update_fields=["in_portal", "mail"],
    )
    silenced = [kind for kind in changed if ways[kind].mail == NotificationPreference.Mail.NEVER]
    Notification.objects.filter(user=person, kind__in=silenced, mailed_at__isnull=True).exclude(
        mail_due_at__isnull=True
    ).update(mail_due_at=None)
    audit.record(
        verb="accounts.person.notifications_chosen",
        subject=person,
        at=at,
        actor=person,
        data={kind: {"in_portal": ways[kind].in_portal, "mail": ways[kind].mail} for kind in changed},
    )
    return changed
