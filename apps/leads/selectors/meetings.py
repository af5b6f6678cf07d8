"""Meetings as their pages list them: what waits for an outcome or a new time, what is to come, a week, the past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import Q, QuerySet

from apps.core.keyset import Page, page_of
from apps.leads.models import EventKind, FunnelEvent, HandOff, Meeting, MeetingComment

MOST = 100
MOST_AGAIN = 50
AGAIN_WITHIN = timedelta(days=30)
"""A meeting that fell through longer ago is not offered for a new time any more."""

_FELL_THROUGH = (Meeting.State.NO_SHOW, Meeting.State.CANCELLED)


@dataclass(frozen=True)
class DayOfMeetings:
    """The meetings of one day of the viewer's."""

    day: date
    meetings: list[Meeting]


@dataclass(frozen=True)
class Agenda:
    """``open`` have begun and lack an outcome, oldest first; ``again`` fell through and want a new time, the latest
    first; ``coming`` are booked, soonest first."""

    open: list[Meeting]
    again: list[Meeting]
    coming: list[Meeting]


def _seen(user: Any) -> Any:
    return Meeting.objects.visible_to(user).select_related(
        "lead",
        "ae__user",
        "ae__team",
        "for_hand_off__sdr__user",
        "for_hand_off__sdr__team",
        "for_hand_off__ae",
    )


def agenda(user: Any, *, at: datetime) -> Agenda:
    """What waits for an outcome, what wants a new time, and what is to come. Two statements, bounded."""
    booked = _seen(user).filter(state=Meeting.State.BOOKED).order_by("starts_at", "pk")
    # A meeting that has not begun comes after all that have, so one list holds both.
    found = list(booked[: 2 * MOST])
    return Agenda(
        open=[one for one in found if one.starts_at <= at],
        again=list(_to_book_again(user, at)),
        coming=[one for one in found if one.starts_at > at],
    )


def _to_book_again(user: Any, at: datetime) -> Any:
    """Nobody came or it was cancelled, nothing followed, and the AE did not reject it."""
    fell = _seen(user).newest().filter(state__in=_FELL_THROUGH, state_changed_at__gte=at - AGAIN_WITHIN)
    fell = fell.filter(for_hand_off__isnull=False).exclude(for_hand_off__state=HandOff.State.REJECTED)
    return fell.exclude(lead__do_not_contact=True).order_by("-starts_at", "-pk")[:MOST_AGAIN]


def by_day(meetings: Sequence[Meeting], zone: tzinfo) -> list[DayOfMeetings]:
    """Sorted meetings by the day of ``zone`` on which they begin."""
    days: dict[date, list[Meeting]] = {}
    for one in meetings:
        days.setdefault(one.starts_at.astimezone(zone).date(), []).append(one)
    return [DayOfMeetings(day, found) for day, found in days.items()]


def between(user: Any, *, first: date, days: int, zone: tzinfo) -> list[DayOfMeetings]:
    """Every day from ``first`` on with what is or was on it, what was moved away left out. One statement."""
    starts = datetime.combine(first, datetime.min.time(), zone)
    ends = datetime.combine(first + timedelta(days=days), datetime.min.time(), zone)
    found = (
        _seen(user).exclude(state=Meeting.State.RESCHEDULED).filter(starts_at__gte=starts, starts_at__lt=ends)
    )
    on = {one.day: one for one in by_day(found.order_by("starts_at", "pk")[: 5 * MOST], zone)}
    span = [first + timedelta(days=number) for number in range(days)]
    return [on.get(day) or DayOfMeetings(day, []) for day in span]


def past(user: Any, *, after: str) -> Page:
    """Meetings that have their outcome, the latest first."""
    done = _seen(user).exclude(state__in=(Meeting.State.BOOKED, Meeting.State.RESCHEDULED))
    return page_of(done, by=("-starts_at", "-pk"), after=after)


def one(user: Any) -> Any:
    """What a single meeting is looked up in."""
    return _seen(user).select_related("lead__team", "ae__team__calendar", "ae__calendar", "rescheduled_to")


# --- One meeting ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Something that happened to the meeting, in words."""

    at: datetime
    icon: str
    words: str
    who: str
    why: str = ""
    event_id: int | None = None


@dataclass(frozen=True)
class Dossier:
    """One meeting with all its times, what happened, and what was noted."""

    meeting: Meeting
    times: list[Meeting]
    steps: list[Step]
    comments: list[MeetingComment]

    @property
    def newest(self) -> Meeting:
        return self.times[-1] if self.times else self.meeting


_STEPS = {
    EventKind.BOOKED: ("cal", "Booked"),
    EventKind.RESCHEDULED: ("refresh", "New time"),
    EventKind.CANCELLED: ("ban", "Cancelled"),
    EventKind.HELD: ("check", "Held"),
    EventKind.NO_SHOW: ("xc", "Nobody came"),
}


def dossier(meeting: Meeting) -> Dossier:
    """The meeting, its other times, its events and comments. Four statements."""
    hand_off = meeting.for_hand_off_id
    times = list(Meeting.objects.filter(for_hand_off=hand_off).order_by("pk")) if hand_off else [meeting]
    of_it = Q(hand_off=hand_off) if hand_off else Q(source_key__startswith=f"meeting:{meeting.pk}:")
    events = (
        FunnelEvent.objects.filter(of_it, lead=meeting.lead_id, kind__in=list(_STEPS))
        .select_related("actor", "reversed_by__actor")
        .order_by("recorded_at", "pk")
    )
    comments = MeetingComment.objects.filter(meeting__in=times).select_related("by")
    return Dossier(meeting, times, [step for event in events for step in _steps_of(event)], list(comments))


def _steps_of(event: FunnelEvent) -> list[Step]:
    icon, words = _STEPS[EventKind(event.kind)]
    data = event.data or {}
    if data.get("who") == "customer":
        words = "Cancelled by the customer"
    who = event.actor.name if event.actor else ""
    undone = getattr(event, "reversed_by", None)
    # Booked again for another AE is the routing's story, not the meeting's.
    if undone is not None and event.kind == EventKind.BOOKED:
        return []
    found = [Step(event.recorded_at, icon, words, who, data.get("reason", ""), event.pk)]
    if undone is not None:
        by = undone.actor.name if undone.actor else ""
        why = (undone.data or {}).get("reason", "")
        found.append(Step(undone.recorded_at, "undo", f"{words}: taken back", by, why, undone.pk))
    return found


def open_queries(user: Any, *, at: datetime, most: int) -> list[QuerySet[Meeting]]:
    """The meetings of ``user`` that are booked, and those of them that lack an outcome; ``most`` of each."""
    booked = Meeting.objects.visible_to(user).filter(state=Meeting.State.BOOKED).order_by()
    return [booked[:most], booked.filter(starts_at__lte=at)[:most]]
