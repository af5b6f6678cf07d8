"""Booking writes under an Idempotency-Key: done once, answered alike, and refused for another payload."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core.errors import KeyReused
from apps.leads.models import AnsweredRequest, HandOff, Lead, Meeting, SlotHold
from apps.leads.services import answered_requests, booking
from apps.reps.models import Rep
from tests.api.test_endpoints import post
from tests.cast import NOW, Cast
from tests.leads.test_booking_races import _company, _consistent, _starts
from tests.leads.test_hand_off_races import race

CLIENTS, SLOTS = 24, 6


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def booked(cast: Cast, client: Client) -> tuple[Lead, list[str]]:
    """A qualified lead and the times that are offered, with the SDR signed in."""
    from apps.leads.services import qualifications
    from tests.leads.test_booking import YES
    from tests.leads.test_touches import arrive

    lead = arrive(cast, 1)
    qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=YES, at=NOW)
    client.force_login(cast.sdr)
    return lead, [one.starts_at.isoformat() for one in booking.offered_slots(lead=lead, at=NOW)[:4]]


class TestOneAfterTheOther:
    def test_a_booking_is_answered_word_for_word_and_another_payload_refused(self, client, booked):
        lead, times = booked
        key = {"Idempotency-Key": "book-1"}
        first, again = (post(client, "book", {"starts_at": times[0]}, lead.pk, **key) for _ in range(2))
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        other = post(client, "book", {"starts_at": times[1]}, lead.pk, **key)
        assert (other.status_code, other.json()["title"]) == (409, KeyReused.code)
        assert (HandOff.objects.count(), Meeting.objects.count()) == (1, 1)

    def test_it_is_still_answered_when_the_world_has_gone_on(self, client, booked, cast):
        lead, times = booked
        key = {"Idempotency-Key": "book-1"}
        first = post(client, "book", {"starts_at": times[0]}, lead.pk, **key).json()
        moving = {"starts_at": times[1], "reason": "Later"}
        meeting = HandOff.objects.get().meeting_id
        moved = [
            post(client, "meeting_reschedule", moving, meeting, **{"Idempotency-Key": "m"}) for _ in range(2)
        ]
        assert [one.status_code for one in moved] == [200, 200], moved[1].content
        assert moved[0].json() == moved[1].json()
        assert post(client, "book", {"starts_at": times[0]}, lead.pk, **key).json() == first
        assert Meeting.objects.count() == 2

    def test_hold_cancel_and_close_take_a_key_as_well(self, client, booked, cast):
        lead, times = booked
        held = [
            post(client, "hold_slot", {"starts_at": times[0]}, lead.pk, **{"Idempotency-Key": "h"})
            for _ in range(2)
        ]
        assert held[0].json() == held[1].json()
        assert SlotHold.objects.count() == 1
        post(client, "book", {"starts_at": times[0]}, lead.pk)
        meeting = HandOff.objects.get().meeting_id
        off = {"who": "customer", "reason": "Ill"}
        said = [post(client, "meeting_cancel", off, meeting, **{"Idempotency-Key": "c"}) for _ in range(2)]
        assert [one.status_code for one in said] == [200, 200]
        assert said[0].json() == said[1].json()
        other = post(client, "meeting_cancel", off | {"reason": "Other"}, meeting, **{"Idempotency-Key": "c"})
        assert other.status_code == 409

    def test_what_was_refused_is_asked_anew(self, client, booked):
        lead, times = booked
        key = {"Idempotency-Key": "book-1"}
        Rep.objects.aes().update(daily_meeting_cap=0)
        assert post(client, "book", {"starts_at": times[0]}, lead.pk, **key).status_code == 409
        assert not AnsweredRequest.objects.exists()
        Rep.objects.aes().update(daily_meeting_cap=6)
        assert post(client, "book", {"starts_at": times[0]}, lead.pk, **key).status_code == 200

    def test_keys_are_each_callers_own(self, cast, client, booked):
        lead, times = booked
        key = {"Idempotency-Key": "1"}
        assert post(client, "book", {"starts_at": times[0]}, lead.pk, **key).status_code == 200
        client.force_login(cast.teammate)
        assert post(client, "book", {"starts_at": times[0]}, lead.pk, **key).status_code != 200


@pytest.mark.django_db
class TestKeys:
    def test_a_key_whose_worker_died_is_taken_over_after_a_minute_by_one(self):
        begun = answered_requests.begin(key="api:1:a", asked="x", at=NOW)
        assert isinstance(begun, AnsweredRequest)
        assert answered_requests.begin(key="api:1:a", asked="x", at=NOW + timedelta(seconds=59)) is None
        late = NOW + timedelta(minutes=1)
        assert answered_requests.begin(key="api:1:a", asked="x", at=late) == begun
        assert answered_requests.begin(key="api:1:a", asked="x", at=late) is None

    def test_a_day_later_it_is_forgotten(self):
        answered_requests.begin(key="api:1:a", asked="x", at=NOW)
        assert answered_requests.forget_old_requests(at=NOW + timedelta(days=1)) == 0
        assert answered_requests.forget_old_requests(at=NOW + timedelta(days=1, seconds=1)) == 1


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_clients_over_http_book_each_slot_once(self) -> None:
        cast, leads = _company(CLIENTS)
        Rep.objects.aes().update(weekly_meeting_cap=99, daily_meeting_cap=99)
        starts = _starts(cast, leads[0], SLOTS)
        clients = _clients(cast, CLIENTS)

        def book(number: int) -> Any:
            body = {"starts_at": starts[number % SLOTS].isoformat()}
            return lambda: post(clients[number], "book", body, leads[number].pk)

        answers = race([book(number) for number in range(CLIENTS)])
        assert Counter(one.status_code for one in answers) == {200: 2 * SLOTS, 409: CLIENTS - 2 * SLOTS}, (
            answers
        )
        assert all("Nobody is free" in one.json()["detail"] for one in answers if one.status_code == 409)
        assert set(Counter(Meeting.objects.values_list("starts_at", flat=True)).values()) == {2}
        _consistent()

    def test_one_key_at_once_has_one_effect_and_one_answer(self) -> None:
        cast, (lead, *_) = _company(1)
        first, second = _starts(cast, lead, 2)
        clients = _clients(cast, 8)
        key = {"Idempotency-Key": "at-once"}

        def book(number: int, start: Any) -> Any:
            return lambda: post(clients[number], "book", {"starts_at": start.isoformat()}, lead.pk, **key)

        answers = race([book(number, first) for number in range(8)])
        assert [one.status_code for one in answers] == [200] * 8, answers
        assert len({one.content for one in answers}) == 1
        assert (HandOff.objects.count(), Meeting.objects.count()) == (1, 1)
        assert book(0, second)().status_code == 409
        _consistent()


def _clients(cast: Cast, many: int) -> list[Client]:
    """Browsers of one sign-in: each with its own connection, all with the SDR's session."""
    first = Client()
    first.force_login(cast.sdr)
    found = [Client() for _ in range(many)]
    for one in found:
        one.cookies.update(first.cookies)
    return found
