"""Take in opportunities that another system kept: many at once, with the stages they have been through.

History obeys no gate and starts no promise. What a row of a file means is decided in ``integrations``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.core import locks
from apps.core.bulk import insert_rows, update_rows
from apps.leads.models import EventKind, FunnelEvent, Lead, LeadStage, Opportunity, OpportunityStage, Source
from apps.leads.services import queue
from apps.leads.services.accounts import Accounts, accounts_of
from apps.leads.services.intake import Incoming
from apps.leads.services.record import NewEvent, owned, record_events, sourced
from apps.reps.models import Rep

_PLACED = ("stage", "queue_bucket", "queue_sort_at", "queue_ready_at")
_CHANGED = (
    "name", "stage", "stage_changed_at", "closed_at", "amount_minor", "loss_reason", "expected_close_on", "next_step",
)  # fmt: skip


@dataclass(frozen=True)
class ImportedOpportunity:
    """An opportunity as another system kept it. ``closed_at`` is there when it was won or lost."""

    external_id: str
    name: str
    owner: Rep
    created_at: datetime
    stage: OpportunityStage
    stage_at: datetime | None
    closed_at: datetime | None
    amount_minor: int | None
    currency: str
    company: str = ""
    lead: Lead | None = None
    sdr: Rep | None = None
    kind: str = "new"
    reason: str = ""
    expected_close_on: date | None = None
    next_step: str = ""

    @property
    def employer(self) -> Any:
        return Incoming(company=self.company).employer

    @property
    def since(self) -> datetime:
        """When it reached the stage it is at."""
        return self.closed_at or self.stage_at or self.created_at


def key_of(*, system: str, external_id: str, what: str = EventKind.STAGE_1) -> str:
    """The source key of an imported opportunity's event; by that of stage 1 it is found again."""
    return f"{system}:opportunities:{external_id}:{what}"


def present_opportunities(*, system: str, external_ids: Iterable[str]) -> dict[str, Opportunity]:
    """Those that an import brought before, by their id at the source."""
    keys = {key_of(system=system, external_id=one): one for one in external_ids}
    if not keys:
        return {}
    events = FunnelEvent.objects.filter(source_key__in=keys).select_related("opportunity__lead")
    return {keys[event.source_key]: event.opportunity for event in events if event.opportunity is not None}


@transaction.atomic
def take_in_opportunities(
    *, opportunities: Sequence[ImportedOpportunity], system: str, at: datetime, actor: Any = None
) -> list[Opportunity]:
    """Opportunities new to the portal, each with an event for every stage that it has reached.

    Credited whole to who sourced it and whole to its owner. A lead that it came from leaves the queue.
    """
    locks.hold(name for one in opportunities for name in Incoming(company=one.company).names)
    accounts = accounts_of([one.employer for one in opportunities])
    rows = [_new(one, accounts) for one in opportunities]
    accounts.save()
    for row in rows:
        row.account = row.account
    insert_rows(rows)
    events = [
        event
        for one, row in zip(opportunities, rows, strict=True)
        for event in _events(one, row, system, actor, _path(one.stage))
    ]
    record_events(events=events, at=at)
    _place_leads([one.lead for one in opportunities if one.lead is not None])
    return rows


def _new(one: ImportedOpportunity, accounts: Accounts) -> Opportunity:
    row = Opportunity(
        account=one.lead.account if one.lead and one.lead.account else accounts.make(one.employer),
        lead=one.lead,
        owner=one.owner,
        sourced_by=one.sdr,
        kind=one.kind or "new",
        currency=one.currency,
        opened_at=one.created_at,
    )
    _stand(row, one)
    return row


def _stand(row: Opportunity, one: ImportedOpportunity) -> None:
    _describe(row, one)
    _place(row, one)
    row.amount_minor = one.amount_minor


def _describe(row: Opportunity, one: ImportedOpportunity) -> None:
    row.name, row.expected_close_on, row.next_step = one.name, one.expected_close_on, one.next_step


