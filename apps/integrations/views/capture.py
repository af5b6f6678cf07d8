"""Open to anybody: fill a form in, and choose a time on the page that answers. No session, no cookie, no script.

What guards it instead of a session: a signed ticket that has an age, a field that nobody sees, a limit by address
(``services.capture_guard``); only the form's own sites may frame it.
"""

from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError, InvalidInput
from apps.core.policies import guarded
from apps.integrations.capture_inputs import VisitorForm
from apps.integrations.models import CaptureForm
from apps.integrations.policies import SEND_CAPTURE
from apps.integrations.rules.capture import host_of
from apps.integrations.services import capture, capture_guard


def open_form(key: str) -> CaptureForm:
    """The form of that address, while it can be filled in; else 404."""
    found = CaptureForm.objects.select_related("team").filter(key=key, is_active=True).first()
    if found is None:
        raise Http404
    return found


def _shown(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, template, context, status=status)
    ancestors = context["form"].origins or ["'none'"]
    response._csp_replace = {"frame-ancestors": ancestors}
    response["Referrer-Policy"] = "no-referrer"
    return response


@csrf_exempt
@xframe_options_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@guarded(SEND_CAPTURE)
def fill_in(request: HttpRequest, key: str) -> HttpResponse:
    """The form; sent, it leads to thanks and times."""
    form, now = open_form(key), timezone.now()
    if request.method != "POST":
        consent = capture_guard.consent_of(form)
        site = host_of(request.META.get("HTTP_REFERER", ""), form.origins)
        ticket = capture_guard.ticket(form=form, consent=consent, site=site, at=now)
        return _form(request, form, VisitorForm(form=form, consent=consent), ticket)
    ticket = request.POST.get("ticket", "")
    try:
        capture_guard.count(form=form, address=get_adapter(request).get_client_ip(request), at=now)
        filling = capture_guard.read_ticket(form=form, words=ticket, at=now)
    except DomainError as error:
        return _refused(request, form, error, ticket, now)
    visitor = VisitorForm(request.POST, form=form, consent=filling.consent)
    if not visitor.is_valid():
        return _form(request, form, visitor, ticket, 422)
    agreed = visitor.cleaned_data["agreed"]
    made = capture.capture_lead(form=form, filled=visitor.filled, agreed=agreed, filling=filling, at=now)
    answer = capture_guard.answer_ticket(capture=made, at=now)
    return redirect(f"{reverse('integrations:capture_done', args=[form.key])}?ticket={answer}")


def _refused(
    request: HttpRequest, form: CaptureForm, error: DomainError, ticket: str, now: datetime
) -> HttpResponse:
    """What was typed stands; whoever was too quick keeps the ticket, which is older a moment later."""
    consent = capture_guard.consent_of(form)
    visitor = VisitorForm(request.POST, form=form, consent=consent)
    visitor.add_error(None, error.message)
    if not isinstance(error, capture_guard.TooQuick | capture_guard.TooMany):
        ticket = capture_guard.ticket(form=form, consent=consent, at=now)
    return _form(request, form, visitor, ticket, 429 if error.status == 429 else 422)


def _form(
    request: HttpRequest, form: CaptureForm, visitor: VisitorForm, ticket: str, status: int = 200
) -> HttpResponse:
    context = {"form": form, "visitor": visitor, "ticket": ticket}
    return _shown(request, "integrations/capture.html", context, status)


@csrf_exempt
@xframe_options_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@guarded(SEND_CAPTURE)
def done(request: HttpRequest, key: str) -> HttpResponse:
    """Thanks, and the soonest times; a time that is chosen is noted as asked for."""
    form, now = open_form(key), timezone.now()
    words = request.GET.get("ticket", "")
    try:
        made = capture_guard.read_answer(form=form, words=words, at=now)
    except capture_guard.AnswerOver as error:
        return _shown(request, "integrations/capture_over.html", {"form": form, "error": error}, error.status)
    context: dict[str, Any] = {"form": form, "ticket": words, "company_zone": settings.COMPANY_TIME_ZONE}
    status = 200
    if request.method == "POST":
        starts_at = _instant(request.POST.get("starts_at", ""))
        try:
            if starts_at is None:
                raise InvalidInput("Choose one of the times.", field="starts_at")
            capture.choose_time(capture=made, starts_at=starts_at, at=now)
        except DomainError as error:
            context["error"], status = error.message, error.status if error.status == 409 else 422
        else:
            context["chosen"] = starts_at
    if "chosen" not in context:
        context["days"] = capture.times_for(capture=made, at=now)
    return _shown(request, "integrations/capture_done.html", context, status)


def _instant(words: str) -> datetime | None:
    try:
        found = parse_datetime(words)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
