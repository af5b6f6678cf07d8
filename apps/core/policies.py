"""How a route says who may take it. What the policies are stands in each app's ``policies.py``.

A view is wrapped in ``guarded(policy)``; a route without a policy is refused at run time
(``http.PrivateByDefaultMiddleware``) and fails the check in ``tests/house``. Objects come through
``visible_to(user)``: out of scope is 404; in scope but not allowed is 403.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission
from rules.predicates import Predicate, always_true


@dataclass(frozen=True)
class Policy:
    """Who may take a route, in words and as a test.

    ``roles`` is a predicate on the user alone, asked before the view runs. ``on`` is a predicate on
    (user, object), asked by the view once it has the object. ``public`` needs no sign-in.
    """

    name: str
    says: str
    roles: Predicate = always_true
    on: Predicate | None = None
    public: bool = False

    def admits(self, user: Any) -> bool:
        """Whether the user's role may take the route at all."""
        known = user is not None and user.is_authenticated and user.is_active
        return self.public or bool(known and self.roles.test(user))

    def allows(self, user: Any, subject: Any) -> bool:
        """Whether the user may do this to ``subject``."""
        return self.admits(user) and (self.on is None or bool(self.on.test(user, subject)))

    def check(self, user: Any, subject: Any) -> None:
        """Raise ``PermissionDenied`` (403) unless the user may do this to ``subject``."""
        if not self.allows(user, subject):
            raise PermissionDenied(f"{self.says}")


PUBLIC = Policy("core.public", "Anyone, signed in or not.", public=True)
SIGNED_IN = Policy("core.signed_in", "Anyone who is signed in.")

View = Callable[..., HttpResponseBase]


def guarded(policy: Policy) -> Callable[[View], View]:
    """Wrap a view so that only those whom ``policy`` admits reach it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not policy.public:
                if not request.user.is_authenticated:
                    return _to_sign_in(request)
                if not policy.admits(request.user):
                    raise PermissionDenied(policy.says)
            return view(request, *args, **kwargs)

        checked.policy = policy  # type: ignore[attr-defined]
        return checked

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        # A fragment must not be replaced by a sign-in page: the whole page goes there instead.
        response = HttpResponse(status=401)
        response["HX-Refresh"] = "true"
        return response
    return redirect_to_login(request.get_full_path())


def policy_of(view: Any) -> Policy | None:
    """The policy that a resolved view declares, whatever kind of view it is."""
    for candidate in (view, getattr(view, "view_class", None), getattr(view, "cls", None)):
        found = getattr(candidate, "policy", None)
        if isinstance(found, Policy):
            return found
    return None


def visible_or_404(queryset: QuerySet, **lookup: Any) -> Any:
    """One object of an already narrowed queryset, or 404."""
    try:
        return queryset.get(**lookup)
    except (queryset.model.DoesNotExist, ValueError, OverflowError) as error:
        raise Http404 from error


class DeniedUnlessDeclared(BasePermission):
    """For API views: the ``policy`` attribute of the view decides; without one, nobody may."""

    def has_permission(self, request: Any, view: Any) -> bool:
        policy = getattr(view, "policy", None)
        return isinstance(policy, Policy) and policy.admits(request.user)

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return view.policy.allows(request.user, obj)
