"""Open an opportunity, move it through its stages, change its amount, take a win back."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import (
    Account,
    EventKind,
    FunnelEvent,
    LossReason,
    Opportunity,
    OpportunityStage,
    Source,
)
from apps.leads.services.accounts import account_named
from apps.leads.services.record import NewEvent, owned, record_event, reverse_event, sourced
from apps.reps.models import Rep

_NEXT = {
    OpportunityStage.STAGE_1: (OpportunityStage.STAGE_2, OpportunityStage.LOST),
    OpportunityStage.STAGE_2: (OpportunityStage.WON, OpportunityStage.LOST),
}


class UnableToMove(DomainError):
    """The stage does not follow from the present one, or the opportunity moved meanwhile."""

    code = "unable_to_move"


def next_stages(stage: str) -> tuple[OpportunityStage, ...]:
    """Where an opportunity may go from ``stage``; nowhere once it is closed."""
    return _NEXT.get(OpportunityStage(stage), ())


def _reload(opportunity: Opportunity) -> None:
    """As it stands now, with those whom its event credits, in one statement."""
    opportunity.refresh_from_db(
        from_queryset=Opportunity.objects.select_related("lead", "hand_off", "owner", "sourced_by")
    )


def _event(
    opportunity: Opportunity, kind: EventKind, at: datetime, actor: Any, source: Source, key: str
) -> NewEvent:
    return NewEvent(
        kind=kind,
        occurred_at=at,
        source=source,
        source_key=key,
        lead=opportunity.lead,
        hand_off=opportunity.hand_off,
        opportunity=opportunity,
        credits=[*sourced(opportunity.sourced_by), *owned(opportunity.owner)],
        amount_minor=opportunity.amount_minor,
        currency=opportunity.currency if opportunity.amount_minor is not None else "",
        actor=actor,
        data={"reason": opportunity.loss_reason} if kind == EventKind.LOST else {},
    )


@transaction.atomic
def open_opportunity(
    *,
    owner: Rep,
    name: str,
    at: datetime,
    amount_minor: int | None = None,
    currency: str = "",
    account: Account | None = None,
    company: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Opportunity:
    """One that the owner found alone (self-sourced), at stage 1.

    ``company`` finds its account by name, or makes it, where no ``account`` is given. Raises
    ``InvalidInput`` without a name.
    """
    if not name.strip():
        raise InvalidInput("Name the opportunity.", field="name")
    if account is None and company.strip():
        account = account_named(name=company)
    opportunity = Opportunity.objects.create(
        name=name.strip(),
        account=account,
        owner=owner,
        amount_minor=amount_minor,
        currency=currency or owner.team.currency,
        opened_at=at,
        stage_changed_at=at,
    )
    key = f"opportunity:{opportunity.pk}:stage_1"
    record_event(event=_event(opportunity, EventKind.STAGE_1, at, actor, source, key), at=at)
    audit.record(
        verb="leads.opportunity.opened",
        subject=opportunity,
        at=at,
        actor=actor,
        data={"amount_minor": amount_minor, "currency": opportunity.currency},
    )
    return opportunity


@transaction.atomic
def move_opportunity(
    *,
    opportunity: Opportunity,
    stage: OpportunityStage,
    at: datetime,
    amount_minor: int | None = None,
    loss_reason: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Opportunity:
    """Move to a stage that follows the present one. Won needs an amount, lost a reason.

    Raises ``UnableToMove`` and ``InvalidInput``. The event carries the amount as it stands then.
    """
    before = opportunity.stage
    if stage not in next_stages(before):
        raise UnableToMove(
            f"From {opportunity.get_stage_display()} it cannot go to {OpportunityStage(stage).label}."
        )
    amount = opportunity.amount_minor if amount_minor is None else amount_minor
    if stage == OpportunityStage.WON and (amount is None or amount <= 0):
        raise InvalidInput("Say the amount that was won.", field="amount")
    if stage == OpportunityStage.LOST and loss_reason not in LossReason.values:
        raise InvalidInput("Choose why it was lost.", field="loss_reason")
    closed = stage in (OpportunityStage.WON, OpportunityStage.LOST)
    moved = Opportunity.objects.filter(pk=opportunity.pk, stage=before).update(
        stage=stage,
        stage_changed_at=at,
        amount_minor=amount,
        closed_at=at if closed else None,
        loss_reason=loss_reason if stage == OpportunityStage.LOST else "",
    )
    if not moved:
        raise UnableToMove("Somebody moved this opportunity meanwhile: reload and look again.")
    _reload(opportunity)
    times = FunnelEvent.objects.filter(opportunity=opportunity, kind=stage.value).count()
    key = f"opportunity:{opportunity.pk}:{stage}" + (f":{times + 1}" if times else "")
    record_event(event=_event(opportunity, EventKind(stage), at, actor, source, key), at=at)
    audit.record(
        verb="leads.opportunity.moved",
        subject=opportunity,
        at=at,
        actor=actor,
        data={"from": before, "to": str(stage), "amount_minor": amount},
    )
    return opportunity


@transaction.atomic
def change_amount(
    *,
    opportunity: Opportunity,
    amount_minor: int,
    at: datetime,
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Opportunity:
    """Change the amount of an open opportunity. Raises ``UnableToMove`` once it is closed."""
    before = opportunity.amount_minor
    changed = Opportunity.objects.open().filter(pk=opportunity.pk).update(amount_minor=amount_minor)
    if not changed:
        raise UnableToMove("A closed opportunity keeps its amount: reverse the win first.")
    _reload(opportunity)
    times = FunnelEvent.objects.filter(opportunity=opportunity, kind=EventKind.AMOUNT_CHANGED).count()
    key = f"opportunity:{opportunity.pk}:amount:{times + 1}"
    record_event(event=_event(opportunity, EventKind.AMOUNT_CHANGED, at, actor, source, key), at=at)
    audit.record(
        verb="leads.opportunity.amount_changed",
        subject=opportunity,
        at=at,
        actor=actor,
        data={"from_minor": before, "to_minor": amount_minor, "currency": opportunity.currency},
    )
    return opportunity


@transaction.atomic
def take_win_back(
    *, opportunity: Opportunity, reason: str, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> Opportunity:
    """Reverse a win (a cancelled contract, an error): back to stage 2, the event reversed.

    Raises ``UnableToMove`` unless it is won, ``InvalidInput`` without a reason.
    """
    if not reason.strip():
        raise InvalidInput("Say why the win is taken back.", field="reason")
    back = Opportunity.objects.filter(pk=opportunity.pk, stage=OpportunityStage.WON).update(
        stage=OpportunityStage.STAGE_2, stage_changed_at=at, closed_at=None
    )
    if not back:
        raise UnableToMove("Only a won opportunity can be taken back.")
    _reload(opportunity)
    won = FunnelEvent.objects.filter(opportunity=opportunity, kind=EventKind.WON).effective().get()
    reverse_event(event=won, reason=reason.strip(), at=at, actor=actor, source=source)
    audit.record(
        verb="leads.opportunity.win_taken_back",
        subject=opportunity,
        at=at,
        actor=actor,
        data={"reason": reason},
    )
    return opportunity
