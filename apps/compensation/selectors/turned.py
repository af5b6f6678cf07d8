"""What turned a posted line into another amount without any new event: a split of its credit, or its rate.

Read for the causes that adjustments name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max

from apps.compensation.models import LedgerEntry
from apps.compensation.rules.lines import Line, Source
from apps.compensation.selectors.hand_credits import HandCause, causes_by_hand

Cause = tuple[str, int | None]
"""A sentence, and the event that it is about."""


@dataclass
class Turned:
    """The causes by line, and for the other lines of its rep and component."""

    causes: dict[Source, Cause] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        run_id: int,
        as_of: datetime,
        known_by: datetime | None,
        lines: Mapping[Source, tuple[int | None, Line | None]],
        standing: Mapping[Source, int],
    ) -> "Turned":
        """Of ``lines`` that differ from what was posted: event and line as it is now, ``None`` where it is gone.

        ``standing`` are the numbers of the lines posted last; ``known_by`` is when a closed period was computed.
        Three queries at most, none where nothing differs.
        """
        if not lines:
            return cls()
        since = known_by or _computed_before(run_id, as_of)
        by_hand = causes_by_hand({pk for pk, _ in lines.values() if pk is not None}, since, as_of)
        found = {
            key: _split_in_words(by_hand[key.rep_id, event_id], event_id)
            for key, (event_id, _) in lines.items()
            if event_id is not None and (key.rep_id, event_id) in by_hand
        }
        before = _conversions(standing[key] for key, (_, line) in lines.items() if line and key in standing)
        for key, (event_id, line) in lines.items():
            now = line.converted if line else None
            kept = before.get(standing.get(key, 0))
            if now and kept and kept["rate"] != now["rate"]:
                found.setdefault(key, (_rates_in_words(kept, now), event_id))
        return cls(found)

    def why(self, key: Source) -> Cause | None:
        return self.causes.get(key)

    def why_beside(self, group: tuple[int, str]) -> Cause | None:
        """Why another line of the same rep and component moved along; the first that did."""
        for key, (text, event_id) in self.causes.items():
            if (key.rep_id, key.component_key) == group:
                return f"Moved along with another event. {text}"[:300], event_id
        return None


def _computed_before(run_id: int, as_of: datetime) -> datetime | None:
    earlier = LedgerEntry.objects.filter(run=run_id).exclude(posted_at=as_of)
    return earlier.aggregate(at=Max("posted_at"))["at"]


def _conversions(line_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    ids = list(line_ids)
    if not ids:
        return {}
    rows = LedgerEntry.objects.filter(pk__in=ids, conversion__isnull=False)
    return {pk: kept for pk, kept in rows.values_list("pk", "conversion") if kept is not None}


def _split_in_words(cause: HandCause, event_id: int) -> Cause:
    local = cause.at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    reason = cause.split.reason[:160]
    return f"Credit split by hand, approved on {local.day} {local:%b %Y} ({reason}).", event_id


def _rates_in_words(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return f"Another exchange rate: {_rate(now)}; before {_rate(before)}."


def _rate(kept: Mapping[str, Any]) -> str:
    on = date.fromisoformat(kept["on"])
    pair = (kept["to"], kept["from"])
    of, per = reversed(pair) if kept["inverted"] else pair
    return f"{kept['published']} {of} per {per} of {on.day} {on:%b %Y} ({kept['source']})"
