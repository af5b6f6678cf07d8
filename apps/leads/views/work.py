"""What an SDR does to a lead: log a touch, undo it, qualify, book."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.zones import zone_of
from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.work import BookForm, QualifyForm, TouchForm
from apps.leads.models import Disposition, Lead, Touch
from apps.leads.selectors import lead as selectors
from apps.leads.selectors.next_touch import what_is_next
from apps.leads.services import booking, exploration, proposals, qualifications, rescheduling, touches
from apps.leads.views import panel


def _own(request: HttpRequest, pk: int) -> Lead:
    lead = visible_or_404(selectors.leads_for(request.user), pk=pk)
    policies.WORK_LEAD.check(request.user, lead)
    return lead


@require_POST
@guarded(policies.WORK_LEAD)
def touch(request: HttpRequest, pk: int) -> HttpResponse:
    """Log one touch. The same ``request_key`` logs once, so a second click is harmless."""
    lead = _own(request, pk)
    form = TouchForm(request.POST, zone=panel.callback_zone(request, lead))
    if not form.is_valid():
        return panel.show(request, lead, status=422, touch_form=form)
    now = timezone.now()
    try:
        logged = touches.log_touch(
            lead=lead,
            rep=request.user.rep,
            channel=form.cleaned_data["channel"],
            disposition=form.cleaned_data["disposition"],
            callback_at=form.promised_at(),
            note=form.cleaned_data["note"],
            request_key=form.cleaned_data["request_key"],
            at=now,
            actor=request.user,
            purpose=form.cleaned_data["purpose"],
            they_asked=form.cleaned_data["they_asked"],
        )
    except (InvalidInput, touches.OutsideCallingHours) as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return panel.show(request, lead, status=422, touch_form=form)
    undo = reverse("leads:undo_touch", args=[logged.pk])
    words = Disposition(logged.disposition).label.lower()
    follows = what_is_next(logged.lead, now, zone_of(request.user))
    messages.success(request, f"Logged: {words}. Next: {follows}.", extra_tags=f"undo={undo}")
    connected = logged.disposition == Disposition.CONNECTED
    return panel.after_act(request, lead, act="qualify" if connected else "")


@require_POST
@guarded(policies.WORK_QUEUE)
def undo_touch(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back the latest touch of one's own."""
    own = Touch.objects.filter(rep__user=request.user, lead__in=Lead.objects.visible_to(request.user))
    logged = visible_or_404(own.select_related("lead"), pk=pk)
    touches.undo_touch(touch=logged, rep=request.user.rep, at=timezone.now(), actor=request.user)
    messages.info(request, f"Undone: {Disposition(logged.disposition).label.lower()}.")
    return panel.into_panel(request, panel.after_act(request, logged.lead))


@require_POST
@guarded(policies.WORK_LEAD)
def proposal(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer what the portal proposes: ``answer`` is accept or decline."""
    lead = _own(request, pk)
    rep, at = request.user.rep, timezone.now()
    match request.POST.get("answer"):
        case "accept":
            done = proposals.accept(lead=lead, rep=rep, at=at, actor=request.user)
            undo = reverse("leads:proposal_undo", args=[lead.pk])
            messages.success(request, f"{done.get_stage_display()}, as proposed.", extra_tags=f"undo={undo}")
        case "decline":
            proposals.decline(lead=lead, rep=rep, at=at, actor=request.user)
            messages.success(request, "Kept. It is not proposed again for some more touches.")
        case _:
            raise InvalidInput("Accept what is proposed, or keep working.", field="answer")
    return panel.after_act(request, lead)


@require_POST
@guarded(policies.WORK_LEAD)
def proposal_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back one's own acceptance."""
    lead = _own(request, pk)
    proposals.undo_accept(lead=lead, rep=request.user.rep, at=timezone.now(), actor=request.user)
    messages.info(request, "Undone: it is proposed again.")
    return panel.into_panel(request, panel.after_act(request, lead))


@require_POST
@guarded(policies.WORK_LEAD)
def qualify(request: HttpRequest, pk: int) -> HttpResponse:
    """Judge the lead by the definition in force; what was typed is kept when something is missing."""
    lead = _own(request, pk)
    now = timezone.now()
    definition = qualifications.definition_in_force(now)
    form = QualifyForm(request.POST, criteria=definition.criteria if definition else [])
    if not form.is_valid():
        return panel.show(request, lead, act="qualify", status=422, qualify_form=form)
    try:
        judged = qualifications.qualify(
            lead=lead, rep=request.user.rep, answers=form.answers, at=now, actor=request.user
        )
    except InvalidInput as error:
        form.add_refusal(error.field, error.message)
        return panel.show(request, lead, act="qualify", status=422, qualify_form=form)
    if judged.meets_definition:
        messages.success(request, "Qualified: an SQL. Choose a time for the meeting.")
        return panel.after_act(request, lead, act="book")
    messages.info(request, "Kept. It does not meet the SQL definition yet.")
    return panel.after_act(request, lead)


@require_POST
@guarded(policies.WORK_LEAD)
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """Book a time that suits the customer; routing names the AE, and the panel says why."""
    lead = _own(request, pk)
    form = BookForm(request.POST)
    if not form.is_valid():
        return panel.show(request, lead, act="book", status=422, book_form=form)
    try:
        hand_off = booking.book_meeting(
            lead=lead,
            sdr=request.user.rep,
            starts_at=form.cleaned_data["starts_at"],
            minutes=form.cleaned_data["minutes"],
            as_exploration=form.cleaned_data["as_exploration"],
            at=timezone.now(),
            actor=request.user,
        )
    except (
        InvalidInput,
        booking.UnableToBook,
        exploration.OverBudget,
        rescheduling.UnableToReschedule,
    ) as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        fresh = selectors.leads_for(request.user).get(pk=lead.pk)
        return panel.show(request, fresh, act="book", status=422, book_form=form)
    starts = hand_off.meeting.starts_at.astimezone(zone_of(request.user)) if hand_off.meeting else None
    when = f" {starts:%a} {starts.day} {starts:%b}, {starts:%H:%M}" if starts else ""
    # The form says with whom the time was held: if that ran out, somebody else may have it.
    held_with = form.cleaned_data["held_with"]
    instead = ", since the hold had run out" if held_with and held_with != hand_off.ae_id else ""
    messages.success(request, f"Booked with {hand_off.ae.name}{when}{instead}.")
    return panel.after_act(request, lead)
