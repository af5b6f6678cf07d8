"""An upheld contest after which another AE continues with the customer."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import Notification
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.core.periods import month_of
from apps.leads.models import (
    Contest,
    ContestState,
    EventCredit,
    EventKind,
    FunnelEvent,
    HandOff,
    Meeting,
    Opportunity,
    RoutingDecision,
)
from apps.leads.selectors import contests as selectors
from apps.leads.selectors.answer_patterns import REJECTED, behind
from apps.leads.services import booking, contests, rescheduling, succession
from apps.reps.models import Rep
from tests.cast import NOW, Cast
from tests.leads import test_contests as scenes
from tests.leads.test_contests import LATER, credited, opened, rejected

SOON, LATE = 40, 0
"""Slots of ``rejected``: one whose meeting is still to come when it is decided, one whose time is over by then."""
DECIDED = LATER + timedelta(hours=3)


def second(cast: Cast) -> Rep:
    """The other AE of the cast, of the same team."""
    return cast.rep(cast.second_ae)


def leaves(rep: Rep) -> None:
    """Nobody asks them any more."""
    Rep.objects.filter(pk=rep.pk).update(left_on=NOW.date())


def decide(contest: Contest, at=DECIDED) -> Contest:
    return contests.decide_contest(
        contest=contest, uphold=True, with_another=True, reason="It was clear.", at=at, actor=contest.judge
    )


def owners(kind: EventKind) -> list[int]:
    found = EventCredit.objects.filter(event__in=FunnelEvent.objects.effective().filter(kind=kind))
    return list(found.filter(capacity="owned").values_list("rep", flat=True))


class TestAnotherAeContinues:
    def test_the_credit_moves_and_the_deal_and_its_meeting_are_the_other_aes(self, cast):
        other = second(cast)
        contest = decide(opened(cast, rejected(cast, slot=SOON)))
        hand_off = HandOff.objects.get()
        assert (contest.state, hand_off.state) == (ContestState.UPHELD, HandOff.State.ACCEPTED)
        assert (credited(cast, EventKind.ACCEPTED), credited(cast, EventKind.REJECTED)) == (1, 0)
        assert Opportunity.objects.get().owner == other
        assert owners(EventKind.ACCEPTED) == owners(EventKind.STAGE_1) == [other.pk]
        meeting = Meeting.objects.get()
        assert (meeting.ae, meeting.state) == (other, Meeting.State.BOOKED)
        assert [slot.ae for slot in meeting.slots.all()] == [other] * meeting.slots.count() != []
        assert "Second Ae, whom routing named" in contest.followed
        assert "The meeting stands again" in contest.followed

    def test_the_rejection_stays_the_first_aes_answer(self, cast):
        other = second(cast)
        decide(opened(cast, rejected(cast, slot=SOON)))
        hand_off = HandOff.objects.get()
        assert (hand_off.ae, hand_off.successor, hand_off.continues_with) == (cast.rep(cast.ae), other, other)
        assert HandOff.objects.filter(REJECTED).get().ae == cast.rep(cast.ae)
        assert owners(EventKind.HANDED_OFF) == owners(EventKind.BOOKED) == [cast.rep(cast.ae).pk]

    def test_routing_keeps_every_candidate_and_why(self, cast):
        other = second(cast)
        decide(opened(cast, rejected(cast, slot=SOON)))
        decision = RoutingDecision.objects.get(cause="contest")
        assert decision.chosen == other
        why = {one["name"]: one["why"] for one in decision.candidates}
        assert why[cast.rep(cast.ae).name] == "Rejected it"
        assert why["Second Ae"].endswith("taken")
        (entry,) = AuditEntry.objects.filter(verb="leads.contest.upheld")
        assert entry.data["continues"] == other.pk

    def test_the_new_ae_sees_it_and_everybody_is_told(self, cast):
        other = second(cast)
        contest = decide(opened(cast, rejected(cast, slot=SOON)))
        for user in (cast.sdr, cast.ae, other.user):
            assert Contest.objects.visible_to(user).get() == contest
            assert HandOff.objects.visible_to(user).exists()
        told = Notification.objects.filter(key=f"contest:{contest.pk}:upheld").values_list("user", flat=True)
        assert set(told) == {cast.sdr.pk, cast.ae.pk, cast.manager.pk, other.user.pk}
        assert not Contest.objects.visible_to(cast.teammate).exists()

    def test_when_the_meetings_time_is_over_it_goes_by_the_soonest_time_and_needs_a_new_one(self, cast):
        other = second(cast)
        contest = opened(cast, rejected(cast, slot=LATE))
        at = Meeting.objects.get().ends_at + timedelta(hours=1)
        contest = decide(contest, at=at)
        assert "The meeting needs a new time" in contest.followed
        old = Meeting.objects.get()
        assert (old.ae, old.state) == (cast.rep(cast.ae), Meeting.State.CANCELLED)
        starts_at = succession.soonest(hand_off=contest.hand_off, without={cast.rep(cast.ae).pk: "x"}, at=at)
        new = rescheduling.reschedule(meeting=old, starts_at=starts_at, at=at, actor=cast.sdr)
        hand_off = HandOff.objects.get()
        assert (new.ae, hand_off.meeting, hand_off.ae) == (other, new, cast.rep(cast.ae))

    def test_who_is_of_the_judges_team_is_passed_over(self, cast):
        contest, other = opened(cast, rejected(cast, slot=SOON)), second(cast)
        cast.sdr_team.hands_off_to.add(cast.other_team)
        Rep.objects.filter(pk=other.pk).update(team=cast.other_team)
        assert succession.passed_over(contest)[other.pk] == "Is of the judge’s own team"
        with pytest.raises(succession.NobodyElse, match="No other AE"):
            decide(contest)
        contest.refresh_from_db()
        assert contest.is_open
        assert not Opportunity.objects.exists()
        assert not RoutingDecision.objects.filter(cause="contest").exists()
        assert credited(cast, EventKind.REJECTED) == 1

    def test_is_refused_where_the_lead_went_on(self, cast):
        contest = opened(cast, rejected(cast))
        scenes.TestLeadThatWentOn().handed_off_again(cast)
        with pytest.raises(InvalidInput, match="the credit alone moves") as raised:
            decide(contest)
        assert raised.value.field == "decision"
        contest.refresh_from_db()
        assert contest.is_open

    def test_nobody_is_booked_twice(self, cast):
        """The only other AE meets somebody else at the meeting's time: then it needs a new one."""
        contest = opened(cast, rejected(cast, slot=SOON))
        meeting, other = Meeting.objects.get(), second(cast)
        lead = contest.hand_off.lead
        taken = Meeting.objects.create(
            lead=lead, ae=other, starts_at=meeting.starts_at, ends_at=meeting.ends_at, state_changed_at=NOW
        )
        booking.slots.take(taker=taken, at=NOW)
        contest = decide(contest)
        assert contest.hand_off.successor == other
        assert "needs a new time" in contest.followed
        meeting.refresh_from_db()
        assert (meeting.state, meeting.ae) == (Meeting.State.CANCELLED, cast.rep(cast.ae))


