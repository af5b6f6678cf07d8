"""Keep the hours by which a clock was started, so that a later edit of the calendar moves no promise."""

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache

from apps.reps.rules.hours import WEEKDAYS, Hours
from apps.slas.models import CalendarCopy


def copies_of(hours: Iterable[Hours]) -> dict[Hours, CalendarCopy]:
    """A copy for each of these calendars; those that were copied before are found again. Two statements at most."""
    by_digest = {_digest(plain := _plain(one)): (one, plain) for one in set(hours)}
    found = {copy.digest: copy for copy in CalendarCopy.objects.filter(digest__in=by_digest)}
    missing = [
        CalendarCopy(digest=digest, hours=json.loads(plain))
        for digest, (_, plain) in sorted(by_digest.items())
        if digest not in found
    ]
    if missing:
        # Somebody may copy the same calendars at this moment: theirs are as good. In one order, so that no two
        # wait for each other crosswise.
        CalendarCopy.objects.bulk_create(missing, ignore_conflicts=True)
        for copy in CalendarCopy.objects.filter(digest__in=[one.digest for one in missing]):
            found[copy.digest] = copy
    return {one: found[digest] for digest, (one, _) in by_digest.items()}


def copy_of(hours: Hours) -> CalendarCopy:
    """A copy that is not saved, to try something with."""
    return CalendarCopy(digest=_digest(plain := _plain(hours)), hours=json.loads(plain))


def hours_in(copy: CalendarCopy) -> Hours:
    """The copied calendar as the value that ``reps.rules.business_time`` computes with."""
    found = _known.get(copy.digest)
    if found is None:
        kept = copy.hours
        found = Hours.of(kept["zone"], kept["weekly"], kept["holidays"], kept["overrides"], kept["breaks"])
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[copy.digest] = found
    return found


_MOST_KNOWN = 256
_known: dict[str, Hours] = {}
"""By digest, which says all that is in a copy."""


@lru_cache(maxsize=256)
def _plain(hours: Hours) -> str:
    return json.dumps(
        {
            "zone": hours.zone,
            "weekly": dict(zip(WEEKDAYS, hours.weekly, strict=True)),
            "holidays": sorted(day.isoformat() for day in hours.holidays),
            "overrides": {day.isoformat(): windows for day, windows in hours.overrides},
            "breaks": dict(zip(WEEKDAYS, hours.breaks, strict=True))
            | {day.isoformat(): windows for day, windows in hours.dated_breaks},
        },
        sort_keys=True,
    )


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
