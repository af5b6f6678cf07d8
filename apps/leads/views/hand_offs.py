"""The AE's hand-offs: what waits, the evidence, accept or reject. SDR, manager and others read along."""

from math import ceil
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Role
from apps.accounts.zones import zone_of
from apps.core.errors import DomainError, InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import answer_policies, policies
from apps.leads.forms.hand_offs import AcceptForm, RejectForm
from apps.leads.models import HandOff, RejectionReason
from apps.leads.selectors import hand_offs as selectors
from apps.leads.selectors.what_follows import what_follows
from apps.leads.services import contests, unanswering
from apps.leads.services import hand_offs as services


@require_safe
@guarded(policies.SEE_HAND_OFFS)
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits, with the oldest promise open beside it; ``?list`` shows a phone the list first."""
    return _show(request, None)


@require_safe
@guarded(policies.SEE_HAND_OFFS)
def hand_off(request: HttpRequest, pk: int) -> HttpResponse:
    """One hand-off with its evidence; by htmx only the detail, with the list renewed beside it."""
    return _show(request, _found(request, pk))


@require_POST
@guarded(policies.DECIDE_HAND_OFF)
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept, with an estimate or without one."""
    found = _found(request, pk)
    policies.DECIDE_HAND_OFF.check(request.user, found)
    form = AcceptForm(request.POST, currency=found.ae.team.currency)
    if not form.is_valid():
        return _show(request, found, status=422, accept_form=form)
    try:
        services.accept_hand_off(
            hand_off=found,
            at=timezone.now(),
            amount_minor=form.cleaned_data["amount"],
            actor=request.user,
        )
    except services.UnableToDecide as error:
        return _refused(request, found, error)
    messages.success(
        request, f"{found.lead.company or found.lead.label} accepted: an opportunity opened at stage 1."
    )
    return redirect("leads:inbox")


@require_POST
@guarded(policies.DECIDE_HAND_OFF)
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject on a criterion; what was typed stands again beside an error."""
    found = _found(request, pk)
    policies.DECIDE_HAND_OFF.check(request.user, found)
    form = RejectForm(request.POST, criteria=services.criteria_of(found))
    if not form.is_valid():
        return _show(request, found, status=422, reject_form=form)
    try:
        services.reject_hand_off(
            hand_off=found,
            criterion=form.cleaned_data["criterion"],
            reason=RejectionReason(form.cleaned_data["reason"]),
            comment=form.cleaned_data["comment"],
            at=timezone.now(),
            actor=request.user,
        )
    except services.UnableToDecide as error:
        return _refused(request, found, error)
    except InvalidInput as error:
        form.add_error(error.field or None, error.message)
        return _show(request, found, status=422, reject_form=form)
    messages.success(
        request, f"{found.lead.company or found.lead.label} rejected; {found.sdr.name} has it back."
    )
    return redirect("leads:inbox")


@require_POST
@guarded(policies.DECIDE_HAND_OFF)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's answer back, within the minute; a refusal says why."""
    found = _found(request, pk)
    policies.DECIDE_HAND_OFF.check(request.user, found)
    try:
        back = unanswering.take_answer_back(hand_off=found, at=timezone.now(), actor=request.user)
    except (unanswering.UnableToTakeBack, services.UnableToDecide) as error:
        return _refused(request, found, error)
    messages.info(request, back.in_words)
    return redirect("leads:hand_off", found.pk)


def _refused(request: HttpRequest, found: HandOff, error: DomainError) -> HttpResponse:
    """The page as it stands now, with the refusal above it; who answered and when is told in the viewer's time."""
    found = _found(request, found.pk)
    said = error.message
    if isinstance(error, services.UnableToDecide) and found.state != HandOff.State.PENDING:
        said = services.answered_already(hand_off=found, zone=zone_of(request.user))
    return _show(request, found, status=409, refusal=said)


def _found(request: HttpRequest, pk: int) -> HandOff:
    return visible_or_404(selectors.dossier_rows(request.user), pk=pk)


def _show(
    request: HttpRequest,
    chosen: HandOff | None,
    *,
    status: int = 200,
    accept_form: AcceptForm | None = None,
    reject_form: RejectForm | None = None,
    refusal: str = "",
) -> HttpResponse:
    now = timezone.now()
    zone = zone_of(request.user)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    box = selectors.inbox(request.user, since=midnight)
    opened = chosen is not None or (bool(box.waiting) and "list" not in request.GET)
    if chosen is None and box.waiting:
        chosen = selectors.dossier_rows(request.user).get(pk=box.waiting[0].pk)
    context: dict[str, Any] = {"now": now, "box": box, "chosen": chosen, "opened": opened, "refusal": refusal}
    context["names_ae"] = request.user.role != Role.AE
    context["undoable"] = [
        (one, until, max(1, ceil((until - now).total_seconds())))
        for one in box.answered
        if one.ae.user_id == request.user.pk
        and (until := unanswering.undo_until(one)) is not None
        and until >= now
    ]
    context["sees_patterns"] = answer_policies.SEE_ANSWER_PATTERNS.admits(request.user)
    if chosen is not None:
        context |= _detail(request, chosen, box, zone, now)
        if context["may_decide"]:
            context["accept_form"] = accept_form or AcceptForm(currency=chosen.ae.team.currency)
            context["reject_form"] = reject_form or RejectForm(criteria=context["dossier"].criteria)
    fragment = request.htmx and status == 200
    return render(
        request, "leads/_inbox_swap.html" if fragment else "leads/inbox.html", context, status=status
    )


def _detail(
    request: HttpRequest, chosen: HandOff, box: selectors.Inbox, zone: Any, now: Any
) -> dict[str, Any]:
    is_ae = chosen.ae.user_id == request.user.pk
    place, before, after = box.neighbours(chosen.pk)
    context: dict[str, Any] = {
        "dossier": selectors.dossier(chosen, chosen.ae if is_ae else None),
        "day": selectors.day_of_meeting(
            chosen.meeting, chosen.lead.company or chosen.lead.label, zone, with_titles=is_ae
        )
        if chosen.meeting
        else None,
        "place": place,
        "before": before,
        "after": after,
        "is_pending": chosen.state == HandOff.State.PENDING,
        "follows": what_follows(chosen, now),
        "contest": getattr(chosen, "contest", None),
        "may_contest": answer_policies.CONTEST.allows(request.user, chosen)
        and not contests.why_not(hand_off=chosen, at=now),
        "undo_until": until
        if is_ae and (until := unanswering.undo_until(chosen)) is not None and until >= now
        else None,
        "may_decide": chosen.state == HandOff.State.PENDING
        and policies.DECIDE_HAND_OFF.allows(request.user, chosen),
    }
    if is_ae:
        since = now - selectors.ANSWER_WINDOW
        context["own_answers"], context["peer_answers"] = selectors.own_and_peers(chosen.ae, since=since)
    return context
