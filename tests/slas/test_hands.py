"""A lead that changes hands takes its running promises along, whoever gives it on; none waits longer for it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.leads.models import Lead, LeadStage
from apps.leads.services import booking, imports, merges, owners, qualifications, reassignment, touches
from apps.leads.services.intake import Incoming
from apps.reps.models import Rep
from apps.slas.models import Clock, ClockHolder, ClockKind, ClockState
from tests.cast import NOW, Cast
from tests.leads.test_booking import YES, book, qualified
from tests.leads.test_touches import VOICEMAIL, arrive
from tests.slas.test_promises_kept import A, only_promise

HOUR = timedelta(hours=1)
PROMISED = {"first_response_minutes": 60, "touch_count": 3, "touch_days": 2, "disposition_minutes": 600}


def pooled(cast: Cast, number: int = 1) -> Lead:
    """A lead in the team's pool with all three promises of an SDR."""
    return arrive(cast, number, **A)


def holders(lead: Lead) -> dict[str, Rep | None]:
    return {clock.kind: clock.rep for clock in Clock.objects.filter(lead=lead).select_related("rep")}


def dues(lead: Lead) -> dict[str, Any]:
    return dict(Clock.objects.filter(lead=lead).values_list("kind", "due_at"))


def owned(cast: Cast) -> Lead:
    lead = pooled(cast)
    assert owners.pass_on(lead=lead, rep=cast.rep(cast.sdr), because="test", at=NOW)
    return lead


def give(cast: Cast, lead: Lead, *to: Rep, key: str = "one") -> Any:
    return reassignment.reassign(leads=[lead], to=to, at=NOW + HOUR / 4, actor=cast.manager, request_key=key)


def import_with(cast: Cast, lead: Lead, owner: Rep) -> None:
    now = imports.ImportedLead(
        incoming=Incoming(email=lead.email, company=lead.company, source=lead.source),
        external_id="L-1",
        created_at=lead.created_at,
        owner=owner,
        stage=LeadStage(lead.stage),
        stage_at=lead.created_at,
    )
    change = imports.LeadChange(lead, now, owner_changed=True)
    imports.change_leads(changes=[change], team=cast.sdr_team, system="crm", at=NOW + HOUR / 4)


@pytest.fixture(autouse=True)
def promised(cast: Cast) -> None:
    only_promise(**PROMISED)


ACTS: dict[str, Callable[[Cast, Lead, Rep], Any]] = {
    "a manager gives it on": lambda cast, lead, rep: give(cast, lead, rep),
    "it is passed on": lambda cast, lead, rep: owners.pass_on(
        lead=lead, rep=rep, because="test", at=NOW + HOUR / 4
    ),
    "its owner's leads are shared out": lambda cast, lead, rep: owners.share_out(
        rep=cast.rep(cast.sdr), among=[rep], at=NOW + HOUR / 4
    ),
    "the source names another owner": import_with,
}


