"""Busy times out of a calendar file: each event becomes spans of time, is left out for a reason, or is named.

Pure. The grammar and the recurrence are the libraries'; what counts as busy, whose clocks a time is in, and
what an event that cannot be read is called in plain words are said here (PRODUCT section 6).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from apps.reps.rules.ical_recurrence import Refused, plain_rule
from apps.reps.rules.ical_text import Component, Property, calendar_value, components_of, text_of
from apps.reps.rules.ical_zones import Zones

LONGEST = timedelta(days=1)
"""A longer event becomes several spans: no busy time is longer."""
MOST_SPANS = 20_000
MOST_OF_ONE = 2_000
MOST_PROBLEMS = 50
"""Problems told one by one; the others are counted."""
_MOST_DAYS = 400
Span = tuple[tuple[datetime, datetime], str]
"""When, and the title that may be kept."""
_TITLE = 120


@dataclass(frozen=True, order=True)
class Busy:
    """A span of UTC, half-open. ``title`` is empty for a private event."""

    starts_at: datetime
    ends_at: datetime
    title: str = ""


@dataclass(frozen=True)
class Problem:
    """An event that could not be read: what it is called, the line on which it begins, why."""

    event: str
    line: int
    why: str


@dataclass(frozen=True)
class Asked:
    """What a file is read for: the span ``[first, last)``, the clocks of its owner, who the owner is.

    ``own_domain`` ends the UIDs of what the portal itself sent: those are known as meetings already.
    """

    first: datetime
    last: datetime
    zone: str
    addresses: frozenset[str] = frozenset()
    own_domain: str = ""


@dataclass(frozen=True)
class Read:
    """All that a file gave. ``events`` = those with busy times + ``left_out`` by reason + ``problem_count``."""

    name: str
    events: int
    busy: tuple[Busy, ...]
    problems: tuple[Problem, ...]
    problem_count: int
    left_out: dict[str, int] = field(default_factory=dict)


class _Unreadable(ValueError):
    """Why an event cannot be read, as a sentence."""


FREE, CANCELLED, DECLINED, OURS, OUTSIDE, NO_TIME = (
    "marked as free",
    "cancelled",
    "declined",
    "booked here",
    "outside the time that is read",
    "without length",
)


def read_calendar(content: bytes, asked: Asked) -> Read:
    """Everything in the file that makes its owner busy within the span that is asked for.

    Raises ``NotACalendar`` for a file that as a whole cannot be read.
    """
    text = text_of(content)
    reader = _Reader(asked, components_of(text))
    reader.read()
    spans = sorted(reader.spans.items())
    return Read(
        name=calendar_value(text, "X-WR-CALNAME"),
        events=reader.events,
        busy=tuple(Busy(*when, title) for when, title in spans),
        problems=tuple(reader.problems[:MOST_PROBLEMS]),
        problem_count=len(reader.problems),
        left_out=dict(reader.left_out),
    )


class _Reader:
    """The pass over one file; what it found stands in its attributes."""

    def __init__(self, asked: Asked, components: Sequence[Component]) -> None:
        self.asked = asked
        self.components = components
        self.zones = Zones([one for one in components if one.kind == "VTIMEZONE"], asked.first, asked.last)
        self.spans: dict[tuple[datetime, datetime], str] = {}
        self.problems: list[Problem] = []
        self.left_out: Counter[str] = Counter()
        self.events = 0

    def read(self) -> None:
        for group in _series(one for one in self.components if one.kind == "VEVENT"):
            self._guarded(group, self._event_spans)
        for block in (one for one in self.components if one.kind == "VFREEBUSY"):
            self._guarded([block], self._free_busy_spans)

    def _guarded(self, group: list[Component], spans: Any) -> None:
        """One bad event is named and does not lose the others."""
        self.events += 1
        try:
            found = dict(spans(group))
            if len(found) > MOST_OF_ONE:
                raise _Unreadable(f"It comes round more than {MOST_OF_ONE:,} times in the time that is read.")
            if len(self.spans) + len(found) > MOST_SPANS:
                raise _Unreadable(f"The file has more than {MOST_SPANS:,} busy times already.")
        except (_Unreadable, Refused) as error:
            self._name(group[0], str(error))
        except _LeftOut as reason:
            self.left_out[str(reason)] += 1
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, ArithmeticError):
            self._name(group[0], "It is not written as the standard for calendars asks.")
        else:
            if not found:
                self.left_out[OUTSIDE] += 1
            for when, title in found.items():
                # Two events at one time are one busy time; a title that may be kept is kept.
                self.spans[when] = self.spans.get(when) or title

    def _name(self, component: Component, why: str) -> None:
        self.problems.append(Problem(_called(component), component.line, why))

    # --- Events ---------------------------------------------------------------------------------

    def _event_spans(self, group: list[Component]) -> Iterator[Span]:
        core = group[0]
        uid = core.first("UID")
        if uid and self.asked.own_domain and uid.value.strip().endswith(f"@{self.asked.own_domain}"):
            raise _LeftOut(OURS)
        if len(group) == 1 and (reason := self._why_left_out(core)):
            raise _LeftOut(reason)
        if len(group) == 1 and self._is_far_off(core):
            raise _LeftOut(OUTSIDE)
        calendar = Calendar()
        for one in group:
            calendar.add_component(self._parsed(one))
        if len(group) == 1 and not any(
            core.first(name) for name in ("RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
        ):
            only: Any = calendar.subcomponents[0]
            yield from self._placed(only.start, only.end, core)
            return
        # A day more on each side: dates are of the owner's own clocks.
        margin = timedelta(days=2)
        first, last = self.asked.first - margin, self.asked.last + margin
        query = recurring_ical_events.CalendarQuery(calendar, keep_recurrence_attributes=False)
        by_id = {id_of: one for one in group if (id_of := _instance(one))}
        for instance in query.between(first, last):
            source = by_id.get(str(instance.get("X-PORTAL-LINE", "")), core)
            if self._why_left_out(source):
                continue
            yield from self._placed(instance.get("DTSTART").dt, instance.get("DTEND").dt, source)

    def _why_left_out(self, component: Component) -> str:
        if component.value("STATUS") == "CANCELLED":
            return CANCELLED
        if component.value("TRANSP") == "TRANSPARENT" or component.value("X-MICROSOFT-CDO-BUSYSTATUS") in (
            "FREE",
            "WORKINGELSEWHERE",
        ):
            return FREE
        for attendee in component.all("ATTENDEE"):
            address = attendee.value.strip().lower().removeprefix("mailto:")
            if address in self.asked.addresses and attendee.parameter("PARTSTAT").upper() == "DECLINED":
                return DECLINED
        return ""

    def _is_far_off(self, component: Component) -> bool:
        """Whether a single event certainly lies outside the span: then it need not be understood."""
        if component.first("RRULE") or component.first("RDATE") or component.first("DURATION"):
            return False
        starts, ends = _digits(component.first("DTSTART")), _digits(component.first("DTEND"))
        if not starts:
            return False
        day = timedelta(days=2)
        return (
            ends or starts
        ) < f"{self.asked.first - day:%Y%m%d}" or starts > f"{self.asked.last + day:%Y%m%d}"

    def _parsed(self, component: Component) -> Any:
        """The event for the library: only what decides its times, in zones that are known."""
        if component.is_too_long:
            raise _Unreadable("It has too many lines.")
        starts = component.first("DTSTART")
        if starts is None:
            raise _Unreadable("It has no start.")
        lines = ["BEGIN:VEVENT", f"UID:{component.line if not component.first('UID') else 'one'}"]
        lines.append(f"X-PORTAL-LINE:{component.line}")
        for one in component.properties:
            if one.name in _TIMES:
                lines.append(self._in_known_zone(one))
            elif one.name in ("DURATION", "SEQUENCE"):
                lines.append(f"{one.name}:{one.value.strip()}")
        event: Any = Event.from_ical("\r\n".join([*lines, "END:VEVENT"]))
        if event.errors:
            name = event.errors[0][0]
            raise _Unreadable(f"{_WORDS.get(name or '', 'One of its lines')} cannot be read.")
        begins = event.get("DTSTART").dt
        self._refuse_bad_ends(event, begins)
        horizon = self.asked.last.replace(tzinfo=None)
        for rule in component.all("RRULE"):
            if plain := plain_rule(rule.value, begins, horizon):
                event.add("RRULE", Event.from_ical(_ruled(plain)).get("RRULE"))
        return event

    def _refuse_bad_ends(self, event: Any, begins: Any) -> None:
        ends = event.get("DTEND")
        if ends is not None and isinstance(ends.dt, datetime) != isinstance(begins, datetime):
            raise _Unreadable("It starts at a time of day and ends on a date, or the other way round.")
        length = event.get("DURATION")
        if ends is not None:
            if _instant(ends.dt) < _instant(begins):
                raise _Unreadable("It ends before it starts.")
        elif length is not None and length.dt < timedelta():
            raise _Unreadable("It ends before it starts.")
        elif length is not None and length.dt > timedelta(days=_MOST_DAYS):
            raise _Unreadable(f"It is longer than {_MOST_DAYS} days.")
        if ends is not None and _instant(ends.dt) - _instant(begins) > timedelta(days=_MOST_DAYS):
            raise _Unreadable(f"It is longer than {_MOST_DAYS} days.")

    def _in_known_zone(self, one: Property) -> str:
        """The line again, its zone by a name that is known; a time that names no zone is of the owner's clocks."""
        name = one.parameter("TZID")
        kind = one.parameter("VALUE").upper()
        if kind == "DATE" or re.fullmatch(r"\d{8}(,\d{8})*", one.value.strip()):
            return f"{one.name};VALUE=DATE:{one.value.strip()}"
        period = ";VALUE=PERIOD" if kind == "PERIOD" else ""
        ranged = ";RANGE=THISANDFUTURE" if one.parameter("RANGE").upper() == "THISANDFUTURE" else ""
        if one.value.strip().upper().endswith("Z") and "T" in one.value.upper():
            return f"{one.name}{period}{ranged}:{one.value.strip()}"
        zone = self.zones.named(name) if name else self.asked.zone
        if zone is None:
            raise _Unreadable(self.zones.why_unknown(name))
        if zone == "UTC":
            zone = "Etc/UTC"
        return f"{one.name};TZID={zone}{period}{ranged}:{one.value.strip()}"

    def _placed(self, starts: Any, ends: Any, source: Component) -> Iterator[Span]:
        """The UTC spans of an instance, a day long at most, within what is asked for."""
        zone = ZoneInfo(self.asked.zone)
        if not isinstance(starts, datetime):
            starts, ends = (datetime.combine(day, time(), zone) for day in (starts, ends))
        begin, end = starts.astimezone(UTC), ends.astimezone(UTC)
        length = source.value("DURATION")
        if end <= begin or ("T" in length and starts.tzinfo is ends.tzinfo):
            # A length in hours passes in real time; an end is what the clocks show. One that the clocks skip
            # together with its start still takes as long as it says.
            end = begin + (ends.replace(tzinfo=None) - starts.replace(tzinfo=None))
        begin, end = max(begin, self.asked.first), min(end, self.asked.last)
        title = _title(source)
        while begin < end:
            yield (begin, min(begin + LONGEST, end)), title
            begin += LONGEST

    # --- Free/busy ------------------------------------------------------------------------------

    def _free_busy_spans(self, group: list[Component]) -> Iterator[Span]:
        block = group[0]
        if not block.all("FREEBUSY"):
            raise _LeftOut(NO_TIME)
        for one in block.all("FREEBUSY"):
            if one.parameter("FBTYPE").upper() == "FREE":
                continue
            for period in one.value.split(","):
                begin, end = _period(period.strip())
                begin, end = max(begin, self.asked.first), min(end, self.asked.last)
                while begin < end:
                    yield (begin, min(begin + LONGEST, end)), ""
                    begin += LONGEST


