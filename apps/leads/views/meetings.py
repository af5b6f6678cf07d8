"""Meetings of an SDR or an AE: what is to come, what came of those that have begun, one with its history, and acts."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.zones import zone_of
from apps.core.errors import DomainError, InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.meetings import CancelForm, CommentForm, CorrectForm, RecordingForm
from apps.leads.models import Invitation, Meeting
from apps.leads.selectors import meetings as selectors
from apps.leads.services import invitations
from apps.leads.services import meetings as services

_OUTCOMES = {"held": True, "no_show": False}
_SPANS = {"day": 1, "week": 7}


@require_safe
@guarded(policies.SEE_MEETINGS)
def meetings(request: HttpRequest) -> HttpResponse:
    """What is to come and what wants something; ``?show=week`` or ``day`` with ``on=<date>``, or ``past``."""
    now, zone = timezone.now(), zone_of(request.user)
    show = request.GET.get("show", "")
    context: dict[str, object] = {
        "now": now,
        "today": now.astimezone(zone).date(),
        "may_close": policies.CLOSE_MEETING.admits(request.user),
        "show": show,
    }
    if show == "past":
        context["page"] = selectors.past(request.user, after=request.GET.get("after", ""))
    elif show in _SPANS:
        context |= _span(request, show, now.astimezone(zone).date(), zone)
    else:
        agenda = selectors.agenda(request.user, at=now)
        context |= {"agenda": agenda, "days": selectors.by_day(agenda.coming, zone)}
    return render(request, "leads/meetings.html", context)


def _span(request: HttpRequest, show: str, today: date, zone: Any) -> dict[str, object]:
    try:
        on = date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        on = today
    # No calendar reaches further, and neighbours of the last day must exist.
    on = min(max(on, date(2000, 1, 1)), date(2100, 1, 1))
    days = _SPANS[show]
    first = on - timedelta(days=on.weekday()) if show == "week" else on
    return {
        "days": selectors.between(request.user, first=first, days=days, zone=zone),
        "first": first,
        "last": first + timedelta(days=days - 1),
        "before": first - timedelta(days=days),
        "after": first + timedelta(days=days),
    }


@require_safe
@guarded(policies.SEE_MEETINGS)
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """One meeting: its times, what happened, comments and what can be done; by htmx for the drawer."""
    return show_meeting(request, _found(request, pk))


def _found(request: HttpRequest, pk: int) -> Meeting:
    found: Meeting = visible_or_404(selectors.one(request.user), pk=pk)
    return found


def show_meeting(request: HttpRequest, found: Meeting, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The meeting's page or drawer; ``forms`` are those with something wrong."""
    now, user = timezone.now(), request.user
    dossier = selectors.dossier(found)
    is_newest = dossier.newest.pk == found.pk
    fell = found.state in (Meeting.State.NO_SHOW, Meeting.State.CANCELLED)
    rejected = found.for_hand_off is not None and found.for_hand_off.state == "rejected"
    may_move = is_newest and not rejected and policies.MOVE_MEETING.allows(user, found)
    context = {
        "meeting": found,
        "dossier": dossier,
        "now": now,
        "is_newest": is_newest,
        "may_close": policies.CLOSE_MEETING.allows(user, found)
        and found.state == Meeting.State.BOOKED
        and found.starts_at <= now,
        "may_move": may_move and (found.state == Meeting.State.BOOKED or fell),
        "may_cancel": policies.MOVE_MEETING.allows(user, found) and found.state == Meeting.State.BOOKED,
        "may_correct": policies.CORRECT_MEETING.allows(user, found)
        and found.state in (Meeting.State.HELD, Meeting.State.NO_SHOW),
        "may_link": policies.CLOSE_MEETING.allows(user, found) and found.starts_at <= now,
        "next": _next(request) if request.GET.get("next") or request.POST.get("next") else "",
        "cancel_form": CancelForm(initial={"who": "customer"}),
        "correct_form": CorrectForm(),
        "comment_form": CommentForm(),
        "recording_form": RecordingForm(initial={"recording_url": found.recording_url}),
    } | forms
    fragment = getattr(request, "htmx", False) and status == 200
    return render(
        request, "leads/_meeting.html" if fragment else "leads/meeting.html", context, status=status
    )


def _next(request: HttpRequest) -> str:
    """Where to go after an act: where one came from, else the list."""
    asked = request.POST.get("next", "") or request.GET.get("next", "")
    if asked and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return "leads:meetings"


