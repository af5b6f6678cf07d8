"""Where the time of a promise went: intake, routing, the owner away, the owner's own (PRODUCT section 5).

Pure. All figures are open seconds of the clock's calendar, less its pauses, so that they add up to the whole.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from apps.reps.rules.business_time import Hours, Pause, apportion

INTAKE, ROUTING, UNAVAILABLE, REP = "intake", "routing", "unavailable", "rep"
PARTS = (INTAKE, ROUTING, UNAVAILABLE, REP)

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Held:
    """From ``from_at`` until the next one, ``rep_id`` was to keep the promise; ``None`` is the team's pool."""

    from_at: datetime
    rep_id: int | None


def where_it_went(
    *,
    hours: Hours,
    arrived_at: datetime,
    started_at: datetime,
    ended_at: datetime,
    held: Sequence[Held],
    away: dict[int, Sequence[Span]],
    pauses: Collection[Pause] = (),
) -> dict[str, int]:
    """Open seconds by part, from the lead's arrival until the promise was kept or is looked at.

    Intake is from arrival to the start of the clock; routing while nobody holds it; ``away`` has, by rep, the
    half-open spans in which the holder is not there. The parts sum to the open seconds of the whole.
    """
    spans: list[tuple[str, datetime, datetime]] = []
    if arrived_at < started_at:
        spans.append((INTAKE, arrived_at, min(started_at, ended_at)))
    for start, end, rep_id in _stretches(started_at, ended_at, held):
        if rep_id is None:
            spans.append((ROUTING, start, end))
        else:
            spans.extend(_cut(start, end, away.get(rep_id, ())))
    found = apportion(hours, spans, pauses)
    return {part: found.get(part, 0) for part in PARTS}


def _stretches(
    start: datetime, end: datetime, held: Sequence[Held]
) -> list[tuple[datetime, datetime, int | None]]:
    """Who held it over ``[start, end)``, in order; before the first holder nobody did."""
    ordered = sorted(held, key=lambda one: one.from_at)
    edges = [start, *(one.from_at for one in ordered), end]
    holders = [None, *(one.rep_id for one in ordered)]
    return [
        (max(begins, start), min(ends, end), rep_id)
        for (begins, ends), rep_id in zip(pairwise(edges), holders, strict=True)
        if max(begins, start) < min(ends, end)
    ]


def _cut(start: datetime, end: datetime, away: Sequence[Span]) -> list[tuple[str, datetime, datetime]]:
    """The holder's stretch, with what falls into an absence apart."""
    spans: list[tuple[str, datetime, datetime]] = []
    moment = start
    for leaves, returns in sorted(away):
        begins, ends = max(leaves, moment), min(returns, end)
        if begins >= ends:
            continue
        if moment < begins:
            spans.append((REP, moment, begins))
        spans.append((UNAVAILABLE, begins, ends))
        moment = ends
    if moment < end:
        spans.append((REP, moment, end))
    return spans
