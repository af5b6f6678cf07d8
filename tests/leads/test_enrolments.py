"""Leads in cadences: who may be enrolled, how touches move them on, pauses, the way out, and undo."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections

from apps.core.errors import InvalidInput
from apps.leads import tasks
from apps.leads.models import (
    Cadence,
    Channel,
    Disposition,
    Enrolment,
    EnrolmentAct,
    Lead,
    LeadStage,
    Purpose,
    QueueBucket,
    Touch,
)
from apps.leads.services import (
    booking,
    cadences,
    enrolments,
    qualifications,
    queue,
    suppressions,
    sweeping,
    throttles,
    touches,
)
from tests.cast import NOW, Cast, assemble
from tests.leads.test_cadences import given_cadence
from tests.leads.test_touches import arrive

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS: list[dict[str, Any]] = [
    {"channel": "email"},
    {"channel": "call", "wait_hours": 2, "purpose": "qualify"},
    {"channel": "social", "wait_days": 1, "when": "not_reached"},
    {"channel": "email", "wait_days": 1, "when": "visited"},
    {"channel": "call", "wait_days": 1},
]


def cadence_of(cast: Cast, **change: Any) -> Cadence:
    given = given_cadence(motion="outbound", conditions=[], steps=STEPS) | change
    return cadences.create_cadence(**given, at=NOW - DAY, actor=cast.revops)


def own(cast: Cast, number: int = 1, **known: Any) -> Lead:
    """An outbound lead of the SDR's own, untouched."""
    lead = arrive(cast, number, is_inbound=False, source="List", **known)
    Lead.objects.filter(pk=lead.pk).update(owner=cast.rep(cast.sdr))
    lead.refresh_from_db()
    return lead


def enrolled(cast: Cast, lead: Lead, **change: Any) -> Enrolment:
    found = enrolments.enrol(leads=[lead], cadence=cadence_of(cast, **change), at=NOW, actor=cast.sdr)
    assert found.refusals == []
    return found.enrolments[0]


def log(cast: Cast, lead: Lead, channel: str, disposition: str, at: Any = NOW, **more: Any) -> Touch:
    return touches.log_touch(
        lead=lead, rep=cast.rep(cast.sdr), channel=channel, disposition=disposition, at=at,
        actor=cast.sdr, **more
    )  # fmt: skip


def acts(enrolment: Enrolment) -> list[tuple[str, int]]:
    return list(enrolment.acts.order_by("pk").values_list("kind", "step"))


