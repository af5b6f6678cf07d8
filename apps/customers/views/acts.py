"""What is done on a customer's page: record, correct, renew, tick off."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.customers import policies
from apps.customers.forms.customers import ChurnForm, ContractForm, HealthForm, NpsForm, ReasonForm
from apps.customers.models import Churn, Contract, HealthReading, PassOn, Promise
from apps.customers.services import contracts, pass_ons, readings, renewals
from apps.customers.services.contracts import Terms
from apps.customers.views.customers import found_or_404, running, show_customer, today
from apps.leads.models import Account


@require_POST
@guarded(policies.RECORD)
def health(request: HttpRequest, pk: int) -> HttpResponse:
    """How the account is doing."""
    account = _to_record(request, pk)
    form = HealthForm(request.POST)

    def act() -> str:
        read = form.cleaned_data
        reading = readings.record_health(
            account=account,
            status=HealthReading.Status(read["status"]),
            why=read["why"],
            drivers=read["drivers"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"{account.name}: {reading.get_status_display().lower()}."

    return _done(request, account, form, "health_form", act)


@require_POST
@guarded(policies.RECORD)
def nps(request: HttpRequest, pk: int) -> HttpResponse:
    """An answer of somebody at the customer."""
    account = _to_record(request, pk)
    form = NpsForm(request.POST)

    def act() -> str:
        read = form.cleaned_data
        answer = readings.record_nps(
            account=account,
            score=read["score"],
            respondent=read["respondent"],
            comment=read["comment"],
            answered_on=read["answered_on"],
            today=today(),
            at=timezone.now(),
            actor=request.user,
        )
        return f"{answer.respondent}: {answer.score} of 10."

    return _done(request, account, form, "nps_form", act)


@require_POST
@guarded(policies.RECORD)
def churn(request: HttpRequest, pk: int) -> HttpResponse:
    """The customer leaves, or gives a part up."""
    account = _to_record(request, pk)
    form = ChurnForm(request.POST, contracts=running(account), currency=settings.COMPANY_CURRENCY)

    def act() -> str:
        read = form.cleaned_data
        kept = readings.record_churn(
            account=account,
            extent=Churn.Extent(read["extent"]),
            churned_on=read["churned_on"],
            reason=Churn.Reason(read["reason"]),
            note=read["note"],
            contract=read["contract"] if read["extent"] == Churn.Extent.PARTIAL else None,
            lost_minor=read["lost"],
            at=timezone.now(),
            actor=request.user,
        )
        return f"{account.name}: {kept.get_extent_display().lower()} from {kept.churned_on:%d %b %Y}."

    return _done(request, account, form, "churn_form", act)


@require_POST
@guarded(policies.TAKE_CHURN_BACK)
def churn_back(request: HttpRequest, pk: int) -> HttpResponse:
    """They stayed after all, or it was a mistake."""
    rows = Churn.objects.visible_to(request.user).select_related("account__owner__team", "event")
    found = visible_or_404(rows, pk=pk)
    policies.TAKE_CHURN_BACK.check(request.user, found)
    form = ReasonForm(request.POST)

    def act() -> str:
        readings.take_churn_back(
            churn=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
        return f"Taken back: {found.account.name} is a customer as before."

    return _done(request, found.account, form, "back_form", act)


@require_POST
@guarded(policies.KEEP_CONTRACT)
def contract(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct a contract's dates and amount."""
    found = _contract(request, pk)
    form = ContractForm(request.POST, currency=found.currency, auto_id=f"contract_{found.pk}_%s")

    def act() -> str:
        read = form.cleaned_data
        terms = Terms(read["starts_on"], read["ends_on"], read["amount"])
        contracts.change_contract(contract=found, terms=terms, at=timezone.now(), actor=request.user)
        return "The contract is kept as it stands now."

    return _done(request, found.account, form, "contract_form", act, of=found.pk)


@require_POST
@guarded(policies.KEEP_CONTRACT)
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the renewal before the sweep does."""
    found = _contract(request, pk)
    try:
        opened = renewals.renew(contract=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("customers:customer", found.account_id)
    if opened is None:
        messages.info(request, "Its renewal is open already.")
        return redirect("customers:customer", found.account_id)
    messages.success(request, f"{opened.name} is open.")
    return redirect("leads:opportunity", opened.pk)


@require_POST
@guarded(policies.KEEP_CONTRACT)
def promise(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick a promise off, or open it again."""
    seen = PassOn.objects.visible_to(request.user)
    rows = Promise.objects.filter(pass_on__in=seen.values("pk")).select_related(
        "pass_on__account__owner__team"
    )
    found = visible_or_404(rows, pk=pk)
    policies.KEEP_CONTRACT.check(request.user, found.pass_on)
    kept = request.POST.get("kept") == "1"
    pass_ons.keep_promise(promise=found, kept=kept, at=timezone.now(), actor=request.user)
    messages.success(request, "Kept." if kept else "Open again.")
    return redirect("customers:customer", found.pass_on.account_id)


def _to_record(request: HttpRequest, pk: int) -> Account:
    found = found_or_404(request, pk)
    policies.RECORD.check(request.user, found)
    return found


def _contract(request: HttpRequest, pk: int) -> Contract:
    rows = Contract.objects.visible_to(request.user).select_related("account__owner__team", "opportunity")
    found = visible_or_404(rows, pk=pk)
    policies.KEEP_CONTRACT.check(request.user, found)
    return found


def _done(
    request: HttpRequest,
    account: Account,
    form: forms.Form,
    name: str,
    act: Callable[[], str],
    *,
    of: int | None = None,
) -> HttpResponse:
    """Do what a right form asks; what is wrong or refused stands at its field, with what was typed."""
    given: dict[str, Any] = {name: form if of is None else (of, form), "wrong_form": name}
    if not form.is_valid():
        return show_customer(request, found_or_404(request, account.pk), status=422, **given)
    try:
        said = act()
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        status = 422 if error.field else error.status
        return show_customer(request, found_or_404(request, account.pk), status=status, **given)
    messages.success(request, said)
    return redirect("customers:customer", account.pk)
