"""Exchange rates, payout currencies, and what customers paid: lists, forms and files."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.compensation import policies
from apps.compensation.models import CustomerPayment, ExchangeRate, PayoutCurrency
from apps.compensation.money_forms import FileForm, PaymentForm, PayoutCurrencyForm, RateForm, SearchForm
from apps.compensation.rules.table_files import WrongRow
from apps.compensation.selectors.payments import payment_page
from apps.compensation.services import payments, rates
from apps.core.errors import DomainError, InvalidInput, note_refusal
from apps.core.keyset import page_of
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404

_SHOWN_WRONG = 50


def _today() -> Any:
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


def _search(request: HttpRequest) -> str:
    form = SearchForm(request.GET)
    return str(form.cleaned_data["q"]) if form.is_valid() else ""


def _refuse(form: Any, error: DomainError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.message)


# --- Exchange rates -------------------------------------------------------------------------------


@require_safe
@guarded(policies.SEE_RATES)
def rate_list(request: HttpRequest) -> HttpResponse:
    """Rates, the newest day first."""
    return _rate_page(request)


@require_POST
@guarded(policies.RECORD_RATES)
def rate_enter(request: HttpRequest) -> HttpResponse:
    """Enter one rate."""
    form = RateForm(request.POST)
    if form.is_valid():
        new = rates.NewRate(**form.cleaned_data)
        try:
            done = rates.record_rates(rates=[new], today=_today(), at=timezone.now(), actor=request.user)
        except DomainError as error:
            note_refusal(error)
            _refuse(form, error)
        else:
            messages.success(request, _rates_said(done))
            return redirect("compensation:rates")
    return _rate_page(request, form=form, status=422)


def _rate_page(
    request: HttpRequest,
    *,
    form: RateForm | None = None,
    upload: FileForm | None = None,
    wrong: list[WrongRow] | None = None,
    status: int = 200,
) -> HttpResponse:
    search = _search(request)
    rows = ExchangeRate.objects.select_related("by")
    for word in search.upper().replace("/", " ").split()[:2]:
        rows = rows.filter(from_currency=word) | rows.filter(to_currency=word)
    context = {
        "listed": page_of(rows, by=("-on", "-pk"), after=request.GET.get("after", "")),
        "search": search,
        "form": form or RateForm(initial={"on": _today()}),
        "upload": upload or FileForm(),
        "wrong": (wrong or [])[:_SHOWN_WRONG],
        "more_wrong": max(len(wrong or []) - _SHOWN_WRONG, 0),
        "records": policies.RECORD_RATES.admits(request.user),
        "columns": ", ".join(rates.RATE_COLUMNS),
    }
    return render(request, "compensation/rates.html", context, status=status)


def _rates_said(done: rates.Recorded) -> str:
    parts = [(done.new, "new"), (done.corrected, "corrected"), (done.known, "known already")]
    return "Rates: " + ", ".join(f"{count:,} {word}" for count, word in parts if count) + "."


@require_POST
@guarded(policies.RECORD_RATES)
def rate_import(request: HttpRequest) -> HttpResponse:
    """Take a file of rates, whole or not at all."""
    upload = FileForm(request.POST, request.FILES)
    if not upload.is_valid():
        return _rate_page(request, upload=upload, status=422)
    try:
        read = rates.read_rates(upload.cleaned_data["file"], today=_today())
        if not read.found and not read.wrong:
            raise InvalidInput("There is no row below the heading.", field="file")
        if read.wrong:
            return _rate_page(request, upload=upload, wrong=read.wrong, status=422)
        done = rates.record_rates(
            rates=[rate for _, rate in read.found], today=_today(), at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        note_refusal(error)
        _refuse(upload, error)
        return _rate_page(request, upload=upload, status=422)
    messages.success(request, _rates_said(done))
    return redirect("compensation:rates")


@require_safe
@guarded(policies.SEE_RATES)
def payout_currencies(request: HttpRequest) -> HttpResponse:
    """In which currency reps are paid, where that is not the plan's."""
    return _payout_page(request, PayoutCurrencyForm(initial={"starts_on": _today()}))


def _payout_page(request: HttpRequest, form: PayoutCurrencyForm, status: int = 200) -> HttpResponse:
    rows = PayoutCurrency.objects.visible_to(request.user).select_related("rep__team", "by")
    context = {
        "listed": page_of(rows, by=("-starts_on", "-pk"), after=request.GET.get("after", "")),
        "form": form,
        "records": policies.RECORD_RATES.admits(request.user),
    }
    return render(request, "compensation/payout_currencies.html", context, status=status)


