"""Send the calendar mails that wait in the outbox (``services.invitations`` writes them).

A mail is claimed before it is sent and marked after it, each in a transaction of its own. A worker that is killed
between the two leaves a claim without an outcome: after ``CLAIM_LASTS`` it is sent once more, and never a third time.
Both bear the same Message-ID and the same calendar event, so that the second changes nothing for whoever got the
first. What the mail server refuses is known not to be sent, and tried again later.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPServerDisconnected
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db.models import F, Q

from apps.leads.models import Invitation
from apps.leads.services.invitations import may_be_mailed

logger = logging.getLogger(__name__)

MOST = 200
"""So many mails a round; whatever is left comes with the next."""
CLAIM_LASTS = timedelta(minutes=15)
CLAIMS = 2
TRY_AGAIN_AFTER = timedelta(minutes=30)
GIVE_UP_AFTER = timedelta(days=2)


class _ServerAway(Exception):
    """The mail server cannot be spoken to: the others wait as well."""


def send_due(*, at: datetime) -> int:
    """Send what is due at ``at``, oldest first; how many went out. May run any number of times at once."""
    _give_up(at)
    due = list(_open(at).order_by("created_at", "pk").values_list("pk", flat=True)[:MOST])
    if not due:
        return 0
    connection, sent = get_connection(), 0
    try:
        connection.open()
        for pk in due:
            sent += _send(pk, connection, at)
    except (_ServerAway, OSError) as error:
        logger.warning("The mail server cannot be reached (%s); invitations wait.", type(error).__name__)
    finally:
        connection.close()
    return sent


def _open(at: datetime) -> Any:
    """Due, and claimed by nobody whose claim still lasts."""
    unclaimed = Q(claimed_at__isnull=True) | Q(claimed_at__lte=at - CLAIM_LASTS)
    return Invitation.objects.to_send(at).filter(unclaimed, attempts__lt=CLAIMS)


def _give_up(at: datetime) -> None:
    waiting = Invitation.objects.to_send(at)
    waiting.filter(attempts__gte=CLAIMS, claimed_at__lte=at - CLAIM_LASTS).update(
        due_at=None, outcome="Sent twice at most: it is not known whether it arrived"
    )
    waiting.filter(created_at__lt=at - GIVE_UP_AFTER).update(due_at=None, outcome="Refused for two days")


def _send(pk: int, connection: Any, at: datetime) -> bool:
    if not _open(at).filter(pk=pk).update(claimed_at=at, attempts=F("attempts") + 1):
        return False
    mail = Invitation.objects.select_related("meeting__lead", "meeting__ae__user").get(pk=pk)
    why_not = _why_not(mail, at)
    if why_not:
        _mark(mail, due_at=None, outcome=why_not)
        return False
    try:
        _message(mail, connection).send()
    except SMTPServerDisconnected as error:
        _not_sent(mail, at)
        raise _ServerAway from error
    except (SMTPException, ValueError) as error:
        _not_sent(mail, at + TRY_AGAIN_AFTER)
        logger.warning("Invitation %s was refused (%s).", pk, type(error).__name__)
        return False
    except OSError as error:
        _not_sent(mail, at)
        raise _ServerAway from error
    _mark(mail, sent_at=at, due_at=None, outcome="")
    return True


def _why_not(mail: Invitation, at: datetime) -> str:
    if mail.method == Invitation.Method.CANCEL:
        return ""
    if mail.to == Invitation.To.CUSTOMER and not may_be_mailed(mail.meeting.lead):
        return "They opted out"
    if mail.meeting.starts_at <= at:
        return "The meeting has begun"
    later = Invitation.objects.filter(
        meeting__invite_uid=mail.meeting.invite_uid, address=mail.address, sequence__gt=mail.sequence
    )
    return "A later one says what holds now" if mail.meeting.invite_uid and later.exists() else ""


def _mark(mail: Invitation, **fields: Any) -> None:
    Invitation.objects.filter(pk=mail.pk).update(**fields)


def _not_sent(mail: Invitation, due_at: datetime) -> None:
    """It is known that it did not go out: this claim does not count."""
    _mark(mail, claimed_at=None, attempts=F("attempts") - 1, due_at=due_at)


def _message(mail: Invitation, connection: Any) -> EmailMultiAlternatives:
    ae = mail.meeting.ae.user
    host = urlsplit(settings.PORTAL_URL).hostname or "portal"
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.words,
        to=[mail.address],
        reply_to=[ae.email] if ae and mail.to == Invitation.To.CUSTOMER else None,
        headers={"Message-ID": f"<invitation-{mail.pk}@{host}>", "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    message.attach_alternative(mail.ics, f"text/calendar; method={mail.method}; charset=utf-8")
    message.attach("invite.ics", mail.ics, "application/ics")
    return message
