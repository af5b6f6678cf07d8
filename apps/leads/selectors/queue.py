"""The queue as the page shows it: its rows in order with why and until when, and how many there are.

Two indexed lists are merged, the rep's own leads and the team's unowned ones, so that the cost of a page
does not depend on how many leads there are. What decides the order is ``rules.queue``.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.core.cache import cache
from django.db.models import OuterRef, Q, QuerySet, Subquery

from apps.leads.models import Channel, Disposition, Lead, QueueBucket, Score, Touch
from apps.leads.rules import calling
from apps.leads.rules import queue as rules
from apps.reps.models import Rep
from apps.reps.rules.business_time import Hours, NeverOpen, next_close
from apps.reps.selectors import hours_of, rep_of

SHOWN = 50
CAP = 1_000
"""Beyond this nobody reads the figure, and the database need not count on."""

_WARN_BEFORE_CLOSING = timedelta(hours=1)
_COUNT_SECONDS = 30
_REFRESH_WORDS = 300
_FIELDS = (
    "name", "title", "company", "industry", "city", "time_zone", "source", "score", "stage_reason",
    "team_id", "owner_id", "external_id", "is_inbound", "mql_at", "created_at", "touch_count",
    "next_channel", "callback_at", "due_at", "warn_at", "queue_bucket", "queue_sort_at", "claimed_by_id",
    "claimed_until",
)  # fmt: skip
CHANNEL_ICONS = {
    Channel.CALL: "phone",
    Channel.EMAIL: "mail",
    Channel.SOCIAL: "social",
    Channel.CHAT: "chat",
    Channel.VISIT: "site",
}
_DISPOSITIONS = dict(Disposition.choices)


@dataclass(frozen=True)
class Filters:
    """What the chips narrow the list to; each is empty or one known value."""

    bucket: int | None = None
    score: str = ""
    channel: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Filters":
        """From an address; what it does not know is left out."""
        bucket = asked.get("bucket", "")
        score, channel = asked.get("score", "").upper(), asked.get("channel", "")
        return cls(
            int(bucket) if bucket.isdigit() and int(bucket) in QueueBucket.values else None,
            score if score in Score.values else "",
            channel if channel in Channel.values else "",
        )

    def __bool__(self) -> bool:
        return self != Filters()

    def narrow(self, leads: QuerySet[Lead]) -> QuerySet[Lead]:
        if self.bucket is not None:
            leads = leads.filter(queue_bucket=self.bucket)
        if self.score:
            leads = leads.filter(score=self.score)
        if self.channel:
            # A lead without a planned channel is called.
            channels = ["", Channel.CALL] if self.channel == Channel.CALL else [self.channel]
            leads = leads.filter(next_channel__in=channels)
        return leads


@dataclass(frozen=True)
class Row:
    """A lead as a row: everything worked out, so that the template only prints."""

    lead: Lead
    label: str
    detail: str
    why: str
    behind: str
    due_at: datetime | None
    warn_at: datetime | None
    channel: str
    channel_word: str
    channel_icon: str
    theirs: calling.TheirTime | None
    is_pool: bool

    @property
    def pk(self) -> int:
        return self.lead.pk


@dataclass(frozen=True)
class Group:
    """The rows of one bucket, with how many there are of it in all."""

    bucket: QueueBucket
    rows: list[Row]
    count: int
    more: bool

    @property
    def count_words(self) -> str:
        return f"{self.count:,}{'+' if self.more else ''}"

    @property
    def note(self) -> str:
        return {
            QueueBucket.CALLBACK: "earliest promise first",
            QueueBucket.FRESH_INBOUND: "nearest deadline first",
            QueueBucket.TOUCH_DUE: "due longest first",
        }.get(self.bucket, "")


@dataclass(frozen=True)
class Queue:
    """One rep's list at one instant."""

    groups: list[Group]
    total: int
    filters: Filters
    now: datetime

    @property
    def rows(self) -> list[Row]:
        return [row for group in self.groups for row in group.rows]

    @property
    def shown(self) -> int:
        return sum(len(group.rows) for group in self.groups)

    @property
    def total_words(self) -> str:
        return f"{CAP:,}+" if self.total > CAP else f"{self.total:,}"

    @property
    def late(self) -> list[Row]:
        """Those whose promise ran out, in the order of the queue."""
        return [row for row in self.rows if row.due_at and row.due_at <= self.now]

    @property
    def at_risk(self) -> list[Row]:
        """Those whose promise runs out soon, the nearest first."""
        found = [
            row for row in self.rows if row.due_at and row.warn_at and row.warn_at <= self.now < row.due_at
        ]
        return sorted(found, key=lambda row: row.due_at or self.now)

    def place_of(self, pk: int) -> int:
        """Where the lead stands among the rows shown, from 1; 0 when it is not among them."""
        return next((place for place, row in enumerate(self.rows, 1) if row.pk == pk), 0)

    @property
    def fingerprint(self) -> str:
        """Changes when a row does; and every few minutes, since rows say how long ago."""
        facts = [
            (row.pk, row.due_at, row.channel, row.lead.claimed_by_id, row.lead.touch_count)
            for row in self.rows
        ]
        words = int(self.now.timestamp()) // _REFRESH_WORDS
        plain = repr((facts, self.total, self.filters, words))
        return hashlib.blake2s(plain.encode(), digest_size=8).hexdigest()


