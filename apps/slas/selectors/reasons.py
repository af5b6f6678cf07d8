"""Why promises were broken, as the team says; and those of which nobody has said it yet."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, QuerySet
from django.db.models.functions import TruncWeek

from apps.slas.models import BreachReason, Clock, ClockState
from apps.slas.services.verdicts import without_reason

ASKED = 50


@dataclass(frozen=True)
class Share:
    """``count`` of ``of`` broken promises."""

    name: str
    count: int
    of: int

    @property
    def rate(self) -> Fraction:
        return Fraction(self.count, self.of)


@dataclass(frozen=True)
class Crossed:
    """A rep's or a week's broken promises: ``counts`` in the order of ``Report.columns``."""

    name: str
    counts: list[int]
    total: int


@dataclass(frozen=True)
class Report:
    """Broken promises of a period by reason, and each rep's and each week's."""

    total: int
    explained: int
    reasons: list[Share]
    columns: list[str]
    reps: list[Crossed]
    weeks: list[Crossed]


def _broken(user: Any) -> QuerySet[Clock]:
    return Clock.objects.visible_to(user).filter(state=ClockState.BREACHED)


def asked(*, user: Any) -> tuple[list[Clock], int]:
    """The newest broken promises within the scope without a reason, and how many there are. Two statements."""
    waiting = _broken(user).filter(without_reason())
    newest = list(waiting.select_related("lead", "rep", "team").order_by("-breached_at", "-pk")[: ASKED + 1])
    return newest[:ASKED], len(newest) if len(newest) <= ASKED else waiting.count()


def report(*, user: Any, start: datetime, end: datetime) -> Report:
    """Promises that ran out in ``[start, end)``, by reason, rep and week (from Monday). One statement."""
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    rows = list(
        _broken(user)
        .filter(breached_at__gte=start, breached_at__lt=end)
        .order_by()
        .annotate(week=TruncWeek("breached_at", tzinfo=zone), rep_name=F("rep__name"))
        .values_list("breach_reason", "rep_name", "week")
        .annotate(n=Count("pk"))
    )
    labels = dict(BreachReason.choices) | {"": "No reason given"}
    by_reason: Counter[str] = Counter()
    for reason, _, _, number in rows:
        by_reason[reason] += number
    total = by_reason.total()
    order = sorted(by_reason, key=lambda reason: (not reason, -by_reason[reason], reason))
    reps = ((rep or "The pool", reason, number) for reason, rep, _, number in rows)
    weeks = ((_monday(week, zone), reason, number) for reason, _, week, number in rows)
    return Report(
        total=total,
        explained=total - by_reason[""],
        reasons=[Share(labels[reason], by_reason[reason], total) for reason in order],
        columns=[labels[reason] for reason in order],
        reps=[Crossed(str(name), *row) for name, row in _crossed(reps, order)],
        weeks=[Crossed(f"Week of {day.day} {day:%b}", *row) for day, row in _crossed(weeks, order)],
    )


def _monday(week: datetime, zone: ZoneInfo) -> date:
    return week.astimezone(zone).date()


def _crossed(
    rows: Iterable[tuple[Any, str, int]], order: list[str]
) -> list[tuple[Any, tuple[list[int], int]]]:
    found: dict[Any, Counter[str]] = {}
    for name, reason, number in rows:
        found.setdefault(name, Counter())[reason] += number
    return [
        (name, ([counts[reason] for reason in order], counts.total()))
        for name, counts in sorted(found.items())
    ]
