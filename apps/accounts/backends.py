"""How people are told apart by what they sign in with; reading who is signed in is a prepared statement."""

from functools import lru_cache
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import ModelBackend
from django.db import connection

from apps.accounts.models import User
from apps.core.prepared import USER, PreparedObjects


class _KnownByKey(ModelBackend):
    """Every request asks who is signed in."""

    def get_user(self, user_id: Any) -> User | None:
        user = _by_key(connection.vendor).first({USER: user_id})
        return user if user is not None and self.user_can_authenticate(user) else None


class PasswordBackend(_KnownByKey):
    """Django's own."""


class EmailBackend(_KnownByKey, AuthenticationBackend):
    """That of the sign-in page."""


@lru_cache(maxsize=4)
def _by_key(_vendor: str) -> PreparedObjects[User]:
    return PreparedObjects(User.objects.filter(pk=USER).order_by(), USER)