def _place(row: Opportunity, one: ImportedOpportunity) -> None:
    row.stage, row.stage_changed_at, row.closed_at = one.stage, one.since, one.closed_at
    row.loss_reason = one.reason if one.stage == OpportunityStage.LOST else ""


def _path(stage: str) -> list[str]:
    """The stages that an opportunity at ``stage`` has been through. A lost one may never have reached stage 2."""
    return {
        OpportunityStage.STAGE_1: ["stage_1"],
        OpportunityStage.STAGE_2: ["stage_1", "stage_2"],
        OpportunityStage.WON: ["stage_1", "stage_2", "won"],
        OpportunityStage.LOST: ["stage_1", "lost"],
    }[OpportunityStage(stage)]


def _events(
    one: ImportedOpportunity, row: Opportunity, system: str, actor: Any, stages: Sequence[str]
) -> list[NewEvent]:
    found = []
    for stage in stages:
        data: dict[str, Any] = {"reason": row.loss_reason} if stage == "lost" else {}
        instant = one.created_at if stage == "stage_1" else max(one.since, one.created_at)
        if stage == "stage_2" and (one.stage != OpportunityStage.STAGE_2 or one.stage_at is None):
            # The file says when it was won, not when it was qualified.
            data["dated"] = "import"
        found.append(
            NewEvent(
                kind=EventKind(stage),
                occurred_at=instant,
                source=Source.IMPORT,
                source_key=key_of(system=system, external_id=one.external_id, what=stage),
                lead=one.lead,
                opportunity=row,
                credits=[*sourced(one.sdr), *owned(one.owner)],
                amount_minor=one.amount_minor,
                currency=one.currency if one.amount_minor is not None else "",
                actor=actor,
                data=data,
            )
        )
    return found


def _place_leads(leads: Sequence[Lead]) -> None:
    moved = [lead for lead in {lead.pk: lead for lead in leads}.values() if lead.is_workable]
    for lead in moved:
        lead.stage = LeadStage.SAL
        queue.settle(lead)
    update_rows(moved, _PLACED)


@dataclass(frozen=True)
class OpportunityChange:
    """An opportunity that is here and what its source says now; which of its stage and amount the source changed."""

    opportunity: Opportunity
    now: ImportedOpportunity
    stage_moved: bool = False
    amount_changed: bool = False


@transaction.atomic
def change_opportunities(
    *, changes: Sequence[OpportunityChange], system: str, at: datetime, actor: Any = None
) -> None:
    """Bring opportunities up to what their source says now: further stages and other amounts are events.

    The caller has made sure that nobody in the portal moved them meanwhile.
    """
    events: list[NewEvent] = []
    for change in changes:
        row, now, before = change.opportunity, change.now, change.opportunity.stage
        _describe(row, now)
        if change.amount_changed:
            events.append(_other_amount(row, now, system, at, actor))
            row.amount_minor = now.amount_minor
        if change.stage_moved:
            _place(row, now)
            ahead = [stage for stage in _path(row.stage) if stage not in _path(before)]
            events += _events(now, row, system, actor, ahead)
    update_rows([change.opportunity for change in changes], _CHANGED)
    record_events(events=events, at=at)


def _other_amount(
    row: Opportunity, now: ImportedOpportunity, system: str, at: datetime, actor: Any
) -> NewEvent:
    number = FunnelEvent.objects.filter(opportunity=row, kind=EventKind.AMOUNT_CHANGED).count() + 1
    return NewEvent(
        kind=EventKind.AMOUNT_CHANGED,
        occurred_at=at,
        source=Source.IMPORT,
        source_key=key_of(system=system, external_id=now.external_id, what=f"amount:{number}"),
        lead=row.lead,
        opportunity=row,
        credits=[*sourced(now.sdr), *owned(now.owner)],
        amount_minor=now.amount_minor,
        currency=now.currency if now.amount_minor is not None else "",
        actor=actor,
        data={"from_minor": row.amount_minor, "from_currency": row.currency},
    )
