"""Escalation: each step once, in its order, at its time; and what each of them does."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections

from apps.accounts.models import Notification
from apps.leads.models import Capacity, EventCredit, EventKind, FunnelEvent, HandOff, Lead
from apps.leads.services import booking, hand_offs, queue, rerouting, touches
from apps.reps.models import TimeOff
from apps.slas.models import Clock, ClockKind, ClockState, EscalationAct, Policy
from apps.slas.rules.escalation import Step, StepsInvalid, default_steps, parse_steps, with_fallback
from apps.slas.services import sweep as sweeping
from tests.cast import NOW, Cast, assemble
from tests.leads.test_booking import book, qualified
from tests.leads.test_touches import VOICEMAIL, arrive
from tests.slas.test_promises_kept import A, clock_of, only_promise

HOUR = timedelta(hours=1)
STEPS = [{"act": "remind", "at_percent": 50}, {"act": "notify_manager", "at_percent": 100}]


def taken(clock: Clock) -> list[tuple[str, str]]:
    return list(EscalationAct.objects.filter(clock=clock).order_by("step").values_list("act", "outcome"))


def owned_by_the_sdr(cast: Cast, steps: list[dict[str, Any]]) -> Lead:
    """A lead of the SDR's own with an hour for the first answer and these steps."""
    only_promise(first_response_minutes=60, steps=steps)
    lead = arrive(cast, **A)
    Lead.objects.filter(pk=lead.pk).update(owner=cast.rep(cast.sdr))
    Clock.objects.filter(lead=lead).update(rep=cast.rep(cast.sdr))
    return lead


class TestParseSteps:
    def test_reads_back_what_it_wrote(self) -> None:
        assert parse_steps([step.as_dict() for step in default_steps()]) == default_steps()

    @pytest.mark.parametrize(
        ("raw", "field"),
        [
            ("remind", "steps"),
            ([{"act": "shout", "at_percent": 1}], "act"),
            ([{"act": "remind", "at_percent": 0}], "at_percent"),
            ([{"act": "remind", "at_percent": 1.5}], "at_percent"),
            ([{"act": "remind", "at_percent": 90}, {"act": "remind", "at_percent": 80}], "at_percent"),
            ([{"act": "remind", "at_percent": 1}] * 9, "steps"),
        ],
    )
    def test_names_the_row_and_the_field(self, raw: Any, field: str) -> None:
        with pytest.raises(StepsInvalid) as caught:
            parse_steps(raw)
        assert caught.value.field == field

    def test_nobody_reassigns_a_hand_off_and_the_fallback_comes_last(self) -> None:
        assert with_fallback(default_steps(), "reroute") == (
            Step("remind", 70),
            Step("notify_manager", 100),
            Step("reroute", 150),
        )
        assert with_fallback(default_steps(), "none") == default_steps()[:2]


class TestSteps:
    @pytest.fixture
    def lead(self, cast: Cast) -> Lead:
        return owned_by_the_sdr(cast, STEPS)

    def test_are_taken_at_their_time_and_once(self, cast: Cast, lead: Lead) -> None:
        clock = clock_of(lead, ClockKind.FIRST_RESPONSE)
        assert clock.next_step_at == NOW + HOUR / 2
        assert sweeping.escalate(at=NOW + HOUR / 4) == 0
        assert sweeping.escalate(at=NOW + HOUR / 2) == 1
        assert sweeping.escalate(at=NOW + HOUR / 2) == 0
        assert taken(clock) == [("remind", "Sdr was reminded")]
        assert Notification.objects.get().user == cast.sdr

    def test_that_were_missed_are_taken_one_after_the_other(self, cast: Cast, lead: Lead) -> None:
        clock = clock_of(lead, ClockKind.FIRST_RESPONSE)
        assert sweeping.escalate(at=NOW + 9 * HOUR) == 2
        assert taken(clock) == [("remind", "Sdr was reminded"), ("notify_manager", "Manager was told")]
        planned = EscalationAct.objects.order_by("step").values_list("planned_at", flat=True)
        assert list(planned) == [NOW + HOUR / 2, NOW + HOUR]

    def test_stop_with_the_answer(self, cast: Cast, lead: Lead) -> None:
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=NOW + HOUR / 4, **VOICEMAIL)
        assert sweeping.escalate(at=NOW + 9 * HOUR) == 0

    def test_nobody_to_remind_is_said_so(self, cast: Cast, lead: Lead) -> None:
        Clock.objects.filter(lead=lead).update(rep=None)
        sweeping.escalate(at=NOW + HOUR / 2)
        assert taken(clock_of(lead, ClockKind.FIRST_RESPONSE)) == [
            ("remind", "Nobody to remind: it lies in the pool")
        ]
        assert not Notification.objects.exists()


