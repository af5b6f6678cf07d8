"""Webhooks: who is told of what, how it fares, what was given up and can be sent again. RevOps alone."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.integrations.models import WebhookEndpoint, WebhookMessage
from apps.integrations.policies import KEEP_WEBHOOKS
from apps.integrations.selectors import webhooks as selectors
from apps.integrations.services import webhooks
from apps.integrations.webhook_forms import EndpointForm


def _endpoint(request: HttpRequest, pk: int) -> WebhookEndpoint:
    return visible_or_404(WebhookEndpoint.objects.visible_to(request.user), pk=pk)


@require_safe
@guarded(KEEP_WEBHOOKS)
def webhook_list(request: HttpRequest) -> HttpResponse:
    """Every endpoint with how it fares."""
    now = timezone.now()
    found = selectors.standings(WebhookEndpoint.objects.visible_to(request.user), now=now)
    rows = [(one, one.state(now)) for one in found]
    return render(request, "integrations/webhooks.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(KEEP_WEBHOOKS)
def webhook_new(request: HttpRequest) -> HttpResponse:
    """Add an endpoint; its secret is shown on the page that answers, and never again."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("name", "url", "kinds", "with_history")}
        try:
            made, secret = webhooks.add_endpoint(**given, at=timezone.now(), actor=request.user)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return _secret(request, made, secret)
    return _form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(KEEP_WEBHOOKS)
def webhook_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change where to and what of."""
    endpoint = _endpoint(request, pk)
    form = EndpointForm.of(endpoint, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            webhooks.change_endpoint(
                endpoint=endpoint, **form.cleaned_data, at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Saved.")
            return redirect("integrations:webhook", endpoint.pk)
    return _form(request, form, endpoint)


def _form(request: HttpRequest, form: EndpointForm, endpoint: WebhookEndpoint | None) -> HttpResponse:
    context = {"form": form, "endpoint": endpoint, "groups": selectors.topic_groups()}
    status = 422 if request.method == "POST" else 200
    return render(request, "integrations/webhook_edit.html", context, status=status)


def _secret(request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret}
    return render(request, "integrations/webhook_secret.html", context, status=201)


@require_safe
@guarded(KEEP_WEBHOOKS)
def webhook_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One endpoint: its figures, and what it was told, the latest first."""
    endpoint, now = _endpoint(request, pk), timezone.now()
    state = request.GET.get("state", "")
    standing = selectors.standings([endpoint], now=now)[0]
    context: dict[str, Any] = {
        "endpoint": endpoint,
        "standing": standing,
        "state": standing.state(now),
        "page": selectors.messages_of(endpoint=endpoint, state=state, after=request.GET.get("after", "")),
        "shown": state if state in selectors.STATES else "",
        "states": selectors.STATES.items(),
        "groups": [
            (title, [topic for topic in topics if topic.name in endpoint.kinds])
            for title, topics in selectors.topic_groups()
        ],
        "both_sign": endpoint.earlier_until is not None and endpoint.earlier_until > now,
        "now": now,
    }
    return render(request, "integrations/webhook.html", context)


@require_POST
@guarded(KEEP_WEBHOOKS)
def webhook_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown once; the one before signs beside it for a day, or ends at once where it leaked."""
    endpoint = _endpoint(request, pk)
    made, secret = webhooks.rotate_secret(
        endpoint=endpoint, at_once="at_once" in request.POST, at=timezone.now(), actor=request.user
    )
    return _secret(request, made, secret)


@require_POST
@guarded(KEEP_WEBHOOKS)
def webhook_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a message that tells of nothing."""
    endpoint = _endpoint(request, pk)
    made = webhooks.send_test(endpoint=endpoint, at=timezone.now(), actor=request.user)
    messages.success(request, "It goes out within seconds: this page shows what became of it.")
    return redirect("integrations:webhook_message", made.pk)


@require_POST
@guarded(KEEP_WEBHOOKS)
def webhook_send_all(request: HttpRequest, pk: int) -> HttpResponse:
    """Send everything again that was given up."""
    endpoint = _endpoint(request, pk)
    count = webhooks.send_all_again(endpoint=endpoint, at=timezone.now(), actor=request.user)
    messages.success(request, f"{count:,} are sent again, in the order of their facts.")
    return redirect("integrations:webhook", endpoint.pk)


def _message(request: HttpRequest, pk: int) -> WebhookMessage:
    found = WebhookMessage.objects.visible_to(request.user).select_related("endpoint")
    return visible_or_404(found, pk=pk)


@require_safe
@guarded(KEEP_WEBHOOKS)
def webhook_message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: what it says, and each attempt with its answer and how long it took."""
    message = _message(request, pk)
    context = {"message": message, "tries": list(message.tries.all()), "now": timezone.now()}
    return render(request, "integrations/webhook_message.html", context)


@require_POST
@guarded(KEEP_WEBHOOKS)
def webhook_send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one again that was given up."""
    message = _message(request, pk)
    webhooks.send_again(message=message, at=timezone.now(), actor=request.user)
    messages.success(request, "It is sent again, under the id it had.")
    return redirect("integrations:webhook_message", message.pk)
