"""Take the half hours of an AE for a meeting or a hold, and give them back: the one guard of a double booking.

``TakenSlot`` is unique on AE and half hour, on both databases; every meeting and every hold writes its rows
in the transaction that makes it (PRODUCT section 6). A hold that has lapsed is out of the way of whoever
takes its time: its rows go in the same transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.core.bulk import insert_rows
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Meeting, SlotHold, TakenSlot

GRID = timedelta(minutes=30)
LENGTHS = (30, 60, 90)
"""How long a meeting may be, in minutes."""

_HELD = SlotHold.State.HELD


class SlotTaken(DomainError):
    """Somebody else was quicker to this AE and time."""

    code = "slot_taken"


def next_slot(at: datetime) -> datetime:
    """``at`` itself when it lies on the grid of half hours, else the next instant that does; in UTC."""
    at = at.astimezone(UTC)
    floor = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
    return floor if floor == at else floor + GRID


def halves(*, starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """The half hours that ``[starts_at, ends_at)`` touches, in order."""
    start = starts_at.astimezone(UTC)
    start = start.replace(minute=start.minute // 30 * 30, second=0, microsecond=0)
    return [start + GRID * number for number in range(-(-(ends_at - start) // GRID))]


def span(*, starts_at: datetime, minutes: int, at: datetime) -> tuple[datetime, datetime]:
    """The time asked for, in UTC. Raises ``InvalidInput`` for one that is past, off the grid, or of odd length."""
    starts_at = starts_at.astimezone(UTC)
    if starts_at <= at:
        raise InvalidInput("Choose a time that is still to come.", field="starts_at")
    if starts_at != next_slot(starts_at):
        raise InvalidInput("Meetings start on the hour or the half hour.", field="starts_at")
    if minutes not in LENGTHS:
        raise InvalidInput("A meeting takes 30, 60 or 90 minutes.", field="minutes")
    return starts_at, starts_at + timedelta(minutes=minutes)


def take(*, taker: Meeting | SlotHold, at: datetime, instead_of: Iterable[Meeting | SlotHold] = ()) -> None:
    """Take the whole time of a meeting or hold for its AE. Raises ``SlotTaken``, and then has taken nothing.

    What ``instead_of`` (the meeting being moved, the hold being booked) had of it passes on; the rest of
    theirs stays until it is given back.
    """
    wanted = halves(starts_at=taker.starts_at, ends_at=taker.ends_at)
    meeting = taker if isinstance(taker, Meeting) else None
    hold = taker if isinstance(taker, SlotHold) else None
    try:
        with transaction.atomic():
            _lapse(taker.ae_id, wanted, at)
            passed_on = _pass_on(taker.ae_id, wanted, list(instead_of), meeting, hold)
            TakenSlot.objects.bulk_create(
                [
                    TakenSlot(ae_id=taker.ae_id, starts_at=one, meeting=meeting, hold=hold)
                    for one in wanted
                    if one not in passed_on
                ]
            )
    except IntegrityError:
        raise SlotTaken("That time was taken a moment ago.", field="starts_at") from None


def _pass_on(
    ae_id: int,
    wanted: Sequence[datetime],
    before: Sequence[Meeting | SlotHold],
    meeting: Meeting | None,
    hold: SlotHold | None,
) -> set[datetime]:
    theirs = Q(pk__in=[])
    for one in before:
        theirs |= Q(meeting=one) if isinstance(one, Meeting) else Q(hold=one)
    if not before:
        return set()
    rows = TakenSlot.objects.filter(theirs, ae_id=ae_id, starts_at__in=wanted)
    found = set(rows.order_by("starts_at").values_list("starts_at", flat=True))
    rows.update(meeting=meeting, hold=hold)
    return found


def _lapse(ae_id: int, wanted: Sequence[datetime], at: datetime) -> None:
    """Holds in the way whose time is over lapse now. One that was prolonged meanwhile stays, and stands in the way.

    The hold is written before its rows, as everybody does who gives one back: so nobody waits in a ring.
    """
    over = SlotHold.objects.filter(
        slots__ae=ae_id, slots__starts_at__in=wanted, expires_at__lte=at, state=_HELD
    )
    for pk in sorted(set(over.order_by().values_list("pk", flat=True))):
        if SlotHold.objects.filter(pk=pk, expires_at__lte=at, state=_HELD).update(
            state=SlotHold.State.LAPSED
        ):
            TakenSlot.objects.filter(hold=pk).delete()


def give_back(*, of: Meeting | SlotHold) -> None:
    """Nobody has this time any more: it was moved, cancelled or let go."""
    mine = {"meeting": of} if isinstance(of, Meeting) else {"hold": of}
    TakenSlot.objects.filter(**mine).delete()


def take_for_many(*, meetings: Sequence[Meeting]) -> int:
    """The half hours of many meetings that stand already (an import, the demo company), in a few statements.

    What is taken by another is left to that other: history never blocks and is never refused. How many rows
    were asked for.
    """
    rows = [
        TakenSlot(ae_id=meeting.ae_id, starts_at=one, meeting_id=meeting.pk)
        for meeting in meetings
        if meeting.state not in (Meeting.State.CANCELLED, Meeting.State.RESCHEDULED)
        for one in halves(starts_at=meeting.starts_at, ends_at=meeting.ends_at)
    ]
    # In one order, so that no two who take the same wait for each other crosswise.
    rows.sort(key=lambda row: (row.ae_id, row.starts_at))
    TakenSlot.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def record_meetings(*, meetings: Sequence[Meeting]) -> list[Meeting]:
    """Write meetings that took place or were agreed elsewhere, with their half hours; for imports."""
    insert_rows(list(meetings))
    take_for_many(meetings=meetings)
    return list(meetings)
