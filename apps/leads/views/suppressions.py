"""Whom nobody may contact: the list, closing somebody, lifting that with a reason."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.suppressions import LiftForm, SuppressionForm
from apps.leads.models import Suppression
from apps.leads.selectors import suppressions as selectors
from apps.leads.services import suppressions as services


@require_safe
@guarded(policies.SEE_SUPPRESSIONS)
def suppressions(request: HttpRequest) -> HttpResponse:
    """Those in force, the latest first; ``?q=`` searches, ``?show=lifted`` shows those that were lifted."""
    text, show = request.GET.get("q", "").strip()[:100], request.GET.get("show", "")
    page = selectors.page(text=text, show=show, after=request.GET.get("after", ""))
    may_edit = policies.EDIT_SUPPRESSIONS.admits(request.user)
    shown = {"page": page, "text": text, "show": show, "may_edit": may_edit}
    return render(request, "leads/suppressions.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_SUPPRESSIONS)
def suppression_new(request: HttpRequest) -> HttpResponse:
    """Close an address, a number or a company, for all channels or one."""
    if request.method != "POST":
        form = SuppressionForm(initial={"kind": "email", "reason": "opt_out"})
        return render(request, "leads/suppression_new.html", {"form": form})
    form = SuppressionForm(request.POST)
    if form.is_valid():
        try:
            made = services.suppress(**form.cleaned_data, at=timezone.now(), actor=request.user)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"{made.shown} is closed{_where(made)}, through every door.")
            return redirect("leads:suppressions")
    return render(request, "leads/suppression_new.html", {"form": form}, status=422)


def _where(made: Suppression) -> str:
    return f" for {made.get_channel_display().lower()}" if made.channel else ""


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_SUPPRESSIONS)
def suppression_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift one, saying why."""
    row = visible_or_404(Suppression.objects.select_related("added_by"), pk=pk)
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.lift(
                suppression=row, because=form.cleaned_data["because"], at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"{row.shown} may be contacted again where nothing else closes them.")
            return redirect("leads:suppressions")
    status = 422 if request.method == "POST" else 200
    return render(request, "leads/suppression_lift.html", {"row": row, "form": form}, status=status)
