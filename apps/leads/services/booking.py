"""Offer times, book one, and hand the lead to the AE whom routing names."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import (
    EventKind,
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    Qualification,
    Source,
)
from apps.leads.selectors.availability import free_slots
from apps.leads.services import (
    assigning,
    exploration,
    holds,
    invitations,
    meetings,
    queue,
    rescheduling,
    slots,
)
from apps.leads.services.booking_rules import booking_rules
from apps.leads.services.preferences import was_asked_for
from apps.leads.services.record import NewEvent, owned, record_events, sourced
from apps.leads.signals import hand_off_created, owners_changed
from apps.reps.models import Rep

SLOT = slots.GRID
"""The grid of half hours on which meetings begin; they take one half hour, two or three."""


class UnableToBook(DomainError):
    """The lead may not be handed off yet, or nobody is free at that time."""

    code = "unable_to_book"


@dataclass(frozen=True)
class Slot:
    """A time that can be booked, and how many AEs are free then."""

    starts_at: datetime
    free_aes: int


def offered_slots(
    *, lead: Lead, at: datetime, days: int = 7, most: int = 60, minutes: int = 30
) -> list[Slot]:
    """Times from the next half hour on at which one AE at least is free for ``minutes``, soonest first."""
    first = slots.next_slot(at + timedelta(minutes=30))
    free = free_slots(
        aes=assigning.receiving_aes(lead=lead, at=at),
        first=first,
        last=first + timedelta(days=days),
        at=at,
        length=timedelta(minutes=minutes),
    )
    return [Slot(starts_at, len(aes)) for starts_at, aes in list(free.items())[:most]]


def book_meeting(
    *,
    lead: Lead,
    sdr: Rep,
    starts_at: datetime,
    at: datetime,
    minutes: int | None = None,
    as_exploration: bool = False,
    actor: Any = None,
    source: Source = Source.PAGE,
) -> HandOff:
    """Book ``starts_at`` with the AE whom routing names, and hand the lead over.

    A hold of this SDR on that time is used while it stands; else routing chooses again. A lead whose hand-off
    waits for a new time keeps its hand-off. ``minutes`` is 30, 60 or 90, the company's usual length when left
    out. Raises ``UnableToBook`` when the lead does not meet the definition (and is not explored on purpose),
    waits for another AE already, or when nobody is free then; ``AnothersLead`` when somebody else works it;
    ``OverBudget`` for an exploration beyond the quarter's; ``InvalidInput`` for a time that is past or off the
    half-hour grid.
    """
    starts_at, ends_at = slots.span(
        starts_at=starts_at, minutes=minutes or booking_rules().meeting_minutes, at=at
    )
    # Before and apart from what follows (services.holds.hold_slot says why).
    holds.let_go_of_others(lead=lead, sdr=sdr, starts_at=starts_at, ends_at=ends_at, at=at)
    with transaction.atomic():
        lead = Lead.objects.select_for_update(of=("self",)).select_related("team").get(pk=lead.pk)
        waiting = lead.hand_offs.filter(state=HandOff.State.PENDING).first()
        if waiting is not None and lead.is_workable and not lead.do_not_contact:
            queue.refuse_anothers(lead=lead, rep=sdr, at=at)
            return rescheduling.book_again(
                hand_off=waiting,
                starts_at=starts_at,
                ends_at=ends_at,
                sdr=sdr,
                at=at,
                actor=actor,
                source=source,
            )
        qualification = _qualification_to_book(lead, as_exploration)
        queue.refuse_anothers(lead=lead, rep=sdr, at=at)
        if as_exploration or lead.is_exploration:
            exploration.refuse_over_budget(rep=sdr, at=at)
        assigned, meeting = _take_time(lead, sdr, starts_at, ends_at, at)
        hand_off = HandOff.objects.create(
            lead=lead,
            qualification=qualification,
            meeting=meeting,
            sdr=sdr,
            ae=assigned.ae,
            created_at=at,
            is_exploration=as_exploration or lead.is_exploration,
            routing=assigned.words,
        )
        meeting.for_hand_off = hand_off
        Meeting.objects.filter(pk=meeting.pk).update(for_hand_off=hand_off)
        assigned.keep(lead=lead, at=at, hand_off=hand_off)
        _hand_over(lead, sdr, at)
        _record(hand_off, at, actor, source)
        invitations.invite(meeting=meeting, at=at, source=source)
        hand_off_created.send(sender=HandOff, hand_off=hand_off, at=at)
    return hand_off


def _take_time(
    lead: Lead, sdr: Rep, starts_at: datetime, ends_at: datetime, at: datetime
) -> tuple[assigning.Assigned, Meeting]:
    """The AE and the meeting: from the hold while it stands, else as routing chooses."""

    def make(ae: Rep) -> Meeting:
        return Meeting.objects.create(
            lead=lead,
            ae=ae,
            starts_at=starts_at,
            ends_at=ends_at,
            state_changed_at=at,
            was_asked_for=was_asked_for(lead=lead, starts_at=starts_at, ends_at=ends_at),
            invite_uid=invitations.new_uid(),
        )

    assigned = rescheduling.from_hold(
        lead=lead, sdr=sdr, starts_at=starts_at, ends_at=ends_at, at=at, make=make
    )
    if assigned is None:
        asked = assigning.Asked(lead, starts_at, ends_at, at, sdr=sdr)
        try:
            assigned = assigning.assign(asked=asked, make=make)
        except assigning.NobodyFree as error:
            raise UnableToBook(error.message, field="starts_at") from None
    assert isinstance(assigned.taker, Meeting)
    return assigned, assigned.taker


def _hand_over(lead: Lead, sdr: Rep, at: datetime) -> None:
    """The lead leaves the queue."""
    from_pool = lead.owner_id is None
    lead.owner_id = lead.owner_id or sdr.pk
    meetings.out_of_queue(lead)
    lead.save()
    if from_pool:
        owners_changed.send(sender=Lead, owners={lead.pk: sdr.pk}, at=at)


def _record(hand_off: HandOff, at: datetime, actor: Any, source: Source) -> None:
    record_events(
        events=[
            NewEvent(
                kind=kind,
                occurred_at=at,
                source=source,
                source_key=f"hand_off:{hand_off.pk}:{kind}",
                lead=hand_off.lead,
                hand_off=hand_off,
                credits=[*sourced(hand_off.sdr), *owned(hand_off.ae)],
                actor=actor,
            )
            for kind in (EventKind.BOOKED, EventKind.HANDED_OFF)
        ],
        at=at,
    )
    audit.record(
        verb="leads.hand_off.created",
        subject=hand_off,
        at=at,
        actor=actor,
        data={"ae": hand_off.ae_id, "sdr": hand_off.sdr_id},
    )


def _qualification_to_book(lead: Lead, as_exploration: bool) -> Qualification:
    if lead.do_not_contact:
        raise UnableToBook("This lead has opted out: nobody may contact them.")
    if lead.merged_into_id is not None:
        raise UnableToBook(f"This lead lives on in lead {lead.merged_into_id}: book that one.")
    if lead.stage not in LeadStage.workable():
        raise UnableToBook(f"This lead is {lead.get_stage_display().lower()}: it cannot be booked again.")
    qualification = lead.qualifications.order_by("-qualified_at", "-pk").first()
    if qualification is None:
        raise UnableToBook("Qualify the lead first: fill the framework.")
    if lead.hand_offs.filter(qualification=qualification, state=HandOff.State.REJECTED).exists():
        raise UnableToBook("An AE rejected it on these answers: qualify it again first.")
    if not qualification.meets_definition and not as_exploration:
        raise UnableToBook(
            "The lead does not meet the SQL definition. Qualify it further, or book it as exploration."
        )
    return qualification
