"""What an SDR does while booking: hold a time, keep it, give it back, note preferred times; and the company's rules."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import DomainError, InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.meetings import BookingRulesForm, RescheduleForm, WishesForm
from apps.leads.models import Lead
from apps.leads.selectors import lead as selectors
from apps.leads.services import holds as services
from apps.leads.services.booking_rules import booking_rules, set_booking_rules
from apps.leads.services.preferences import prefer, zone_of_customer
from apps.leads.views import panel


def _own(request: HttpRequest, pk: int) -> Lead:
    lead = visible_or_404(selectors.leads_for(request.user), pk=pk)
    policies.WORK_LEAD.check(request.user, lead)
    return lead


@require_POST
@guarded(policies.WORK_LEAD)
def hold_slot(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold the chosen time; what was held before is given back. Answers with the line that says so."""
    lead = _own(request, pk)
    now = timezone.now()
    form = RescheduleForm(request.POST)
    context: dict[str, object] = {"lead": lead, "now": now}
    if not form.is_valid():
        return render(
            request, "leads/_slot_held.html", context | {"problem": "Choose one of the times offered."}
        )
    try:
        context["hold"] = services.hold_slot(
            lead=lead,
            sdr=request.user.rep,
            starts_at=form.cleaned_data["starts_at"],
            minutes=form.cleaned_data["minutes"],
            at=now,
        )
    except (InvalidInput, DomainError) as error:
        context["problem"] = error.message
    return render(request, "leads/_slot_held.html", context)


@require_POST
@guarded(policies.WORK_LEAD)
def keep_slot(request: HttpRequest, pk: int) -> HttpResponse:
    """The form is still open: the hold runs on, up to its longest."""
    lead = _own(request, pk)
    now = timezone.now()
    held = services.standing_hold(lead=lead, sdr=request.user.rep, at=now)
    kept = services.keep_hold(hold=held, at=now) if held else None
    context = {"lead": lead, "now": now, "hold": kept, "is_over": kept is None}
    return render(request, "leads/_slot_held.html", context)


@require_POST
@guarded(policies.WORK_LEAD)
def release_slot(request: HttpRequest, pk: int) -> HttpResponse:
    """The form was left: the time is free again."""
    lead = _own(request, pk)
    services.release_holds(lead=lead, sdr=request.user.rep, at=timezone.now())
    return HttpResponse(status=204)


@require_POST
@guarded(policies.WORK_LEAD)
def preferred_times(request: HttpRequest, pk: int) -> HttpResponse:
    """Note when the customer would like to meet, the best liked first."""
    lead = _own(request, pk)
    act = "book" if request.POST.get("act") == "book" else ""
    form = WishesForm(request.POST, zone=zone_of_customer(lead))
    if not form.is_valid():
        return panel.show(request, lead, act=act, status=422, wishes_form=form)
    try:
        noted = prefer(lead=lead, wishes=form.wishes, at=timezone.now(), actor=request.user)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return panel.show(request, lead, act=act, status=422, wishes_form=form)
    messages.success(request, "Preferred times noted." if noted else "No preferred times any more.")
    return panel.after_act(request, lead, act=act)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_BOOKING_RULES)
def rules(request: HttpRequest) -> HttpResponse:
    """The usual length of a meeting, and how long a time is held."""
    form = BookingRulesForm(request.POST or None, instance=booking_rules())
    status = 200
    if request.method == "POST":
        if form.is_valid():
            names = ("meeting_minutes", "hold_minutes", "longest_hold_minutes")
            given = {name: form.cleaned_data[name] for name in names}
            try:
                set_booking_rules(**given, at=timezone.now(), actor=request.user)
            except InvalidInput as error:
                form.add_error(error.field or None, error.message)
            else:
                messages.success(request, "The booking rules are kept; they hold from now on.")
                return redirect("leads:booking_rules")
        status = 422
    return render(request, "leads/booking_rules.html", {"form": form}, status=status)