class TestGivenOn:
    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    def test_all_its_running_promises_go_along_and_are_due_as_before(self, cast: Cast, act: Any) -> None:
        lead, taker = owned(cast), cast.rep(cast.teammate)
        before = dues(lead)
        assert set(holders(lead).values()) == {cast.rep(cast.sdr)}
        assert len(before) == 3
        act(cast, lead, taker)
        lead.refresh_from_db()
        assert lead.owner == taker
        assert holders(lead) == dict.fromkeys(before, taker)
        assert dues(lead) == before
        handed = ClockHolder.objects.filter(clock__lead=lead, rep=taker)
        assert list(handed.values_list("from_at", flat=True)) == [NOW + HOUR / 4] * 3

    def test_into_the_pool_nobody_holds_them(self, cast: Cast) -> None:
        lead = owned(cast)
        give(cast, lead)
        assert set(holders(lead).values()) == {None}

    def test_taken_back_they_return(self, cast: Cast) -> None:
        lead = owned(cast)
        done = give(cast, lead, cast.rep(cast.teammate))
        reassignment.take_back(reassignment=done, at=NOW + HOUR / 3, actor=cast.manager)
        assert set(holders(lead).values()) == {cast.rep(cast.sdr)}
        assert ClockHolder.objects.filter(clock__lead=lead).count() == 3 * 3

    def test_another_teams_manager_sees_them_from_then_on(self, cast: Cast) -> None:
        lead = owned(cast)
        calendars = set(Clock.objects.values_list("calendar", flat=True))
        give(cast, lead, cast.rep(cast.outsider))
        assert Clock.objects.visible_to(cast.outside_manager).count() == 3
        assert not Clock.objects.visible_to(cast.manager).exists()
        assert set(Clock.objects.values_list("calendar", flat=True)) == calendars

    def test_what_was_answered_stays_with_who_answered(self, cast: Cast) -> None:
        lead = owned(cast)
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=NOW + HOUR / 8, **VOICEMAIL)
        give(cast, lead, cast.rep(cast.teammate))
        held = holders(lead)
        assert held.pop(ClockKind.FIRST_RESPONSE) == cast.rep(cast.sdr)
        assert set(held.values()) == {cast.rep(cast.teammate)}

    def test_many_at_once_cost_no_statement_each(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        leads = [pooled(cast, number) for number in range(40)]
        with django_assert_max_num_queries(20):
            reassignment.reassign(
                leads=leads,
                to=[cast.rep(cast.sdr), cast.rep(cast.teammate)],
                at=NOW,
                actor=cast.manager,
                request_key="many",
            )
        assert Clock.objects.filter(rep=cast.rep(cast.sdr)).count() == 20 * 3


class TestTakenFromThePool:
    def test_the_first_touch_takes_the_other_promises_along(self, cast: Cast) -> None:
        lead, rep = pooled(cast), cast.rep(cast.sdr)
        assert set(holders(lead).values()) == {None}
        touches.log_touch(lead=lead, rep=rep, at=NOW + HOUR / 2, **VOICEMAIL)
        assert holders(lead) == dict.fromkeys(dues(lead), rep)
        answered = Clock.objects.get(lead=lead, kind=ClockKind.FIRST_RESPONSE)
        assert (answered.state, answered.routing_seconds, answered.rep_seconds) == (
            ClockState.MET, 1800, 0
        )  # fmt: skip
        assert ClockHolder.objects.filter(clock__lead=lead).count() == 3, "one each, not two"

    def test_so_does_a_touch_that_keeps_the_promise_of_touches(self, cast: Cast) -> None:
        only = pooled(cast)
        Clock.objects.filter(lead=only, kind=ClockKind.TOUCHES).update(wanted=1)
        touches.log_touch(lead=only, rep=cast.rep(cast.sdr), at=NOW, **VOICEMAIL)
        kept = Clock.objects.get(lead=only, kind=ClockKind.TOUCHES)
        assert (kept.state, kept.rep) == (ClockState.MET, cast.rep(cast.sdr))

    def test_undone_they_lie_in_the_pool_again(self, cast: Cast) -> None:
        lead, rep = pooled(cast), cast.rep(cast.sdr)
        touch = touches.log_touch(lead=lead, rep=rep, at=NOW, **VOICEMAIL)
        touches.undo_touch(touch=touch, rep=rep, at=NOW + HOUR / 12)
        running = Clock.objects.filter(lead=lead, state=ClockState.RUNNING)
        assert {clock.rep for clock in running} == {None}

    def test_so_does_who_qualifies_it(self, cast: Cast) -> None:
        lead, rep = pooled(cast), cast.rep(cast.sdr)
        qualifications.qualify(lead=lead, rep=rep, answers=YES, at=NOW)
        assert holders(lead) == dict.fromkeys(dues(lead), rep)

    def test_so_does_who_books_it(self, cast: Cast) -> None:
        lead = qualified(cast)
        Lead.objects.filter(pk=lead.pk).update(owner=None)
        Clock.objects.filter(lead=lead, answered_at__isnull=True).update(rep=None)
        book(cast, lead, booking.offered_slots(lead=lead, at=NOW)[3].starts_at)
        sdr_promises = Clock.objects.filter(lead=lead, hand_off__isnull=True).exclude(state="cancelled")
        assert {clock.rep for clock in sdr_promises} == {cast.rep(cast.sdr)}


class TestMerged:
    def test_the_survivor_s_promises_go_to_the_owner_that_it_gains_and_back(self, cast: Cast) -> None:
        absorbed, survivor = owned(cast), pooled(cast, 2)
        done = merges.merge(survivor=survivor, absorbed=absorbed, why="", at=NOW, actor=cast.revops)
        assert holders(survivor) == dict.fromkeys(dues(survivor), cast.rep(cast.sdr))
        merges.undo_merge(merge=done, at=NOW + HOUR, actor=cast.revops)
        assert set(holders(survivor).values()) == {None}
