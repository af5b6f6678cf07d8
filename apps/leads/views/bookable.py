"""A rep's own bookable time: the week with its reasons, calendars, time off, busy times by hand, caps."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.zones import zone_of
from apps.core.errors import DomainError
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.jobs import services as jobs
from apps.leads.selectors import bookable as selectors
from apps.reps.forms.own_time import BusyForm, CapsForm, FeedForm, FileForm, TimeOffForm
from apps.reps.models import BusyCalendar, Rep, TimeOff
from apps.reps.policies import SEE_BOOKABLE, SEE_BOOKABLE_TEAM, SET_CAPS
from apps.reps.rules.availability import monday_of
from apps.reps.selectors import own_time
from apps.reps.services import busy_calendars, time_off
from apps.reps.tasks import READ_FEED

_WEEKS = 60
"""How far from this week another can be looked at."""


def _rep(request: HttpRequest, pk: int) -> Rep:
    return visible_or_404(own_time.takers(request.user).select_related("team", "user"), pk=pk)


@require_safe
@guarded(SEE_BOOKABLE)
def bookable_own(request: HttpRequest) -> HttpResponse:
    """One's own time; whoever takes no meetings sees the teams'."""
    own = own_time.takers(request.user).filter(user=request.user).first()
    if own is not None:
        return redirect("leads:bookable", own.pk)
    if SEE_BOOKABLE_TEAM.admits(request.user):
        return redirect("leads:bookable_team")
    raise Http404


@require_safe
@guarded(SEE_BOOKABLE_TEAM)
def bookable_team(request: HttpRequest) -> HttpResponse:
    """Everybody within the scope who takes meetings (``?week=2026-11-16``)."""
    monday, this = _weeks(request)
    members = selectors.team_week(
        user=request.user, monday=monday, zone=str(zone_of(request.user)), at=timezone.now()
    )
    context = {"members": members, "monday": monday, "this_monday": this, **_around(monday, this)}
    return render(request, "leads/bookable_team.html", context)


@require_safe
@guarded(SEE_BOOKABLE)
def bookable(request: HttpRequest, pk: int) -> HttpResponse:
    """A week of one rep (``?week=2026-11-16``, any day of it)."""
    return _page(request, _rep(request, pk))


def _page(request: HttpRequest, rep: Rep, bound: Form | None = None) -> HttpResponse:
    """The page; ``bound`` is a form that was refused, shown again with what was typed."""
    at = timezone.now()
    monday, this = _weeks(request)
    is_own = rep.user_id == request.user.pk
    may_set_caps = SET_CAPS.admits(request.user) and not is_own
    forms: dict[str, Form] = {
        "file": FileForm(),
        "feed": FeedForm(),
        "off": TimeOffForm(),
        "busy": BusyForm(),
    }
    if may_set_caps:
        forms["caps"] = CapsForm(initial={name: getattr(rep, name) for name in CapsForm.base_fields})
    if bound is not None:
        forms[str(bound.prefix)] = bound
    today = day_of(at, rep.time_zone)
    show = partial(selectors.week_of, rep=rep, zone=zone_of(request.user), at=at, viewer=request.user)
    week = show(monday=monday)
    if "week" not in request.GET and week.is_over(at):
        monday += timedelta(days=7)
        week = show(monday=monday)
    context = {
        "rep": rep,
        "is_own": is_own,
        "week": week,
        "any_closed": any(day.closed for day in week.days),
        "today": day_of(at, str(zone_of(request.user))),
        "this_monday": this,
        **_around(monday, this),
        "sources": own_time.sources_of(rep, at),
        "time_off": own_time.time_off_of(rep, today),
        "by_hand": own_time.by_hand_of(rep, at),
        "may_set_caps": may_set_caps,
        "forms": forms,
        "opened": str(bound.prefix) if bound is not None else "",
    }
    return render(request, "leads/bookable.html", context, status=422 if bound is not None else 200)


def _weeks(request: HttpRequest) -> tuple[date, date]:
    """The Monday asked for, and this week's; what is no date, or too far, is this week."""
    this = monday_of(day_of(timezone.now(), str(zone_of(request.user))))
    try:
        asked = monday_of(date.fromisoformat(request.GET.get("week", "")[:10]))
    except ValueError:
        return this, this
    return (asked if abs((asked - this).days) <= 7 * _WEEKS else this), this


def _around(monday: date, this: date) -> dict[str, Any]:
    week = timedelta(days=7)
    before, after = monday - week, monday + week
    return {
        "before": before if (this - before).days <= 7 * _WEEKS else None,
        "after": after if (after - this).days <= 7 * _WEEKS else None,
    }


def _kept(request: HttpRequest, rep: Rep, form: Form, act: Callable[[dict[str, Any]], str]) -> HttpResponse:
    """Do ``act`` with what the form says and go back; a refusal stands at its field with what was typed."""
    if form.is_valid():
        try:
            said = act(form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, said)
            return redirect("leads:bookable", rep.pk)
    return _page(request, rep, form)


# --- Calendars --------------------------------------------------------------------------------------


