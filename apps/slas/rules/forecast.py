"""Which promises will break, and when: a team's queues played forward (PRODUCT section 5, "Breach forecast").

Pure and deterministic. Everybody at work takes the best lead of the own ones and the team's pool in the order of
the queue, is busy with it for the usual handling time, and takes the next. A promise is kept where the touch is
logged at its due instant or before. Time that is not worked (closed hours, breaks, days off) counts for nobody;
what is in hand when the day closes goes on when it opens. Focus blocks are not looked at: they move no promise.
"""

import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from apps.leads.rules.queue import UNTOUCHED
from apps.slas.rules.handling import Handling

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Worker:
    """Somebody who works the queue in ``windows`` (half-open, in order, the first not before now).

    ``new_left`` is how many leads never touched they may still take today; ``None`` without a limit.
    """

    rep_id: int
    name: str
    handling: Handling
    windows: tuple[Span, ...]
    new_left: int | None = None


@dataclass(frozen=True)
class Waiting:
    """A lead of the queue. ``due_at`` is the promise of its first answer, where one runs.

    ``rep_id`` is ``None`` in the pool; ``held_by`` is who works it at this moment.
    """

    lead_id: int
    bucket: int
    sort_at: datetime
    ready_at: datetime
    due_at: datetime | None = None
    rep_id: int | None = None
    held_by: int | None = None
    is_new: bool = True

    @property
    def key(self) -> tuple[int, datetime, int]:
        """The written order of the queue outside a focus block."""
        return self.bucket, self.sort_at, self.lead_id


@dataclass(frozen=True)
class Served:
    """Taken by ``rep_id`` at ``begins_at``, the touch logged at ``ends_at``."""

    lead_id: int
    rep_id: int
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Breaking:
    """A promise that will break at ``due_at``; ``answered_at`` and ``rep_id`` are ``None`` if not reached."""

    lead_id: int
    due_at: datetime
    owner_id: int | None
    answered_at: datetime | None
    rep_id: int | None


@dataclass(frozen=True)
class Hour:
    """One hour: promises ``due`` in it, of those ``late``, and how many leads the people at work can handle."""

    starts_at: datetime
    due: int
    late: int
    capacity: int


@dataclass(frozen=True)
class Forecast:
    """What the play came to, from ``at`` until ``until``."""

    at: datetime
    until: datetime
    served: tuple[Served, ...]
    breaking: tuple[Breaking, ...]
    late_already: int
    hours: tuple[Hour, ...]
    by: datetime
    due: int
    capacity: int
    before: int
    workers: tuple[Worker, ...] = field(default=(), repr=False)

    @property
    def broken_leads(self) -> frozenset[int]:
        return frozenset(one.lead_id for one in self.breaking)


# --- The play -------------------------------------------------------------------------------------


class _Line:
    """One list of the queue: what is offered by now, in the order of the queue, and what comes later."""

    def __init__(self, waiting: Sequence[Waiting]) -> None:
        self.coming = [(one.ready_at, one.key, one) for one in waiting]
        heapq.heapify(self.coming)
        self.untouched: list[tuple[tuple[int, datetime, int], Waiting]] = []
        self.others: list[tuple[tuple[int, datetime, int], Waiting]] = []

    def open_until(self, at: datetime) -> None:
        while self.coming and self.coming[0][0] <= at:
            _, key, one = heapq.heappop(self.coming)
            heapq.heappush(self.untouched if one.bucket == UNTOUCHED else self.others, (key, one))

    def heaps(self, with_untouched: bool) -> list[list[tuple[tuple[int, datetime, int], Waiting]]]:
        return [heap for heap in (self.others, self.untouched if with_untouched else []) if heap]


def play(
    *, waiting: Sequence[Waiting], workers: Sequence[Worker], now: datetime, until: datetime
) -> tuple[Served, ...]:
    """Who takes which lead when, in the order of time; of two who are free at once the lower id is first."""
    at_work = {one.rep_id for one in workers if one.windows}
    held = {one.held_by: one for one in waiting if one.held_by in at_work}
    in_hand = {one.lead_id for one in held.values()}
    free = [one for one in waiting if one.lead_id not in in_hand]
    pool = _Line([one for one in free if one.rep_id is None])
    own = {one.rep_id: _Line([w for w in free if w.rep_id == one.rep_id]) for one in workers}
    people = {one.rep_id: one for one in workers}
    left = {one.rep_id: one.new_left for one in workers}
    turns = [(one.windows[0][0], one.rep_id) for one in workers if one.windows]
    heapq.heapify(turns)
    served: list[Served] = []
    while turns:
        at, rep_id = heapq.heappop(turns)
        if at >= until:
            continue
        worker = people[rep_id]
        one = held.pop(rep_id, None) or _take(own[rep_id], pool, at, left[rep_id])
        if one is None:
            back = _next_ready(own[rep_id], pool, worker, at)
            if back is not None:
                heapq.heappush(turns, (back, rep_id))
            continue
        ends_at = worked_until(worker.windows, at, worker.handling.time)
        if left[rep_id] is not None and one.is_new:
            left[rep_id] = max(0, (left[rep_id] or 0) - 1)
        if ends_at is None:
            continue  # not finished within what is looked at
        served.append(Served(one.lead_id, rep_id, at, ends_at))
        begins = worked_until(worker.windows, ends_at, timedelta(0))
        if begins is not None:
            heapq.heappush(turns, (begins, rep_id))
    return tuple(served)


