"""What MQL and SQL mean here: the versions, one of them, signing it, and the close rates by framework."""

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Role
from apps.core.periods import day_of
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.models import Definition, Lead
from apps.leads.rules import close_rates as rates
from apps.leads.rules.frameworks import FRAMEWORKS
from apps.leads.selectors import close_rates, trial
from apps.leads.selectors import definitions as selectors
from apps.leads.services import definitions as services
from apps.leads.views.listing import number_in


def today() -> date:
    """The company's calendar day."""
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


_SIDES = {Role.MARKETING.value: services.Side.MARKETING, Role.MANAGER.value: services.Side.SALES}


def _side(user: Any) -> services.Side | None:
    """Which side this user signs for."""
    return _SIDES.get(user.role)


@require_safe
@guarded(policies.SEE_DEFINITIONS)
def definitions(request: HttpRequest) -> HttpResponse:
    """Both agreements: what holds, what comes, what waits for a signature, and every version."""
    found = selectors.agreements(today())
    in_force = next((one.in_force for one in found if one.kind == Definition.Kind.SQL), None)
    context = {
        "agreements": found,
        "compared": close_rates.comparison().of(in_force.definition) if in_force else None,
        "side": _side(request.user),
        "may_draft": policies.DRAFT_DEFINITION.admits(request.user),
    }
    return render(request, "leads/definitions.html", context)


@require_safe
@guarded(policies.SEE_DEFINITIONS)
def definition(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: what it says, what it changes, who signed. ``?effect=1`` counts what it would do."""
    found = selectors.version(pk, today())
    if found is None:
        raise Http404
    shown, user = found.standing.definition, request.user
    side = _side(user)
    terms = found.standing.terms
    may_judge = policies.DRAFT_DEFINITION.admits(user) or policies.SIGN_DEFINITION.admits(user)
    has_effect = may_judge and terms.table is not None and found.standing.state in ("draft", "coming")
    context = {
        "version": found,
        "standing": found.standing,
        "definition": shown,
        "terms": terms,
        "framework": FRAMEWORKS.get(terms.framework),
        "compared": close_rates.comparison().of(shown) if shown.kind == Definition.Kind.SQL else None,
        "side": side,
        "may_sign": side is not None and side in found.standing.waits_for,
        "may_draft": policies.DRAFT_DEFINITION.admits(user),
        "is_touched": bool(shown.marketing_signed_by_id or shown.sales_signed_by_id),
        "has_effect": has_effect,
        "effect": trial.effect(table=terms.table, needed=terms.needed, at=timezone.now(), user=user)
        if has_effect and terms.table is not None and request.GET.get("effect")
        else None,
        "minimum": rates.MINIMUM,
    }
    return render(request, "leads/definition.html", context)


@require_POST
@guarded(policies.SIGN_DEFINITION)
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign for one's own side the words that were read."""
    definition = get_object_or_404(Definition, pk=pk)
    side = _side(request.user)
    assert side is not None, "SIGN_DEFINITION admits only those who sign for a side"
    signed = services.sign_definition(
        definition=definition,
        side=side,
        today=today(),
        at=timezone.now(),
        actor=request.user,
        read=request.POST.get("read", ""),
    )
    if signed.is_signed:
        messages.success(request, f"{signed} is agreed, in force from {signed.effective_on:%d %b %Y}.")
    else:
        messages.success(request, f"Signed. {signed} waits for {side.other}.")
    return redirect("leads:definition", pk)


@require_POST
@guarded(policies.DRAFT_DEFINITION)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a draft up."""
    definition = get_object_or_404(Definition, pk=pk)
    services.withdraw_draft(definition=definition, at=timezone.now(), actor=request.user)
    messages.success(request, f"{definition} is withdrawn. It stays in the history.")
    return redirect("leads:definitions")


_PARTS = (
    ("frameworks", "By framework", "inside the ideal customer profile", "Framework"),
    ("versions", "By version", "inside the ideal customer profile", "Version"),
    ("exploration", "Exploration", "beyond the profile, or handed off below the definition", "Version"),
)
"""Tables of the comparison: rows, title, what they are taken from, head of the first column."""


@require_safe
@guarded(policies.SEE_DEFINITIONS)
def compared(request: HttpRequest) -> HttpResponse:
    """The close rate expected and seen, by framework and by version."""
    found = close_rates.comparison()
    rows = close_rates.rows_of(found)
    context = {
        "comparison": found,
        "minimum": rates.MINIMUM,
        "ticks": close_rates.ticks(close_rates.scale_of(found)),
        "parts": [
            {"title": title, "says": says, "first": first, "rows": rows[name]}
            for name, title, says, first in _PARTS
            if rows[name]
        ],
    }
    return render(request, "leads/close_rates.html", context)


@require_safe
@guarded(policies.SEE_DEFINITIONS)
def behind(request: HttpRequest) -> HttpResponse:
    """The hand-offs behind one figure of the comparison: ``?what=`` of ``?version=``, ``?framework=`` or all."""
    what = request.GET.get("what", "handed_off")
    asked, key = number_in(request.GET.get("version")), request.GET.get("framework", "")
    versions = [
        one
        for one in close_rates.comparison().versions
        if one.definition is not None
        and (one.definition.version == asked if asked else one.framework.key == (key or one.framework.key))
    ]
    if what not in close_rates.BEHIND or (not versions and (asked or key)):
        raise Http404
    outside = request.GET.get("outside") == "1"
    page = close_rates.hand_offs_behind(
        user=request.user,
        definitions=[one.definition for one in versions if one.definition is not None],
        what=what,
        outside=outside,
        after=request.GET.get("after", ""),
    )
    sides = [one.exploration if outside else one.within for one in versions]
    context = {
        "page": page,
        "what": what,
        "words": close_rates.BEHIND[what][0],
        "name": versions[0].name if asked else versions[0].framework.name if key else "All frameworks",
        "outside": outside,
        "total": sum(getattr(one, what) for one in sides),
        "openable": set(
            Lead.objects.visible_to(request.user)
            .filter(pk__in=[one.lead_id for one in page.rows])
            .values_list("pk", flat=True)
        ),
    }
    return render(request, "leads/close_rates_behind.html", context)