@require_POST
@guarded(SEE_BOOKABLE)
def bookable_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Upload a calendar file; one of the same name is replaced."""
    rep, at = _rep(request, pk), timezone.now()

    def upload(said: dict[str, Any]) -> str:
        content = said["file"].read()
        same = BusyCalendar.objects.select_related("rep__user").filter(
            rep=rep, kind=BusyCalendar.Kind.FILE, name=said["name"].strip()
        )
        present = same.first() if said["name"].strip() else None
        if present is not None:
            found = busy_calendars.replace_file(calendar=present, content=content, at=at, actor=request.user)
        else:
            name = said["name"].strip()
            found = busy_calendars.add_file(rep=rep, name=name, content=content, at=at, actor=request.user)
        return _read_words(found)

    return _kept(request, rep, FileForm(request.POST, request.FILES), upload)


def _read_words(calendar: BusyCalendar) -> str:
    problems = calendar.problem_count
    tail = f" {problems} could not be read: see which below." if problems else ""
    return f"{calendar.name}: {calendar.events:,} events read.{tail}"


@require_POST
@guarded(SEE_BOOKABLE)
def bookable_feed(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a feed; a job reads it at once."""
    rep, at = _rep(request, pk), timezone.now()

    def add(said: dict[str, Any]) -> str:
        found = busy_calendars.add_feed(
            rep=rep, name=said["name"].strip(), address=said["address"], at=at, actor=request.user
        )
        _ask_for(found, request)
        return f"{found.name} is being read. Its busy times appear here in a moment."

    return _kept(request, rep, FeedForm(request.POST), add)


def _ask_for(calendar: BusyCalendar, request: HttpRequest) -> None:
    jobs.enqueue(
        kind=READ_FEED,
        key=str(calendar.pk),
        params={"calendar": calendar.pk},
        requested_by=request.user,
        at=timezone.now(),
    )


@require_POST
@guarded(SEE_BOOKABLE)
def busy_calendar_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a feed now."""
    found = visible_or_404(own_time.calendars_in_scope(request.user), pk=pk)
    if found.is_feed:
        _ask_for(found, request)
        messages.success(request, f"{found.name} is being read.")
    else:
        messages.error(request, "A file is not read again: upload the newer one under the same name.")
    return redirect("leads:bookable", found.rep_id)


@require_POST
@guarded(SEE_BOOKABLE)
def busy_calendar_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a calendar and its busy times."""
    found = visible_or_404(own_time.calendars_in_scope(request.user), pk=pk)
    busy_calendars.remove(calendar=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} is removed, and its busy times with it.")
    return redirect("leads:bookable", found.rep_id)


# --- Time off, by hand, caps ------------------------------------------------------------------------


@require_POST
@guarded(SEE_BOOKABLE)
def time_off_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter days off."""
    rep, at = _rep(request, pk), timezone.now()

    def add(said: dict[str, Any]) -> str:
        kind = TimeOff.Kind(said["kind"])
        found = time_off.add_time_off(
            rep=rep,
            starts_on=said["starts_on"],
            ends_on=said["ends_on"],
            kind=kind,
            at=at,
            actor=request.user,
        )
        return f"Time off from {found.starts_on:%d %b} is kept. Meetings already booked then stay: move them."

    return _kept(request, rep, TimeOffForm(request.POST), add)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(SEE_BOOKABLE)
def time_off_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Other days, or another kind."""
    found = visible_or_404(own_time.time_off_in_scope(request.user), pk=pk)
    initial = {name: getattr(found, name) for name in TimeOffForm.base_fields}
    form = TimeOffForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            time_off.change_time_off(
                time_off=found,
                starts_on=said["starts_on"],
                ends_on=said["ends_on"],
                kind=TimeOff.Kind(said["kind"]),
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "The time off is changed.")
            return redirect("leads:bookable", found.rep_id)
    status = 422 if form.errors else 200
    return render(request, "leads/time_off.html", {"form": form, "time_off": found}, status=status)


@require_POST
@guarded(SEE_BOOKABLE)
def time_off_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End time off that runs, as of today; remove what is to come."""
    found = visible_or_404(own_time.time_off_in_scope(request.user), pk=pk)
    at = timezone.now()
    today = day_of(at, found.rep.time_zone)
    if time_off.end_time_off(time_off=found, today=today, at=at, actor=request.user):
        messages.success(request, "The time off has ended: the days are bookable again.")
    else:
        messages.info(request, "This time off was over already.")
    return redirect("leads:bookable", found.rep_id)


@require_POST
@guarded(SEE_BOOKABLE)
def busy_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a time by hand, on the clocks of whoever enters it."""
    rep, at = _rep(request, pk), timezone.now()
    form = BusyForm(request.POST)

    def add(said: dict[str, Any]) -> str:
        starts_at, ends_at = form.span(zone_of(request.user))
        time_off.add_busy(
            rep=rep, starts_at=starts_at, ends_at=ends_at, title=said["title"], at=at, actor=request.user
        )
        return "The time is closed."

    return _kept(request, rep, form, add)


@require_POST
@guarded(SEE_BOOKABLE)
def busy_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a time again that was closed by hand."""
    found = visible_or_404(own_time.by_hand_in_scope(request.user), pk=pk)
    try:
        time_off.remove_busy(busy=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The time is open again.")
    return redirect("leads:bookable", found.rep_id)


@require_POST
@guarded(SET_CAPS)
def caps(request: HttpRequest, pk: int) -> HttpResponse:
    """How many meetings a rep takes; said by the manager or RevOps."""
    rep, at = _rep(request, pk), timezone.now()

    def keep(said: dict[str, Any]) -> str:
        time_off.set_caps(
            rep=rep,
            daily=said["daily_meeting_cap"],
            weekly=said["weekly_meeting_cap"],
            notice_minutes=said["booking_notice_minutes"],
            at=at,
            actor=request.user,
        )
        return f"{rep.name} takes {rep.daily_meeting_cap} a day and {rep.weekly_meeting_cap} a week at most."

    return _kept(request, rep, CapsForm(request.POST), keep)
