"""The pages of ranking, standing, holds and policies in a real Chromium: axe, both themes, both sizes, no overflow."""

from datetime import date, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core.periods import month_of
from apps.reps.models import Rep
from apps.scorecards.services import frozen_rankings, rankings
from apps.scorecards.services.ranking_holds import hold_move
from apps.scorecards.services.ranking_policies import Draft, write_draft
from tests.cast import NOW, Cast
from tests.portal.test_in_browser import DESK, PHONE, browser_page
from tests.scorecards.sellers import Sellers

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def sellers(cast: Cast) -> Sellers:
    """Five AEs over some months, two of them with a sign-in; a frozen month, a hold, a draft."""
    made = Sellers(2, 2, 3, 1, 2)
    for user in (cast.ae, cast.second_ae):
        Rep.objects.filter(user=user).update(user=None, left_on=date(2026, 1, 1))
    for rep, user in zip(made.reps, (cast.ae, cast.second_ae), strict=False):
        Rep.objects.filter(pk=rep.pk).update(user=user)
    made.team.manager = cast.manager
    made.team.save()
    made.reps = list(Rep.objects.filter(team=made.team).select_related("team").order_by("pk"))
    for place, rep in enumerate(made.reps):
        for month in (7, 8, 9, 10):
            on = date(2026, month, 10)
            made.given(
                rep, score="A", won=4 - place % 3, lost=2 + place, amount=900_00 + 70_00 * place, on=on
            )
            made.given(rep, score="C", inbound=False, won=1, lost=3 + place, days=55, on=on)
        made.deals(rep, won=1 + place % 2, lost=1, amount=400_00)
    for month in (8, 9):
        frozen_rankings.freeze_ranking(month=month_of(date(2026, month, 1)), at=NOW)
    frozen_rankings.freeze_ranking(month=month_of(date(2026, 10, 1)), at=NOW)
    hold_move(
        rep=made.reps[1],
        last_day=NOW.date() + timedelta(days=20),
        reason="Two large deals slipped into next month.",
        at=NOW,
        actor=cast.manager,
    )
    rankings.recompute_rankings(as_of=NOW.date(), at=NOW)
    write_draft(
        draft=Draft(decides="adjusted", note="Let the adjusted index decide."), at=NOW, actor=cast.revops
    )
    return made


def session_of(user: object) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def faults(page, address: str, path: str) -> list[tuple]:
    """What axe finds, and what is wider than the window, at both sizes and in both themes."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)
        page.goto(address + path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append((path, viewport["width"], "wider than the window", wide))
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            violations = Axe().run(page, options={"runOnly": TAGS}).response["violations"]
            found += [
                (path, viewport["width"], theme, one["id"], node["target"])
                for one in violations
                for node in one["nodes"]
            ]
    return found


def paths_of(sellers: Sellers, draft: int) -> dict[str, list[str]]:
    rep = sellers.reps[1].pk
    return {
        "second_ae": [reverse("scorecards:own_standing"), reverse("scorecards:ranking")],
        "manager": [
            reverse("scorecards:ranking"),
            reverse("scorecards:ranking") + "?as_of=2026-10-15",
            reverse("scorecards:standing_of", args=[rep]),
            reverse("scorecards:ranking_hold", args=[rep]),
        ],
        "revops": [
            reverse("scorecards:ranking_policies"),
            reverse("scorecards:ranking_policy", args=[draft]),
            reverse("scorecards:ranking_policy_edit", args=[draft]),
            reverse("scorecards:ranking_policy_replay", args=[draft]),
        ],
    }


@pytest.mark.parametrize("part", ["second_ae", "manager", "revops"])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    cast: Cast, sellers: Sellers, live_server, part: str
) -> None:
    from apps.scorecards.models import RankingPolicy

    assert timezone.now() == NOW
    draft = RankingPolicy.objects.get(version=None).pk
    user = getattr(cast, part)
    told: list[tuple] = []
    with browser_page(live_server.url, session_of(user), bypass_csp=True) as page:
        for path in paths_of(sellers, draft)[part]:
            told += faults(page, live_server.url, path)
    assert told == []


def test_the_explanation_opens_by_key_and_a_hold_is_set_by_keys(
    cast: Cast, sellers: Sellers, live_server
) -> None:
    with browser_page(f"{live_server.url}/scorecards/ranking/", session_of(cast.ae)) as page:
        page.keyboard.press("e")
        page.wait_for_selector("#drawer-body >> text=Adjusted for the lead mix")
    address = f"{live_server.url}{reverse('scorecards:ranking_hold', args=[sellers.reps[0].pk])}"
    with browser_page(address, session_of(cast.manager)) as page:
        page.locator("#id_last_day").fill("2026-11-30")
        page.locator("#id_reason").fill("Back from leave in September only.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/scorecards/standing/**")
        assert "The tier is held" in page.content() or "Held" in page.content()
