"""Booking: what is offered can be booked, one AE has one meeting at a time, and the decision is kept."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from apps.core.errors import InvalidInput
from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, LeadStage, Meeting, RejectionReason
from apps.leads.services import booking, hand_offs, qualifications, queue
from apps.reps.models import BusyTime, Rep, TimeOff
from tests.cast import NOW, Cast, assemble
from tests.leads.test_touches import arrive

KEYS = ("budget", "authority", "need", "timeframe")
YES = {key: qualifications.Answer("met", "Said so") for key in KEYS}
NO = {key: qualifications.Answer("not_met") for key in KEYS}


def qualified(cast: Cast, number: int = 1, answers: Any = None) -> Lead:
    lead = arrive(cast, number)
    qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers or YES, at=NOW)
    lead.refresh_from_db()
    return lead


def book(cast: Cast, lead: Lead, starts_at: datetime, **options: Any) -> HandOff:
    return booking.book_meeting(
        lead=lead, sdr=cast.rep(cast.sdr), starts_at=starts_at, at=NOW, actor=cast.sdr, **options
    )


class TestOfferedSlots:
    def test_counts_who_is_free(self, cast: Cast) -> None:
        lead, ae, second = arrive(cast), cast.rep(cast.ae), cast.rep(cast.second_ae)
        first = booking.offered_slots(lead=lead, at=NOW)[0].starts_at
        BusyTime.objects.create(rep=ae, starts_at=first, ends_at=first + timedelta(minutes=15))
        TimeOff.objects.create(
            rep=second, starts_on=NOW.date() + timedelta(days=1), ends_on=NOW.date() + timedelta(days=2)
        )
        free = {slot.starts_at: slot.free_aes for slot in booking.offered_slots(lead=lead, at=NOW)}
        assert free[first] == 1
        assert free[first + booking.SLOT] == 2
        assert {count for start, count in free.items() if start.date() == NOW.date() + timedelta(days=1)} == {
            1
        }

    def test_every_time_offered_can_be_booked(self, cast: Cast) -> None:
        Rep.objects.filter(user__in=(cast.ae, cast.second_ae)).update(weekly_meeting_cap=3)
        number = 0
        while slots := booking.offered_slots(lead=arrive(cast, 999), at=NOW):
            number += 1
            book(cast, qualified(cast, number), slots[0].starts_at)
        # Two AEs, three meetings a week each, and the offer reaches into a second week.
        assert number == 12

    def test_offers_only_times_within_working_hours(self, cast: Cast) -> None:
        for slot in booking.offered_slots(lead=arrive(cast), at=NOW, most=500):
            assert slot.starts_at.weekday() < 5
            assert 8 <= slot.starts_at.hour < 16


class TestBookMeeting:
    def test_names_the_best_of_the_tier_and_keeps_why(self, cast: Cast) -> None:
        lead = qualified(cast)
        lead.score = "B"
        lead.save()
        start = booking.offered_slots(lead=lead, at=NOW)[0].starts_at
        hand_off = book(cast, lead, start)
        assert hand_off.ae == cast.rep(cast.second_ae), "score B is tier 2"
        assert [one["outcome"] for one in hand_off.routing["considered"]] == ["taken", "not_needed"]
        lead.refresh_from_db()
        assert (lead.stage, lead.queue_bucket, lead.claimed_by) == (LeadStage.HANDED_OFF, None, None)

    def test_a_second_click_books_nothing(self, cast: Cast) -> None:
        lead = qualified(cast)
        start = booking.offered_slots(lead=lead, at=NOW)[0].starts_at
        book(cast, lead, start)
        with pytest.raises(booking.UnableToBook, match="handed off"):
            book(cast, lead, start)
        assert HandOff.objects.count() == Meeting.objects.count() == 1

    @pytest.mark.parametrize(
        ("shift", "words"),
        [(timedelta(minutes=-90), "still to come"), (timedelta(minutes=10), "hour or the half hour")],
    )
    def test_refuses_a_time_that_cannot_be(self, cast: Cast, shift: timedelta, words: str) -> None:
        lead = qualified(cast)
        with pytest.raises(InvalidInput, match=words):
            book(cast, lead, NOW.replace(minute=30) + timedelta(hours=1) + shift)

    def test_needs_the_framework_and_the_definition(self, cast: Cast) -> None:
        start = booking.offered_slots(lead=arrive(cast, 50), at=NOW)[0].starts_at
        with pytest.raises(booking.UnableToBook, match="Qualify the lead first"):
            book(cast, arrive(cast, 1), start)
        below = qualified(cast, 2, NO)
        with pytest.raises(booking.UnableToBook, match="exploration"):
            book(cast, below, start)
        assert book(cast, below, start, as_exploration=True).is_exploration

    def test_only_whoever_works_the_lead_books_it(self, cast: Cast) -> None:
        lead = qualified(cast)
        start = booking.offered_slots(lead=lead, at=NOW)[0].starts_at
        with pytest.raises(queue.AnothersLead):
            booking.book_meeting(lead=lead, sdr=cast.rep(cast.teammate), starts_at=start, at=NOW)

    def test_after_a_rejection_it_is_qualified_again_first(self, cast: Cast) -> None:
        lead = qualified(cast)
        start, other = (slot.starts_at for slot in booking.offered_slots(lead=lead, at=NOW)[:2])
        hand_off = book(cast, lead, start)
        hand_offs.reject_hand_off(
            hand_off=hand_off,
            criterion="budget",
            reason=RejectionReason.UNSUPPORTED,
            comment="",
            at=NOW,
            actor=cast.ae,
        )
        with pytest.raises(booking.UnableToBook, match="qualify it again"):
            book(cast, lead, other)
        qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=YES, at=NOW + timedelta(minutes=1))
        assert book(cast, lead, other).state == HandOff.State.PENDING


@pytest.mark.django_db(transaction=True)
def test_one_slot_and_two_aes_take_two_of_four_bookings_at_once() -> None:
    cast = assemble()
    leads = [qualified(cast, number) for number in range(4)]
    start = booking.offered_slots(lead=leads[0], at=NOW)[0].starts_at
    together = threading.Barrier(len(leads))
    booked: list[HandOff] = []
    refused: list[Exception] = []

    def run(lead: Lead) -> None:
        try:
            together.wait()
            booked.append(book(cast, lead, start))
        except Exception as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(lead,)) for lead in leads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in refused] == [booking.UnableToBook] * 2, refused
    assert {hand_off.ae.user for hand_off in booked} == {cast.ae, cast.second_ae}
    assert Meeting.objects.filter(starts_at=start).count() == 2
    assert FunnelEvent.objects.filter(kind=EventKind.BOOKED).count() == 2
    assert Lead.objects.filter(stage=LeadStage.HANDED_OFF).count() == 2
