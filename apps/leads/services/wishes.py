"""Keep a wish not to be contacted that somebody heard, from a lead's own page; take a mistaken one back.

What it closes and for whom is ``services.suppressions``'s to say; a touch that came to an opt-out goes there
by itself.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.audit.models import AuditEntry
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Channel, Lead, Suppression
from apps.leads.rules.suppression import DOMAIN
from apps.leads.services import suppressions

UNDO_WITHIN = timedelta(minutes=10)
_NOTED = "leads.lead.opted_out"


class UnableToTakeBack(DomainError):
    """Nothing of one's own to take back, or too long ago."""

    code = "unable_to_take_back"


@transaction.atomic
def keep(
    *, lead: Lead, channel: str, reason: str, at: datetime, actor: Any, note: str = ""
) -> list[Suppression]:
    """Close this person, for ``channel`` or ("") for all, by every address and number known of them.

    Raises ``InvalidInput`` for an unknown channel or reason.
    """
    if channel and channel not in Channel.values:
        raise InvalidInput("Choose a channel, or all of them.", field="channel")
    if reason not in Suppression.Reason.values:
        raise InvalidInput("Choose why.", field="reason")
    made = [
        suppressions.suppress(
            kind=kind, value=value, channel=channel, reason=reason, at=at, actor=actor, note=note
        )
        for kind, value in _names(lead)
    ]
    # Also where nothing is known to reach them by; and it is noted on the lead itself.
    suppressions.close_lead(lead=lead, at=at, actor=actor, channel=channel)
    return made


@transaction.atomic
def take_back(*, lead: Lead, kept_at: datetime, at: datetime, actor: Any) -> None:
    """Open again what ``actor`` closed for this lead at that instant. Raises ``UnableToTakeBack``.

    What was closed otherwise stays closed.
    """
    if at - kept_at > UNDO_WITHIN:
        raise UnableToTakeBack(
            "It can be taken back for ten minutes; after that it is lifted, with a reason."
        )
    noted = AuditEntry.objects.filter(
        verb=_NOTED, subject_type=Lead._meta.label, subject_id=str(lead.pk), at=kept_at, actor=actor
    )
    if not noted.exists():
        raise UnableToTakeBack("There is no wish noted by you then.")
    names = _names(lead)
    rows = Suppression.objects.in_force().filter(
        value__in=[value for _, value in names], added_at=kept_at, added_by=actor
    )
    for row in rows.order_by("pk"):
        if (row.kind, row.value) in names:
            suppressions.lift(suppression=row, because="Taken back by who noted it", at=at, actor=actor)
    if not names:
        suppressions.take_back(lead=lead, opted_out_at=kept_at, at=at, actor=actor)


def _names(lead: Lead) -> list[tuple[str, str]]:
    contact = suppressions.contacts_of([lead])[0]
    return sorted(name for name in contact.names if name[0] != DOMAIN)