def _name(found: Meeting) -> str:
    return found.lead.company or found.lead.label


@require_POST
@guarded(policies.CLOSE_MEETING)
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the customer came, or did not."""
    found = _found(request, pk)
    policies.CLOSE_MEETING.check(request.user, found)
    outcome = request.POST.get("outcome", "")
    if outcome not in _OUTCOMES:
        raise InvalidInput("Say whether the meeting was held or the customer did not come.", field="outcome")
    services.close_meeting(meeting=found, held=_OUTCOMES[outcome], at=timezone.now(), actor=request.user)
    said = "held" if _OUTCOMES[outcome] else "a no-show"
    messages.success(request, f"{_name(found)}: noted as {said}.")
    return redirect(_next(request))


@require_POST
@guarded(policies.MOVE_MEETING)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Call it off, with who did and why."""
    found = _found(request, pk)
    policies.MOVE_MEETING.check(request.user, found)
    form = CancelForm(request.POST)
    if not form.is_valid():
        return show_meeting(request, found, status=422, cancel_form=form)
    try:
        services.cancel_meeting(meeting=found, **form.cleaned_data, at=timezone.now(), actor=request.user)
    except (InvalidInput, services.UnableToCloseMeeting) as error:
        return _refused(request, found, form, error, "cancel_form")
    messages.success(request, f"{_name(found)}: cancelled. Everybody is told, and the time is free again.")
    return redirect(_next(request))


@require_POST
@guarded(policies.CORRECT_MEETING)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Another outcome than was said: the first is reversed."""
    found = _found(request, pk)
    policies.CORRECT_MEETING.check(request.user, found)
    form = CorrectForm(request.POST)
    if not form.is_valid():
        return show_meeting(request, found, status=422, correct_form=form)
    held = _OUTCOMES[form.cleaned_data["outcome"]]
    try:
        services.correct_outcome(
            meeting=found,
            held=held,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            actor=request.user,
        )
    except (InvalidInput, services.UnableToCloseMeeting) as error:
        return _refused(request, found, form, error, "correct_form")
    messages.success(request, f"{_name(found)}: corrected to {'held' if held else 'a no-show'}.")
    return redirect("leads:meeting", pk=found.pk)


@require_POST
@guarded(policies.SEE_MEETINGS)
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Note something for those who see it."""
    found = _found(request, pk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return show_meeting(request, found, status=422, comment_form=form)
    services.comment(meeting=found, words=form.cleaned_data["words"], at=timezone.now(), actor=request.user)
    messages.success(request, "Noted.")
    return redirect("leads:meeting", pk=found.pk)


@require_POST
@guarded(policies.CLOSE_MEETING)
def recording(request: HttpRequest, pk: int) -> HttpResponse:
    """Say where the recording is found; empty takes it away."""
    found = _found(request, pk)
    policies.CLOSE_MEETING.check(request.user, found)
    form = RecordingForm(request.POST)
    try:
        if not form.is_valid():
            return show_meeting(request, found, status=422, recording_form=form)
        services.link_recording(
            meeting=found, url=form.cleaned_data["recording_url"], at=timezone.now(), actor=request.user
        )
    except InvalidInput as error:
        return _refused(request, found, form, error, "recording_form")
    messages.success(
        request, "The recording is linked." if found.recording_url else "The link is taken away."
    )
    return redirect("leads:meeting", pk=found.pk)


def _refused(request: HttpRequest, found: Meeting, form: Any, error: DomainError, name: str) -> HttpResponse:
    form.add_error(error.field if error.field in form.fields else None, error.message)
    return show_meeting(
        request, _found(request, found.pk), status=422 if error.field else 409, **{name: form}
    )


@require_safe
@guarded(policies.SEE_MEETINGS)
def ics(request: HttpRequest, pk: int) -> HttpResponse:
    """The meeting as a calendar file, to be opened by any calendar."""
    found = _found(request, pk)
    standing = found.state in (Meeting.State.BOOKED, Meeting.State.HELD)
    method = Invitation.Method.REQUEST if standing else Invitation.Method.CANCEL
    response = HttpResponse(
        invitations.calendar_of(meeting=found, method=method, at=found.state_changed_at),
        content_type=f"text/calendar; method={method}; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="meeting-{found.pk}.ics"'
    return response
