"""Touches: what each moves, what undo restores, and that a second click is harmless."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Channel, Disposition, EventKind, FunnelEvent, Lead, LeadStage, Source, Touch
from apps.leads.services import booking, intake, qualifications, queue, touches
from tests.cast import NOW, Cast, assemble

VOICEMAIL = {"channel": Channel.CALL, "disposition": Disposition.VOICEMAIL}


def arrive(cast: Cast, number: int = 1, **known: Any) -> Lead:
    """A lead of the SDR team's pool, as a form brings it."""
    known = {
        "company": "Brightmoor",
        "email": f"p{number}@brightmoor.example",
        "source": "Demo request",
    } | known
    return intake.take_in(
        incoming=intake.Incoming(**known),
        team=cast.sdr_team,
        at=NOW,
        source=Source.PAGE,
        source_key=f"form:{number}",
    )[0]


class TestLogTouch:
    @pytest.mark.parametrize(
        ("disposition", "stage", "wait", "channel"),
        [
            (Disposition.CONNECTED, LeadStage.WORKING, timedelta(days=1), "call"),
            (Disposition.VOICEMAIL, LeadStage.WORKING, timedelta(hours=4), "email"),
            (Disposition.NO_ANSWER, LeadStage.WORKING, timedelta(hours=3), "call"),
            (Disposition.GATEKEEPER, LeadStage.WORKING, timedelta(days=1), "call"),
            (Disposition.BAD_CONTACT, LeadStage.WORKING, timedelta(hours=1), "social"),
            # In two days it is Saturday: a call waits for the prospect's Monday morning, eight in Berlin.
            (Disposition.SENT, LeadStage.WORKING, timedelta(days=3, hours=21, minutes=18), "call"),
            (Disposition.NOT_A_FIT, LeadStage.DISQUALIFIED, None, ""),
            (Disposition.NOT_NOW, LeadStage.RECYCLED, None, ""),
            (Disposition.OPT_OUT, LeadStage.DISQUALIFIED, None, ""),
        ],
    )
    def test_each_disposition_decides_the_next_step(
        self, cast: Cast, disposition: Disposition, stage: LeadStage, wait: timedelta | None, channel: str
    ) -> None:
        lead = arrive(cast)
        touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel=Channel.CALL, disposition=disposition, at=NOW
        )
        lead.refresh_from_db()
        assert lead.stage == stage
        assert lead.next_touch_at == (NOW + wait if wait is not None else None)
        assert lead.next_channel == channel
        assert lead.do_not_contact is (disposition == Disposition.OPT_OUT)
        assert (lead.queue_bucket is None) is (stage == LeadStage.DISQUALIFIED)

    def test_the_ninth_without_contact_proposes_and_leaves_the_decision_to_the_sdr(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        for hour in range(9):
            lead.refresh_from_db()
            assert lead.proposal == ""
            touches.log_touch(
                lead=lead, rep=rep, at=NOW + timedelta(minutes=hour), channel="email", disposition="sent"
            )
        lead.refresh_from_db()
        assert (lead.stage, lead.proposal) == (LeadStage.WORKING, "recycle")
        assert lead.proposal_reason == "No contact after 9 touches"
        assert Lead.objects.queued(NOW + timedelta(minutes=9)).get() == lead
        assert not FunnelEvent.objects.filter(kind=EventKind.RECYCLED).exists()

    def test_a_callback_stands_in_the_queue_shortly_before_its_time(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        call = {"lead": lead, "rep": rep, "channel": Channel.CALL, "disposition": Disposition.CALL_BACK}
        for wrong in (None, NOW, NOW - timedelta(minutes=1)):
            with pytest.raises(InvalidInput, match="when to call back"):
                touches.log_touch(at=NOW, callback_at=wrong, **call)
        promised = NOW + timedelta(hours=2)
        touches.log_touch(at=NOW, callback_at=promised, **call)
        in_queue = Lead.objects.queued
        assert not in_queue(promised - timedelta(minutes=16)).exists()
        assert in_queue(promised - timedelta(minutes=15)).get().due_at == promised

    def test_takes_a_lead_of_the_pool_for_whoever_touched_it_first(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        touches.log_touch(lead=lead, rep=rep, at=NOW, **VOICEMAIL)
        with pytest.raises(queue.AnothersLead, match="Sdr works this lead"):
            touches.log_touch(lead=lead, rep=cast.rep(cast.teammate), at=NOW, **VOICEMAIL)
        assert Touch.objects.count() == 1

    def test_leaves_a_lead_to_whoever_holds_it(self, cast: Cast) -> None:
        lead = arrive(cast)
        queue.claim_next(rep=cast.rep(cast.sdr), at=NOW)
        mate = cast.rep(cast.teammate)
        with pytest.raises(queue.AnothersLead, match="right now"):
            touches.log_touch(lead=lead, rep=mate, at=NOW, **VOICEMAIL)
        touches.log_touch(lead=lead, rep=mate, at=NOW + queue.HOLD, **VOICEMAIL)

    @pytest.mark.parametrize("wrong", [{"disposition": "shouted"}, {"channel": "pigeon"}])
    def test_refuses_what_it_does_not_know(self, cast: Cast, wrong: dict[str, str]) -> None:
        with pytest.raises(InvalidInput):
            touches.log_touch(lead=arrive(cast), rep=cast.rep(cast.sdr), at=NOW, **VOICEMAIL | wrong)  # type: ignore[arg-type]

    def test_a_key_that_logged_another_touch_is_refused(self, cast: Cast) -> None:
        first, second, rep = arrive(cast, 1), arrive(cast, 2), cast.rep(cast.sdr)
        touches.log_touch(lead=first, rep=rep, at=NOW, request_key="k", **VOICEMAIL)
        with pytest.raises(InvalidInput, match="reload"):
            touches.log_touch(lead=second, rep=rep, at=NOW, request_key="k", **VOICEMAIL)


class TestUndo:
    def test_restores_the_lead_and_reverses_its_events(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        lead.refresh_from_db()
        before = {field.name: getattr(lead, field.name) for field in Lead._meta.fields}
        touch = touches.log_touch(
            lead=lead, rep=rep, channel=Channel.CALL, disposition=Disposition.OPT_OUT, at=NOW
        )
        touches.undo_touch(touch=touch, rep=rep, at=NOW + timedelta(minutes=10))
        lead.refresh_from_db()
        assert {field.name: getattr(lead, field.name) for field in Lead._meta.fields} == before
        kinds = FunnelEvent.objects.effective().values_list("kind", flat=True)
        assert set(kinds) == {EventKind.COLLECTED, EventKind.MQL} or set(kinds) == {EventKind.COLLECTED}

    def test_is_refused_late_twice_by_another_or_after_something_else(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        touch = touches.log_touch(lead=lead, rep=rep, at=NOW, **VOICEMAIL)
        soon = NOW + timedelta(minutes=1)
        with pytest.raises(touches.UnableToUndo, match="Only the person"):
            touches.undo_touch(touch=touch, rep=cast.rep(cast.teammate), at=soon)
        with pytest.raises(touches.UnableToUndo, match="ten minutes"):
            touches.undo_touch(touch=touch, rep=rep, at=NOW + timedelta(minutes=11))
        answers = {
            key: qualifications.Answer("not_met") for key in ("budget", "authority", "need", "timeframe")
        }
        qualifications.qualify(lead=lead, rep=rep, answers=answers, at=soon)
        with pytest.raises(touches.UnableToUndo, match="Something happened"):
            touches.undo_touch(touch=touch, rep=rep, at=soon)
        other = touches.log_touch(lead=arrive(cast, 2), rep=rep, at=NOW, **VOICEMAIL)
        touches.undo_touch(touch=other, rep=rep, at=soon)
        with pytest.raises(touches.UnableToUndo, match="undone already"):
            touches.undo_touch(touch=other, rep=rep, at=soon)


class TestDoNotContact:
    def test_is_refused_through_every_door(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        touches.log_touch(lead=lead, rep=rep, channel=Channel.CALL, disposition=Disposition.OPT_OUT, at=NOW)
        later = NOW + timedelta(days=200)
        answers = {
            key: qualifications.Answer("met", "yes") for key in ("budget", "authority", "need", "timeframe")
        }
        doors: list[Any] = [
            lambda: touches.log_touch(lead=lead, rep=rep, at=later, **VOICEMAIL),
            lambda: qualifications.qualify(lead=lead, rep=rep, answers=answers, at=later),
            lambda: booking.book_meeting(
                lead=lead, sdr=rep, starts_at=later.replace(minute=0) + timedelta(days=1), at=later
            ),
        ]
        for door in doors:
            with pytest.raises(DomainError, match="opted out"):
                door()
        assert queue.claim_next(rep=rep, at=later) is None
        again, is_new = intake.take_in(
            incoming=intake.Incoming(email="P1@brightmoor.example", source="Demo request"),
            team=cast.sdr_team,
            at=later,
            source=Source.PAGE,
            source_key="form:again",
        )
        assert (again.pk, is_new) == (lead.pk, False)
        assert not Lead.objects.queued(later).exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_instant_log_one_touch() -> None:
    cast = assemble()
    lead, rep = arrive(cast), cast.rep(cast.sdr)
    together, logged, failed = threading.Barrier(6), [], []

    def click() -> None:
        try:
            together.wait()
            touch = touches.log_touch(lead=lead, rep=rep, at=NOW, request_key="one-click", **VOICEMAIL)
            logged.append(touch.pk)
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(logged) == 6
    assert len(set(logged)) == 1
    assert Touch.objects.count() == 1
    assert FunnelEvent.objects.filter(kind=EventKind.TOUCHED).count() == 1
    assert connection.vendor in ("sqlite", "postgresql")
