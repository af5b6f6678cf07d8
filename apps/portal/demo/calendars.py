"""The demo company's business calendars: the office with its lunch, the inbound desk, one rep's own hours."""

from datetime import date, timedelta

from apps.portal.demo.life import INBOUND_DESK, OFFICE, Span
from apps.reps import public_holidays
from apps.reps.models import BusinessCalendar
from apps.reps.rules.calendar_draft import LIBRARY, OWN

OFFICE_NAME, DESK_NAME, MORNINGS_NAME = "Berlin office", "Inbound desk", "Mornings, Account management"
# Who works part of the week: an own calendar, which the others of the team do not have.
OWN_HOURS = {"Astrid Bakke": MORNINGS_NAME}
_COUNTRY, _PART = "DE", "BE"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
# The desk is staffed through lunch; the office is not.
_LUNCH = {day: [["12:30", "13:00"]] for day in _WEEKDAYS}
_MORNINGS = {day: [["09:00", "13:00"]] for day in _WEEKDAYS[:4]}


def build(span: Span) -> dict[str, BusinessCalendar]:
    """The three calendars by name, with public holidays as rows and a half day ahead."""
    rows = _holidays(span)
    half_day = _weekday_after(span.today + timedelta(days=16))
    shared = {
        "time_zone": span.zone,
        "holidays": rows,
        "country": _COUNTRY,
        "subdivision": _PART,
        "overrides": {half_day.isoformat(): [["09:00", "12:00"]]},
        "notes": {half_day.isoformat(): "Team day: half a day"},
    }
    return {
        name: BusinessCalendar.objects.create(
            name=name, weekly=weekly, breaks=breaks, is_default=name == OFFICE_NAME, **shared
        )
        for name, weekly, breaks in (
            (OFFICE_NAME, OFFICE, _LUNCH),
            (DESK_NAME, INBOUND_DESK, {}),
            (MORNINGS_NAME, _MORNINGS, {}),
        )
    }


def _holidays(span: Span) -> list[dict[str, object]]:
    """Public ones of Berlin, and the days between the years on which the office is closed."""
    first, last = span.start.year, span.today.year + 2
    rows: list[dict[str, object]] = [
        {"on": one.on.isoformat(), "name": one.name, "source": LIBRARY, "kept": True}
        for one in public_holidays.proposed(_COUNTRY, _PART, first, last)
        if one.on >= span.start
    ]
    for year in range(first, last + 1):
        for day, name in ((date(year, 12, 24), "Christmas Eve"), (date(year, 12, 31), "New Year’s Eve")):
            rows.append({"on": day.isoformat(), "name": name, "source": OWN, "kept": True})
    return sorted(rows, key=lambda row: str(row["on"]))


def _weekday_after(day: date) -> date:
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day
