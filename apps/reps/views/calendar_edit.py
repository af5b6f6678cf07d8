"""Changing a calendar: hours, holidays, single days. Each shows what would change before it is kept."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.core.policies import guarded
from apps.reps import public_holidays
from apps.reps.forms.calendars import YEARS_AHEAD, DaysForm, HolidaysForm, HoursForm
from apps.reps.models import BusinessCalendar
from apps.reps.policies import SET_CALENDARS
from apps.reps.rules.calendar_draft import Draft, faults
from apps.reps.selectors import calendars as selectors
from apps.reps.selectors import draft_of
from apps.reps.services import calendars as services
from apps.reps.views.calendars import calendar_or_404, today_in

CHANGE = ["GET", "HEAD", "POST"]
_MOVED = "Somebody else changed this calendar meanwhile. What you typed is below, beside what is kept now."


@require_http_methods(CHANGE)
@guarded(SET_CALENDARS)
def calendar_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, time zone, and the windows and breaks of each weekday."""
    found = calendar_or_404(request, pk)
    draft = draft_of(found)
    if request.method == "POST" and request.POST.get("act") == "like_monday":
        form = HoursForm(HoursForm.like_monday(request.POST), draft=draft)
        form.is_valid()
        return render(request, "reps/calendar_edit.html", _context(request, found, form))
    form = HoursForm(request.POST if request.method == "POST" else None, draft=draft)
    return _changed(request, found, form, "reps/calendar_edit.html", {})


@require_http_methods(CHANGE)
@guarded(SET_CALENDARS)
def calendar_holidays(request: HttpRequest, pk: int) -> HttpResponse:
    """Public holidays by country and part of it, kept or removed one by one, and the company's own."""
    found = calendar_or_404(request, pk)
    asked = request.POST if request.method == "POST" else request.GET
    country = asked.get("country", found.country)
    country = country if country in dict(public_holidays.countries()) else ""
    parts = public_holidays.subdivisions(country)
    part = asked.get("subdivision", found.subdivision)
    part = part if part in dict(parts) else ""
    today = today_in(found.time_zone)
    form = HolidaysForm(
        request.POST if request.method == "POST" else None,
        draft=draft_of(found),
        today=today,
        country=country,
        subdivision=part,
    )
    context = {
        "country": country,
        "subdivision": part,
        "countries": public_holidays.countries(),
        "subdivisions": parts,
        "chosen_anew": (country, part) != (found.country, found.subdivision),
        "last_year": today.year + YEARS_AHEAD,
    }
    return _changed(request, found, form, "reps/calendar_holidays.html", context)


@require_http_methods(CHANGE)
@guarded(SET_CALENDARS)
def calendar_days(request: HttpRequest, pk: int) -> HttpResponse:
    """Single dates with other hours, or with a break of their own."""
    found = calendar_or_404(request, pk)
    form = DaysForm(
        request.POST if request.method == "POST" else None,
        draft=draft_of(found),
        today=today_in(found.time_zone),
    )
    return _changed(request, found, form, "reps/calendar_days.html", {})


def _changed(
    request: HttpRequest, found: BusinessCalendar, form: Any, template: str, more: dict[str, Any]
) -> HttpResponse:
    """Show the form; once it is right what it would change; keep that when it was seen and is sent again."""
    if request.method != "POST":
        return render(request, template, {**_context(request, found, form), **more})
    draft, moved = None, False
    if form.is_valid():
        draft = form.draft()
        wrong = [*form.repeated(), *faults(draft)]
        if wrong:
            form.refuse(wrong)
            draft = None
    if draft is not None and request.POST.get("seen") == _print(draft) and not _has_moved(request, found):
        try:
            services.change_calendar(
                calendar=found,
                draft=draft,
                read_version=found.version,
                at=timezone.now(),
                actor=request.user,
            )
        except services.CalendarInvalid as error:
            form.refuse(error.faults)
            draft = None
        except services.CalendarChangedMeanwhile:
            found.refresh_from_db()
            moved = True
        else:
            messages.success(request, f"{draft.name} is kept. Promises that run keep their due times.")
            return redirect("reps:calendar", found.pk)
    context = {**_context(request, found, form), **more, "moved": moved or _has_moved(request, found)}
    if draft is not None:
        before = draft_of(found)
        context["preview"] = selectors.preview_of(before, draft, today_in(found.time_zone))
        context["seen"] = _print(draft)
    return render(request, template, context, status=200 if draft is not None else 422)


def _context(request: HttpRequest, found: BusinessCalendar, form: Any) -> dict[str, Any]:
    return {"calendar": found, "form": form, "may_change": True, "moved_words": _MOVED}


def _has_moved(request: HttpRequest, found: BusinessCalendar) -> bool:
    """Whether the form was made from another version than the one that is kept now."""
    return request.POST.get("version") not in (None, str(found.version))


def _print(draft: Draft) -> str:
    """Says that the draft sent is the one whose change was shown."""
    return hashlib.sha256(json.dumps(asdict(draft), sort_keys=True).encode()).hexdigest()[:32]
