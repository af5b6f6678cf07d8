"""Write to the funnel record: one event, many events, or the reversal of one.

Nothing else writes ``FunnelEvent``. A ``source_key`` names the fact at its source, so that a repeated
message, a second click or the same file twice is written once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, connection, transaction

from apps.audit import services as audit
from apps.core.bulk import insert_rows
from apps.core.errors import DomainError, InvalidInput
from apps.core.prepared import PreparedObjects
from apps.leads.models import (
    WHOLE_SHARE,
    Account,
    Capacity,
    EventCredit,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    Opportunity,
    Source,
)
from apps.leads.rules.credit_rules import KINDS
from apps.leads.selectors.credit_rules import Part, RuleInForce, rules_in_force, shared
from apps.leads.signals import events_recorded
from apps.reps.models import Rep


class UnableToReverse(DomainError):
    """The event is a reversal, or was reversed before."""

    code = "unable_to_reverse"


class SourceKeyTaken(DomainError):
    """The same source key came with another fact."""

    code = "source_key_taken"


class SharesDoNotSum(InvalidInput):
    """Shares of one capacity do not sum to the whole."""

    code = "shares_do_not_sum"


@dataclass(frozen=True)
class Credit:
    """A rep's share in an event, in millionths, before rules that share credit have their say."""

    rep: Rep
    capacity: Capacity
    share: int = WHOLE_SHARE


@dataclass(frozen=True)
class NewEvent:
    """A fact to be recorded. ``amount_minor`` is in minor units of ``currency``.

    ``recorded_at`` is needed only in a batch whose facts became known at several instants; it is
    never later than the batch's own.
    """

    kind: EventKind
    occurred_at: datetime
    source: Source
    source_key: str
    lead: Lead | None = None
    hand_off: HandOff | None = None
    opportunity: Opportunity | None = None
    account: Account | None = None
    credits: Sequence[Credit] = ()
    amount_minor: int | None = None
    currency: str = ""
    actor: Any = None
    data: dict[str, Any] = field(default_factory=dict)
    recorded_at: datetime | None = None


def sourced(rep: Rep | None) -> list[Credit]:
    """The whole of an event's sourcing to one rep (nobody when there is none)."""
    return [Credit(rep, Capacity.SOURCED)] if rep else []


def owned(rep: Rep | None) -> list[Credit]:
    """The whole of an event's owning to one rep."""
    return [Credit(rep, Capacity.OWNED)] if rep else []


def _check_shares(new: NewEvent) -> None:
    totals: dict[str, int] = {}
    for credit in new.credits:
        totals[credit.capacity] = totals.get(credit.capacity, 0) + credit.share
    wrong = {capacity: total for capacity, total in totals.items() if total != WHOLE_SHARE}
    if wrong:
        raise SharesDoNotSum(f"Shares must sum to the whole in each capacity; these do not: {wrong}.")


def _row(new: NewEvent, at: datetime, reverses: FunnelEvent | None = None) -> FunnelEvent:
    if new.recorded_at is not None and new.recorded_at > at:
        raise InvalidInput("A fact cannot be recorded later than the batch that brings it.")
    return FunnelEvent(
        kind=new.kind,
        occurred_at=new.occurred_at,
        recorded_at=new.recorded_at or at,
        lead=new.lead,
        hand_off=new.hand_off,
        opportunity=new.opportunity,
        account=new.account,
        amount_minor=new.amount_minor,
        currency=new.currency,
        source=new.source,
        source_key=new.source_key,
        actor=new.actor if getattr(new.actor, "pk", None) else None,
        reverses=reverses,
        data=_as_handed(new) | new.data,
    )


def _as_handed(new: NewEvent) -> dict[str, Any]:
    """On a hand-off, what kind of lead it passed on: a lead's score moves on, what an AE was given does not."""
    if new.kind != EventKind.HANDED_OFF or new.lead is None:
        return {}
    return {"score": new.lead.score, "inbound": new.lead.is_inbound}


