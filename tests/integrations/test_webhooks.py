"""From a fact to a receiver: nothing lost, nothing doubled beyond the same id, nobody else delayed."""

import json
import logging
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from standardwebhooks import Webhook, WebhookVerificationError

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.integrations import webhook_call
from apps.integrations.models import MessageState, WebhookAttempt, WebhookEndpoint, WebhookMessage
from apps.integrations.rules import webhooks as rules
from apps.integrations.services import webhook_outbox, webhook_secrets, webhook_sending, webhooks
from apps.leads.models import EventKind, Lead, Source
from apps.leads.services import intake, record
from apps.leads.services.record import NewEvent
from tests.cast import NOW, Cast
from tests.integrations.receiver import Receiver, hangs, receiving, status

pytestmark = pytest.mark.django_db

ALL = list(rules.TOPICS)
quickly = partial(webhook_call.post, seconds=0.4)
WAITING, DELIVERED, DEAD = MessageState.WAITING, MessageState.DELIVERED, MessageState.DEAD


@pytest.fixture(autouse=True)
def _this_machine_is_allowed(settings):
    settings.WEBHOOK_HOSTS_ALLOWED = ["127.0.0.1"]


def endpoint(cast: Cast, url: str, name: str = "CRM", **given) -> tuple[WebhookEndpoint, str]:
    given = {"kinds": ALL, **given}
    return webhooks.add_endpoint(name=name, url=url, at=NOW, actor=cast.revops, **given)


def a_lead(cast: Cast, name: str = "one", source: Source = Source.PAGE) -> Lead:
    return intake.take_in(
        incoming=intake.Incoming(name="Hanna Vogel", email=f"hanna@{name}.example", company=f"{name} Ltd"),
        team=cast.sdr_team,
        at=NOW,
        source=source,
        source_key=f"form:{name}",
    )[0]


def fact(lead: Lead, number: int, kind: EventKind = EventKind.VISITED, **given):
    event = NewEvent(
        kind=kind, occurred_at=NOW, source=Source.PAGE, source_key=f"f:{lead.pk}:{number}", lead=lead, **given
    )
    return record.record_event(event=event, at=NOW)


def send(after: timedelta = timedelta(), **given) -> int:
    return webhook_sending.send_due(at=NOW + after, **{"call": quickly, **given})


def told(receiver: Receiver) -> list[tuple[int, str]]:
    return [(one.said["data"]["lead"], one.said["type"]) for one in receiver.got]


class TestOutbox:
    def test_a_fact_and_its_message_are_there_together_or_not_at_all(self, cast):
        endpoint(cast, "http://127.0.0.1:9/")
        with transaction.atomic():
            a_lead(cast)
            transaction.set_rollback(True)
        assert WebhookMessage.objects.count() == 0
        a_lead(cast)
        assert set(WebhookMessage.objects.values_list("kind", flat=True)) >= {"lead.collected"}

    def test_each_endpoint_hears_what_it_asked_for_and_no_more(self, cast):
        endpoint(cast, "http://127.0.0.1:9/", name="Visits", kinds=["lead.visited"])
        endpoint(cast, "http://127.0.0.1:9/", name="Leads", kinds=["lead.collected"])
        off, _ = endpoint(cast, "http://127.0.0.1:9/", name="Off")
        WebhookEndpoint.objects.filter(pk=off.pk).update(is_active=False)
        lead = a_lead(cast)
        fact(lead, 1)
        found = WebhookMessage.objects.order_by("pk").values_list("endpoint__name", "kind")
        assert list(found) == [("Leads", "lead.collected"), ("Visits", "lead.visited")]

    def test_history_goes_only_to_who_wants_it(self, cast):
        endpoint(cast, "http://127.0.0.1:9/", name="Today")
        endpoint(cast, "http://127.0.0.1:9/", name="Warehouse", with_history=True)
        a_lead(cast, source=Source.IMPORT)
        assert {one.endpoint.name for one in WebhookMessage.objects.all()} == {"Warehouse"}

    def test_who_heard_of_a_fact_hears_that_it_was_taken_back(self, cast):
        endpoint(cast, "http://127.0.0.1:9/", kinds=["lead.visited"])
        lead = a_lead(cast)
        event = fact(lead, 1)
        record.reverse_event(event=event, reason="It was a robot", at=NOW)
        kinds = WebhookMessage.objects.order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["lead.visited", rules.REVERSED]
        said = json.loads(WebhookMessage.objects.get(kind=rules.REVERSED).body)
        assert said["data"]["reverses"] == event.pk
        assert "robot" not in json.dumps(said)

    def test_no_person_stands_in_a_message(self, cast):
        endpoint(cast, "http://127.0.0.1:9/")
        lead = a_lead(cast)
        fact(lead, 1, EventKind.DISQUALIFIED, data={"reason": "Hanna Vogel left", "score": "B"})
        bodies = " ".join(WebhookMessage.objects.values_list("body", flat=True)).lower()
        assert '"score":"b"' in bodies
        assert not [word for word in ("hanna", "vogel", "one.example", "one ltd", "left") if word in bodies]

    def test_many_facts_take_as_many_statements_as_one(self, cast, django_assert_max_num_queries):
        for name in ("A", "B"):
            endpoint(cast, "http://127.0.0.1:9/", name=name)
        lead = a_lead(cast)
        facts = [
            NewEvent(EventKind.VISITED, NOW, Source.PAGE, f"many:{number}", lead=lead) for number in range(20)
        ]
        before = WebhookMessage.objects.count()
        events = record.record_events(events=facts, at=NOW)
        assert WebhookMessage.objects.count() == before + 40
        WebhookMessage.objects.all().delete()
        with django_assert_max_num_queries(3):
            webhook_outbox.write_messages(events=events, at=NOW)


