"""Close somebody for contact, or one channel to them; lift that again; ask whom it concerns.

Whatever door somebody comes through, ``closed_for`` is asked, and what it says is written on the lead
(``do_not_contact``, ``closed_channels``), where the queue's constraint sees it (PRODUCT section 4).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.audit import services as audit
from apps.core import locks
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Channel, Lead, LeadAddress, Suppression
from apps.leads.rules.free_mail import FREE_MAIL
from apps.leads.rules.suppression import OPEN, Closed, Contact, closed_by, normal
from apps.leads.services import enrolments, queue
from apps.leads.signals import leads_closed, leads_reopened

_BATCH = 5_000
CLOSED_FIELDS = ("do_not_contact", "closed_channels")
_STANDING = (
    *CLOSED_FIELDS, "next_channel", "due_at", "warn_at", "claimed_by", "claimed_until",
    "queue_bucket", "queue_sort_at", "queue_ready_at",
)  # fmt: skip
_IN_TURN = (Channel.EMAIL, Channel.CALL, Channel.SOCIAL, Channel.CHAT)
"""Which channel takes the place of one that is closed."""

Names = Iterable[tuple[str, str]]


class UnableToLift(DomainError):
    """The suppression was lifted already."""

    code = "unable_to_lift"


# --- Ask ----------------------------------------------------------------------------------------------


def closed_for(contacts: Iterable[Contact]) -> dict[Contact, Closed]:
    """What is closed for each of ``contacts``; who is open has no entry. One statement (a batch)."""
    wanted = list(contacts)
    values = sorted({value for contact in wanted for _, value in contact.names})
    channels: dict[tuple[str, str], list[str]] = {}
    for start in range(0, len(values), _BATCH):
        rows = Suppression.objects.in_force().filter(value__in=values[start : start + _BATCH])
        for kind, value, channel in rows.values_list("kind", "value", "channel"):
            channels.setdefault((kind, value), []).append(channel)
    if not channels:
        return {}
    found = {
        contact: closed_by(channel for name in contact.names for channel in channels.get(name, ()))
        for contact in wanted
    }
    return {contact: closed for contact, closed in found.items() if closed}


def contacts_of(leads: Sequence[Lead]) -> list[Contact]:
    """For each lead, saved or not: by what they can be reached, with other addresses and what was merged in.

    Two statements at most. ``account`` is best loaded with the leads.
    """
    ids = [lead.pk for lead in leads if lead.pk is not None]
    emails: dict[int, list[str]] = {}
    phones: dict[int, list[str]] = {}
    if ids:
        _add_others(ids, emails, phones)
    return [
        Contact(
            emails=(lead.email, *emails.get(lead.pk, ())),
            phones=(lead.phone, *phones.get(lead.pk, ())),
            domain=lead.account.domain if lead.account else "",
        )
        for lead in leads
    ]


def _add_others(ids: list[int], emails: dict[int, list[str]], phones: dict[int, list[str]]) -> None:
    for pk, email in LeadAddress.objects.filter(lead__in=ids).values_list("lead_id", "email"):
        emails.setdefault(pk, []).append(email)
    for pk, email, phone in Lead.objects.filter(merged_into__in=ids).values_list(
        "merged_into_id", "email", "phone"
    ):
        emails.setdefault(pk, []).append(email)
        phones.setdefault(pk, []).append(phone)


def close(*, lead: Lead, closed: Closed) -> None:
    """Write on the lead what is closed; nothing is opened. The caller settles its place and saves."""
    if closed.everything:
        lead.do_not_contact = True
        lead.due_at = lead.warn_at = None
        lead.claimed_by_id = lead.claimed_until = None
    if closed.channels:
        lead.closed_channels = sorted({*lead.closed_channels, *closed.channels})
        if lead.next_channel in lead.closed_channels:
            lead.next_channel = next((one for one in _IN_TURN if one not in lead.closed_channels), "")


def close_named(leads: Sequence[Lead]) -> None:
    """``close`` for each of many, saved or not, whom suppressions name. The caller settles and saves."""
    contacts = contacts_of(leads)
    closed = closed_for(contacts)
    for lead, contact in zip(leads, contacts, strict=True):
        close(lead=lead, closed=closed.get(contact, OPEN))


# --- Close --------------------------------------------------------------------------------------------


@transaction.atomic
def suppress(
    *,
    kind: str,
    value: str,
    channel: str = "",
    reason: str,
    at: datetime,
    actor: Any = None,
    note: str = "",
) -> Suppression:
    """Close an address, a number or a whole domain, for ``channel`` or ("") for all; every lead of it too.

    The same again returns what is in force already. Raises ``InvalidInput`` naming the field: an unknown
    kind, channel or reason, a value that is none of its kind, a domain at which anybody has an address.
    """
    if kind not in Suppression.Kind.values:
        raise InvalidInput("Choose an address, a number or a domain.", field="kind")
    if channel and channel not in Channel.values:
        raise InvalidInput("Choose a channel, or all of them.", field="channel")
    if reason not in Suppression.Reason.values:
        raise InvalidInput("Choose why.", field="reason")
    found = normal(kind, value)
    if not found:
        raise InvalidInput(_IS_NONE[kind], field="value")
    if kind == Suppression.Kind.DOMAIN and found in FREE_MAIL:
        raise InvalidInput(f"Anybody may have an address at {found}: name the address.", field="value")
    locks.hold([f"{kind}:{found}"])
    before = Suppression.objects.in_force().filter(kind=kind, value=found, channel=channel).first()
    if before is not None:
        return before
    made = Suppression.objects.create(
        kind=kind,
        value=found,
        written_as=value.strip()[:254],
        channel=channel,
        reason=reason,
        note=note.strip()[:200],
        added_at=at,
        added_by=actor if getattr(actor, "pk", None) else None,
    )
    data = {"kind": kind, "channel": channel, "reason": reason}
    audit.record(verb="leads.suppression.added", subject=made, at=at, actor=actor, data=data)
    _close_named(_named([(kind, found)]), closed_by([channel]), at=at, actor=actor)
    return made


_IS_NONE = {
    "email": "Write an address such as hanna@company.com.",
    "phone": "Write a phone number with its area code: six digits at least.",
    "domain": "Write a domain such as company.com.",
}


def close_lead(*, lead: Lead, at: datetime, actor: Any = None, channel: str = "") -> None:
    """What an opt-out means: this person is closed, for ``channel`` or ("") for all, by whatever they are
    reached with. ``lead`` itself is brought up to date too; whoever changes it further saves it."""
    close_leads(leads=[lead], at=at, actor=actor, channel=channel)


@transaction.atomic
def close_leads(*, leads: Sequence[Lead], at: datetime, actor: Any = None, channel: str = "") -> None:
    """Like ``close_lead`` for many: a handful of statements, whatever their number."""
    if not leads:
        return
    written = _written(contacts_of(leads))
    locks.hold(f"{kind}:{value}" for kind, value in written)
    in_force = Suppression.objects.in_force().filter(
        channel=channel, value__in={value for _, value in written}
    )
    known = set(in_force.values_list("kind", "value"))
    made = [
        Suppression(
            kind=kind,
            value=value,
            written_as=text[:254],
            channel=channel,
            reason=Suppression.Reason.OPT_OUT,
            added_at=at,
            added_by=actor if getattr(actor, "pk", None) else None,
        )
        for (kind, value), text in sorted(written.items())
        if (kind, value) not in known
    ]
    insert_rows(made)
    for lead in leads:
        audit.record(verb="leads.lead.opted_out", subject=lead, at=at, actor=actor, data={"channel": channel})
    closed = closed_by([channel])
    _close_named(Q(pk__in=[lead.pk for lead in leads]) | _named(written), closed, at=at, actor=actor)
    for lead in leads:
        close(lead=lead, closed=closed)
        queue.settle(lead)


def _written(contacts: Iterable[Contact]) -> dict[tuple[str, str], str]:
    """Addresses and numbers by (kind, normalised value), as they were written."""
    found: dict[tuple[str, str], str] = {}
    for contact in contacts:
        for kind, texts in (("email", contact.emails), ("phone", contact.phones)):
            for text in texts:
                if value := normal(kind, text):
                    found.setdefault((kind, value), text.strip())
    return found


def _named(names: Names) -> Q:
    """Leads that any of ``names`` reaches, also by another address of theirs."""
    emails, phones, domains = ([value for kind, value in names if kind == wanted] for wanted in _KINDS)
    found = Q(pk__in=[])
    if emails:
        found |= Q(email__in=emails) | Q(pk__in=LeadAddress.objects.filter(email__in=emails).values("lead"))
    if phones:
        found |= Q(phone_key__in=phones)
    for domain in domains:
        found |= Q(email__endswith=f"@{domain}") | Q(email__endswith=f".{domain}")
        found |= Q(account__domain=domain) | Q(account__domain__endswith=f".{domain}")
    return found


_KINDS = ("email", "phone", "domain")


def _rows(found: Q) -> list[Lead]:
    """The leads, and those that they were merged into, locked in one order."""
    ids = set(Lead.objects.filter(found).order_by().values_list("pk", flat=True))
    ids |= set(
        Lead.objects.filter(pk__in=ids, merged_into__isnull=False)
        .order_by()
        .values_list("merged_into_id", flat=True)
    )
    rows = Lead.objects.filter(pk__in=ids).select_for_update(of=("self",)).select_related("account")
    return list(rows.order_by("pk"))


def _close_named(found: Q, closed: Closed, *, at: datetime, actor: Any) -> None:
    leads = _rows(found)
    if not leads:
        return
    for lead in leads:
        close(lead=lead, closed=closed)
        queue.settle(lead)
    update_rows(leads, _STANDING)
    if closed.everything:
        enrolments.remove_open(leads=leads, reason="Do not contact", at=at, actor=actor)
        leads_closed.send(sender=Lead, leads=leads, at=at)


# --- Lift ---------------------------------------------------------------------------------------------


@transaction.atomic
def lift(*, suppression: Suppression, because: str, at: datetime, actor: Any = None) -> Suppression:
    """Lift it, saying why; leads that nothing else closes may be contacted again, from where they stood.

    A lead that was disqualified stays so. Raises ``InvalidInput`` without a reason, ``UnableToLift`` the
    second time.
    """
    because = because.strip()
    if not because:
        raise InvalidInput("Say why it is lifted: somebody may ask.", field="because")
    locks.hold([f"{suppression.kind}:{suppression.value}"])
    row = Suppression.objects.select_for_update(of=("self",)).get(pk=suppression.pk)
    if row.lifted_at is not None:
        raise UnableToLift("It was lifted before.")
    _mark_lifted([row], because, at, actor)
    opened = _open_again(_named([(row.kind, row.value)]))
    leads_reopened.send(sender=Lead, leads=opened, at=at)
    return row


@transaction.atomic
def take_back(*, lead: Lead, opted_out_at: datetime, at: datetime, actor: Any = None) -> None:
    """Lift what an opt-out at that instant closed, when its touch is undone.

    ``lead`` carries the stage that it goes back to, and is brought up to date; the caller saves it. What was
    closed otherwise stays closed: it opens only when nothing else names it.
    """
    names = _written(contacts_of([lead]))
    rows = [
        row
        for row in Suppression.objects.in_force()
        .filter(value__in={value for _, value in names}, added_at=opted_out_at)
        .filter(reason=Suppression.Reason.OPT_OUT)
        .select_for_update(of=("self",))
        if (row.kind, row.value) in names
    ]
    _mark_lifted(rows, "The touch was undone", at, actor)
    if not names:
        Lead.objects.filter(pk=lead.pk).update(stage=lead.stage)
    _open_again(Q(pk=lead.pk) | _named(names))
    lead.refresh_from_db(fields=CLOSED_FIELDS)
    queue.settle(lead)


def _mark_lifted(rows: Sequence[Suppression], because: str, at: datetime, actor: Any) -> None:
    for row in rows:
        row.lifted_at, row.lifted_because = at, because[:200]
        row.lifted_by = actor if getattr(actor, "pk", None) else None
        row.save(update_fields=["lifted_at", "lifted_by", "lifted_because"])
        audit.record(
            verb="leads.suppression.lifted", subject=row, at=at, actor=actor, data={"kind": row.kind}
        )


def look_again(*, leads: Sequence[Lead]) -> None:
    """After a merge was undone: each is closed by what names itself, and by nothing else."""
    _open_again(Q(pk__in=[lead.pk for lead in leads]))
    for lead in leads:
        lead.refresh_from_db(fields=CLOSED_FIELDS)


def _open_again(found: Q) -> list[Lead]:
    """Write anew what is closed for these leads, from the suppressions that are left; those now open."""
    leads = _rows(found)
    before = {lead.pk for lead in leads if lead.do_not_contact}
    contacts = contacts_of(leads)
    left = closed_for(contacts)
    unnamed = _opted_out_without_address(leads)
    for lead, contact in zip(leads, contacts, strict=True):
        closed = left.get(contact, OPEN)
        lead.do_not_contact = closed.everything or lead.pk in unnamed
        lead.closed_channels = list(closed.channels)
        queue.settle(lead)
    update_rows(leads, _STANDING)
    return [lead for lead in leads if lead.pk in before and not lead.do_not_contact]


def _opted_out_without_address(leads: Sequence[Lead]) -> set[int]:
    """Who opted out although nothing is known to reach them by: no suppression names them, so none opens them."""
    ids = [lead.pk for lead in leads]
    rows = Lead.objects.filter(
        Q(pk__in=ids) | Q(merged_into__in=ids), do_not_contact=True, email="", phone="", stage="disqualified"
    )
    return {survivor or pk for pk, survivor in rows.order_by().values_list("pk", "merged_into_id")}
