"""An SDR's figures of the day and the month, all from the funnel record.

Inbound and outbound are different jobs: an inbound day is headed by the speed to the first human touch, an
outbound one by the site visits that the outreach caused. How many touches were made stands small beside them.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from statistics import median

from django.conf import settings
from django.db import connection
from django.db.models import Q

from apps.core.periods import day_of, day_start, month_of
from apps.core.prepared import AT, PreparedQuery
from apps.leads.models import Capacity, Channel, EventCredit, EventKind
from apps.leads.selectors.prepared import REP
from apps.reps.models import Rep, RepRole
from apps.reps.rules.business_time import open_minutes
from apps.reps.selectors import hours_for

_WORDS = {
    Channel.CALL: ("call", "calls"),
    Channel.EMAIL: ("email", "emails"),
    Channel.SOCIAL: ("social touch", "social touches"),
    Channel.CHAT: ("chat", "chats"),
    Channel.VISIT: ("visit", "visits"),
}
_OF_THE_MONTH = (EventKind.BOOKED, EventKind.ACCEPTED, EventKind.VISITED)


@dataclass(frozen=True)
class Day:
    """``speed_minutes``: business minutes from arrival to first touch, median of today's first answers.

    ``switches`` are touches of today over another channel than the one before (``rules.switches``); visits are
    those that the rep's own touches caused.
    """

    speed_minutes: int | None
    first_answers: int
    touches: int
    by_channel: tuple[tuple[str, int], ...]
    booked_today: int
    booked_this_month: int
    accepted_this_month: int
    is_outbound: bool = False
    switches: int = 0
    visits_today: int = 0
    visits_this_month: int = 0

    @property
    def channel_words(self) -> str:
        """``14 calls, 15 emails``."""
        return ", ".join(
            f"{count} {_WORDS[Channel(channel)][count != 1]}" for channel, count in self.by_channel
        )


_DAY_BEGAN = datetime(1000, 1, 2, tzinfo=UTC)
_MONTH_BEGAN = datetime(1000, 1, 3, tzinfo=UTC)


@lru_cache(maxsize=4)
def _credited(_vendor: str) -> PreparedQuery:
    """What a rep is credited with: touches of the day, bookings, acceptances and visits of the month."""
    credited = EventCredit.objects.filter(
        Q(event__kind=EventKind.TOUCHED, event__occurred_at__gte=_DAY_BEGAN)
        | Q(event__kind__in=_OF_THE_MONTH, event__occurred_at__gte=_MONTH_BEGAN),
        rep_id=REP,
        capacity=Capacity.SOURCED,
        event__occurred_at__gte=_MONTH_BEGAN,
        event__occurred_at__lte=AT,
        event__reversed_by__isnull=True,
    )
    rows = credited.order_by("event__occurred_at", "event_id").values_list(
        "event__kind",
        "event__occurred_at",
        "event__data__channel",
        "event__lead__first_touch_at",
        "event__lead__mql_at",
        "event__lead__created_at",
        "event__lead__is_inbound",
    )
    return PreparedQuery(rows, REP, AT, _DAY_BEGAN, _MONTH_BEGAN)


def day_of_rep(*, rep: Rep, at: datetime) -> Day:
    """What the record says of the rep's day and month up to ``at``, in the company's zone. One statement."""
    zone = settings.COMPANY_TIME_ZONE
    today = day_of(at, zone)
    day_began = day_start(today, zone)
    month_began = day_start(month_of(today).start, zone)
    rows = _credited(connection.vendor).rows(
        {REP: rep.pk, AT: at, _DAY_BEGAN: day_began, _MONTH_BEGAN: month_began}
    )
    hours = hours_for(rep)
    channels: Counter[str] = Counter()
    speeds: list[float] = []
    counts: Counter[str] = Counter()
    switches, before = 0, ""
    for kind, occurred_at, channel, first_touch_at, mql_at, created_at, is_inbound in rows:
        if kind == EventKind.TOUCHED:
            channel = channel or Channel.CALL
            switches += bool(before) and channel != before
            before = channel
            channels[channel] += 1
            if is_inbound and first_touch_at == occurred_at:
                # Who became an MQL only after the first touch was waiting since they were collected.
                since = mql_at if mql_at and mql_at <= occurred_at else created_at
                speeds.append(open_minutes(hours, since, occurred_at))
        else:
            counts[kind] += 1
            counts[f"{kind} today"] += occurred_at >= day_began
    return Day(
        speed_minutes=round(median(speeds)) if speeds else None,
        first_answers=len(speeds),
        touches=channels.total(),
        by_channel=tuple(channels.most_common()),
        booked_today=counts[f"{EventKind.BOOKED} today"],
        booked_this_month=counts[EventKind.BOOKED],
        accepted_this_month=counts[EventKind.ACCEPTED],
        is_outbound=rep.role == RepRole.OSR,
        switches=switches,
        visits_today=counts[f"{EventKind.VISITED} today"],
        visits_this_month=counts[EventKind.VISITED],
    )
