"""Forms of a business calendar: each changes one part of a draft and keeps the rest as it was."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django import forms

from apps.reps import public_holidays
from apps.reps.rules.calendar_draft import LIBRARY, NAMES, OWN, Draft, Fault, holiday_rows
from apps.reps.rules.hours import WEEKDAYS
from apps.reps.rules.window_text import NotAWindow, read_windows, write_windows

_REGIONS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)
_BLANK_ROWS = 3
YEARS_AHEAD = 2


def _zones() -> list[tuple[str, str]]:
    named = sorted(zone for zone in available_timezones() if zone.startswith(_REGIONS))
    return [(zone, zone.replace("_", " ")) for zone in ["UTC", *named]]


class WindowsField(forms.CharField):
    """Windows of a day as people write them, cleaned to ``[["09:00", "12:30"], …]``."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        super().__init__(required=False, max_length=200, widget=widget, **options)

    def clean(self, value: Any) -> list[list[str]]:
        try:
            return [list(window) for window in read_windows(super().clean(value) or "")]
        except NotAWindow as error:
            raise forms.ValidationError(str(error), code="not_a_window") from error


class NewCalendarForm(forms.Form):
    """A name, and a calendar to begin from."""

    name = forms.CharField(
        max_length=80, label="Name", error_messages={"required": "Give the calendar a name."}
    )
    like: Any = forms.ModelChoiceField(
        queryset=None, required=False, label="Begin with all that is in", empty_label="Office hours, 9 to 5"
    )

    def __init__(self, *args: Any, calendars: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["like"].queryset = calendars  # type: ignore[attr-defined]


class HoursForm(forms.Form):
    """Name, zone, and each weekday's windows and breaks."""

    name = forms.CharField(
        max_length=80, label="Name", error_messages={"required": "Give the calendar a name."}
    )
    time_zone = forms.ChoiceField(
        choices=_zones,
        label="Time zone",
        error_messages={"invalid_choice": "Choose a time zone from the list."},
    )

    def __init__(self, data: Any = None, *, draft: Draft) -> None:
        initial: dict[str, Any] = {"name": draft.name, "time_zone": draft.time_zone}
        for day in WEEKDAYS:
            initial[f"{day}_open"] = write_windows(map(tuple, draft.weekly.get(day, [])))
            initial[f"{day}_breaks"] = write_windows(map(tuple, draft.breaks.get(day, [])))
        super().__init__(data, initial=initial)
        self.base = draft
        for day in WEEKDAYS:
            self.fields[f"{day}_open"] = WindowsField(label=f"{NAMES[day]}, open")
            self.fields[f"{day}_breaks"] = WindowsField(label=f"{NAMES[day]}, breaks")

    @property
    def days(self) -> Iterator[tuple[str, Any, Any]]:
        """(weekday, field of its windows, field of its breaks)."""
        for day in WEEKDAYS:
            yield NAMES[day], self[f"{day}_open"], self[f"{day}_breaks"]

    @staticmethod
    def like_monday(data: Any) -> Any:
        """What was typed, with Monday's windows and breaks on Tuesday to Friday too."""
        copied = data.copy()
        for part in ("open", "breaks"):
            for day in WEEKDAYS[1:5]:
                copied[f"{day}_{part}"] = data.get(f"mon_{part}", "")
        return copied

    def repeated(self) -> list[Fault]:
        """A week has each weekday once."""
        return []

    def draft(self) -> Draft:
        read = self.cleaned_data
        weekly = {day: read[f"{day}_open"] for day in WEEKDAYS if read[f"{day}_open"]}
        dated = {key: value for key, value in self.base.breaks.items() if key not in WEEKDAYS}
        breaks = {day: read[f"{day}_breaks"] for day in WEEKDAYS if read[f"{day}_breaks"]}
        return replace(
            self.base,
            name=read["name"].strip(),
            time_zone=read["time_zone"],
            weekly=weekly,
            breaks=breaks | dated,
        )

    def refuse(self, found: Iterable[Fault]) -> None:
        """Put what the rules refuse at the field that it names."""
        for fault in found:
            suffix = {"weekly": "_open", "breaks": "_breaks"}.get(fault.part, "")
            name = f"{fault.key}{suffix}" if suffix else fault.part
            self.add_error(name if name in self.fields else None, fault.words)


class RowsForm:
    """What two forms with rows have in common: rows of dates beside each other, some blank ones behind."""

    row_form: type[forms.Form]
    rows_prefix = "row"

    def __init__(self, data: Any = None, *, draft: Draft, today: date) -> None:
        self.base, self.today, self.data = draft, today, data
        self.whole: list[str] = []
        factory: Any = forms.formset_factory(self.row_form, extra=_BLANK_ROWS, max_num=200, absolute_max=250)
        self.rows = factory(data, initial=self.initial_rows(), prefix=self.rows_prefix)

    def initial_rows(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def is_valid(self) -> bool:
        return bool(self.rows.is_valid())

    @property
    def wrong(self) -> int:
        """How many rows need a change."""
        return sum(1 for row in self.rows if row.errors)

    @property
    def read(self) -> list[dict[str, Any]]:
        """The rows that say something, cleaned."""
        return [row.cleaned_data for row in self.rows if row.cleaned_data.get("on")]

    def refuse(self, found: Iterable[Fault]) -> None:
        """Put what the rules refuse at the row of its date."""
        for fault in found:
            for row in reversed(self.rows.forms):
                on = row.cleaned_data.get("on") if hasattr(row, "cleaned_data") else None
                if on is not None and on.isoformat() == fault.key:
                    row.add_error(self.field_of(fault), fault.words)
                    break
            else:
                self.whole.append(fault.words)

    def field_of(self, fault: Fault) -> str:
        return "on"

    def repeated(self) -> list[Fault]:
        """Dates that stand in two of the rows."""
        days = [row["on"].isoformat() for row in self.read]
        return [
            Fault("rows", day, "This date stands here twice.")
            for day in sorted({day for day in days if days.count(day) > 1})
        ]


def _date_field(label: str) -> forms.DateField:
    return forms.DateField(
        required=False,
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write a date such as 2026-12-24."},
    )


class HolidayRow(forms.Form):
    """One of the company's own holidays."""

    on = _date_field("Date")
    name = forms.CharField(required=False, max_length=80, label="Name")

    def clean(self) -> dict[str, Any]:
        read = super().clean() or {}
        if read.get("name") and not read.get("on") and "on" not in self.errors:
            self.add_error("on", "Say the date.")
        return read


class HolidaysForm(RowsForm):
    """Which public holidays count, and the company's own ones.

    ``country`` and ``subdivision`` say whose are proposed; years before this one stay as they were.
    """

    row_form = HolidayRow
    rows_prefix = "own"

    def __init__(
        self, data: Any = None, *, draft: Draft, today: date, country: str, subdivision: str
    ) -> None:
        self.country, self.subdivision = country, subdivision
        rows = holiday_rows(draft.holidays)
        self.past = [row for row in rows if int(row["on"][:4]) < today.year]
        self.current = [row for row in rows if int(row["on"][:4]) >= today.year]
        self.proposed = public_holidays.proposed(country, subdivision, today.year, today.year + YEARS_AHEAD)
        super().__init__(data, draft=draft, today=today)
        removed = {row["on"] for row in self.current if row["source"] == LIBRARY and not row["kept"]}
        asked = None if data is None else set(data.getlist("keep"))
        self.kept = {
            one.on: (one.on.isoformat() in asked if asked is not None else one.on.isoformat() not in removed)
            for one in self.proposed
        }

    def initial_rows(self) -> list[dict[str, Any]]:
        return [
            {"on": date.fromisoformat(row["on"]), "name": row["name"]}
            for row in self.current
            if row["source"] == OWN and row["kept"]
        ]

    @property
    def years(self) -> list[tuple[int, list[tuple[Any, bool]]]]:
        """The proposals by year, each with whether it counts."""
        years = sorted({one.on.year for one in self.proposed})
        return [
            (year, [(one, self.kept[one.on]) for one in self.proposed if one.on.year == year])
            for year in years
        ]

    def draft(self) -> Draft:
        rows: list[Any] = [
            {"on": one.on.isoformat(), "name": one.name, "source": LIBRARY, "kept": self.kept[one.on]}
            for one in self.proposed
        ]
        own = [
            {"on": row["on"].isoformat(), "name": row["name"].strip(), "source": OWN, "kept": True}
            for row in self.read
        ]
        named = {row["on"] for row in own}
        # An own holiday takes the place of a public one that does not count.
        rows = [row for row in rows if row["kept"] or row["on"] not in named]
        past = [row for row in self.past if row["on"] not in named]
        return replace(
            self.base,
            country=self.country,
            subdivision=self.subdivision,
            holidays=sorted([*past, *rows, *own], key=lambda row: row["on"]),
        )


class DayRow(forms.Form):
    """A date that differs from its weekday."""

    on = _date_field("Date")
    open = WindowsField(label="Open")
    breaks = WindowsField(label="Break")
    note = forms.CharField(required=False, max_length=80, label="Why")

    def clean(self) -> dict[str, Any]:
        read = super().clean() or {}
        says = read.get("open") or read.get("breaks") or read.get("note")
        if says and not read.get("on") and "on" not in self.errors:
            self.add_error("on", "Say the date.")
        return read


class DaysForm(RowsForm):
    """Dates with other hours, or with a break of their own. Those before this month stay as they were."""

    row_form = DayRow

    def _is_shown(self, key: str) -> bool:
        return key not in WEEKDAYS and key >= self.today.replace(day=1).isoformat()

    def initial_rows(self) -> list[dict[str, Any]]:
        keys = sorted({key for key in [*self.base.overrides, *self.base.breaks] if self._is_shown(key)})
        return [
            {
                "on": date.fromisoformat(key),
                "open": write_windows(map(tuple, self.base.overrides.get(key, []))),
                "breaks": write_windows(map(tuple, self.base.breaks.get(key, []))),
                "note": self.base.notes.get(key, ""),
            }
            for key in keys
        ]

    def draft(self) -> Draft:
        overrides = {key: value for key, value in self.base.overrides.items() if not self._is_shown(key)}
        breaks = {key: value for key, value in self.base.breaks.items() if not self._is_shown(key)}
        notes = {key: value for key, value in self.base.notes.items() if not self._is_shown(key)}
        for row in self.read:
            key = row["on"].isoformat()
            # A break alone leaves the weekday's hours; without either the day is closed.
            if row["open"] or not row["breaks"]:
                overrides[key] = row["open"]
            if row["breaks"]:
                breaks[key] = row["breaks"]
            if row["note"].strip():
                notes[key] = row["note"].strip()
        return replace(self.base, overrides=overrides, breaks=breaks, notes=notes)

    def field_of(self, fault: Fault) -> str:
        return {"overrides": "open", "breaks": "breaks", "notes": "note"}.get(fault.part, "on")
