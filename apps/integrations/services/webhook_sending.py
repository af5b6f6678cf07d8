"""Send what waits in the outbox (``services.webhook_outbox`` writes it).

Each endpoint is one lane, leased by one worker at a time, so that no receiver is called by two workers and none waits
for another: a lane that hangs costs the other lanes nothing. In a lane several messages are under way at once, but
never two about the same subject: a later fact waits until the earlier one is delivered or given up.

A message is claimed before it is sent and settled after it, each in a transaction of its own. A worker that is killed
between the two leaves a claim that lapses; the message then goes out once more under the same id, by which its
receiver knows it. All of the database is spoken to by the one thread that runs this; the others only call.
"""

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from apps.integrations import webhook_call
from apps.integrations.models import MessageState, WebhookAttempt, WebhookEndpoint, WebhookMessage
from apps.integrations.rules import webhooks as rules
from apps.integrations.services import webhook_secrets
from apps.integrations.webhook_call import Answer

logger = logging.getLogger(__name__)

ROUND_SECONDS = 20.0
"""No message is begun later in a round; another round goes on with the rest."""
LEASE_LASTS = timedelta(seconds=120)
CLAIM_LASTS = timedelta(seconds=90)
"""Longer than a call can take, its name's resolving included."""
AT_ONCE = 4
"""So many messages of one endpoint are under way together, one where it has just hung."""
MOST_CALLS = 64
BATCH = 50
LOOK_AGAIN_SECONDS = 0.25
KEEP = timedelta(days=30)


class Call(Protocol):
    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answer: ...


@dataclass
class _Lane:
    endpoint: WebhookEndpoint
    until: datetime
    heads: list[WebhookMessage] = field(default_factory=list)
    under_way: int = 0
    is_over: bool = False

    @property
    def width(self) -> int:
        return 1 if self.endpoint.hung_in_a_row else AT_ONCE


