"""Acts on one lead's cadence: enrol, pause, resume, take out; usable from the lead's panel and from a list."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.cadences import PauseForm, ReasonForm
from apps.leads.models import Cadence, Enrolment, Lead
from apps.leads.selectors import cadences as selectors
from apps.leads.selectors import lead as lead_selectors
from apps.leads.services import enrolments as services
from apps.leads.views import panel
from apps.leads.views.listing import number_in


def _enrolment(request: HttpRequest, pk: int) -> Enrolment:
    """One within the viewer's scope that the viewer may change."""
    found = _seen(request, pk)
    policies.STEER_ENROLMENT.check(request.user, found)
    return found


def _seen(request: HttpRequest, pk: int) -> Enrolment:
    every = Enrolment.objects.visible_to(request.user)
    return visible_or_404(every.select_related("lead__owner", "version__cadence", "enrolled_by"), pk=pk)


def _next(request: HttpRequest) -> str:
    """Where a plain form wants to return to; "" where it does not say, or names another host."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else ""


def _after(request: HttpRequest, lead: Lead) -> HttpResponse:
    """The list that the form named, else the lead: its panel by htmx, its page without."""
    wanted = _next(request)
    if wanted and not getattr(request, "htmx", False):
        return redirect(wanted)
    return panel.after_act(request, lead)


@require_POST
@guarded(policies.ENROL_LEAD)
def enrol(request: HttpRequest, pk: int) -> HttpResponse:
    """Put one lead into the cadence that the form names."""
    lead = visible_or_404(lead_selectors.leads_for(request.user), pk=pk)
    policies.ENROL_LEAD.check(request.user, lead)
    cadence = Cadence.objects.filter(pk=number_in(request.POST.get("cadence"))).first()
    if cadence is None:
        raise InvalidInput("Choose a cadence.", field="cadence")
    result = services.enrol(leads=[lead], cadence=cadence, at=timezone.now(), actor=request.user)
    if result.refusals:
        messages.error(request, result.refusals[0].why)
    else:
        messages.success(request, f"{lead} is in {cadence} now.")
    return _after(request, lead)


@require_safe
@guarded(policies.SEE_CADENCES)
def enrolment(request: HttpRequest, pk: int) -> HttpResponse:
    """One lead's way through a cadence, what was done to it, and what can be."""
    return _page(request, _seen(request, pk))


def _page(
    request: HttpRequest,
    found: Enrolment,
    *,
    pause: PauseForm | None = None,
    remove: ReasonForm | None = None,
) -> HttpResponse:
    context = {
        "enrolment": found,
        "way": selectors.way_of(found),
        "acts": found.acts.select_related("by").order_by("-at", "-pk"),
        "may_steer": policies.STEER_ENROLMENT.allows(request.user, found) and found.ended_at is None,
        "pause_form": pause or PauseForm(prefix="pause"),
        "remove_form": remove or ReasonForm(prefix="remove"),
        "next": _next(request),
        "now": timezone.now(),
    }
    status = 422 if pause or remove else 200
    alone = getattr(request, "htmx", False) or request.headers.get("HX-Request") == "true"
    name = "leads/_enrolment.html" if alone else "leads/enrolment.html"
    return render(request, name, context, status=status)


def _typed(form_class: type[Any], request: HttpRequest, prefix: str) -> Any:
    """The form as sent: from the page with its prefix, or from elsewhere with the plain names."""
    prefixed = any(name.startswith(f"{prefix}-") for name in request.POST)
    return form_class(request.POST, prefix=prefix if prefixed else None)


def _refused(request: HttpRequest, found: Enrolment, form: Any, kind: str) -> HttpResponse:
    """Back to the form with its errors; to the panel a refusal in words, which leaves it as it is."""
    if getattr(request, "htmx", False):
        field, errors = next(iter(form.errors.items()))
        raise InvalidInput(str(errors[0]), field="" if field == "__all__" else field)
    return _page(request, found, **{kind: form})


@require_POST
@guarded(policies.STEER_ENROLMENT)
def enrolment_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it rest, until a day or until somebody resumes it."""
    found = _enrolment(request, pk)
    form = _typed(PauseForm, request, "pause")
    if not form.is_valid():
        return _refused(request, found, form, "pause")
    until = form.cleaned_data["until"]
    try:
        services.pause(
            enrolment=found,
            until=until,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            actor=request.user,
        )
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _refused(request, found, form, "pause")
    words = f" until {until:%a} {until.day} {until:%b}" if until else ""
    messages.success(request, f"{found.version.cadence} rests{words}.")
    return _after(request, found.lead)


@require_POST
@guarded(policies.STEER_ENROLMENT)
def enrolment_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with the step that comes next."""
    found = _enrolment(request, pk)
    services.resume(enrolment=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.version.cadence} goes on.")
    return _after(request, found.lead)


@require_POST
@guarded(policies.STEER_ENROLMENT)
def enrolment_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the lead out, with a reason."""
    found = _enrolment(request, pk)
    form = _typed(ReasonForm, request, "remove")
    if not form.is_valid():
        return _refused(request, found, form, "remove")
    try:
        services.remove(
            enrolment=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _refused(request, found, form, "remove")
    messages.success(request, f"Taken out of {found.version.cadence}.")
    return _after(request, found.lead)
