"""The settings of the SDR's day in a real Chromium: a cadence built by keys alone, without a script, and axe."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.leads.models import Cadence, Enrolment
from apps.leads.rules.cadences import parse_steps
from apps.leads.rules.focus import default_day
from apps.leads.services import enrolments, focus, throttles
from tests.cast import NOW, Cast
from tests.leads.test_cadence_pages import cadence_of, lead_of
from tests.portal.test_in_browser import DESK, PHONE, browser_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def page_of(live_server: Any, user: User, path: str, **options: Any) -> Iterator[Page]:
    """``path`` as that user; the cookie is given at the root, so that it holds for every path."""
    with browser_page(f"{live_server.url}/styleguide", "", **options) as page:
        page.context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": session_of(user),
                    "domain": "localhost",
                    "path": "/",
                }
            ]
        )
        page.goto(live_server.url + path)
        yield page


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the keyboard, as somebody without a mouse does."""
    for _ in range(150):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {selector}.")


def press_button(page: Page, value: str) -> None:
    """Tab to the button of rows with that value and press it; wait until its answer is on the page."""
    tab_to(page, f'button[value="{value}"]')
    with page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        page.keyboard.press("Enter")
    assert answer.value.status == 200
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


def has_the_keyboard(page: Page, selector: str) -> None:
    expect(page.locator(selector)).to_be_focused()


class TestCadence:
    def test_is_built_by_keys_alone(self, live_server: Any, cast: Cast) -> None:
        for number in range(3):
            lead_of(cast, number, is_inbound=number == 0)
        with page_of(live_server, cast.manager, "/cadences/") as page:
            page.keyboard.press("n")
            page.wait_for_url("**/cadences/new/")
            tab_to(page, "[name=name]")
            page.keyboard.type("Outbound, logistics")
            tab_to(page, "[name=motion]")
            page.keyboard.type("Outb")
            expect(page.locator("#matches")).to_contain_text("Matches 2 of the 3")

            tab_to(page, "[name=conditions-new]")
            page.keyboard.type("Emp")
            press_button(page, "conditions:add")
            has_the_keyboard(page, "[name=conditions-0-operator]")
            page.keyboard.type("is at least")
            tab_to(page, "[name=conditions-0-value]")
            page.keyboard.type("500")
            expect(page.locator("#matches")).to_contain_text("Matches 0 of the 3")

            tab_to(page, "[name=steps-0-channel]")
            page.keyboard.type("Em")
            press_button(page, "steps:add")
            has_the_keyboard(page, "[name=steps-1-channel]")
            page.keyboard.type("Ca")
            tab_to(page, "[name=steps-1-wait]")
            page.keyboard.press("Control+a")
            page.keyboard.type("3")
            tab_to(page, "[name=steps-1-script]")
            page.keyboard.type("Ask who plans the routes.")
            press_button(page, "steps:add")
            has_the_keyboard(page, "[name=steps-2-channel]")
            press_button(page, "steps:up:1")
            # At the top it cannot go further up; the keyboard stays with the row.
            has_the_keyboard(page, 'button[value="steps:down:0"]')
            press_button(page, "steps:remove:2")
            has_the_keyboard(page, 'button[value="steps:remove:1"]')
            expect(page.locator("[name=name]")).to_have_value("Outbound, logistics")

            tab_to(page, "form .btn-primary")
            page.keyboard.press("Enter")
            page.wait_for_url("**/cadences/*/")
            expect(page.locator("h1")).to_have_text("Outbound, logistics")
        cadence = Cadence.objects.get()
        assert (cadence.motion, cadence.conditions) == (
            "outbound", [{"field": "size", "operator": "at_least", "value": [500]}],
        )  # fmt: skip
        assert [(one.channel, one.wait_days, one.script) for one in parse_steps(cadence.versions.get().steps)] == [
            ("call", 3, "Ask who plans the routes."), ("email", 0, ""),
        ]  # fmt: skip

    def test_enter_in_a_field_saves_and_never_removes_a_row(self, live_server: Any, cast: Cast) -> None:
        with page_of(live_server, cast.revops, "/cadences/new/") as page:
            page.locator("[name=name]").fill("By Enter")
            page.locator("[name=steps-0-wait]").press("Enter")
            page.wait_for_url("**/cadences/*/")
        assert Cadence.objects.get().name == "By Enter"

    def test_is_built_without_any_script(self, live_server: Any, cast: Cast) -> None:
        with page_of(live_server, cast.revops, "/cadences/new/", java_script_enabled=False) as page:
            page.locator("[name=name]").fill("Without a script")
            page.locator("[name=conditions-new]").select_option("score")
            page.get_by_role("button", name="Add a condition").click()
            page.get_by_role("checkbox", name="B", exact=True).check()
            page.get_by_role("button", name="Add a step").click()
            page.locator("[name=steps-1-channel]").select_option("social")
            page.get_by_role("button", name="Move step 2 up").click()
            page.locator("form .btn-primary").click()
            page.wait_for_url("**/cadences/*/")
        cadence = Cadence.objects.get()
        assert cadence.conditions == [{"field": "score", "operator": "in", "value": ["B"]}]
        assert [one.channel for one in parse_steps(cadence.versions.get().steps)] == ["social", "call"]

    def test_what_was_typed_comes_back_after_a_reload_with_its_rows(
        self, live_server: Any, cast: Cast
    ) -> None:
        with page_of(live_server, cast.revops, "/cadences/new/") as page:
            page.locator("[name=name]").fill("Half written")
            page.get_by_role("button", name="Add a step").click()
            has_the_keyboard(page, "[name=steps-1-channel]")
            page.locator("[name=steps-1-script]").fill("Typed before the session ended")
            page.reload()
            expect(page.locator("#messages")).to_contain_text("Brought back")
            expect(page.locator("[name=name]")).to_have_value("Half written")
            expect(page.locator("[name=steps-1-script]")).to_have_value("Typed before the session ended")
            page.locator("form .btn-primary").click()
            page.wait_for_url(lambda address: "/new/" not in address)
            # What was saved is not brought back into the next one.
            page.goto(f"{live_server.url}/cadences/new/")
            expect(page.locator("[name=name]")).to_have_value("")
            expect(page.locator("[name=steps-1-script]")).to_have_count(0)

    def test_an_enrolment_is_paused_in_the_drawer(self, live_server: Any, cast: Cast) -> None:
        cadence = cadence_of(cast)
        enrolments.enrol(leads=[lead_of(cast, 1)], cadence=cadence, at=NOW)
        with page_of(live_server, cast.sdr, f"/cadences/{cadence.pk}/") as page:
            page.get_by_role("link", name="Change", exact=True).click()
            drawer = page.locator("#drawer-body")
            drawer.locator("[name=pause-reason]").fill("On leave")
            drawer.get_by_role("button", name="Pause").click()
            expect(page.locator("#messages")).to_contain_text("rests")
            assert page.url.endswith(f"/cadences/{cadence.pk}/")
        assert Enrolment.objects.get().state == "paused"


