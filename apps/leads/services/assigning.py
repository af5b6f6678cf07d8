"""Name the AE for a time and take that time, in one act: routing chooses until the database grants it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.core.errors import DomainError
from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, Meeting, SlotHold, Source
from apps.leads.rules.routing.deciding import holds
from apps.leads.selectors.availability import why_not_free
from apps.leads.selectors.routing import asked_aes, facts_of, rules_in_force
from apps.leads.services import routing, slots
from apps.leads.services.record import NewEvent, owned, record_events, reverse_event, sourced
from apps.reps.models import Rep


class NobodyFree(DomainError):
    """No AE who may take the lead is free at that time."""

    code = "nobody_free"


@dataclass(frozen=True)
class Asked:
    """What is to be given to an AE: a lead's time, and what may be overlooked because it is being replaced."""

    lead: Lead
    starts_at: datetime
    ends_at: datetime
    at: datetime
    sdr: Rep | None = None
    cause: str = "booked"
    instead_of: Sequence[Meeting | SlotHold] = ()
    with_notice: bool = True

    @property
    def overlooked(self) -> dict[str, Any]:
        """As ``selectors.availability`` wants it named."""
        found: dict[str, Any] = {"with_notice": self.with_notice}
        for one in self.instead_of:
            found["ignore_meeting" if isinstance(one, Meeting) else "ignore_hold"] = one
        return found


@dataclass(frozen=True)
class Assigned:
    """Who has it and the row that holds the time; by routing's choice, or by that of the hold that is booked.

    Neither, where it stays with who had it.
    """

    ae: Rep
    taker: Meeting | SlotHold
    chosen: routing.Chosen | None = None
    hold: SlotHold | None = None

    @property
    def words(self) -> dict[str, Any]:
        """The copy of the decision that stands on the hand-off."""
        if self.chosen is not None:
            return self.chosen.as_dict()
        return self.hold.routing if self.hold is not None else {}

    def keep(self, *, lead: Lead, at: datetime, hand_off: HandOff, because: str = "") -> None:
        """Write the decision; where the AE stayed there was none."""
        if self.chosen is not None:
            routing.keep(chosen=self.chosen, lead=lead, at=at, hand_off=hand_off, because=because)
        elif self.hold is not None:
            routing.confirm(hold=self.hold, hand_off=hand_off, at=at)


Make = Callable[[Rep], Meeting | SlotHold]
"""Writes the meeting or the hold for an AE; its half hours are taken right after."""


def receiving_aes(*, lead: Lead, at: datetime) -> list[Rep]:
    """The AEs whom routing may name for this lead, whatever the time."""
    in_force = rules_in_force(at)
    facts = facts_of(lead=lead, rules=in_force.rules, at=at)
    rules = [rule for rule in in_force.rules if holds(rule, facts)]
    return asked_aes(lead=lead, rules=rules, on=at.date())[0]


def assign(
    *, asked: Asked, make: Make, without: Collection[int] = (), passed_over: Mapping[int, str] | None = None
) -> Assigned:
    """Let routing choose until the database grants the time: a race lost is a candidate less.

    ``without`` are AEs who had it before, ``passed_over`` others with why, in words. Raises ``NobodyFree`` when no
    candidate is left. The caller has locked the lead, and keeps the decision.
    """
    passed = {**dict.fromkeys(without, routing.HAD_IT), **(passed_over or {})}
    while True:
        chosen = routing.choose(
            lead=asked.lead,
            starts_at=asked.starts_at,
            ends_at=asked.ends_at,
            at=asked.at,
            sdr=asked.sdr,
            without=passed,
            cause=asked.cause,
            **asked.overlooked,
        )
        if chosen.ae is None:
            raise NobodyFree("Nobody is free at that time any more: choose another.", field="starts_at")
        taker = _try(asked, chosen.ae, make)
        if taker is not None:
            return Assigned(chosen.ae, taker, chosen=chosen)
        passed[chosen.ae.pk] = routing.LOST_THE_RACE


def assign_to(*, asked: Asked, ae: Rep, make: Make, hold: SlotHold | None = None) -> Assigned | None:
    """Give it to this AE; ``None`` when they are not free then after all."""
    routing.hold_turns(lead=asked.lead, at=asked.at)
    closed = why_not_free(
        aes=[ae], starts_at=asked.starts_at, ends_at=asked.ends_at, at=asked.at, **asked.overlooked
    )
    taker = None if closed else _try(asked, ae, make)
    return Assigned(ae, taker, hold=hold) if taker is not None else None


class _NotFree(Exception):
    """Undoes the savepoint, and with it the lock of the AE's row: whoever goes on to another keeps none."""


def _try(asked: Asked, ae: Rep, make: Make) -> Meeting | SlotHold | None:
    try:
        with transaction.atomic():
            if not _still_free(asked, ae):
                raise _NotFree
            taker = make(ae)
            slots.take(taker=taker, at=asked.at, instead_of=asked.instead_of)
            return taker
    except (slots.SlotTaken, _NotFree):
        return None


def _still_free(asked: Asked, ae: Rep) -> bool:
    """Whether the AE is free once nobody else can book them: caps are no constraint of the database.

    On SQLite this transaction is the only one that writes, so that what was read still holds.
    """
    if not connection.features.has_select_for_update:
        return True
    Rep.objects.select_for_update(no_key=True, of=("self",)).get(pk=ae.pk)
    return not why_not_free(
        aes=[ae], starts_at=asked.starts_at, ends_at=asked.ends_at, at=asked.at, **asked.overlooked
    )


_MOVED = (EventKind.BOOKED, EventKind.HANDED_OFF)


def move_credit(*, hand_off: HandOff, reason: str, at: datetime, actor: Any) -> None:
    """Another AE has the hand-off: booking and handing off are reversed and written again for the new owner.

    They keep the instant at which they happened, and the SDR's credit does not move.
    """
    events = list(FunnelEvent.objects.filter(hand_off=hand_off, kind__in=_MOVED).effective().order_by("pk"))
    for event in events:
        reverse_event(event=event, reason=reason, at=at, actor=actor)
    record_events(
        events=[
            NewEvent(
                kind=EventKind(event.kind),
                occurred_at=event.occurred_at,
                source=Source(event.source),
                source_key=f"hand_off:{hand_off.pk}:{event.kind}:after:{event.pk}",
                lead=hand_off.lead,
                hand_off=hand_off,
                credits=[*sourced(hand_off.sdr), *owned(hand_off.ae)],
                actor=actor,
                data=event.data,
            )
            for event in events
        ],
        at=at,
    )
