"""Steps that move or show money want a recent sign-in: who left the desk must not have pay approved behind them.

Recent is within ``FRESH_SIGN_IN_MINUTES`` of signing in or of entering the password again (allauth's page).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.errors import DomainError

_SIGNED_IN_AT = "signed_in_at"

View = Callable[..., HttpResponseBase]


class SignInAgain(DomainError):
    """The sign-in is too long ago for this step."""

    code = "sign_in_again"


@receiver(user_logged_in, dispatch_uid="accounts.fresh")
def _remember(*, request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        request.session[_SIGNED_IN_AT] = timezone.now().timestamp()


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person signed in, or entered the password again, a short while ago."""
    since = request.session.get(_SIGNED_IN_AT)
    age = timezone.now().timestamp() - since if isinstance(since, float | int) else None
    if age is not None and 0 <= age < settings.FRESH_SIGN_IN_MINUTES * 60:
        return True
    return bool(did_recently_reauthenticate(request))


def check_fresh(request: HttpRequest) -> None:
    """Raise ``SignInAgain`` unless the sign-in is recent: for the API."""
    if not is_fresh(request):
        raise SignInAgain("Enter your password again for this step, then repeat it.")


def freshly_signed_in(view: View) -> View:
    """Wrap a page's view: after a while the password is asked for first, and the page that was left comes back."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        messages.info(request, "Enter your password once more, then repeat the step: it moves or shows pay.")
        query = urlencode({"next": _page_left(request)})
        return redirect(f"{reverse('account_reauthenticate')}?{query}")

    return checked


def _page_left(request: HttpRequest) -> str:
    """The page of ours that the step was taken from; never the step itself, which is no page."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        parts = urlsplit(referer)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return "/"
