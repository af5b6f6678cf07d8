"""One promise, what may be done to it, and why promises were broken."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.slas import policies
from apps.slas.forms.clocks import PauseForm, ReasonForm, RebaseForm
from apps.slas.models import Clock
from apps.slas.selectors import reasons as reports
from apps.slas.selectors.clock import clock_page, with_everything
from apps.slas.services import clocks as services
from apps.slas.services import rebasing, verdicts
from apps.slas.views.board import period_context, period_of


@require_safe
@guarded(policies.SEE_CLOCK)
def clock(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything of one promise, in words."""
    return _page(request, visible_or_404(with_everything(Clock.objects.visible_to(request.user)), pk=pk))


def _page(request: HttpRequest, found: Clock, status: int = 200, **given: forms.Form) -> HttpResponse:
    now = timezone.now()
    context = {
        "one": clock_page(clock=found, now=now),
        "clock": found,
        "now": now,
        "may_change": policies.CHANGE_CLOCK.admits(request.user),
        "reason_form": _reason_form(found),
        "pause_form": PauseForm(),
        **given,
    }
    return render(request, "slas/clock.html", context, status=status)


@require_POST
@guarded(policies.CHANGE_CLOCK)
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it stand still, because the customer asked to wait."""
    found = visible_or_404(with_everything(Clock.objects.visible_to(request.user)), pk=pk)
    form = PauseForm(request.POST)
    if not form.is_valid():
        return _page(request, found, 422, pause_form=form)
    try:
        services.pause(clock=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _page(request, found, error.status, pause_form=form)
    messages.success(request, "The promise stands still.")
    return redirect("slas:clock", pk)


@require_POST
@guarded(policies.CHANGE_CLOCK)
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it go on: it is due later by the working time that it stood still."""
    found = visible_or_404(Clock.objects.visible_to(request.user), pk=pk)
    try:
        services.resume(clock=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The promise runs again.")
    return redirect("slas:clock", pk)


# --- Why it was broken ------------------------------------------------------------------------------


@require_POST
@guarded(policies.GIVE_REASON)
def reason(request: HttpRequest, pk: int) -> HttpResponse:
    """Say why it was broken; by htmx the row alone comes back."""
    found = visible_or_404(with_everything(Clock.objects.visible_to(request.user)), pk=pk)
    form = _reason_form(found, request.POST)
    if form.is_valid():
        try:
            given = verdicts.give_reason(
                clock=found, **form.cleaned_data, at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            if getattr(request, "htmx", False):
                found.breach_reason, found.breach_note = given.breach_reason, given.breach_note
                return render(request, "slas/_reason.html", {"clock": found, "given": True})
            messages.success(request, "The reason is kept.")
            return redirect("slas:clock", pk)
    if getattr(request, "htmx", False):
        return render(request, "slas/_reason.html", {"clock": found, "form": form})
    return _page(request, found, 422, reason_form=form)


def _reason_form(clock: Clock, data: Any = None) -> ReasonForm:
    initial = {"reason": clock.breach_reason, "note": clock.breach_note}
    return ReasonForm(data, initial=initial, auto_id=f"id_{clock.pk}_%s")


@require_safe
@guarded(policies.GIVE_REASON)
def reasons(request: HttpRequest) -> HttpResponse:
    """Broken promises without a reason, to be given here; and the period's reasons by rep and week."""
    period = period_of(request)
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    waiting, count = reports.asked(user=request.user)
    context = {
        "waiting": [(one, _reason_form(one)) for one in waiting],
        "count": count,
        "report": reports.report(user=request.user, start=start, end=end),
        "sees_board": policies.SEE_BOARD.admits(request.user),
        **period_context(period),
    }
    return render(request, "slas/reasons.html", context)


# --- Setting anew -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.CHANGE_CLOCK)
def rebase(request: HttpRequest) -> HttpResponse:
    """What setting the promises of ``?clock=`` anew would change, in figures; and doing it with a reason."""
    asked = request.POST if request.method == "POST" else request.GET
    running = _chosen(request, asked.getlist("clock"))
    now = timezone.now()
    form = RebaseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            rows = rebasing.rebase(running=running, why=form.cleaned_data["why"], at=now, actor=request.user)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(
                request, f"{len(rows):,} {'promise' if len(rows) == 1 else 'promises'} set anew."
            )
            return redirect("slas:clock", running[0].pk) if len(running) == 1 else redirect("slas:board")
    previews = rebasing.preview(running=running, at=now)
    context = {
        "form": form,
        "previews": previews,
        "changed": sum(1 for one in previews if one.after and one.after != one.before),
        "refused": sum(1 for one in previews if one.after is None),
        "now": now,
    }
    return render(request, "slas/rebase.html", context, status=422 if form.errors else 200)


def _chosen(request: HttpRequest, asked: list[str]) -> list[Clock]:
    """The clocks asked for, none without any; 404 for too many and where one is out of scope."""
    ids = {int(one) for one in asked if one.isascii() and one.isdigit() and len(one) < 19}
    if len(ids) != len(set(asked)) or len(ids) > rebasing.MOST:
        raise Http404
    found = list(Clock.objects.visible_to(request.user).filter(pk__in=ids).order_by("due_at", "pk"))
    if len(found) != len(ids):
        raise Http404
    return found
