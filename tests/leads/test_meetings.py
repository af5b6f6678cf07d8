"""Meetings: to come, past, and whether the customer came."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.leads.models import EventKind, FunnelEvent, Meeting
from apps.leads.selectors import meetings as selectors
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.stage import staged

PAGE = "leads:meetings"


@pytest.fixture
@staged
def meeting(cast: Cast) -> Meeting:
    return handed_off(cast).meeting


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW, tick=False)


def close(meeting: Meeting) -> str:
    return reverse("leads:meeting_close", args=[meeting.pk])


class TestMeetingsPage:
    def test_keeps_what_is_to_come_apart_from_what_has_begun(self, cast, client, meeting, time_machine):
        client.force_login(cast.ae)
        agenda = client.get(reverse(PAGE)).context["agenda"]
        assert (agenda.open, agenda.coming) == ([], [meeting])
        time_machine.move_to(meeting.starts_at, tick=False)
        response = client.get(reverse(PAGE))
        agenda = response.context["agenda"]
        assert (agenda.open, agenda.coming) == ([meeting], [])
        assert 'value="no_show"' in response.content.decode()

    def test_offers_no_outcome_before_the_start(self, cast, client, meeting):
        client.force_login(cast.ae)
        assert b'value="no_show"' not in client.get(reverse(PAGE)).content

    @pytest.mark.parametrize(
        ("part", "count"),
        [("sdr", 1), ("ae", 1), ("manager", 1), ("revops", 1), ("teammate", 0), ("second_ae", 0),
         ("outside_manager", 0)],
    )  # fmt: skip
    def test_shows_each_the_own(self, cast, client, meeting, part, count):
        client.force_login(getattr(cast, part))
        assert len(client.get(reverse(PAGE)).context["agenda"].coming) == count

    @pytest.mark.parametrize("part", ["finance", "marketing", "am"])
    def test_is_not_for_the_rest(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.get(reverse(PAGE)).status_code == 403

    def test_lists_the_past_by_key(self, cast, client, meeting):
        Meeting.objects.filter(pk=meeting.pk).update(state="held")
        client.force_login(cast.ae)
        assert client.get(reverse(PAGE) + "?show=past").context["page"].rows == [meeting]

    def test_says_what_to_expect_when_there_is_none(self, cast, client):
        client.force_login(cast.ae)
        assert b"No meeting is booked" in client.get(reverse(PAGE)).content
        assert b"No meeting has its outcome yet" in client.get(reverse(PAGE) + "?show=past").content

    def test_asks_a_bounded_number_of_statements(self, cast, client, django_assert_max_num_queries):
        for index, company in enumerate(["Aldous Tools", "Corran Dairy", "Pellworm Wind", "Granica Steel"]):
            handed_off(cast, company, slot=index)
        client.force_login(cast.ae)
        client.get(reverse(PAGE))
        with django_assert_max_num_queries(5 + 2):  # the rail's live counts are two, the bell's among them
            client.get(reverse(PAGE))


class TestCloseMeeting:
    @pytest.mark.parametrize("part", ["ae", "sdr"])
    @pytest.mark.parametrize(("outcome", "kind"), [("held", EventKind.HELD), ("no_show", EventKind.NO_SHOW)])
    def test_records_the_outcome(self, cast, client, meeting, time_machine, part, outcome, kind):
        time_machine.move_to(meeting.starts_at + timedelta(minutes=5), tick=False)
        client.force_login(getattr(cast, part))
        assert client.post(close(meeting), {"outcome": outcome}).status_code == 302
        meeting.refresh_from_db()
        assert meeting.state == outcome
        event = FunnelEvent.objects.get(kind=kind)
        assert event.actor == getattr(cast, part)
        assert {credit.rep.user for credit in event.credits.all()} == {cast.sdr, cast.ae}

    def test_is_refused_before_the_start(self, cast, client, meeting):
        client.force_login(cast.ae)
        response = client.post(close(meeting), {"outcome": "held"})
        assert response.status_code == 409
        assert b"still to come" in response.content

    def test_is_said_once(self, cast, client, meeting, time_machine):
        time_machine.move_to(meeting.starts_at, tick=False)
        client.force_login(cast.ae)
        client.post(close(meeting), {"outcome": "held"})
        assert client.post(close(meeting), {"outcome": "no_show"}).status_code == 409
        assert not FunnelEvent.objects.filter(kind=EventKind.NO_SHOW).exists()

    def test_refuses_another_outcome(self, cast, client, meeting, time_machine):
        time_machine.move_to(meeting.starts_at, tick=False)
        client.force_login(cast.ae)
        assert client.post(close(meeting), {"outcome": "cancelled"}).status_code == 400

    @pytest.mark.parametrize(
        ("part", "status"),
        [("manager", 403), ("revops", 403), ("finance", 403), ("teammate", 404), ("second_ae", 404),
         ("outsider", 404)],
    )  # fmt: skip
    def test_is_for_the_two_who_met(self, cast, client, meeting, part, status):
        client.force_login(getattr(cast, part))
        assert client.post(close(meeting), {"outcome": "held"}).status_code == status


class TestOpenCounts:
    def test_tells_those_without_an_outcome(self, cast, meeting):
        assert [one.count() for one in selectors.open_queries(cast.ae, at=NOW, most=10)] == [1, 0]
        begun = selectors.open_queries(cast.ae, at=meeting.starts_at, most=10)
        assert [one.count() for one in begun] == [1, 1]
