"""What was spent on leads: the entries, one more, and the correction of one."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError
from apps.core.keyset import page_of
from apps.core.policies import guarded, visible_or_404
from apps.scorecards import policies
from apps.scorecards.forms.spend import CorrectionForm, SpendForm
from apps.scorecards.models import Spend
from apps.scorecards.selectors.roi import sources_known
from apps.scorecards.services import spend as services
from apps.scorecards.views import asked

PER_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SEE_SPEND)
def spend_list(request: HttpRequest) -> HttpResponse:
    """Every entry, the newest month first, corrections included; and the form for one more."""
    status, form = 200, _blank()
    if request.method == "POST":
        policies.ENTER_SPEND.check(request.user, None)
        form = SpendForm(data=request.POST)
        if form.is_valid() and _entered(request, form):
            messages.success(request, "Entered.")
            return redirect("scorecards:spend")
        status = 422
    page = page_of(
        Spend.objects.select_related("entered_by", "reverses", "reversed_by"),
        by=("-month_on", "-pk"),
        after=request.GET.get("after", ""),
        size=PER_PAGE,
    )
    context = {
        "page": page,
        "shown": asked.shown(page, "entry") if page.shown == 1 else f"{page.shown} entries",
        "form": form,
        "sources": sources_known(),
        "may_enter": policies.ENTER_SPEND.admits(request.user),
    }
    return render(request, "scorecards/spend.html", context, status=status)


def _blank() -> SpendForm:
    return SpendForm(
        initial={
            "currency": settings.COMPANY_CURRENCY,
            "month": f"{asked.today():%Y-%m}",
            "request_key": uuid.uuid4().hex,
        }
    )


def _entered(request: HttpRequest, form: SpendForm) -> bool:
    given: dict[str, Any] = form.cleaned_data
    new = services.NewSpend(
        given["source"], given["campaign"], given["month"], given["amount"], given["currency"], given["note"]
    )
    try:
        services.enter_spend(
            new=new,
            source_key=f"page:{given['request_key'] or uuid.uuid4().hex}",
            at=timezone.now(),
            actor=request.user,
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.ENTER_SPEND)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put another amount in place of an entry, or take it back; both stay on record."""
    found = visible_or_404(Spend.objects.select_related("entered_by"), pk=pk)
    status, form = 200, CorrectionForm(currency=found.currency)
    if request.method == "POST":
        form = CorrectionForm(data=request.POST, currency=found.currency)
        if form.is_valid() and _corrected(request, found, form):
            messages.success(request, "Corrected: both entries stay on record.")
            return redirect("scorecards:spend")
        status = 422
    return render(request, "scorecards/spend_correct.html", {"spend": found, "form": form}, status=status)


def _corrected(request: HttpRequest, spend: Spend, form: CorrectionForm) -> bool:
    given, at = form.cleaned_data, timezone.now()
    try:
        if given["amount"] is None:
            services.reverse_spend(spend=spend, reason=given["reason"], at=at, actor=request.user)
        else:
            services.correct_spend(
                spend=spend, amount_minor=given["amount"], reason=given["reason"], at=at, actor=request.user
            )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    return True
