"""Opportunities: board and list, one with its path and its events, and the acts on it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.money import in_words, to_major
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.opportunities import (
    AdvanceForm,
    AmountForm,
    FilterForm,
    LoseForm,
    OpenForm,
    TakeBackForm,
)
from apps.leads.models import LossReason, Opportunity, OpportunityStage
from apps.leads.selectors import opportunities as selectors
from apps.leads.services import opportunities as services
from apps.reps.selectors import rep_of

CLOSED_FOR = timedelta(days=90)
"""How long won and lost ones stay on the board."""


@require_safe
@guarded(policies.SEE_OPPORTUNITIES)
def opportunities(request: HttpRequest) -> HttpResponse:
    """``?view=board`` or ``list``; without it a desk shows the board and a phone the list."""
    now = timezone.now()
    form = FilterForm(request.GET)
    filters = form.filters()
    view = request.GET.get("view", "")
    context: dict[str, Any] = {"now": now, "filters": filters, "form": form, "view": view}
    if view != "list":
        context["board"] = selectors.board(request.user, filters, closed_since=now - CLOSED_FOR)
    if view != "board":
        context["page"] = selectors.listed(request.user, filters, after=request.GET.get("after", ""))
    context["owners"] = selectors.owners(request.user)
    context["may_open"] = policies.OPEN_OPPORTUNITY.admits(request.user)
    return render(request, "leads/opportunities.html", context)


@require_safe
@guarded(policies.SEE_OPPORTUNITIES)
def opportunity(request: HttpRequest, pk: int) -> HttpResponse:
    """One opportunity: its path, what may be done now, and what happened to it."""
    return _show(request, _found(request, pk))


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.OPEN_OPPORTUNITY)
def open_own(request: HttpRequest) -> HttpResponse:
    """A self-sourced one: the form, and what it makes."""
    rep = rep_of(request.user)
    if rep is None:
        raise Http404
    form = OpenForm(request.POST or None, currency=rep.team.currency)
    if request.method == "POST" and form.is_valid():
        opened = services.open_opportunity(
            owner=rep,
            name=form.cleaned_data["name"],
            company=form.cleaned_data["company"],
            amount_minor=form.cleaned_data["amount"],
            at=timezone.now(),
            actor=request.user,
        )
        messages.success(request, f"{opened.name} opened at stage 1.")
        return redirect("leads:opportunity", opened.pk)
    context = {"form": form, "currency": rep.team.currency}
    return render(request, "leads/opportunity_new.html", context, status=422 if form.errors else 200)


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """To the next stage, or won with its amount."""
    found = _to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    is_win = request.POST.get("stage") == OpportunityStage.WON
    form = AdvanceForm(request.POST, currency=found.currency, is_win=is_win)
    if not form.is_valid():
        return _show(request, found, status=422, advance=form)

    def act() -> str:
        moved = services.move_opportunity(
            opportunity=found,
            stage=OpportunityStage(form.cleaned_data["stage"]),
            amount_minor=form.cleaned_data["amount"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"{moved.name} is at {moved.get_stage_display().lower()}."

    return _done(request, found, act, form, "advance")


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def lose(request: HttpRequest, pk: int) -> HttpResponse:
    """Lost, with the reason."""
    found = _to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    form = LoseForm(request.POST)
    if not form.is_valid():
        return _show(request, found, status=422, losing=form)

    def act() -> str:
        services.move_opportunity(
            opportunity=found,
            stage=OpportunityStage.LOST,
            loss_reason=form.cleaned_data["loss_reason"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"{found.name} is lost: {LossReason(form.cleaned_data['loss_reason']).label.lower()}."

    return _done(request, found, act, form, "losing")


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def change_amount(request: HttpRequest, pk: int) -> HttpResponse:
    """Another amount while it is open."""
    found = _to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    form = AmountForm(request.POST, currency=found.currency)
    if not form.is_valid():
        return _show(request, found, status=422, amount=form)

    def act() -> str:
        changed = services.change_amount(
            opportunity=found,
            amount_minor=form.cleaned_data["amount"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"The amount is {in_words(changed.amount_minor or 0, changed.currency)} now."

    return _done(request, found, act, form, "amount")


@require_POST
@guarded(policies.TAKE_WIN_BACK)
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Reverse a win, with the reason: back to stage 2."""
    found = _to_act_on(request, pk, policies.TAKE_WIN_BACK)
    form = TakeBackForm(request.POST)
    if not form.is_valid():
        return _show(request, found, status=422, taking_back=form)

    def act() -> str:
        services.take_win_back(
            opportunity=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
        return f"The win of {found.name} is taken back: it is at stage 2 again."

    return _done(request, found, act, form, "taking_back")


def _found(request: HttpRequest, pk: int) -> Opportunity:
    return visible_or_404(selectors.with_owner(request.user), pk=pk)


def _to_act_on(request: HttpRequest, pk: int, policy: Any) -> Opportunity:
    found = _found(request, pk)
    policy.check(request.user, found)
    return found


def _done(request: HttpRequest, found: Opportunity, act: Any, form: forms.Form, name: str) -> HttpResponse:
    """Do it and come back to the page; a refusal stands at its field, or above the page."""
    try:
        said = act()
    except DomainError as error:
        if error.field in form.fields:
            form.add_error(error.field, error.message)
            return _show(request, found, status=422, **{name: form})
        return _show(request, _found(request, found.pk), status=error.status, refusal=error)
    messages.success(request, said)
    return redirect("leads:opportunity", found.pk)


def _show(request: HttpRequest, found: Opportunity, *, status: int = 200, **given: Any) -> HttpResponse:
    told = selectors.happenings(found)
    following = services.next_stages(found.stage)
    may_move = found.is_open and policies.MOVE_OPPORTUNITY.allows(request.user, found)
    forward = next((stage for stage in following if stage != OpportunityStage.LOST), None)
    context: dict[str, Any] = {
        "now": timezone.now(),
        "opportunity": found,
        "told": told,
        "path": selectors.stage_path(found, told),
        "may_move": may_move,
        "may_take_back": found.stage == OpportunityStage.WON
        and policies.TAKE_WIN_BACK.allows(request.user, found),
        "forward": forward,
        "sees_hand_off": found.hand_off_id and policies.SEE_HAND_OFFS.admits(request.user),
        **given,
    }
    if may_move:
        is_win = forward == OpportunityStage.WON
        context.setdefault(
            "advance", AdvanceForm(currency=found.currency, is_win=is_win, initial=_amount(found))
        )
        context.setdefault("losing", LoseForm())
        context.setdefault("amount", AmountForm(currency=found.currency, initial=_amount(found)))
    if context["may_take_back"]:
        context.setdefault("taking_back", TakeBackForm())
    return render(request, "leads/opportunity.html", context, status=status)


def _amount(found: Opportunity) -> dict[str, str]:
    """The present amount as it is typed, so that it can be kept or changed."""
    if found.amount_minor is None:
        return {}
    return {"amount": f"{to_major(found.amount_minor, found.currency):,}"}
