"""Leads passed on by a manager: to a rep, among several, into the pool; by name refused, once, and taken back."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.leads.models import Lead, LeadStage, Reassignment
from apps.leads.services import queue, reassignment
from apps.leads.services.reassignment import UnableToTakeBack
from apps.reps.models import TimeOff
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.leads.test_touches import arrive


def owned(cast: Cast, number: int, user: Any = None) -> Lead:
    lead = arrive(cast, number, name=f"Person {number}")
    lead.owner = cast.rep(user or cast.sdr)
    lead.save()
    return lead


def give(cast: Cast, leads: list[Lead], to: list[Any], **more: Any) -> Reassignment:
    known = {"at": NOW, "actor": cast.manager, "request_key": uuid4().hex} | more
    return reassignment.reassign(leads=leads, to=[cast.rep(user) for user in to], **known)


def owners(*leads: Lead) -> list[str]:
    return [str(Lead.objects.get(pk=lead.pk).owner) for lead in leads]


class TestReassign:
    def test_gives_to_one_shares_out_among_several_and_puts_back(self, cast: Cast) -> None:
        leads = [owned(cast, number) for number in range(4)]
        give(cast, leads[:2], [cast.teammate])
        assert owners(*leads) == ["Teammate", "Teammate", "Sdr", "Sdr"]
        give(cast, leads[2:], [cast.teammate, cast.outsider])
        assert owners(*leads[2:]) == ["Teammate", "Outsider"]
        leads[3].refresh_from_db()
        assert leads[3].team == cast.other_team, "who works it decides whose pool it goes back to"
        give(cast, leads, [])
        assert owners(*leads) == ["None"] * 4
        assert queue.claim_next(rep=cast.rep(cast.sdr), at=NOW) in leads

    def test_of_several_one_who_has_it_already_is_not_given_it(self, cast: Cast) -> None:
        leads = [owned(cast, number) for number in range(2)]
        give(cast, leads, [cast.sdr, cast.teammate])
        assert owners(*leads) == ["Teammate", "Teammate"]

    def test_what_cannot_move_stays_and_says_why(self, cast: Cast) -> None:
        held, mine, out, free = (owned(cast, number) for number in range(1, 5))
        Lead.objects.filter(pk=held.pk).update(
            claimed_by=cast.rep(cast.sdr), claimed_until=NOW + timedelta(minutes=5)
        )
        Lead.objects.filter(pk=out.pk).update(do_not_contact=True, queue_bucket=None)
        Lead.objects.filter(pk=mine.pk).update(owner=cast.rep(cast.teammate))
        gone = handed_off(cast).lead
        done = give(cast, [held, mine, out, gone, free], [cast.teammate])
        assert done.refused == [
            ["Person 1", "is being worked by Sdr right now"],
            ["Person 2", "is Teammate’s already"],
            ["Person 3", "opted out"],
            ["Hanna Vogel", "is handed off"],
        ]
        assert list(done.moves) == [str(free.pk)]
        assert owners(held, free) == ["Sdr", "Teammate"]

    def test_one_click_does_it_once(self, cast: Cast) -> None:
        lead = owned(cast, 1)
        first = give(cast, [lead], [cast.teammate], request_key="click")
        give(cast, [lead], [cast.sdr])
        assert give(cast, [lead], [cast.teammate], request_key="click") == first
        assert owners(lead) == ["Sdr"]
        with pytest.raises(InvalidInput, match="reload"):
            give(cast, [lead], [cast.teammate], request_key="click", actor=cast.revops)

    def test_is_on_record(self, cast: Cast) -> None:
        lead = owned(cast, 1)
        give(cast, [lead], [cast.teammate])
        entry = AuditEntry.objects.get(verb="leads.reassigned")
        sdr, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        assert entry.actor == cast.manager
        assert entry.data["moves"] == {str(lead.pk): [sdr.pk, sdr.team_id, mate.pk, mate.team_id]}

    def test_refuses_nobody_too_many_and_who_works_no_queue(self, cast: Cast) -> None:
        lead = owned(cast, 1)
        with pytest.raises(InvalidInput, match="Choose one lead"):
            give(cast, [], [cast.teammate])
        with pytest.raises(InvalidInput, match="1,000"):
            give(cast, [lead] * 1_001, [cast.teammate])
        with pytest.raises(InvalidInput, match="Ae works no queue"):
            give(cast, [lead], [cast.ae])
        gone = cast.rep(cast.teammate)
        gone.left_on = NOW.date()
        gone.save()
        with pytest.raises(InvalidInput, match="works no queue"):
            give(cast, [lead], [cast.teammate])


class TestTakeBack:
    def test_gives_back_what_did_not_move_on(self, cast: Cast) -> None:
        kept, touched, passed_on, held = leads = [owned(cast, number) for number in range(1, 5)]
        done = give(cast, leads, [cast.teammate])
        later = NOW + timedelta(minutes=9)
        Lead.objects.filter(pk=touched.pk).update(last_touch_at=later)
        give(cast, [passed_on], [cast.outsider])
        Lead.objects.filter(pk=held.pk).update(
            claimed_by=cast.rep(cast.teammate), claimed_until=later + timedelta(minutes=1)
        )
        back = reassignment.take_back(reassignment=done, at=later, actor=cast.manager)
        assert back == [kept]
        assert owners(*leads) == ["Sdr", "Teammate", "Outsider", "Teammate"]
        with pytest.raises(UnableToTakeBack, match="already"):
            reassignment.take_back(reassignment=done, at=later, actor=cast.manager)

    def test_only_for_ten_minutes(self, cast: Cast) -> None:
        done = give(cast, [owned(cast, 1)], [cast.teammate])
        with pytest.raises(UnableToTakeBack, match="ten minutes"):
            reassignment.take_back(
                reassignment=done, at=NOW + timedelta(minutes=10, seconds=1), actor=cast.manager
            )


class TestPages:
    @pytest.fixture(autouse=True)
    def _now(self, time_machine: Any) -> None:
        time_machine.move_to(NOW, tick=True)

    @pytest.fixture
    def manager(self, cast: Cast) -> Client:
        client = Client()
        client.force_login(cast.manager)
        return client

    def post(self, client: Client, **sent: Any) -> Any:
        return client.post(
            "/leads/reassign/", {"request_key": uuid4().hex, "back": "/team-day/"} | sent, follow=True
        )

    def test_rows_are_chosen_and_given_from_a_members_queue_and_the_list_of_leads(
        self, cast: Cast, manager: Client
    ) -> None:
        lead = owned(cast, 1)
        rep = cast.rep(cast.sdr)
        for address in (f"/team-day/{rep.pk}/", "/leads/"):
            page = manager.get(address).content.decode()
            assert f'name="lead" value="{lead.pk}" data-bulk data-pick' in page
            assert "Share out among those present" in page
        answer = self.post(manager, lead=[lead.pk], to=cast.rep(cast.teammate).pk)
        assert "1 lead given to Teammate." in answer.content.decode()
        done = Reassignment.objects.get()
        assert f"/reassignments/{done.pk}/take-back/" in answer.content.decode()
        undone = manager.post(f"/reassignments/{done.pk}/take-back/", HTTP_HX_REQUEST="true")
        assert undone["HX-Refresh"] == "true"
        assert owners(lead) == ["Sdr"]

    def test_a_refusal_names_the_lead(self, cast: Cast, manager: Client) -> None:
        lead = owned(cast, 1)
        Lead.objects.filter(pk=lead.pk).update(
            claimed_by=cast.rep(cast.sdr), claimed_until=NOW + timedelta(minutes=5)
        )
        page = self.post(manager, lead=[lead.pk], to="pool").content.decode()
        assert "1 lead stayed: Person 1 is being worked by Sdr right now." in page

    def test_all_of_somebody_is_shared_out_among_those_present(self, cast: Cast, manager: Client) -> None:
        leads = [owned(cast, number) for number in range(3)]
        away = owned(cast, 9, cast.teammate)
        sdr = cast.rep(cast.sdr)
        page = self.post(manager, **{"from": f"rep:{sdr.pk}", "to": "share", "team": cast.sdr_team.pk})
        assert "3 leads given to Teammate." in page.content.decode()
        TimeOff.objects.create(
            rep=cast.rep(cast.teammate), starts_on=NOW.date(), ends_on=NOW.date() + timedelta(days=2)
        )
        page = self.post(manager, **{"from": f"rep:{sdr.pk}", "to": "share", "team": cast.sdr_team.pk})
        assert "Nobody else is present" in page.content.decode()
        assert owners(*leads, away) == ["Teammate"] * 4

    def test_a_pool_is_shared_out(self, cast: Cast, manager: Client) -> None:
        leads = [arrive(cast, number) for number in range(4)]
        self.post(manager, **{"from": f"pool:{cast.sdr_team.pk}", "to": "share", "team": cast.sdr_team.pk})
        assert sorted(owners(*leads)) == ["Sdr", "Sdr", "Teammate", "Teammate"]

    def test_what_is_out_of_scope_does_not_exist(self, cast: Cast, manager: Client) -> None:
        lead = owned(cast, 1)
        outside = Client()
        outside.force_login(cast.outside_manager)
        assert self.post(outside, lead=[lead.pk], to="pool").status_code == 404
        assert self.post(manager, lead=[lead.pk], to=cast.rep(cast.outsider).pk).status_code == 404
        assert self.post(manager, lead=["nonsense"], to="pool").status_code == 404
        assert self.post(outside, **{"from": f"rep:{cast.rep(cast.sdr).pk}", "to": "pool"}).status_code == 200
        assert owners(lead) == ["Sdr"]
        assert Lead.objects.get(pk=lead.pk).stage in LeadStage.workable()

    def test_nothing_chosen_says_so_and_the_way_back_is_ours(self, cast: Cast, manager: Client) -> None:
        page = self.post(manager, to="pool").content.decode()
        assert "Choose one lead at least." in page
        answer = manager.post("/leads/reassign/", {"to": "pool", "back": "https://elsewhere.example/"})
        assert answer["Location"] == "/team-day/"
