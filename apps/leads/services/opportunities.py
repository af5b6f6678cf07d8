"""Open an opportunity, move it through its stages, change what it is worth, take a move or a win back."""

from datetime import date, datetime, timedelta
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
    OpportunityKind,
    OpportunityStage,
    Source,
)
from apps.leads.services import gates
from apps.leads.services.accounts import account_named
from apps.leads.services.record import NewEvent, owned, record_event, record_events, reverse_event, sourced
from apps.reps.models import Rep

_NEXT = {
    OpportunityStage.STAGE_1: (OpportunityStage.STAGE_2, OpportunityStage.LOST),
    OpportunityStage.STAGE_2: (OpportunityStage.WON, OpportunityStage.LOST),
}

UNDO_WITHIN = timedelta(hours=1)
"""So long the owner takes back a move of the own; afterwards the owner's manager does."""


class UnableToMove(DomainError):
    """The stage does not follow from the present one, or the opportunity moved meanwhile."""

    code = "unable_to_move"


class UnableToUndo(DomainError):
    """There is no such move to take back, or not for this person any more."""

    code = "unable_to_undo"


def next_stages(stage: str) -> tuple[OpportunityStage, ...]:
    """Where an opportunity may go from ``stage``; nowhere once it is closed."""
    return _NEXT.get(OpportunityStage(stage), ())


