"""A new time for a meeting: what is offered, and taking one of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.accounts.zones import zone_of
from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.meetings import RescheduleForm
from apps.leads.models import BookingRules, HandOff, Meeting
from apps.leads.selectors import meetings as selectors
from apps.leads.selectors.offers import offer_for
from apps.leads.services import rescheduling as services
from apps.leads.services.slots import LENGTHS
from apps.leads.views.listing import number_in


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.MOVE_MEETING)
def reschedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer other times, the customer's preferred first; the AE stays where free. ``minutes`` is the new length."""
    found = visible_or_404(selectors.one(request.user), pk=pk)
    policies.MOVE_MEETING.check(request.user, found)
    if request.method != "POST":
        return _show(request, found, None)
    form = RescheduleForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form, status=422)
    try:
        moved = services.reschedule(
            meeting=found,
            starts_at=form.cleaned_data["starts_at"],
            minutes=form.cleaned_data["minutes"],
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            actor=request.user,
        )
    except (InvalidInput, services.UnableToReschedule) as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _show(request, found, form, status=422)
    starts = moved.starts_at.astimezone(zone_of(request.user))
    with_whom = moved.ae.name if moved.ae_id == found.ae_id else f"{moved.ae.name}, who takes it over"
    messages.success(
        request, f"New time: {starts:%a} {starts.day} {starts:%b}, {starts:%H:%M} with {with_whom}."
    )
    return redirect("leads:meeting", pk=moved.pk)


def _show(
    request: HttpRequest, found: Meeting, form: RescheduleForm | None, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    asked = number_in(request.POST.get("minutes") or request.GET.get("minutes"))
    minutes = asked if asked in LENGTHS else found.minutes
    minutes = minutes if minutes in LENGTHS else BookingRules.Minutes.HALF
    hand_off = found.for_hand_off
    stays = hand_off is not None and hand_off.state != HandOff.State.PENDING
    # Whose deal it is, is settled: only the AE's own times are of use.
    whose = hand_off.continues_with if hand_off is not None and stays else found.ae
    only: dict[str, Any] = {"aes": [whose]} if stays else {}
    offer = offer_for(
        lead=found.lead, now=now, zone=zone_of(request.user), minutes=minutes, moving=whose, **only
    )
    context = {
        "meeting": found,
        "lead": found.lead,
        "form": form or RescheduleForm(),
        "offer": offer,
        "lengths": BookingRules.Minutes.choices,
        "stays": stays,
        "whose": whose,
        "now": now,
        "chosen": form["starts_at"].value() if form else "",
    }
    return render(request, "leads/meeting_reschedule.html", context, status=status)
