"""A lead as a row of the queue: read with what its words need, everything worked out for the template."""

import hashlib
import json
from collections import namedtuple
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import (
    Case,
    F,
    FilteredRelation,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)

from apps.leads.models import Channel, Disposition, EventKind, FunnelEvent, Lead, Persona, QueueBucket, Touch
from apps.leads.rules import calling
from apps.leads.rules import queue as rules
from apps.leads.services.queue import asked_again_at
from apps.reps.rules.business_time import Hours, NeverOpen, next_close

_WARN_BEFORE_CLOSING = timedelta(hours=1)
_WORDS_HOLD = 300
"""Seconds for which "21 min ago" is near enough: a list that is refreshed need not be renewed for it."""

_FIELDS = (
    "name", "title", "company", "industry", "city", "time_zone", "source", "score", "stage_reason", "stage",
    "team_id", "owner_id", "external_id", "is_inbound", "mql_at", "created_at", "touch_count", "attempts",
    "next_channel", "persona", "proposal", "callback_at", "last_touch_at", "last_visit_at", "inquired_at",
    "due_at", "warn_at", "queue_bucket", "queue_sort_at", "claimed_by_id", "claimed_until",
)  # fmt: skip
_FIRST = "id"
_ADDED = ("last_disposition", "visit", "step_number", "step_of", "cadence")


class _Read(namedtuple("_Read", (_FIRST, *_FIELDS, *_ADDED))):  # type: ignore[misc]
    """A lead as a row needs it. A model instance each would cost more than all the rest of the row."""

    __str__ = Lead.__str__
    label, detail = Lead.label, Lead.detail

    pk = property(itemgetter(0))


_INSTANTS = {
    place
    for place, name in enumerate((_FIRST, *_FIELDS, *_ADDED))
    if name.endswith("_at") or name == "claimed_until"
}
CHANNEL_ICONS = {
    Channel.CALL: "phone",
    Channel.EMAIL: "mail",
    Channel.SOCIAL: "social",
    Channel.CHAT: "chat",
    Channel.VISIT: "site",
}
_CHANNELS = {channel.value: (channel.label, CHANNEL_ICONS[channel]) for channel in Channel}
_DISPOSITIONS = dict(Disposition.choices)
_PERSONAS = dict(Persona.choices)


class Row(NamedTuple):
    """A lead as a row: everything worked out, so that the template only prints.

    ``fingerprint`` changes when what the row shows does; what ticks in the browser is not part of it.
    """

    lead: Any
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
    clock: str
    is_pool: bool
    is_held: bool
    fingerprint: str

    @property
    def pk(self) -> int:
        return self.lead.pk

    @property
    def title(self) -> str:
        """The job's title, else the level that it was judged to be."""
        return self.lead.title or _PERSONAS[self.lead.persona]

    @property
    def bucket(self) -> int:
        return self.lead.queue_bucket or 0


class _Length(Func):
    """How many elements a JSON list has."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return super().as_sql(compiler, connection, function="json_array_length", **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return super().as_sql(compiler, connection, function="jsonb_array_length", **extra)


def with_words(leads: QuerySet[Lead]) -> QuerySet[Any, Any]:
    """The leads with what their reasons need: the last disposition, the visit since, the cadence's step.

    Each is looked up only for the rows that are read, and only where the lead says that there is one.
    """
    last = Touch.objects.filter(lead=OuterRef("pk"), undone_at__isnull=True).order_by("-occurred_at", "-pk")
    visits = FunnelEvent.objects.filter(lead=OuterRef("pk"), kind=EventKind.VISITED)
    visit = visits.order_by("-occurred_at", "-pk").values("data")[:1]
    came_since = Q(last_visit_at__isnull=False) & (
        Q(last_touch_at__isnull=True) | Q(last_visit_at__gt=F("last_touch_at"))
    )
    return leads.annotate(
        running=FilteredRelation("enrolments", condition=Q(enrolments__state="active")),
        last_disposition=Case(
            When(touch_count__gt=0, then=Subquery(last.values("disposition")[:1])), default=None
        ),
        visit=Case(When(came_since, then=Subquery(visit)), default=None),
        step_number=F("running__step"),
        step_of=_Length(F("running__version__steps")),
        cadence=F("running__version__cadence__name"),
    ).values_list(*_Read._fields)


def read(row: tuple[Any, ...]) -> Any:
    """A row of ``with_words`` by the names of a lead's fields. SQLite keeps instants in UTC and does not say so."""
    if connection.vendor == "sqlite":
        row = tuple(
            value.replace(tzinfo=UTC) if place in _INSTANTS and value is not None else value
            for place, value in enumerate(row)
        )
    return _Read(*row)