class _LeftOut(Exception):
    """An event that takes no time of its owner's; the message is one of the reasons above."""


_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE")
_WORDS = {
    "DTSTART": "Its start",
    "DTEND": "Its end",
    "DURATION": "Its length",
    "EXDATE": "A date on which it does not take place",
    "RDATE": "A further date",
    "RECURRENCE-ID": "The time that it stands in place of",
}


def _series(events: Iterable[Component]) -> list[list[Component]]:
    """Events of one UID together, the recurring one first; two of one UID that are equals stand apart."""
    groups: dict[str, list[Component]] = {}
    for one in events:
        uid = one.first("UID")
        groups.setdefault(uid.value.strip() if uid and uid.value.strip() else f"\n{one.line}", []).append(one)
    found: list[list[Component]] = []
    for group in groups.values():
        cores = [one for one in group if not one.first("RECURRENCE-ID")]
        newest = max((_sequence(one) for one in cores), default=0)
        kept = [one for one in cores if _sequence(one) == newest]
        changes = [one for one in group if one.first("RECURRENCE-ID")]
        found.append([*kept[:1], *changes])
        found.extend([one] for one in kept[1:])
    return found


def _sequence(component: Component) -> int:
    text = component.value("SEQUENCE")
    return int(text[:9]) if text.isascii() and text.isdigit() else 0


