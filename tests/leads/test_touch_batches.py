"""Many touches in one call are what the same touches are one by one."""

from datetime import timedelta
from typing import Any

import pytest

from apps.leads.models import Channel, Disposition, EventKind, FunnelEvent, Lead, LeadStage, Source, Touch
from apps.leads.services import intake
from apps.leads.services.touches import NewTouch, UnableToTouch, log_touch, log_touches
from tests.cast import NOW, Cast

_PLACE = (
    "stage", "stage_reason", "owner_id", "touch_count", "first_touch_at", "last_touch_at", "next_channel",
    "next_touch_at", "callback_at", "reentry_on", "queue_bucket", "queue_sort_at", "queue_ready_at",
)  # fmt: skip


def _lead(cast: Cast, number: int, **fields: Any) -> Lead:
    lead, _ = intake.take_in(
        incoming=intake.Incoming(email=f"someone@company-{number}.example", source="Demo request"),
        team=cast.sdr_team,
        at=NOW,
        source=Source.IMPORT,
        source_key=f"lead:{number}",
    )
    Lead.objects.filter(pk=lead.pk).update(source_system="crm", external_id=f"L-{number}", **fields)
    return lead


def _walk(cast: Cast, lead: Lead) -> list[NewTouch]:
    rep = cast.rep(cast.sdr)
    said = (Disposition.VOICEMAIL, Disposition.SENT, Disposition.NOT_NOW)
    return [
        NewTouch(
            lead,
            rep,
            Channel.CALL,
            disposition,
            NOW + timedelta(hours=hours),
            request_key=f"{lead.pk}:{hours}",
        )
        for hours, disposition in enumerate(said, 1)
    ]


class TestLogTouches:
    def test_leaves_leads_as_one_by_one_does(self, cast: Cast) -> None:
        batched, single = _lead(cast, 1), _lead(cast, 2)
        log_touches(touches=_walk(cast, batched))
        for new in _walk(cast, single):
            log_touch(lead=single, rep=new.rep, channel=new.channel, disposition=new.disposition, at=new.at)
        both = Lead.objects.filter(pk__in=(batched.pk, single.pk)).order_by("pk").values(*_PLACE)
        assert both[0] == both[1]
        assert both[0]["stage"] == LeadStage.RECYCLED

    def test_records_each_touch_when_it_was_made(self, cast: Cast) -> None:
        log_touches(touches=[*_walk(cast, _lead(cast, 1)), *_walk(cast, _lead(cast, 2))])
        events = FunnelEvent.objects.filter(kind=EventKind.TOUCHED).order_by("pk")
        assert [event.recorded_at - NOW for event in events] == [timedelta(hours=n) for n in (1, 2, 3)] * 2
        assert all(event.recorded_at == event.occurred_at for event in events)
        assert all(event.credits.get().share == 1_000_000 for event in events)

    def test_logs_a_request_once(self, cast: Cast) -> None:
        walk = _walk(cast, _lead(cast, 1))
        first = log_touches(touches=[walk[0], walk[0]])
        again = log_touches(touches=[walk[0]])
        assert {touch.pk for touch in (*first, *again)} == {Touch.objects.get().pk}

    def test_logs_none_when_one_is_refused(self, cast: Cast) -> None:
        fine, gone = _lead(cast, 1), _lead(cast, 2, do_not_contact=True, queue_bucket=None)
        with pytest.raises(UnableToTouch, match="opted out"):
            log_touches(touches=[*_walk(cast, fine), *_walk(cast, gone)])
        assert not Touch.objects.exists()

    def test_takes_as_many_statements_for_many(self, cast: Cast, django_assert_max_num_queries: Any) -> None:
        walks = [touch for number in range(1, 21) for touch in _walk(cast, _lead(cast, number))]
        with django_assert_max_num_queries(30):
            log_touches(touches=walks)
