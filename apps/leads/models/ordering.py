"""The written order of the queue (``rules.queue``) as the database sorts by it, and indexes for it.

Each focus channel has an index of its own whose third column is the rank that ``rules.queue.focus_rank`` works
out, so that a page or a claim within a focus block reads the first rows of an index and sorts nothing.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.deconstruct import deconstructible

from apps.leads.rules import queue as rules

FOCUS_CHANNELS = ("call", "email", "social")
"""The channels that a focus block may be for."""


@deconstructible(path="apps.leads.models.ordering.FocusRank")
class FocusRank(models.Func):
    """``rules.queue.focus_rank`` in SQL, for the block of one channel.

    The constants stand in the SQL itself: an index on an expression serves a query only where both are written
    alike, and a parameter is not alike.
    """

    arity = 3
    output_field = models.IntegerField()

    def __init__(self, channel: str) -> None:
        if channel not in FOCUS_CHANNELS:
            raise ValueError(f"No focus block is for {channel!r}.")
        self.channel = channel
        super().__init__(F("queue_bucket"), F("next_channel"), F("persona"))

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Sequence[Any]]:  # type: ignore[override]
        bucket, channel, persona = (compiler.compile(one)[0] for one in self.get_source_expressions())
        meant = f"'{self.channel}', ''" if self.channel == rules.USUAL_CHANNEL else f"'{self.channel}'"
        return (
            f"(CASE WHEN {bucket} < {rules.FIRST_GROUPED} THEN 0 WHEN {channel} IN ({meant}) THEN {persona}"
            f" ELSE {rules.NOT_THE_BLOCKS} END)"
        ), ()


class InZones(models.Func):
    """Whether a time zone is one of ``zones``: one parameter, however many there are."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, zone: Any, zones: Sequence[str]) -> None:
        super().__init__(zone)
        self.zones = zones

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Sequence[Any]]:
        zone, _ = compiler.compile(self.get_source_expressions()[0])
        return f"{zone} = ANY(%s::text[])", [list(self.zones)]

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Sequence[Any]]:  # type: ignore[override]
        zone, _ = compiler.compile(self.get_source_expressions()[0])
        sql = f"{zone} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column that Django quoted
        return sql, [json.dumps(list(self.zones))]


def order_of(focus: str = "") -> tuple[Any, ...]:
    """What to order leads by: the written order, in the focus block of a channel if one runs."""
    if focus not in FOCUS_CHANNELS:
        return ("queue_bucket", "queue_sort_at", "pk")
    return ("queue_bucket", FocusRank(focus), "queue_sort_at", "pk")


def queue_indexes() -> list[models.Index]:
    """The queue as the database keeps it sorted: a rep's own leads, a team's unowned ones; each once as it
    stands and once for each focus channel. What is not offered yet is passed over within the index."""
    own = Q(queue_bucket__isnull=False, owner__isnull=False)
    pool = Q(queue_bucket__isnull=False, owner__isnull=True)
    found = []
    for name, key, condition in (("own", "owner", own), ("pool", "team", pool)):
        found.append(
            models.Index(
                fields=[key, "queue_bucket", "queue_sort_at", "id", "queue_ready_at"],
                condition=condition,
                name=f"lead_queue_{name}",
            )
        )
        for channel in FOCUS_CHANNELS:
            found.append(
                models.Index(
                    F(key),
                    F("queue_bucket"),
                    FocusRank(channel),
                    F("queue_sort_at"),
                    F("id"),
                    F("queue_ready_at"),
                    condition=condition,
                    name=f"lead_queue_{name}_{channel}",
                )
            )
    return found
