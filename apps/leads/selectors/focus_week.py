"""A week of focus blocks as the settings page draws it, and whose week may be looked at."""

from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from apps.leads.models import FocusBlock
from apps.leads.rules.focus import Block
from apps.leads.selectors.focus import ICONS, OwnWeek, label_of
from apps.reps.models import Rep

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_USUAL_HOURS = (9, 18)
_SHORT_MINUTES = 35


@dataclass(frozen=True)
class Placed:
    """A block in its day's column: ``top`` and ``height`` are per cent of the hours shown."""

    kind: str
    label: str
    icon: str
    hours: str
    top: float
    height: float
    is_short: bool


@dataclass(frozen=True)
class Day:
    """A weekday, its blocks in order, and how long they are together in words."""

    number: int
    name: str
    blocks: list[Placed]
    words: str


@dataclass(frozen=True)
class Picture:
    """The week: its days, the hours beside them (word, per cent from the top), and hours per kind."""

    days: list[Day]
    hours: list[tuple[str, float]]
    totals: list[tuple[str, str, str]]
    sentence: str
    without: list[tuple[int, str]]
    """Days of the weekend that are not drawn, since nothing is planned for them."""

    @property
    def is_empty(self) -> bool:
        return not self.totals


def _minute(instant: time) -> int:
    return instant.hour * 60 + instant.minute


def in_words(minutes: int) -> str:
    """``7 h``, ``45 min``, ``1 h 30``."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d}" if rest else f"{hours} h"


def picture(week: OwnWeek) -> Picture:
    """How a week already read is drawn; Saturday and Sunday only with blocks."""
    every = [block for blocks in week.blocks.values() for block in blocks]
    first = min([_USUAL_HOURS[0], *(block.starts.hour for block in every)])
    last = max([_USUAL_HOURS[1], *(-(-_minute(block.ends) // 60) for block in every)])
    shown = [number for number in range(7) if number < 5 or week.blocks.get(number)]
    return Picture(
        days=[_day(number, sorted(week.blocks.get(number, ())), first, last) for number in shown],
        hours=[
            (f"{hour:02d}:00", round((hour - first) / (last - first) * 100, 3)) for hour in range(first, last)
        ],
        totals=_totals(every),
        sentence=_sentence(every),
        without=[(number, WEEKDAYS[number]) for number in range(7) if number not in shown],
    )


def _day(number: int, blocks: list[Block], first: int, last: int) -> Day:
    whole = (last - first) * 60
    placed = [
        Placed(
            block.kind,
            label_of(block.kind),
            ICONS[FocusBlock.Kind(block.kind)],
            f"{block.starts:%H:%M}–{block.ends:%H:%M}",
            round((_minute(block.starts) - first * 60) / whole * 100, 3),
            round((_minute(block.ends) - _minute(block.starts)) / whole * 100, 3),
            _minute(block.ends) - _minute(block.starts) < _SHORT_MINUTES,
        )
        for block in blocks
    ]
    return Day(number, WEEKDAYS[number], placed, in_words(_length(blocks)) if blocks else "no blocks")


def _length(blocks: list[Block]) -> int:
    return sum(_minute(block.ends) - _minute(block.starts) for block in blocks)


def _totals(every: list[Block]) -> list[tuple[str, str, str]]:
    """(icon, label, hours a week) of each kind that there is, the longest first."""
    by_kind: dict[str, list[Block]] = {}
    for block in every:
        by_kind.setdefault(block.kind, []).append(block)
    ranked = sorted(by_kind.items(), key=lambda item: (-_length(item[1]), item[0]))
    return [
        (ICONS[FocusBlock.Kind(kind)], label_of(kind), in_words(_length(blocks))) for kind, blocks in ranked
    ]


def _sentence(every: list[Block]) -> str:
    if not every:
        return "No hour is kept for anything yet."
    most = _totals(every)[0]
    return f"{in_words(_length(every))} a week are planned, most of it {most[1].lower()} ({most[2]})."


def reps_with_a_week(user: Any, day: date) -> QuerySet[Rep]:
    """The SDRs whose blocks the user may look at: an SDR the own self, a manager the teams', RevOps all.

    Each carries ``has_own``: whether the rep has blocks of their own.
    """
    found = Rep.objects.visible_to(user).sdrs().active_on(day)
    if user.role == "sdr":
        found = found.filter(user=user)
    own = FocusBlock.objects.filter(rep=OuterRef("pk"))
    return found.annotate(has_own=Exists(own)).select_related("team").order_by("team__name", "name", "pk")
