"""An SDR's figures of the day and the month, all from the funnel record."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.conf import settings
from django.db.models import Q

from apps.core.periods import day_of, day_start, month_of
from apps.leads.models import Capacity, Channel, EventCredit, EventKind
from apps.reps.models import Rep
from apps.reps.rules.business_time import open_minutes
from apps.reps.selectors import hours_of

_WORDS = {
    Channel.CALL: ("call", "calls"),
    Channel.EMAIL: ("email", "emails"),
    Channel.SOCIAL: ("social touch", "social touches"),
    Channel.CHAT: ("chat", "chats"),
    Channel.VISIT: ("visit", "visits"),
}


@dataclass(frozen=True)
class Day:
    """``speed_minutes``: business minutes from arrival to first touch, median of today's first answers."""

    speed_minutes: int | None
    first_answers: int
    touches: int
    by_channel: tuple[tuple[str, int], ...]
    booked_today: int
    booked_this_month: int
    accepted_this_month: int

    @property
    def channel_words(self) -> str:
        """``14 calls, 15 emails``."""
        return ", ".join(
            f"{count} {_WORDS[Channel(channel)][count != 1]}" for channel, count in self.by_channel
        )


def day_of_rep(*, rep: Rep, at: datetime) -> Day:
    """What the record says of the rep's day and month up to ``at``, in the company's zone. One statement."""
    zone = settings.COMPANY_TIME_ZONE
    today = day_of(at, zone)
    day_began = day_start(today, zone)
    month_began = day_start(month_of(today).start, zone)
    credited = EventCredit.objects.filter(
        Q(event__kind=EventKind.TOUCHED, event__occurred_at__gte=day_began)
        | Q(event__kind__in=(EventKind.BOOKED, EventKind.ACCEPTED), event__occurred_at__gte=month_began),
        rep=rep,
        capacity=Capacity.SOURCED,
        event__occurred_at__gte=month_began,
        event__occurred_at__lte=at,
        event__reversed_by__isnull=True,
    )
    rows = credited.order_by().values_list(
        "event__kind",
        "event__occurred_at",
        "event__data__channel",
        "event__lead__first_touch_at",
        "event__lead__mql_at",
        "event__lead__created_at",
        "event__lead__is_inbound",
    )
    hours = hours_of(rep.team.calendar)
    channels: Counter[str] = Counter()
    speeds: list[float] = []
    booked_today = booked = accepted = 0
    for kind, occurred_at, channel, first_touch_at, mql_at, created_at, is_inbound in rows:
        if kind == EventKind.TOUCHED:
            channels[channel or Channel.CALL] += 1
            if is_inbound and first_touch_at == occurred_at:
                speeds.append(open_minutes(hours, mql_at or created_at, occurred_at))
        elif kind == EventKind.BOOKED:
            booked += 1
            booked_today += occurred_at >= day_began
        else:
            accepted += 1
    return Day(
        speed_minutes=round(median(speeds)) if speeds else None,
        first_answers=len(speeds),
        touches=channels.total(),
        by_channel=tuple(channels.most_common()),
        booked_today=booked_today,
        booked_this_month=booked,
        accepted_this_month=accepted,
    )
