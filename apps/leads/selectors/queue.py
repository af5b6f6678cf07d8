"""The queue as the page shows it: its rows in the written order, and how many there are.

Two indexed lists are merged, the rep's own leads and the team's unowned ones, so that the cost of a page
does not depend on how many leads there are. What decides the order is ``rules.queue``; what a row says is
worked out in ``selectors.queue_rows``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from apps.core.prepared import AT, Prepared
from apps.leads.models import Channel, Lead, QueueBucket, Score
from apps.leads.models.ordering import FocusRank, order_of
from apps.leads.rules import queue as rules
from apps.leads.selectors import prepared
from apps.leads.selectors.prepared import Given
from apps.leads.selectors.queue_rows import (
    CHANNEL_ICONS,
    Row,
    at_risk,
    deadline_of,
    fingerprint_of,
    late,
    read,
    row_of,
    with_words,
)
from apps.reps.models import Rep
from apps.reps.selectors import hours_for, rep_of

__all__ = [
    "CHANNEL_ICONS", "Filters", "Group", "Queue", "Row", "deadline_of", "fingerprint_of", "queue_count",
    "queue_of", "remember_count", "scopes_of",
]  # fmt: skip

SHOWN = 50
CAP = 1_000
"""Beyond this nobody reads the figure, and the database need not count on."""

_COUNT_SECONDS = 30
_MARKERS = (prepared.REP, prepared.TEAM, AT, prepared.ZONES)
_BLOCK_WORDS = {"call": "calls", "email": "emails", "social": "social touches"}


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
class Group:
    """The rows of one bucket, with how many there are of it in all. ``focus``: the block's channel, if any."""

    bucket: QueueBucket
    rows: list[Row]
    count: int
    more: bool
    focus: str = ""

    @property
    def count_words(self) -> str:
        return f"{self.count:,}{'+' if self.more else ''}"

    @property
    def note(self) -> str:
        if self.focus and self.bucket >= rules.FIRST_GROUPED:
            return f"{_BLOCK_WORDS[self.focus]} first to match this block, by persona"
        return {
            QueueBucket.CALLBACK: "earliest promise first",
            QueueBucket.FRESH_INBOUND: "nearest deadline first",
            QueueBucket.TOUCH_DUE: "due longest first",
        }.get(self.bucket, "")

    @property
    def fingerprint(self) -> str:
        return fingerprint_of((self.bucket.value, self.count, self.more, self.focus))


@dataclass(frozen=True)
class Part:
    """A line of the list: a row, or the heading of a group where there is no row. ``key`` names it on the page."""

    key: str
    fingerprint: str
    group: Group
    row: Row | None = None


@dataclass(frozen=True)
class Queue:
    """One rep's list at one instant; ``focus`` is the channel of the block that runs, if any."""

    groups: list[Group]
    total: int
    filters: Filters
    now: datetime
    focus: str = ""

    @cached_property
    def rows(self) -> list[Row]:
        return [row for group in self.groups for row in group.rows]

    @property
    def parts(self) -> list[Part]:
        """The list line by line, as a page shows it and tells that it does."""
        found = []
        for group in self.groups:
            found.append(Part(f"g{group.bucket.value}", group.fingerprint, group))
            found += [Part(str(row.pk), row.fingerprint, group, row) for row in group.rows]
        return found

    @property
    def shown(self) -> int:
        return sum(len(group.rows) for group in self.groups)

    @property
    def total_words(self) -> str:
        return f"{CAP:,}+" if self.total > CAP else f"{self.total:,}"

    @cached_property
    def late(self) -> list[Row]:
        """Those whose promise ran out, in the order of the queue."""
        return late(self.rows, self.now)

    @cached_property
    def at_risk(self) -> list[Row]:
        """Those whose promise runs out soon, the nearest first."""
        return at_risk(self.rows, self.now)


def scopes_of(rep: Rep, at: datetime, focus: str = "") -> tuple[QuerySet[Lead], QuerySet[Lead]]:
    """The two lists of a rep: the own leads, and the team's unowned ones that no teammate holds right now."""
    return _scopes(rep.pk, rep.team_id, at, focus)


def _scopes(
    rep: int, team: int, at: datetime, focus: str, zones: rules.Zones | None = None
) -> tuple[QuerySet[Lead], QuerySet[Lead]]:
    queued = Lead.objects.queued(at, focus, zones)
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=at) | Q(claimed_by=rep)
    return queued.filter(owner=rep), queued.filter(free, owner__isnull=True, team=team)


def queue_of(*, rep: Rep, at: datetime, zone: tzinfo, filters: Filters = Filters(), focus: str = "") -> Queue:
    """The first rows of the rep's queue in its order, and the capped counts. One statement, two for a long one.

    ``focus`` is the channel of the focus block that the rep is in, if any.
    """
    zones = rules.waiting_zones(at, settings.COMPANY_TIME_ZONE)
    asked = Asked(connection.vendor, filters, focus, zones.all_but)
    given = Given(rep.pk, rep.team_id, at, zones)
    leads = [read(row) for row in rows_statement(asked, SHOWN).rows(given.values)]
    hours = hours_for(rep)
    by_bucket: dict[int, list[Row]] = {}
    for lead in leads:
        by_bucket.setdefault(lead.queue_bucket, []).append(row_of(lead, now=at, zone=zone, hours=hours))
    # A list that ended by itself was counted by reading it.
    if len(leads) < SHOWN:
        counts, capped = Counter({bucket: len(rows) for bucket, rows in by_bucket.items()}), False
    else:
        counts, capped = _counts_of_long(rep, asked, given, [lead.pk for lead in leads])
    last_counted = max(counts, default=0)
    groups = [
        Group(QueueBucket(bucket), rows, counts[bucket], more=capped and bucket == last_counted, focus=focus)
        for bucket, rows in by_bucket.items()
    ]
    return Queue(groups, sum(counts.values()), filters, at, focus)


