"""What every request has in common: closed by default, private, and one shape for a refusal."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework.views import exception_handler

from apps.core.errors import DomainError, note_refusal
from apps.core.policies import policy_of

# Served by Django or by a library without a view of ours: they hold no data of the company.
_UNGUARDED_MODULES = ("django.views.static", "django.contrib.staticfiles.views", "django.views.defaults")


class PrivateByDefaultMiddleware:
    """Refuses a view that declares no policy, and keeps answers out of shared caches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store, private"
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if policy_of(view) is None and view.__module__ not in _UNGUARDED_MODULES:
            raise PermissionDenied("This address declares no policy, so nobody may use it.")


class DomainErrorMiddleware:
    """A ``DomainError`` that no view caught becomes a page or fragment that says what to do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        note_refusal(error)
        if getattr(request, "htmx", False):
            response = render(request, "core/_refusal.html", {"error": error}, status=error.status)
            # The list behind stays as it is; the message goes where the page keeps its messages.
            response["HX-Retarget"] = "#messages"
            response["HX-Reswap"] = "innerHTML"
            return response
        return render(request, "core/refusal.html", {"error": error}, status=error.status)


def problem_response(error: Exception, context: dict[str, Any]) -> Any:
    """The API's one shape of refusal (RFC 9457 problem details)."""
    if isinstance(error, DomainError):
        note_refusal(error)
        body = {
            "type": "about:blank",
            "title": error.code,
            "status": error.status,
            "detail": error.message,
        }
        if error.field:
            body["errors"] = {error.field: [error.message]}
        return JsonResponse(body, status=error.status, content_type="application/problem+json")
    response = exception_handler(error, context)
    if response is not None:
        detail = response.data
        response.data = {
            "type": "about:blank",
            "title": getattr(error, "default_code", "error"),
            "status": response.status_code,
            "detail": str(detail.get("detail", "Some fields need attention."))
            if isinstance(detail, dict)
            else "Some fields need attention.",
        }
        if isinstance(detail, dict) and "detail" not in detail:
            response.data["errors"] = detail
        response.content_type = "application/problem+json"
    return response
