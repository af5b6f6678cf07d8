"""What an address asks for: a period, a day, an instant; refused in words where it is none."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core.errors import InvalidInput
from apps.core.keyset import Page
from apps.core.periods import NotAPeriod, Period, day_of, day_start, month_of, parse_period
from apps.reps.models import Rep


def today() -> date:
    """The day in the company's zone."""
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


def month(text: str) -> Period:
    """A month such as 2026-10; anything else does not exist (404)."""
    try:
        found = parse_period(text)
    except NotAPeriod as error:
        raise Http404 from error
    if found != month_of(found.start):
        raise Http404
    return found


def card_month(text: str, rep: Rep) -> Period:
    """A month of which ``rep`` has a card: from when they came up to the running one. Anything else is a 404."""
    found = month(text)
    if found.start > today() or found.end <= rep.hired_on or (rep.left_on and rep.left_on <= found.start):
        raise Http404
    return found


def period(text: str) -> Period:
    """Any period; anything else does not exist (404)."""
    try:
        return parse_period(text)
    except NotAPeriod as error:
        raise Http404 from error


def chosen_month(request: HttpRequest) -> Period:
    """``?month=``, or the last whole month."""
    text = request.GET.get("month", "")
    return month(text) if text else month_of(today()).previous()


def day(text: str) -> tuple[date | None, str]:
    """A day, or the words in which it is refused; neither for no text."""
    text = text.strip()
    if not text:
        return None, ""
    try:
        return date.fromisoformat(text), ""
    except ValueError:
        return None, f"{text!r} is not a day such as 2026-11-12, so the newest ranking is shown."


def past_day(text: str) -> tuple[date | None, str]:
    """As ``day``, and refused where it is still to come."""
    found, wrong = day(text)
    if found is not None and found > today():
        return None, f"{found} is still to come, so the newest ranking is shown."
    return found, wrong


def as_of(request: HttpRequest) -> datetime | None:
    """``?as_of=`` a day (all of it) or an instant; ``None`` without it.

    Raises ``InvalidInput`` for text that is neither.
    """
    text = request.GET.get("as_of", "").strip()
    if not text:
        return None
    last, _ = day(text)
    if last is not None:
        return day_start(last + timedelta(days=1), settings.COMPANY_TIME_ZONE)
    try:
        instant = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        instant = None
    if instant is None:
        raise InvalidInput(f"{text!r} is not a day such as 2026-11-12.", field="as_of")
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def instant(text: str) -> datetime:
    """An instant that was written down as text by ourselves."""
    return datetime.fromisoformat(text)


def month_switch(shown: Period, *, first: date | None = None) -> dict[str, Any]:
    """The months before and after the shown one, as far as they exist."""
    running = month_of(today())
    before, after = shown.previous(), shown.following()
    return {
        "month": shown,
        "is_running": shown == running,
        "before": before if first is None or before.end > first else None,
        "after": after if after.start <= running.start else None,
        "last_whole": running.previous(),
        "running": running,
    }


def shown(page: Page, what: str) -> str:
    """``50 events`` beside the buttons of a list's pages."""
    return f"{page.shown} {what}{'' if page.shown == 1 else 's'}"
