"""Complaints about the quality of leads: made from the lead's page, answered by marketing."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.keyset import page_of
from apps.core.policies import guarded, visible_or_404
from apps.leads.models import Lead
from apps.scorecards import policies
from apps.scorecards.forms.review import ComplaintAnswerForm, ComplaintForm
from apps.scorecards.models import ComplaintReason, LeadComplaint
from apps.scorecards.services import complaints as services
from apps.scorecards.views import asked

PER_PAGE = 30


@require_safe
@guarded(policies.SEE_COMPLAINTS)
def complaints(request: HttpRequest) -> HttpResponse:
    """The complaints that one sees, newest first; ``?reason=`` one kind, ``?open=1`` those without an answer."""
    found = LeadComplaint.objects.visible_to(request.user).standing()
    reason = request.GET.get("reason", "")
    if reason in ComplaintReason.values:
        found = found.filter(reason=reason)
    if request.GET.get("open"):
        found = found.filter(answers__isnull=True)
    page = page_of(
        found.select_related("lead", "rep", "team").prefetch_related("answers"),
        by=("-made_at", "-pk"),
        after=request.GET.get("after", ""),
        size=PER_PAGE,
    )
    leads = Lead.objects.visible_to(request.user).filter(pk__in=[one.lead_id for one in page.rows])
    context = {
        "page": page,
        "shown": asked.shown(page, "complaint"),
        "reasons": ComplaintReason.choices,
        "reason": reason,
        "open": bool(request.GET.get("open")),
        "seen": set(leads.values_list("pk", flat=True)),
    }
    return render(request, "scorecards/complaints.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.COMPLAIN)
def complain(request: HttpRequest, lead: int) -> HttpResponse:
    """Complain about a lead that one sees."""
    found = visible_or_404(Lead.objects.visible_to(request.user).select_related("team"), pk=lead)
    status, form = 200, ComplaintForm(initial={"request_key": uuid.uuid4().hex})
    if request.method == "POST":
        form = ComplaintForm(data=request.POST)
        if form.is_valid():
            given = form.cleaned_data
            try:
                made = services.complain(lead=found, at=timezone.now(), actor=request.user, **given)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
            else:
                messages.success(request, "Marketing is told. It stands in the weekly review.")
                return redirect("scorecards:complaint", made.pk)
        status = 422
    return render(request, "scorecards/complaint_new.html", {"lead": found, "form": form}, status=status)


def _found(request: HttpRequest, pk: int) -> LeadComplaint:
    seen = LeadComplaint.objects.visible_to(request.user).select_related("lead", "rep", "team")
    return visible_or_404(seen.prefetch_related("answers__by"), pk=pk)


@require_safe
@guarded(policies.SEE_COMPLAINTS)
def complaint(request: HttpRequest, pk: int) -> HttpResponse:
    """One complaint, with what was answered."""
    return _page(request, _found(request, pk), ComplaintAnswerForm())


def _page(
    request: HttpRequest, found: LeadComplaint, form: ComplaintAnswerForm, status: int = 200
) -> HttpResponse:
    answers = list(found.answers.all())
    is_back = any(one.kind == "withdrawn" for one in answers)
    context = {
        "complaint": found,
        "answers": answers,
        "is_back": is_back,
        "form": form,
        "sees_lead": Lead.objects.visible_to(request.user).filter(pk=found.lead_id).exists(),
        "can_answer": not is_back and policies.ANSWER_COMPLAINT.admits(request.user),
        "can_withdraw": not is_back and policies.WITHDRAW_COMPLAINT.allows(request.user, found),
    }
    return render(request, "scorecards/complaint.html", context, status=status)


@require_POST
@guarded(policies.ANSWER_COMPLAINT)
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """What marketing says."""
    found = _found(request, pk)
    form = ComplaintAnswerForm(data=request.POST)
    if form.is_valid():
        try:
            services.answer(
                complaint=found, text=form.cleaned_data["text"], at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Answered. Who complained is told.")
            return redirect("scorecards:complaint", pk)
    return _page(request, found, form, 422)


@require_POST
@guarded(policies.WITHDRAW_COMPLAINT)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own complaint back."""
    found = _found(request, pk)
    policies.WITHDRAW_COMPLAINT.check(request.user, found)
    try:
        services.withdraw(
            complaint=found, text=request.POST.get("text", ""), at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Taken back: it stays on record and counts no more.")
    return redirect("scorecards:complaint", pk)
