"""The list renews only what changed: what the server answers, and what a browser makes of it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.leads.models import Lead, Source
from apps.leads.selectors import queue as selectors
from apps.leads.services import intake, queue
from tests.cast import NOW, Cast, assemble
from tests.portal.test_in_browser import browser_page


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    cache.clear()


def arrive(cast: Cast, number: int, at: Any = None, **known: Any) -> Lead:
    return intake.take_in(
        incoming=intake.Incoming(
            **{"name": f"Person {number:02}", "email": f"p{number}@b{number}.example", "source": "Demo"}
            | known
        ),
        team=cast.sdr_team,
        at=at or timezone.now(),
        source=Source.PAGE,
        source_key=f"form:{number}",
    )[0]


def shown_by(page: str) -> str:
    """What the page would say that it shows, read from its markup as the script reads it."""
    top = re.search(r'id="queue-top" data-print="(\w+)"', page)
    lines = re.findall(r'<tr[^>]*?id="q-(\w+)" data-print="(\w+)"', page)
    return ",".join([f"top:{top[1]}" if top else "", *(f"{key}:{mark}" for key, mark in lines)])


class TestWhatTheServerAnswers:
    @pytest.fixture(autouse=True)
    def _on_a_working_day(self, time_machine: Any) -> None:
        time_machine.move_to(NOW, tick=False)

    @pytest.fixture
    def client(self, cast: Cast) -> Client:
        client = Client()
        client.force_login(cast.sdr)
        return client

    def ask(self, client: Client, shown: str, **headers: Any) -> Any:
        return client.get("/my-day/list/", HTTP_QUEUE_SHOWN=shown, HTTP_HX_REQUEST="true", **headers)

    def test_nothing_while_nothing_changed(self, cast: Cast, client: Client) -> None:
        arrive(cast, 1)
        shown = shown_by(client.get("/my-day/").content.decode())
        answer = self.ask(client, shown)
        assert (answer.status_code, answer.content) == (204, b"")
        again = self.ask(client, "", HTTP_IF_NONE_MATCH=answer["ETag"])
        assert again.status_code == 204

    def test_a_new_lead_comes_alone_after_the_row_before_it(self, cast: Cast, client: Client) -> None:
        first, last = arrive(cast, 1, NOW - timedelta(hours=2)), arrive(cast, 3, NOW)
        shown = shown_by(client.get("/my-day/").content.decode())
        between = arrive(cast, 2, NOW - timedelta(hours=1))
        page = self.ask(client, shown).content.decode()
        assert f'hx-swap-oob="afterend:#q-{first.pk}"' in page
        assert re.findall(r'data-lead-row="(\d+)"', page) == [str(between.pk)]
        assert 'id="queue-count" hx-swap-oob="true"' in page
        assert f"q-{last.pk}" not in page
        assert "<html" not in page

    def test_a_lead_that_a_teammate_took_goes(self, cast: Cast, client: Client) -> None:
        arrive(cast, 1)
        arrive(cast, 2)
        shown = shown_by(client.get("/my-day/").content.decode())
        taken = queue.claim_next(rep=cast.rep(cast.teammate), at=NOW)
        page = self.ask(client, shown).content.decode()
        assert f'id="q-{taken.pk}" hx-swap-oob="delete"' in page
        assert "data-lead-row" not in page, "the other row is left alone"

    def test_a_row_that_changed_is_renewed_in_its_place(self, cast: Cast, client: Client) -> None:
        arrive(cast, 1)
        changed = arrive(cast, 2)
        shown = shown_by(client.get("/my-day/").content.decode())
        Lead.objects.filter(pk=changed.pk).update(title="Chief <Operating> Officer")
        page = self.ask(client, shown).content.decode()
        assert re.findall(r'<tr id="q-(\d+)"[^>]*hx-swap-oob="true"', page) == [str(changed.pk)]
        assert "Chief &lt;Operating&gt; Officer" in page
        assert "queue-count" not in page

    def test_a_row_that_moved_is_taken_out_and_put_elsewhere(self, cast: Cast, client: Client) -> None:
        leads = [arrive(cast, n, NOW - timedelta(hours=9 - n)) for n in (1, 2, 3)]
        shown = shown_by(client.get("/my-day/").content.decode())
        lead = leads[0]
        lead.refresh_from_db()
        lead.due_at = lead.due_at + timedelta(days=2)
        queue.settle(lead)
        lead.save()
        page = self.ask(client, shown).content.decode()
        assert f'id="q-{lead.pk}" hx-swap-oob="delete"' in page
        assert f'hx-swap-oob="afterend:#q-{leads[2].pk}"' in page
        assert page.index("delete") < page.index("afterend")

    def test_the_whole_list_where_there_was_none_or_is_none_now(self, cast: Cast, client: Client) -> None:
        shown = shown_by(client.get("/my-day/").content.decode())
        lead = arrive(cast, 1)
        assert 'id="queue"' in self.ask(client, shown).content.decode()
        shown = shown_by(client.get("/my-day/").content.decode())
        Lead.objects.filter(pk=lead.pk).update(queue_bucket=None)
        page = self.ask(client, shown).content.decode()
        assert 'id="queue"' in page
        assert "Nothing waits" in page

    def test_what_only_ticks_changes_nothing(self, cast: Cast, client: Client, time_machine: Any) -> None:
        arrive(cast, 1)
        shown = shown_by(client.get("/my-day/").content.decode())
        time_machine.move_to(NOW + timedelta(seconds=60), tick=False)
        assert self.ask(client, shown).status_code == 204, "the countdown ticks in the browser"

    @pytest.mark.parametrize("shown", ["top:x,1:y", "nonsense", ",,:::", "g2:0,g2:0,99999999999:1"])
    def test_whatever_a_page_says_it_shows(self, cast: Cast, client: Client, shown: str) -> None:
        lead = arrive(cast, 1)
        page = self.ask(client, shown).content.decode()
        assert f'data-lead-row="{lead.pk}"' in page

    def test_a_page_costs_the_same_statements_at_ten_and_at_five_hundred_leads(
        self, cast: Cast, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        for count in (10, 500):
            Lead.objects.all().delete()
            leads = [
                Lead(name=f"P {n}", team=cast.sdr_team, stage="mql", created_at=NOW - timedelta(minutes=n))
                for n in range(count)
            ]
            for lead in leads:
                queue.settle(lead)
            Lead.objects.bulk_create(leads)
            client.get("/my-day/")
            cache.clear()
            # Seven of its own; the rail's other figures and the bell's are one.
            with django_assert_max_num_queries(8):
                page = client.get("/my-day/").content
            assert page.count(b"data-lead-row") == min(count, selectors.SHOWN)

    def test_the_last_filters_come_back_until_they_are_forgotten(self, cast: Cast, client: Client) -> None:
        arrive(cast, 1)
        assert client.get("/my-day/").status_code == 200
        client.get("/my-day/?score=A&channel=call")
        answer = client.get("/my-day/")
        assert answer["Location"] == "/my-day/?score=A&channel=call"
        assert client.post("/my-day/next/?score=A")["Location"].startswith("/my-day/?score=A")
        assert "show=all" in client.get("/my-day/?score=A").content.decode()
        client.get("/my-day/?show=all")
        assert client.get("/my-day/").status_code == 200


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
class TestInABrowser:
    @pytest.fixture
    def session_key(self) -> str:
        self.cast = assemble()
        for number in range(1, 6):
            arrive(self.cast, number, timezone.now() - timedelta(minutes=60 - number))
        client = Client()
        client.force_login(self.cast.sdr)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    REFRESHED = (
        "() => new Promise((done) => { document.addEventListener('queue:refreshed', () => done(true), {once: true});"
        " document.dispatchEvent(new Event('queue:refresh')); })"
    )

    def test_rows_that_stay_are_left_alone_with_cursor_focus_and_scroll(
        self, live_server: Any, session_key: str
    ) -> None:
        with browser_page(f"{live_server.url}/", session_key) as page:
            page.goto(f"{live_server.url}/my-day/")
            page.keyboard.press("j")
            page.keyboard.press("j")
            here = page.evaluate("document.activeElement.id")
            page.evaluate("for (const row of document.querySelectorAll('#queue-body tr')) row.same = true")
            first = Lead.objects.order_by("pk").first()
            Lead.objects.filter(pk=first.pk).update(title="Renewed")
            gone = Lead.objects.order_by("-pk").first()
            Lead.objects.filter(pk=gone.pk).update(queue_bucket=None)
            came = arrive(self.cast, 9)
            page.evaluate(self.REFRESHED)
            rows = page.evaluate(
                "[...document.querySelectorAll('#queue-body tr[data-lead-row]')]"
                ".map((row) => [row.dataset.leadRow, row.same === true])"
            )
            assert [pk for pk, _ in rows][-1] == str(came.pk)
            assert str(gone.pk) not in [pk for pk, _ in rows]
            assert [same for _, same in rows] == [False, True, True, True, False]
            assert "Renewed" in page.locator(f"#q-{first.pk}").inner_text()
            assert page.evaluate("document.activeElement.id") == here
            assert page.locator("tr.cursor a.row-link").get_attribute("id") == here
            assert page.locator("#queue-count").inner_text() == "5 in queue"
            # What came is as alive as the rest: it opens beside the list.
            page.locator(f"#open-{came.pk}").click()
            page.wait_for_selector(f'#panel [data-lead="{came.pk}"]')
            assert page.locator(f"#q-{came.pk}").get_attribute("aria-selected") == "true"

    def test_the_row_under_the_focus_keeps_it_when_it_is_renewed(
        self, live_server: Any, session_key: str
    ) -> None:
        with browser_page(f"{live_server.url}/", session_key) as page:
            page.goto(f"{live_server.url}/my-day/")
            page.keyboard.press("j")
            here = page.evaluate("document.activeElement.id")
            Lead.objects.filter(pk=int(here.removeprefix("open-"))).update(title="Renewed")
            page.evaluate(self.REFRESHED)
            assert page.locator("tr.cursor").inner_text().count("Renewed") == 1
            assert page.evaluate("document.activeElement.id") == here

    def test_leaving_the_page_lets_go_of_what_was_held(self, live_server: Any, session_key: str) -> None:
        with browser_page(f"{live_server.url}/", session_key) as page:
            page.goto(f"{live_server.url}/my-day/")
            page.keyboard.press("n")
            page.wait_for_selector("#panel [data-held]")
            assert Lead.objects.filter(claimed_by=self.cast.rep(self.cast.sdr)).count() == 1
            page.goto(f"{live_server.url}/meetings/")
            # The word is sent while the page goes, and nothing on the next page waits for it.
            for _ in range(600):
                if not Lead.objects.filter(claimed_by__isnull=False).exists():
                    break
                page.wait_for_timeout(100)
            assert not Lead.objects.filter(claimed_by__isnull=False).exists()
