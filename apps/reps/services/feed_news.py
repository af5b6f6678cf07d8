"""Tell people that a feed of theirs cannot be read, once for each time it begins to fail, and that it can again.

Until then its last busy times keep closing their time, so somebody may be booked over what they entered since. A
single failure is the web's and passes: told is who waits three hours, or whose new feed was never read at all.
"""

from datetime import datetime, timedelta

from apps.accounts.models import Notification
from apps.accounts.services.notifications import NewNotification, notify
from apps.reps.models import BusyCalendar
from apps.reps.notification_kinds import FEED_FAILING

PATIENCE = timedelta(hours=3)


def tell_failing(*, calendar: BusyCalendar, at: datetime) -> None:
    """Tell whose it is, where it has failed long enough; the same failing is told once however often asked."""
    since = calendar.failing_since
    if calendar.rep.user_id is None or since is None:
        return
    if calendar.read_at is not None and at - since < PATIENCE:
        return
    kept = "Its last busy times still count." if calendar.read_at else "None of its busy times count yet."
    one = NewNotification(
        user_id=calendar.rep.user_id,
        kind=FEED_FAILING,
        key=_key(calendar, since),
        title=f"Your calendar {calendar.name} cannot be read",
        body=f"{calendar.failure} {kept} Look whether its address still holds.",
        url=_page(calendar),
    )
    notify(notifications=[one], at=at)


def tell_read_again(*, calendar: BusyCalendar, since: datetime, at: datetime) -> None:
    """Tell whose it is that it is read again, where they were told that it was failing ``since`` then."""
    told = Notification.objects.filter(user=calendar.rep.user_id, key=_key(calendar, since))
    if calendar.rep.user_id is None or not told.exists():
        return
    one = NewNotification(
        user_id=calendar.rep.user_id,
        kind=FEED_FAILING,
        key=f"{_key(calendar, since)}:over",
        title=f"Your calendar {calendar.name} is read again",
        url=_page(calendar),
    )
    notify(notifications=[one], at=at)


def _key(calendar: BusyCalendar, since: datetime) -> str:
    return f"feed:{calendar.pk}:{since.isoformat()}"


def _page(calendar: BusyCalendar) -> str:
    return f"/time/{calendar.rep_id}/"