class TestPage:
    @pytest.fixture(autouse=True)
    def _now(self, time_machine) -> None:
        time_machine.move_to(DECIDED, tick=False)

    def post(self, client, cast: Cast, contest: Contest):
        client.force_login(cast.outside_manager)
        given = {"decision": "uphold_with_another", "reason": "Seen."}
        return client.post(reverse("leads:contest_decide", args=[contest.pk]), given, follow=True)

    def test_says_who_could_continue_and_names_one_on_the_decision(self, cast, client):
        other = second(cast)
        contest = opened(cast, rejected(cast, slot=SOON))
        client.force_login(cast.outside_manager)
        page = client.get(reverse("leads:contest", args=[contest.pk])).content.decode()
        assert "Second Ae</b>: free" in page
        assert "Rejected it" in page
        page = self.post(client, cast, contest).content.decode()
        assert "Why Second Ae continues" in page
        client.force_login(other.user)
        assert client.get(reverse("leads:contest", args=[contest.pk])).status_code == 200
        assert (
            "continues with it"
            in client.get(reverse("leads:hand_off", args=[contest.hand_off_id])).content.decode()
        )

    def test_says_at_the_field_that_nobody_else_can(self, cast, client):
        contest = opened(cast, rejected(cast, slot=SOON))
        leaves(second(cast))
        response = self.post(client, cast, contest)
        assert response.status_code == 409
        assert "No other AE may take this" in response.content.decode()
        assert Contest.objects.get().is_open

    def test_the_list_of_who_could_is_what_routing_then_says(self, cast):
        other = second(cast)
        contest = opened(cast, rejected(cast, slot=SOON))
        found = selectors.others_for(contest, now=DECIDED)
        assert (found.free, found.is_the_meetings) == (["Second Ae"], True)
        assert decide(contest).hand_off.successor == other

    def test_the_api_decides_it_and_names_who_continues(self, cast, client):
        contest = opened(cast, rejected(cast, slot=SOON))
        client.force_login(cast.outside_manager)
        done = client.post(
            reverse("api:contest_decide", args=[contest.pk]),
            {"decision": "uphold_with_another", "reason": "Seen."},
            content_type="application/json",
        )
        assert done.status_code == 200, done.content
        assert done.json()["continues_with"] == "Second Ae"


def test_what_is_behind_a_pattern_is_the_answering_aes_alone(cast: Cast) -> None:
    """Who continues sees the hand-off, but in no figure of how they answer."""
    other = second(cast)
    decide(opened(cast, rejected(cast, slot=SOON)))
    period = month_of(NOW.date())
    assert behind(cast.ae, period=period).count() == 1
    assert behind(other.user, period=period).count() == 0
    assert HandOff.objects.visible_to(other.user).count() == 1
