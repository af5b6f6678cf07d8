"""Sign-in, sign-out, password change and reset: allauth's views, each with its policy; people for RevOps."""

from allauth.account import views
from django.urls import path, re_path

from apps.core.policies import PUBLIC, SIGNED_IN, guarded

public = guarded(PUBLIC)
signed_in = guarded(SIGNED_IN)

urlpatterns = [
    path("", public(views.login), name="account_login"),
    path("out/", signed_in(views.logout), name="account_logout"),
    path("again/", signed_in(views.reauthenticate), name="account_reauthenticate"),
    path("password/", signed_in(views.password_change), name="account_change_password"),
    path("password/reset/", public(views.password_reset), name="account_reset_password"),
    path("password/reset/sent/", public(views.password_reset_done), name="account_reset_password_done"),
    # The key has a hyphen of its own, so the user's part must not take one.
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        public(views.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/done/",
        public(views.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
]