class TestSignature:
    @pytest.fixture(autouse=True)
    def _now(self, time_machine):
        time_machine.move_to(NOW, tick=True)

    def test_the_receivers_own_library_verifies_it(self, cast):
        with receiving() as receiver:
            _, secret = endpoint(cast, receiver.url)
            lead = a_lead(cast)
            assert send() == 1
        got = receiver.got[0]
        assert secret.startswith("whsec_")
        said = Webhook(secret).verify(got.body, got.headers)
        assert (said["type"], said["data"]["lead"]) == ("lead.collected", lead.pk)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(got.body.replace(b"collected", b"recycled!"), got.headers)

    def test_a_rotated_secret_signs_beside_the_one_before_for_a_day(self, cast):
        with receiving() as receiver:
            crm, first = endpoint(cast, receiver.url)
            _, second = webhooks.rotate_secret(endpoint=crm, at=NOW, actor=cast.revops)
            a_lead(cast)
            send()
            got = receiver.got[0]
            for secret in (first, second):
                Webhook(secret).verify(got.body, got.headers)
            webhooks.rotate_secret(endpoint=crm, at_once=True, at=NOW, actor=cast.revops)
            a_lead(cast, "two")
            send()
            with pytest.raises(WebhookVerificationError):
                Webhook(second).verify(receiver.got[1].body, receiver.got[1].headers)

    def test_neither_the_database_nor_the_log_of_acts_holds_a_secret_or_the_address(self, cast):
        crm, secret = endpoint(cast, "http://127.0.0.1:9/token-of-theirs")
        row = WebhookEndpoint.objects.filter(pk=crm.pk).values().get()
        assert secret not in map(str, row.values())
        entry = AuditEntry.objects.get(verb="integrations.webhook_endpoint.added")
        assert entry.data["host"] == "127.0.0.1"
        assert "token-of-theirs" not in str(entry.data)
        assert secret not in str(entry.data)

    def test_another_key_of_the_installation_is_noticed_and_the_one_before_may_be_named(self, cast, settings):
        with receiving() as receiver:
            crm, secret = endpoint(cast, receiver.url)
            a_lead(cast)
            settings.SECRET_KEY, before = "another", settings.SECRET_KEY
            assert send() == 0
            assert "rotate it" in WebhookMessage.objects.get().last_words
            settings.SECRET_KEY_FALLBACKS = [before]
            assert webhook_secrets.secret_of(salt=crm.secret_salt, check=crm.secret_check) == secret
            assert send(timedelta(minutes=1)) == 1