def row_of(lead: Any, *, now: datetime, zone: tzinfo, hours: Hours) -> Row:
    """``lead`` as ``with_words`` reads it; words are in ``zone``, a due touch is due by closing of ``hours``."""
    theirs = calling.at_prospect(lead.time_zone, now)
    why, behind = rules.reason(
        facts_of(lead), now=now, zone=zone, their_zone=calling.zone_named(lead.time_zone)
    )
    due_at, warn_at = deadline_of(lead, hours)
    channel = lead.next_channel or rules.USUAL_CHANNEL
    word, icon = _CHANNELS[channel]
    held = lead.claimed_until is not None and lead.claimed_until > now
    words = int(now.timestamp()) // _WORDS_HOLD if " min ago" in why else why
    shown = (
        lead.pk, words, behind, lead.name, lead.title, lead.company, lead.city, lead.score, lead.persona,
        due_at and due_at.timestamp(), warn_at and warn_at.timestamp(), channel, lead.touch_count,
        lead.time_zone, bool(theirs and theirs.is_proper), lead.owner_id,
        lead.claimed_by_id if held else None, lead.queue_bucket,
    )  # fmt: skip
    return Row(
        lead=lead,
        label=lead.label,
        detail=lead.detail,
        why=why,
        behind=behind,
        due_at=due_at,
        warn_at=warn_at,
        channel=channel,
        channel_word=word,
        channel_icon=icon,
        theirs=theirs,
        clock=f"{theirs.local:%H:%M}" if theirs else "",
        is_pool=lead.owner_id is None,
        is_held=held,
        fingerprint=fingerprint_of(shown),
    )


def fingerprint_of(shown: Any) -> str:
    """Eight characters that change with ``shown``; equal values give equal ones in every process."""
    return hashlib.blake2s(repr(shown).encode(), digest_size=4).hexdigest()


def facts_of(lead: Any) -> rules.Facts:
    """What the words of a row are made from, of a lead as ``with_words`` reads it."""
    return rules.Facts(
        bucket=lead.queue_bucket,
        sort_at=lead.queue_sort_at,
        arrived_at=lead.mql_at or lead.created_at,
        source=lead.source,
        score=lead.score,
        touch_count=lead.touch_count,
        attempts=lead.attempts,
        callback_at=lead.callback_at,
        asked_again_at=asked_again_at(lead),
        stage_reason=lead.stage_reason,
        last_disposition=_DISPOSITIONS.get(lead.last_disposition, ""),
        channel=lead.next_channel,
        proposal=lead.proposal,
        step=_step(lead),
        visit=_visit(lead),
    )


def _step(lead: Any) -> rules.Step | None:
    if lead.step_number is None:
        return None
    return rules.Step(lead.step_number, lead.step_of or lead.step_number, lead.cadence)


def _visit(lead: Any) -> rules.Visit | None:
    came, touched = lead.last_visit_at, lead.last_touch_at
    if came is None or (touched is not None and came <= touched):
        return None
    data = lead.visit or {}
    known = json.loads(data) if isinstance(data, str) else data
    return rules.Visit(came, str(known.get("page") or ""), str(known.get("cause") or ""))


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


def late(rows: Iterable[Row], now: datetime) -> list[Row]:
    """Those whose promise ran out, in the order given."""
    return [row for row in rows if row.due_at and row.due_at <= now]


def at_risk(rows: Iterable[Row], now: datetime) -> list[Row]:
    """Those whose promise runs out soon, the nearest first."""
    found = [row for row in rows if row.due_at and row.warn_at and row.warn_at <= now < row.due_at]
    return sorted(found, key=lambda row: row.due_at or now)
