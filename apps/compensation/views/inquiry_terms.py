"""The terms of inquiries: how fast, by whom, and who hears when they are late."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.compensation import inquiry_policies as policies
from apps.compensation.inquiry_forms import TermsForm
from apps.compensation.services import inquiry_terms
from apps.core.errors import InvalidInput
from apps.core.policies import guarded


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_INQUIRY_TERMS)
def terms(request: HttpRequest) -> HttpResponse:
    """How fast inquiries are answered, by whom, and who hears when they are late."""
    before = inquiry_terms.terms_in_force()
    form = TermsForm(request.POST or None, terms=before)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                inquiry_terms.set_terms(terms=form.terms(), at=timezone.now(), actor=request.user)
            except InvalidInput as error:
                form.errors_of(error)
            else:
                messages.success(request, "Set. What was asked before keeps its terms.")
                return redirect("compensation:inquiries")
    context = {"form": form, "terms": before}
    return render(request, "compensation/inquiry_terms.html", context, status=status)
