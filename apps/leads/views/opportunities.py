"""Opportunities: board and list, one with its path, its gate and its events, and the acts on it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.money import in_words
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.forms.opportunities import (
    AdvanceForm,
    AmountForm,
    FilterForm,
    LoseForm,
    OpenForm,
    PlanForm,
    TakeBackForm,
    UndoForm,
)
from apps.leads.models import Account, LossReason, Opportunity, OpportunityKind, OpportunityStage
from apps.leads.selectors import gates as gate_selectors
from apps.leads.selectors import opportunities as selectors
from apps.leads.services import opportunities as services
from apps.leads.views.opportunity_board import board_context
from apps.leads.views.opportunity_page import done, found_or_404, show_opportunity, to_act_on, today
from apps.reps.selectors import rep_of


@require_safe
@guarded(policies.SEE_OPPORTUNITIES)
def opportunities(request: HttpRequest) -> HttpResponse:
    """``?view=board`` or ``list``; without it a desk shows the board and a phone the list."""
    now, day = timezone.now(), today()
    form = FilterForm(request.GET)
    filters = form.filters()
    view = request.GET.get("view", "")
    context: dict[str, Any] = {
        "now": now,
        "today": day,
        "filters": filters,
        "chips": _chips(request, form),
        "form": form,
        "view": view,
        "here": request.get_full_path(),
    }
    seen: list[Opportunity] = []
    if view != "list":
        context |= board_context(request, filters)
        seen += [one for column in context["board"] for one in column.rows]
    if view != "board":
        page = selectors.listed(request.user, filters, after=request.GET.get("after", ""), on=day)
        context |= {"page": page, "totals": selectors.totals(request.user, filters, day)}
        seen += page.rows
    context["flags"] = gate_selectors.flags_of(seen)
    context["owners"] = selectors.owners(request.user)
    context["may_open"] = policies.OPEN_OPPORTUNITY.admits(request.user)
    context["sees_overrides"] = policies.SEE_OVERRIDES.admits(request.user)
    return render(request, "leads/opportunities.html", context)


@require_safe
@guarded(policies.SEE_OPPORTUNITIES)
def opportunity(request: HttpRequest, pk: int) -> HttpResponse:
    """One opportunity: its path, what may be done now, and what happened to it; as a fragment for the side panel."""
    found = found_or_404(request, pk)
    if getattr(request, "htmx", False):
        told = selectors.happenings(found)
        context = {
            "opportunity": found,
            "told": told[:6],
            "path": selectors.stage_path(found, told),
            "flags": gate_selectors.flags_of([found]).get(found.pk),
            "may_move": found.is_open and policies.MOVE_OPPORTUNITY.allows(request.user, found),
            "today": today(),
        }
        response = render(request, "leads/_opportunity_panel.html", context)
    else:
        response = show_opportunity(request, found)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.OPEN_OPPORTUNITY)
def open_own(request: HttpRequest) -> HttpResponse:
    """A self-sourced one: the form, and what it makes. ``?account=`` names a known one: an upsell, as a start."""
    rep = rep_of(request.user)
    if rep is None:
        raise Http404
    account = _account(request)
    begin = {"name": f"{account.name}, upsell", "company": account.name, "kind": "upsell"} if account else {}
    form = OpenForm(request.POST or None, currency=rep.team.currency, initial=begin)
    if request.method == "POST" and form.is_valid():
        read = form.cleaned_data
        try:
            opened = services.open_opportunity(
                owner=rep,
                name=read["name"],
                account=account if account and read["company"] in ("", account.name) else None,
                company=read["company"],
                kind=OpportunityKind(read["kind"]),
                amount_minor=read["amount"],
                currency=read["currency"],
                expected_close_on=read["expected_close_on"],
                next_step=read["next_step"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"{opened.name} opened at stage 1.")
            return redirect("leads:opportunity", opened.pk)
    context = {"form": form, "currency": rep.team.currency, "account": account}
    return render(request, "leads/opportunity_new.html", context, status=422 if form.errors else 200)


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """To the next stage, or won with its amount."""
    found = to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    is_win = request.POST.get("stage") == OpportunityStage.WON
    form = AdvanceForm(request.POST, currency=found.currency, is_win=is_win)
    if not form.is_valid():
        return show_opportunity(request, found, status=422, advance=form)

    def act() -> str:
        moved = services.move_opportunity(
            opportunity=found,
            stage=OpportunityStage(form.cleaned_data["stage"]),
            amount_minor=form.cleaned_data["amount"],
            override=form.cleaned_data["override"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"{moved.name} is at {moved.get_stage_display().lower()}."

    return done(request, found, act, form, "advance")


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def lose(request: HttpRequest, pk: int) -> HttpResponse:
    """Lost, with the reason."""
    found = to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    form = LoseForm(request.POST)
    if not form.is_valid():
        return show_opportunity(request, found, status=422, losing=form)

    def act() -> str:
        services.move_opportunity(
            opportunity=found,
            stage=OpportunityStage.LOST,
            loss_reason=form.cleaned_data["loss_reason"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"{found.name} is lost: {LossReason(form.cleaned_data['loss_reason']).label.lower()}."

    return done(request, found, act, form, "losing")


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def change_amount(request: HttpRequest, pk: int) -> HttpResponse:
    """Another amount while it is open."""
    found = to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    form = AmountForm(request.POST, currency=found.currency)
    if not form.is_valid():
        return show_opportunity(request, found, status=422, amount=form)

    def act() -> str:
        changed = services.change_amount(
            opportunity=found,
            amount_minor=form.cleaned_data["amount"],
            currency=form.cleaned_data["currency"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"The amount is {in_words(changed.amount_minor or 0, changed.currency)} now."

    return done(request, found, act, form, "amount")


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """When it should close, and the next step."""
    found = to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    form = PlanForm(request.POST)
    if not form.is_valid():
        return show_opportunity(request, found, status=422, planning=form)

    def act() -> str:
        services.plan_opportunity(
            opportunity=found,
            expected_close_on=form.cleaned_data["expected_close_on"],
            next_step=form.cleaned_data["next_step"],
            at=timezone.now(),
            actor=request.user,
        )
        return "The plan is kept."

    return done(request, found, act, form, "planning")


@require_POST
@guarded(policies.UNDO_MOVE)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a mistaken move back."""
    found = to_act_on(request, pk, policies.UNDO_MOVE)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return show_opportunity(request, found, status=422, undoing=form)

    def act() -> str:
        services.undo_move(
            opportunity=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
        return f"Taken back: {found.name} is at {found.get_stage_display().lower()} again."

    return done(request, found, act, form, "undoing")


@require_POST
@guarded(policies.TAKE_WIN_BACK)
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Reverse a win, with the reason: back to stage 2."""
    found = to_act_on(request, pk, policies.TAKE_WIN_BACK)
    form = TakeBackForm(request.POST)
    if not form.is_valid():
        return show_opportunity(request, found, status=422, taking_back=form)

    def act() -> str:
        services.take_win_back(
            opportunity=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
        return f"The win of {found.name} is taken back: it is at stage 2 again."

    return done(request, found, act, form, "taking_back")


@dataclass(frozen=True)
class Chip:
    """A filter in force, and the address without it."""

    word: str
    value: str
    without: str


def _chips(request: HttpRequest, form: FilterForm) -> list[Chip]:
    """The filters of the address that could be read, as chips."""
    read = form.cleaned_data
    found = []
    for name, field in form.fields.items():
        if not read.get(name):
            continue
        left = request.GET.copy()
        for gone in (name, "after"):
            left.pop(gone, None)
        value = dict(getattr(field, "choices", ())).get(read[name], read[name])
        if name == "owner":
            value = next((one.name for one in selectors.owners(request.user) if one.pk == value), value)
        word = "Name" if name == "q" else name.capitalize()
        found.append(Chip(word, str(value), f"?{left.urlencode()}"))
    return found


def _account(request: HttpRequest) -> Account | None:
    asked = request.GET.get("account", "")
    if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
        return None
    return Account.objects.visible_to(request.user).filter(pk=asked).first()
