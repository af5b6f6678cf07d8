"""The pages of policies in a real Chromium: written without a script, and without a fault for whoever cannot see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.slas.models import Policy
from tests.cast import Cast
from tests.portal.test_in_browser import DESK, PHONE, browser_page
from tests.slas.test_policies import write
from tests.slas.test_policies_dry_run import arrive

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class TestWriting:
    def test_is_written_without_any_script(self, live_server: Any, cast: Cast) -> None:
        with browser_page(
            f"{live_server.url}/slas/policies/new/", session_of(cast.revops), java_script_enabled=False
        ) as page:
            page.locator("[name=name]").fill("Tier 1")
            page.locator("[name=conditions-new]").select_option("tier")
            page.get_by_role("button", name="Add a condition").click()
            page.get_by_role("checkbox", name="1", exact=True).check()
            page.locator("[name=first_response]").fill("2")
            page.locator("[name=first_response_unit]").select_option("hours")
            page.get_by_role("button", name="Remove step 3").click()
            page.locator("[name=steps-1-at_percent]").press("Enter")
            page.wait_for_url("**/policies/*/")
        policy = Policy.objects.get(name="Tier 1")
        assert policy.conditions == [{"field": "tier", "operator": "in", "value": ["1"]}]
        assert policy.first_response_minutes == 120
        assert [step["at_percent"] for step in policy.steps] == [70, 100]


class TestAccess:
    @pytest.mark.slow
    def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(self, live_server: Any, cast: Cast) -> None:
        from axe_playwright_python.sync_playwright import Axe

        lead = {"title": "CEO", "employees": 500, "industry": "Energy"}
        for number in range(3):
            arrive(cast, number, at=datetime.now(UTC) - timedelta(days=9), **lead)
        policy = write(cast)
        paths = (
            "", f"{policy.pk}/", f"{policy.pk}/edit/", f"{policy.pk}/dry-run/",
        )  # fmt: skip
        told: list[Any] = []
        with browser_page(
            f"{live_server.url}/slas/policies/", session_of(cast.revops), bypass_csp=True
        ) as page:
            for path in paths:
                for viewport in (DESK, PHONE):
                    page.set_viewport_size(viewport)
                    page.goto(f"{live_server.url}/slas/policies/{path}")
                    if page.evaluate("document.documentElement.scrollWidth") > viewport["width"]:
                        told.append((path, viewport["width"], "wider than the screen"))
                    for theme, rules in (
                        ("light", TAGS),
                        ("dark", {"type": "rule", "values": ["color-contrast"]}),
                    ):
                        page.emulate_media(color_scheme=theme)
                        faults = Axe().run(page, options={"runOnly": rules}).response["violations"]
                        told += [
                            (path, viewport["width"], theme, fault["id"], node["target"])
                            for fault in faults
                            for node in fault["nodes"]
                        ]
        assert told == []
