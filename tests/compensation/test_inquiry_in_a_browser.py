"""An inquiry in a real Chromium: asked by keys alone, axe, both themes, both sizes, no overflow."""

import pytest
from django.urls import reverse

from apps.compensation.models import Inquiry
from tests.compensation.conftest import Payroll
from tests.compensation.inquiry_scenes import Scene, settled
from tests.portal.test_in_browser import browser_page
from tests.scorecards.test_ranking_in_a_browser import faults, session_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(payroll: Payroll) -> Scene:
    return settled(payroll)


def test_a_line_is_questioned_by_keys_alone_and_every_page_is_sound(scene: Scene, live_server) -> None:
    address = f"{reverse('compensation:inquiry_new', args=[scene.statement.pk])}?line={scene.line.pk}"
    with browser_page(f"{live_server.url}{address}", session_of(scene.asker)) as page:
        page.locator("#id_text").focus()
        page.keyboard.type("Why 10 %?")
        page.get_by_role("button", name="Ask", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Why 10 %?")
        page.wait_for_url("**/pay/inquiries/*/")
    inquiry = Inquiry.objects.get()
    scene.propose(inquiry)
    whole, asked = reverse("compensation:inquiries"), reverse("compensation:inquiry", args=[inquiry.pk])
    told: list[tuple] = []
    with browser_page(live_server.url, session_of(scene.cast.finance), bypass_csp=True) as page:
        for path in (whole, asked, reverse("compensation:inquiry_terms")):
            told += faults(page, live_server.url, path)
    with browser_page(live_server.url, session_of(scene.asker), bypass_csp=True) as page:
        for path in (reverse("compensation:inquiry_new", args=[scene.statement.pk]), asked):
            told += faults(page, live_server.url, path)
    assert told == []
