"""Where a lead stands in the queue, who comes before whom, and the words that say why (PRODUCT section 4).

The written order is one total order of the leads that are offered; the first that differs decides:

1. the bucket: callbacks due, fresh inbound, touches due, untouched, recycled;
2. while a focus block with a channel runs, within the buckets of touches due, untouched and recycled: a lead
   whose next step is over that channel comes before one whose is not (callbacks and fresh inbound wait for
   no block);
3. among those of the block's channel: the persona, executives first, so that one kind of talk follows another;
4. the instant to sort by: a callback's promise, fresh inbound's deadline, when a touch fell due, when an
   untouched lead came, when a recycled one came back; the earlier comes first;
5. the lead's id.

A place is three values that an index keeps: the bucket, the instant to sort by, and the instant from which
the lead is offered at all (so a callback or a recycled lead comes back by itself). One thing more hides a lead
for a while: a *planned* call is not offered outside the prospect's calling hours, except where they were the
ones who asked (callbacks, fresh inbound). ``models.ordering`` says the same to the database.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from apps.leads.rules import calling

CALLBACK, FRESH_INBOUND, TOUCH_DUE, UNTOUCHED, RECYCLED = 1, 2, 3, 4, 5
FIRST_GROUPED = TOUCH_DUE
"""From this bucket on a focus block groups, and a planned call waits for the prospect's calling hours."""

CALLBACK_LEAD = timedelta(minutes=15)
"""A callback is offered so long before its time: offered at its time, it would always be late."""

USUAL_CHANNEL = "call"
"""A lead without a planned channel is called."""

NOT_THE_BLOCKS = 9
"""Beyond every persona: where a lead stands whose next step is not over the block's channel."""


@dataclass(frozen=True)
class Standing:
    """What the place of a lead follows from. All instants are UTC.

    ``workable`` is false for a merged, handed-off or finished lead. ``asked_again_at`` is when they asked by
    themselves, where nobody has answered that yet. The rest is for ``offered_from`` and ``explain``.
    """

    workable: bool
    do_not_contact: bool
    is_inbound: bool
    touch_count: int
    arrived_at: datetime
    response_due_at: datetime | None
    callback_at: datetime | None
    next_touch_at: datetime | None
    reentry_at: datetime | None
    asked_again_at: datetime | None = None
    channel: str = ""
    persona: int = 6
    time_zone: str = ""
    proposal: str = ""
    attempts: int = 0


@dataclass(frozen=True)
class Place:
    """``bucket`` 1–5; ``sort_at`` orders inside it; not offered before ``ready_at``."""

    bucket: int
    sort_at: datetime
    ready_at: datetime


@dataclass(frozen=True)
class Waiting:
    """What the order compares of two leads."""

    bucket: int
    sort_at: datetime
    pk: int
    channel: str = ""
    persona: int = 6


def place(standing: Standing) -> Place | None:
    """The lead's place, or ``None`` when nobody is to work it. Opt-outs always win."""
    if not standing.workable or standing.do_not_contact:
        return None
    asked, callback = standing.asked_again_at, standing.callback_at
    # Who asks before the time agreed for a callback is not left waiting for it.
    if callback is not None and (asked is None or callback - CALLBACK_LEAD <= asked):
        return Place(CALLBACK, callback, callback - CALLBACK_LEAD)
    if asked is not None:
        if standing.response_due_at is not None:
            return Place(FRESH_INBOUND, standing.response_due_at, asked)
        return Place(TOUCH_DUE, asked, asked)
    if standing.reentry_at is not None:
        return Place(RECYCLED, standing.reentry_at, standing.reentry_at)
    if standing.touch_count == 0:
        if standing.is_inbound and standing.response_due_at is not None:
            return Place(FRESH_INBOUND, standing.response_due_at, standing.arrived_at)
        if standing.next_touch_at is None:
            return Place(UNTOUCHED, standing.arrived_at, standing.arrived_at)
    due = standing.next_touch_at or standing.arrived_at
    return Place(TOUCH_DUE, due, due)


