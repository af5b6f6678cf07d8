"""How customers are handled: who takes one over, when renewals open, the margin of a lifetime."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError
from apps.core.policies import guarded
from apps.customers import policies
from apps.customers.forms.customers import HandlingForm
from apps.customers.models import Handling
from apps.customers.services import handling as services


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_HANDLING)
def handling(request: HttpRequest) -> HttpResponse:
    """What holds, and setting it."""
    now = services.handling()
    initial = {name: getattr(now, name) for name in ("receiver_rule", "renewal_days", "margin_percent")}
    form = HandlingForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_handling(
                receiver_rule=Handling.Rule(form.cleaned_data["receiver_rule"]),
                renewal_days=form.cleaned_data["renewal_days"],
                margin_percent=form.cleaned_data["margin_percent"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Kept. It holds from now on.")
            return redirect("customers:handling")
    status = 422 if form.errors else 200
    return render(request, "customers/handling.html", {"form": form, "handling": now}, status=status)
