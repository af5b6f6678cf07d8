"""The forms as RevOps and marketing keep them: what they ask, what they brought, how a site shows them."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.integrations.capture_inputs import TermsForm
from apps.integrations.models import CaptureForm
from apps.integrations.policies import KEEP_FORMS
from apps.integrations.rules.capture import FIELDS
from apps.integrations.selectors import captures
from apps.integrations.services import capture_forms, capture_guard


def _form(request: HttpRequest, pk: int) -> CaptureForm:
    return visible_or_404(CaptureForm.objects.visible_to(request.user).select_related("team"), pk=pk)


@require_safe
@guarded(KEEP_FORMS)
def form_list(request: HttpRequest) -> HttpResponse:
    """Every form with what it brought."""
    rows = captures.forms_for(request.user, now=timezone.now())
    return render(request, "integrations/capture_forms.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(KEEP_FORMS)
def form_new(request: HttpRequest) -> HttpResponse:
    """A new form."""
    initial = {"ask_name": "required", "ask_company": "asked"}
    form = TermsForm(request.POST or None, user=request.user, initial=None if request.POST else initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = capture_forms.create_form(terms=form.terms, at=timezone.now(), actor=request.user)
        except InvalidInput as error:
            form.refuse(error)
        else:
            messages.success(request, "It can be filled in. Below is how a site shows it.")
            return redirect("integrations:capture_form", made.pk)
    return _edit(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(KEEP_FORMS)
def form_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a form; another text to agree to is another version."""
    found = _form(request, pk)
    data = request.POST if request.method == "POST" else None
    form = TermsForm.of(found, capture_guard.consent_of(found), user=request.user, data=data)
    if data is not None and form.is_valid():
        try:
            capture_forms.change_form(form=found, terms=form.terms, at=timezone.now(), actor=request.user)
        except InvalidInput as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved.")
            return redirect("integrations:capture_form", found.pk)
    return _edit(request, form, found)


def _edit(request: HttpRequest, form: TermsForm, found: CaptureForm | None) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(
        request, "integrations/capture_form_edit.html", {"form": form, "found": found}, status=status
    )


@require_safe
@guarded(KEEP_FORMS)
def form_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One form: its address, the snippet for a site, its texts, and who came by it."""
    found = _form(request, pk)
    address = settings.PORTAL_URL.rstrip("/") + reverse("integrations:capture", args=[found.key])
    context = {
        "found": found,
        "address": address,
        "snippet": f'<iframe src="{address}" title="{found.title}" width="100%" height="640" '
        'style="border:0" loading="lazy" referrerpolicy="origin"></iframe>',
        "asked": [(FIELDS[name].label, how) for name, how in found.fields_in_order.items()],
        "consents": list(found.consents.select_related("written_by")),
        "page": captures.page_of_form(form=found, after=request.GET.get("after", "")),
    }
    return render(request, "integrations/capture_form.html", context)
