"""Holding an AE's tier, and lifting the hold: by the manager of the team."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.reps.models import Rep
from apps.scorecards import policies
from apps.scorecards.forms.ranking import HoldForm
from apps.scorecards.models import RankingHold, reps_with_cards_for
from apps.scorecards.presentation_ranking import standing_row
from apps.scorecards.selectors.ranking_standing import holds_of, ranking_so_far
from apps.scorecards.services import ranking_holds as services
from apps.scorecards.views import asked


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.HOLD_MOVE)
def hold(request: HttpRequest, rep: int) -> HttpResponse:
    """Say until when no ranking moves the AE, and why."""
    aes = reps_with_cards_for(request.user).filter(role="ae").select_related("team")
    found = visible_or_404(aes, pk=rep)
    policies.HOLD_MOVE.check(request.user, found)
    status, form = 200, HoldForm()
    if request.method == "POST":
        form = HoldForm(data=request.POST)
        if form.is_valid() and _held(request, found, form):
            return redirect("scorecards:standing_of", found.pk)
        status = 422
    context = {
        "rep": found,
        "form": form,
        "today": asked.today(),
        "so_far": _so_far(found),
        "holds": holds_of(found, request.user),
    }
    return render(request, "scorecards/ranking_hold.html", context, status=status)


def _held(request: HttpRequest, rep: Rep, form: HoldForm) -> bool:
    given = form.cleaned_data
    try:
        made = services.hold_move(
            rep=rep,
            last_day=given["last_day"],
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    messages.success(request, f"No ranking moves {rep.name} until {made.last_day}. {rep.name} is told why.")
    return True


def _so_far(rep: Rep) -> dict[str, Any] | None:
    """The move that is coming, if the last month ended now."""
    found = ranking_so_far(at=timezone.now())
    group = found.group_of(rep.pk)
    if group is None:
        return None
    one = next(one for one in group.standings if one.peer.rep_id == rep.pk)
    return standing_row(one, rep.name, group.currency, found.policy.rules)


@require_POST
@guarded(policies.HOLD_MOVE)
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold it no more."""
    holds = RankingHold.objects.visible_to(request.user).select_related("rep__team", "held_by")
    found = visible_or_404(holds, pk=pk)
    policies.HOLD_MOVE.check(request.user, found.rep)
    try:
        services.lift_hold(
            hold=found, reason=request.POST.get("reason", ""), at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"The next ranking may move {found.rep.name} again.")
    return redirect("scorecards:standing_of", found.rep_id)