def _own(rep: Rep, at: datetime) -> QuerySet[Lead]:
    return Lead.objects.queued(at).filter(owner=rep)


def _pool(rep: Rep, at: datetime) -> QuerySet[Lead]:
    """The team's unowned leads, without those that a teammate holds right now."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=at) | Q(claimed_by=rep)
    return Lead.objects.queued(at).filter(free, owner__isnull=True, team=rep.team_id)


def queue_of(*, rep: Rep, at: datetime, zone: tzinfo, filters: Filters = Filters()) -> Queue:
    """The first rows of the rep's queue in its order, and the capped counts. Two to four statements."""
    last = Touch.objects.filter(lead=OuterRef("pk"), undone_at__isnull=True).order_by("-occurred_at", "-pk")
    scopes = [filters.narrow(scope) for scope in (_own(rep, at), _pool(rep, at))]
    parts = [
        list(scope.only(*_FIELDS).annotate(last_disposition=Subquery(last.values("disposition")[:1]))[:SHOWN])
        for scope in scopes
    ]
    leads = sorted(
        (lead for part in parts for lead in part),
        key=lambda lead: (lead.queue_bucket, lead.queue_sort_at, lead.pk),
    )[:SHOWN]
    counts: Counter[int] = Counter()
    capped = False
    for scope, part in zip(scopes, parts, strict=True):
        # A list that ended by itself was counted by reading it.
        buckets = (
            [lead.queue_bucket for lead in part]
            if len(part) < SHOWN
            else list(scope.values_list("queue_bucket", flat=True)[: CAP + 1])
        )
        capped = capped or len(buckets) > CAP
        counts.update(bucket or 0 for bucket in buckets)
    hours = hours_of(rep.team.calendar)
    by_bucket: dict[int, list[Row]] = {}
    for lead in leads:
        by_bucket.setdefault(lead.queue_bucket or 0, []).append(_row(lead, at, zone, hours))
    last_counted = max(counts, default=0)
    groups = [
        Group(QueueBucket(bucket), rows, counts[bucket], more=capped and bucket == last_counted)
        for bucket, rows in by_bucket.items()
    ]
    return Queue(groups, sum(counts.values()), filters, at)


def _row(lead: Any, now: datetime, zone: tzinfo, hours: Hours) -> Row:
    theirs = calling.at_prospect(lead.time_zone, now)
    why, behind = rules.reason(
        bucket=lead.queue_bucket,
        now=now,
        arrived_at=lead.mql_at or lead.created_at,
        source=lead.source,
        score=lead.score,
        touch_count=lead.touch_count,
        callback_at=lead.callback_at,
        stage_reason=lead.stage_reason,
        last_disposition=_DISPOSITIONS.get(lead.last_disposition, ""),
        sort_at=lead.queue_sort_at,
        zone=zone,
        their_zone=calling.zone_named(lead.time_zone),
    )
    due_at, warn_at = deadline_of(lead, hours)
    channel = lead.next_channel or Channel.CALL
    return Row(
        lead=lead,
        label=lead.label,
        detail=lead.detail,
        why=why,
        behind=behind,
        due_at=due_at,
        warn_at=warn_at,
        channel=channel,
        channel_word=Channel(channel).label,
        channel_icon=CHANNEL_ICONS[Channel(channel)],
        theirs=theirs,
        is_pool=lead.owner_id is None,
    )


def deadline_of(lead: Lead, hours: Hours) -> tuple[datetime | None, datetime | None]:
    """Until when the lead is to be worked, and from when that is at risk.

    What was promised, where something was; else a touch that is due by the closing of the team's business
    day on which it fell due. Nothing was promised to an untouched lead or to one back from nurture.
    """
    if lead.due_at is not None:
        return lead.due_at, lead.warn_at
    if lead.queue_bucket == QueueBucket.TOUCH_DUE and lead.queue_sort_at:
        try:
            closing = next_close(hours, lead.queue_sort_at)
        except NeverOpen:
            return None, None
        return closing, closing - _WARN_BEFORE_CLOSING
    return None, None


# --- The figure beside "My day" -------------------------------------------------------------------


@dataclass(frozen=True)
class QueueCount:
    """How many leads wait (up to ``CAP`` + 1), and how many promises are at risk or late."""

    number: int
    at_risk: int


def _count_key(user_id: int) -> str:
    return f"leads.queue_count.{user_id}"


def remember_count(user_id: int, queue: Queue) -> None:
    """Let the rail read what a page counted just now."""
    if not queue.filters:
        found = QueueCount(queue.total, len(queue.at_risk) + len(queue.late))
        cache.set(_count_key(user_id), found, _COUNT_SECONDS)


def queue_count(*, user: Any, at: datetime) -> QueueCount:
    """The figure for the rail; at most half a minute old."""
    kept = cache.get(_count_key(user.pk))
    if kept is not None:
        return kept
    rep = rep_of(user)
    if rep is None:
        return QueueCount(0, 0)
    promised = [
        due
        for scope in (_own(rep, at), _pool(rep, at))
        for due in scope.values_list("due_at", "warn_at")[: CAP + 1]
    ]
    risky = sum(1 for due, warn in promised if due is not None and (due <= at or (warn and warn <= at)))
    found = QueueCount(len(promised), risky)
    cache.set(_count_key(user.pk), found, _COUNT_SECONDS)
    return found
