"""Where a lead stands in the queue, and the words that say why (PRODUCT section 4).

Order: callbacks due, fresh inbound nearest its deadline, touches due by cadence, untouched,
recycled. A place is three values that one index sorts: the bucket, the instant to sort by, and the
instant from which the lead is offered at all (so a callback or a recycled lead comes back by itself).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

CALLBACK, FRESH_INBOUND, TOUCH_DUE, UNTOUCHED, RECYCLED = 1, 2, 3, 4, 5

CALLBACK_LEAD = timedelta(minutes=15)
"""A callback is offered so long before its time: offered at its time, it would always be late."""


@dataclass(frozen=True)
class Standing:
    """What the place of a lead follows from. All instants are UTC."""

    workable: bool
    do_not_contact: bool
    is_inbound: bool
    touch_count: int
    arrived_at: datetime
    response_due_at: datetime | None
    callback_at: datetime | None
    next_touch_at: datetime | None
    reentry_at: datetime | None


@dataclass(frozen=True)
class Place:
    """``bucket`` 1–5; ``sort_at`` orders inside it; not offered before ``ready_at``."""

    bucket: int
    sort_at: datetime
    ready_at: datetime


def place(standing: Standing) -> Place | None:
    """The lead's place, or ``None`` when nobody is to work it. Opt-outs always win."""
    if not standing.workable or standing.do_not_contact:
        return None
    if standing.callback_at is not None:
        return Place(CALLBACK, standing.callback_at, standing.callback_at - CALLBACK_LEAD)
    if standing.reentry_at is not None:
        return Place(RECYCLED, standing.reentry_at, standing.reentry_at)
    if standing.touch_count == 0:
        if standing.is_inbound and standing.response_due_at is not None:
            return Place(FRESH_INBOUND, standing.response_due_at, standing.arrived_at)
        return Place(UNTOUCHED, standing.arrived_at, standing.arrived_at)
    due = standing.next_touch_at or standing.arrived_at
    return Place(TOUCH_DUE, due, due)


def reason(
    *,
    bucket: int,
    now: datetime,
    arrived_at: datetime,
    source: str,
    score: str,
    touch_count: int,
    callback_at: datetime | None,
    stage_reason: str,
    last_disposition: str,
    sort_at: datetime | None = None,
    zone: tzinfo = UTC,
    their_zone: tzinfo | None = None,
) -> tuple[str, str]:
    """Two short lines for the row: why the lead is here now, and what is behind it.

    Instants are shown in ``zone``, the viewer's; a callback also in ``their_zone`` where it differs.
    """
    last = f"Last: {last_disposition.lower()}" if last_disposition else ""
    if bucket == CALLBACK:
        return _callback_reason(callback_at or arrived_at, now, zone, their_zone, last)
    if bucket == FRESH_INBOUND:
        return f"{source or 'Inbound'} {ago(arrived_at, now)}", f"Score {score}: first answer still due"
    if bucket == TOUCH_DUE:
        return f"Touch {touch_count + 1} is due", last
    if bucket == UNTOUCHED:
        return f"Untouched, came {ago(arrived_at, now)}", source or "Source unknown"
    back = (sort_at or now).astimezone(zone)
    today = back.date() == now.astimezone(zone).date()
    words = "today" if today else f"since {back.day} {back:%b}"
    return f"Back {words}", stage_reason or "Re-entry date reached"


def _callback_reason(
    promised: datetime, now: datetime, zone: tzinfo, their_zone: tzinfo | None, last: str
) -> tuple[str, str]:
    local = promised.astimezone(zone)
    day = "" if local.date() == now.astimezone(zone).date() else f" {local:%a} {local.day} {local:%b},"
    first = f"Promised for{day} {local:%H:%M}"
    if their_zone is not None:
        theirs = promised.astimezone(their_zone)
        if theirs.utcoffset() != local.utcoffset():
            return first, f"{theirs:%H:%M} their time"
    return first, last or "They asked for a call"


def explain(*, standing: Standing, now: datetime, zone: tzinfo = UTC) -> list[str]:
    """Why a lead stands where it does, one sentence for each thing that decides, in the order asked."""

    def when(instant: datetime) -> str:
        local = instant.astimezone(zone)
        return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"

    found = place(standing)
    if standing.do_not_contact:
        return ["They opted out, and opt-outs always win: the lead is in nobody's queue."]
    if found is None:
        return ["Nobody is to work it in its present stage, so it is in no queue."]
    sorted_by = when(found.sort_at)
    first = {
        CALLBACK: f"A callback was promised for {sorted_by}; callbacks due come first.",
        FRESH_INBOUND: "It is inbound and nobody has answered yet; fresh inbound comes after callbacks.",
        TOUCH_DUE: f"It was touched {standing.touch_count} times; touches due come third.",
        UNTOUCHED: "Nobody has touched it, and no first answer is promised; untouched leads come fourth.",
        RECYCLED: f"It came back from nurture on {sorted_by}; recycled leads come last.",
    }[found.bucket]
    inside = {
        CALLBACK: "Among callbacks, the earliest promise comes first.",
        FRESH_INBOUND: f"Among these, the nearest deadline comes first: this one's is {sorted_by}.",
        TOUCH_DUE: f"Among these, the one due longest comes first: this one since {sorted_by}.",
        UNTOUCHED: f"Among these, the one here longest comes first: this one since {sorted_by}.",
        RECYCLED: "Among recycled leads, the earliest re-entry comes first.",
    }[found.bucket]
    offered = (
        "It is offered now."
        if found.ready_at <= now
        else f"It is not offered before {when(found.ready_at)}, so it is not in the list yet."
    )
    return [first, inside, offered]


def ago(then: datetime, now: datetime) -> str:
    """``21 min ago``, ``3 h ago``, ``5 days ago``."""
    minutes = max(0, int((now - then).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // (24 * 60)} days ago"
