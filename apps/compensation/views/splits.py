"""Credits by hand: the worklist, one split with its decision, and the form that asks for one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.compensation import policies
from apps.compensation.models import CreditSplit, Verdict
from apps.compensation.selectors import splits as selectors
from apps.compensation.services import credit_splits as services
from apps.compensation.split_forms import CapacityForm, DeclineForm, ReversalForm, SplitForm
from apps.core.errors import DomainError, note_refusal
from apps.core.policies import guarded, visible_or_404
from apps.leads.models import Capacity, FunnelEvent
from apps.leads.selectors.events import event_for, reachable


@require_safe
@guarded(policies.SEE_SPLITS)
def split_list(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, and what was decided."""
    found = selectors.worklist(request.user, after=request.GET.get("after", ""))
    context = {
        "work": found,
        "decides": policies.DECIDE_SPLIT.admits(request.user),
    }
    return render(request, "compensation/splits.html", context)


def _split(request: HttpRequest, pk: int) -> CreditSplit:
    found: CreditSplit = visible_or_404(selectors.splits_for(request.user), pk=pk)
    return found


@require_safe
@guarded(policies.SEE_SPLITS)
def split(request: HttpRequest, pk: int) -> HttpResponse:
    """One split: before and after, why, and what became of it."""
    return _page(request, _split(request, pk))


def _page(request: HttpRequest, found: CreditSplit, status: int = 200, **forms: Any) -> HttpResponse:
    user, waits = request.user, not found.verdict
    mine = found.proposed_by_id == user.pk
    newest = found.verdict == Verdict.APPROVED and not (
        CreditSplit.objects.filter(event=found.event_id, capacity=found.capacity, number__gt=found.number)
        .exclude(decision__verdict__in=(Verdict.DECLINED, Verdict.WITHDRAWN))
        .exists()
    )
    context = {
        "split": found,
        "visible": reachable(found.event, user),
        "sees_event": event_for(user).filter(pk=found.event_id).exists(),
        "may_decide": waits and policies.DECIDE_SPLIT.allows(user, found),
        "why_not": services.why_not_approve(split=found, user=user)
        if waits and policies.DECIDE_SPLIT.admits(user)
        else "",
        "may_withdraw": waits and mine,
        "may_reverse": newest and policies.PROPOSE_SPLIT.admits(user),
        "decline": forms.get("decline") or DeclineForm(),
        "reversal": forms.get("reversal") or ReversalForm(),
        "refusal": forms.get("refusal", ""),
    }
    return render(request, "compensation/split.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.PROPOSE_SPLIT)
def split_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another split of an event's credit; what stands now is filled in."""
    event: FunnelEvent = visible_or_404(event_for(request.user), pk=pk)
    now = timezone.now()
    asked = CapacityForm({"capacity": request.GET.get("capacity", "")})
    capacity = (
        Capacity(asked.cleaned_data["capacity"]) if asked.is_valid() else selectors.usual_capacity(event)
    )
    standing = selectors.standing_of(event, capacity, now)
    form = SplitForm(request.POST or None, standing=standing.pairs)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = services.propose_split(
                    event=event,
                    capacity=capacity,
                    shares=form.cleaned_data["shares"],
                    reason=form.cleaned_data["reason"],
                    at=now,
                    actor=request.user,
                )
            except DomainError as error:
                note_refusal(error)
                form.add_error(error.field if error.field in form.fields else None, error.message)
            else:
                messages.success(request, "Asked for. It counts once RevOps or finance approves it.")
                return redirect("compensation:split", made.pk)
    context = {
        "event": event,
        "standing": standing,
        "form": form,
        "others": [one for one in Capacity if one != capacity],
        "splittable": event.kind in services.SPLITTABLE and getattr(event, "reversed_by", None) is None,
    }
    return render(request, "compensation/split_new.html", context, status=status)


@require_POST
@guarded(policies.DECIDE_SPLIT)
def split_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it count."""
    found = _split(request, pk)
    policies.DECIDE_SPLIT.check(request.user, found)
    try:
        services.approve_split(split=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        note_refusal(error)
        return _page(request, _split(request, pk), status=error.status, refusal=error.message)
    messages.success(request, "Approved. Pay counts it from now on.")
    return redirect("compensation:split", pk)


@require_POST
@guarded(policies.DECIDE_SPLIT)
def split_decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Say no, with a reason."""
    found = _split(request, pk)
    policies.DECIDE_SPLIT.check(request.user, found)
    form = DeclineForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=422, decline=form)
    try:
        services.decline_split(
            split=found, words=form.cleaned_data["words"], at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        note_refusal(error)
        return _page(request, _split(request, pk), status=error.status, refusal=error.message)
    messages.success(request, "Declined. Who asked is told why.")
    return redirect("compensation:split", pk)


@require_POST
@guarded(policies.PROPOSE_SPLIT)
def split_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what one asked for."""
    found = _split(request, pk)
    try:
        services.withdraw_split(split=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        note_refusal(error)
        return _page(request, _split(request, pk), status=error.status, refusal=error.message)
    messages.success(request, "Withdrawn.")
    return redirect("compensation:split", pk)


@require_POST
@guarded(policies.PROPOSE_SPLIT)
def split_reverse(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask that an approved split be taken back: that, too, is approved by another."""
    found = _split(request, pk)
    form = ReversalForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=422, reversal=form)
    try:
        made = services.propose_reversal(
            split=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        note_refusal(error)
        return _page(request, found, status=error.status, refusal=error.message)
    messages.success(request, "Asked for. It counts once RevOps or finance approves it.")
    return redirect("compensation:split", made.pk)
