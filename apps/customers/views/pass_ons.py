"""One account on its way from the AE to whoever looks after it: written, accepted, sent back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.money import to_major
from apps.core.policies import guarded, visible_or_404
from apps.customers import policies
from apps.customers.forms.customers import PassOnForm, SendBackForm
from apps.customers.models import PassOn
from apps.customers.services import contracts, pass_ons
from apps.customers.services.contracts import Terms
from apps.customers.views.customers import today
from apps.leads.models import Account
from apps.reps.models import Rep


@require_safe
@guarded(policies.SEE_PASS_ON)
def pass_on(request: HttpRequest, pk: int) -> HttpResponse:
    """What was promised, to whom it goes and why to them; the form while it is to be written."""
    return _show(request, _found(request, pk))


@require_POST
@guarded(policies.WRITE_PASS_ON)
def write(request: HttpRequest, pk: int) -> HttpResponse:
    """Write it, and offer the account to its receiver."""
    found = _found(request, pk)
    policies.WRITE_PASS_ON.check(request.user, found)
    form = _form(found, request.POST)
    if not form.is_valid():
        return _show(request, found, status=422, form=form)
    read = form.cleaned_data
    try:
        offered = pass_ons.offer_pass_on(
            pass_on=found,
            promises=read["promises"],
            terms=Terms(read["starts_on"], read["ends_on"], read["amount"]),
            contacts=read["contacts"],
            note=read["note"],
            receiver=read["receiver"],
            at=timezone.now(),
            today=today(),
            actor=request.user,
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _show(request, found, status=422 if error.field else error.status, form=form)
    messages.success(request, f"Offered to {offered.receiver.name if offered.receiver else ''}.")
    return redirect("customers:pass_on", pk)


@require_POST
@guarded(policies.ACCEPT_PASS_ON)
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the account over."""
    found = _found(request, pk)
    policies.ACCEPT_PASS_ON.check(request.user, found)
    try:
        pass_ons.accept_pass_on(pass_on=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        return _show(request, _found(request, pk), status=error.status, refusal=error)
    messages.success(request, f"{found.account.name} is yours to look after.")
    return redirect("customers:customer", found.account_id)


@require_POST
@guarded(policies.ACCEPT_PASS_ON)
def back(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for more first."""
    found = _found(request, pk)
    policies.ACCEPT_PASS_ON.check(request.user, found)
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return _show(request, found, status=422, back_form=form)
    try:
        pass_ons.send_back(
            pass_on=found, question=form.cleaned_data["question"], at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        return _show(request, _found(request, pk), status=error.status, refusal=error)
    messages.success(request, f"Sent back to {found.giver.name} with your question.")
    return redirect("customers:home")


def _found(request: HttpRequest, pk: int) -> PassOn:
    rows = PassOn.objects.visible_to(request.user).select_related(
        "account__owner", "opportunity__owner", "opportunity__contract",
        "giver__team", "giver__user", "receiver__user", "receiver__team", "accepted_by",
    )  # fmt: skip
    return visible_or_404(rows, pk=pk)


def _form(found: PassOn, data: Any = None) -> PassOnForm:
    chosen = pass_ons.choose_receiver(pass_on=found, on=today())
    listed = [rep.pk for rep, _ in pass_ons.receivers(giver=found.giver, on=today())]
    contract = getattr(found.opportunity, "contract", None)
    if contract is not None and contract.voided_at is None:
        terms = Terms(contract.starts_on, contract.ends_on, contract.amount_minor)
    else:
        terms = contracts.usual_terms(opportunity=found.opportunity, on=today())
    currency = found.opportunity.currency
    lines = [f"{one.words} (by {one.due_on})" if one.due_on else one.words for one in found.promises.all()]
    return PassOnForm(
        data,
        currency=currency,
        receivers=Rep.objects.filter(pk__in=listed).order_by("name", "pk"),
        by_rule=f"By rule: {chosen.because}" if chosen else "Nobody is here yet",
        initial={
            "promises": "\n".join(lines),
            "starts_on": terms.starts_on,
            "ends_on": terms.ends_on,
            "amount": f"{to_major(terms.amount_minor, currency):,}",
            "contacts": found.contacts or _contact(found),
            "note": found.note,
        },
    )


def _contact(found: PassOn) -> str:
    """Who was spoken with, as a start."""
    lead = found.opportunity.lead
    if lead is None:
        return ""
    return ", ".join(filter(None, (lead.name, lead.title, lead.email)))


def _show(request: HttpRequest, found: PassOn, *, status: int = 200, **given: Any) -> HttpResponse:
    writes = found.state == PassOn.State.TO_WRITE and policies.WRITE_PASS_ON.allows(request.user, found)
    accepts = found.state == PassOn.State.OFFERED and policies.ACCEPT_PASS_ON.allows(request.user, found)
    sees = policies.SEE_CUSTOMERS.admits(request.user)
    context: dict[str, Any] = {
        "pass_on": found,
        "promises": list(found.promises.all()),
        "contract": getattr(found.opportunity, "contract", None),
        "writes": writes,
        "accepts": accepts,
        "sees_customer": sees
        and Account.objects.visible_to(request.user).filter(pk=found.account_id).exists(),
        **given,
    }
    if writes:
        context.setdefault("form", _form(found))
    if accepts:
        context.setdefault("back_form", SendBackForm())
    return render(request, "customers/pass_on.html", context, status=status)