def _take(own: _Line, pool: _Line, at: datetime, new_left: int | None) -> Waiting | None:
    own.open_until(at)
    pool.open_until(at)
    heaps = [heap for line in (own, pool) for heap in line.heaps(new_left != 0)]
    if not heaps:
        return None
    return heapq.heappop(min(heaps, key=lambda heap: heap[0][0]))[1]


def _next_ready(own: _Line, pool: _Line, worker: Worker, at: datetime) -> datetime | None:
    """When something is offered again to somebody idle at ``at``, and they are at work."""
    coming = [line.coming[0][0] for line in (own, pool) if line.coming]
    return worked_until(worker.windows, max(at, min(coming)), timedelta(0)) if coming else None


def worked_until(windows: Sequence[Span], start: datetime, time: timedelta) -> datetime | None:
    """When ``time`` of work is done that begins at ``start``; ``None`` when the windows do not hold it.

    No time at all gives the next instant at work. Done exactly at closing is done at that closing instant.
    """
    index = max(0, bisect_right(windows, start, key=lambda span: span[0]) - 1)
    for opens, closes in windows[index:]:
        begins = max(opens, start)
        if begins >= closes:
            continue
        if not time or closes - begins >= time:
            return begins + time
        time -= closes - begins
    return None


# --- What it comes to -----------------------------------------------------------------------------


def forecast(
    *, waiting: Sequence[Waiting], workers: Sequence[Worker], now: datetime, until: datetime
) -> Forecast:
    """Play the queues forward and say which promises due after ``now`` and by ``until`` will break."""
    served = play(waiting=waiting, workers=workers, now=now, until=until)
    answered = {one.lead_id: one for one in served}
    promised = [one for one in waiting if one.due_at is not None and now < one.due_at <= until]
    breaking = []
    for one in sorted(promised, key=lambda one: (one.due_at, one.lead_id)):
        answer = answered.get(one.lead_id)
        assert one.due_at is not None
        if answer is None or answer.ends_at > one.due_at:
            breaking.append(
                Breaking(
                    one.lead_id,
                    one.due_at,
                    one.rep_id,
                    answer.ends_at if answer else None,
                    answer.rep_id if answer else None,
                )
            )
    by = breaking[-1].due_at if breaking else until
    due = [one for one in promised if one.due_at is not None and one.due_at <= by]
    ahead = {one.lead_id for one in due}
    return Forecast(
        at=now,
        until=until,
        served=served,
        breaking=tuple(breaking),
        late_already=sum(1 for one in waiting if one.due_at is not None and one.due_at <= now),
        hours=_hours(promised, frozenset(one.lead_id for one in breaking), workers, now, until),
        by=by,
        due=len(due),
        capacity=capacity(workers, now, by),
        before=sum(1 for one in served if one.lead_id not in ahead and one.ends_at <= by),
        workers=tuple(workers),
    )