class TestEnrol:
    def test_plans_the_first_step(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        lead.refresh_from_db()
        assert (enrolment.state, enrolment.step, enrolment.due_at) == ("active", 1, NOW)
        assert (lead.next_channel, lead.next_touch_at) == ("email", NOW)
        assert acts(enrolment) == [("enrolled", 1)]

    def test_enrols_the_good_ones_and_refuses_each_of_the_others_by_name(self, cast: Cast) -> None:
        good, opted_out, finished, merged, anothers, in_one, resting, shut = (
            own(cast, number, name=f"Person {number}") for number in range(1, 9)
        )
        Lead.objects.filter(pk=opted_out.pk).update(do_not_contact=True, queue_bucket=None)
        Lead.objects.filter(pk=finished.pk).update(stage=LeadStage.DISQUALIFIED)
        Lead.objects.filter(pk=merged.pk).update(merged_into=good, queue_bucket=None)
        Lead.objects.filter(pk=anothers.pk).update(owner=cast.rep(cast.teammate))
        enrolled(cast, in_one, name="Another cadence")
        log(cast, resting, "email", "not_now", NOW - DAY)
        Lead.objects.filter(pk=shut.pk).update(closed_channels=["call", "email", "social", "chat"])
        found = enrolments.enrol(
            leads=[good, opted_out, finished, merged, anothers, in_one, resting, shut],
            cadence=cadence_of(cast),
            at=NOW,
            actor=cast.sdr,
        )
        assert [one.lead for one in found.enrolments] == [good]
        why = {refusal.lead.pk: refusal.why for refusal in found.refusals}
        for lead, words in (
            (opted_out, "opted out"),
            (finished, "is disqualified"),
            (merged, "merged into another"),
            (anothers, "Teammate works this lead"),
            (in_one, "in a cadence already"),
            (resting, "in nurture until"),
            (shut, "closed every channel"),
        ):
            assert words in why[lead.pk]
            assert lead.name in why[lead.pk]

    def test_refuses_a_retired_cadence(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        cadences.retire(cadence=cadence, at=NOW, actor=cast.revops)
        with pytest.raises(enrolments.UnableToEnrol, match="retired"):
            enrolments.enrol(leads=[own(cast)], cadence=cadence, at=NOW, actor=cast.revops)

    def test_waits_for_a_promised_callback(self, cast: Cast) -> None:
        lead = own(cast)
        log(cast, lead, "call", "call_back", callback_at=NOW + 3 * HOUR)
        enrolment = enrolled(cast, lead)
        lead.refresh_from_db()
        assert (enrolment.state, lead.queue_bucket) == ("paused", QueueBucket.CALLBACK)
        log(cast, lead, "call", "voicemail", NOW + 3 * HOUR)
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        assert (enrolment.state, enrolment.step, lead.next_channel) == ("active", 1, "email")

    def test_goes_round_a_closed_channel(self, cast: Cast) -> None:
        lead = own(cast)
        Lead.objects.filter(pk=lead.pk).update(closed_channels=["email"])
        enrolled(cast, lead)
        lead.refresh_from_db()
        assert lead.next_channel == "social"

    def test_takes_as_many_statements_for_many(self, cast: Cast, django_assert_max_num_queries: Any) -> None:
        leads = [own(cast, number) for number in range(1, 31)]
        cadence = cadence_of(cast)
        with django_assert_max_num_queries(20):
            found = enrolments.enrol(leads=leads, cadence=cadence, at=NOW, actor=cast.sdr)
        assert len(found.enrolments) == 30


class TestOnArrival:
    def test_the_first_matching_cadence_by_position_takes_who_comes(self, cast: Cast) -> None:
        by_itself = {"motion": "inbound", "enrols_by_itself": True}
        cadence_of(cast, name="Retail", position=1, **by_itself,
                   conditions=[{"field": "industry", "operator": "in", "value": ["Retail"]}])  # fmt: skip
        first = cadence_of(cast, name="All", position=2, **by_itself)
        cadence_of(cast, name="All, later", position=3, **by_itself)
        cadence_of(cast, name="By hand", position=0, motion="inbound")
        lead = arrive(cast, industry="Logistics")
        assert lead.enrolments.get().version.cadence == first
        lead.refresh_from_db()
        assert lead.next_channel == "email"
        assert lead.queue_bucket == QueueBucket.FRESH_INBOUND, "its promise still comes first"
        assert arrive(cast, 2, industry="retail ").enrolments.get().version.cadence.name == "Retail"

    def test_outbound_and_inbound_go_their_own_ways(self, cast: Cast) -> None:
        cadence_of(cast, motion="outbound", enrols_by_itself=True)
        assert not arrive(cast, 1).enrolments.exists()
        assert arrive(cast, 2, is_inbound=False).enrolments.exists()

    def test_the_same_arrival_twice_is_enrolled_once(self, cast: Cast) -> None:
        cadence_of(cast, motion="inbound", enrols_by_itself=True)
        arrive(cast)
        arrive(cast)
        assert Enrolment.objects.count() == 1


class TestTouch:
    def test_over_the_planned_channel_is_the_step_done(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        touch = log(cast, lead, "email", "sent")
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        assert (touch.enrolment, touch.step_number) == (enrolment, 1)
        assert (enrolment.step, enrolment.due_at) == (2, NOW + 2 * HOUR)
        assert (lead.next_channel, lead.next_touch_at, lead.next_purpose) == (
            "call",
            NOW + 2 * HOUR,
            "qualify",
        )
        assert acts(enrolment) == [("enrolled", 1), ("stepped", 1)]

    def test_over_another_channel_counts_and_leaves_the_step_where_it_is(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        touch = log(cast, lead, "social", "sent")
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        assert (touch.enrolment, touch.step_number) == (enrolment, None)
        assert (enrolment.step, enrolment.due_at, lead.next_touch_at) == (1, NOW, NOW)
        assert (lead.attempts, lead.next_channel) == (1, "email")

    def test_takes_its_purpose_from_the_step(self, cast: Cast) -> None:
        lead = own(cast)
        enrolled(cast, lead)
        assert log(cast, lead, "email", "sent").purpose == Purpose.FOLLOW_UP
        assert log(cast, lead, "call", "voicemail", NOW + 2 * HOUR).purpose == Purpose.QUALIFY

    def test_a_talk_passes_over_the_steps_for_those_nobody_reached(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        log(cast, lead, "email", "sent")
        log(cast, lead, "call", "connected", NOW + 2 * HOUR)
        enrolment.refresh_from_db()
        assert (enrolment.state, enrolment.step) == ("active", 4)
        assert acts(enrolment)[-2:] == [("stepped", 2), ("skipped", 3)]

    def test_a_callback_pauses_until_its_touch(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        log(cast, lead, "email", "call_back", callback_at=NOW + 4 * HOUR)
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        assert (enrolment.state, enrolment.step, enrolment.due_at) == ("paused", 2, None)
        assert lead.queue_bucket == QueueBucket.CALLBACK
        log(cast, lead, "call", "voicemail", NOW + 4 * HOUR)
        enrolment.refresh_from_db()
        # Somebody asked for the call, so the third step, for those nobody reached, is passed over.
        assert (enrolment.state, enrolment.step) == ("active", 4)

    def test_the_last_step_finishes_it_and_the_rules_go_on(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead, steps=STEPS[:1])
        log(cast, lead, "email", "sent")
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        assert (enrolment.state, enrolment.ended_at) == ("finished", NOW)
        assert lead.next_channel == "call"
        assert lead.next_touch_at is not None
        assert lead.next_touch_at > NOW

    @pytest.mark.parametrize("disposition", ["not_a_fit", "not_now", "opt_out"])
    def test_what_ends_the_lead_ends_it(self, cast: Cast, disposition: str) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        log(cast, lead, "email", disposition)
        enrolment.refresh_from_db()
        assert (enrolment.state, enrolment.due_at, enrolment.check_at) == ("removed", None, None)
        assert acts(enrolment) == [("enrolled", 1), ("stepped", 1), ("removed", 1)]

    def test_bad_data_sends_the_next_step_another_way(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead, steps=[STEPS[1], STEPS[1], STEPS[1]])
        log(cast, lead, "call", "bad_contact", NOW + 2 * HOUR)
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        assert (enrolment.step, lead.next_channel) == (2, "email"), "it was the call that was planned"
        log(cast, lead, "email", "sent", NOW + 4 * HOUR)
        enrolment.refresh_from_db()
        assert enrolment.step == 3

    def test_many_in_one_call_are_as_one_by_one(self, cast: Cast) -> None:
        cadence, leads = cadence_of(cast), [own(cast, 1), own(cast, 2)]
        enrolments.enrol(leads=leads, cadence=cadence, at=NOW, actor=cast.sdr)
        walk = [("email", "sent", 0), ("social", "sent", 1), ("call", "voicemail", 2), ("social", "sent", 3)]
        made = [
            touches.NewTouch(leads[0], cast.rep(cast.sdr), Channel(c), Disposition(d), NOW + h * HOUR)
            for c, d, h in walk
        ]
        touches.log_touches(touches=made)
        for channel, disposition, hours in walk:
            log(cast, leads[1], channel, disposition, NOW + hours * HOUR)
        fields = ("state", "step", "due_at", "check_at", "resumes_on", "reason")
        both = list(Enrolment.objects.order_by("lead_id").values(*fields))
        assert both[0] == both[1]
        first, second = Enrolment.objects.order_by("lead_id")
        assert acts(first) == acts(second)

    def test_costs_no_statement_for_each(self, cast: Cast, django_assert_max_num_queries: Any) -> None:
        leads = [own(cast, number) for number in range(1, 31)]
        enrolments.enrol(leads=leads, cadence=cadence_of(cast), at=NOW, actor=cast.sdr)
        throttles.set_throttle(kind="steps", most=7, at=NOW, actor=cast.revops)
        rep = cast.rep(cast.sdr)
        made = [touches.NewTouch(lead, rep, Channel.EMAIL, Disposition.SENT, NOW) for lead in leads]
        with django_assert_max_num_queries(29):
            touches.log_touches(touches=made)


class TestOtherDoors:
    def test_who_qualifies_is_booked_or_opts_out_elsewhere_is_in_no_cadence_any_more(
        self, cast: Cast
    ) -> None:
        cadence = cadence_of(cast)
        qualified, closed = own(cast, 1), own(cast, 2)
        enrolments.enrol(leads=[qualified, closed], cadence=cadence, at=NOW, actor=cast.sdr)
        answers = {
            key: qualifications.Answer("met", "yes") for key in ("budget", "authority", "need", "timeframe")
        }
        qualifications.qualify(lead=qualified, rep=cast.rep(cast.sdr), answers=answers, at=NOW + HOUR)
        suppressions.suppress(
            kind="email", value=closed.email, reason="opt_out", at=NOW + HOUR, actor=cast.revops
        )
        assert not Enrolment.objects.open().exists()
        assert {one.reason for one in Enrolment.objects.all()} == {"Qualified", "Do not contact"}
        starts_at = booking.offered_slots(lead=qualified, at=NOW + HOUR)[0].starts_at
        booking.book_meeting(lead=qualified, sdr=cast.rep(cast.sdr), starts_at=starts_at, at=NOW + HOUR)

    def test_no_door_enrols_whom_nobody_may_contact(self, cast: Cast) -> None:
        cadence = cadence_of(cast, motion="inbound", enrols_by_itself=True)
        suppressions.suppress(
            kind="domain", value="brightmoor.example", reason="legal", at=NOW, actor=cast.revops
        )
        lead = arrive(cast)
        assert lead.do_not_contact
        found = enrolments.enrol(leads=[lead], cadence=cadence, at=NOW, actor=cast.revops)
        assert not Enrolment.objects.exists()
        assert "opted out" in found.refusals[0].why


class TestPauseResumeRemove:
    def test_a_pause_until_a_day_rests_the_lead_and_ends_by_itself(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        enrolments.pause(
            enrolment=enrolment, until=date(2026, 11, 17), reason="On leave", at=NOW, actor=cast.sdr
        )
        assert not Lead.objects.queued(NOW + 4 * DAY).filter(next_channel="email", queue_bucket=3).exists()
        assert sweeping.resume_due(at=NOW + 4 * DAY) == 0
        assert sweeping.resume_due(at=NOW + 5 * DAY) == 1
        assert sweeping.resume_due(at=NOW + 5 * DAY) == 0
        enrolment.refresh_from_db()
        assert (enrolment.state, enrolment.step, enrolment.due_at) == ("active", 1, NOW + 5 * DAY)
        assert acts(enrolment) == [("enrolled", 1), ("paused", 1), ("resumed", 1)]

    def test_an_open_pause_waits_for_somebody(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        enrolments.pause(enrolment=enrolment, until=None, reason="Tender", at=NOW, actor=cast.sdr)
        assert sweeping.sweep(at=NOW + 300 * DAY)["resumed"] == 0
        log(cast, lead, "email", "sent", NOW + HOUR)
        enrolment.refresh_from_db()
        assert (enrolment.state, enrolment.step) == ("paused", 1), "touches meanwhile are attempts"
        enrolments.resume(enrolment=enrolment, at=NOW + 2 * HOUR, actor=cast.sdr)
        enrolment.refresh_from_db()
        assert (enrolment.state, enrolment.due_at) == ("active", NOW + 2 * HOUR)

    def test_removal_keeps_its_reason_and_the_lead_its_plan(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        enrolments.remove(enrolment=enrolment, reason="Wrong cadence", at=NOW, actor=cast.sdr)
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        assert (enrolment.state, enrolment.reason, lead.next_touch_at) == ("removed", "Wrong cadence", NOW)
        act = enrolment.acts.get(kind="removed")
        assert (act.by, act.reason) == (cast.sdr, "Wrong cadence")

    def test_refuses_what_the_state_does_not_allow(self, cast: Cast) -> None:
        enrolment = enrolled(cast, own(cast))
        with pytest.raises(enrolments.EnrolmentMovedOn, match="active"):
            enrolments.resume(enrolment=enrolment, at=NOW)
        with pytest.raises(InvalidInput, match="still to come"):
            enrolments.pause(enrolment=enrolment, until=NOW.date(), reason="x", at=NOW)
        for verb in (
            lambda: enrolments.pause(enrolment=enrolment, until=None, reason=" ", at=NOW),
            lambda: enrolments.remove(enrolment=enrolment, reason="", at=NOW),
        ):
            with pytest.raises(InvalidInput) as refused:
                verb()
            assert refused.value.field == "reason"
        enrolments.remove(enrolment=enrolment, reason="x", at=NOW)
        with pytest.raises(enrolments.EnrolmentMovedOn, match="removed"):
            enrolments.remove(enrolment=enrolment, reason="x", at=NOW)


class TestConditionsFallDue:
    def _at_step_4(self, cast: Cast) -> tuple[Lead, Enrolment]:
        lead = own(cast)
        enrolment = enrolled(cast, lead, steps=STEPS[2:])
        log(cast, lead, "social", "sent", NOW)
        enrolment.refresh_from_db()
        assert enrolment.check_at == enrolment.due_at == NOW + DAY
        return lead, enrolment

    def test_a_step_whose_condition_fails_is_passed_over_when_it_is_due(self, cast: Cast) -> None:
        lead, enrolment = self._at_step_4(cast)
        assert sweeping.check_due(at=NOW + DAY - HOUR) == 0
        assert [sweeping.check_due(at=NOW + DAY) for _ in range(2)] == [1, 0]
        enrolment.refresh_from_db()
        lead.refresh_from_db()
        monday = NOW + 4 * DAY
        assert (enrolment.step, enrolment.due_at, lead.next_touch_at) == (3, monday, monday)
        assert acts(enrolment)[-1] == ("skipped", 2)

    def test_a_step_whose_condition_holds_stays_due(self, cast: Cast) -> None:
        lead, enrolment = self._at_step_4(cast)
        Lead.objects.filter(pk=lead.pk).update(last_visit_at=NOW + HOUR)
        assert sweeping.check_due(at=NOW + DAY) == 0
        enrolment.refresh_from_db()
        assert (enrolment.step, enrolment.check_at, enrolment.due_at) == (2, None, NOW + DAY)

    def test_the_last_step_passed_over_finishes_it_and_the_lead_stays_in_the_queue(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead, steps=STEPS[2:4])
        log(cast, lead, "social", "sent", NOW)
        sweeping.check_due(at=NOW + DAY)
        enrolment.refresh_from_db()
        assert enrolment.state == "finished"
        assert Lead.objects.queued(NOW + DAY).get() == lead


class TestComingBack:
    def _recycled(self, cast: Cast) -> Lead:
        lead = own(cast, time_zone="Europe/Berlin")
        log(cast, lead, "email", "not_now")
        lead.refresh_from_db()
        assert lead.reentry_on == date(2027, 2, 10)
        return lead

    def test_is_offered_on_its_day_without_any_sweep_and_enrolled_by_one(self, cast: Cast) -> None:
        lead = self._recycled(cast)
        cadence_of(cast, motion="recycled", enrols_by_itself=True)
        assert lead.queue_ready_at is not None
        eve, day = lead.queue_ready_at - timedelta(seconds=1), lead.queue_ready_at
        assert not Lead.objects.queued(eve).exists()
        assert sweeping.enrol_returned(at=eve) == 0
        assert Lead.objects.queued(day).get() == lead
        assert [sweeping.enrol_returned(at=day) for _ in range(2)] == [1, 0]
        lead.refresh_from_db()
        assert (lead.queue_bucket, lead.next_channel) == (QueueBucket.RECYCLED, "email")

    def test_counts_attempts_anew_and_keeps_the_count_of_a_lifetime(self, cast: Cast) -> None:
        lead = self._recycled(cast)
        assert (lead.attempts, lead.touch_count) == (0, 1)
        log(cast, lead, "email", "sent", NOW + 90 * DAY)
        lead.refresh_from_db()
        assert (lead.attempts, lead.touch_count, lead.stage) == (1, 2, LeadStage.WORKING)

    def test_who_was_taken_out_again_is_left_alone_and_who_matches_none_too(self, cast: Cast) -> None:
        lead = self._recycled(cast)
        cadence_of(cast, motion="recycled", enrols_by_itself=True, name="Energy",
                   conditions=[{"field": "industry", "operator": "in", "value": ["Energy"]}])  # fmt: skip
        day = NOW + 91 * DAY
        assert sweeping.enrol_returned(at=day) == 0
        Lead.objects.filter(pk=lead.pk).update(industry="Energy")
        assert sweeping.enrol_returned(at=day) == 1
        enrolments.remove(enrolment=lead.enrolments.get(), reason="Called", at=day, actor=cast.sdr)
        assert sweeping.enrol_returned(at=day + DAY) == 0


class TestSchedule:
    def test_the_sweep_stands_in_the_schedule_and_does_all_three(self, cast: Cast) -> None:
        from salesportal.celery import app

        assert tasks.sweep_cadences.name in {entry["task"] for entry in app.conf.beat_schedule.values()}
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        Enrolment.objects.filter(pk=enrolment.pk).update(
            state="paused", due_at=None, resumes_on=date(2026, 11, 13)
        )
        tasks.sweep_cadences()
        enrolment.refresh_from_db()
        assert enrolment.state == "active"


class TestUndo:
    @pytest.mark.parametrize(
        ("channel", "disposition"),
        [
            ("email", "sent"),
            ("social", "sent"),
            ("email", "not_a_fit"),
            ("email", "opt_out"),
            ("email", "connected"),
        ],
    )
    def test_brings_the_cadence_back_too(self, cast: Cast, channel: str, disposition: str) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        lead.refresh_from_db()
        before = Lead.objects.filter(pk=lead.pk).values().get(), Enrolment.objects.values().get()
        touch = log(cast, lead, channel, disposition)
        touches.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=NOW + timedelta(minutes=2), actor=cast.sdr)
        assert (Lead.objects.filter(pk=lead.pk).values().get(), Enrolment.objects.values().get()) == before
        assert acts(enrolment)[-1][0] == "undone"

    def test_is_refused_once_somebody_changed_the_cadence(self, cast: Cast) -> None:
        lead = own(cast)
        enrolment = enrolled(cast, lead)
        touch = log(cast, lead, "email", "sent")
        enrolments.remove(enrolment=enrolment, reason="x", at=NOW + timedelta(minutes=1), actor=cast.sdr)
        with pytest.raises(touches.UnableToUndo, match="Something happened"):
            touches.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=NOW + timedelta(minutes=2))

    def test_does_not_reopen_who_was_closed_otherwise_meanwhile(self, cast: Cast) -> None:
        lead, soon = own(cast), NOW + timedelta(minutes=1)
        enrolment = enrolled(cast, lead)
        touch = log(cast, lead, "email", "sent")
        suppressions.suppress(kind="email", value=lead.email, reason="legal", at=soon, actor=cast.revops)
        touches.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=soon)
        lead.refresh_from_db()
        enrolment.refresh_from_db()
        assert (lead.do_not_contact, lead.queue_bucket, enrolment.state) == (True, None, "removed")
        assert touch.lead.touches.get().undone_at == soon

    def test_of_an_opt_out_keeps_what_another_suppression_closes(self, cast: Cast) -> None:
        lead, soon = own(cast), NOW + timedelta(minutes=1)
        touch = log(cast, lead, "email", "opt_out")
        suppressions.suppress(
            kind="domain", value="brightmoor.example", reason="legal", at=soon, actor=cast.revops
        )
        touches.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=soon)
        lead.refresh_from_db()
        assert (lead.do_not_contact, lead.queue_bucket) == (True, None)
        assert queue.claim_next(rep=cast.rep(cast.sdr), at=soon) is None


def _together(works: list[Callable[[], Any]]) -> tuple[list[Any], list[Exception]]:
    """Do all at the same instant, each on a connection of its own; what came, and what was raised."""
    barrier, came, raised = threading.Barrier(len(works)), [], []

    def run(work: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            came.append(work())
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came, raised


@pytest.mark.django_db(transaction=True)
class TestTogether:
    def test_two_who_enrol_the_same_leads_enrol_each_once(self) -> None:
        cast = assemble()
        leads, cadence = [own(cast, number) for number in range(1, 6)], cadence_of(cast)

        def work() -> int:
            found = enrolments.enrol(leads=leads, cadence=cadence, at=NOW, actor=cast.sdr)
            return len(found.enrolments)

        came, raised = _together([work] * 4)
        assert raised == []
        assert sorted(came) == [0, 0, 0, 5]
        assert EnrolmentAct.objects.filter(kind="enrolled").count() == 5

    def test_a_daily_limit_of_enrolments_is_not_passed(self) -> None:
        cast = assemble()
        throttles.set_throttle(kind="enrolments", most=4, at=NOW, actor=cast.revops)
        leads, cadence = [own(cast, number) for number in range(1, 9)], cadence_of(cast)
        works = [
            lambda lead=lead: enrolments.enrol(leads=[lead], cadence=cadence, at=NOW, actor=cast.sdr)
            for lead in leads
        ]
        came, raised = _together(works)
        assert raised == []
        assert Enrolment.objects.count() == 4
        refused = [refusal.why for one in came for refusal in one.refusals]
        assert len(refused) == 4
        assert all("limit of 4 leads enrolled a day for Sdr" in why for why in refused)

    def test_a_daily_limit_of_steps_is_not_passed(self) -> None:
        cast = assemble()
        throttles.set_throttle(kind="steps", channel="call", most=2, at=NOW, actor=cast.revops)
        leads = [own(cast, number) for number in range(1, 7)]
        enrolments.enrol(leads=leads, cadence=cadence_of(cast), at=NOW, actor=cast.sdr)
        works = [lambda lead=lead: log(cast, lead, "email", "sent") for lead in leads]
        _, raised = _together(works)
        assert raised == []
        days = sorted(Enrolment.objects.values_list("due_at__date", flat=True))
        today, friday, monday = (NOW + n * DAY for n in (0, 1, 4))
        assert days == [today.date()] * 2 + [friday.date()] * 2 + [monday.date()] * 2

    def test_two_sweeps_at_once_do_each_thing_once(self) -> None:
        cast = assemble()
        paused, checked, back = own(cast, 1), own(cast, 2), own(cast, 3)
        cadence = cadence_of(cast, steps=STEPS[2:])
        cadence_of(cast, name="Back", motion="recycled", enrols_by_itself=True)
        enrolments.enrol(leads=[paused, checked], cadence=cadence, at=NOW, actor=cast.sdr)
        enrolments.pause(
            enrolment=paused.enrolments.get(), until=date(2026, 11, 16), reason="x", at=NOW, actor=cast.sdr
        )
        log(cast, checked, "social", "sent")
        log(cast, back, "email", "not_now")
        later = NOW + 95 * DAY
        came, raised = _together([lambda: sweeping.sweep(at=later)] * 4)
        assert raised == []
        # Whoever finds a lead held by the other leaves it to the next sweep.
        came.append(sweeping.sweep(at=later))
        assert {key: sum(one[key] for one in came) for key in came[0]} == {
            "resumed": 1,
            "passed over": 1,
            "back": 1,
        }
        assert EnrolmentAct.objects.filter(kind="resumed").count() == 1
        assert EnrolmentAct.objects.filter(kind="skipped").count() == 1
