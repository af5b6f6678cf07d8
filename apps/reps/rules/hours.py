"""A business calendar as one plain value: windows, breaks, holidays and overrides in a time zone.

Pure. Nothing here turns local times into instants; ``rules.open_time`` does, ``rules.business_time``
computes with them (PRODUCT section 5, "Business calendars").
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Window = tuple[str, str]
"""``("09:00", "17:00")``: half-open local times. An end that is not after its start is on the next day."""
Windows = tuple[Window, ...]
_NO_BREAKS: tuple[Windows, ...] = ((),) * 7


def minutes_of(clock: str) -> int:
    """``"09:30"`` as minutes since midnight; ``"24:00"`` is 1440."""
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes[:2])


def clock_of(minutes: int) -> str:
    """1440 minutes since midnight as ``"24:00"``; past that it is the next day's clock."""
    if minutes > 1440:
        minutes -= 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def is_overnight(window: Window) -> bool:
    """Whether the window ends on the day after it starts."""
    opens, closes = window
    return closes != "24:00" and minutes_of(closes) <= minutes_of(opens)


@dataclass(frozen=True)
class Hours:
    """A calendar, hashable so that its open time is laid out once.

    ``weekly`` has seven tuples (Monday first) of windows. ``holidays`` are local dates without windows.
    ``overrides`` replace a date: its weekday's windows and breaks, or its holiday. ``breaks`` (seven
    tuples) come back each week, ``dated_breaks`` once; both are cut out of whatever is open at that local
    time of that date, a night begun the evening before included.
    """

    zone: str
    weekly: tuple[Windows, ...]
    holidays: frozenset[date] = frozenset()
    overrides: tuple[tuple[date, Windows], ...] = field(default=())
    breaks: tuple[Windows, ...] = field(default=_NO_BREAKS)
    dated_breaks: tuple[tuple[date, Windows], ...] = field(default=())

    @classmethod
    def of(
        cls,
        zone: str,
        weekly: Mapping[str, Any],
        holidays: Iterable[Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        breaks: Mapping[str, Any] | None = None,
    ) -> "Hours":
        """From the JSON shapes that ``reps.BusinessCalendar`` keeps.

        A holiday is a date, or a row ``{"on": date, "kept": false}`` of which only the kept ones count.
        ``breaks`` are keyed by weekday (``"mon"``) or by date.
        """
        cuts = breaks or {}
        return cls(
            zone,
            tuple(_windows(weekly.get(day, ())) for day in WEEKDAYS),
            frozenset(day for day in map(_kept_day, holidays or ()) if day),
            _dated(overrides or {}),
            tuple(_windows(cuts.get(day, ())) for day in WEEKDAYS) if cuts else _NO_BREAKS,
            _dated({day: windows for day, windows in cuts.items() if day not in WEEKDAYS}),
        )

    @cached_property
    def _hash(self) -> int:
        return hash((self.zone, self.weekly, self.holidays, self.overrides, self.breaks, self.dated_breaks))

    def __hash__(self) -> int:
        # A calendar is looked up by value for every due time: the hash of all its dates is made once.
        return self._hash

    @cached_property
    def _overridden(self) -> dict[date, Windows]:
        return dict(self.overrides)

    @cached_property
    def _broken(self) -> dict[date, Windows]:
        return dict(self.dated_breaks)

    def is_overridden(self, day: date) -> bool:
        return day in self._overridden

    def opened_on(self, day: date) -> Windows:
        """The windows that begin on ``day``, before any break: of the override, none, or of the weekday."""
        windows = self._overridden.get(day)
        if windows is not None:
            return windows
        return () if day in self.holidays else self.weekly[day.weekday()]

    def breaks_on(self, day: date) -> Windows:
        """The breaks that begin on ``day``. An override leaves only the breaks of that very date."""
        dated = self._broken.get(day, ())
        return dated if day in self._overridden else self.breaks[day.weekday()] + dated

    def windows_on(self, day: date) -> Windows:
        """The windows of ``day`` with its breaks cut out; empty when nothing begins on it.

        A window that runs overnight is given whole: a break in its night belongs to the next date.
        """
        breaks = self.breaks_on(day)
        windows = self.opened_on(day)
        return _cut(windows, breaks) if breaks else windows


def _windows(found: Iterable[Any]) -> Windows:
    return tuple((str(opens), str(closes)) for opens, closes in found)


def _dated(found: Mapping[str, Any]) -> tuple[tuple[date, Windows], ...]:
    return tuple((date.fromisoformat(day), _windows(windows)) for day, windows in sorted(found.items()))


def _kept_day(entry: Any) -> date | None:
    if isinstance(entry, Mapping):
        return date.fromisoformat(entry["on"]) if entry.get("kept", True) else None
    return date.fromisoformat(entry)


def _cut(windows: Windows, breaks: Windows) -> Windows:
    """Windows of one day less breaks of that day, in minutes of the local clock."""
    pieces: list[tuple[int, int]] = []
    nights: list[Window] = []
    for window in windows:
        if is_overnight(window):
            nights.append(window)
        else:
            pieces.append((minutes_of(window[0]), minutes_of(window[1])))
    for starts, ends in breaks:
        first = minutes_of(starts)
        last = minutes_of(ends) + (1440 if is_overnight((starts, ends)) else 0)
        pieces = [
            (begin, end)
            for opens, closes in pieces
            for begin, end in ((opens, min(first, closes)), (max(last, opens), closes))
            if begin < end
        ]
    cut = [(clock_of(begin), clock_of(end)) for begin, end in pieces]
    return tuple(sorted([*cut, *nights]))
