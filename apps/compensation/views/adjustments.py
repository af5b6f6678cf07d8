"""Changes of pay that an inquiry leads to: proposed on its page, decided by another, taken back."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.compensation import inquiry_policies as policies
from apps.compensation.inquiry_forms import AdjustmentForm, DeclineChangeForm, ReasonForm
from apps.compensation.models import Inquiry, PayAdjustment
from apps.compensation.selectors import inquiries as selectors
from apps.compensation.services import pay_adjustments as services
from apps.compensation.views.inquiries import act, show
from apps.core.policies import guarded, visible_or_404


def _inquiry(request: HttpRequest, pk: int) -> Inquiry:
    found: Inquiry = visible_or_404(selectors.inquiries_for(request.user), pk=pk)
    return found


def _adjustment(request: HttpRequest, pk: int) -> tuple[PayAdjustment, Inquiry]:
    found: PayAdjustment = visible_or_404(selectors.adjustments_for(request.user), pk=pk)
    return found, _inquiry(request, found.inquiry_id)


@require_POST
@guarded(policies.ANSWER_INQUIRY)
def adjustment_propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose a change of pay; somebody else approves it."""
    found = _inquiry(request, pk)
    policies.ANSWER_INQUIRY.check(request.user, found)
    basis = services.basis_of(found)
    if basis is None:
        says = "No plan pays this rep in that period, so nothing can be posted: assign one first."
        return show(request, found, status=409, refusal=says)
    form = AdjustmentForm(request.POST, basis=basis, auto_id="id_change_%s")

    def done() -> None:
        given = form.cleaned_data
        services.propose(
            inquiry=found,
            amount_minor=given["amount_minor"],
            currency=given["currency"],
            component_key=given["component"],
            reason=given["reason"],
            at=timezone.now(),
            actor=request.user,
        )

    return act(request, found, done, "Proposed. Somebody else approves it.", form, "adjustment_form")


@require_POST
@guarded(policies.APPROVE_ADJUSTMENT)
def adjustment_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a change count."""
    found, inquiry = _adjustment(request, pk)
    policies.APPROVE_ADJUSTMENT.check(request.user, found)
    return act(
        request,
        inquiry,
        lambda: services.approve(adjustment=found, at=timezone.now(), actor=request.user),
        "Approved. The next computation of an open run posts it.",
    )


@require_POST
@guarded(policies.APPROVE_ADJUSTMENT)
def adjustment_decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Say no to a change, with a reason; the inquiry goes on."""
    found, inquiry = _adjustment(request, pk)
    policies.APPROVE_ADJUSTMENT.check(request.user, found)
    form = DeclineChangeForm(request.POST, auto_id="id_decline_%s")

    def done() -> None:
        services.decline(
            adjustment=found, text=form.cleaned_data["words"], at=timezone.now(), actor=request.user
        )

    return act(request, inquiry, done, "Declined. The inquiry goes on.", form, "decline_form")


@require_POST
@guarded(policies.WITHDRAW_ADJUSTMENT)
def adjustment_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what one proposed, before it is decided."""
    found, inquiry = _adjustment(request, pk)
    policies.WITHDRAW_ADJUSTMENT.check(request.user, found)
    return act(
        request,
        inquiry,
        lambda: services.withdraw(adjustment=found, at=timezone.now(), actor=request.user),
        "Withdrawn.",
    )


@require_POST
@guarded(policies.ANSWER_INQUIRY)
def adjustment_reverse(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose to take an approved change back: somebody else approves that, too."""
    found, inquiry = _adjustment(request, pk)
    policies.ANSWER_INQUIRY.check(request.user, inquiry)
    form = ReasonForm(request.POST, auto_id="id_reversal_%s")

    def done() -> None:
        services.propose_reversal(
            adjustment=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )

    return act(request, inquiry, done, "Proposed. Somebody else approves it.", form, "reversal_form")
