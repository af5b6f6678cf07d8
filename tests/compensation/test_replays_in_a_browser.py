"""Replays in a real Chromium: axe, both themes, both sizes, no overflow; a question asked by keys alone."""

from datetime import date

import pytest
from django.urls import reverse

from apps.compensation.models import Replay, ReplayPerson
from apps.compensation.rules.moves import Who
from apps.compensation.services import plans
from apps.compensation.services.replay_computation import compute_replay
from apps.compensation.services.replays import Alternative, AskedMove, Target, ask_replay
from tests.cast import NOW
from tests.compensation.conftest import JANUARY, Payroll, noon
from tests.compensation.plan_documents import DRAW, component, graduated, plan
from tests.portal.test_in_browser import browser_page
from tests.scorecards.test_ranking_in_a_browser import faults, session_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def replay(payroll: Payroll) -> Replay:
    """Three people and two alternatives; one gains, one loses, one is left out for want of a quota."""
    cast = payroll.cast
    kept = payroll.plan(plan(component(graduated("10"))))
    for part, won in (("ae", 2_000_000), ("second_ae", 400_000), ("am", 100_000)):
        payroll.assign(cast.rep(getattr(cast, part)), kept)
        payroll.won(cast.rep(getattr(cast, part)), noon(5), won)
    payroll.settle(JANUARY)
    by_quota = component(
        graduated("9", "100", "20"), bands_in="percent_of_quota", quota={"measure": "amount_won"}
    )
    for part in ("ae", "second_ae"):
        payroll.quota(cast.rep(getattr(cast, part)), 1_000_000)
    draft = plans.load_plan_document(document=plan(by_quota), author=cast.revops, at=noon(2, 4))
    moves = [AskedMove(Who.PLAN, [kept.pk], "Everybody on Test plan", Target(version=draft))]
    drawn = [
        AskedMove(
            Who.PLAN, [kept.pk], "Everybody", Target(document=plan(component(graduated("10")), draw=DRAW))
        )
    ]
    found, _ = ask_replay(
        name="", months=1, until=date(2026, 1, 1), everybody=True, request_key="browser", at=NOW, actor=cast.revops,
        alternatives=[Alternative("", moves), Alternative("With a draw", drawn)],
    )  # fmt: skip
    compute_replay(replay=found, clock=lambda: NOW)
    return found


def test_axe_finds_nothing_and_nothing_is_too_wide(payroll: Payroll, replay: Replay, live_server) -> None:
    person = ReplayPerson.objects.get(replay=replay, rep__user=payroll.cast.ae)
    paths = [
        reverse("compensation:replays"),
        reverse("compensation:replay_new"),
        reverse("compensation:replay", args=[replay.pk]),
        reverse("compensation:replay", args=[replay.pk]) + "?with=3",
        reverse("compensation:replay_person", args=[person.pk]) + "?period=2026-01",
    ]
    told: list[tuple] = []
    with browser_page(live_server.url, session_of(payroll.cast.revops), bypass_csp=True) as page:
        for path in paths:
            told += faults(page, live_server.url, path)
    assert told == []


def test_a_question_is_asked_by_keys_and_what_only_some_choices_need_shows_with_them(
    payroll: Payroll, replay: Replay, live_server
) -> None:
    address = f"{live_server.url}{reverse('compensation:replays')}"
    with browser_page(address, session_of(payroll.cast.revops)) as page:
        page.keyboard.press("n")
        page.wait_for_url("**/replays/new/")
        people = page.locator("#id_alternative-0-0-people")
        assert not people.is_visible()
        page.locator("#id_alternative-0-0-who").focus()
        page.keyboard.type("People")
        people.focus()
        page.keyboard.type("ae@larkfield.example")
        page.locator("#id_until").fill("2026-01")
        page.locator("#id_months").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Replaying")
    assert Replay.objects.latest("pk").people.count() >= 1
