"""A business calendar as somebody wants it, and what is wrong with it, by weekday and by date.

Pure. The shapes are those that ``reps.BusinessCalendar`` keeps; ``faults`` is asked before anything is
written, whichever door the draft came through.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from apps.reps.rules.hours import WEEKDAYS, Hours, is_overnight, minutes_of

NAMES = dict(
    zip(
        WEEKDAYS,
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        strict=True,
    )
)
LIBRARY, OWN = "library", "own"
_DAY = 1440
_LONGEST_NOTE = 80
_MOST_DATES = 1_000

Json = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """All that decides when it is open, and the words that explain it."""

    name: str
    time_zone: str
    weekly: Json
    breaks: Json = field(default_factory=dict)
    holidays: list[Any] = field(default_factory=list)
    overrides: Json = field(default_factory=dict)
    notes: Json = field(default_factory=dict)
    country: str = ""
    subdivision: str = ""

    @property
    def hours(self) -> Hours:
        """Of a draft without faults."""
        return Hours.of(self.time_zone, self.weekly, self.holidays, self.overrides, self.breaks)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: in which part, at which weekday or date, and a sentence about it."""

    part: str
    key: str
    words: str


def holiday_rows(holidays: Iterable[Any]) -> list[Json]:
    """Every holiday as a full row, by date; a bare date is a kept one of one's own."""
    rows = [
        {"on": entry, "name": "", "source": OWN, "kept": True}
        if isinstance(entry, str)
        else {"on": entry["on"], "name": entry.get("name", ""), "source": entry.get("source", OWN)}
        | {"kept": bool(entry.get("kept", True))}
        for entry in holidays
    ]
    return sorted(rows, key=lambda row: row["on"])


def kept_names(holidays: Iterable[Any]) -> dict[date, str]:
    """The names of the holidays that count, by date."""
    return {
        date.fromisoformat(row["on"]): row["name"] or "Holiday"
        for row in holiday_rows(holidays)
        if row["kept"]
    }


def faults(draft: Draft) -> list[Fault]:
    """What is wrong, in the order in which a page shows it; empty when the draft may be kept."""
    found = []
    if not draft.name.strip():
        found.append(Fault("name", "", "Give the calendar a name."))
    if len(draft.name) > 80:
        found.append(Fault("name", "", "A name has at most 80 characters."))
    if draft.time_zone not in available_timezones():
        found.append(Fault("time_zone", "", f"“{draft.time_zone[:60]}” is no time zone that is known here."))
    found += _weekly_faults(draft)
    found += _dated_faults(draft)
    found += _holiday_faults(draft.holidays)
    return found


# --- Windows ---------------------------------------------------------------------------------------


def _is_clock(text: Any, *, end: bool) -> bool:
    if not isinstance(text, str) or len(text) != 5 or text[2] != ":":
        return False
    if not (text[:2] + text[3:]).isascii() or not (text[:2] + text[3:]).isdigit():
        return False
    return (int(text[:2]) < 24 and int(text[3:]) < 60) or (end and text == "24:00")


def _are_windows(found: Any) -> bool:
    return isinstance(found, list | tuple) and all(
        isinstance(one, list | tuple)
        and len(one) == 2
        and _is_clock(one[0], end=False)
        and _is_clock(one[1], end=True)
        for one in found
    )


def _spans(windows: Iterable[Any]) -> list[tuple[int, int]]:
    """In minutes since the day's midnight; a night ends past 1440."""
    return sorted(
        (minutes_of(opens), minutes_of(closes) + (_DAY if is_overnight((opens, closes)) else 0))
        for opens, closes in windows
    )


def _clash(spans: list[tuple[int, int]]) -> tuple[int, int] | None:
    """The first span that begins before the one before it ends."""
    for before, after in zip(spans, spans[1:], strict=False):
        if after[0] < before[1]:
            return after
    return None


def _words(span: tuple[int, int]) -> str:
    start, end = (
        f"{minute // 60 % 24:02}:{minute % 60:02}" if minute != _DAY else "24:00" for minute in span
    )
    return f"{start}-{end}"


