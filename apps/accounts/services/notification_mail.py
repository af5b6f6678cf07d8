"""Send by e-mail what is due: one message a person, whatever is due for them, at once or in the digest.

A person's notifications are claimed before their message is sent, in a transaction of its own. So two rounds
at once never send the same, and a worker that is killed between the two loses that one message: in the portal
what it told still stands. The other order would send twice whenever a worker dies behind a slow mail server.
What the mail server refuses is given back and tried again. A kind with a letter of its own (``Kind.letter``) goes
out as a message for each notification, claimed one by one, before what is told in lines.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPServerDisconnected
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import Count, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.models import Notification, User
from apps.accounts.notification_kinds import Kind, every_kind, shown_kind
from apps.accounts.rules.digests import is_flood

logger = logging.getLogger(__name__)

PEOPLE = 200
"""A round writes to so many people at most; whoever is left comes with the next one."""

TRY_AGAIN_AFTER = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=5)
"""Counted from the notification; a digest over a weekend waits up to three days by itself."""


@dataclass(frozen=True)
class Line:
    """One line of a message: something told, or a flood counted. ``url`` is absolute, or ""."""

    title: str
    body: str
    url: str


@dataclass(frozen=True)
class Section:
    """The lines of one kind; ``count`` is how many notifications they stand for."""

    kind: Kind
    count: int
    lines: Sequence[Line]


class _ServerAway(Exception):
    """The mail server cannot be spoken to: there is no sense in trying the next person."""


def send_due(*, at: datetime) -> int:
    """Send what is due at the instant ``at``, to at most ``PEOPLE`` people; how many messages went out.

    May run any number of times at once. With the mail server away nothing is claimed and nothing lost.
    """
    _forget_leavers(at)
    people = list(
        Notification.objects.to_mail(at)
        .order_by("user_id")
        .values_list("user_id", flat=True)
        .distinct()[:PEOPLE]
    )
    if not people:
        return 0
    connection = get_connection()
    sent = 0
    try:
        connection.open()
        for user_id in people:
            sent += _send_to(user_id, connection, at)
    except (_ServerAway, OSError) as error:
        # Addresses and what a server says about them stay out of the log.
        logger.warning("The mail server cannot be reached (%s); mails wait.", type(error).__name__)
    finally:
        connection.close()
    return sent


def _forget_leavers(at: datetime) -> None:
    Notification.objects.to_mail(at).filter(user__is_active=False).update(mail_due_at=None)


def _send_to(user_id: int, connection: Any, at: datetime) -> int:
    letters = list(
        Notification.objects.to_mail(at)
        .filter(user=user_id, user__is_active=True, kind__in=_lettered())
        .select_related("user")
        .order_by("at", "pk")
    )
    return sum(_send_letter(one, connection, at) for one in letters) + _send_lines(user_id, connection, at)


def _lettered() -> list[str]:
    """The kinds that send a message of their own."""
    return [kind.key for kind in every_kind() if kind.letter is not None]


def _send_letter(one: Notification, connection: Any, at: datetime) -> bool:
    kind = shown_kind(one.kind)
    if not Notification.objects.to_mail(at).filter(pk=one.pk).update(mailed_at=at):
        return False
    letter = kind.letter(one) if kind.letter is not None else None
    if letter is None:
        return False
    message = _mail(one.user.email, letter.subject, letter.text, letter.html, connection)
    return _sent(message, one.user_id, Notification.objects.filter(pk=one.pk), at)


def _send_lines(user_id: int, connection: Any, at: datetime) -> bool:
    claimed = _claim(user_id, at)
    if claimed is None:
        return False
    person, sections = claimed
    held = Notification.objects.filter(user=user_id, mailed_at=at).exclude(kind__in=_lettered())
    return _sent(lambda: _message(person, sections, connection), user_id, held, at)


def _sent(
    message: EmailMultiAlternatives | Callable[[], EmailMultiAlternatives],
    user_id: int,
    claimed: QuerySet[Notification],
    at: datetime,
) -> bool:
    """Whether it went out; if not, what was ``claimed`` for it at ``at`` is given back."""
    try:
        (message() if callable(message) else message).send()
    except SMTPServerDisconnected as error:
        _wait(claimed)
        raise _ServerAway from error
    except (SMTPException, ValueError) as error:  # a header that cannot be sent is a ValueError
        _try_later(claimed, at)
        logger.warning("A mail to user %s was refused (%s).", user_id, type(error).__name__)
        return False
    except OSError as error:
        _wait(claimed)
        raise _ServerAway from error
    return True


@transaction.atomic
def _claim(user_id: int, at: datetime) -> tuple[User, list[Section]] | None:
    """Mark as mailed what is due for one person, and say it; ``None`` when another round has it."""
    person = (
        User.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk=user_id, is_active=True)
        .first()
    )
    if person is None:
        return None
    due = Notification.objects.to_mail(at).filter(user=person).exclude(kind__in=_lettered())
    sections = _sections(due)
    claimed = due.update(mailed_at=at)
    if not claimed:
        return None
    if claimed != sum(section.count for section in sections):
        # Something became due between reading and claiming, or was read: the next round says it whole.
        transaction.set_rollback(True)
        return None
    return person, sections


def _sections(due: Any) -> list[Section]:
    counts = dict(due.order_by().values_list("kind").annotate(n=Count("pk")))
    few = [kind for kind, count in counts.items() if not is_flood(count)]
    lines: dict[str, list[Line]] = {kind: [] for kind in few}
    for one in due.filter(kind__in=few).order_by("-at", "-pk"):
        lines[one.kind].append(Line(one.title, one.body, _absolute(one.url) if one.url else ""))
    sections = []
    for key, count in counts.items():
        kind = shown_kind(key)
        told = lines.get(key) or [Line(kind.counted(count), "", _list_address(key))]
        sections.append(Section(kind, count, told))
    return sorted(sections, key=lambda section: section.kind.label)


def _wait(claimed: QuerySet[Notification]) -> None:
    """Give a claim back, due as before."""
    claimed.update(mailed_at=None)


def _try_later(claimed: QuerySet[Notification], claimed_at: datetime) -> None:
    """Give a claim back for a later hour; what is older than ``GIVE_UP_AFTER`` is not tried again."""
    ids = list(claimed.values_list("pk", flat=True))
    held = Notification.objects.filter(pk__in=ids, mailed_at=claimed_at)
    held.filter(at__lt=claimed_at - GIVE_UP_AFTER).update(mailed_at=None, mail_due_at=None)
    held.update(mailed_at=None, mail_due_at=claimed_at + TRY_AGAIN_AFTER)


def _message(person: User, sections: Sequence[Section], connection: Any) -> EmailMultiAlternatives:
    count = sum(section.count for section in sections)
    only = sections[0].lines[0].title if count == 1 else f"{count:,} notifications"
    context = {
        "person": person,
        "sections": sections,
        "count": count,
        "company": settings.COMPANY_NAME,
        "list_url": _absolute(reverse("accounts:notifications")),
        "choices_url": _absolute(reverse("accounts:notification_preferences")),
    }
    return _mail(
        person.email,
        f"{settings.COMPANY_NAME} sales portal: {only}",
        render_to_string("accounts/mail/notifications.txt", context),
        render_to_string("accounts/mail/notifications.html", context),
        connection,
    )


def _mail(to: str, subject: str, text: str, html: str, connection: Any) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=text,
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    message.attach_alternative(html, "text/html")
    return message


def _list_address(kind: str) -> str:
    return _absolute(f"{reverse('accounts:notifications')}?kind={kind}")


def _absolute(path: str) -> str:
    return settings.PORTAL_URL.rstrip("/") + path
