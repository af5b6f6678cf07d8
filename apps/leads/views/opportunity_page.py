"""The page of one opportunity and what its acts share: who may, where it ends, what is shown again.

Not views: what the views of opportunities and of gates both answer with.
"""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.errors import DomainError
from apps.core.money import to_major
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.leads import credit_policies, policies
from apps.leads.forms.gates import AnswersForm
from apps.leads.forms.opportunities import (
    AdvanceForm,
    AmountForm,
    LoseForm,
    PlanForm,
    TakeBackForm,
    UndoForm,
)
from apps.leads.models import Opportunity, OpportunityStage
from apps.leads.rules.credit_rules import KINDS
from apps.leads.selectors import gates as gate_selectors
from apps.leads.selectors import opportunities as selectors
from apps.leads.services import gates as gate_services
from apps.leads.services import opportunities as services


def today() -> date:
    """The company's calendar day."""
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


def found_or_404(request: HttpRequest, pk: int) -> Opportunity:
    """One in the user's scope, with what its page and its policies read."""
    return visible_or_404(selectors.with_owner(request.user), pk=pk)


def to_act_on(request: HttpRequest, pk: int, policy: Any) -> Opportunity:
    """The opportunity in the user's scope; 404 out of it, 403 where ``policy`` refuses."""
    found = found_or_404(request, pk)
    policy.check(request.user, found)
    return found


def back_of(request: HttpRequest) -> str:
    """Where the act was begun, if that is a page of ours; "" otherwise."""
    back = str(request.POST.get("back", ""))
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return back if is_ours else ""


def done(request: HttpRequest, found: Opportunity, act: Any, form: forms.Form, name: str) -> HttpResponse:
    """Do it and come back to the page; a refusal stands at its field, or above the page."""
    try:
        said = act()
    except DomainError as error:
        if error.field in form.fields:
            form.add_error(error.field, error.message)
            return show_opportunity(request, found, status=422, **{name: form})
        return show_opportunity(
            request, found_or_404(request, found.pk), status=error.status, refusal=error, **{name: form}
        )
    messages.success(request, said)
    if getattr(request, "htmx", False):
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    return redirect(back_of(request) or reverse("leads:opportunity", args=[found.pk]))


def show_opportunity(
    request: HttpRequest, found: Opportunity, *, status: int = 200, **given: Any
) -> HttpResponse:
    """The page of one opportunity, with the forms in ``given`` as they were typed."""
    now = timezone.now()
    told = selectors.happenings(found)
    following = services.next_stages(found.stage)
    may_move = found.is_open and policies.MOVE_OPPORTUNITY.allows(request.user, found)
    forward = next((stage for stage in following if stage != OpportunityStage.LOST), None)
    standing = (
        gate_services.standing_of(opportunity=found, stage=forward, at=now) if forward is not None else None
    )
    context: dict[str, Any] = {
        "now": now,
        "today": today(),
        "opportunity": found,
        "told": told,
        "amounts": selectors.amount_history(told),
        "path": selectors.stage_path(found, told),
        "may_move": may_move,
        "may_take_back": found.stage == OpportunityStage.WON
        and policies.TAKE_WIN_BACK.allows(request.user, found),
        "may_undo": _may_undo(request, found, now),
        "forward": forward,
        "standing": standing,
        "passages": gate_selectors.passages_of(found),
        "may_split": credit_policies.ASK_FOR_SPLIT.admits(request.user),
        "payable": KINDS,
        "flags": gate_selectors.flags_of([found]).get(found.pk),
        "sees_hand_off": found.hand_off_id and policies.SEE_HAND_OFFS.admits(request.user),
        "sees_account": found.account_id and policies.SEE_ACCOUNTS.admits(request.user),
        **given,
    }
    if may_move:
        context |= _forms(request, found, forward, standing, context)
    if context["may_take_back"]:
        context.setdefault("taking_back", TakeBackForm())
    if context["may_undo"]:
        context.setdefault("undoing", UndoForm())
    return render(request, "leads/opportunity.html", context, status=status)


def _may_undo(request: HttpRequest, found: Opportunity, now: Any) -> bool:
    if not policies.UNDO_MOVE.allows(request.user, found):
        return False
    event = services.move_to_undo(found)
    return event is not None and services.may_undo(opportunity=found, event=event, user=request.user, at=now)


def _forms(
    request: HttpRequest, found: Opportunity, forward: Any, standing: Any, given: dict[str, Any]
) -> dict[str, Any]:
    """The forms of one that may be moved, but those that came back as typed."""
    is_win = forward == OpportunityStage.WON
    amount = typed_amount(found)
    fresh: dict[str, Any] = {
        "advance": AdvanceForm(currency=found.currency, is_win=is_win, initial=amount),
        "losing": LoseForm(),
        "amount": AmountForm(currency=found.currency, initial=amount),
        "planning": PlanForm(
            initial={"expected_close_on": found.expected_close_on, "next_step": found.next_step}
        ),
        "answers": AnswersForm(judged=standing.judged) if standing else None,
        "may_override": standing is not None
        and gate_services.may_override(gate=standing.gate, opportunity=found, user=request.user),
    }
    return {name: given.get(name, value) for name, value in fresh.items()}


def typed_amount(found: Opportunity) -> dict[str, str]:
    """The present amount as it is typed, so that it can be kept or changed."""
    if found.amount_minor is None:
        return {}
    return {"amount": f"{to_major(found.amount_minor, found.currency):,}"}