class TestFailing:
    def test_an_error_is_tried_again_under_the_same_id_until_it_is_taken(self, cast):
        with receiving(status(500)) as receiver:
            endpoint(cast, receiver.url)
            a_lead(cast)
            assert send() == 0
            message = WebhookMessage.objects.get()
            assert (message.state, message.attempts, message.last_status) == (WAITING, 1, 500)
            assert send(timedelta(seconds=1)) == 0
            assert len(receiver.got) == 1, "not before it is due"
            receiver.answer = status(200)
            assert send(timedelta(seconds=7)) == 1
            assert send(timedelta(days=1)) == 0
        message.refresh_from_db()
        assert (message.state, message.attempts) == (DELIVERED, 2)
        assert len(receiver.got) == 2
        assert len(set(receiver.ids)) == 1
        assert receiver.got[0].body == receiver.got[1].body
        assert list(message.tries.values_list("number", "status")) == [(1, 500), (2, 200)]

    def test_after_the_last_attempt_it_is_given_up_seen_and_sent_again_by_hand(self, cast):
        with receiving(status(404)) as receiver:
            endpoint(cast, receiver.url)
            a_lead(cast)
            for day in range(rules.MOST_ATTEMPTS):
                send(timedelta(days=2 * day))
            message = WebhookMessage.objects.get()
            assert (message.state, message.attempts) == (DEAD, rules.MOST_ATTEMPTS)
            assert len(receiver.got) == rules.MOST_ATTEMPTS
            assert send(timedelta(days=99)) == 0
            assert len(receiver.got) == rules.MOST_ATTEMPTS
            receiver.answer = status(200)
            webhooks.send_again(message=message, at=NOW, actor=cast.revops)
            assert send() == 1
        assert len(set(receiver.ids)) == 1
        with pytest.raises(webhooks.UnableToSendAgain):
            webhooks.send_again(message=message, at=NOW, actor=cast.revops)

    def test_a_later_fact_about_the_same_lead_waits_and_another_lead_goes_on(self, cast):
        one, other = a_lead(cast, "one"), a_lead(cast, "two")

        def picky(receiver, got, connection):
            is_bad = got.said["data"]["lead"] == one.pk and len(receiver.got) < 4
            connection.sendall(status(500 if is_bad else 200))

        with receiving(picky) as receiver:
            endpoint(cast, receiver.url, kinds=["lead.visited", "lead.attended"])
            fact(one, 1)
            fact(one, 2, EventKind.ATTENDED)
            fact(other, 3)
            fact(other, 4, EventKind.ATTENDED)
            assert send() == 2
            assert (one.pk, "lead.attended") not in told(receiver)
            assert send(timedelta(minutes=1)) == 2
        of_one = [kind for lead, kind in told(receiver) if lead == one.pk]
        assert of_one == ["lead.visited", "lead.visited", "lead.attended"]
        assert [kind for lead, kind in told(receiver) if lead == other.pk] == [
            "lead.visited",
            "lead.attended",
        ]

    def test_what_is_given_up_lets_the_next_about_its_lead_go(self, cast):
        with receiving(status(500)) as receiver:
            endpoint(cast, receiver.url, kinds=["lead.visited"])
            lead = a_lead(cast)
            fact(lead, 1)
            fact(lead, 2)
            for day in range(rules.MOST_ATTEMPTS):
                send(timedelta(days=2 * day))
            receiver.answer = status(200)
            assert send(timedelta(days=50)) == 1
        states = WebhookMessage.objects.order_by("pk").values_list("state", flat=True)
        assert list(states) == [DEAD, DELIVERED]

    def test_who_hangs_delays_nobody_else_and_rests(self, cast):
        with receiving(hangs) as stuck, receiving() as well:
            endpoint(cast, stuck.url, name="Stuck", kinds=["lead.collected"])
            endpoint(cast, well.url, name="Well", kinds=["lead.collected"])
            for number in range(12):
                a_lead(cast, f"company{number}")
            began = []

            def watched(url, headers, body):
                answer = quickly(url, headers, body)
                began.append((url, len(well.got)))
                return answer

            assert send(call=watched) == 12
            first_timeout = next(count for url, count in began if url == stuck.url)
            assert first_timeout == 12, "all of the others are delivered before the first call has timed out"
            assert len(stuck.got) <= webhook_sending.AT_ONCE
            resting = WebhookEndpoint.objects.get(name="Stuck")
            assert resting.rests_until is not None
            assert resting.served_until is None
            before = len(stuck.got)
            assert send(timedelta(seconds=6)) == 0
            assert len(stuck.got) == before, "it rests as a whole"
            stuck.answer = status(200)
            assert send(timedelta(minutes=5)) == 12
        assert sorted(set(stuck.ids)) == sorted(
            WebhookMessage.objects.filter(endpoint__name="Stuck").values_list("message_id", flat=True)
        )
        resting.refresh_from_db()
        assert (resting.hung_in_a_row, resting.rests_until) == (0, None)

    def test_who_is_told_of_new_facts_while_another_hangs_hears_them_at_once(self, cast):
        with receiving(hangs) as stuck, receiving() as well:
            endpoint(cast, stuck.url, name="Stuck", kinds=["lead.visited"])
            endpoint(cast, well.url, name="Well", kinds=["lead.attended"])
            lead = a_lead(cast)
            fact(lead, 1)
            late = []

            def adds(url, headers, body):
                return partial(webhook_call.post, seconds=1.5)(url, headers, body)

            # The round is under way with the one that hangs when the other's fact comes.
            leased = webhook_sending._Round.take_answers

            def once_more(turn):
                if not late:
                    late.append(fact(lead, 2, EventKind.ATTENDED))
                leased(turn)
                if well.got and not turn.running:
                    late.append("after")
                elif well.got and len(late) == 1:
                    late.append("while it hangs")

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(webhook_sending._Round, "take_answers", once_more)
                send(call=adds)
        assert told(well) == [(lead.pk, "lead.attended")]
        assert late[1] == "while it hangs"


