"""Home, search, the rail's refresh, the styleguide, and the pages that refuse."""

import pytest
from django.core.exceptions import PermissionDenied
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse

from apps.accounts.models import Role, User
from apps.core.errors import DomainError
from apps.core.http import DomainErrorMiddleware
from apps.portal import navigation
from tests.stage import staged

HTMX = {"HX-Request": "true"}


@pytest.fixture
@staged
def sdr(db):
    return User.objects.create_user("maya@larkfield.example", "x" * 14, name="Maya Lindqvist", role=Role.SDR)


@pytest.fixture
def signed_in(client, sdr):
    client.force_login(sdr)
    return client


class TestHome:
    def test_leads_to_the_first_place_of_the_role(self, signed_in, monkeypatch):
        place = navigation.Place("Search", "portal:search", "search", "s")
        monkeypatch.setitem(navigation.PLACES, Role.SDR, (place,))
        response = signed_in.get(reverse("portal:home"))
        assert (response.status_code, response.url) == (302, reverse("portal:search"))

    def test_asks_for_sign_in_first(self, client, db):
        response = client.get(reverse("portal:home"))
        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))


class TestStyleguide:
    def test_shows_every_component(self, signed_in):
        page = signed_in.get(reverse("portal:styleguide"))
        assert page.status_code == 200
        for mark in (
            "wf-full",
            "funnel",
            "plot-area",
            "strip",
            "hbars",
            "skeleton-row",
            "stepper",
            "toast-bad",
        ):
            assert mark in page.content.decode(), mark

    def test_costs_no_query_beyond_the_session_and_the_bell(self, signed_in, django_assert_max_num_queries):
        with django_assert_max_num_queries(5):
            signed_in.get(reverse("portal:styleguide"))

    def test_an_explanation_is_a_fragment_in_the_drawer_and_a_page_without_script(self, signed_in):
        address = reverse("portal:styleguide_explained")
        assert "<html" in signed_in.get(address).content.decode()
        assert "<html" not in signed_in.get(address, headers=HTMX).content.decode()


class TestFrame:
    def page(self, client) -> str:
        return client.get(reverse("portal:styleguide")).content.decode()

    def test_marks_the_place_that_the_page_lies_under(self, signed_in, monkeypatch):
        here = navigation.Place("Styles", "portal:styleguide", "eye", "y")
        other = navigation.Place("Search", "portal:search", "search", "s")
        monkeypatch.setitem(navigation.PLACES, Role.SDR, (other, here))
        page = self.page(signed_in)
        rail = page[page.index('class="rail"') : page.index("</nav>")]
        assert rail.count('aria-current="page"') == 1
        assert rail.index('aria-current="page"') < rail.index("Styles")

    def test_says_who_is_signed_in_and_lets_them_out(self, signed_in):
        page = self.page(signed_in)
        assert "Maya Lindqvist" in page
        assert f'action="{reverse("account_logout")}"' in page

    def test_holds_no_inline_script(self, signed_in):
        page = self.page(signed_in)
        assert page.count("<script") == page.count("<script src=")

    def test_sends_the_csrf_token_with_every_fragment(self, signed_in):
        assert "X-CSRFToken" in self.page(signed_in)

    def test_keeps_no_page_in_the_history_store_of_the_browser(self, signed_in):
        assert '"historyCacheSize":0' in self.page(signed_in)


class TestPlacesRefresh:
    def test_answers_nothing_new_while_nothing_changed(self, signed_in):
        address = reverse("portal:places")
        first = signed_in.get(address, headers=HTMX)
        again = signed_in.get(address, headers={**HTMX, "If-None-Match": first["ETag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 204, b"")

    def test_answers_anew_when_a_count_changed(self, signed_in, monkeypatch):
        from apps.portal import counts

        place = navigation.Place("Styles", "portal:styleguide", "eye", "y", "styles")
        monkeypatch.setitem(navigation.PLACES, Role.SDR, (place,))
        address = reverse("portal:places")
        tag = signed_in.get(address, headers=HTMX)["ETag"]
        monkeypatch.setitem(
            counts.COUNTERS, "styles", lambda user: counts.Count(5, hot=True, says="1 at risk")
        )
        fresh = signed_in.get(address, headers={**HTMX, "If-None-Match": tag})
        assert fresh.status_code == 200
        assert 'title="1 at risk"' in fresh.content.decode()


class TestSearchPage:
    def test_is_a_page_without_script_and_a_fragment_with_it(self, signed_in):
        address = reverse("portal:search")
        assert "<html" in signed_in.get(address, {"q": "zz"}).content.decode()
        fragment = signed_in.get(address, {"q": "zz"}, headers=HTMX).content.decode()
        assert "<html" not in fragment
        assert "Nothing found" in fragment

    def test_escapes_what_was_asked(self, signed_in):
        found = signed_in.get(reverse("portal:search"), {"q": "<script>"}, headers=HTMX)
        assert "<script>" not in found.content.decode()


class TestPagesThatRefuse:
    def test_an_unknown_address_keeps_the_frame_for_somebody_signed_in(self, signed_in):
        page = signed_in.get("/no-such-page/")
        assert page.status_code == 404
        assert 'class="rail"' in page.content.decode()

    def test_and_shows_nothing_of_it_to_a_stranger(self, client, db):
        page = client.get("/no-such-page/")
        assert page.status_code == 404
        assert 'class="rail"' not in page.content.decode()

    def test_a_forbidden_act_says_whose_it_is(self, sdr):
        from django.views.defaults import permission_denied

        request = RequestFactory().get("/")
        request.user = sdr
        page = permission_denied(request, PermissionDenied("Only finance approves a run."))
        assert page.status_code == 403
        assert "Only finance approves a run." in page.content.decode()

    def test_the_page_of_last_resort_needs_no_context(self):
        page = render_to_string("500.html")
        assert "Something went wrong" in page
        assert "rail" not in page

    def test_a_refused_fragment_goes_where_messages_stand(self, sdr):
        request = RequestFactory().post("/", headers=HTMX)
        request.user, request.htmx = sdr, True
        response = DomainErrorMiddleware(lambda _: None).process_exception(
            request, DomainError("Already <decided>.")
        )
        assert response["HX-Retarget"] == "#messages"
        assert "Already &lt;decided&gt;." in response.content.decode()

    def test_a_refused_page_says_that_nothing_was_changed(self, sdr):
        request = RequestFactory().post("/")
        request.user = sdr
        response = DomainErrorMiddleware(lambda _: None).process_exception(
            request, DomainError("Already decided.")
        )
        assert response.status_code == 409
        assert "Already decided." in response.content.decode()
        assert "Nothing was changed" in response.content.decode()