class TestReassign:
    @pytest.fixture
    def lead(self, cast: Cast) -> Lead:
        return owned_by_the_sdr(cast, [{"act": "reassign", "at_percent": 100}])

    def test_gives_it_to_whoever_is_there(self, cast: Cast, lead: Lead) -> None:
        sweeping.escalate(at=NOW + HOUR)
        lead.refresh_from_db()
        assert lead.owner == cast.rep(cast.teammate)
        clock = clock_of(lead, ClockKind.FIRST_RESPONSE)
        assert (clock.rep, taken(clock)) == (cast.rep(cast.teammate), [("reassign", "Given to Teammate")])
        assert Notification.objects.get().user == cast.teammate

    def test_leaves_it_when_nobody_else_is_there(self, cast: Cast, lead: Lead) -> None:
        TimeOff.objects.create(
            rep=cast.rep(cast.teammate), starts_on=date(2026, 11, 12), ends_on=date(2026, 11, 13)
        )
        sweeping.escalate(at=NOW + HOUR)
        lead.refresh_from_db()
        assert lead.owner == cast.rep(cast.sdr)
        assert taken(clock_of(lead, ClockKind.FIRST_RESPONSE)) == [
            ("reassign", "Nobody else of the team is there today")
        ]

    def test_leaves_it_while_somebody_works_it(self, cast: Cast, lead: Lead) -> None:
        assert queue.claim_next(rep=cast.rep(cast.sdr), at=NOW + HOUR) == lead
        sweeping.escalate(at=NOW + HOUR)
        lead.refresh_from_db()
        assert lead.owner == cast.rep(cast.sdr)


class TestAeSilence:
    def handed_off(self, cast: Cast, fallback: str) -> HandOff:
        only_promise(ae_answer_minutes=60, steps=[{"act": "remind", "at_percent": 50}], ae_fallback=fallback)
        lead = qualified(cast)
        slots = booking.offered_slots(lead=lead, at=NOW)
        return book(cast, lead, next(slot.starts_at for slot in slots if slot.starts_at > NOW + 24 * HOUR))

    def test_accepts_by_itself_where_the_policy_says_so(self, cast: Cast) -> None:
        hand_off = self.handed_off(cast, "auto_accept")
        sweeping.escalate(at=NOW + 2 * HOUR)
        hand_off.refresh_from_db()
        assert hand_off.state == HandOff.State.ACCEPTED
        clock = clock_of(hand_off.lead, ClockKind.AE_ANSWER)
        assert [act for act, _ in taken(clock)] == ["remind", "auto_accept"]
        assert clock.state == ClockState.BREACHED, "the AE did not answer in time"

    def test_goes_to_the_next_ae_at_the_same_time(self, cast: Cast) -> None:
        hand_off = self.handed_off(cast, "reroute")
        first, starts_at = hand_off.ae, hand_off.meeting.starts_at
        sweeping.sweep(at=NOW + 2 * HOUR)
        sweeping.escalate(at=NOW + 2 * HOUR)
        hand_off.refresh_from_db()
        hand_off.meeting.refresh_from_db()
        assert hand_off.ae != first
        assert (hand_off.meeting.ae, hand_off.meeting.starts_at) == (hand_off.ae, starts_at)
        broken, new = Clock.objects.filter(hand_off=hand_off).order_by("pk")
        assert (broken.state, broken.rep) == (ClockState.BREACHED, first)
        assert (new.state, new.rep, new.due_at) == (ClockState.RUNNING, hand_off.ae, NOW + 3 * HOUR)
        shares = EventCredit.objects.filter(
            event__in=FunnelEvent.objects.filter(kind=EventKind.HANDED_OFF).effective()
        )
        assert {(one.rep, one.capacity) for one in shares} == {
            (hand_off.sdr, Capacity.SOURCED),
            (hand_off.ae, Capacity.OWNED),
        }

    def test_stays_where_it_is_when_no_other_ae_is_free(self, cast: Cast) -> None:
        hand_off = self.handed_off(cast, "reroute")
        other = cast.rep(cast.second_ae if hand_off.ae == cast.rep(cast.ae) else cast.ae)
        TimeOff.objects.create(rep=other, starts_on=date(2026, 11, 12), ends_on=date(2026, 12, 12))
        sweeping.escalate(at=NOW + 2 * HOUR)
        hand_off.refresh_from_db()
        assert hand_off.ae != other
        assert taken(clock_of(hand_off.lead, ClockKind.AE_ANSWER))[-1] == (
            "reroute",
            "No other AE is free at the time that the customer chose.",
        )

    def test_an_answered_one_is_not_routed_again(self, cast: Cast) -> None:
        hand_off = self.handed_off(cast, "reroute")
        hand_offs.accept_hand_off(hand_off=hand_off, at=NOW + HOUR / 4, actor=cast.ae)
        assert sweeping.escalate(at=NOW + 9 * HOUR) == 0
        with pytest.raises(hand_offs.UnableToDecide):
            rerouting.reroute(hand_off=hand_off, because="test", at=NOW + HOUR)


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_take_each_step_once() -> None:
    cast = assemble()
    Policy.objects.all().delete()
    Policy.objects.create(
        name="All", position=1, state=Policy.State.ON, first_response_minutes=60, steps=STEPS
    )
    for number in range(40):
        arrive(cast, number)
    at = NOW + timedelta(days=30)
    together, done, failed = threading.Barrier(4), [], []

    def run() -> None:
        try:
            together.wait()
            done.append(sweeping.escalate(at=at))
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    # A sweep may find the rows of another still locked and leave them: the next one takes what is left.
    left = sweeping.escalate(at=at)
    assert sum(done) + left == EscalationAct.objects.count() == 80
    assert not Clock.objects.filter(next_step_at__isnull=False).exists()