class TestKilledWorker:
    def test_what_it_had_claimed_goes_out_again_under_the_same_id(self, cast):
        with receiving() as receiver:
            endpoint(cast, receiver.url)
            a_lead(cast)

            class Killed(BaseException):
                pass

            def dies(url, headers, body):
                quickly(url, headers, body)
                raise Killed

            # As after kill -9: what the round would have given back stays taken.
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(webhook_sending._Round, "release", lambda *_: None)
                with pytest.raises(Killed):
                    send(call=dies)
            assert send(timedelta(seconds=1)) == 0, "another worker may still be at it"
            assert send(timedelta(minutes=3)) == 1
        message = WebhookMessage.objects.get()
        assert receiver.ids == [message.message_id] * 2
        assert next(iter(message.tries.values_list("number", "milliseconds"))) == (1, None)
        assert message.state == DELIVERED

    def test_a_worker_that_comes_late_does_not_undo_what_another_settled(self, cast):
        with receiving() as receiver:
            endpoint(cast, receiver.url)
            a_lead(cast)

            def overtaken(url, headers, body):
                return webhook_call.Answer(500, "It answered with an error", 1)

            message = WebhookMessage.objects.get()
            settle = webhook_sending._Round._settle

            def late(turn, lane, mine, attempt, answer):
                WebhookMessage.objects.filter(pk=message.pk).update(
                    state=DELIVERED, due_at=None, settled_at=NOW, attempts=2
                )
                settle(turn, lane, mine, attempt, answer)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(webhook_sending._Round, "_settle", late)
                send(call=overtaken)
        message.refresh_from_db()
        assert (message.state, message.last_status) == (DELIVERED, None)


class TestKeeping:
    def test_logs_hold_numbers_only(self, cast, caplog):
        with receiving(status(500)) as receiver:
            endpoint(cast, f"{receiver.url}/token-of-theirs")
            a_lead(cast)
            with caplog.at_level(logging.DEBUG):
                for day in range(rules.MOST_ATTEMPTS):
                    send(timedelta(days=2 * day))
        assert "was given up (500)" in caplog.text
        assert not [word for word in ("token-of-theirs", "hanna", "whsec_") if word in caplog.text.lower()]

    def test_what_was_delivered_is_forgotten_after_a_month_and_what_was_not_stays(self, cast):
        with receiving() as receiver:
            endpoint(cast, receiver.url, kinds=["lead.collected"])
            a_lead(cast)
            send()
            receiver.answer = status(500)
            a_lead(cast, "two")
            send()
        assert webhook_sending.forget_delivered(at=NOW + timedelta(days=29)) == 0
        assert webhook_sending.forget_delivered(at=NOW + timedelta(days=31)) == 1
        assert WebhookMessage.objects.get().state == WAITING
        assert WebhookAttempt.objects.count() == 1

    @pytest.mark.parametrize(
        ("given", "field"),
        [({"name": " "}, "name"), ({"url": "http://elsewhere.example/"}, "url"), ({"kinds": []}, "kinds"),
         ({"kinds": ["pay.posted"]}, "kinds")],
    )  # fmt: skip
    def test_what_cannot_be_names_its_field(self, cast, given, field):
        with pytest.raises(InvalidInput) as refused:
            webhooks.add_endpoint(
                **{"name": "CRM", "url": "https://crm.example/", "kinds": ALL, "at": NOW, **given}
            )
        assert refused.value.field == field
