"""What MQL and SQL mean here: the versions, drafting one, signing it."""

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Role
from apps.core.errors import DomainError
from apps.core.periods import day_of
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.forms.definitions import DraftForm
from apps.leads.models import Definition
from apps.leads.selectors import definitions as selectors
from apps.leads.services import definitions as services


def _today() -> date:
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


_SIDES = {Role.MARKETING.value: services.Side.MARKETING, Role.MANAGER.value: services.Side.SALES}


def _side(user: Any) -> services.Side | None:
    """Which side this user signs for."""
    return _SIDES.get(user.role)


@require_safe
@guarded(policies.SEE_DEFINITIONS)
def definitions(request: HttpRequest) -> HttpResponse:
    """All versions, with their signatures and what came of them."""
    context = {
        "standings": selectors.standings(_today()),
        "side": _side(request.user),
        "may_draft": policies.DRAFT_DEFINITION.admits(request.user),
    }
    return render(request, "leads/definitions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.DRAFT_DEFINITION)
def draft(request: HttpRequest) -> HttpResponse:
    """A new version, beginning from the latest."""
    if request.method != "POST":
        kind = request.GET.get("kind", Definition.Kind.SQL)
        latest = Definition.objects.filter(kind=kind).order_by("-version").first()
        return render(request, "leads/definition_draft.html", {"form": DraftForm.from_definition(latest)})
    form = DraftForm(request.POST)
    if form.is_valid():
        read = form.cleaned_data
        try:
            drafted = services.draft_definition(
                kind=Definition.Kind(read["kind"]),
                name=read["name"],
                criteria=read["criteria"],
                needed=read["needed"],
                effective_on=read["effective_on"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, f"{drafted} is drafted. It takes effect once both sides have signed.")
            return redirect("leads:definitions")
    return render(request, "leads/definition_draft.html", {"form": form}, status=422)


@require_POST
@guarded(policies.SIGN_DEFINITION)
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign for one's own side."""
    definition = get_object_or_404(Definition, pk=pk)
    side = _side(request.user)
    assert side is not None, "SIGN_DEFINITION admits only those who sign for a side"
    signed = services.sign_definition(
        definition=definition, side=side, today=_today(), at=timezone.now(), actor=request.user
    )
    if signed.is_signed:
        messages.success(request, f"{signed} is agreed, in force from {signed.effective_on:%d %b %Y}.")
    else:
        waits = "sales" if side is services.Side.MARKETING else "marketing"
        messages.success(request, f"Signed. {signed} waits for {waits}.")
    return redirect("leads:definitions")
