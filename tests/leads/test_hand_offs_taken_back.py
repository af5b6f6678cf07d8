"""Taking an answer back within a minute: everything as it was, once, and never under what was built on it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Notification
from apps.audit.models import AuditEntry
from apps.leads.models import (
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    Opportunity,
    OpportunityStage,
    RejectionReason,
    TakenSlot,
)
from apps.leads.services import contests, hand_offs, opportunities, qualifications, touches, unanswering
from apps.leads.services.unanswering import UnableToTakeBack
from apps.leads.signals import answer_undoing
from apps.slas.models import Clock, ClockState
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.stage import staged

SOON = NOW + timedelta(seconds=40)


def accept(hand_off: HandOff, cast: Cast, at=NOW, **more) -> Opportunity:
    return hand_offs.accept_hand_off(hand_off=hand_off, at=at, actor=cast.ae, **more)


def reject(hand_off: HandOff, cast: Cast, at=NOW) -> HandOff:
    return hand_offs.reject_hand_off(
        hand_off=hand_off,
        criterion="timeframe",
        reason=RejectionReason.TOO_FAR_OUT,
        comment="A date.",
        at=at,
        actor=cast.ae,
    )


def take_back(hand_off: HandOff, cast: Cast, at=SOON):
    return unanswering.take_answer_back(hand_off=hand_off, at=at, actor=cast.ae)


def standing(hand_off: HandOff) -> dict:
    """What an undone answer must leave as it was."""
    lead = Lead.objects.filter(pk=hand_off.lead_id).values(
        "stage", "stage_reason", "next_touch_at", "next_channel", "queue_bucket", "queue_sort_at", "owner_id"
    )
    own = HandOff.objects.filter(pk=hand_off.pk).values(
        "state", "decided_at", "decided_by", "due_at", "warn_at", "rejected_criterion", "rejection_reason",
        "comment", "contest_until", "answer_before",
    )  # fmt: skip
    meeting = Meeting.objects.filter(pk=hand_off.meeting_id).values("state", "starts_at", "ae_id")
    slots = TakenSlot.objects.filter(meeting=hand_off.meeting_id).order_by("starts_at")
    clock = Clock.objects.filter(hand_off=hand_off).values(
        "state", "due_at", "warn_at", "answered_at", "next_step", "next_step_at", "rep_id"
    )
    return {
        "lead": lead.get(),
        "hand_off": own.get(),
        "meeting": meeting.get(),
        "slots": list(slots.values_list("ae_id", "starts_at")),
        "clock": list(clock),
        "effective": sorted(
            FunnelEvent.objects.filter(hand_off=hand_off).effective().values_list("kind", flat=True)
        ),
    }


@pytest.fixture
@staged
def hand_off(cast: Cast) -> HandOff:
    return handed_off(cast)


class TestTakeAnswerBack:
    @pytest.mark.parametrize("answer", [accept, reject])
    def test_leaves_everything_as_it_was(self, cast, hand_off, answer):
        before = standing(hand_off)
        assert before["clock"][0]["state"] == ClockState.RUNNING
        answer(hand_off, cast)
        assert standing(hand_off) != before
        take_back(hand_off, cast)
        assert standing(hand_off) == before

    def test_withdraws_the_opportunity_and_opens_the_same_one_again(self, cast, hand_off):
        first = accept(hand_off, cast, amount_minor=5_000_00)
        take_back(hand_off, cast)
        first.refresh_from_db()
        assert (first.stage, first.closed_at) == (OpportunityStage.WITHDRAWN, SOON)
        again = accept(hand_off, cast, at=SOON + timedelta(seconds=5), amount_minor=7_000_00)
        assert again.pk == first.pk
        assert (again.stage, again.amount_minor, again.closed_at) == (
            OpportunityStage.STAGE_1,
            7_000_00,
            None,
        )
        assert Opportunity.objects.filter(hand_off=hand_off).count() == 1
        events = FunnelEvent.objects.filter(hand_off=hand_off).effective()
        for kind in (EventKind.ACCEPTED, EventKind.STAGE_1):
            assert events.get(kind=kind).amount_minor == 7_000_00
        assert FunnelEvent.objects.filter(hand_off=hand_off, kind=EventKind.ACCEPTED).count() == 2

    def test_lets_a_withdrawn_acceptance_become_a_rejection(self, cast, hand_off):
        accept(hand_off, cast)
        take_back(hand_off, cast)
        reject(hand_off, cast, at=SOON)
        assert Opportunity.objects.get().stage == OpportunityStage.WITHDRAWN
        assert Lead.objects.get().stage == LeadStage.WORKING

    def test_credits_nobody_for_an_answer_that_was_taken_back(self, cast, hand_off):
        accept(hand_off, cast)
        take_back(hand_off, cast)
        credited = FunnelEvent.objects.effective().filter(kind=EventKind.ACCEPTED)
        assert not credited.filter(credits__rep=cast.rep(cast.sdr)).exists()

    def test_says_when_the_meetings_time_is_taken_meanwhile(self, cast, hand_off):
        reject(hand_off, cast)
        meeting = hand_off.meeting
        other = Meeting.objects.create(
            lead=hand_off.lead,
            ae=meeting.ae,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            state_changed_at=NOW,
        )
        TakenSlot.objects.create(ae=meeting.ae, starts_at=meeting.starts_at, meeting=other)
        back = take_back(hand_off, cast)
        assert back.meeting_back is False
        assert "taken meanwhile" in back.in_words
        meeting.refresh_from_db()
        assert meeting.state == Meeting.State.CANCELLED
        assert HandOff.objects.get(pk=hand_off.pk).state == HandOff.State.PENDING

    def test_is_audited_and_told_to_the_sdr(self, cast, hand_off):
        reject(hand_off, cast)
        take_back(hand_off, cast)
        assert AuditEntry.objects.filter(verb="leads.hand_off.answer_taken_back").count() == 1
        titles = list(
            Notification.objects.filter(user=cast.sdr).order_by("pk").values_list("title", flat=True)
        )
        assert [("rejected" in titles[0]), ("took the answer back" in titles[1])] == [True, True]


class TestRefusals:
    def refused(self, hand_off, cast, at=SOON, words=""):
        before = standing(hand_off)
        with pytest.raises(UnableToTakeBack, match=words):
            take_back(hand_off, cast, at=at)
        assert standing(hand_off) == before

    def test_of_one_that_waits(self, cast, hand_off):
        self.refused(hand_off, cast, words="waits for an answer")

    @pytest.mark.parametrize("answer", [accept, reject])
    def test_after_the_minute(self, cast, hand_off, answer):
        answer(hand_off, cast)
        self.refused(hand_off, cast, at=NOW + timedelta(seconds=60, microseconds=1), words="for a minute")
        take_back(hand_off, cast, at=NOW + timedelta(seconds=60))

    def test_a_second_time(self, cast, hand_off):
        accept(hand_off, cast)
        take_back(hand_off, cast)
        self.refused(hand_off, cast, words="none to take back")

    def test_once_the_opportunity_moved(self, cast, hand_off):
        opportunity = accept(hand_off, cast)
        opportunities.change_amount(opportunity=opportunity, amount_minor=9_00, at=SOON, actor=cast.ae)
        self.refused(hand_off, cast, words="worked on since")

    def test_once_the_sdr_contests(self, cast, hand_off):
        reject(hand_off, cast)
        contests.open_contest(hand_off=hand_off, reason="She said January.", at=SOON, actor=cast.sdr)
        self.refused(hand_off, cast, words="contests this rejection")

    def test_once_the_sdr_worked_the_lead(self, cast, hand_off):
        reject(hand_off, cast)
        touches.log_touch(
            lead=Lead.objects.get(),
            rep=cast.rep(cast.sdr),
            channel="call",
            disposition="connected",
            at=NOW + timedelta(seconds=20),
            they_asked=True,
            actor=cast.sdr,
        )
        self.refused(hand_off, cast, words="worked the lead since")

    def test_once_the_lead_was_qualified_again(self, cast, hand_off):
        reject(hand_off, cast)
        answers = {
            key: qualifications.Answer("met", "Yes") for key in ("budget", "authority", "need", "timeframe")
        }
        qualifications.qualify(
            lead=Lead.objects.get(), rep=cast.rep(cast.sdr), answers=answers, at=NOW + timedelta(seconds=20)
        )
        self.refused(hand_off, cast, words="worked the lead since")

    def test_of_what_was_accepted_by_itself(self, cast, hand_off):
        hand_offs.accept_hand_off(hand_off=hand_off, at=NOW, how="silence")
        self.refused(hand_off, cast, words="not answered by the AE by hand")

    def test_where_somebody_built_on_its_events(self, cast, hand_off):
        accept(hand_off, cast)

        def veto(**_):
            raise hand_offs.UnableToDecide("It was paid.")

        answer_undoing.connect(veto)
        before = standing(hand_off)
        try:
            with pytest.raises(hand_offs.UnableToDecide, match="It was paid"):
                take_back(hand_off, cast)
        finally:
            answer_undoing.disconnect(veto)
        assert standing(hand_off) == before


class TestRoutedMeanwhile:
    def test_is_answered_by_whoever_has_it_now(self, cast, hand_off):
        seen_before = HandOff.objects.get(pk=hand_off.pk)
        HandOff.objects.filter(pk=hand_off.pk).update(ae=cast.rep(cast.second_ae))
        with pytest.raises(hand_offs.UnableToDecide, match="went to Second Ae meanwhile"):
            accept(seen_before, cast)
        assert not Opportunity.objects.exists()


class TestPage:
    @pytest.fixture(autouse=True)
    def _now(self, time_machine):
        time_machine.move_to(NOW, tick=False)

    def page(self, hand_off: HandOff, act: str = "") -> str:
        return reverse(f"leads:hand_off{act}", args=[hand_off.pk])

    def test_offers_the_undo_with_its_seconds(self, cast, hand_off, client: Client, time_machine):
        client.force_login(cast.ae)
        client.post(self.page(hand_off, "_accept"), {"amount": ""})
        time_machine.move_to(NOW + timedelta(seconds=13), tick=False)
        text = client.get(reverse("leads:inbox")).content.decode()
        assert self.page(hand_off, "_undo") in text
        assert "<b data-left>47</b> s left" in text
        time_machine.move_to(NOW + timedelta(seconds=61), tick=False)
        assert self.page(hand_off, "_undo") not in client.get(reverse("leads:inbox")).content.decode()

    def test_takes_it_back_and_opens_it_again(self, cast, hand_off, client: Client):
        client.force_login(cast.ae)
        client.post(self.page(hand_off, "_accept"), {"amount": ""})
        response = client.post(self.page(hand_off, "_undo"), follow=True)
        assert "waits again" in response.content.decode()
        assert response.context["may_decide"]

    def test_refuses_after_the_minute_with_the_reason(self, cast, hand_off, client: Client, time_machine):
        client.force_login(cast.ae)
        client.post(self.page(hand_off, "_accept"), {"amount": ""})
        time_machine.move_to(NOW + timedelta(minutes=2), tick=False)
        response = client.post(self.page(hand_off, "_undo"))
        assert response.status_code == 409
        assert "for a minute" in response.content.decode()

    def test_refuses_a_second_decision_with_who_and_when(self, cast, hand_off, client: Client):
        client.force_login(cast.ae)
        client.post(self.page(hand_off, "_accept"), {"amount": ""})
        text = client.post(self.page(hand_off, "_accept"), {"amount": ""}).content.decode()
        assert "accepted already, by Ae on 12 November 2026 at 10:42 CET" in text

    def test_says_what_follows_from_silence(self, cast, hand_off, client: Client):
        client.force_login(cast.ae)
        text = client.get(self.page(hand_off)).content.decode()
        assert "Without an answer it" in text
        assert "reminds Ae" in text
        assert "tells Manager" in text
