"""A job as somebody sees it: the bar moves without a reload, and Cancel stops it."""

import re

import pytest
from playwright.sync_api import expect

from tests.jobs.steps import KIND
from tests.processes import LivePortal

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PASSWORD = "correct-horse-battery"
MOVED = re.compile(r"^(?:[2-9]|\d\d+)$")
"""Two per cent or more: past where it began."""


def ask(portal: LivePortal, key: str, steps: int, pause: float) -> str:
    return portal.python(
        "from apps.accounts.models import User\n"
        "from apps.jobs import services\n"
        "from django.utils import timezone\n"
        "user = User.objects.filter(email='ops@larkfield.example').first() or User.objects.create_user("
        f"'ops@larkfield.example', {PASSWORD!r}, name='Ops', role='revops')\n"
        f"job = services.enqueue(kind={KIND!r}, key={key!r}, params={{'steps': {steps}, 'pause': {pause}}},"
        " requested_by=user, at=timezone.now())\n"
        "print(job.pk)"
    )


class TestJobInABrowser:
    def sign_in(self, page, live_portal, target):
        page.goto(f"{live_portal.url}/sign-in/?next={target}")
        page.fill("[name=login]", "ops@larkfield.example")
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{target}")

    def test_the_bar_moves_and_cancel_stops_it(self, page, live_portal):
        job = ask(live_portal, "long", 400, 0.1)
        self.sign_in(page, live_portal, f"/jobs/{job}/")
        bar = page.locator(f"#job-{job} [role=progressbar]")
        expect(bar).to_have_attribute("aria-valuenow", MOVED)
        assert bar.get_attribute("aria-label") == KIND
        page.click(f"#job-{job}-cancel")
        page.wait_for_selector(f"#job-{job} >> text=Cancelled", timeout=60_000)
