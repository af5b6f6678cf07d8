"""Meetings as their page lists them: those without an outcome, those to come, those past."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.keyset import Page, page_of
from apps.leads.models import Meeting

MOST = 100


@dataclass(frozen=True)
class Agenda:
    """``open`` have begun and lack an outcome, oldest first; ``coming`` are booked, soonest first."""

    open: list[Meeting]
    coming: list[Meeting]


def _seen(user: Any) -> Any:
    return Meeting.objects.visible_to(user).select_related(
        "lead", "ae", "hand_off__sdr__user", "hand_off__ae", "ae__user"
    )


def agenda(user: Any, *, at: datetime) -> Agenda:
    """What waits for an outcome, and what is to come. Two statements, ``MOST`` rows each."""
    booked = _seen(user).filter(state=Meeting.State.BOOKED).order_by("starts_at", "pk")
    return Agenda(
        open=list(booked.filter(starts_at__lte=at)[:MOST]),
        coming=list(booked.filter(starts_at__gt=at)[:MOST]),
    )


def past(user: Any, *, after: str) -> Page:
    """Meetings that have their outcome, the latest first."""
    done = _seen(user).exclude(state=Meeting.State.BOOKED)
    return page_of(done, by=("-starts_at", "-pk"), after=after)


def one(user: Any) -> Any:
    """What a single meeting is looked up in."""
    return _seen(user)


def open_counts(user: Any, *, at: datetime, most: int) -> tuple[int, int]:
    """How many meetings of ``user`` are booked (up to ``most``), and how many of them lack an outcome."""
    booked = Meeting.objects.visible_to(user).filter(state=Meeting.State.BOOKED).order_by()
    starts = list(booked.values_list("starts_at", flat=True)[:most])
    return len(starts), sum(start <= at for start in starts)