# --- The order ------------------------------------------------------------------------------------


def focus_rank(*, bucket: int, channel: str, persona: int, focus: str) -> int:
    """The second and third of the written order as one number: 0 where no block groups."""
    if not focus or bucket < FIRST_GROUPED:
        return 0
    return persona if (channel or USUAL_CHANNEL) == focus else NOT_THE_BLOCKS


def order_key(one: Waiting, focus: str = "") -> tuple[int, int, datetime, int]:
    """Sorting by this is the written order; ``focus`` is the channel of the block that runs, if any."""
    rank = focus_rank(bucket=one.bucket, channel=one.channel, persona=one.persona, focus=focus)
    return one.bucket, rank, one.sort_at, one.pk


def compare(one: Waiting, other: Waiting, focus: str = "") -> int:
    """-1 where ``one`` comes first, 1 where ``other`` does, 0 only for the same lead."""
    first, second = order_key(one, focus), order_key(other, focus)
    return (first > second) - (first < second)


# --- When it is offered ---------------------------------------------------------------------------


def waits_for_their_hours(bucket: int, channel: str) -> bool:
    """Whether the next step is a call of ours that may only be made in the prospect's calling hours."""
    return bucket >= FIRST_GROUPED and channel == "call"


def offered_from(found: Place, *, channel: str, time_zone: str, now: datetime) -> datetime:
    """The instant from which a lead of this place is offered, seen from ``now``; past when it is already."""
    if not waits_for_their_hours(found.bucket, channel):
        return found.ready_at
    theirs = calling.at_prospect(time_zone, max(now, found.ready_at))
    if theirs is None or theirs.is_proper:
        return found.ready_at
    return theirs.next_proper.astimezone(UTC)


def effective_zone(time_zone: str, fallback: str) -> str:
    """The zone that decides for a lead: its own, or ``fallback`` (the company's) where it is none that is known."""
    return time_zone if time_zone in _known_zones() else fallback


@dataclass(frozen=True)
class Zones:
    """Where calls wait: in the zones of ``names``, or, with ``all_but``, in every zone except those."""

    names: tuple[str, ...]
    all_but: bool


def waiting_zones(now: datetime, fallback: str) -> Zones:
    """The time zones in which nobody may be called at ``now``, for a query to leave out.

    A lead whose zone is not known follows ``fallback``: where that is closed, the zones are told by those that
    are open. Worked out once a minute: there are some six hundred zones, and their state changes at full minutes.
    """
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    all_but = fallback in _zones_where(minute, False)
    return Zones(_zones_where(minute, all_but), all_but)


@lru_cache(maxsize=16)
def _zones_where(minute: datetime, is_open: bool) -> tuple[str, ...]:
    found = _known_zones().items()
    return tuple(name for name, zone in found if calling.is_proper(minute.astimezone(zone)) is is_open)


@lru_cache(maxsize=1)
def _known_zones() -> dict[str, ZoneInfo]:
    """All zones, read once a process: reading them anew each minute would cost more than the query saves."""
    return {name: ZoneInfo(name) for name in sorted(available_timezones())}


# --- The words of a row ---------------------------------------------------------------------------

_CHANNEL_WORDS = {
    "call": "call",
    "email": "email",
    "social": "social touch",
    "chat": "chat",
    "visit": "visit",
}
_FOCUS_WORDS = {"call": "Calls", "email": "Emails", "social": "Social touches"}
_PROPOSALS = {"recycle": "to recycle it", "disqualify": "to disqualify it"}


@dataclass(frozen=True)
class Step:
    """Where an enrolled lead stands in its cadence: ``number`` comes next, of ``of``."""

    number: int
    of: int
    cadence: str


@dataclass(frozen=True)
class Visit:
    """A visit to the site since the last touch: which page, and the channel of the touch that caused it."""

    at: datetime
    page: str = ""
    cause: str = ""


