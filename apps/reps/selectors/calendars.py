"""What the pages of calendars show: who works by which, a month day by day, what a change would do."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from apps.core.periods import Period, month_of
from apps.reps import public_holidays
from apps.reps.models import BusinessCalendar, Rep, Team
from apps.reps.rules.business_time import open_seconds
from apps.reps.rules.calendar_draft import Draft, holiday_rows, kept_names
from apps.reps.rules.calendar_month import (
    HOLIDAY,
    OVERRIDE,
    Day,
    Difference,
    days_of,
    differences,
    hours_words,
)
from apps.reps.rules.hours import WEEKDAYS
from apps.reps.rules.window_text import week_words, write_windows
from apps.reps.selectors import calendar_of, draft_of, hours_of, rep_of

_SOON = 90
"""Days before the last known holiday from which a calendar asks for the next year's."""
_AHEAD_DAYS = 366
_AHEAD_MONTHS = 12
_MOST_DIFFERENCES = 12


# --- The list ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A calendar in the list, with those of its teams and reps whom the reader may see."""

    calendar: BusinessCalendar
    week: str
    teams: list[Team]
    reps: list[Rep]
    is_mine: bool
    month_words: str
    known_until: date | None
    asks_for_holidays: bool


def overview(user: Any, today: date) -> list[Row]:
    """Calendars within the user's scope. A bounded number of statements however many there are."""
    calendars = list(BusinessCalendar.objects.visible_to(user))
    teams = list(Team.objects.visible_to(user).filter(is_open=True))
    reps = list(_with_own(user, today))
    mine = applying_to(user)
    month = month_of(today)
    rows = []
    for one in calendars:
        until = known_until(one)
        rows.append(
            Row(
                calendar=one,
                week=week_words(one.weekly),
                teams=[team for team in teams if team.calendar_id == one.pk],
                reps=[rep for rep in reps if rep.calendar_id == one.pk],
                is_mine=mine is not None and mine.pk == one.pk,
                month_words=hours_words(_open_in(draft_of(one), month)),
                known_until=until,
                asks_for_holidays=_asks(until, today),
            )
        )
    return rows


def _with_own(user: Any, today: date) -> Any:
    return Rep.objects.visible_to(user).active_on(today).filter(calendar__isnull=False).select_related("team")


def applying_to(user: Any) -> BusinessCalendar | None:
    """The calendar that holds for this user: as a rep, else that of a managed team, else the company's."""
    rep = rep_of(user)
    if rep is not None:
        return calendar_of(rep)
    managed = Team.objects.filter(manager=user).select_related("calendar").first()
    return managed.calendar if managed else calendar_of(None)


def known_until(calendar: BusinessCalendar) -> date | None:
    """The last day of the year up to which the calendar has public holidays, if it has any."""
    years = [int(row["on"][:4]) for row in holiday_rows(calendar.holidays)]
    return date(max(years), 12, 31) if years else None


def _asks(until: date | None, today: date) -> bool:
    return until is None or until < today + timedelta(days=_SOON)


# --- One calendar -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Month:
    """A month of one calendar: weeks of seven, ``None`` where a day belongs to another month."""

    period: Period
    weeks: list[list[Day | None]]
    total: str
    open_days: int
    holidays: list[Day]
    others: list[Day]
    shifts: list[Day]
    chosen: Day | None

    @property
    def sentence(self) -> str:
        days = f"{self.open_days} day{'s' if self.open_days != 1 else ''}"
        return f"{self.total} open on {days}"


def month_view(calendar: BusinessCalendar, month: Period, chosen: date | None) -> Month:
    """``chosen`` is opened for detail when it lies within the month."""
    hours = hours_of(calendar)
    days = days_of(hours, month.start, month.days, kept_names(calendar.holidays), calendar.notes)
    blank: list[Day | None] = [None] * month.start.weekday()
    cells = [*blank, *days]
    cells += [None] * (-len(cells) % 7)
    return Month(
        period=month,
        weeks=[cells[start : start + 7] for start in range(0, len(cells), 7)],
        total=hours_words(sum(day.seconds for day in days)),
        open_days=sum(day.is_open for day in days),
        holidays=[day for day in days if day.kind == HOLIDAY],
        others=[day for day in days if day.kind == OVERRIDE],
        shifts=[day for day in days if day.shift or not day.exists],
        chosen=next((day for day in days if day.day == chosen), None),
    )


