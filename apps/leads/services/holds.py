"""Hold an AE's time for a few minutes while an SDR fills the form (PRODUCT section 6).

A hold takes its half hours like a meeting, so that nobody else can book them. It counts as long as
``expires_at`` lies ahead: whoever looks decides by that instant, and the sweep only tidies up. A hold that has
lapsed never blocks anybody (``services.slots.take``).
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.core.errors import DomainError
from apps.leads.models import Lead, SlotHold, TakenSlot
from apps.leads.services import assigning, queue, routing, slots
from apps.leads.services.booking_rules import booking_rules
from apps.reps.models import Rep

HELD = SlotHold.State.HELD

AT_ONCE = 3
"""So many times one SDR may hold, over all leads; another one gives the oldest back."""


class UnableToHold(DomainError):
    """The lead cannot be booked, or nobody is free at that time."""

    code = "unable_to_hold"


def hold_slot(
    *, lead: Lead, sdr: Rep, starts_at: datetime, at: datetime, minutes: int | None = None
) -> SlotHold:
    """Hold ``starts_at`` with the AE whom routing names. The same time again is the same hold, prolonged.

    What this SDR held for this lead before is given back first, in a transaction of its own: who gives a time
    back and takes another in one could wait in a ring with somebody who does the reverse. Raises
    ``UnableToHold``, ``AnothersLead``, and ``InvalidInput`` for a time that cannot be.
    """
    rules = booking_rules()
    starts_at, ends_at = slots.span(starts_at=starts_at, minutes=minutes or rules.meeting_minutes, at=at)
    let_go_of_others(lead=lead, sdr=sdr, starts_at=starts_at, ends_at=ends_at, at=at)
    _give_oldest_back(lead, sdr, at)
    return _hold(lead, sdr, starts_at, ends_at, at, timedelta(minutes=rules.hold_minutes))


@transaction.atomic
def _hold(
    lead: Lead, sdr: Rep, starts_at: datetime, ends_at: datetime, at: datetime, length: timedelta
) -> SlotHold:
    lead = Lead.objects.select_for_update(of=("self",)).select_related("team").get(pk=lead.pk)
    if not lead.is_workable or lead.do_not_contact:
        raise UnableToHold("This lead cannot be booked: reload it.")
    queue.refuse_anothers(lead=lead, rep=sdr, at=at)
    before = standing_hold(lead=lead, sdr=sdr, at=at)
    if before is not None and (before.starts_at, before.ends_at) == (starts_at, ends_at):
        return keep_hold(hold=before, at=at) or before
    # Another tab may have been quicker since the first look.
    release_holds(lead=lead, sdr=sdr, at=at)

    def make(ae: Rep) -> SlotHold:
        return SlotHold.objects.create(
            lead=lead,
            sdr=sdr,
            ae=ae,
            starts_at=starts_at,
            ends_at=ends_at,
            created_at=at,
            expires_at=at + length,
        )

    asked = assigning.Asked(lead, starts_at, ends_at, at, sdr=sdr, cause="held")
    try:
        held = _same_ae_first(lead, asked, make) or assigning.assign(asked=asked, make=make)
    except assigning.NobodyFree as error:
        raise UnableToHold(error.message, field="starts_at") from None
    assert isinstance(held.taker, SlotHold)
    if held.chosen is not None:
        held.taker.routing = held.words
        held.taker.save(update_fields=["routing"])
        routing.keep(chosen=held.chosen, lead=lead, at=at, hold=held.taker)
    return held.taker


def _same_ae_first(lead: Lead, asked: assigning.Asked, make: assigning.Make) -> assigning.Assigned | None:
    """Who waits for this customer already is asked before routing is."""
    waiting = lead.hand_offs.filter(state="pending").select_related("ae__team__calendar").first()
    return assigning.assign_to(asked=asked, ae=waiting.ae, make=make) if waiting else None


@transaction.atomic
def _give_oldest_back(lead: Lead, sdr: Rep, at: datetime) -> None:
    """Room for one more among those that still stand for other leads."""
    standing = SlotHold.objects.filter(sdr=sdr, state=HELD, expires_at__gt=at).exclude(lead=lead)
    for hold in standing.order_by("-created_at", "-pk")[AT_ONCE - 1 :]:
        _end(hold, SlotHold.State.RELEASED)


@transaction.atomic
def let_go_of_others(*, lead: Lead, sdr: Rep, starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    """Give back what ``sdr`` holds for ``lead`` unless it is this very time and still stands."""
    found = SlotHold.objects.filter(lead=lead, sdr=sdr, state=HELD).order_by("pk")
    for hold in found.exclude(starts_at=starts_at, ends_at=ends_at, expires_at__gt=at):
        _end(hold, SlotHold.State.RELEASED if hold.expires_at > at else SlotHold.State.LAPSED)


def standing_hold(*, lead: Lead, sdr: Rep, at: datetime) -> SlotHold | None:
    """What ``sdr`` holds for ``lead`` and has not lapsed."""
    return (
        SlotHold.objects.filter(lead=lead, sdr=sdr, state=HELD, expires_at__gt=at)
        .select_related("ae__team")
        .first()
    )


def keep_hold(*, hold: SlotHold, at: datetime) -> SlotHold | None:
    """The form is alive: the hold runs on, up to the longest since it began. ``None`` when it is over."""
    rules = booking_rules()
    until = min(
        at + timedelta(minutes=rules.hold_minutes),
        hold.created_at + timedelta(minutes=rules.longest_hold_minutes),
    )
    standing = SlotHold.objects.filter(pk=hold.pk, state=HELD, expires_at__gt=at)
    # Never shorter than it was: two tabs, or rules that were changed meanwhile.
    if until > hold.expires_at:
        standing.filter(expires_at__lt=until).update(expires_at=until)
    return standing.select_related("ae__team").first()


@transaction.atomic
def release_holds(*, lead: Lead, sdr: Rep, at: datetime) -> int:
    """Give back what ``sdr`` holds for ``lead``: the form was left, or another time chosen; how many it were."""
    found = SlotHold.objects.filter(lead=lead, sdr=sdr, state=HELD)
    return sum(
        _end(hold, SlotHold.State.RELEASED if hold.expires_at > at else SlotHold.State.LAPSED)
        for hold in found.order_by("pk")
    )


def use_hold(*, hold: SlotHold, at: datetime) -> bool:
    """Turn a standing hold into what is booked now; whether it still stood. The caller takes its half hours."""
    return bool(
        SlotHold.objects.filter(pk=hold.pk, state=HELD, expires_at__gt=at).update(state=SlotHold.State.USED)
    )


def _end(hold: SlotHold, state: Any) -> bool:
    """End a hold once: its state first, then its half hours (the order that ``slots.take`` keeps)."""
    if not SlotHold.objects.filter(pk=hold.pk, state=HELD).update(state=state):
        return False
    slots.give_back(of=hold)
    return True


def sweep_holds(*, at: datetime, most: int = 500) -> int:
    """Tidy up: holds that have lapsed say so, and their half hours go; how many.

    Idempotent, a short transaction for each. Nothing waits for this: a lapsed hold blocks nobody.
    """
    over = SlotHold.objects.filter(state=HELD, expires_at__lte=at).order_by("pk")[:most]
    swept = 0
    for hold in over:
        with transaction.atomic():
            if SlotHold.objects.filter(pk=hold.pk, expires_at__lte=at, state=HELD).update(
                state=SlotHold.State.LAPSED
            ):
                TakenSlot.objects.filter(hold=hold).delete()
                swept += 1
    return swept


def seconds_left(*, hold: SlotHold, at: datetime) -> int:
    """Until it lapses, for a countdown; 0 when it has."""
    return max(0, int((hold.expires_at - at).total_seconds()))
