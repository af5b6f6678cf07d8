"""Several workers at one outbox at once, and receivers that fail at random: each message once, each lead in order."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from apps.integrations.models import MessageState, WebhookEndpoint, WebhookMessage
from apps.integrations.rules import webhooks as rules
from apps.integrations.services import webhook_sending, webhooks
from apps.integrations.webhook_call import Answer
from tests.cast import NOW
from tests.leads.test_hand_off_races import race


def _outbox(endpoints: int, subjects: int, each: int) -> None:
    """So many endpoints, each with so many messages about so many leads, in turns."""
    for number in range(endpoints):
        endpoint, _ = webhooks.add_endpoint(
            name=f"System {number}",
            url=f"https://system{number}.example/",
            kinds=["lead.visited"],
            at=NOW,
        )
        WebhookMessage.objects.bulk_create(
            WebhookMessage(
                endpoint=endpoint,
                message_id=webhooks.new_message_id(),
                source_key=f"event:{place}",
                kind="lead.visited",
                subject=f"lead:{place % subjects}",
                body="{}",
                created_at=NOW,
                due_at=NOW,
            )
            for place in range(subjects * each)
        )


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_each_message_once_and_in_order():
    _outbox(endpoints=3, subjects=5, each=4)
    heard: list[str] = []

    def takes(url: str, headers: dict[str, str], body: bytes) -> Answer:
        heard.append(headers["webhook-id"])
        return Answer(204, "", 1)

    sweep: Callable[[], int] = lambda: webhook_sending.send_due(at=NOW, call=takes)  # noqa: E731
    # One round of four beside each other, then one for what lay with a lane that another held.
    delivered = sum(race([sweep] * 4))
    delivered += webhook_sending.send_due(at=NOW, call=takes)
    assert delivered == len(heard) == 60
    assert set(Counter(heard).values()) == {1}
    assert not WebhookMessage.objects.exclude(state=MessageState.DELIVERED).exists()
    assert not WebhookEndpoint.objects.exclude(served_until=None).exists()
    _in_order(heard)


def _in_order(heard: list[str]) -> None:
    """What was heard last of each subject by each endpoint came after all before it."""
    rows = {one.message_id: one for one in WebhookMessage.objects.all()}
    last: defaultdict[tuple[int, str], int] = defaultdict(int)
    for name in heard:
        row = rows[name]
        key = (row.endpoint_id, row.subject)
        assert row.pk > last[key]
        last[key] = row.pk


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_whatever_fails_nothing_is_lost_and_each_lead_stays_in_order(seed):
    _outbox(endpoints=2, subjects=4, each=3)
    chance = random.Random(seed)
    taken: list[str] = []
    tried: Counter[str] = Counter()

    def moody(url: str, headers: dict[str, str], body: bytes) -> Answer:
        name = headers["webhook-id"]
        assert name not in taken, "nothing that was taken is sent again"
        tried[name] += 1
        mood = chance.choice(("well", "well", "error", "silence"))
        if mood == "well":
            taken.append(name)
            return Answer(200, "", 1)
        return Answer(500 if mood == "error" else None, "No", 1)

    now: datetime = NOW
    while WebhookMessage.objects.filter(state=MessageState.WAITING).exists():
        webhook_sending.send_due(at=now, call=moody)
        now += timedelta(hours=7)
        assert now < NOW + timedelta(days=60)
    _in_order(taken)
    states = dict(WebhookMessage.objects.values_list("message_id", "state"))
    assert len(states) == 24
    assert {name for name, state in states.items() if state == MessageState.DELIVERED} == set(taken)
    assert all(tried[name] == rules.MOST_ATTEMPTS for name, state in states.items() if name not in taken)
