"""Visits to the site: recorded once, attributed to what caused them, and what they do to their lead."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.leads.models import (
    Channel,
    Disposition,
    EventKind,
    FunnelEvent,
    Lead,
    LeadStage,
    Source,
    Touch,
)
from apps.leads.services import intake, touches, visits
from apps.leads.services.visits import NewVisit, record_visits
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=2)


def arrived(cast: Cast, word: str = "brightmoor", **more: Any) -> Lead:
    told = {"title": "Clerk", "company": word.title(), "industry": "Logistics", "is_inbound": False}
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name="Hanna Vogel", email=f"hanna@{word}.example", source="Purchased list", **(told | more)
        ),
        team=cast.sdr_team,
        at=NOW - timedelta(days=20),
        source=Source.PAGE,
        source_key=f"form:{word}",
        owner=cast.rep(cast.sdr),
    )
    return lead


def emailed(cast: Cast, lead: Lead, at: datetime = NOW, channel: Channel = Channel.EMAIL) -> Touch:
    return touches.log_touch(
        lead=lead, rep=cast.rep(cast.sdr), channel=channel, disposition=Disposition.SENT, at=at
    )


def visit(lead: Lead, at: datetime = LATER, **more: Any) -> NewVisit:
    return NewVisit(lead=lead, occurred_at=at, page="/pricing?email=hanna%40x", **more)


class TestRecord:
    def test_writes_the_event_with_its_cause_and_credits_the_rep(self, cast: Cast) -> None:
        lead = arrived(cast)
        touch = emailed(cast, lead)
        (found,) = record_visits(visits=[visit(lead)], at=LATER)
        assert found.event is not None
        assert found.event.kind == EventKind.VISITED
        assert found.event.data == {
            "page": "/pricing",
            "cause": "touch",
            "touch": touch.pk,
            "channel": "email",
        }
        credit = found.event.credits.get()
        assert (credit.rep, credit.capacity) == (cast.rep(cast.sdr), "sourced")

    def test_credits_nobody_for_a_campaign_or_an_unknown_cause(self, cast: Cast) -> None:
        lead = arrived(cast)
        record_visits(visits=[visit(lead, campaign="Retargeting"), visit(lead, NOW)], at=LATER)
        events = FunnelEvent.objects.filter(kind=EventKind.VISITED).order_by("occurred_at")
        assert [event.data["cause"] for event in events] == ["unknown", "campaign"]
        assert not any(event.credits.exists() for event in events)

    def test_an_undone_touch_causes_nothing(self, cast: Cast) -> None:
        lead = arrived(cast)
        touch = emailed(cast, lead)
        touches.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=NOW + timedelta(minutes=2))
        (found,) = record_visits(visits=[visit(lead)], at=LATER)
        assert found.event is not None
        assert found.event.data["cause"] == "unknown"

    def test_keeps_its_cause_when_the_touch_is_undone_later(self, cast: Cast) -> None:
        lead = arrived(cast)
        touch = emailed(cast, lead)
        (found,) = record_visits(visits=[visit(lead, NOW)], at=NOW)
        touches.undo_touch(touch=touch, rep=cast.rep(cast.sdr), at=NOW + timedelta(minutes=2))
        assert found.event is not None
        assert FunnelEvent.objects.get(pk=found.event.pk).data["cause"] == "touch"

    def test_the_window_is_a_setting(self, cast: Cast, settings: Any) -> None:
        settings.OUTREACH_WINDOW_DAYS = 1
        lead = arrived(cast)
        emailed(cast, lead, LATER - timedelta(days=1))
        (found,) = record_visits(visits=[visit(lead)], at=LATER)
        assert found.event is not None
        assert found.event.data["cause"] == "unknown"


class TestOnce:
    def test_the_same_visit_sent_again_is_the_same_event(self, cast: Cast) -> None:
        lead = arrived(cast)
        (first,) = record_visits(visits=[visit(lead)], at=LATER)
        again = record_visits(visits=[visit(lead), visit(lead)], at=LATER + timedelta(days=1))
        assert (first.is_new, [one.is_new for one in again]) == (True, [False, False])
        assert {one.event for one in again} == {first.event}
        lead.refresh_from_db()
        assert lead.visit_count == 1

    def test_twice_in_one_batch_is_written_once(self, cast: Cast) -> None:
        lead = arrived(cast)
        found = record_visits(visits=[visit(lead, key="a"), visit(lead, key="a")], at=LATER)
        assert [one.is_new for one in found] == [True, False]
        assert FunnelEvent.objects.filter(kind=EventKind.VISITED).count() == 1

    def test_refuses_a_key_that_named_another_visit_and_keeps_the_others(self, cast: Cast) -> None:
        lead, other = arrived(cast), arrived(cast, "caldmoor")
        record_visits(visits=[visit(lead, key="a")], at=LATER)
        wrong, good = record_visits(visits=[visit(other, key="a"), visit(other, key="b")], at=LATER)
        assert (wrong.field, wrong.event) == ("key", None)
        assert good.is_new

    def test_refuses_a_visit_to_come(self, cast: Cast) -> None:
        lead = arrived(cast)
        (found,) = record_visits(visits=[visit(lead, LATER + timedelta(hours=1))], at=LATER)
        assert (found.field, found.refused) == ("occurred_at", "This visit is still to come.")
        lead.refresh_from_db()
        assert lead.visit_count == 0


class TestWhatItDoesToItsLead:
    def test_moves_a_worked_leads_next_touch_up_to_now(self, cast: Cast) -> None:
        lead = arrived(cast)
        emailed(cast, lead)
        record_visits(visits=[visit(lead, LATER - timedelta(minutes=12))], at=LATER)
        lead.refresh_from_db()
        assert lead.next_touch_at == lead.queue_sort_at == LATER
        assert (lead.visit_count, lead.last_visit_at) == (1, LATER - timedelta(minutes=12))

    def test_leaves_the_next_touch_where_it_is_for_an_old_visit(self, cast: Cast) -> None:
        lead = arrived(cast)
        emailed(cast, lead, NOW - timedelta(days=2))
        lead.refresh_from_db()
        planned = lead.next_touch_at
        record_visits(visits=[visit(lead, LATER - timedelta(hours=25))], at=LATER)
        lead.refresh_from_db()
        assert lead.next_touch_at == planned

    def test_leaves_a_promised_callback_where_it_was_promised(self, cast: Cast) -> None:
        lead = arrived(cast)
        promised = NOW + timedelta(days=1)
        touches.log_touch(
            lead=lead,
            rep=cast.rep(cast.sdr),
            channel=Channel.CALL,
            disposition=Disposition.CALL_BACK,
            at=NOW,
            callback_at=promised,
        )
        record_visits(visits=[visit(lead)], at=LATER)
        lead.refresh_from_db()
        assert (lead.callback_at, lead.queue_sort_at) == (promised, promised)

    def test_of_somebody_who_opted_out_is_recorded_and_never_offered(self, cast: Cast) -> None:
        lead = arrived(cast)
        touches.log_touch(
            lead=lead,
            rep=cast.rep(cast.sdr),
            channel=Channel.EMAIL,
            disposition=Disposition.OPT_OUT,
            at=NOW,
        )
        (found,) = record_visits(visits=[visit(lead)], at=LATER)
        assert found.is_new
        lead.refresh_from_db()
        assert (lead.visit_count, lead.queue_bucket, lead.do_not_contact) == (1, None, True)

    def test_counts_into_the_score_and_may_make_an_mql(self, cast: Cast) -> None:
        lead = arrived(cast)
        before = lead.score_points
        assert lead.stage == LeadStage.MCL
        for hours in range(12):
            record_visits(visits=[visit(lead, LATER - timedelta(hours=hours))], at=LATER)
        lead.refresh_from_db()
        assert lead.score_points > before
        assert any(words for kind, words, points in lead.score_reasons if "visit" in words.lower())
        became = FunnelEvent.objects.filter(lead=lead, kind=EventKind.MQL).count()
        assert became == (1 if lead.mql_at else 0)

    def test_of_a_merged_lead_is_its_survivors(self, cast: Cast) -> None:
        survivor, absorbed = arrived(cast), arrived(cast, "caldmoor")
        touch = emailed(cast, absorbed)
        Lead.objects.filter(pk=absorbed.pk).update(
            merged_into=survivor, queue_bucket=None, queue_sort_at=None, queue_ready_at=None
        )
        (found,) = record_visits(visits=[visit(absorbed)], at=LATER)
        assert found.event is not None
        assert (found.event.lead, found.event.data["touch"]) == (survivor, touch.pk)


class TestCameToAnEvent:
    def test_counts_into_the_score_and_moves_the_next_touch_up_but_is_no_visit(self, cast: Cast) -> None:
        lead = arrived(cast)
        emailed(cast, lead)
        lead.refresh_from_db()
        before = lead.score_points
        (found,) = record_visits(
            visits=[NewVisit(lead=lead, occurred_at=LATER, event="What the audit asks")], at=LATER
        )
        assert found.event is not None
        assert (found.event.kind, found.event.data["event"]) == (EventKind.ATTENDED, "What the audit asks")
        lead.refresh_from_db()
        assert lead.score_points > before
        assert (lead.next_touch_at, lead.visit_count, lead.last_visit_at) == (LATER, 0, None)


class TestMany:
    def _statements(self, cast: Cast, count: int, capture: Any) -> int:
        leads = [arrived(cast, f"lead{count}x{place}") for place in range(count)]
        for lead in leads[::2]:
            emailed(cast, lead)
        with capture as captured:
            found = record_visits(visits=[visit(lead) for lead in leads], at=LATER)
        assert all(one.is_new for one in found)
        return len(captured)

    def test_take_as_many_statements_as_a_few(self, cast: Cast, django_capture_on_commit_callbacks) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        few = self._statements(cast, 6, CaptureQueriesContext(connection))
        many = self._statements(cast, 30, CaptureQueriesContext(connection))
        assert many <= few + 1

    def test_use_the_window_of_the_settings(self) -> None:
        assert visits.window() == timedelta(days=14)
