"""Times that suit the customer: for a meeting, and for a call back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from apps.leads.models import Lead
from apps.leads.rules import calling
from apps.leads.rules.preferences import Occasion, Wish, fits, occasions
from apps.leads.selectors.availability import Why, diaries
from apps.leads.services import assigning, slots
from apps.leads.services.preferences import wishes_of, zone_of_customer
from apps.reps.models import Rep
from apps.reps.rules.availability import Diary, free_starts, why_closed

SOON = timedelta(days=7)
WISHED = timedelta(days=14)
"""How far ahead a wish is looked after; a window that lies further off is looked up to where it ends."""
LATEST = timedelta(days=35)
MOST = 60
MOST_OCCASIONS = 12

_WORDS = {
    Why.AWAY: "on leave",
    Why.HOURS: "outside working hours",
    Why.MEETING: "in meetings",
    Why.HELD: "held for others",
    Why.BUSY: "busy",
    Why.DAY_CAP: "at cap",
    Why.WEEK_CAP: "at cap",
    Why.NOTICE: "too soon for them",
    Why.NOT_BEGUN: "not begun",
    Why.LEFT: "gone by then",
}


@dataclass(frozen=True)
class OfferedTime:
    """A time at which somebody is free: the customer's clock, and the viewer's beside it where it differs."""

    starts_at: datetime
    free_aes: int
    clock: str
    own_clock: str = ""
    is_asked: bool = False
    stays: bool = True
    """Whether the AE who has the meeting now is free then (when one is being moved)."""


@dataclass(frozen=True)
class OfferedDay:
    """The times of one day where the customer is."""

    day: date
    times: list[OfferedTime]


@dataclass(frozen=True)
class AskedFor:
    """One occasion that the customer asked for, with the times in it, or why there are none."""

    words: str
    times: list[OfferedTime]
    why_none: str = ""


@dataclass(frozen=True)
class Offer:
    """Times at which somebody is free, in the customer's zone (the viewer's where that is not known)."""

    days: list[OfferedDay]
    zone: tzinfo
    is_theirs: bool
    left_out: int
    minutes: int = 30
    asked: list[AskedFor] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)
    own_zone: str = ""

    @property
    def zone_words(self) -> str:
        city = city_of(self.zone)
        return (
            f"{city} time, the customer’s" if self.is_theirs else f"{city} time: the customer’s is not known"
        )

    @property
    def is_empty(self) -> bool:
        return not self.days and not any(one.times for one in self.asked)


def city_of(zone: tzinfo) -> str:
    """``New York`` of ``America/New_York``."""
    return str(zone).rpartition("/")[2].replace("_", " ")


def offer_for(
    *,
    lead: Lead,
    now: datetime,
    zone: tzinfo,
    minutes: int = 30,
    moving: Rep | None = None,
    aes: Sequence[Rep] = (),
) -> Offer:
    """What the customer asked for first, then the soonest other times within the customer's day.

    All other times where none lies within it. ``moving`` is the AE of a meeting that gets a new time; ``aes``
    are those who may take it (all whom routing may name when left out). A bounded number of statements,
    whatever the number of AEs, days and wishes.
    """
    theirs = calling.zone_named(lead.time_zone)
    shown = _Shown(theirs or zone, zone, timedelta(minutes=minutes))
    reps = list(aes) or assigning.receiving_aes(lead=lead, at=now)
    wishes = wishes_of(lead)
    first = slots.next_slot(now + timedelta(minutes=30))
    last = _horizon(wishes, first)
    known = diaries(aes=reps, first=first, last=last + shown.length, at=now)
    free = _free(known, first, last, now, shown.length)
    asked = list(occasions(wishes, zone=zone_of_customer(lead), first=first, last=last))[:MOST_OCCASIONS]
    found, told = _all_asked_for(asked, free, known, shown, now, moving)
    # Everybody may be at the weekly cap: then the weeks after are asked.
    soon = [start for start in free if start < first + SOON and start not in told] or [
        start for start in free if start not in told
    ]
    days, left_out = _by_day(soon[:MOST], free, shown, moving)
    own = "" if shown.same_clocks(first) else city_of(zone)
    words = [wish.in_words(zone_of_customer(lead)) for wish in wishes]
    return Offer(days, shown.zone, theirs is not None, left_out, minutes, found, words, own)


@dataclass(frozen=True)
class _Shown:
    """In which zones times are shown, and how long a meeting takes."""

    zone: tzinfo
    own: tzinfo
    length: timedelta

    def same_clocks(self, instant: datetime) -> bool:
        return instant.astimezone(self.zone).utcoffset() == instant.astimezone(self.own).utcoffset()

    def time(
        self, start: datetime, aes: Sequence[int], moving: Rep | None, is_asked: bool = False
    ) -> OfferedTime:
        local, own = start.astimezone(self.zone), start.astimezone(self.own)
        beside = "" if self.same_clocks(start) else f"{own:%H:%M}"
        if beside and own.date() != local.date():
            beside = f"{own:%a} {beside}"
        return OfferedTime(
            start, len(aes), f"{local:%H:%M}", beside, is_asked, moving is None or moving.pk in aes
        )


def _horizon(wishes: Sequence[Wish], first: datetime) -> datetime:
    windows = [wish.ends_at for wish in wishes if wish.ends_at is not None]
    return min(max([first + WISHED, *windows]), first + LATEST)


def _free(
    known: Mapping[int, Diary], first: datetime, last: datetime, now: datetime, length: timedelta
) -> dict[datetime, list[int]]:
    free: dict[datetime, list[int]] = {}
    for pk, diary in known.items():
        for start in free_starts(diary, first, last, now, length):
            free.setdefault(start, []).append(pk)
    return {start: free[start] for start in sorted(free)}


def _all_asked_for(
    asked: Sequence[Occasion],
    free: Mapping[datetime, list[int]],
    known: Mapping[int, Diary],
    shown: _Shown,
    now: datetime,
    moving: Rep | None,
) -> tuple[list[AskedFor], set[datetime]]:
    """Occasion by occasion in the order of the wishes, each time once; and all these times."""
    found: list[AskedFor] = []
    told: set[datetime] = set()
    for one in asked:
        starts = [start for start in free if fits(start, shown.length, one)]
        fresh = [start for start in starts if start not in told]
        told.update(fresh)
        if fresh:
            times = [shown.time(start, free[start], moving, is_asked=True) for start in fresh]
            found.append(AskedFor(one.words, times))
        elif not starts:
            found.append(AskedFor(one.words, [], _why_nobody(one, known, shown.length, now)))
    return found, told


def _why_nobody(one: Occasion, known: Mapping[int, Diary], length: timedelta, now: datetime) -> str:
    """``nobody free: 2 on leave, 1 at cap``, each AE by what closes the most of the occasion's times."""
    starts, start = [], slots.next_slot(max(one.starts_at, now))
    while fits(start, length, one):
        starts.append(start)
        start += slots.GRID
    if not starts or not known:
        return "too late for it" if not starts else "nobody takes these meetings"
    reasons: Counter[str] = Counter()
    for diary in known.values():
        closed = Counter(
            _WORDS[why.kind] for begin in starts if (why := why_closed(diary, begin, begin + length, now))
        )
        if closed:
            reasons[closed.most_common(1)[0][0]] += 1
    return "nobody free: " + ", ".join(f"{count} {words}" for words, count in reasons.most_common())


