"""The blocks of a day: which one now, what comes next, what cannot be (PRODUCT section 4, "Focus blocks").

A block is a half-open part ``[starts, ends)`` of a weekday on the rep's wall clock. It is cut in real time, so a
change of the clocks lengthens or shortens it by real minutes, and at no instant are there two. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CLEAN_UP, EMAIL, CALLS, SOCIAL, FOLLOW_UP = "clean_up", "email", "calls", "social", "follow_up"
KINDS = (CLEAN_UP, EMAIL, CALLS, SOCIAL, FOLLOW_UP)
_CHANNELS = {EMAIL: "email", CALLS: "call", SOCIAL: "social"}
_START = ((CLEAN_UP, 1), (EMAIL, 3), (CALLS, 3), (FOLLOW_UP, 1))
WEEKDAYS = range(7)


@dataclass(frozen=True, order=True)
class Block:
    """A part of a weekday kept for one kind of work, on the wall clock."""

    starts: time
    ends: time
    kind: str

    @property
    def channel(self) -> str:
        """The channel that it is for; "" where it is for none in particular."""
        return _CHANNELS.get(self.kind, "")


Week = Mapping[int, Sequence[Block]]
"""The blocks of each weekday, 0 is Monday; a weekday without any may be missing."""


@dataclass(frozen=True)
class Span:
    """A block on one day, as the two UTC instants that it lies between, half-open."""

    block: Block
    starts_at: datetime
    ends_at: datetime

    @property
    def channel(self) -> str:
        return self.block.channel

    @property
    def kind(self) -> str:
        return self.block.kind


@dataclass(frozen=True)
class Fault:
    """What is wrong with the block at ``index`` (from 0, as given); ``field`` is starts, ends or kind."""

    index: int
    field: str
    words: str


def default_day(starts: time = time(9)) -> tuple[Block, ...]:
    """One hour of clean-up, three of email, three of calls, one of follow-up: what a day starts from."""
    hour = starts.hour
    blocks = []
    for kind, hours in _START:
        blocks.append(Block(time(hour, starts.minute), time(hour + hours, starts.minute), kind))
        hour += hours
    return tuple(blocks)


def faults(blocks: Sequence[Block]) -> list[Fault]:
    """What keeps these blocks from being one day's: an unknown kind, no length, two that overlap."""
    found = []
    for index, block in enumerate(blocks):
        if block.kind not in KINDS:
            found.append(Fault(index, "kind", "Choose what the block is for."))
        if block.ends <= block.starts:
            found.append(Fault(index, "ends", "A block ends after it starts, on the same day."))
    if any(fault.field == "ends" for fault in found):
        return found
    order = sorted(range(len(blocks)), key=lambda index: (blocks[index].starts, index))
    latest = None
    for index in order:
        if latest is not None and blocks[index].starts < blocks[latest].ends:
            other = blocks[latest]
            words = f"It overlaps the block from {other.starts:%H:%M} to {other.ends:%H:%M}."
            found.append(Fault(index, "starts", words))
        if latest is None or blocks[index].ends > blocks[latest].ends:
            latest = index
    return found


def spans(week: Week, day: date, zone: ZoneInfo) -> list[Span]:
    """The blocks of one calendar day as real time, in order; one that the clocks jump over is left out."""
    found = []
    for block in sorted(week.get(day.weekday(), ())):
        span = Span(block, _instant(day, block.starts, zone), _instant(day, block.ends, zone))
        if span.starts_at < span.ends_at:
            found.append(span)
    return found


def _instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock on the wall shows ``wall`` or later."""
    local = datetime.combine(day, wall, zone)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    # A time that the clocks jump over: the instant of the jump lies between its two readings.
    early, late = local.replace(fold=1).astimezone(UTC), found
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=1) // 2)
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def span_at(week: Week, at: datetime, zone: ZoneInfo) -> Span | None:
    """The block in which ``at`` lies, if any."""
    today = spans(week, at.astimezone(zone).date(), zone)
    return next((span for span in today if span.starts_at <= at < span.ends_at), None)


def next_span(week: Week, at: datetime, zone: ZoneInfo) -> Span | None:
    """The first block that begins after ``at``, within a week; ``None`` for a week without blocks."""
    today = at.astimezone(zone).date()
    for days in range(8):
        for span in spans(week, today + timedelta(days=days), zone):
            if span.starts_at > at:
                return span
    return None
