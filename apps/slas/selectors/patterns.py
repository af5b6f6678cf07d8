"""When promises break, and where the minutes of the first answer go."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from apps.slas.models import Clock, ClockState
from apps.slas.selectors.attainment import Attainment, Times, decided_in

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FEW = 5
"""A cell with fewer promises than this is not called the worst: one late one would make it so."""


@dataclass(frozen=True)
class Cell:
    """The promises that fell due in one hour of a weekday. ``level`` 0–3 shades the share broken."""

    day: str
    hour: int
    attained: Attainment

    @property
    def broken(self) -> Fraction | None:
        return Fraction(self.attained.breached, self.attained.decided) if self.attained.decided else None

    @property
    def figure(self) -> str:
        return "" if self.broken is None else str(round(self.broken * 100))

    @property
    def level(self) -> str:
        if self.broken is None:
            return ""
        for least, name in ((20, "l3 peak"), (10, "l3"), (7, "l2"), (4, "l1")):
            if self.broken * 100 >= least:
                return name if self.attained.decided >= FEW else name.removesuffix(" peak")
        return ""


@dataclass(frozen=True)
class Heat:
    """Share broken by weekday and hour of the due instant, in the company's zone."""

    hours: list[int]
    rows: list[tuple[str, list[Cell]]]
    worst: list[Cell]

    @property
    def cells(self) -> list[Cell]:
        return [cell for _, row in self.rows for cell in row if cell.attained.decided]

    @property
    def sentence(self) -> str:
        if not self.cells:
            return "No promise was decided in this period."
        if not self.worst:
            return "No hour stands out."
        named = [f"{cell.day} {cell.hour:02}:00" for cell in self.worst]
        shares = [f"{cell.figure} % of {cell.attained.decided}" for cell in self.worst]
        verb = "is" if len(named) == 1 else "are"
        return f"{' and '.join(named)} {verb} worst: {' and '.join(shares)} broken."


def heat(*, user: Any, start: datetime, end: datetime) -> Heat:
    """Of the promises decided in ``[start, end)``. One statement."""
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    rows = (
        decided_in(Clock.objects.visible_to(user), start, end)
        .order_by()
        .annotate(day=ExtractIsoWeekDay("due_at", tzinfo=zone), hour=ExtractHour("due_at", tzinfo=zone))
        .values("day", "hour")
        .annotate(
            met=Count("pk", filter=Q(state=ClockState.MET)),
            breached=Count("pk", filter=Q(state=ClockState.BREACHED)),
        )
    )
    found = {(row["day"], row["hour"]): Attainment(row["met"], row["breached"]) for row in rows}
    if not found:
        return Heat([], [], [])
    hours = list(range(min(hour for _, hour in found), max(hour for _, hour in found) + 1))
    days = range(1, max(5, *(day for day, _ in found)) + 1)
    table = [
        (DAYS[day - 1], [Cell(DAYS[day - 1], hour, found.get((day, hour), Attainment())) for hour in hours])
        for day in days
    ]
    candidates = [
        cell for _, row in table for cell in row if cell.attained.decided >= FEW and cell.attained.breached
    ]
    worst = sorted(candidates, key=lambda cell: -(cell.broken or 0))[:2]
    return Heat(hours, table, worst)


@dataclass(frozen=True)
class Part:
    """One part of the mean first answer: minutes, and its share of the whole for the picture."""

    word: str
    note: str
    minutes: Fraction
    share: Fraction
    css: str

    @property
    def width(self) -> str:
        return f"{float(self.share * 100):.2f}"


_PARTS = (
    ("intake", "Intake", "until it was read", "c1"),
    ("routing", "Routing", "until it had an owner", "c2"),
    ("unavailable", "Rep unavailable", "days off of its owner", "c3"),
    ("rep", "Rep", "there, not yet touched", "c4"),
)


def parts(times: Times) -> list[Part]:
    """Where the minutes went, in their order; none without an answer."""
    whole = times.speed_to_lead
    if not whole:
        return []
    means = {name: times.minutes(name) or Fraction(0) for name, *_ in _PARTS}
    return [Part(word, note, means[name], means[name] / whole, css) for name, word, note, css in _PARTS]
