"""Sign in, out, change and reset the password, as a person does it in a browser."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import NoReverseMatch, reverse

from tests.cast import PASSWORD, Cast

NEW_PASSWORD = "violet-harbour-nine"


@pytest.fixture(autouse=True)
def _no_throttle_left_over():
    cache.clear()
    yield
    cache.clear()


def sign_in(client, email: str, password: str, **more: str):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


class TestSignIn:
    def test_leads_home(self, cast: Cast, client):
        response = sign_in(client, cast.sdr.email, PASSWORD)
        assert response.status_code == 302
        assert response["Location"] == reverse("portal:home")

    def test_comes_back_to_the_page_that_was_asked_for(self, cast, client):
        asked = client.get(reverse("leads:inbox"))
        assert asked["Location"] == f"{reverse('account_login')}?next={reverse('leads:inbox')}"
        response = sign_in(client, cast.ae.email, PASSWORD, next=reverse("leads:inbox"))
        assert response["Location"] == reverse("leads:inbox")

    def test_leads_nowhere_else(self, cast, client):
        response = sign_in(client, cast.ae.email, PASSWORD, next="https://evil.example/")
        assert "evil" not in response["Location"]

    def test_does_not_mind_the_case_of_the_address(self, cast, client):
        assert sign_in(client, cast.sdr.email.upper(), PASSWORD).status_code == 302

    def test_says_the_same_for_a_wrong_password_and_an_unknown_address(self, cast, client):
        wrong = sign_in(client, cast.sdr.email, "not-this-one-either")
        unknown = sign_in(client, "nobody@larkfield.example", "not-this-one-either")
        errors = [list(one.context["form"].non_field_errors()) for one in (wrong, unknown)]
        assert errors[0] == errors[1] != []
        assert "_auth_user_id" not in client.session

    def test_is_throttled(self, cast, client):
        for _ in range(12):
            response = sign_in(client, cast.sdr.email, "not-this-one-either")
        refused = response.status_code == 429 or b"too many" in response.content.lower()
        assert refused
        response = sign_in(client, cast.sdr.email, PASSWORD)
        assert "_auth_user_id" not in client.session, "the right password does not help while throttled"

    def test_keeps_pages_out_of_caches(self, cast, client):
        client.force_login(cast.sdr)
        assert "no-store" in client.get(reverse("accounts:profile"))["Cache-Control"]

    def test_nobody_signs_up_alone(self, client):
        with pytest.raises(NoReverseMatch):
            reverse("account_signup")
        assert client.get("/sign-in/signup/").status_code == 404


class TestSignOut:
    def test_ends_the_session(self, cast, client):
        client.force_login(cast.sdr)
        client.post(reverse("account_logout"))
        assert client.get(reverse("accounts:profile")).status_code == 302

    def test_is_not_done_by_a_link(self, cast, client):
        client.force_login(cast.sdr)
        client.get(reverse("account_logout"))
        assert client.get(reverse("accounts:profile")).status_code == 200


class TestPasswordChange:
    def test_asks_for_the_old_one(self, cast, client):
        client.login(email=cast.sdr.email, password=PASSWORD)
        given = {"oldpassword": "wrong", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
        client.post(reverse("account_change_password"), given)
        cast.sdr.refresh_from_db()
        assert cast.sdr.check_password(PASSWORD)
        client.post(reverse("account_change_password"), given | {"oldpassword": PASSWORD})
        cast.sdr.refresh_from_db()
        assert cast.sdr.check_password(NEW_PASSWORD)

    def test_ends_the_other_sessions(self, cast, client, django_app_client):
        other = django_app_client
        for one in (client, other):
            one.login(email=cast.sdr.email, password=PASSWORD)
        given = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
        client.post(reverse("account_change_password"), given)
        assert client.get(reverse("accounts:profile")).status_code == 200
        assert other.get(reverse("accounts:profile")).status_code == 302

    @pytest.mark.parametrize("weak", ["short", "password1234", "sdr@larkfield.example"])
    def test_refuses_a_weak_one(self, cast, client, weak):
        client.login(email=cast.sdr.email, password=PASSWORD)
        given = {"oldpassword": PASSWORD, "password1": weak, "password2": weak}
        client.post(reverse("account_change_password"), given)
        cast.sdr.refresh_from_db()
        assert cast.sdr.check_password(PASSWORD)


@pytest.fixture
def django_app_client():
    from django.test import Client

    return Client()


class TestPasswordReset:
    def test_goes_by_mail_and_works_once(self, cast, client):
        response = client.post(reverse("account_reset_password"), {"email": cast.sdr.email})
        assert response["Location"] == reverse("account_reset_password_done")
        (message,) = mail.outbox
        link = re.search(r"https?://[^/]+(/sign-in/password/reset/\S+)", message.body)
        assert link, message.body
        form = client.get(link[1], follow=True)
        where = form.redirect_chain[-1][0]
        client.post(where, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
        cast.sdr.refresh_from_db()
        assert cast.sdr.check_password(NEW_PASSWORD)
        again = client.get(link[1], follow=True)
        assert again.context.get("token_fail")

    def test_says_the_same_for_an_unknown_address(self, cast, client):
        known = client.post(reverse("account_reset_password"), {"email": cast.sdr.email})
        unknown = client.post(reverse("account_reset_password"), {"email": "nobody@larkfield.example"})
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
