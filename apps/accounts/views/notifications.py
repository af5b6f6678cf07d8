"""What one was told: the list, marking it read, opening what it is about, and how one wants to be told.

Opening marks as read and is therefore a POST: a GET writes nothing.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import selectors
from apps.accounts.forms import NotificationChoicesForm, ReadAllForm
from apps.accounts.models import Notification
from apps.accounts.notification_kinds import every_kind
from apps.accounts.policies import OWN_NOTIFICATIONS
from apps.accounts.services import notification_preferences as choices
from apps.accounts.services import notifications as services
from apps.core.policies import guarded, visible_or_404


@require_safe
@guarded(OWN_NOTIFICATIONS)
def listing(request: HttpRequest) -> HttpResponse:
    """Newest first; ``?show=unread`` those not read, ``?kind=`` those of one kind."""
    kinds = every_kind()
    asked = request.GET.get("kind", "")
    kind = next((kind for kind in kinds if kind.key == asked), None)
    unread = request.GET.get("show") == "unread"
    page = selectors.notifications(
        user=request.user, kind=kind.key if kind else "", unread=unread, after=request.GET.get("after", "")
    )
    context = {"page": page, "kinds": kinds, "kind": kind, "unread": unread}
    # What arrives after the list was drawn has a higher key than all that is on the first page.
    context["up_to"] = max((one.pk for one in page.rows), default=0) if page.first else 0
    return render(request, "accounts/notifications.html", context)


@require_POST
@guarded(OWN_NOTIFICATIONS)
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark it read and go to what it is about."""
    found = _found(request, pk)
    services.mark_read(notification=found, at=timezone.now())
    inside = url_has_allowed_host_and_scheme(found.url, allowed_hosts=None)
    return redirect(found.url if inside else "accounts:notifications")


@require_POST
@guarded(OWN_NOTIFICATIONS)
def read_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark it read and stay."""
    found = _found(request, pk)
    services.mark_read(notification=found, at=timezone.now())
    if request.htmx:
        return render(request, "accounts/_notification_read.html", {"one": found, "was_read_now": True})
    return redirect("accounts:notifications")


@require_POST
@guarded(OWN_NOTIFICATIONS)
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything read that was on the list when it was drawn."""
    form = ReadAllForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That list is out of date: it was drawn again.")
        return redirect("accounts:notifications")
    read = services.mark_all_read(user=request.user, at=timezone.now(), **form.cleaned_data)
    if read:
        messages.success(request, f"{read:,} marked as read.")
    return redirect("accounts:notifications")


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(OWN_NOTIFICATIONS)
def preferences(request: HttpRequest) -> HttpResponse:
    """For each kind, whether it stands in the portal and how it goes out by e-mail."""
    user: Any = request.user
    kinds = every_kind()
    ways = choices.ways_of(user_ids=[user.pk], kinds=[kind.key for kind in kinds])
    form = NotificationChoicesForm(
        request.POST if request.method == "POST" else None,
        kinds=kinds,
        ways={kind: way for (_, kind), way in ways.items()},
    )
    if request.method == "POST" and form.is_valid():
        choices.choose(person=user, ways=form.ways(), at=timezone.now())
        messages.success(request, "Saved. It holds for what you are told from now on.")
        return redirect("accounts:notification_preferences")
    status = 422 if form.errors else 200
    return render(request, "accounts/notification_preferences.html", {"form": form}, status=status)


def _found(request: HttpRequest, pk: int) -> Notification:
    return visible_or_404(Notification.objects.visible_to(request.user), pk=pk)
