"""The audit log as a page lists it: filtered, the latest first, with the seal of each entry."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings

from apps.audit.models import AuditEntry, Seal
from apps.core.keyset import Page, page_of
from apps.core.periods import Period


@dataclass(frozen=True)
class Filters:
    """What the address asks for.

    ``verb`` is the beginning of one; ``actor`` part of a name, or a user's number; ``subject`` a type, or
    a type and a key ("leads.HandOff 12").
    """

    verb: str = ""
    actor: str = ""
    subject: str = ""
    day: date | None = None

    @property
    def any(self) -> bool:
        return self != Filters()


def log(filters: Filters, *, after: str) -> Page:
    """One page of entries. Days are the company's."""
    found = AuditEntry.objects.select_related("actor", "sealed__seal")
    if filters.verb:
        found = found.filter(verb__startswith=filters.verb)
    if filters.actor:
        if filters.actor.isascii() and filters.actor.isdigit():
            found = found.filter(actor=int(filters.actor[:18]))
        else:
            found = found.filter(actor__name__icontains=filters.actor)
    if filters.subject:
        kind, _, key = filters.subject.partition(" ")
        found = found.filter(subject_type__iexact=kind)
        if key.strip():
            found = found.filter(subject_id=key.strip())
    if filters.day:
        start, end = Period(filters.day, date.fromordinal(filters.day.toordinal() + 1)).bounds(
            settings.COMPANY_TIME_ZONE
        )
        found = found.filter(at__gte=start, at__lt=end)
    return page_of(found, by=("-pk",), after=after)


@dataclass(frozen=True)
class SealState:
    """Where the chain stands: the last seal, and how many entries wait for the next."""

    last: Seal | None
    unsealed: int


def seal_state(*, most: int = 1_000) -> SealState:
    """The head of the chain; what waits is counted up to ``most``."""
    waiting = AuditEntry.objects.filter(sealed__isnull=True).order_by()[:most].count()
    return SealState(Seal.objects.order_by("-number").first(), waiting)
