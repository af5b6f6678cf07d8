"""The audit log. Reads only: entries are written by the acts themselves."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit import selectors
from apps.audit.policies import SEE_LOG
from apps.core.policies import guarded


class FilterForm(forms.Form):
    """The filters as they stand in the address; what cannot be read is left out."""

    verb = forms.CharField(required=False, max_length=64)
    actor = forms.CharField(required=False, max_length=120)
    subject = forms.CharField(required=False, max_length=128)
    day = forms.DateField(required=False)

    def filters(self) -> selectors.Filters:
        self.is_valid()
        read = {name: value for name, value in self.cleaned_data.items() if value}
        return selectors.Filters(**read)


@require_safe
@guarded(SEE_LOG)
def log(request: HttpRequest) -> HttpResponse:
    """Who did what to what, when and from where, the latest first."""
    filters = FilterForm(request.GET).filters()
    context = {
        "filters": filters,
        "page": selectors.log(filters, after=request.GET.get("after", "")),
        "seals": selectors.seal_state(),
    }
    return render(request, "audit/log.html", context)