class Facts(NamedTuple):
    """What the words of a row are made from. Instants are UTC; ``last_disposition`` is its label.

    ``attempts`` are touches in a row without contact. A tuple, for each row of a page makes one."""

    bucket: int
    sort_at: datetime
    arrived_at: datetime
    source: str = ""
    score: str = ""
    touch_count: int = 0
    attempts: int = 0
    callback_at: datetime | None = None
    asked_again_at: datetime | None = None
    stage_reason: str = ""
    last_disposition: str = ""
    channel: str = ""
    proposal: str = ""
    step: Step | None = None
    visit: Visit | None = None


def reason(
    facts: Facts, *, now: datetime, zone: tzinfo = UTC, their_zone: tzinfo | None = None
) -> tuple[str, str]:
    """Two short lines for the row: why the lead is here now, and what is behind it.

    Instants are shown in ``zone``, the viewer's; a callback also in ``their_zone`` where it differs.
    """
    if facts.bucket == CALLBACK:
        return _callback(facts, now, zone, their_zone)
    if facts.asked_again_at is not None and facts.bucket in (FRESH_INBOUND, TOUCH_DUE):
        return f"Asked again {ago(facts.asked_again_at, now)}", facts.source or "Nobody has answered yet"
    if facts.bucket == FRESH_INBOUND:
        behind = f"Score {facts.score}: first answer still due"
        return f"{facts.source or 'Inbound'} {ago(facts.arrived_at, now)}", behind
    if facts.bucket == RECYCLED:
        back = facts.sort_at.astimezone(zone)
        today = back.date() == now.astimezone(zone).date()
        words = "today" if today else f"since {back.day} {back:%b}"
        return f"Back {words}", facts.stage_reason or "Re-entry date reached"
    if facts.visit is not None:
        return _visited(facts.visit, now)
    if facts.bucket == TOUCH_DUE:
        return _touch_due(facts)
    return f"Untouched, came {ago(facts.arrived_at, now)}", facts.source or "Source unknown"


def _touch_due(facts: Facts) -> tuple[str, str]:
    if facts.proposal:
        tried = facts.attempts or facts.touch_count
        touches = "1 touch" if tried == 1 else f"{tried} touches"
        return f"{touches} without contact", "Recycle or disqualify?"
    last = f"Last: {facts.last_disposition.lower()}" if facts.last_disposition else ""
    if facts.step is not None:
        step = facts.step
        return f"Step {step.number} of {step.of}: {_channel(facts.channel)}", step.cadence
    return f"Touch {facts.touch_count + 1} is due", last


def _visited(visit: Visit, now: datetime) -> tuple[str, str]:
    behind = f"After your {_channel(visit.cause)}" if visit.cause else "Of their own accord"
    return f"Visited {visit.page or 'the site'} {ago(visit.at, now)}", behind


def _callback(facts: Facts, now: datetime, zone: tzinfo, their_zone: tzinfo | None) -> tuple[str, str]:
    promised = facts.callback_at or facts.sort_at
    local = promised.astimezone(zone)
    day = "" if local.date() == now.astimezone(zone).date() else f" {local:%a} {local.day} {local:%b},"
    first = f"Promised for{day} {local:%H:%M}"
    if their_zone is not None:
        theirs = promised.astimezone(their_zone)
        if theirs.utcoffset() != local.utcoffset():
            return first, f"{theirs:%H:%M} their time"
    last = f"Last: {facts.last_disposition.lower()}" if facts.last_disposition else ""
    return first, last or "They asked for a call"


def _channel(channel: str) -> str:
    return _CHANNEL_WORDS.get(channel or USUAL_CHANNEL, channel)


# --- Why it stands where it does --------------------------------------------------------------------