def _instance(component: Component) -> str:
    return str(component.line)


def _called(component: Component) -> str:
    """What a person knows the event by: its title, else when it begins, else its UID. A private one has none."""
    if title := _title(component):
        return title
    if component.kind == "VFREEBUSY":
        return "Free/busy times"
    private = "Private event" if _is_private(component) else "Event without a title"
    digits = _digits(component.first("DTSTART"))
    return f"{private} of {digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits else private


def _title(component: Component) -> str:
    found = component.first("SUMMARY")
    return found.text[:_TITLE] if found and not _is_private(component) else ""


def _is_private(component: Component) -> bool:
    return component.value("CLASS") not in ("", "PUBLIC")


def _digits(one: Property | None) -> str:
    match = re.match(r"\d{8}", one.value.strip()) if one else None
    return match[0] if match else ""


def _ruled(rule: str) -> str:
    return f"BEGIN:VEVENT\r\nRRULE:{rule}\r\nEND:VEVENT"


def _instant(moment: date | datetime) -> datetime:
    """Fit for comparing the start and the end of one event, by real time where they have zones."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC)
    return moment.astimezone(UTC)


def _period(text: str) -> tuple[datetime, datetime]:
    """``20261112T090000Z/20261112T100000Z`` or ``…/PT1H``."""
    block = f"BEGIN:VFREEBUSY\r\nFREEBUSY:{text}\r\nEND:VFREEBUSY"
    found = Calendar.from_ical(block).get("FREEBUSY")
    period = found[0] if isinstance(found, list) else found
    if period is None:
        raise _Unreadable("One of its periods cannot be read.")
    begin, end = period.start, period.end
    if begin.tzinfo is None or end.tzinfo is None:
        raise _Unreadable("One of its periods is not in UTC.")
    if end <= begin:
        raise _Unreadable("One of its periods ends before it starts.")
    return begin.astimezone(UTC), end.astimezone(UTC)