def _reload(opportunity: Opportunity) -> None:
    """As it stands now, with those whom its event credits, in one statement."""
    opportunity.refresh_from_db(
        from_queryset=Opportunity.objects.select_related(
            "lead", "hand_off", "owner__team", "sourced_by", "account"
        )
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


def _amount_event(
    opportunity: Opportunity,
    was: tuple[int | None, str],
    at: datetime,
    actor: Any,
    source: Source,
) -> NewEvent:
    """That the amount is another one, with what it was: ``was`` is (minor units or ``None``, currency)."""
    changes = FunnelEvent.objects.filter(opportunity=opportunity, kind=EventKind.AMOUNT_CHANGED).count()
    key = f"opportunity:{opportunity.pk}:amount:{changes + 1}"
    new = _event(opportunity, EventKind.AMOUNT_CHANGED, at, actor, source, key)
    new.data.update({"from_minor": was[0], "from_currency": was[1]})
    return new


def _stage_key(opportunity: Opportunity, stage: str) -> str:
    """A key of its own for each time that the stage is reached."""
    times = FunnelEvent.objects.filter(opportunity=opportunity, kind=stage).count()
    return f"opportunity:{opportunity.pk}:{stage}" + (f":{times + 1}" if times else "")


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
    kind: OpportunityKind = OpportunityKind.NEW,
    expected_close_on: date | None = None,
    next_step: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Opportunity:
    """One that the owner found alone (self-sourced), at stage 1; a renewal or an upsell of an account as well.

    ``company`` finds its account by name, or makes it, where no ``account`` is given. Raises
    ``InvalidInput`` without a name, and for a renewal or an upsell of nobody.
    """
    if not name.strip():
        raise InvalidInput("Name the opportunity.", field="name")
    if account is None and company.strip():
        account = account_named(name=company)
    if kind != OpportunityKind.NEW and account is None:
        raise InvalidInput("Say of which account it is.", field="company")
    opportunity = Opportunity.objects.create(
        name=name.strip(),
        account=account,
        owner=owner,
        kind=kind,
        amount_minor=amount_minor,
        currency=currency or owner.team.currency,
        opened_at=at,
        stage_changed_at=at,
        expected_close_on=expected_close_on,
        next_step=next_step.strip()[:200],
    )
    key = f"opportunity:{opportunity.pk}:stage_1"
    record_event(event=_event(opportunity, EventKind.STAGE_1, at, actor, source, key), at=at)
    audit.record(
        verb="leads.opportunity.opened",
        subject=opportunity,
        at=at,
        actor=actor,
        data={"amount_minor": amount_minor, "currency": opportunity.currency, "kind": str(kind)},
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
    override: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Opportunity:
    """Move to a stage that follows the present one. Won needs an amount, lost a reason.

    A stage with a gate lets in what meets its criteria, or what ``override`` (a reason) lets through by name.
    Raises ``UnableToMove``, ``InvalidInput``, ``GateNotMet`` and ``UnableToOverride``. The event carries the
    amount as it stands then; another amount is an event of its own before it.
    """
    before, had = opportunity.stage, (opportunity.amount_minor, opportunity.currency)
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
    fields: dict[str, Any] = {} if amount_minor is None else {"amount_minor": amount_minor}
    # The amount read a moment ago is part of what must still hold: the change told is the change made.
    moved = Opportunity.objects.filter(
        pk=opportunity.pk, stage=before, amount_minor=had[0], currency=had[1]
    ).update(
        stage=stage,
        stage_changed_at=at,
        closed_at=at if closed else None,
        loss_reason=loss_reason if stage == OpportunityStage.LOST else "",
        **fields,
    )
    if not moved:
        raise UnableToMove("Somebody changed this opportunity meanwhile: reload and look again.")
    _reload(opportunity)
    standing = gates.check_gate(
        opportunity=opportunity, stage=OpportunityStage(stage), override=override, at=at, actor=actor
    )
    events = [_event(opportunity, EventKind(stage), at, actor, source, _stage_key(opportunity, stage.value))]
    if amount != had[0]:
        events.insert(0, _amount_event(opportunity, had, at, actor, source))
    told = record_events(events=events, at=at)
    if standing is not None:
        gates.record_passage(
            opportunity=opportunity, standing=standing, event=told[-1], override=override, at=at, actor=actor
        )
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
    currency: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Opportunity:
    """Change the amount of an open opportunity, and its currency where one is given. The same again is nothing.

    Raises ``UnableToMove`` once it is closed.
    """
    found = Opportunity.objects.select_for_update(of=("self",)).get(pk=opportunity.pk)
    if not found.is_open:
        raise UnableToMove("A closed opportunity keeps its amount: reverse the win first.")
    was = (found.amount_minor, found.currency)
    now = (amount_minor, currency or found.currency)
    if now != was:
        Opportunity.objects.filter(pk=opportunity.pk).update(amount_minor=now[0], currency=now[1])
    _reload(opportunity)
    if now == was:
        return opportunity
    record_event(event=_amount_event(opportunity, was, at, actor, source), at=at)
    audit.record(
        verb="leads.opportunity.amount_changed",
        subject=opportunity,
        at=at,
        actor=actor,
        data={"from_minor": was[0], "to_minor": amount_minor, "currency": opportunity.currency},
    )
    return opportunity


@transaction.atomic
def plan_opportunity(
    *,
    opportunity: Opportunity,
    expected_close_on: date | None,
    next_step: str,
    at: datetime,
    actor: Any = None,
) -> Opportunity:
    """When it should close, and what is done next. Raises ``UnableToMove`` once it is closed."""
    next_step = next_step.strip()
    if len(next_step) > 200:
        raise InvalidInput("Keep the next step to 200 characters.", field="next_step")
    found = Opportunity.objects.select_for_update(of=("self",)).get(pk=opportunity.pk)
    if not found.is_open:
        raise UnableToMove("It is closed: nothing is planned for it any more.")
    before = (found.expected_close_on, found.next_step)
    if before != (expected_close_on, next_step):
        Opportunity.objects.filter(pk=opportunity.pk).update(
            expected_close_on=expected_close_on, next_step=next_step
        )
        audit.record(
            verb="leads.opportunity.planned",
            subject=opportunity,
            at=at,
            actor=actor,
            data={
                "close_on": [str(one) if one else None for one in (before[0], expected_close_on)],
                "step_changed": before[1] != next_step,
            },
        )
    _reload(opportunity)
    return opportunity


# --- Taking back --------------------------------------------------------------------------------------


def move_to_undo(opportunity: Opportunity) -> FunnelEvent | None:
    """The event of the move that brought it where it stands: to stage 2, or lost. ``None`` elsewhere."""
    if opportunity.stage not in (OpportunityStage.STAGE_2, OpportunityStage.LOST):
        return None
    moves = FunnelEvent.objects.filter(opportunity=opportunity, kind=opportunity.stage).effective()
    return moves.order_by("-occurred_at", "-pk").first()


def may_undo(*, opportunity: Opportunity, event: FunnelEvent, user: Any, at: datetime) -> bool:
    """The owner's manager at any time; the owner a while after an own move."""
    if opportunity.owner.team.manager_id == getattr(user, "pk", None):
        return True
    is_owner = opportunity.owner.user_id == getattr(user, "pk", None)
    return is_owner and event.actor_id == user.pk and at < event.recorded_at + UNDO_WITHIN


@transaction.atomic
def undo_move(
    *, opportunity: Opportunity, reason: str, at: datetime, actor: Any, source: Source = Source.PAGE
) -> Opportunity:
    """Take a mistaken move back: its event is reversed, and it stands where it stood before.

    A win is taken back by ``take_win_back``. Raises ``UnableToUndo``, ``InvalidInput`` without a reason.
    """
    if not reason.strip():
        raise InvalidInput("Say why the move is taken back.", field="reason")
    found = Opportunity.objects.select_for_update(of=("self",)).get(pk=opportunity.pk)
    if found.stage != opportunity.stage:
        raise UnableToUndo("Somebody moved this opportunity meanwhile: reload and look again.")
    event = move_to_undo(found)
    if event is None:
        raise UnableToUndo("There is no move to take back.")
    if not may_undo(opportunity=opportunity, event=event, user=actor, at=at):
        raise UnableToUndo("After an hour the owner's manager takes a move back.")
    reverse_event(event=event, reason=reason.strip()[:200], at=at, actor=actor, source=source)
    reached_2 = FunnelEvent.objects.filter(opportunity=found, kind=EventKind.STAGE_2).effective().exists()
    back = OpportunityStage.STAGE_2 if reached_2 else OpportunityStage.STAGE_1
    Opportunity.objects.filter(pk=found.pk).update(
        stage=back, stage_changed_at=at, closed_at=None, loss_reason=""
    )
    audit.record(
        verb="leads.opportunity.move_undone",
        subject=opportunity,
        at=at,
        actor=actor,
        data={"from": found.stage, "to": str(back)},
    )
    _reload(opportunity)
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
