"""A rep's bookable time as a page shows it: a week of half hours in the viewer's clocks, and why each is closed.

It says exactly what booking goes by (``selectors.availability``); titles of busy times are the rep's alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from apps.core.periods import day_start
from apps.leads.models import Meeting
from apps.leads.selectors.availability import diaries
from apps.reps.models import BusyCalendar, BusyTime, Rep
from apps.reps.models.busy import LONGEST_BUSY
from apps.reps.rules.availability import SLOT, Diary, Why, free_starts, in_hours, monday_of, why_closed
from apps.reps.selectors.own_time import takers

_WORDS = {
    Why.NOT_BEGUN: "Not begun yet",
    Why.LEFT: "No longer here",
    Why.AWAY: "Time off",
    Why.HOURS: "Off hours",
    Why.MEETING: "Meeting",
    Why.HELD: "Held",
    Why.BUSY: "Busy",
    Why.DAY_CAP: "Day full",
    Why.WEEK_CAP: "Week full",
    Why.NOTICE: "Too soon",
}
_ICONS = {
    Why.AWAY: "pause",
    Why.MEETING: "people",
    Why.HELD: "clock",
    Why.BUSY: "cal",
    Why.DAY_CAP: "ban",
    Why.WEEK_CAP: "ban",
    Why.NOTICE: "clock",
    Why.NOT_BEGUN: "x",
    Why.LEFT: "x",
    Why.HOURS: "",
}


class Cell(NamedTuple):
    """A half hour: free, or closed with the kind of reason and all its words. ``title`` says what it is."""

    starts_at: datetime
    kind: str
    word: str
    why: str = ""
    title: str = ""
    icon: str = ""

    @property
    def is_free(self) -> bool:
        return self.kind == "free"


class Run(NamedTuple):
    """Closed half hours in a row: from the wall clock of the first to the end of the last."""

    clock: str
    cell: Cell
    ends_at: datetime


@dataclass
class DayColumn:
    """A day of the viewer's, its cells by their wall clock, and how much of it is free."""

    day: date
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return sum(cell.is_free for cell in self.cells.values())

    @property
    def free_words(self) -> str:
        return halves_words(self.free)

    @property
    def closed(self) -> list["Run"]:
        """The closed times of the day within the hours, neighbours of one reason together.

        That the week is full is said once, of the week.
        """
        runs: list[Run] = []
        for clock, cell in self.cells.items():
            if cell.is_free or cell.kind in (Why.HOURS, Why.WEEK_CAP) or cell.word == "Past":
                continue
            if runs and runs[-1].ends_at == cell.starts_at and runs[-1].cell[3:] == cell[3:]:
                runs[-1] = runs[-1]._replace(ends_at=cell.starts_at + SLOT)
            else:
                runs.append(Run(clock, cell, cell.starts_at + SLOT))
        return runs

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the working hours closes it: no column is needed for such a day off."""
        return all(cell.kind == Why.HOURS for cell in self.cells.values())


@dataclass(frozen=True)
class Week:
    """The week shown: a row for each half hour that is anything but outside working hours on some day."""

    monday: date
    days: list[DayColumn]
    rows: list[tuple[str, list[Cell | None]]]
    zone: str
    hidden_days: list[date]

    @property
    def free(self) -> int:
        return sum(day.free for day in self.days)

    def is_over(self, at: datetime) -> bool:
        """Whether all of its working hours are past: on a Saturday nobody plans the week that was."""
        open_hours = [cell for day in self.days for cell in day.cells.values() if cell.kind != Why.HOURS]
        return bool(open_hours) and all(cell.starts_at + SLOT <= at for cell in open_hours)

    @property
    def free_words(self) -> str:
        return halves_words(self.free)

    @property
    def full_words(self) -> str:
        """That no more meetings fit into the week, if so: ``At cap, 3 of 3 that week``."""
        cells = (cell for day in self.days for cell in day.cells.values())
        return next((cell.why for cell in cells if cell.kind == Why.WEEK_CAP), "")

    @property
    def ends_on(self) -> date:
        return self.monday + timedelta(days=6)


def halves_words(count: int) -> str:
    """So many half hours as ``6.5 h``; ``none`` for none."""
    return f"{count / 2:g} h" if count else "none"


def week_of(*, rep: Rep, monday: date, zone: tzinfo, at: datetime, viewer: Any) -> Week:
    """The seven days from ``monday`` in the viewer's ``zone``. Seven statements or fewer."""
    name = str(zone)
    first, last = day_start(monday, name), day_start(monday + timedelta(days=7), name)
    diary = diaries(aes=[rep], first=first, last=last, at=at)[rep.pk]
    titles = _titles(rep, first, last, viewer)
    days = [DayColumn(monday + timedelta(days=n)) for n in range(7)]
    start = -(-int(first.timestamp()) // 1800) * 1800
    while start < last.timestamp():
        begins = datetime.fromtimestamp(start, UTC)
        local = begins.astimezone(zone)
        # An hour that comes twice when the clocks go back shows its first half hours.
        days[(local.date() - monday).days].cells.setdefault(
            f"{local:%H:%M}", _cell(diary, begins, at, titles)
        )
        start += 1800
    shown = [day for day in days if not day.is_plain] or days[:5]
    clocks = sorted({clock for day in shown for clock, cell in day.cells.items() if cell.kind != Why.HOURS})
    # Without a gap: a break in the middle of the day is a row like others.
    span = sorted(
        {clock for day in shown for clock in day.cells if clocks and clocks[0] <= clock <= clocks[-1]}
    )
    rows = [(clock, [day.cells.get(clock) for day in shown]) for clock in span]
    hidden = [day.day for day in days if day not in shown]
    return Week(monday, shown, rows, name, hidden)


def _cell(diary: Diary, begins: datetime, at: datetime, titles: "_Titles") -> Cell:
    ends = begins + SLOT
    if not in_hours(diary, begins, ends):
        # Time off lasts all night: what is closed anyway is no news.
        return Cell(begins, Why.HOURS.value, _WORDS[Why.HOURS])
    closed = why_closed(diary, begins, ends, at)
    if closed is None:
        return Cell(begins, "free", "Free")
    word = "Past" if closed.kind == Why.NOTICE and begins < at else _WORDS[closed.kind]
    title = ""
    if closed.kind in (Why.MEETING, Why.BUSY):
        title = titles.of(closed.kind, begins, ends)
    return Cell(begins, closed.kind.value, word, closed.words, title, _ICONS[closed.kind])


@dataclass(frozen=True)
class _Titles:
    meetings: Sequence[tuple[datetime, datetime, str]]
    busy: Sequence[tuple[datetime, datetime, str]]

    def of(self, kind: Why, begins: datetime, ends: datetime) -> str:
        found = self.meetings if kind == Why.MEETING else self.busy
        return next((title for a, b, title in found if a < ends and b > begins and title), "")


def _titles(rep: Rep, first: datetime, last: datetime, viewer: Any) -> _Titles:
    """What the viewer may know of a closed time: the lead of a meeting in scope; of busy times only one's own."""
    meetings = Meeting.objects.visible_to(viewer).filter(ae=rep, starts_at__lt=last, ends_at__gt=first)
    meetings = meetings.exclude(state__in=(Meeting.State.CANCELLED, Meeting.State.RESCHEDULED))
    busy: Iterable[Any] = ()
    if rep.user_id == viewer.pk:
        busy = BusyTime.objects.filter(
            rep=rep, starts_at__gt=first - LONGEST_BUSY, starts_at__lt=last, ends_at__gt=first
        ).values_list("starts_at", "ends_at", "title")
    return _Titles(
        list(meetings.order_by("starts_at").values_list("starts_at", "ends_at", "lead__company")), list(busy)
    )


# --- The team ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """One who takes meetings: what is free in the week, what is booked of the cap, time off in it, calendars."""

    rep: Rep
    free: int
    booked: int
    back_on: date | None
    calendars: list[BusyCalendar]

    @property
    def free_words(self) -> str:
        return halves_words(self.free)

    @property
    def failing(self) -> list[BusyCalendar]:
        return [one for one in self.calendars if one.failing_since]


def team_week(*, user: Any, monday: date, zone: str, at: datetime) -> list[Member]:
    """Everybody within the user's scope who takes meetings, by team and name. A fixed number of statements."""
    reps = list(
        Rep.objects.active_on(at.date())
        .filter(pk__in=takers(user).values("pk"))
        .select_related("team")
        .prefetch_related("busy_calendars")
        .order_by("team__name", "name", "pk")
    )
    first, last = day_start(monday, zone), day_start(monday + timedelta(days=7), zone)
    known = diaries(aes=reps, first=first, last=last, at=at)
    found, ends_on = [], monday + timedelta(days=7)
    for rep in reps:
        diary = known[rep.pk]
        found.append(
            Member(
                rep=rep,
                free=sum(1 for _ in free_starts(diary, first, last, at)),
                booked=diary.by_week[monday_of(monday)],
                back_on=next(
                    (back for leaves, back in diary.away if leaves < ends_on and back > monday), None
                ),
                calendars=list(rep.busy_calendars.all()),
            )
        )
    return found
