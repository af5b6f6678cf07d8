"""The bell and the list in a real Chromium: by keys, with the rail's refresh, on a phone, in the dark; and axe."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Notification, Role, User
from apps.accounts.services.notifications import NewNotification, notify
from apps.slas.notification_kinds import AT_RISK, OVERDUE
from tests.portal.test_in_browser import DESK, PHONE, browser_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/people/me/notifications/"


@pytest.fixture
def maya(db: None) -> User:
    return User.objects.create_user("maya@larkfield.example", "x" * 14, name="Maya", role=Role.SDR)


@pytest.fixture
def session_key(maya: User) -> str:
    client = Client()
    client.force_login(maya)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def tell(user: User, *keys: str, kind: str = OVERDUE) -> None:
    for key in keys:
        new = NewNotification(user.pk, kind, key, f"Title {key}", "Promised by Inbound.", "/styleguide/")
        notify(notifications=[new], at=timezone.now())


class TestList:
    def test_is_reached_read_and_opened_by_keys(self, live_server: Any, maya: User, session_key: str) -> None:
        tell(maya, "first", "second")
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            page.keyboard.press("g")
            page.keyboard.press("n")
            page.wait_for_url(f"**{LIST}")
            page.get_by_role("button", name="Mark as read: Title second").press("Enter")
            page.wait_for_selector("#bell[aria-label='Notifications, 1 unread']")
            assert page.evaluate("document.activeElement.textContent") == "Title second"
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            page.wait_for_url("**/styleguide/")
            assert page.locator("#bell").get_attribute("aria-label") == "Notifications, none unread"
        assert not Notification.objects.unread().exists()

    def test_all_are_read_by_one_key(self, live_server: Any, maya: User, session_key: str) -> None:
        tell(maya, "first", "second")
        with browser_page(live_server.url + LIST, session_key) as page:
            page.keyboard.press("r")
            page.wait_for_selector("text=2 marked as read.")
        assert not Notification.objects.unread().exists()


class TestBell:
    def test_changes_with_the_rails_refresh_and_keeps_its_focus(
        self, live_server: Any, maya: User, session_key: str
    ) -> None:
        with browser_page(f"{live_server.url}/styleguide/", session_key) as page:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.clock.install()
            page.reload()
            page.locator("#bell").focus()
            tell(maya, "first")
            page.clock.fast_forward(70_000)
            page.wait_for_selector("#bell[aria-label='Notifications, 1 unread']")
            assert page.evaluate("document.activeElement.id") == "bell"
            assert sum("/places/" in url for url in asked) == 1
            assert page.locator("#places").count() == page.locator("#bell").count() == 1


class TestAccess:
    @pytest.mark.slow
    def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
        self, live_server: Any, maya: User, session_key: str
    ) -> None:
        from axe_playwright_python.sync_playwright import Axe

        tell(maya, "first", "second")
        tell(maya, "third", kind=AT_RISK)
        Notification.objects.filter(key="first").update(read_at=timezone.now())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        told = []
        with browser_page(live_server.url + LIST, session_key, bypass_csp=True) as page:
            for path in (LIST, f"{LIST}choices/"):
                for viewport in (DESK, PHONE):
                    page.set_viewport_size(viewport)
                    page.goto(live_server.url + path)
                    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                        told.append((path, viewport["width"], "wider than the screen"))
                    for theme in ("light", "dark"):
                        page.emulate_media(color_scheme=theme)
                        found = Axe().run(page, options={"runOnly": tags}).response["violations"]
                        told += [
                            (path, viewport["width"], theme, fault["id"], node["target"])
                            for fault in found
                            for node in fault["nodes"]
                        ]
        assert told == []