@dataclass(frozen=True)
class Opened:
    """A day in words: why it is open as it is."""

    day: Day
    words: str
    total: str
    breaks: str

    @property
    def shift_words(self) -> str:
        """``1 h longer``."""
        minutes = abs(self.day.shift)
        length = hours_words(minutes * 60) if minutes >= 60 else f"{minutes} minutes"
        return f"{length} {'longer' if self.day.shift > 0 else 'shorter'} than others"


def day_detail(calendar: BusinessCalendar, day: Day | None) -> Opened | None:
    if day is None:
        return None
    hours = hours_of(calendar)
    if not day.exists:
        words = f"The clocks of {calendar.time_zone} skipped this date."
    elif day.kind == OVERRIDE:
        words = "Other hours than its weekday, for this date alone."
    elif day.kind == HOLIDAY:
        words = "A holiday: the hours of its weekday do not hold."
    else:
        words = f"The usual hours of a {day.day:%A}." if day.is_open else f"No hours on a {day.day:%A}."
    return Opened(day, words, hours_words(day.seconds), write_windows(hours.breaks_on(day.day)))


def breaks_words(calendar: BusinessCalendar) -> str:
    """The breaks of every week in words; "" where there are none."""
    weekly = {key: windows for key, windows in calendar.breaks.items() if key in WEEKDAYS}
    return week_words(weekly) if weekly else ""


def place_words(calendar: BusinessCalendar) -> str:
    """Whose public holidays are proposed: ``Germany, Berlin (BE)``; "" for nobody's."""
    country = dict(public_holidays.countries()).get(calendar.country, "")
    part = dict(public_holidays.subdivisions(calendar.country)).get(calendar.subdivision, "")
    return ", ".join(filter(None, [country, part]))


@dataclass(frozen=True)
class Users:
    """Who works by a calendar, of those whom the reader may see."""

    teams: list[Team]
    reps: list[Rep]


def users_of(calendar: BusinessCalendar, user: Any, today: date) -> Users:
    teams = Team.objects.visible_to(user).filter(is_open=True, calendar=calendar)
    return Users(list(teams), list(_with_own(user, today).filter(calendar=calendar)))


def others_for(calendar: BusinessCalendar, today: date) -> tuple[list[Team], list[Rep]]:
    """The teams and reps who may be given this calendar."""
    teams = Team.objects.filter(is_open=True).exclude(calendar=calendar)
    reps = Rep.objects.active_on(today).exclude(calendar=calendar).select_related("team")
    return list(teams), list(reps)


# --- What a change does -----------------------------------------------------------------------------


@dataclass(frozen=True)
class MonthChange:
    """Open time of a month under what is kept and under the draft, in words."""

    name: str
    before: str
    after: str
    change: str


@dataclass(frozen=True)
class DayChange:
    """A date on which the two differ."""

    day: date
    before: str
    after: str


@dataclass(frozen=True)
class Preview:
    """What a draft would change, from today on."""

    says_same: bool
    opens_same: bool
    months: list[MonthChange]
    days: list[DayChange]
    more_days: int
    total: MonthChange


def preview_of(before: Draft, after: Draft, today: date) -> Preview:
    """Twelve months from today's on, and the first dates of the coming year that differ."""
    month = month_of(today)
    months: list[MonthChange] = []
    sums = [0, 0]
    for _ in range(_AHEAD_MONTHS):
        old, new = _open_in(before, month), _open_in(after, month)
        sums = [sums[0] + old, sums[1] + new]
        months.append(_change(month.name, old, new))
        month = month.following()
    found: list[Difference] = differences(before.hours, after.hours, today, _AHEAD_DAYS)
    return Preview(
        says_same=before == after,
        opens_same=not found and sums[0] == sums[1],
        months=months,
        days=[
            DayChange(one.day, hours_words(one.before), hours_words(one.after))
            for one in found[:_MOST_DIFFERENCES]
        ],
        more_days=max(0, len(found) - _MOST_DIFFERENCES),
        total=_change("Twelve months", *sums),
    )


def _open_in(draft: Draft, month: Period) -> int:
    return open_seconds(draft.hours, *month.bounds(draft.time_zone))


def _change(name: str, before: int, after: int) -> MonthChange:
    sign = "+" if after > before else "−"
    change = f"{sign}{hours_words(after - before)}" if after != before else ""
    return MonthChange(name, hours_words(before), hours_words(after), change)
