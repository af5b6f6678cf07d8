"""A calendar file as text: bytes to lines, folded lines put together, components with their line numbers.

Pure, RFC 5545 section 3.1. Cutting the file into its events before any of them is understood keeps one bad
event from losing the others, and lets each be named by the line on which it begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_BYTES = 5_000_000
"""Larger files are refused unread."""
MOST_COMPONENTS = 20_000
MOST_LINES = 2_000
"""Lines of one event; an event has some thirty."""

KINDS = ("VEVENT", "VFREEBUSY", "VTIMEZONE")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_ESCAPED = re.compile(r"\\([\\;,nN])")


class NotACalendar(ValueError):
    """Bytes that are no calendar, or more of one than is read; the message is a sentence for whoever sent it."""


@dataclass(frozen=True)
class Property:
    """One content line: ``DTSTART;TZID=Europe/Berlin:20261112T090000`` in its three parts."""

    name: str
    parameters: str
    value: str
    line: int

    def parameter(self, name: str) -> str:
        """The value of a parameter without its quotes; "" where it is not given."""
        match = re.search(rf";{name}=(\"[^\"]*\"|[^;:,]*)", self.parameters, re.IGNORECASE)
        return match[1].strip('"').strip() if match else ""

    @property
    def text(self) -> str:
        """The value with its escapes undone, on one line."""
        plain = _ESCAPED.sub(lambda match: " " if match[1] in "nN" else match[1], self.value)
        return " ".join(plain.split())


@dataclass
class Component:
    """An event, free/busy block or time zone: its properties, without those of what is nested in it."""

    kind: str
    line: int
    properties: list[Property] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    is_closed: bool = False
    is_too_long: bool = False

    def all(self, name: str) -> list[Property]:
        return [one for one in self.properties if one.name == name]

    def first(self, name: str) -> Property | None:
        return next((one for one in self.properties if one.name == name), None)

    def value(self, name: str) -> str:
        """The value of the first property of that name in capitals; "" where there is none."""
        found = self.first(name)
        return found.value.strip().upper() if found else ""


def text_of(content: bytes) -> str:
    """The bytes as text. Raises ``NotACalendar`` for what is too large or no calendar."""
    if len(content) > MOST_BYTES:
        raise NotACalendar(f"The file is larger than {MOST_BYTES // 1_000_000} MB.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            # What old programs write; nothing that decides a time lies outside ASCII.
            text = content.decode("cp1252", errors="replace")
    if "BEGIN:VCALENDAR" not in text[:4_000].upper():
        raise NotACalendar("This is no calendar file: it does not begin with BEGIN:VCALENDAR.")
    return text


def components_of(text: str) -> list[Component]:
    """Events, free/busy blocks and time zones, in the order of the file.

    A component that is not closed is closed by the next one. Raises ``NotACalendar`` for too many of them.
    """
    found: list[Component] = []
    current: Component | None = None
    nested: list[str] = []
    for number, line in _unfolded(text):
        opens, closes = _edge(line, "BEGIN:"), _edge(line, "END:")
        if opens in KINDS and (current is None or current.kind != "VTIMEZONE"):
            if len(found) >= MOST_COMPONENTS:
                raise NotACalendar(f"The file has more than {MOST_COMPONENTS:,} events.")
            current, nested = Component(opens, number), []
            found.append(current)
        elif current is None:
            continue
        elif opens:
            nested.append(opens)
        elif closes == current.kind:
            current.is_closed, current = True, None
            continue
        elif closes:
            if closes in nested:
                del nested[nested.index(closes) :]
        elif not nested:
            _take(current, line, number)
        if current is not None and current.kind == "VTIMEZONE":
            current.lines.append(line)
    return found


def calendar_value(text: str, name: str) -> str:
    """A property of the calendar itself, as ``X-WR-CALNAME``; "" where it is not given."""
    match = re.search(rf"^{name}[^:\n]*:(.*)$", text, re.MULTILINE | re.IGNORECASE)
    return Property(name, "", match[1].strip(), 0).text if match else ""


def _edge(line: str, word: str) -> str:
    return line[len(word) :].strip().upper() if line[: len(word)].upper() == word else ""


def _take(component: Component, line: str, number: int) -> None:
    if len(component.properties) >= MOST_LINES:
        component.is_too_long = True
        return
    head, _, value = _split(line)
    name = _NAME.match(head)
    if name:
        component.properties.append(Property(name[0].upper(), head[name.end() :], value, number))


def _split(line: str) -> tuple[str, str, str]:
    """At the first colon that is not within quotes."""
    if '"' not in line:
        return line.partition(":")
    quoted = False
    for index, sign in enumerate(line):
        if sign == '"':
            quoted = not quoted
        elif sign == ":" and not quoted:
            return line[:index], ":", line[index + 1 :]
    return line.partition(":")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Content lines with the number of the line on which each begins; a line that starts with a space goes on."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if parts and line[:1] in (" ", "\t"):
            parts.append(line[1:])
            continue
        if parts:
            yield begun, "".join(parts)
        begun, parts = number, [line] if line.strip() else []
    if parts:
        yield begun, "".join(parts)
