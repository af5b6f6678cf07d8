"""The board of opportunities: what stands on it, and a card that is dropped on another column."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.core.errors import DomainError
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.forms.opportunities import AdvanceForm, FilterForm, LoseForm
from apps.leads.models import Opportunity, OpportunityStage
from apps.leads.selectors import gates as gate_selectors
from apps.leads.selectors import opportunities as selectors
from apps.leads.services import gates as gate_services
from apps.leads.services import opportunities as services
from apps.leads.views.opportunity_page import back_of, to_act_on, today, typed_amount

CLOSED_FOR = timedelta(days=90)
"""How long won and lost ones stay on the board."""


@require_POST
@guarded(policies.MOVE_OPPORTUNITY)
def board_move(request: HttpRequest, pk: int) -> HttpResponse:
    """A card dropped on a column. What wants more (an amount, a reason, an answer) is asked for; the rest is done.

    Answers with the board; with a form for the dialog where something is missing.
    """
    found = to_act_on(request, pk, policies.MOVE_OPPORTUNITY)
    stage = str(request.POST.get("stage", ""))
    if stage not in services.next_stages(found.stage):
        messages.error(request, f"From {found.get_stage_display().lower()} it cannot go there.")
        return _renewed_board(request)
    standing = gate_services.standing_of(opportunity=found, stage=stage, at=timezone.now())
    closes = stage in (OpportunityStage.WON, OpportunityStage.LOST)
    if closes or (standing is not None and not standing.is_met):
        return _asked_for_more(request, found, stage, standing)
    try:
        services.move_opportunity(
            opportunity=found, stage=OpportunityStage(stage), at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request,
            f"{found.name} is at {found.get_stage_display().lower()}.",
            extra_tags=f"undo={reverse('leads:opportunity_undo', args=[found.pk])}",
        )
    return _renewed_board(request)


def board_context(request: HttpRequest, filters: selectors.Filters) -> dict[str, Any]:
    """What ``leads/_opportunity_board.html`` shows."""
    since = timezone.now() - CLOSED_FOR
    board = selectors.board(request.user, filters, closed_since=since, on=today())
    return {
        "board": board,
        "moves_cards": policies.MOVE_OPPORTUNITY.admits(request.user),
        "next_of": {stage: services.next_stages(stage) for stage in OpportunityStage.open_stages()},
    }


def _renewed_board(request: HttpRequest) -> HttpResponse:
    """The board as its address asks for it (the dropped card came from there), with what was said."""
    query = request.POST.get("query", "")
    asked = FilterForm(QueryDict(query[:2000]))
    context = board_context(request, asked.filters()) | {
        "now": timezone.now(),
        "today": today(),
        "query": query,
    }
    context["here"] = f"{reverse('leads:opportunities')}?{query}"
    context["flags"] = gate_selectors.flags_of(one for column in context["board"] for one in column.rows)
    context["messages_oob"] = True
    return render(request, "leads/_opportunity_board.html", context)


def _asked_for_more(request: HttpRequest, found: Opportunity, stage: str, standing: Any) -> HttpResponse:
    """The form that a drop on a column opens in the dialog."""
    is_win = stage == OpportunityStage.WON
    context: dict[str, Any] = {
        "opportunity": found,
        "stage": OpportunityStage(stage),
        "standing": standing,
        "back": back_of(request),
        "may_override": standing is not None
        and gate_services.may_override(gate=standing.gate, opportunity=found, user=request.user),
    }
    if stage == OpportunityStage.LOST:
        context["losing"] = LoseForm(auto_id="drop_%s")
    else:
        context["advance"] = AdvanceForm(
            currency=found.currency, is_win=is_win, initial=typed_amount(found), auto_id="drop_%s"
        )
    response = render(request, "leads/_opportunity_drop.html", context)
    response["HX-Retarget"], response["HX-Reswap"] = "#modal-body", "innerHTML"
    return response
