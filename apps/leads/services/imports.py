"""Take in leads and hand-offs that another system kept: many at once, through the same record and rules.

History starts no promise: ``lead_arrived`` and ``hand_off_created`` are not sent, so that nobody is late
for what happened long ago. What a row of a file means is decided in ``integrations``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core import locks
from apps.core.bulk import insert_rows
from apps.core.periods import day_of
from apps.leads.models import (
    EventKind,
    HandOff,
    Lead,
    LeadStage,
    Opportunity,
    Source,
)
from apps.leads.services import duplicates, queue, scoring, suppressions
from apps.leads.services.accounts import Accounts, accounts_of
from apps.leads.services.intake import Incoming
from apps.leads.services.record import NewEvent, owned, record_events, sourced
from apps.leads.signals import owners_changed
from apps.reps.models import Rep, Team

BATCH = 500

DESCRIPTION = (
    "name",
    "title",
    "email",
    "phone",
    "company",
    "industry",
    "employees",
    "city",
    "time_zone",
    "source",
    "campaign",
    "is_inbound",
)
"""What describes a lead, as against what happened to it."""

_QUEUE_FIELDS = ("queue_bucket", "queue_sort_at", "queue_ready_at")
_CLOSED_FIELDS = (
    *suppressions.CLOSED_FIELDS,
    "next_channel",
    "due_at",
    "warn_at",
    "claimed_by",
    "claimed_until",
)
_KEYS = ("name_key", "phone_key", "address_key")


@dataclass(frozen=True)
class ImportedLead:
    """A lead as another system kept it. ``stage_at`` is when the stage was reached, or known."""

    external_id: str
    created_at: datetime
    stage: LeadStage
    stage_at: datetime
    incoming: Incoming
    reason: str = ""
    do_not_contact: bool = False
    owner: Rep | None = None
    stage_is_dated: bool = False


@dataclass(frozen=True)
class ImportedHandOff:
    """A hand-off as another system kept it. ``accepted`` is ``None`` while there is no answer."""

    external_id: str
    lead: Lead
    sdr: Rep
    ae: Rep
    created_at: datetime
    accepted: bool | None
    decided_at: datetime | None
    amount_minor: int | None
    currency: str
    comment: str = ""


# --- Leads ----------------------------------------------------------------------------------------


@transaction.atomic
def take_in_leads(
    *, leads: Sequence[ImportedLead], team: Team, system: str, at: datetime, actor: Any = None
) -> list[Lead]:
    """Leads new to the portal, scored, placed in the queue and recorded as collected (and disqualified).

    Set-based: the number of statements does not depend on the number of leads, beyond its batches.
    """
    locks.hold(name for one in leads for name in one.incoming.names)
    in_force = scoring.table_in_force(day_of(at, settings.COMPANY_TIME_ZONE))
    rows = [_new_lead(one, team, system, in_force) for one in leads]
    accounts = _give_accounts(rows, leads)
    suppressions.close_named(rows)
    accounts.save()
    pairs = duplicates.pairs_of(rows)
    for row in rows:
        # Its id was not known when the account was put on the lead.
        row.account = row.account
        queue.settle(row)
    insert_rows(rows)
    record_events(events=_events_of(leads, rows, system, actor), at=at)
    duplicates.keep_pairs(pairs=pairs, at=at)
    opted_out = [row for row, one in zip(rows, leads, strict=True) if one.do_not_contact]
    suppressions.close_leads(leads=opted_out, at=at, actor=actor)
    return rows


def _new_lead(one: ImportedLead, team: Team, system: str, in_force: scoring.InForce) -> Lead:
    lead = Lead(
        team=team,
        owner=one.owner,
        stage=one.stage,
        stage_reason=one.reason,
        do_not_contact=one.do_not_contact,
        created_at=one.created_at,
        source_system=system,
        external_id=one.external_id,
    )
    _describe(lead, one.incoming)
    scoring.judge(lead=lead, in_force=in_force)
    return lead


def _describe(lead: Lead, incoming: Incoming) -> None:
    for name in DESCRIPTION:
        setattr(lead, name, getattr(incoming, name))
    lead.email = lead.email.strip().lower()
    lead.set_keys()


def _give_accounts(rows: Sequence[Lead], leads: Sequence[ImportedLead]) -> Accounts:
    """The account of each lead's company, found or made as for a lead that arrives; not saved yet."""
    employers = [one.incoming.employer for one in leads]
    accounts = accounts_of(employers)
    for row, employer in zip(rows, employers, strict=True):
        row.account = accounts.make(employer)
    return accounts