class TestRules:
    def test_a_row_asks_only_what_belongs_to_its_act(self, live_server: Any, cast: Cast) -> None:
        with page_of(live_server, cast.revops, "/follow-up/edit/") as page:
            row = page.locator("fieldset.of-rule").nth(6)
            act = row.locator("select[name$='-act']")
            for chosen, shown in (
                ("retry", {"channel", "wait"}),
                ("propose", {"channel", "wait", "proposal", "reason"}),
                ("disqualify", {"reason"}),
            ):
                act.select_option(chosen)
                names = {"channel", "wait", "proposal", "reason"}
                assert {name for name in names if row.locator(f"[name$='-{name}']").is_visible()} == shown

    def test_asking_about_a_lead_answers_while_one_types(self, live_server: Any, cast: Cast) -> None:
        with page_of(live_server, cast.sdr, "/follow-up/") as page:
            page.locator("[name=attempts]").fill("12")
            expect(page.locator("#preview")).to_contain_text("Propose to recycle")


class TestAccess:
    @pytest.mark.slow
    def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(self, live_server: Any, cast: Cast) -> None:
        from axe_playwright_python.sync_playwright import Axe

        cadence = cadence_of(
            cast, conditions=[{"field": "score", "operator": "in", "value": ["A", "B", "C"]}], enrols_by_itself=True
        )  # fmt: skip
        for number in range(2):
            lead_of(cast, number)
        lead_of(cast, 2, is_inbound=False)
        found = list(Enrolment.objects.order_by("pk"))
        enrolments.pause(enrolment=found[0], until=None, reason="On leave", at=NOW)
        throttles.set_throttle(kind="steps", most=1, at=NOW, actor=cast.revops)
        focus.set_week(rep=None, week=dict.fromkeys(range(6), default_day()), at=NOW, actor=cast.revops)
        paths = (
            "/cadences/", f"/cadences/{cadence.pk}/", f"/cadences/{cadence.pk}/edit/", "/cadences/new/",
            f"/cadences/{cadence.pk}/candidates/", f"/enrolments/{found[1].pk}/", f"/enrolments/{found[0].pk}/",
            "/follow-up/", "/follow-up/edit/", "/throttles/", "/throttles/company/", "/focus/company/",
            "/focus/company/0/",
        )  # fmt: skip
        told: list[Any] = []
        with page_of(live_server, cast.revops, "/cadences/", bypass_csp=True) as page:
            for path in paths:
                for viewport in (DESK, PHONE):
                    page.set_viewport_size(viewport)
                    page.goto(live_server.url + path)
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
