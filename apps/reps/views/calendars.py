"""Business calendars: the list, a month of one, a new one, and who works by which."""

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import periods
from apps.core.errors import DomainError
from apps.core.periods import Period, month_of
from apps.core.policies import guarded, visible_or_404
from apps.reps.forms.calendars import NewCalendarForm
from apps.reps.models import BusinessCalendar, Rep, Team
from apps.reps.policies import SEE_CALENDARS, SET_CALENDARS
from apps.reps.rules.calendar_draft import NAMES
from apps.reps.rules.window_text import week_words
from apps.reps.selectors import calendars as selectors
from apps.reps.services import calendars as services

_YEARS = 20
"""How far from today a month can be looked at."""


def calendar_or_404(request: HttpRequest, pk: int) -> BusinessCalendar:
    return visible_or_404(BusinessCalendar.objects.visible_to(request.user), pk=pk)


def today_in(zone: str) -> date:
    return periods.day_of(timezone.now(), zone)


@require_safe
@guarded(SEE_CALENDARS)
def calendars(request: HttpRequest) -> HttpResponse:
    """Those within the user's scope, with who works by which."""
    context = {
        "rows": selectors.overview(request.user, today_in(settings.COMPANY_TIME_ZONE)),
        "may_change": SET_CALENDARS.admits(request.user),
    }
    return render(request, "reps/calendars.html", context)


@require_safe
@guarded(SEE_CALENDARS)
def calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """A month (``?month=2026-12``), a day of it opened (``?day=2026-12-24``), and who works by it."""
    found = calendar_or_404(request, pk)
    today = today_in(found.time_zone)
    month, chosen = _asked(request, today)
    may_change = SET_CALENDARS.admits(request.user)
    view = selectors.month_view(found, month, chosen)
    context = {
        "calendar": found,
        "today": today,
        "weekdays": [(name, name[:3]) for name in NAMES.values()],
        "month": view,
        "opened": selectors.day_detail(found, view.chosen),
        "previous": month.previous() if month.start.year > today.year - _YEARS else None,
        "following": month.following() if month.start.year < today.year + _YEARS else None,
        "this_month": month_of(today),
        "week": week_words(found.weekly),
        "breaks": selectors.breaks_words(found),
        "users": selectors.users_of(found, request.user, today),
        "known_until": selectors.known_until(found),
        "place": selectors.place_words(found),
        "may_change": may_change,
    }
    if may_change:
        context["teams"], context["reps"] = selectors.others_for(found, today)
    return render(request, "reps/calendar.html", context)


def _asked(request: HttpRequest, today: date) -> tuple[Period, date | None]:
    """The month and the day in the address; what is no date is left aside."""
    chosen = _day(request.GET.get("day", ""))
    first = _day(f"{request.GET.get('month', '')}-01") or chosen or today
    if abs(first.year - today.year) > _YEARS:
        first = today
    return month_of(first), chosen


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 and text.isascii() else None
    except ValueError:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(SET_CALENDARS)
def calendar_new(request: HttpRequest) -> HttpResponse:
    """A calendar with office hours, or like another one; its hours are changed next."""
    form = NewCalendarForm(request.POST or None, calendars=BusinessCalendar.objects.all())
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_calendar(
                name=form.cleaned_data["name"],
                like=form.cleaned_data["like"],
                at=timezone.now(),
                actor=request.user,
            )
        except services.CalendarInvalid as error:
            form.add_error("name", error.message)
        else:
            messages.success(request, f"{made.name} is there. Now say its hours.")
            return redirect("reps:calendar_edit", made.pk)
    status = 422 if form.errors else 200
    return render(request, "reps/calendar_new.html", {"form": form}, status=status)


@require_POST
@guarded(SET_CALENDARS)
def calendar_give(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the calendar to a team or a rep (``to=team:3``), or a rep the team's again (``back=7``)."""
    found = calendar_or_404(request, pk)
    at, actor = timezone.now(), request.user
    kind, _, number = request.POST.get("to", "").partition(":")
    if back := request.POST.get("back", ""):
        rep = _one(Rep.objects.visible_to(actor).select_related("team"), back)
        services.give_to_rep(calendar=None, rep=rep, at=at, actor=actor)
        messages.success(request, f"{rep.name} works by the hours of {rep.team.name} again.")
    elif kind == "team":
        team = _one(Team.objects.visible_to(actor), number)
        services.give_to_team(calendar=found, team=team, at=at, actor=actor)
        messages.success(request, f"{team.name} works by {found.name} from now on.")
    elif kind == "rep":
        rep = _one(Rep.objects.visible_to(actor), number)
        services.give_to_rep(calendar=found, rep=rep, at=at, actor=actor)
        messages.success(request, f"{rep.name} works by {found.name} from now on.")
    else:
        messages.error(request, "Choose a team or a rep first.")
    return redirect("reps:calendar", found.pk)


def _one(queryset: Any, number: str) -> Any:
    return visible_or_404(queryset, pk=int(number[:18]) if number.isascii() and number.isdigit() else -1)


@require_POST
@guarded(SET_CALENDARS)
def calendar_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Make it the company's."""
    found = calendar_or_404(request, pk)
    services.make_default(calendar=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} is the company’s calendar.")
    return redirect("reps:calendar", found.pk)


@require_POST
@guarded(SET_CALENDARS)
def calendar_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one that nobody works by."""
    found = calendar_or_404(request, pk)
    try:
        services.remove_calendar(calendar=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("reps:calendar", pk)
    messages.success(request, f"{found.name} is removed.")
    return redirect("reps:calendars")
