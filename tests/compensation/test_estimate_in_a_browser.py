"""The estimator in a real Chromium: axe, both themes, both sizes, no overflow; a deal ticked by keys alone."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.periods import month_of
from apps.leads.models import Opportunity, OpportunityStage
from tests.compensation.conftest import Payroll, noon
from tests.compensation.plan_documents import DRAW, QUOTA, component, plan, whole
from tests.portal.test_in_browser import browser_page
from tests.scorecards.test_ranking_in_a_browser import faults, session_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def deal(payroll: Payroll) -> Opportunity:
    """One open deal of the AE, who has a quota today."""
    ae = payroll.cast.rep(payroll.cast.ae)
    paid = component(whole("5", "100", "10"), bands_in="percent_of_quota", quota=QUOTA, name="Amount won")
    payroll.assign(ae, payroll.plan(plan(paid, draw=DRAW)))
    today = timezone.now().date()
    for day in (today, today + timedelta(days=31)):
        payroll.quota(ae, 100_000_00, month_of(day))
    return Opportunity.objects.create(
        name="Corvane Systems",
        owner=ae,
        stage=OpportunityStage.STAGE_2,
        amount_minor=120_000_00,
        opened_at=noon(5),
        stage_changed_at=noon(5),
        expected_close_on=date(2026, 1, 20),
    )


def test_axe_finds_nothing_and_nothing_is_too_wide(payroll: Payroll, deal: Opportunity, live_server) -> None:
    told: list[tuple] = []
    ticked = f"{reverse('compensation:estimate')}?deal=o{deal.pk}"
    with browser_page(live_server.url, session_of(payroll.cast.ae), bypass_csp=True) as page:
        for path in (reverse("compensation:estimate"), ticked):
            told += faults(page, live_server.url, path)
    with browser_page(live_server.url, session_of(payroll.cast.manager), bypass_csp=True) as page:
        told += faults(page, live_server.url, reverse("compensation:estimate"))
    assert told == []


def test_a_deal_is_ticked_by_keys_and_a_reload_brings_it_back(
    payroll: Payroll, deal: Opportunity, live_server
) -> None:
    address = f"{live_server.url}{reverse('compensation:estimate')}"
    with browser_page(address, session_of(payroll.cast.ae)) as page:
        page.wait_for_selector("#estimate >> text=As it stands")
        assert not page.locator(f"#id_o{deal.pk}-amount").is_visible()
        page.locator(f"#id_o{deal.pk}-take").focus()
        page.keyboard.press("Space")
        page.wait_for_selector("text=€120,000.00 × 10.00 % = €12,000.00")
        page.locator(f"#id_o{deal.pk}-amount").fill("50,000")
        page.wait_for_selector("text=€50,000.00 × 5.00 % = €2,500.00")
        page.reload()
        page.wait_for_selector("text=€50,000.00 × 5.00 % = €2,500.00")