def _by_day(
    starts: Sequence[datetime], free: Mapping[datetime, list[int]], shown: _Shown, moving: Rep | None
) -> tuple[list[OfferedDay], int]:
    """The times within the customer's day, or all where none is; and how many are left out."""
    proper = [start for start in starts if calling.is_proper(start.astimezone(shown.zone))]
    chosen = proper or starts
    days: dict[date, list[OfferedTime]] = {}
    for start in chosen:
        days.setdefault(start.astimezone(shown.zone).date(), []).append(
            shown.time(start, free[start], moving)
        )
    return [OfferedDay(day, times) for day, times in days.items()], len(starts) - len(chosen)


def callback_times(*, lead: Lead, now: datetime, zone: tzinfo) -> list[tuple[datetime, str]]:
    """A few likely instants for a callback, with how they read in the customer's zone."""
    local = now.astimezone(calling.zone_named(lead.time_zone) or zone)
    hour = local.replace(minute=0, second=0, microsecond=0)
    tomorrow = hour + timedelta(days=1)
    while tomorrow.weekday() >= 5:
        tomorrow += timedelta(days=1)
    wanted = [
        hour + timedelta(hours=1 if local.minute < 30 else 2),
        hour + timedelta(hours=3),
        tomorrow.replace(hour=9),
        tomorrow.replace(hour=14),
    ]
    found: dict[datetime, str] = {}
    for instant in wanted:
        if calling.is_proper(instant) and instant > now:
            today = instant.date() == local.date()
            found[instant] = (
                f"Today, {instant:%H:%M}"
                if today
                else f"{instant:%a} {instant.day} {instant:%b}, {instant:%H:%M}"
            )
    return list(found.items())
