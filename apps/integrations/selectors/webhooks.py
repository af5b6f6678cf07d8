"""How each endpoint fares, what it was sent, and how each attempt went."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Avg, Count, Max, Min, Q

from apps.core.keyset import Page, page_of
from apps.integrations.models import MessageState, WebhookAttempt, WebhookEndpoint, WebhookMessage
from apps.integrations.rules.webhooks import TOPICS, Topic

RECENT = timedelta(hours=24)
STATES = {"waiting": "Waiting", "dead": "Given up", "delivered": "Delivered"}


@dataclass(frozen=True)
class Standing:
    """An endpoint in figures: what waits, since when, what was given up, and how the last day went."""

    endpoint: WebhookEndpoint
    waiting: int = 0
    oldest: datetime | None = None
    dead: int = 0
    delivered: int = 0
    tried: int = 0
    milliseconds: int | None = None
    last_taken_at: datetime | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint.url).hostname or ""

    def state(self, now: datetime) -> tuple[str, str, str]:
        """The badge, its word and its icon."""
        if not self.endpoint.is_active:
            return "", "Switched off", "pause"
        if self.endpoint.rests_until and self.endpoint.rests_until > now:
            return "bad", "Does not answer", "alert"
        if self.dead:
            return "bad", f"{self.dead:,} given up", "alert"
        if self.waiting and self.oldest and self.oldest < now - timedelta(minutes=10):
            return "warn", f"{self.waiting:,} late", "clock"
        return ("ok", "Answers", "checkc") if self.last_taken_at else ("line", "Nothing sent yet", "clock")

    @property
    def words(self) -> str:
        """A sentence that says what the figures show."""
        if not self.tried:
            return "Nothing was sent in the last 24 hours."
        share = f"{self.delivered:,} of {self.tried:,} attempts in the last 24 hours were taken"
        return (
            f"{share}, in {self.milliseconds:,} ms on average."
            if self.milliseconds is not None
            else f"{share}."
        )


def standings(endpoints: Any, *, now: datetime) -> list[Standing]:
    """The standing of each endpoint, in their order. Three statements whatever their number."""
    found = list(endpoints)
    waiting: dict[int, dict[str, Any]] = {
        row["endpoint"]: dict(row)
        for row in WebhookMessage.objects.filter(endpoint__in=found)
        .exclude(state=MessageState.DELIVERED)
        .order_by()
        .values("endpoint")
        .annotate(
            waiting=Count("pk", filter=Q(state=MessageState.WAITING)),
            oldest=Min("created_at", filter=Q(state=MessageState.WAITING)),
            dead=Count("pk", filter=Q(state=MessageState.DEAD)),
        )
    }
    taken = Q(status__gte=200, status__lt=300)
    tried: dict[int, dict[str, Any]] = {
        row["message__endpoint"]: dict(row)
        for row in WebhookAttempt.objects.filter(message__endpoint__in=found, began_at__gt=now - RECENT)
        .order_by()
        .values("message__endpoint")
        .annotate(
            tried=Count("pk"),
            delivered=Count("pk", filter=taken),
            average=Avg("milliseconds", filter=taken),
            last=Max("began_at", filter=taken),
        )
    }
    return [_standing(one, waiting.get(one.pk, {}), tried.get(one.pk, {})) for one in found]


def _standing(endpoint: WebhookEndpoint, waiting: dict[str, Any], tried: dict[str, Any]) -> Standing:
    average = tried.get("average")
    return Standing(
        endpoint,
        waiting=waiting.get("waiting", 0),
        oldest=waiting.get("oldest"),
        dead=waiting.get("dead", 0),
        delivered=tried.get("delivered", 0),
        tried=tried.get("tried", 0),
        milliseconds=round(average) if average is not None else None,
        last_taken_at=tried.get("last"),
    )


def messages_of(*, endpoint: WebhookEndpoint, state: str = "", after: str = "", size: int = 50) -> Page:
    """What was told to an endpoint, the latest first; one state of ``STATES`` alone where it is named."""
    found = WebhookMessage.objects.filter(endpoint=endpoint).defer("body")
    if state in STATES:
        found = found.filter(state=state)
    return page_of(found, by=("-pk",), after=after, size=size)


def topic_groups() -> list[tuple[str, list[Topic]]]:
    """The kinds that can be told, by what they are about."""
    groups: dict[str, list[Topic]] = {}
    for name, topic in TOPICS.items():
        groups.setdefault(name.partition(".")[0], []).append(topic)
    titles = {"hand_off": "Hand-offs", "opportunity": "Opportunities"}
    return [(titles.get(word, f"{word.capitalize()}s"), topics) for word, topics in groups.items()]
