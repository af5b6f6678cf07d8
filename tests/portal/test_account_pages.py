"""Sign-in and passwords, as a person meets them."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse

from apps.accounts.models import Role, User
from tests.stage import staged

PASSWORD = "a short sentence helps"


@pytest.fixture
@staged
def somebody(db):
    return User.objects.create_user("maya@larkfield.example", PASSWORD, name="Maya Lindqvist", role=Role.SDR)


class TestSignIn:
    def test_lets_in_whoever_knows_the_password(self, client, somebody):
        answer = client.post(reverse("account_login"), {"login": somebody.email, "password": PASSWORD})
        assert answer.status_code == 302
        assert client.session["_auth_user_id"] == str(somebody.pk)

    def test_says_what_is_wrong_and_keeps_the_address_but_not_the_password(self, client, somebody):
        answer = client.post(
            reverse("account_login"), {"login": somebody.email, "password": "guess-guess-guess"}
        )
        page = answer.content.decode()
        assert 'role="alert"' in page
        assert f'value="{somebody.email}"' in page
        assert "guess-guess-guess" not in page

    def test_offers_no_sign_up(self, client, db):
        page = client.get(reverse("account_login")).content.decode().lower()
        assert "sign up" not in page
        assert "signup" not in page

    def test_a_demo_sign_in_is_one_click_and_cannot_break_out_of_its_attribute(self, client, db):
        from allauth.account.forms import LoginForm

        request = RequestFactory().get("/")
        hostile = {"name": "O'Neil <b>", "role": "SDR", "email": "o'neil@x.example", "password": '"><script>'}
        page = render_to_string(
            "account/login.html", {"form": LoginForm(), "demo_sign_ins": [hostile]}, request
        )
        assert "data-fill-form" in page
        assert "<script>" not in page
        values = re.search(r"data-fill-values='([^']*)'", page).group(1)
        assert "o" in values
        assert '"password"' in values.replace("&quot;", '"')


class TestPasswordReset:
    def test_sends_a_link_that_lets_one_choose_a_new_password(self, client, somebody, mailoutbox):
        client.post(reverse("account_reset_password"), {"email": somebody.email})
        [mail] = mailoutbox
        assert "new password" in mail.subject
        link = re.search(r"https?://[^/]+(/\S+)", mail.body).group(1)
        form = client.get(link, follow=True)
        chosen = {"password1": "an entirely new one", "password2": "an entirely new one"}
        done = client.post(form.redirect_chain[-1][0], chosen, follow=True)
        assert "Your password is changed" in done.content.decode()
        somebody.refresh_from_db()
        assert somebody.check_password("an entirely new one")

    def test_says_the_same_whether_or_not_the_address_is_known(self, client, somebody):
        known = client.post(reverse("account_reset_password"), {"email": somebody.email}, follow=True)
        other = client.post(reverse("account_reset_password"), {"email": "no@x.example"}, follow=True)
        tokens = re.compile(r'X-CSRFToken": "\w+"|data-now="[^"]+"')
        assert tokens.sub("", known.content.decode()) == tokens.sub("", other.content.decode())

    def test_a_used_link_says_so_and_offers_a_new_one(self, client, db):
        address = reverse("account_reset_password_from_key", kwargs={"uidb36": "1", "key": "bad-key"})
        page = client.get(address).content.decode()
        assert "This link no longer works" in page
        assert reverse("account_reset_password") in page


class TestPasswordChange:
    def test_names_the_field_that_is_wrong(self, client, somebody):
        client.force_login(somebody)
        new = {"password1": "an entirely new one", "password2": "an entirely new one"}
        answer = client.post(reverse("account_change_password"), {"oldpassword": "no", **new})
        page = answer.content.decode()
        assert 'id="id_oldpassword_error"' in page

    def test_keeps_one_signed_in(self, client, somebody):
        client.force_login(somebody)
        new = {"password1": "an entirely new one", "password2": "an entirely new one"}
        client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **new})
        assert client.session["_auth_user_id"] == str(somebody.pk)


class TestSignOut:
    def test_asks_on_a_page_and_acts_on_a_post(self, client, somebody):
        client.force_login(somebody)
        assert client.get(reverse("account_logout")).status_code == 200
        assert "_auth_user_id" in client.session
        client.post(reverse("account_logout"))
        assert "_auth_user_id" not in client.session
