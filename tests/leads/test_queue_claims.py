"""Claiming: nobody gets another's lead, a hold runs out, and under a race none is lost or given twice."""

import threading
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.leads.models import Channel, Disposition, Lead
from apps.leads.rules.focus import Block
from apps.leads.services import queue, throttles, touches
from apps.leads.services.focus import set_week
from apps.reps.models import Rep, RepRole
from tests.cast import NOW, Cast, assemble
from tests.leads.test_touches import arrive


class TestClaimNext:
    def test_takes_the_first_in_queue_order(self, cast: Cast) -> None:
        arrive(cast, 1, source="Purchased list", is_inbound=False)
        fresh = arrive(cast, 2)
        found = queue.claim_next(rep=cast.rep(cast.sdr), at=NOW)
        assert found == fresh, "fresh inbound comes before untouched"

    def test_leaves_what_another_owns_holds_or_has_in_another_team(self, cast: Cast) -> None:
        sdr, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        held = arrive(cast, 1)
        owned = arrive(cast, 2)
        owned.owner = sdr
        owned.save()
        assert queue.claim_next(rep=sdr, at=NOW) in (held, owned)
        Lead.objects.filter(pk=held.pk).update(claimed_by=sdr, claimed_until=NOW + queue.HOLD)
        assert queue.claim_next(rep=mate, at=NOW) is None
        assert queue.claim_next(rep=cast.rep(cast.outsider), at=NOW) is None

    def test_a_hold_runs_out_and_the_next_lets_the_last_go(self, cast: Cast) -> None:
        sdr, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        first, second = arrive(cast, 1), arrive(cast, 2)
        assert queue.claim_next(rep=sdr, at=NOW) == first
        assert queue.claim_next(rep=sdr, at=NOW, after=first) == second
        assert queue.claim_next(rep=mate, at=NOW) == first
        later = NOW + queue.HOLD
        assert queue.claim_next(rep=mate, at=later, after=first) == second, "the hold of the second ran out"

    def test_the_one_after_itself_comes_only_when_nothing_else_is_there(self, cast: Cast) -> None:
        only = arrive(cast)
        assert queue.claim_next(rep=cast.rep(cast.sdr), at=NOW, after=only) == only

    def test_letting_go_of_one_keeps_the_others(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        held, other = arrive(cast, 1), arrive(cast, 2)
        queue.claim_next(rep=sdr, at=NOW)
        assert queue.release(rep=sdr, at=NOW, lead=other) == 0
        assert queue.release(rep=sdr, at=NOW, lead=held) == 1
        assert queue.release(rep=sdr, at=NOW) == 0


class TestTheBlock:
    def test_next_follows_the_focus_block_that_runs(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        called, mailed = (due(cast, number, channel) for number, channel in ((2, "call"), (1, "email")))
        set_week(rep=None, week={NOW.weekday(): [Block(time(9), time(12), "email")]}, at=NOW)
        assert queue.claim_next(rep=sdr, at=NOW) == mailed
        assert queue.claim_next(rep=sdr, at=NOW + timedelta(hours=3)) == called, "the block is over"

    def test_fresh_inbound_waits_for_no_block(self, cast: Cast) -> None:
        due(cast, 1, "email")
        fresh = arrive(cast, 2)
        assert queue.claim_next(rep=cast.rep(cast.sdr), at=NOW, focus="email") == fresh

    def test_a_planned_call_is_not_given_at_night(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        lead = due(cast, 1, "call", time_zone="America/New_York")
        assert queue.claim_next(rep=sdr, at=NOW) is None
        assert queue.claim_next(rep=sdr, at=NOW.replace(hour=13, minute=0)) == lead


class TestNewLeadsOfADay:
    def test_untouched_ones_are_passed_over_once_they_are_used_up(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        known = {"source": "Purchased list", "is_inbound": False}
        first, _ = arrive(cast, 1, **known), arrive(cast, 2, **known)
        throttles.set_throttle(kind="new_leads", most=1, at=NOW, actor=cast.revops)
        assert queue.claim_next(rep=sdr, at=NOW) == first
        touches.log_touch(lead=first, rep=sdr, channel=Channel.EMAIL, disposition=Disposition.SENT, at=NOW)
        assert queue.claim_next(rep=sdr, at=NOW) is None
        assert not Lead.objects.filter(claimed_by=sdr).exists()
        fresh = arrive(cast, 3)
        assert queue.claim_next(rep=sdr, at=NOW) == fresh, "an answer that was promised is never held back"
        due_one = due(cast, 4, "email")
        assert queue.claim_next(rep=sdr, at=NOW, after=fresh) == due_one
        assert queue.claim_next(rep=sdr, at=NOW + timedelta(days=1)) is not None


class TestHold:
    def test_a_sign_of_life_keeps_it_for_an_hour_at_most(self, cast: Cast) -> None:
        sdr, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        lead, at = arrive(cast), NOW
        assert queue.claim_next(rep=sdr, at=NOW) == lead
        assert queue.keep(rep=mate, at=NOW, lead=lead) is None
        while (until := queue.keep(rep=sdr, at=at, lead=lead)) is not None:
            assert until == min(at + queue.HOLD, NOW + queue.LONGEST_HOLD)
            assert queue.claim_next(rep=mate, at=at) is None
            at += timedelta(minutes=4)
        assert at - NOW == queue.LONGEST_HOLD
        assert queue.claim_next(rep=mate, at=at) == lead

    def test_a_hold_that_ran_out_is_not_brought_back(self, cast: Cast) -> None:
        sdr = cast.rep(cast.sdr)
        lead = arrive(cast)
        queue.claim_next(rep=sdr, at=NOW)
        assert queue.keep(rep=sdr, at=NOW + queue.HOLD, lead=lead) is None

    def test_signing_out_lets_go(self, cast: Cast) -> None:
        lead = arrive(cast)
        client = Client()
        client.force_login(cast.sdr)
        client.post("/my-day/next/")
        assert client.post(f"/leads/{lead.pk}/hold/").status_code == 204
        assert Lead.objects.get(pk=lead.pk).claimed_by == cast.rep(cast.sdr)
        client.post(reverse("account_logout"))
        assert Lead.objects.get(pk=lead.pk).claimed_by is None

    def test_a_lost_hold_is_said(self, cast: Cast) -> None:
        lead = arrive(cast)
        client = Client()
        client.force_login(cast.sdr)
        assert client.post(f"/leads/{lead.pk}/hold/").status_code == 409


def due(cast: Cast, number: int, channel: str, **known: Any) -> Lead:
    """A lead whose next touch, over that channel, is due."""
    lead = arrive(cast, number, **known)
    lead.touch_count, lead.first_touch_at = 1, NOW - timedelta(days=1)
    lead.next_channel, lead.next_touch_at = channel, NOW - timedelta(minutes=number)
    lead.due_at = None
    queue.settle(lead)
    lead.save()
    return lead


def many(cast: Cast, count: int) -> set[int]:
    """Leads of the team's pool that nobody has touched."""
    leads = [
        Lead(name=f"Person {n}", team=cast.sdr_team, stage="mql", created_at=NOW - timedelta(minutes=n))
        for n in range(count)
    ]
    for lead in leads:
        queue.settle(lead)
    return {lead.pk for lead in Lead.objects.bulk_create(leads)}


def together(works: list[Callable[[], None]]) -> list[Exception]:
    """Do all at once, each in a thread with a connection of its own; what failed."""
    failed: list[Exception] = []

    def do(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


@pytest.mark.django_db(transaction=True)
def test_two_who_press_next_at_once_two_hundred_times_never_get_the_same_lead_and_lose_none() -> None:
    cast, presses = assemble(), 200
    leads = many(cast, 2 * presses)
    reps = {user.pk: cast.rep(user) for user in (cast.sdr, cast.teammate)}
    given: list[tuple[int, int]] = []
    each_time = threading.Barrier(len(reps), timeout=60)

    def press(user: Any) -> Callable[[], None]:
        client, rep = Client(), reps[user.pk]
        client.force_login(user)

        def work() -> None:
            for _ in range(presses):
                each_time.wait()
                answer = client.post("/my-day/next/")
                pk = int(answer["Location"].rpartition("=")[2])
                given.append((pk, rep.pk))
                touches.log_touch(
                    lead=Lead(pk=pk),
                    rep=rep,
                    channel=Channel.EMAIL,
                    disposition=Disposition.SENT,
                    at=timezone.now(),
                )

        return work

    assert together([press(cast.sdr), press(cast.teammate)]) == []
    assert len(given) == 2 * presses
    assert {pk for pk, _ in given} == leads, "each once, and all of them"
    assert {rep for _, rep in given} == {rep.pk for rep in reps.values()}
    assert dict(given) == dict(Lead.objects.values_list("pk", "owner_id"))
    assert not Lead.objects.filter(claimed_by__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_eight_who_claim_and_touch_at_once_never_share_a_lead_and_lose_none() -> None:
    cast = assemble()
    reps = [cast.rep(cast.sdr), cast.rep(cast.teammate)] + [
        Rep.objects.create(
            name=f"Rep {number}",
            team=cast.sdr_team,
            role=RepRole.ISR,
            hired_on=NOW.date() - timedelta(days=99),
        )
        for number in range(6)
    ]
    leads = {arrive(cast, number).pk for number in range(40)}
    start = threading.Barrier(len(reps), timeout=60)
    worked: list[tuple[int, int]] = []

    def work(rep: Rep) -> Callable[[], None]:
        def do() -> None:
            start.wait()
            while (lead := queue.claim_next(rep=rep, at=NOW)) is not None:
                touches.log_touch(
                    lead=lead, rep=rep, channel=Channel.CALL, disposition=Disposition.NO_ANSWER, at=NOW
                )
                worked.append((lead.pk, rep.pk))

        return do

    assert together([work(rep) for rep in reps]) == []
    assert len(worked) == len(leads)
    assert {pk for pk, _ in worked} == leads
    owners = dict(Lead.objects.values_list("pk", "owner_id"))
    assert all(owners[pk] == rep for pk, rep in worked)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_nobody_is_told_the_queue_is_empty_while_another_makes_up_their_mind() -> None:
    """The only lead is locked by somebody who then does not take it: who asked meanwhile gets it."""
    cast = assemble()
    lead = arrive(cast)
    sdr = cast.rep(cast.sdr)
    locked, found = threading.Event(), []

    def look() -> None:
        with transaction.atomic():
            Lead.objects.select_for_update().get(pk=lead.pk)
            locked.set()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.5)")

    def ask() -> None:
        locked.wait(10)
        found.append(queue.claim_next(rep=sdr, at=NOW))

    assert together([look, ask]) == []
    assert found == [lead]