def explain(
    *,
    standing: Standing,
    now: datetime,
    zone: tzinfo = UTC,
    focus: str = "",
    step: Step | None = None,
) -> list[str]:
    """Why a lead stands where it does, one sentence for each thing that decides, in the order asked.

    ``focus`` is the channel of the viewer's focus block, if one runs.
    """
    found = place(standing)
    if standing.do_not_contact:
        return ["They opted out, and opt-outs always win: the lead is in nobody's queue."]
    if found is None:
        return ["Nobody is to work it in its present stage, so it is in no queue."]
    sentences = [_bucket_sentence(found, standing, zone)]
    if step is not None and found.bucket == TOUCH_DUE:
        next_one = _channel(standing.channel)
        sentences.append(f"It is at step {step.number} of {step.of} of {step.cadence}: {next_one}.")
    if standing.proposal and found.bucket == TOUCH_DUE:
        sentences.append(
            f"After {standing.attempts or standing.touch_count} touches without contact the portal proposes"
            f" {_PROPOSALS.get(standing.proposal, 'to let it go')}: accept it, or go on."
        )
    if focus and found.bucket >= FIRST_GROUPED:
        sentences.append(_focus_sentence(standing, focus))
    return [*sentences, _inside_sentence(found, zone), _offered_sentence(found, standing, now, zone)]


def _when(instant: datetime, zone: tzinfo) -> str:
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def _bucket_sentence(found: Place, standing: Standing, zone: tzinfo) -> str:
    sorted_by = _when(found.sort_at, zone)
    if standing.asked_again_at is not None and found.bucket in (FRESH_INBOUND, TOUCH_DUE):
        asked = _when(standing.asked_again_at, zone)
        if found.bucket == FRESH_INBOUND:
            return (
                f"They asked again on {asked} and nobody has answered; fresh inbound comes after callbacks."
            )
        return f"They asked again on {asked}, and no answer is promised by a time; touches due come third."
    touched = "not touched yet" if standing.touch_count == 0 else f"touched {standing.touch_count} times"
    return {
        CALLBACK: f"A callback was promised for {sorted_by}; callbacks due come first.",
        FRESH_INBOUND: "It is inbound and nobody has answered yet; fresh inbound comes after callbacks.",
        TOUCH_DUE: f"It was {touched} and the next touch is set; touches due come third.",
        UNTOUCHED: "Nobody has touched it, and no first answer is promised; untouched leads come fourth.",
        RECYCLED: f"It came back from nurture on {sorted_by}; recycled leads come last.",
    }[found.bucket]


def _focus_sentence(standing: Standing, focus: str) -> str:
    words = _FOCUS_WORDS.get(focus, focus.title())
    if (standing.channel or USUAL_CHANNEL) == focus:
        return f"{words} are what this focus block is for, so it comes before others, grouped by persona."
    return f"{words} are what this focus block is for: those come first, and this one is none."


def _inside_sentence(found: Place, zone: tzinfo) -> str:
    sorted_by = _when(found.sort_at, zone)
    return {
        CALLBACK: "Among callbacks, the earliest promise comes first.",
        FRESH_INBOUND: f"Among these, the nearest deadline comes first: this one's is {sorted_by}.",
        TOUCH_DUE: f"Among these, the one due longest comes first: this one since {sorted_by}.",
        UNTOUCHED: f"Among these, the one here longest comes first: this one since {sorted_by}.",
        RECYCLED: "Among recycled leads, the earliest re-entry comes first.",
    }[found.bucket]


def _offered_sentence(found: Place, standing: Standing, now: datetime, zone: tzinfo) -> str:
    since = offered_from(found, channel=standing.channel, time_zone=standing.time_zone, now=now)
    if since <= now:
        return "It is offered now."
    if since != found.ready_at and waits_for_their_hours(found.bucket, standing.channel):
        theirs = calling.zone_named(standing.time_zone)
        local = since.astimezone(theirs) if theirs else since
        return (
            f"A call is planned and it is not their calling hours: it is not offered before {local:%a %H:%M}"
            f" their time, {_when(since, zone)} yours."
        )
    return f"It is not offered before {_when(since, zone)}, so it is not in the list yet."


def ago(then: datetime, now: datetime) -> str:
    """``21 min ago``, ``3 h ago``, ``5 days ago``."""
    minutes = max(0, int((now - then).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // (24 * 60)} days ago"