@require_POST
@guarded(policies.RECORD_RATES)
def payout_currency_set(request: HttpRequest) -> HttpResponse:
    """Say in which currency somebody is paid, from a day on."""
    form = PayoutCurrencyForm(request.POST)
    if form.is_valid():
        try:
            made = rates.set_payout_currency(**form.cleaned_data, at=timezone.now(), actor=request.user)
        except DomainError as error:
            note_refusal(error)
            _refuse(form, error)
        else:
            paid = f"is paid in {made.currency}" if made.currency else "is paid as the plan says"
            messages.success(request, f"{made.rep.name} {paid}.")
            return redirect("compensation:payout_currencies")
    return _payout_page(request, form, status=422)


# --- Payments by customers ------------------------------------------------------------------------


@require_safe
@guarded(policies.SEE_PAYMENTS)
def payment_list(request: HttpRequest) -> HttpResponse:
    """What customers paid, the newest first."""
    return _payment_page(request)


@require_POST
@guarded(policies.RECORD_PAYMENTS)
def payment_record(request: HttpRequest) -> HttpResponse:
    """Record one payment."""
    form = _payment_form(request, request.POST)
    if form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            made = payments.record_payment(
                opportunity=given["opportunity"],
                amount_minor=given["amount_minor"],
                currency=given["currency"],
                paid_at=payments.paid_at(day=given["paid_on"], zone=settings.COMPANY_TIME_ZONE, at=now),
                source_key=payments.source_key_of(given["reference"]),
                at=now,
                label=given["label"],
                actor=request.user,
            )
        except DomainError as error:
            note_refusal(error)
            _refuse(form, error)
        else:
            messages.success(request, f"Recorded for {made.opportunity.name}.")
            return redirect("compensation:payments")
    return _payment_page(request, form=form, status=422)


def _payment_form(request: HttpRequest, data: Any = None) -> PaymentForm:
    initial = {"paid_on": _today(), "opportunity": request.GET.get("opportunity", "")}
    return PaymentForm(data, today=_today(), initial=initial)


def _payment_page(
    request: HttpRequest,
    *,
    form: PaymentForm | None = None,
    upload: FileForm | None = None,
    wrong: list[WrongRow] | None = None,
    status: int = 200,
) -> HttpResponse:
    search = _search(request)
    context = {
        "listed": payment_page(search=search, after=request.GET.get("after", "")),
        "search": search,
        "form": form or _payment_form(request),
        "upload": upload or FileForm(),
        "wrong": (wrong or [])[:_SHOWN_WRONG],
        "more_wrong": max(len(wrong or []) - _SHOWN_WRONG, 0),
        "records": policies.RECORD_PAYMENTS.admits(request.user),
        "columns": ", ".join((*payments.PAYMENT_COLUMNS, "label")),
    }
    return render(request, "compensation/payments.html", context, status=status)


@require_POST
@guarded(policies.RECORD_PAYMENTS)
def payment_import(request: HttpRequest) -> HttpResponse:
    """Take a file of payments, whole or not at all."""
    upload = FileForm(request.POST, request.FILES)
    if not upload.is_valid():
        return _payment_page(request, upload=upload, status=422)
    try:
        read = payments.read_payments(upload.cleaned_data["file"], today=_today())
        if not read.found and not read.wrong:
            raise InvalidInput("There is no row below the heading.", field="file")
    except DomainError as error:
        note_refusal(error)
        _refuse(upload, error)
        return _payment_page(request, upload=upload, status=422)
    wrong = read.wrong
    if not wrong:
        done = payments.import_payments(
            rows=read.found, zone=settings.COMPANY_TIME_ZONE, at=timezone.now(), actor=request.user
        )
        if isinstance(done, payments.Imported):
            messages.success(request, f"Payments: {done.new:,} new, {done.known:,} known already.")
            return redirect("compensation:payments")
        wrong = done
    return _payment_page(request, upload=upload, wrong=wrong, status=422)


@require_POST
@guarded(policies.RECORD_PAYMENTS)
def payment_reverse(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a payment that was recorded by mistake; both stay."""
    found: CustomerPayment = visible_or_404(CustomerPayment.objects.all(), pk=pk)
    try:
        payments.reverse_payment(payment=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        note_refusal(error)
        messages.error(request, error.message)
    else:
        messages.success(request, "Taken back. What was paid on it is settled in the next run.")
    return redirect("compensation:payments")
