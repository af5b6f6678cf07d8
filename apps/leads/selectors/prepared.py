"""Statements whose text is worked out once a process, with a rep, an instant and time zones put in each time.

Building a query from objects took longer than the database took to answer it. The text is still Django's: it is
compiled with a marker in each place where a value is given, and the markers are found again among its parameters.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from apps.leads.rules.queue import Zones

REP, TEAM = -101, -102
AT = datetime(1000, 1, 1, tzinfo=UTC)
ZONES = ("marker",)


@dataclass(frozen=True)
class Given:
    """What is put in for the markers."""

    rep: int
    team: int
    at: datetime
    zones: Zones


@dataclass(frozen=True)
class Prepared:
    """A statement; ``slots`` are its parameters in their order, or the marker that stands for one."""

    sql: str
    slots: tuple[Any, ...]

    @classmethod
    def of(cls, sql: str, params: Sequence[Any]) -> "Prepared":
        at = connection.ops.adapt_datetimefield_value(AT)
        # A list cannot be a key, and nothing else is one here: it is the zones'.
        names = (list(ZONES), json.dumps(list(ZONES)))
        slots = [AT if one == at else ZONES if one in names else one for one in params]
        return cls(sql, tuple(slots))

    def rows(self, given: Given) -> list[tuple[Any, ...]]:
        """What the database answers, as it answers it."""
        names = list(given.zones.names)
        values = {
            REP: given.rep,
            TEAM: given.team,
            AT: connection.ops.adapt_datetimefield_value(given.at),
            ZONES: names if connection.vendor == "postgresql" else json.dumps(names),
        }
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [values.get(slot, slot) for slot in self.slots])
            return cursor.fetchall()