def capacity(workers: Sequence[Worker], start: datetime, end: datetime) -> int:
    """How many leads can be handled from ``start`` until ``end``, each person's whole ones only."""
    return sum(worked_time(one.windows, start, end) // one.handling.time for one in workers)


def worked_time(windows: Sequence[Span], start: datetime, end: datetime) -> timedelta:
    """How much of ``[start, end)`` lies in the windows."""
    parts = (min(end, closes) - max(start, opens) for opens, closes in windows)
    return sum((part for part in parts if part > timedelta(0)), timedelta(0))


def _hours(
    promised: Sequence[Waiting],
    broken: frozenset[int],
    workers: Sequence[Worker],
    now: datetime,
    until: datetime,
) -> tuple[Hour, ...]:
    """By the hour of the clock; a promise due exactly at its end belongs to the hour."""
    edges = [now]
    moment = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while moment < until:
        edges.append(moment)
        moment += timedelta(hours=1)
    edges.append(max(until, now))
    found = []
    for start, end in pairwise(edges):
        due = [one for one in promised if one.due_at is not None and start < one.due_at <= end]
        late = sum(1 for one in due if one.lead_id in broken)
        fits = capacity(workers, start, end)
        if due or fits:
            found.append(Hour(start, len(due), late, fits))
    return tuple(found)


# --- Who could still keep it ----------------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """Give the lead to ``to``, who will answer at ``answered_at``."""

    lead_id: int
    due_at: datetime
    owner_id: int | None
    to: int
    answered_at: datetime


@dataclass(frozen=True)
class Plan:
    """Moves that keep promises, and the forecast with them; ``stuck`` leads nobody can still answer in time."""

    moves: tuple[Move, ...]
    stuck: tuple[Breaking, ...]
    before: Forecast
    after: Forecast


def plan_moves(
    *,
    waiting: Sequence[Waiting],
    workers: Sequence[Worker],
    now: datetime,
    until: datetime,
    most: int = 20,
) -> Plan:
    """What will break goes, the nearest due first, to whoever answers it in time without breaking another.

    Of several, who is idle longest until then. Each move is checked by playing the day again.
    """
    before = found = forecast(waiting=waiting, workers=workers, now=now, until=until)
    current, moves = {one.lead_id: one for one in waiting}, []
    for one in before.breaking[:most]:
        if one.lead_id not in found.broken_leads:
            continue  # an earlier move made room for it
        for taker in _with_room(workers, found, one):
            tried = {**current, one.lead_id: replace(current[one.lead_id], rep_id=taker.rep_id, held_by=None)}
            again = forecast(waiting=list(tried.values()), workers=workers, now=now, until=until)
            if one.lead_id in again.broken_leads or not again.broken_leads < found.broken_leads:
                continue
            answer = next(s.ends_at for s in again.served if s.lead_id == one.lead_id)
            moves.append(Move(one.lead_id, one.due_at, one.owner_id, taker.rep_id, answer))
            current, found = tried, again
            break
    moved = {move.lead_id for move in moves}
    stuck = tuple(one for one in found.breaking if one.lead_id not in moved)
    return Plan(tuple(moves), stuck, before, found)


def _with_room(workers: Sequence[Worker], found: Forecast, one: Breaking) -> list[Worker]:
    """Those at work before it is due and not its owner, the least busy until then first."""
    busy: dict[int, timedelta] = {}
    for served in found.served:
        if served.begins_at < one.due_at:
            spent = min(served.ends_at, one.due_at) - served.begins_at
            busy[served.rep_id] = busy.get(served.rep_id, timedelta(0)) + spent
    there = [
        worker
        for worker in workers
        if worker.rep_id != one.owner_id
        and worked_time(worker.windows, found.at, one.due_at) >= worker.handling.time
    ]
    return sorted(
        there,
        key=lambda worker: (
            busy.get(worker.rep_id, timedelta(0)) - worked_time(worker.windows, found.at, one.due_at),
            worker.rep_id,
        ),
    )


def given(waiting: Sequence[Waiting], moves: Mapping[int, int]) -> list[Waiting]:
    """The queue with some leads (by id) given to other reps."""
    return [
        replace(one, rep_id=moves[one.lead_id], held_by=None) if one.lead_id in moves else one
        for one in waiting
    ]


def of_rep(*, waiting: Sequence[Waiting], found: Forecast, rep_id: int) -> Forecast:
    """One rep's part of a team's forecast: the own leads, and those of the pool that fall to them.

    Whoever plays these alone takes them at the same instants as in the team's play.
    """
    theirs = {one.lead_id for one in found.served if one.rep_id == rep_id}
    return forecast(
        waiting=[one for one in waiting if one.rep_id == rep_id or one.lead_id in theirs],
        workers=[one for one in found.workers if one.rep_id == rep_id],
        now=found.at,
        until=found.until,
    )


# --- In words -------------------------------------------------------------------------------------


def headline(found: Forecast, clock: Mapping[datetime, str]) -> str:
    """``11 due, capacity 8; these 3 will breach by 15:40``. ``clock`` writes the instants it needs."""
    by = clock[found.by]
    if not found.breaking:
        if not found.due:
            return f"No first answer falls due by {by}"
        return f"{found.due} due, capacity {found.capacity}; every promise due by {by} will be kept"
    number = len(found.breaking)
    these = "this 1" if number == 1 else f"these {number}"
    return f"{found.due} due, capacity {found.capacity}; {these} will breach by {by}"
