"""What portal.js promises, in a real Chromium: keys, drawer, drafts, theme, a lost connection; and axe."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import Role, User
from tests.conftest import running_browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def session_key(db) -> str:
    user = User.objects.create_user("maya@larkfield.example", "x" * 14, name="Maya Lindqvist", role=Role.SDR)
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def browser_page(address: str, session_key: str = "", **context: object) -> Iterator:
    """A page that remembers nothing, signed in if there is a session; fails on any error of its scripts."""
    tab = running_browser().new_context(reduced_motion="reduce", **{"viewport": DESK, **context})
    try:
        if session_key:
            # Of the whole portal: a cookie given with a page's address would hold for what lies under it alone.
            cookie = {
                "name": settings.SESSION_COOKIE_NAME,
                "value": session_key,
                "url": urljoin(address, "/"),
            }
            tab.add_cookies([cookie])
        page = tab.new_page()
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on(
            "console", lambda said: failures.append(said.text) if "Content Security" in said.text else None
        )
        page.goto(address)
        yield page
        assert failures == []
    finally:
        tab.close()


class TestKeys:
    def test_reach_palette_keys_drawer_and_rows_without_a_mouse(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            page.keyboard.press("?")
            assert page.locator("#keys-list").inner_text().count("Explain") == 1
            page.keyboard.press("Escape")
            page.keyboard.press("e")
            page.wait_for_selector("#drawer-body .formula")
            page.keyboard.press("Escape")
            # From the row that is open, as a reader expects: Maya's.
            page.keyboard.press("j")
            assert "Freya" in page.locator("tr.cursor").inner_text()
            page.keyboard.press("k")
            page.keyboard.press("k")
            assert "Ines" in page.locator("tr.cursor").inner_text()
            page.keyboard.press("Control+k")
            page.wait_for_selector("#palette[open]")

    def test_letters_typed_into_a_field_stay_letters(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            page.locator("#empty_name").fill("")
            page.locator("#empty_name").type("e?xj")
            assert page.locator("#empty_name").input_value() == "e?xj"
            assert page.locator("dialog[open]").count() == 0

    def test_only_the_keys_of_an_open_dialog_work(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            page.keyboard.press("x")
            page.keyboard.press("n")
            assert page.locator("#sg-reject input[data-key=n]").is_checked()
            page.keyboard.press("e")
            assert page.locator("#drawer[open]").count() == 0


class TestNothingTypedIsLost:
    def test_a_draft_comes_back_after_a_reload(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            page.locator("#empty_note").type("Typed before the session ended")
            page.reload()
            assert page.locator("#empty_note").input_value() == "Typed before the session ended"

    def test_a_lost_connection_is_said_once_and_taken_back(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            page.context.set_offline(True)
            page.wait_for_selector("[data-toast-key=lost]")
            page.context.set_offline(False)
            page.wait_for_selector("[data-toast-key=lost]", state="detached")


class TestTheme:
    def test_follows_the_system_until_switched_and_is_remembered(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key, color_scheme="dark") as page:
            background = "getComputedStyle(document.body).backgroundColor"
            assert page.evaluate(background) == "rgb(15, 17, 21)"
            page.locator(".topbar [data-theme-switch]").click()
            assert page.evaluate(background) == "rgb(247, 248, 249)"
            page.reload()
            assert page.evaluate(background) == "rgb(247, 248, 249)"


class TestColumns:
    def test_a_hidden_column_stays_hidden(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            page.locator("summary", has_text="Columns").click()
            page.locator("[data-columns-for] label", has_text="State").click()
            assert page.locator("#sg-table th[data-col=state]").is_hidden()
            page.reload()
            assert page.locator("#sg-table td[data-col=state]").first.is_hidden()


class TestPhone:
    def test_nothing_is_wider_than_the_phone(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key, viewport=PHONE) as page:
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    def test_every_place_is_within_reach(self, live_server, session_key):
        with browser_page(f"{live_server.url}/styleguide/", session_key, viewport=PHONE) as page:
            page.locator(".tabbar button").click()
            assert page.locator("#more").get_by_text("Sign out").is_visible()


class TestAccess:
    @pytest.mark.slow
    def test_axe_finds_nothing(self, live_server, session_key):
        """On a desk and on a phone, in light and in dark, in one browser: starting one takes seconds."""
        from axe_playwright_python.sync_playwright import Axe

        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        told = []
        # axe is put into the page as a script of its own, which the portal's policy rightly refuses.
        with browser_page(f"{live_server.url}/styleguide/", session_key, bypass_csp=True) as page:
            for path in ("/styleguide/", "/search/?q=x", "/sign-in/password/"):
                for viewport in (DESK, PHONE):
                    page.set_viewport_size(viewport)
                    page.goto(live_server.url + path)
                    for theme in ("light", "dark"):
                        page.emulate_media(color_scheme=theme)
                        found = Axe().run(page, options={"runOnly": tags}).response["violations"]
                        told += [
                            (path, viewport["width"], theme, fault["id"], node["target"])
                            for fault in found
                            for node in fault["nodes"]
                        ]
        assert told == []
