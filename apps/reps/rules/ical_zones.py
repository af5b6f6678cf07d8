"""Which time zone a calendar file means by a name: the usual names, those of Windows, and ones it defines itself.

Pure. A name is looked up in this order: as it stands, as a name of Windows, by its last parts
(``/example.org/20240101/Europe/Berlin``), by the ``X-LIC-LOCATION`` of the file's VTIMEZONE, and by what that
VTIMEZONE says: the known zone whose clocks show the same all through the span. What is none of these is
``None``, and whoever used the name says so: a time in a guessed zone would be worse than none.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from io import StringIO
from zoneinfo import ZoneInfo, available_timezones

from dateutil.tz import tzical
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from apps.reps.rules.ical_text import Component

_DAY = r"-?(0?[1-9]|1\d|2[0-8])"
_PARTS = (
    r"INTERVAL=1",
    r"WKST=[A-Z]{2}",
    r"BYMONTH=(0?[1-9]|1[0-2])",
    r"BYDAY=([+-]?[1-4]|-?5)?[A-Z]{2}",
    rf"BYMONTHDAY={_DAY}(,{_DAY})*",
    r"UNTIL=\d{8}(T\d{6}Z?)?",
)
_RULE = re.compile(rf"FREQ=YEARLY(;({'|'.join(_PARTS)}))*;?", re.IGNORECASE)
"""What a yearly change of clocks is written as; each of these comes round within a few years."""
_MOST_OBSERVANCES = 60
_MOST_OWN_ZONES = 20
_SAMPLES = timedelta(days=6)
_LIKELY = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Helsinki",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "UTC",
)
"""Asked first, so that clocks which many zones share get the name that most people know."""


class Zones:
    """The zones that one file speaks of. ``first`` and ``last`` bound the span in which own ones must agree."""

    def __init__(self, definitions: Iterable[Component], first: datetime, last: datetime) -> None:
        self._defined = {found: one for one in definitions if (found := _name_of(one))}
        self._span = (first, last)
        self._known: dict[str, str | None] = {}
        self._compared = 0

    def named(self, name: str) -> str | None:
        """The zone meant by ``name`` as ``zoneinfo`` knows it, or ``None``."""
        if name not in self._known:
            self._known[name] = self._looked_up(name)
        return self._known[name]

    def why_unknown(self, name: str) -> str:
        if name in self._defined:
            return f"Its time zone “{name[:60]}” has rules of its own that fit no known zone."
        return f"Its time zone “{name[:60]}” is not known, and the file does not say what it is."

    def _looked_up(self, name: str) -> str | None:
        found = _by_name(name)
        definition = self._defined.get(name)
        if found is None and definition is not None:
            place = definition.first("X-LIC-LOCATION")
            found = _by_name(place.value.strip()) if place else None
            if found is None and self._compared < _MOST_OWN_ZONES:
                self._compared += 1
                found = _by_clocks(definition, *self._span)
        return found


def _name_of(definition: Component) -> str:
    found = definition.first("TZID")
    return found.value.strip().strip('"') if found else ""


def _by_name(name: str) -> str | None:
    plain = name.strip().strip("/")
    parts = plain.split("/")
    asked = [plain, WINDOWS_TO_OLSON.get(plain, ""), *("/".join(parts[n:]) for n in range(1, len(parts)))]
    return next((one for one in asked if one in _all()), None)


@lru_cache(maxsize=1)
def _all() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def _by_clocks(definition: Component, first: datetime, last: datetime) -> str | None:
    """The known zone whose clocks show what the definition says at each sample of the span."""
    offsets = _offsets(definition, first, last)
    if offsets is None:
        return None
    for name in (*_LIKELY, *sorted(_all())):
        zone = ZoneInfo(name)
        if all(zone.utcoffset(local) == offset for local, offset in offsets):
            return name
    return None


def _offsets(
    definition: Component, first: datetime, last: datetime
) -> list[tuple[datetime, timedelta | None]] | None:
    """Local noons of the span and how far the defined clocks are from UTC then; ``None`` for bad rules."""
    lines = list(_kept(definition.lines))
    rules = [line.partition(":")[2] for line in lines if line.upper().startswith("RRULE")]
    begun = sum(line.upper().startswith("BEGIN:") for line in lines)
    if begun > _MOST_OBSERVANCES or any(not _is_plain(rule) for rule in rules):
        # A rule that is looked for in vain up to the year 9999 would take minutes.
        return None
    block = "\n".join(["BEGIN:VCALENDAR", *lines, "END:VTIMEZONE", "END:VCALENDAR"])
    try:
        zone = tzical(StringIO(block)).get()
        noon = first.replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=None)
        found = []
        while zone is not None and noon < last.replace(tzinfo=None):
            found.append((noon, zone.utcoffset(noon)))
            noon += _SAMPLES
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError):
        return None
    return found or None


def _is_plain(rule: str) -> bool:
    return bool(_RULE.fullmatch(rule.strip()))


def _kept(lines: Iterable[str]) -> Iterator[str]:
    """What says how the clocks go; names and comments that the reader stumbles over are left out."""
    for line in lines:
        if line.upper().startswith(("BEGIN:", "END:", "TZID", "DTSTART", "TZOFFSET", "RRULE", "RDATE")):
            yield line