def _events_of(
    leads: Sequence[ImportedLead], rows: Sequence[Lead], system: str, actor: Any
) -> list[NewEvent]:
    events = []
    for one, lead in zip(leads, rows, strict=True):
        key = f"{system}:leads:{one.external_id}"
        events.append(
            NewEvent(
                kind=EventKind.COLLECTED,
                occurred_at=one.created_at,
                source=Source.IMPORT,
                source_key=f"{key}:collected",
                lead=lead,
                credits=sourced(one.owner),
                actor=actor,
                data={"source": lead.source, "campaign": lead.campaign, "score": lead.score},
            )
        )
        if one.stage == LeadStage.DISQUALIFIED:
            events.append(_disqualified(one, lead, key, actor))
    return events


def _disqualified(one: ImportedLead, lead: Lead, key: str, actor: Any) -> NewEvent:
    data = {"reason": one.reason}
    if not one.stage_is_dated:
        data["dated"] = "import"
    return NewEvent(
        kind=EventKind.DISQUALIFIED,
        occurred_at=max(one.stage_at, one.created_at),
        source=Source.IMPORT,
        source_key=f"{key}:disqualified",
        lead=lead,
        credits=sourced(one.owner),
        actor=actor,
        data=data,
    )


@dataclass(frozen=True)
class LeadChange:
    """A lead that is here and what its source says now; which of its stage and owner the source changed."""

    lead: Lead
    now: ImportedLead
    stage_moved: bool = False
    owner_changed: bool = False


@transaction.atomic
def change_leads(
    *, changes: Sequence[LeadChange], team: Team, system: str, at: datetime, actor: Any = None
) -> None:
    """Bring leads up to what their source says now: description, owner, and a stage further on.

    A lead that is newly disqualified there gets its event; what was recorded before stays as it is.
    The caller has made sure that nobody in the portal moved the lead meanwhile.
    """
    events = []
    in_force = scoring.table_in_force(day_of(at, settings.COMPANY_TIME_ZONE))
    intents = scoring.intent_of([change.lead for change in changes])
    for change in changes:
        lead, now = change.lead, change.now
        _describe(lead, now.incoming)
        scoring.judge(lead=lead, in_force=in_force, intent=intents.get(lead.pk, scoring.NO_INTENT))
        if change.owner_changed:
            lead.owner = now.owner
        if change.stage_moved:
            lead.stage, lead.stage_reason = now.stage, now.reason
            if now.stage == LeadStage.DISQUALIFIED:
                events.append(_disqualified(now, lead, f"{system}:leads:{now.external_id}", actor))
        elif lead.stage == LeadStage.DISQUALIFIED and now.reason:
            lead.stage_reason = now.reason
    leads = [change.lead for change in changes]
    accounts = _give_accounts(leads, [change.now for change in changes])
    accounts.save()
    suppressions.close_named(leads)
    for lead in leads:
        lead.account = lead.account
        queue.settle(lead)
    standing = ("account", "stage", "stage_reason", "owner", *_CLOSED_FIELDS, *_KEYS)
    _update(leads, [*DESCRIPTION, *scoring.SCORE_FIELDS, *_QUEUE_FIELDS, *standing])
    _tell_owners([one.lead for one in changes if one.owner_changed and one.lead.is_workable], at)
    record_events(events=events, at=at)
    # An opt-out is never taken back by a file.
    opted_out = [one.lead for one in changes if one.now.do_not_contact and not one.lead.do_not_contact]
    suppressions.close_leads(leads=opted_out, at=at, actor=actor)


def _tell_owners(leads: Sequence[Lead], at: datetime) -> None:
    owners_changed.send(sender=Lead, owners={lead.pk: lead.owner_id for lead in leads}, at=at)


def _update(leads: Sequence[Lead], fields: Sequence[str]) -> None:
    """Leads that are there: an upsert is several times quicker than a CASE for each column."""
    if leads:
        Lead.objects.bulk_create(
            leads, batch_size=BATCH, update_conflicts=True, unique_fields=["id"], update_fields=fields
        )


# --- Hand-offs ------------------------------------------------------------------------------------

_STATES = {None: HandOff.State.PENDING, True: HandOff.State.ACCEPTED, False: HandOff.State.REJECTED}


