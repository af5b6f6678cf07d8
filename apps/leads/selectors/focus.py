"""The rep's week of focus blocks, and today's blocks as the strip above the queue shows them."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from apps.core.prepared import PreparedQuery
from apps.leads.models import FocusBlock
from apps.leads.rules import focus as rules
from apps.leads.selectors.prepared import REP
from apps.reps.models import Rep

ICONS = {
    FocusBlock.Kind.CLEAN_UP: "check",
    FocusBlock.Kind.EMAIL: "mail",
    FocusBlock.Kind.CALLS: "phone",
    FocusBlock.Kind.SOCIAL: "social",
    FocusBlock.Kind.FOLLOW_UP: "route",
}
_NARROW = 10.0
"""Below this share of the day, in per cent, a part has room for its icon only."""
_ROOM_FOR_HOURS = 15.0
"""From this share on a part that is still to come has room for when it begins."""


@dataclass(frozen=True)
class OwnWeek:
    """The blocks that hold for a rep; ``is_own`` says whether they are the rep's or the company's."""

    blocks: rules.Week
    is_own: bool


@dataclass(frozen=True)
class Part:
    """One stretch of the strip; ``left`` and ``width`` are per cent of it. A pause has no ``kind``."""

    kind: str
    label: str
    icon: str
    left: float
    width: float
    state: str
    hours: str
    words: str

    @property
    def geometry(self) -> str:
        return f"left:{self.left:.2f}%;width:{self.width:.2f}%"

    @property
    def is_narrow(self) -> bool:
        return self.width < _NARROW


@dataclass(frozen=True)
class Strip:
    """Today's blocks, the one now and the one that follows; times are words in the viewer's zone.

    ``now_left`` is where the line of the present stands in per cent, ``None`` before and after the day.
    """

    parts: list[Part]
    span: rules.Span | None
    following: rules.Span | None
    now_left: float | None
    clock: str
    sentence: str
    is_own: bool

    @property
    def now_geometry(self) -> str:
        return f"left:{self.now_left:.2f}%"

    @property
    def block(self) -> rules.Block | None:
        return self.span.block if self.span else None

    @property
    def channel(self) -> str:
        """The channel of the block now; "" where there is none."""
        return self.span.channel if self.span else ""

    @property
    def label(self) -> str:
        """What the block now is for, in a word or two; "" outside blocks."""
        return label_of(self.span.kind) if self.span else ""

    def __bool__(self) -> bool:
        return bool(self.parts)


def label_of(kind: str) -> str:
    return FocusBlock.Kind(kind).label


def week_of(rep: Rep | None) -> OwnWeek:
    """The rep's own blocks where there are any on any weekday, else the company's. One statement."""
    # The company's alone are those of a key that nobody has.
    rows = _week_of(connection.vendor).rows({REP: rep.pk if rep else 0})
    by_owner: dict[int | None, dict[int, list[rules.Block]]] = {}
    for rep_id, weekday, starts, ends, kind in rows:
        days = by_owner.setdefault(rep_id, {})
        days.setdefault(weekday, []).append(rules.Block(starts, ends, kind))
    own = by_owner.get(rep.pk) if rep else None
    return OwnWeek(own or by_owner.get(None, {}), bool(own))


@lru_cache(maxsize=4)
def _week_of(_vendor: str) -> PreparedQuery:
    # Every look at a queue asks for it.
    blocks = FocusBlock.objects.filter(Q(rep_id=REP) | Q(rep__isnull=True)).order_by("weekday", "starts")
    return PreparedQuery(blocks.values_list("rep_id", "weekday", "starts", "ends", "kind"), REP)


def strip_of(rep: Rep, at: datetime, zone: tzinfo) -> Strip:
    """What ``leads/_focus_strip.html`` shows of the rep's day at ``at``. One statement."""
    return strip(week_of(rep), at, ZoneInfo(rep.time_zone), zone)


def strip(week: OwnWeek, at: datetime, rep_zone: ZoneInfo, zone: tzinfo) -> Strip:
    """The strip of a week already read; blocks lie in ``rep_zone``, words are in ``zone``."""
    today = rules.spans(week.blocks, at.astimezone(rep_zone).date(), rep_zone)
    now = rules.span_at(week.blocks, at, rep_zone)
    following = rules.next_span(week.blocks, at, rep_zone)
    left = None
    if today and today[0].starts_at <= at < today[-1].ends_at:
        left = _share(today, at)
    return Strip(
        parts=_parts(today, at, zone),
        span=now,
        following=following,
        now_left=left,
        clock=f"{at.astimezone(zone):%H:%M}",
        sentence=_sentence(now, following, at, zone),
        is_own=week.is_own,
    )


def _share(today: list[rules.Span], instant: datetime) -> float:
    whole = today[-1].ends_at - today[0].starts_at
    return round((instant - today[0].starts_at) / whole * 100, 2)


def _parts(today: list[rules.Span], at: datetime, zone: tzinfo) -> list[Part]:
    found: list[Part] = []
    last_end: datetime | None = None
    for span in today:
        if last_end is not None and span.starts_at > last_end:
            found.append(_part("", last_end, span.starts_at, today, at, zone))
        found.append(_part(span.kind, span.starts_at, span.ends_at, today, at, zone))
        last_end = span.ends_at
    return found


def _part(
    kind: str, starts_at: datetime, ends_at: datetime, today: list[rules.Span], at: datetime, zone: tzinfo
) -> Part:
    left = _share(today, starts_at)
    hours = f"{starts_at.astimezone(zone):%H:%M} to {ends_at.astimezone(zone):%H:%M}"
    state = "off" if not kind else "done" if ends_at <= at else "now" if starts_at <= at else "later"
    words = ""
    if state == "now":
        words = f"until {ends_at.astimezone(zone):%H:%M}"
    elif state == "later" and _share(today, ends_at) - left >= _ROOM_FOR_HOURS:
        words = f"{starts_at.astimezone(zone):%H:%M}"
    return Part(
        kind=kind,
        label=label_of(kind) if kind else "Pause",
        icon=ICONS[FocusBlock.Kind(kind)] if kind else "",
        left=left,
        width=round(_share(today, ends_at) - left, 2),
        state=state,
        hours=hours,
        words=words,
    )


def _sentence(now: rules.Span | None, following: rules.Span | None, at: datetime, zone: tzinfo) -> str:
    """``Calls until 12:00, then Email.``; outside blocks when the next one begins."""
    then = ""
    if following is not None:
        begins = following.starts_at.astimezone(zone)
        day = "" if begins.date() == at.astimezone(zone).date() else f" on {begins:%A}"
        label = label_of(following.kind)
        if now is not None and following.starts_at - now.ends_at < timedelta(minutes=1):
            then = f"then {label}"
        else:
            then = f"{label} from {begins:%H:%M}{day}"
    if now is not None:
        until = f"{label_of(now.kind)} until {now.ends_at.astimezone(zone):%H:%M}"
        return f"{until}, {then}." if then else f"{until}."
    return f"No block now; {then}." if then else ""