def _counts_of_long(rep: Rep, asked: "Asked", given: Given, shown: list[int]) -> tuple[Counter[int], bool]:
    """How many there are of each bucket of a list that does not end with its first rows, and whether more.

    A list longer than is counted costs the most to count, and its figure is "1,000+" in any case. It is counted anew
    once its first rows (``shown``) are others, which each act of its rep makes them, else after half a minute.
    """
    key = f"leads.queue_long.{rep.pk}"
    kept = None if asked.filters else cache.get(key)
    if kept is not None and kept[0] == shown:
        return Counter(kept[1]), True
    counts, capped = _counted(counts_statement(asked, CAP).rows(given.values))
    if capped and not asked.filters:
        cache.set(key, (shown, dict(counts)), _COUNT_SECONDS)
    return counts, capped


@dataclass(frozen=True)
class Asked:
    """What decides the text of a statement, as against what is given to it (``prepared.Given``)."""

    vendor: str
    filters: Filters
    focus: str
    all_but: bool

    def scopes(self) -> list[QuerySet[Lead]]:
        """The two lists with markers where values are given."""
        zones = rules.Zones(prepared.ZONES, self.all_but)
        scopes = _scopes(prepared.REP, prepared.TEAM, AT, self.focus, zones)
        return [self.filters.narrow(scope) for scope in scopes]


@lru_cache(maxsize=256)
def rows_statement(asked: Asked, most: int) -> Prepared:
    """The first rows of the lists together: each gives its first by its index, the best of these are read."""
    focus = asked.focus
    keys = ["queue_bucket", *(["focus_rank"] if focus else []), "queue_sort_at", "id"]
    heads, params = [], []
    for number, scope in enumerate(asked.scopes()):
        ranked = scope.annotate(focus_rank=FocusRank(focus)) if focus else scope
        sql, values = ranked.values(*keys)[:most].query.sql_with_params()
        heads.append(f"SELECT * FROM ({sql}) AS head{number}")  # noqa: S608 - Django's own text
        params.extend(values)
    union = " UNION ALL ".join(heads)
    best = f"SELECT id FROM ({union}) AS heads ORDER BY {', '.join(keys)} LIMIT {most}"  # noqa: S608
    found = Lead.objects.filter(pk__in=RawSQL(best, params))  # noqa: S611 - values are parameters  # nosec B611
    return Prepared.of(*with_words(found).order_by(*order_of(focus)).query.sql_with_params(), _MARKERS)


@lru_cache(maxsize=256)
def counts_statement(asked: Asked, most: int) -> Prepared:
    """How many there are of each bucket in each list, up to one more than ``most`` a list."""
    parts: list[str] = []
    params: list[Any] = []
    for number, scope in enumerate(asked.scopes()):
        sql, values = scope.values("queue_bucket")[: most + 1].query.sql_with_params()
        parts.append(
            f"SELECT {number}, queue_bucket, COUNT(*) FROM ({sql}) AS part{number} GROUP BY queue_bucket"  # noqa: S608
        )
        params.extend(values)
    return Prepared.of(" UNION ALL ".join(parts), params, _MARKERS)


def _counted(rows: list[tuple[Any, ...]]) -> tuple[Counter[int], bool]:
    """How many there are of each bucket, and whether a list has more than are counted."""
    counts: Counter[int] = Counter()
    totals: Counter[int] = Counter()
    for number, bucket, count in rows:
        counts[bucket] += count
        totals[number] += count
    return counts, any(total > CAP for total in totals.values())


# --- The figure beside "My day" -------------------------------------------------------------------


@dataclass(frozen=True)
class QueueCount:
    """How many leads wait (up to ``CAP`` + 1), and how many promises are at risk or late."""

    number: int
    at_risk: int


def _count_key(user_id: int) -> str:
    return f"leads.queue_count.{user_id}"


def remember_count(user: Any, queue: Queue) -> None:
    """Let the rail read what a page of ``user`` counted just now: this page's, and that of the next ones."""
    if queue.filters:
        return
    user.queue_counted = found = QueueCount(queue.total, len(queue.at_risk) + len(queue.late))
    # Reading is far cheaper than writing, and most pages find what was there.
    if cache.get(_count_key(user.pk)) != found:
        cache.set(_count_key(user.pk), found, _COUNT_SECONDS)


def queue_count(*, user: Any, at: datetime) -> QueueCount:
    """The figure for the rail; at most half a minute old."""
    kept = getattr(user, "queue_counted", None) or cache.get(_count_key(user.pk))
    if kept is not None:
        return kept
    rep = rep_of(user)
    if rep is None:
        return QueueCount(0, 0)
    promised = [
        due for scope in scopes_of(rep, at) for due in scope.values_list("due_at", "warn_at")[: CAP + 1]
    ]
    risky = sum(1 for due, warn in promised if due is not None and (due <= at or (warn and warn <= at)))
    found = QueueCount(len(promised), risky)
    cache.set(_count_key(user.pk), found, _COUNT_SECONDS)
    return found