@transaction.atomic
def record_hand_offs(
    *, hand_offs: Sequence[ImportedHandOff], system: str, at: datetime, actor: Any = None
) -> list[HandOff]:
    """Hand-offs new to the portal, with their answers: an opportunity at stage 1 for each accepted one.

    Credited whole to the SDR as source and whole to the AE as owner, as on the page. Amounts are minor
    units; one below zero (a correction in the other system) is recorded as it stands.
    """
    rows = HandOff.objects.bulk_create(
        [
            HandOff(
                lead=one.lead,
                sdr=one.sdr,
                ae=one.ae,
                created_at=one.created_at,
                state=_STATES[one.accepted],
                decided_at=one.decided_at if one.accepted is not None else None,
                comment=one.comment,
                is_exploration=one.lead.is_exploration,
                routing={
                    "policy": "Imported",
                    "words": "The other system decided who takes it; its reasons are not in the file.",
                    "considered": [],
                },
                source_system=system,
                external_id=one.external_id,
            )
            for one in hand_offs
        ],
        batch_size=BATCH,
    )
    events = [
        _hand_off_event(EventKind.HANDED_OFF, one, row, one.created_at, system, actor)
        for one, row in zip(hand_offs, rows, strict=True)
    ]
    record_events(events=events, at=at)
    _answer(list(zip(hand_offs, rows, strict=True)), system, at, actor)
    return rows


@transaction.atomic
def answer_hand_offs(
    *, answers: Sequence[tuple[HandOff, ImportedHandOff]], system: str, at: datetime, actor: Any = None
) -> None:
    """Hand-offs that waited at the last import and have their answer now."""
    for row, one in answers:
        row.state = _STATES[one.accepted]
        row.decided_at = one.decided_at
        row.comment = one.comment
    HandOff.objects.bulk_update(
        [row for row, _ in answers], ["state", "decided_at", "comment"], batch_size=BATCH
    )
    _answer([(one, row) for row, one in answers], system, at, actor)


def _answer(pairs: list[tuple[ImportedHandOff, HandOff]], system: str, at: datetime, actor: Any) -> None:
    """Opportunities, events and the leads' standing, from the answers that are there."""
    accepted = [(one, row, one.decided_at) for one, row in pairs if one.accepted and one.decided_at]
    opportunities = Opportunity.objects.bulk_create(
        [
            Opportunity(
                name=one.lead.company or f"Opportunity {one.external_id}",
                account_id=one.lead.account_id,
                lead=one.lead,
                hand_off=row,
                owner=one.ae,
                sourced_by=one.sdr,
                amount_minor=one.amount_minor,
                currency=one.currency,
                opened_at=decided_at,
                stage_changed_at=decided_at,
            )
            for one, row, decided_at in accepted
        ],
        batch_size=BATCH,
    )
    events = []
    for (one, row, decided_at), opportunity in zip(accepted, opportunities, strict=True):
        for kind in (EventKind.ACCEPTED, EventKind.STAGE_1):
            events.append(_hand_off_event(kind, one, row, decided_at, system, actor, opportunity))
    events += [
        _hand_off_event(EventKind.REJECTED, one, row, one.decided_at, system, actor)
        for one, row in pairs
        if one.accepted is False
    ]
    record_events(events=events, at=at)
    _place_leads(pairs, at)


def _hand_off_event(
    kind: EventKind,
    one: ImportedHandOff,
    row: HandOff,
    occurred_at: datetime | None,
    system: str,
    actor: Any,
    opportunity: Opportunity | None = None,
) -> NewEvent:
    if occurred_at is None:
        raise ValueError("An answer without an instant cannot be recorded.")
    counts = opportunity is not None and one.amount_minor is not None
    data = {}
    if kind == EventKind.REJECTED and one.amount_minor is not None:
        # What it would have been worth: amounts that count stand on acceptance and later only.
        data = {"amount_minor": one.amount_minor, "currency": one.currency}
    return NewEvent(
        kind=kind,
        occurred_at=occurred_at,
        source=Source.IMPORT,
        source_key=f"{system}:hand_offs:{one.external_id}:{kind}",
        lead=one.lead,
        hand_off=row,
        opportunity=opportunity,
        credits=[*sourced(one.sdr), *owned(one.ae)],
        amount_minor=one.amount_minor if counts else None,
        currency=one.currency if counts else "",
        actor=actor,
        data=data,
    )


def _place_leads(pairs: Sequence[tuple[ImportedHandOff, HandOff]], at: datetime) -> None:
    """The leads' stages as after the same act on the page; a rejected one goes back to its SDR."""
    leads = []
    for one, _ in pairs:
        lead = one.lead
        if one.accepted is None:
            lead.stage = LeadStage.HANDED_OFF
        elif one.accepted:
            lead.stage = LeadStage.SAL
        else:
            lead.stage, lead.stage_reason = LeadStage.WORKING, "Rejected by the AE"
            lead.next_touch_at, lead.next_channel = one.decided_at, "call"
            lead.owner = lead.owner or one.sdr
        queue.settle(lead)
        leads.append(lead)
    _update(leads, ["stage", "stage_reason", "next_touch_at", "next_channel", "owner", *_QUEUE_FIELDS])
    _tell_owners([lead for lead in leads if lead.stage == LeadStage.WORKING], at)
