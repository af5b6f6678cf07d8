"""Read the feeds that people configured: each is asked for about once an hour, and a failure is kept and shown.

The network is asked outside any transaction. What a feed said last stays while it cannot be read.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, Q

from apps.reps import feed_fetch
from apps.reps.feed_fetch import FeedUnreadable, Fetched
from apps.reps.models import BusyCalendar
from apps.reps.rules.ical_busy import read_calendar
from apps.reps.rules.ical_text import NotACalendar
from apps.reps.services import feed_news
from apps.reps.services.busy_calendars import FEED_AHEAD, asked_of, keep

logger = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
READ_WHOLE_EVERY = timedelta(days=1)
"""An unchanged feed is still read whole once a day: its recurring events reach further each day."""
MOST_AT_ONCE = 25

Fetch = Callable[..., Fetched | None]


def due(at: datetime) -> list[int]:
    """The feeds (by id) that are to be asked for again, longest waiting first, a round of them."""
    feeds = BusyCalendar.objects.filter(kind=BusyCalendar.Kind.FEED, rep__left_on__isnull=True)
    waiting = feeds.filter(Q(tried_at__isnull=True) | Q(tried_at__lte=at - EVERY))
    return list(
        waiting.order_by(F("tried_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[
            :MOST_AT_ONCE
        ]
    )


def claim(*, pk: int, at: datetime) -> BusyCalendar | None:
    """The feed for whoever is first to ask for it this round; ``None`` for the others."""
    waiting = BusyCalendar.objects.filter(pk=pk, kind=BusyCalendar.Kind.FEED).filter(
        Q(tried_at__isnull=True) | Q(tried_at__lte=at - EVERY)
    )
    if not waiting.update(tried_at=at):
        return None
    return BusyCalendar.objects.select_related("rep__user").get(pk=pk)


def read_feed(*, calendar: BusyCalendar, at: datetime, fetch: Fetch | None = None) -> bool:
    """Fetch and keep a feed; whether it could be read. A failure is kept with the rows as they were."""
    since = calendar.failing_since
    whole = calendar.read_at is None or calendar.read_at <= at - READ_WHOLE_EVERY
    asked = asked_of(rep=calendar.rep, at=at, ahead=FEED_AHEAD)
    try:
        found = (fetch or feed_fetch.fetch)(
            calendar.address,
            etag="" if whole else calendar.etag,
            last_modified="" if whole else calendar.last_modified,
        )
        if found is None:
            _unchanged(calendar, at)
            _tell_over(calendar, since, at)
            return True
        read = read_calendar(found.content, asked)
    except (FeedUnreadable, NotACalendar) as error:
        failed(calendar=calendar, why=str(error), at=at)
        return False
    keep(calendar=calendar, read=read, at=at)
    BusyCalendar.objects.filter(pk=calendar.pk).update(
        etag=found.etag[:200], last_modified=found.last_modified[:80]
    )
    _tell_over(calendar, since, at)
    return True


def failed(*, calendar: BusyCalendar, why: str, at: datetime) -> None:
    """Keep that the feed could not be read, and since when; whose it is hears of it where that lasts."""
    since = calendar.failing_since or at
    BusyCalendar.objects.filter(pk=calendar.pk).update(
        tried_at=at, failing_since=since, failure=why[:200] or "It could not be read."
    )
    calendar.failing_since, calendar.failure = since, why[:200]
    feed_news.tell_failing(calendar=calendar, at=at)
    # The address is a secret: only the row is named.
    logger.info("feed %s could not be read", calendar.pk)


def _tell_over(calendar: BusyCalendar, since: datetime | None, at: datetime) -> None:
    if since is not None:
        feed_news.tell_read_again(calendar=calendar, since=since, at=at)


def _unchanged(calendar: BusyCalendar, at: datetime) -> None:
    BusyCalendar.objects.filter(pk=calendar.pk).update(tried_at=at, failing_since=None, failure="")
    calendar.failing_since, calendar.failure = None, ""
