"""Whether a recurrence rule may be worked out at all: bounded work, and an answer that comes.

Pure. The library works out a rule faithfully, be it once a second for ever, and looks for a date that never
comes up to the year 9999. So a rule is judged first: how often it comes round, from when, and whether it has
a date before the horizon at all.
"""

import datetime as dt
import re
from functools import lru_cache
from itertools import islice
from types import FunctionType, SimpleNamespace
from typing import Any

from dateutil import rrule as dateutil_rrule
from dateutil.rrule import rrule, rrulestr

_STEP_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
_MOST_STEPS = 40_000
"""A daily event for a hundred years and more."""
_MOST_TIMES_A_DAY = 24
_YEARS_PAST = 12
_LISTS = (
    "BYMONTH",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYDAY",
    "BYSETPOS",
    "BYHOUR",
    "BYMINUTE",
    "BYSECOND",
)
_NUMBER = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_UNTIL = re.compile(r"(\d{8})(T\d{6})?(Z)?", re.ASCII)
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", *_LISTS}


class Refused(ValueError):
    """A rule that is not worked out; the message says why, in words that follow "It was left out:"."""


def parts_of(rule: str) -> dict[str, str]:
    """``FREQ=WEEKLY;BYDAY=MO`` by name, in capitals. Raises ``Refused`` for what is no rule."""
    found: dict[str, str] = {}
    for part in filter(None, rule.strip().upper().split(";")):
        name, _, value = part.partition("=")
        if name.startswith("X-"):
            continue
        if name not in _PARTS or not value or name in found:
            raise Refused(f"Its rule of recurrence has a part that is not known: “{part[:40]}”.")
        found[name] = value
    return found


def plain_rule(rule: str, start: dt.date, horizon: dt.datetime) -> str:
    """The rule without what is not its own, fit to be worked out from ``start`` to ``horizon`` (local).

    ``start`` is a date, or a time of day in its zone. "" for a rule that has no date before the horizon but
    its start. Raises ``Refused``.
    """
    parts = parts_of(rule)
    _refuse_too_often(parts)
    local = dt.datetime.combine(start, start.time() if isinstance(start, dt.datetime) else dt.time())
    _refuse_too_many(parts, local, horizon)
    if "UNTIL" in parts:
        parts["UNTIL"] = _last(parts["UNTIL"], start)
    said = ";".join(f"{name}={value}" for name, value in parts.items())
    return said if _comes(parts, local, horizon) else ""


def _last(until: str, start: dt.date) -> str:
    """The end as the standard wants it: a date for dates, else UTC; a mere date holds to its end.

    Programs write dates and local times as well, and mean the clocks of the start.
    """
    match = _UNTIL.fullmatch(until)
    if match is None:
        raise Refused("Its rule of recurrence has an end that cannot be read.")
    if not isinstance(start, dt.datetime):
        return match[1]
    if match[3]:
        return until
    try:
        said = dt.datetime.strptime(match[1] + (match[2] or "T235959"), "%Y%m%dT%H%M%S").replace(
            tzinfo=start.tzinfo
        )
    except ValueError as error:
        raise Refused("Its rule of recurrence has an end that cannot be read.") from error
    return f"{said.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _refuse_too_often(parts: dict[str, str]) -> None:
    frequency = parts.get("FREQ", "")
    if frequency in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise Refused("It comes round more often than once a day.")
    if frequency not in _STEP_DAYS:
        raise Refused("Its rule of recurrence does not say how often it comes round.")
    times = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= len(set(parts[name].split(","))) if name in parts else 1
    if times > _MOST_TIMES_A_DAY:
        raise Refused(f"It comes round more than {_MOST_TIMES_A_DAY} times a day.")
    if any(len(parts.get(name, "")) > 2_000 for name in _LISTS):
        raise Refused("Its rule of recurrence is too long.")


def _refuse_too_many(parts: dict[str, str], start: dt.datetime, horizon: dt.datetime) -> None:
    for name in ("INTERVAL", "COUNT"):
        if name == "COUNT" and parts.get(name, "").startswith("-"):
            # Some programs write COUNT=-1 for "without end".
            del parts[name]
        elif name in parts and not _NUMBER.fullmatch(parts[name]):
            raise Refused(f"Its rule of recurrence has no sound number for {name}.")
    step = _STEP_DAYS[parts["FREQ"]] * int(parts.get("INTERVAL", "1"))
    if (horizon - start).days // step > _MOST_STEPS:
        raise Refused(f"It began in {start.year} and comes round too often since.")


def _comes(parts: dict[str, str], start: dt.datetime, horizon: dt.datetime) -> bool:
    """Whether the rule gives another date than ``start`` before the end of the horizon's year.

    Found without looking further than some years past it. Raises ``Refused`` for a rule that comes once and
    then not again for so long: the library would look on for centuries.
    """
    asked = {name: value for name, value in parts.items() if name not in ("UNTIL", "COUNT")}
    text = ";".join(f"{name}={value}" for name, value in asked.items())
    try:
        found = rrulestr(text, dtstart=start)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Refused("Its rule of recurrence cannot be read.") from error
    if not isinstance(found, rrule) or start.year > horizon.year:
        return False
    dates = list(islice(_ending_after(horizon.year + _YEARS_PAST)(found), 2))
    if len(dates) == 1 and dates[0] != start:
        raise Refused("It comes round too seldom to be worked out.")
    return len(dates) == 2 and dates[0].year <= horizon.year


@lru_cache(maxsize=8)
def _ending_after(year: int) -> Any:
    """dateutil's own way through a rule, with ``year`` in place of the year 9999 as the last one."""
    seen = SimpleNamespace(**{name: getattr(dt, name) for name in ("date", "datetime", "time", "timedelta")})
    seen.MAXYEAR = year
    walk = rrule._iter
    return FunctionType(walk.__code__, {**vars(dateutil_rrule), "datetime": seen}, "walk", walk.__defaults__)