@dataclass
class _Round:
    """One worker's turn: the instants in it are ``began`` and what has passed since."""

    began: datetime
    seconds: float
    call: Call
    pool: ThreadPoolExecutor
    lanes: dict[int, _Lane] = field(default_factory=dict)
    running: "dict[Future[Answer], tuple[_Lane, WebhookMessage, WebhookAttempt]]" = field(
        default_factory=dict
    )
    delivered: int = 0
    _started: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> datetime:
        return self.began + timedelta(seconds=time.monotonic() - self._started)

    @property
    def is_late(self) -> bool:
        return time.monotonic() - self._started >= self.seconds

    # --- Lanes ------------------------------------------------------------------------------------

    def lease(self) -> None:
        """Take every endpoint for which something is due and that nobody else serves."""
        now = self.now
        due = WebhookMessage.objects.filter(
            endpoint=OuterRef("pk"), state=MessageState.WAITING, due_at__lte=now
        )
        free = Q(served_until__isnull=True) | Q(served_until__lte=now)
        rested = Q(rests_until__isnull=True) | Q(rests_until__lte=now)
        found = WebhookEndpoint.objects.listening().filter(free, rested, Exists(due)).order_by("pk")
        for endpoint in found:
            mine = WebhookEndpoint.objects.filter(free, pk=endpoint.pk)
            until = now + LEASE_LASTS
            if mine.update(served_until=until):
                self.lanes[endpoint.pk] = _Lane(endpoint, until)

    def release(self, lane: _Lane) -> None:
        # Only the own lease: one that lapsed may be another worker's by now.
        WebhookEndpoint.objects.filter(pk=lane.endpoint.pk, served_until=lane.until).update(served_until=None)
        del self.lanes[lane.endpoint.pk]

    def fill(self, lane: _Lane) -> None:
        """Begin as many as the lane takes; an empty lane is given back."""
        while lane.under_way < lane.width and not lane.is_over and not self.is_late:
            if not lane.heads:
                lane.heads = self._heads(lane)
                if not lane.heads:
                    break
            if len(self.running) >= MOST_CALLS:
                return
            self._begin(lane, lane.heads.pop(0))
        if not lane.under_way:
            self.release(lane)

    def _heads(self, lane: _Lane) -> list[WebhookMessage]:
        """Due, claimed by nobody, and the first of their subject that still waits."""
        now = self.now
        earlier = WebhookMessage.objects.filter(
            endpoint=OuterRef("endpoint"), subject=OuterRef("subject"), state=MessageState.WAITING,
            pk__lt=OuterRef("pk"),
        )  # fmt: skip
        found = WebhookMessage.objects.filter(
            _unclaimed(now), endpoint=lane.endpoint, state=MessageState.WAITING, due_at__lte=now
        )
        return list(found.filter(~Exists(earlier)).order_by("due_at", "pk")[:BATCH])

    # --- One message ------------------------------------------------------------------------------

    def _begin(self, lane: _Lane, message: WebhookMessage) -> None:
        now = self.now
        with transaction.atomic():
            claimed = WebhookMessage.objects.filter(
                _unclaimed(now), pk=message.pk, state=MessageState.WAITING
            ).update(claimed_until=now + CLAIM_LASTS, attempts=F("attempts") + 1)
            if not claimed:
                return
            message.attempts += 1
            number = message.tries.count() + 1
            attempt = WebhookAttempt.objects.create(message=message, number=number, began_at=now)
        lane.under_way += 1
        try:
            headers = webhook_secrets.signed(
                endpoint=lane.endpoint, message_id=message.message_id, body=message.body, at=now
            )
        except webhook_secrets.SecretLost as error:
            self._settle(lane, message, attempt, Answer(None, error.message[:120], 0))
            return
        future = self.pool.submit(self.call, lane.endpoint.url, headers, message.body.encode())
        self.running[future] = (lane, message, attempt)

    def take_answers(self) -> None:
        done, _ = wait(self.running, timeout=LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            self._settle(*self.running.pop(future), future.result())

    @transaction.atomic
    def _settle(self, lane: _Lane, message: WebhookMessage, attempt: WebhookAttempt, answer: Answer) -> None:
        now = self.now
        lane.under_way -= 1
        WebhookAttempt.objects.filter(pk=attempt.pk).update(
            milliseconds=answer.milliseconds, status=answer.status, words=answer.words
        )
        # Whoever was so slow that the claim lapsed has nothing to say if another attempt settled it meanwhile.
        mine = WebhookMessage.objects.filter(
            pk=message.pk, state=MessageState.WAITING, attempts=message.attempts
        )
        mine.update(
            claimed_until=None,
            last_status=answer.status,
            last_words=answer.words,
            **self._outcome(message, answer, now),
        )
        self.delivered += answer.is_taken
        self._note_health(lane, answer, now)

    def _outcome(self, message: WebhookMessage, answer: Answer, now: datetime) -> dict[str, object]:
        if answer.is_taken:
            return {"state": MessageState.DELIVERED, "due_at": None, "settled_at": now}
        due_at = rules.next_try(
            attempts=message.attempts, failed_at=now, name=message.message_id, asked=answer.asked
        )
        if due_at is None:
            logger.warning("Webhook message %s was given up (%s).", message.pk, answer.status or "no answer")
            return {"state": MessageState.DEAD, "due_at": None, "settled_at": now}
        return {"due_at": due_at}

    def _note_health(self, lane: _Lane, answer: Answer, now: datetime) -> None:
        """An endpoint that answers at all is alive; one that hangs rests as a whole, longer each time."""
        endpoint = lane.endpoint
        hung = endpoint.hung_in_a_row + 1 if answer.status is None else 0
        if hung == endpoint.hung_in_a_row == 0:
            return
        endpoint.hung_in_a_row = min(hung, 1_000)
        rest = rules.rest_after(hung)
        endpoint.rests_until = now + rest if rest else None
        lane.is_over = rest is not None
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            hung_in_a_row=endpoint.hung_in_a_row, rests_until=endpoint.rests_until
        )


def _unclaimed(now: datetime) -> Q:
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)


def send_due(*, at: datetime, call: Call = webhook_call.post, seconds: float = ROUND_SECONDS) -> int:
    """Send what is due; how many were delivered. Any number may run at once: they share the endpoints."""
    pool = ThreadPoolExecutor(max_workers=MOST_CALLS, thread_name_prefix="webhook")
    turn = _Round(at, seconds, call, pool)
    try:
        while True:
            if not turn.is_late:
                turn.lease()
            for lane in list(turn.lanes.values()):
                turn.fill(lane)
            if not turn.running:
                break
            turn.take_answers()
    finally:
        for lane in list(turn.lanes.values()):
            turn.release(lane)
        pool.shutdown(wait=False, cancel_futures=True)
    return turn.delivered


def forget_delivered(*, at: datetime, most: int = 5_000) -> int:
    """Delete what was delivered over a month ago, with its attempts; how many. What was given up stays."""
    old = WebhookMessage.objects.filter(state=MessageState.DELIVERED, settled_at__lt=at - KEEP)
    pks = list(old.order_by("settled_at").values_list("pk", flat=True)[:most])
    WebhookAttempt.objects.filter(message__in=pks).delete()
    return WebhookMessage.objects.filter(pk__in=pks, state=MessageState.DELIVERED).delete()[0]