def _weekly_faults(draft: Draft) -> Iterator[Fault]:
    week: dict[str, list[tuple[int, int]]] = {}
    for part, found in (("weekly", draft.weekly), ("breaks", draft.breaks)):
        for key, windows in found.items():
            if key in WEEKDAYS and not _are_windows(windows):
                yield Fault(part, key, f"{NAMES[key]} has a time that is none. Write 09:00-17:30.")
            elif key not in WEEKDAYS and part == "weekly":
                yield Fault(part, key, f"“{key}” is no weekday.")
            elif key in WEEKDAYS and (clash := _clash(_spans(windows))):
                noun = "Breaks" if part == "breaks" else "Windows"
                yield Fault(part, key, f"{noun} of {NAMES[key]} overlap: {_words(clash)} begins too early.")
            elif part == "weekly":
                week[key] = _spans(windows)
    yield from _night_faults(week)
    for key in WEEKDAYS:
        yield from _idle_breaks(draft, key, week)


def _night_faults(week: Mapping[str, list[tuple[int, int]]]) -> Iterator[Fault]:
    for number, key in enumerate(WEEKDAYS):
        following = WEEKDAYS[(number + 1) % 7]
        night = [span for span in week.get(key, ()) if span[1] > _DAY]
        first = week.get(following, [])[:1]
        if night and first and night[-1][1] - _DAY > first[0][0]:
            yield Fault(
                "weekly",
                following,
                f"{NAMES[following]} begins at {_words(first[0])[:5]}, while the night of {NAMES[key]} "
                f"({_words(night[-1])}) still runs.",
            )


def _idle_breaks(draft: Draft, key: str, week: Mapping[str, list[tuple[int, int]]]) -> Iterator[Fault]:
    windows = draft.breaks.get(key, [])
    if not _are_windows(windows):
        return
    before = WEEKDAYS[WEEKDAYS.index(key) - 1]
    opened = [*week.get(key, ()), *((a - _DAY, b - _DAY) for a, b in week.get(before, ()))]
    for span in _spans(windows):
        if not any(span[0] < b and a < span[1] for a, b in opened):
            yield Fault("breaks", key, f"The break {_words(span)} lies outside the hours of {NAMES[key]}.")


# --- Dates ------------------------------------------------------------------------------------------


def day_words(day: date) -> str:
    """``Thu 24 Dec 2026``."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None


def _dated_faults(draft: Draft) -> Iterator[Fault]:
    dated_breaks = {key: windows for key, windows in draft.breaks.items() if key not in WEEKDAYS}
    for part, found in (("overrides", draft.overrides), ("breaks", dated_breaks)):
        if len(found) > _MOST_DATES:
            yield Fault(part, "", f"At most {_MOST_DATES:,} dates.")
        for key, windows in found.items():
            day = _date(key)
            if day is None:
                yield Fault(part, key, f"“{key[:20]}” is no date. Write 2026-12-24.")
            elif not _are_windows(windows):
                yield Fault(part, key, f"{day_words(day)} has a time that is none. Write 09:00-12:00.")
            elif clash := _clash(_spans(windows)):
                yield Fault(
                    part, key, f"{_words(clash)} on {day_words(day)} begins before the last one ends."
                )
    for key, words in draft.notes.items():
        if not isinstance(words, str) or len(words) > _LONGEST_NOTE:
            yield Fault("notes", key, f"A note has at most {_LONGEST_NOTE} characters.")


def _holiday_faults(holidays: list[Any]) -> Iterator[Fault]:
    if len(holidays) > _MOST_DATES:
        yield Fault("holidays", "", f"At most {_MOST_DATES:,} holidays.")
    seen: dict[str, str] = {}
    for entry in holidays:
        key = entry if isinstance(entry, str) else str(entry.get("on", "")) if isinstance(entry, dict) else ""
        day = _date(key)
        name = str(entry.get("name", "")) if isinstance(entry, dict) else ""
        if day is None:
            yield Fault("holidays", key, f"“{key[:20]}” is no date. Write 2026-12-24.")
        elif key in seen:
            yield Fault("holidays", key, f"{day_words(day)} is a holiday already: {seen[key] or 'your own'}.")
        elif len(name) > _LONGEST_NOTE:
            yield Fault("holidays", key, f"The name of a holiday has at most {_LONGEST_NOTE} characters.")
        seen[key] = name
