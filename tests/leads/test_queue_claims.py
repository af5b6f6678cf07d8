"""Claiming: nobody gets another's lead, a hold runs out, and under a race none is lost or given twice."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from apps.leads.models import Channel, Disposition, Lead
from apps.leads.services import queue, touches
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


@pytest.mark.django_db(transaction=True)
def test_under_a_race_no_lead_is_given_twice_and_none_is_lost() -> None:
    cast = assemble()
    reps = [cast.rep(cast.sdr), cast.rep(cast.teammate)] + [
        Rep.objects.create(
            name=f"Rep {number}",
            team=cast.sdr_team,
            role=RepRole.ISR,
            hired_on=NOW.date() - timedelta(days=99),
        )
        for number in range(4)
    ]
    leads = {arrive(cast, number).pk for number in range(30)}
    together = threading.Barrier(len(reps))
    worked: list[tuple[int, int]] = []
    failed: list[Exception] = []

    def work(rep: Rep) -> None:
        try:
            together.wait()
            while (lead := queue.claim_next(rep=rep, at=NOW)) is not None:
                touches.log_touch(
                    lead=lead, rep=rep, channel=Channel.CALL, disposition=Disposition.NO_ANSWER, at=NOW
                )
                worked.append((lead.pk, rep.pk))
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(rep,)) for rep in reps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(worked) == len(leads)
    assert {pk for pk, _ in worked} == leads
    owners = dict(Lead.objects.values_list("pk", "owner_id"))
    assert all(owners[pk] == rep for pk, rep in worked)
