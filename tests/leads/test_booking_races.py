"""Fifty clients want the same ten slots at once: each half hour of an AE is given once, everybody gets an answer."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.leads.models import (
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    Qualification,
    RoutingDecision,
    SlotHold,
    TakenSlot,
)
from apps.leads.services import booking, holds, meetings, qualifications, rescheduling, slots
from apps.reps.models import Rep
from tests.cast import NOW, Cast, assemble
from tests.leads.scenes import handed_off
from tests.leads.test_booking import YES
from tests.leads.test_hand_off_races import race

CLIENTS, SLOTS = 50, 10


def _company(clients: int = CLIENTS) -> tuple[Cast, list[Lead]]:
    """The cast, and so many qualified leads of the SDR (copies of one that went through the services)."""
    cast = assemble()
    from tests.leads.test_touches import arrive

    first = arrive(cast, 1)
    qualifications.qualify(lead=first, rep=cast.rep(cast.sdr), answers=YES, at=NOW)
    first.refresh_from_db()
    judged = Qualification.objects.get(lead=first)
    leads = [first]
    for number in range(2, clients + 1):
        lead = Lead.objects.get(pk=first.pk)
        lead.pk, lead._state.adding = None, True
        lead.email, lead.phone = f"person{number}@company{number}.example", ""
        lead.source_key = f"copy:{number}" if hasattr(lead, "source_key") else None
        lead.save()
        copied = Qualification.objects.get(pk=judged.pk)
        copied.pk, copied._state.adding, copied.lead = None, True, lead
        copied.save()
        leads.append(lead)
    return cast, leads


def _starts(cast: Cast, lead: Lead, many: int = SLOTS) -> list[Any]:
    return [one.starts_at for one in booking.offered_slots(lead=lead, at=NOW)[:many]]


def _consistent() -> None:
    """Every standing meeting has exactly its half hours, and no two overlap."""
    standing = Meeting.objects.filter(state=Meeting.State.BOOKED)
    wanted = Counter(
        (one.ae_id, half)
        for one in standing
        for half in slots.halves(starts_at=one.starts_at, ends_at=one.ends_at)
    )
    assert not [key for key, count in wanted.items() if count > 1], "two meetings at one time"
    taken = set(TakenSlot.objects.filter(meeting__isnull=False).values_list("ae_id", "starts_at"))
    assert taken == set(wanted)


def _bookings(cast: Cast, leads: list[Lead], choose: Callable[[int], tuple[Any, int]]) -> list[Any]:
    rep = cast.rep(cast.sdr)

    def book(number: int) -> Callable[[], Any]:
        starts_at, minutes = choose(number)
        return lambda: booking.book_meeting(
            lead=leads[number], sdr=rep, starts_at=starts_at, minutes=minutes, at=NOW, actor=cast.sdr
        )

    return race([book(number) for number in range(len(leads))])


def _only_refusals(found: list[Any]) -> tuple[list[HandOff], list[Any]]:
    booked = [one for one in found if isinstance(one, HandOff)]
    refused = [one for one in found if not isinstance(one, HandOff)]
    assert {type(one) for one in refused} <= {booking.UnableToBook}, refused
    assert all("Nobody is free" in str(one) for one in refused)
    return booked, refused


@pytest.mark.django_db(transaction=True)
class TestFiftyClientsAtOnce:
    def test_each_slot_goes_to_each_ae_once(self) -> None:
        cast, leads = _company()
        Rep.objects.aes().update(weekly_meeting_cap=99, daily_meeting_cap=99)
        starts = _starts(cast, leads[0])
        booked, refused = _only_refusals(_bookings(cast, leads, lambda number: (starts[number % SLOTS], 30)))
        # Five clients for each of ten slots, two AEs: the first two get it, three are told.
        assert (len(booked), len(refused)) == (2 * SLOTS, CLIENTS - 2 * SLOTS)
        per_slot = Counter(Meeting.objects.values_list("starts_at", flat=True))
        assert set(per_slot.values()) == {2}
        assert FunnelEvent.objects.filter(kind=EventKind.BOOKED).count() == len(booked)
        assert RoutingDecision.objects.count() == len(booked)
        assert Lead.objects.filter(stage=LeadStage.HANDED_OFF).count() == len(booked)
        _consistent()

    def test_meetings_of_mixed_lengths_never_overlap(self) -> None:
        cast, leads = _company()
        Rep.objects.aes().update(weekly_meeting_cap=99, daily_meeting_cap=99)
        starts = _starts(cast, leads[0])
        booked, _ = _only_refusals(
            _bookings(cast, leads, lambda number: (starts[number % SLOTS], (30, 60, 90)[number % 3]))
        )
        assert len(booked) >= SLOTS
        _consistent()

    def test_caps_hold_as_well(self) -> None:
        cast, leads = _company(16)
        Rep.objects.aes().update(weekly_meeting_cap=99, daily_meeting_cap=3)
        starts = _starts(cast, leads[0], 8)
        assert len({one.date() for one in starts}) == 1
        booked, _ = _only_refusals(_bookings(cast, leads, lambda number: (starts[number % 8], 30)))
        assert sorted(Counter(one.ae_id for one in booked).values()) == [3, 3]
        _consistent()

    def test_with_holds_what_was_held_is_what_is_booked(self) -> None:
        cast, leads = _company()
        Rep.objects.aes().update(weekly_meeting_cap=99, daily_meeting_cap=99)
        starts, rep = _starts(cast, leads[0]), cast.rep(cast.sdr)
        Rep.objects.filter(pk=rep.pk).update(name="Holder")
        sdrs = [
            Rep.objects.create(name=f"SDR {number}", team=rep.team, role=rep.role, hired_on=rep.hired_on)
            for number in range(CLIENTS)
        ]
        Lead.objects.update(owner=None)

        def act(number: int) -> Callable[[], Any]:
            def run() -> Any:
                lead, sdr, start = leads[number], sdrs[number], starts[number % SLOTS]
                hold = holds.hold_slot(lead=lead, sdr=sdr, starts_at=start, at=NOW)
                made = booking.book_meeting(
                    lead=lead, sdr=sdr, starts_at=start, at=NOW + timedelta(minutes=2)
                )
                return hold.ae_id == made.ae_id, made

            return run

        found = race([act(number) for number in range(CLIENTS)])
        done = [one for one in found if isinstance(one, tuple)]
        refused = [one for one in found if not isinstance(one, tuple)]
        assert {type(one) for one in refused} == {holds.UnableToHold}, refused
        assert len(done) == 2 * SLOTS
        assert all(same for same, _ in done)
        assert not SlotHold.objects.filter(state=SlotHold.State.HELD).exists()
        _consistent()

    def test_expired_holds_block_nobody(self) -> None:
        cast, leads = _company()
        Rep.objects.aes().update(weekly_meeting_cap=99, daily_meeting_cap=99)
        starts, rep = _starts(cast, leads[0]), cast.rep(cast.sdr)
        sdrs = [
            Rep.objects.create(name=f"SDR {number}", team=rep.team, role=rep.role, hired_on=rep.hired_on)
            for number in range(2 * SLOTS)
        ]
        Lead.objects.update(owner=None)
        for number, sdr in enumerate(sdrs):
            holds.hold_slot(lead=leads[number], sdr=sdr, starts_at=starts[number % SLOTS], at=NOW)
        assert TakenSlot.objects.filter(hold__isnull=False).count() == 2 * SLOTS
        later = NOW + timedelta(minutes=6)
        found = race(
            [
                lambda number=number: booking.book_meeting(
                    lead=leads[number], sdr=rep, starts_at=starts[number % SLOTS], at=later
                )
                for number in range(CLIENTS)
            ]
        )
        booked, _ = _only_refusals(found)
        assert len(booked) == 2 * SLOTS
        assert not TakenSlot.objects.filter(hold__isnull=False).exists()
        _consistent()


@pytest.mark.django_db(transaction=True)
class TestTwoPeopleAtOneMeeting:
    def test_of_moving_cancelling_and_moving_again_one_stands(self) -> None:
        cast = assemble()
        for number in range(3):
            meeting = handed_off(cast, f"Company{number} Ltd", slot=number).meeting
            assert meeting is not None
            free = [one.starts_at for one in booking.offered_slots(lead=meeting.lead, at=NOW)[20:22]]

            def move(to: Any, pk: int = meeting.pk) -> Any:
                own = Meeting.objects.get(pk=pk)
                return rescheduling.reschedule(meeting=own, starts_at=to, at=NOW, actor=cast.sdr)

            def cancel(pk: int = meeting.pk) -> Any:
                own = Meeting.objects.get(pk=pk)
                return meetings.cancel_meeting(
                    meeting=own, who="customer", reason="Ill", at=NOW, actor=cast.ae
                )

            outcomes = race([lambda to=free[0]: move(to), cancel, lambda to=free[1]: move(to), cancel])
            hand_off = HandOff.objects.get(lead=meeting.lead_id)
            times = Meeting.objects.filter(for_hand_off=hand_off)
            assert times.newest().count() == 1
            assert times.filter(state=Meeting.State.BOOKED).count() <= 1
            kinds = (EventKind.RESCHEDULED, EventKind.CANCELLED)
            events = FunnelEvent.objects.filter(hand_off=hand_off, kind__in=kinds)
            assert events.count() == sum(isinstance(one, Meeting) for one in outcomes)
            _consistent()
