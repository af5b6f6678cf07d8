"""Leads routed by several clients at once: weights are met within one lead, on both databases."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from apps.leads.models import HandOff, Lead, Meeting, PoolTurn, RoutingDecision, TurnPool
from apps.leads.rules.routing import kept
from apps.leads.services import (
    assigning,
    booking,
    hand_offs,
    qualifications,
    rescheduling,
    routing,
    slots,
    unanswering,
)
from apps.reps.models import Rep
from tests.cast import NOW, Cast, assemble
from tests.leads.scenes import handed_off
from tests.leads.test_hand_off_races import race
from tests.leads.test_routing_choice import HALF, ROBIN, TEN, in_force

CLIENTS = 4
BANT = ("budget", "authority", "need", "timeframe")
LEADS = {"postgresql": 1_000, "sqlite": 240}
"""SQLite has one writer: its clients take turns, and fewer leads show as much."""
WEIGHTS = (7, 5, 3, 2, 1)


def route(lead: Lead) -> None:
    """One booking's part of routing: the lead is locked first, then the turn."""
    at = NOW + timedelta(seconds=1)
    for _ in range(20):
        # SQLite has one writer, and whoever waits is not served in turn: who waited too long tries again.
        with suppress(OperationalError), transaction.atomic():
            locked = Lead.objects.select_for_update(of=("self",)).select_related("team").get(pk=lead.pk)
            chosen = routing.choose(lead=locked, starts_at=TEN, ends_at=TEN + HALF, at=at)
            routing.keep(chosen=chosen, lead=locked, at=at)
            return


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_weights_are_met_within_one_lead_whoever_is_faster() -> None:
    cast, many = assemble(), LEADS[connection.vendor]
    team = cast.ae_team
    aes = [
        Rep.objects.create(name=f"AE {number}", team=team, role="ae", tier=2, hired_on=NOW.date())
        for number in range(len(WEIGHTS))
    ]
    in_force(
        {
            **ROBIN,
            "pool": {"reps": [one.pk for one in aes]},
            "weights": [
                {"rep": ae.pk, "weight": weight, "from_on": ""}
                for ae, weight in zip(aes, WEIGHTS, strict=True)
            ],
        }
    )
    leads = Lead.objects.bulk_create(
        [Lead(company=f"Company {n}", team=cast.sdr_team, created_at=NOW) for n in range(many)]
    )

    def client(mine: list[Lead]) -> Callable[[], Any]:
        def work() -> int:
            for lead in mine:
                route(lead)
            return len(mine)

        return work

    done = race([client(leads[place::CLIENTS]) for place in range(CLIENTS)])
    assert done == [many // CLIENTS] * CLIENTS
    taken = Counter(PoolTurn.objects.filter(kind="taken").values_list("rep", flat=True))
    for ae, weight in zip(aes, WEIGHTS, strict=True):
        assert abs(taken[ae.pk] - Fraction(weight * many, sum(WEIGHTS))) < 1
    # The standings are the sum of the ledger, and every decision saw the turns before it.
    standings = kept.standings_of(TurnPool.objects.get().standings)
    assert {pk: one.taken for pk, one in standings.items()} == dict(taken)
    seen = [
        sum(row[1] for row in one["turns"]["Mid-market"].values())
        for one in RoutingDecision.objects.order_by("pk").values_list("inputs", flat=True)
    ]
    assert all(second == first + 1 for first, second in pairwise(sorted(seen)))


# --- Nobody who has an AE's time waits for turns ------------------------------------------------------


def until_somebody_waits() -> None:
    """Go on once another connection of this database waits for a lock: what was to be waited for is held."""
    for _ in range(1_000):
        with connection.cursor() as cursor:
            # Who is connected is looked up once a transaction otherwise.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT COUNT(*), pg_sleep(0.005) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("Nobody waits.")


def by_turns(cast: Cast) -> HandOff:
    """One AE, a round robin, and a hand-off by a turn of theirs."""
    Rep.objects.aes().exclude(user=cast.ae).update(left_on=NOW.date() - timedelta(days=1))
    in_force({**ROBIN, "pool": {"reps": [cast.rep(cast.ae).pk]}})
    return handed_off(cast, "Brightmoor Logistics", at=NOW + timedelta(minutes=1), slot=20)


def another_lead(cast: Cast) -> Lead:
    """A lead that is qualified and waits for a booking."""
    hand_off = handed_off(cast, "Quarry Bank", at=NOW + timedelta(minutes=1), slot=30)
    hand_offs.reject_hand_off(
        hand_off=hand_off, criterion="need", reason="wrong_person", comment="", at=NOW + timedelta(minutes=2),
        actor=cast.ae,
    )  # fmt: skip
    lead = Lead.objects.get(pk=hand_off.lead_id)
    answers = {key: qualifications.Answer("met", "Said so", "Yes.", "Hanna") for key in BANT}
    qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers, at=NOW + timedelta(minutes=3))
    return Lead.objects.get(pk=lead.pk)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestTurnsBeforeTheAesTime:
    """Whoever has an AE's row or half hours never waits for the turns that a booking holds while it waits for those."""

    AT = NOW + timedelta(minutes=5)

    def meets(self, first: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, cast: Cast) -> list[Any]:
        """``first`` takes the AE's time and stops; a booking by turns comes; ``first`` goes on when that one waits."""
        lead, has_it = another_lead(cast), threading.Event()
        start = booking.offered_slots(lead=lead, at=self.AT)[40].starts_at
        taken, by_first = slots.take, threading.local()

        def and_stop(**given: Any) -> None:
            taken(**given)
            if getattr(by_first, "is_it", False):
                has_it.set()
                until_somebody_waits()

        monkeypatch.setattr(slots, "take", and_stop)

        def one() -> Any:
            by_first.is_it = True
            return first()

        def two() -> Any:
            assert has_it.wait(30)
            return booking.book_meeting(
                lead=lead, sdr=cast.rep(cast.sdr), starts_at=start, at=self.AT, actor=cast.sdr
            )

        return race([one, two])

    def test_a_meeting_that_is_moved_with_its_ae(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cast = assemble()
        meeting = by_turns(cast).meeting
        assert meeting is not None
        later = booking.offered_slots(lead=meeting.lead, at=self.AT)[45].starts_at

        def move() -> Any:
            own = Meeting.objects.get(pk=meeting.pk)
            return rescheduling.reschedule(meeting=own, starts_at=later, at=self.AT, actor=cast.sdr)

        found = self.meets(move, monkeypatch, cast)
        assert [type(one) for one in found] == [Meeting, HandOff], found

    def test_an_answer_that_is_taken_back_with_its_meeting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cast = assemble()
        hand_off = by_turns(cast)
        hand_offs.reject_hand_off(
            hand_off=hand_off, criterion="need", reason="wrong_person", comment="", at=self.AT, actor=cast.ae
        )
        start = Meeting.objects.get(pk=hand_off.meeting_id).starts_at

        def undo() -> Any:
            own = HandOff.objects.get(pk=hand_off.pk)
            return unanswering.take_answer_back(hand_off=own, at=self.AT, actor=cast.ae)

        monkeypatch.setattr(booking, "offered_slots", lambda **_: [booking.Slot(start, 1)] * 50, raising=True)
        undone, booked = self.meets(undo, monkeypatch, cast)
        assert isinstance(undone, unanswering.TakenBack), undone
        assert isinstance(booked, booking.UnableToBook), booked

    def test_who_is_not_free_after_all_is_let_go_of_before_the_next_is_asked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cast = assemble()
        lead, ae = another_lead(cast), cast.rep(cast.ae)
        start = booking.offered_slots(lead=lead, at=self.AT)[40].starts_at
        asked = assigning.Asked(lead, start, start + HALF, self.AT)

        def busy_by_now(asked: assigning.Asked, ae: Rep) -> bool:
            Rep.objects.select_for_update(no_key=True, of=("self",)).get(pk=ae.pk)
            return False

        monkeypatch.setattr(assigning, "_still_free", busy_by_now)

        def locked_by_another() -> Any:
            with transaction.atomic():
                return Rep.objects.select_for_update(no_key=True, nowait=True, of=("self",)).get(pk=ae.pk)

        with transaction.atomic():
            assert assigning.assign_to(asked=asked, ae=ae, make=lambda ae: Meeting(ae=ae)) is None
            assert race([locked_by_another]) == [ae]