@transaction.atomic
def record_events(*, events: Iterable[NewEvent], at: datetime) -> list[FunnelEvent]:
    """Record many facts; those whose source key is known already are left as they are.

    Returns the rows written now. Set-based: four statements a batch, whatever its size.
    """
    wanted = list(events)
    for new in wanted:
        _check_shares(new)
    keys = [new.source_key for new in wanted]
    if len(set(keys)) != len(keys):
        raise SourceKeyTaken("One batch names the same source key twice.")
    known: set[str] = set()
    for start in range(0, len(keys), 5_000):
        part = keys[start : start + 5_000]
        known.update(FunnelEvent.objects.filter(source_key__in=part).values_list("source_key", flat=True))
    return _write([new for new in wanted if new.source_key not in known], at)


def _write(fresh: Sequence[NewEvent], at: datetime) -> list[FunnelEvent]:
    """Write facts that are not on record yet, with their credits, and tell those who listen."""
    rows = [_row(new, at) for new in fresh]
    insert_rows(rows)
    # Only for what pay can be made of: a touch is recorded a hundred times as often, and no rule shares it.
    rules = rules_in_force() if any(new.kind in KINDS and new.credits for new in fresh) else []
    insert_rows(
        [
            EventCredit(
                event=row, rep_id=part.rep_id, capacity=part.capacity, share=part.share, rule_id=part.rule_id
            )
            for row, new in zip(rows, fresh, strict=True)
            for part in _parts(new, rules)
        ]
    )
    if rows:
        events_recorded.send(sender=FunnelEvent, events=rows, at=at)
    return rows


def _parts(new: NewEvent, rules: Sequence[RuleInForce]) -> list[Part]:
    """Who is credited with what: as the fact says, and as the rules in force share it."""
    parts = [Part(credit.rep.pk, credit.capacity, credit.share) for credit in new.credits]
    if not rules:
        return parts
    return shared(
        rules, kind=new.kind, occurred_at=new.occurred_at, parts=parts, lead=new.lead, hand_off=new.hand_off,
        opportunity=new.opportunity,
    )  # fmt: skip


_KEY = "\x01key"


@lru_cache(maxsize=4)
def _recorded(_vendor: str) -> PreparedObjects[FunnelEvent]:
    # Asked before every single fact, and nearly always in vain.
    return PreparedObjects(FunnelEvent.objects.filter(source_key=_KEY).order_by(), _KEY)


@transaction.atomic
def record_event(*, event: NewEvent, at: datetime) -> FunnelEvent:
    """Record one fact, or return the one that its source key names already.

    Raises ``SourceKeyTaken`` when that one is another fact (another kind, lead, time or amount), and
    ``SharesDoNotSum`` when the credits do not make a whole.
    """
    existing = _recorded(connection.vendor).first({_KEY: event.source_key})
    if existing is not None:
        same = (
            existing.kind == event.kind
            and existing.lead_id == (event.lead.pk if event.lead else None)
            and existing.occurred_at == event.occurred_at
            and existing.amount_minor == event.amount_minor
        )
        if not same:
            raise SourceKeyTaken(f"{event.source_key} was recorded before as another fact.")
        return existing
    _check_shares(event)
    return _write([event], at)[0]


@transaction.atomic
def reverse_event(
    *, event: FunnelEvent, reason: str, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> FunnelEvent:
    """Reverse one event by another; the first stays as it was. Raises ``UnableToReverse``."""
    if event.kind == EventKind.REVERSED:
        raise UnableToReverse("A reversal cannot be reversed: record what is true as a new event.")
    if FunnelEvent.objects.filter(reverses=event).exists():
        raise UnableToReverse("This event was reversed before.")
    new = NewEvent(
        kind=EventKind.REVERSED,
        occurred_at=at,
        source=source,
        source_key=f"reversal:{event.pk}",
        lead=event.lead,
        hand_off=event.hand_off,
        opportunity=event.opportunity,
        account=event.account,
        actor=actor,
        data={"reason": reason},
    )
    row = _row(new, at, reverses=event)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Somebody was quicker between the look and the write; the database lets one reversal in.
        raise UnableToReverse("This event was reversed before.") from None
    EventCredit.objects.bulk_create(
        [
            EventCredit(
                event=row,
                rep_id=credit.rep_id,
                capacity=credit.capacity,
                share=credit.share,
                rule_id=credit.rule_id,
            )
            for credit in event.credits.all()
        ]
    )
    audit.record(verb="leads.event.reversed", subject=event, at=at, actor=actor, data={"reason": reason})
    events_recorded.send(sender=FunnelEvent, events=[row], at=at)
    return row
