"""Ten leads in a row without the mouse: sign in, take the next one, log, qualify, book, all by keys.

Chromium against a portal as it runs. Whatever a pointer did would be noticed: a script counts its events.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cast import PASSWORD
from tests.processes import LivePortal
from tests.walk.test_walk_in_a_browser import DESK, PHONE, Company, listen, sideways

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

NOTICE_POINTERS = """
for (const kind of ["pointerdown", "mousedown", "mousemove", "wheel", "touchstart"])
  addEventListener(kind, () => sessionStorage.setItem("pointed", kind), true);
"""

PLAN = (
    # (channel key, digit, disposition, what the toast says)
    ("t", "1", "connected", "Logged: connected"),
    ("t", "2", "voicemail", "Logged: voicemail"),
    ("t", "3", "no_answer", "Logged: no answer"),
    ("t", "5", "call_back", "Logged: call back"),
    ("m", "0", "sent", "Logged: sent"),
    ("t", "8", "not_now", "Logged: not now"),
    ("t", "7", "not_a_fit", "Logged: not a fit"),
    ("m", "9", "opt_out", "Logged: opt-out"),
    ("t", "4", "gatekeeper", "Logged: gatekeeper"),
    ("t", "6", "bad_contact", "Logged: bad number or address"),
)
CHANNELS = {"t": "call", "m": "email"}


@pytest.fixture(scope="module")
def company(live_portal: LivePortal, browser: Browser, browser_context_args: dict[str, Any]) -> Company:
    known = json.loads(live_portal.python("from tests.walk.working_day import found\nprint(found())"))
    return Company(live_portal.url, known, browser, browser_context_args)


def tab_to(page: Page, selector: str, *, most: int = 80) -> None:
    """Press Tab until what has the focus matches ``selector``."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{most} times Tab do not lead to {selector}.")


class TestTenLeadsInARow:
    def test_are_worked_without_the_mouse_each_once(self, company: Company, live_portal: LivePortal) -> None:
        with company.context() as context:
            context.add_init_script(NOTICE_POINTERS)
            page = context.new_page()
            complaints = listen(page)
            self.sign_in(page, company)
            worked = [self.work(page, *step) for step in PLAN]
            assert complaints == []
            assert page.evaluate("sessionStorage.getItem('pointed')") is None
        assert len(set(worked)) == len(PLAN)
        assert set(worked) < {int(pk) for pk in company.known["waiting"]}
        logged = json.loads(live_portal.python(TOUCHES_OF_THE_SDR))
        expected = [[pk, CHANNELS[key], what] for pk, (key, _, what, _) in zip(worked, PLAN, strict=True)]
        assert logged["counting"] == expected
        assert logged["undone"] == [[worked[8], "call", "gatekeeper"]]
        assert logged["notes"] == {str(worked[1]): "Rang twice: back on Tuesday"}
        assert logged["booked"] == [worked[0]]
        assert logged["opted_out"] == [worked[7]]

    def sign_in(self, page: Page, company: Company) -> None:
        page.goto("/sign-in/")
        if not page.evaluate("document.activeElement.matches('input[type=email], input[name=login]')"):
            tab_to(page, "input[type=email], input[name=login]")
        page.keyboard.type(company.person("sdr")["email"])
        tab_to(page, "input[type=password]")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/my-day/")

    def work(self, page: Page, channel: str, digit: str, disposition: str, says: str) -> int:
        """Take the next lead and log what came of it; the lead's number."""
        before = page.url
        page.keyboard.press("n")
        page.wait_for_url(lambda address: address != before and "lead=" in address)
        panel = page.locator("#panel")
        pk = int(panel.locator("[data-lead]").get_attribute("data-lead") or 0)
        page.keyboard.press(channel)
        expect(panel.locator(f"#channel-{CHANNELS[channel]}")).to_be_checked()
        self.say_that_they_asked(page)
        if disposition == "voicemail":
            page.keyboard.press("i")
            page.keyboard.type("Rang twice: back on Tuesday")
            page.keyboard.press("Escape")
        page.keyboard.press(digit)
        if disposition == "call_back":
            expect(page.get_by_role("dialog", name="Call back when?")).to_be_visible()
            self.promise_tomorrow(page)
        expect(page.locator("#messages")).to_contain_text(says)
        if disposition == "connected":
            self.qualify(page)
            self.book(page)
        if disposition == "gatekeeper":
            self.undo_and_log_again(page, digit, says)
        if disposition == "voicemail":
            expect(panel.locator("#touch-note")).to_have_value("")
        return pk

    def say_that_they_asked(self, page: Page) -> None:
        """At night and at weekends a call is logged only as one that they asked for."""
        wish = page.locator("#they-asked")
        if wish.count() and wish.is_visible():
            page.keyboard.press("y")
            expect(wish).to_be_checked()

    def promise_tomorrow(self, page: Page) -> None:
        """The first time that is offered; where none is left today or on a working day, one is typed."""
        if not page.locator("#callback input[name=when]").count():
            day = page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 10)")
            month_first = page.evaluate("Intl.DateTimeFormat('en-GB').format()")[2] != "/"
            year, month, date = day.split("-")
            if not page.evaluate("document.activeElement.matches('#callback-at')"):
                tab_to(page, "#callback-at")
            page.keyboard.type(f"{month}{date}{year}" if month_first else f"{date}{month}{year}")
            page.keyboard.press("ArrowRight")
            page.keyboard.type("1000")
        page.keyboard.press("Enter")

    def qualify(self, page: Page) -> None:
        for key in ("budget", "authority", "need", "timeframe"):
            tab_to(page, f"#panel input[type=radio][name='{key}-verdict']")
            page.keyboard.press("Space")
            tab_to(page, f"#panel [name='{key}-answer']")
            page.keyboard.type(f"What they said of {key}")
        tab_to(page, "#panel form[data-draft^=qualify] button.btn-primary")
        page.keyboard.press("Enter")
        expect(page.locator("#messages")).to_contain_text("Qualified: an SQL")

    def book(self, page: Page) -> None:
        tab_to(page, "#panel input[name=starts_at]")
        page.keyboard.press("Space")
        tab_to(page, "#panel .book-actions button.btn-primary", most=400)
        page.keyboard.press("Enter")
        expect(page.locator("#messages")).to_contain_text("Booked with")
        expect(page.locator("#panel")).to_contain_text("Handed to")

    def undo_and_log_again(self, page: Page, digit: str, says: str) -> None:
        page.keyboard.press("z")
        expect(page.locator("#messages")).to_contain_text("Undone: gatekeeper")
        expect(page.locator("#messages").get_by_text(says)).to_have_count(0)
        self.say_that_they_asked(page)
        page.keyboard.press(digit)
        expect(page.locator("#messages")).to_contain_text(says)


TOUCHES_OF_THE_SDR = """
import json
from apps.leads.models import HandOff, Lead, Touch
own = Touch.objects.filter(rep__user__email="sdr@larkfield.example").order_by("pk")
counting = own.filter(undone_at__isnull=True)
told = lambda rows: [list(row) for row in rows.values_list("lead_id", "channel", "disposition")]
print(json.dumps({
    "counting": told(counting),
    "undone": told(own.filter(undone_at__isnull=False)),
    "notes": dict(counting.exclude(note="").values_list("lead_id", "note")),
    "booked": list(HandOff.objects.filter(sdr__user__email="sdr@larkfield.example").values_list("lead_id", flat=True)),
    "opted_out": list(Lead.objects.filter(do_not_contact=True, touches__in=counting).values_list("pk", flat=True)),
}))
"""


class TestNothingTypedIsLost:
    def test_a_note_outlives_a_lost_connection_and_a_reload(self, company: Company) -> None:
        pk = company.known["states"]["enrolled"]
        # The console tells of requests that failed, as it should; so it is not listened to here.
        with company.context() as context:
            session = company.person("teammate")["session"]
            context.add_cookies([{"name": "sessionid", "value": session, "url": company.url}])
            page = context.new_page()
            page.goto(f"/my-day/?lead={pk}")
            page.locator("#touch-note").fill("Asked for the price list")
            page.context.set_offline(True)
            page.keyboard.press("Escape")
            page.keyboard.press("m")
            page.keyboard.press("0")
            expect(page.locator("#messages")).to_contain_text("Connection lost")
            expect(page.locator("#touch-note")).to_have_value("Asked for the price list")
            page.context.set_offline(False)
            page.reload()
            expect(page.locator("#touch-note")).to_have_value("Asked for the price list")
            page.keyboard.press("m")
            page.keyboard.press("0")
            expect(page.locator("#messages")).to_contain_text("Logged: sent")
            expect(page.locator("#touch-note")).to_have_value("")
            expect(page.locator("#lead-timeline")).to_contain_text("Asked for the price list")


STATES = ("proposed", "enrolled", "optedout", "booked", "closedcall", "faraway")


@pytest.fixture(scope="module")
def looked_at(company: Company) -> list[tuple[str, str]]:
    """(whose, address): the list alone, each state beside it and on its page, and what is done to a lead."""
    states = company.known["states"]
    pages = [("teammate", "/my-day/")]
    pages += [("teammate", f"/my-day/?lead={states[name]}") for name in STATES]
    pages += [("teammate", f"/my-day/?lead={states['enrolled']}&act={act}") for act in ("qualify", "book")]
    pages += [("teammate", f"/leads/{states[name]}/") for name in ("enrolled", "optedout", "booked")]
    pages += [("manager", f"/leads/{states['booked']}/"), ("ae", f"/leads/{states['booked']}/")]
    pages += [("marketing", f"/leads/{states['closedcall']}/")]
    pages += [("manager", f"/leads/{states['enrolled']}/{part}/") for part in ("explain", "timeline")]
    return pages


@pytest.fixture(scope="module")
def pages(company: Company) -> Iterator[dict[str, Page]]:
    """A page for each who looks. axe is put into it as a script, which the portal's policy rightly refuses."""
    with ExitStack() as stack:
        parts = ("teammate", "manager", "ae", "marketing")
        yield {part: stack.enter_context(company.page(part, bypass_csp=True)) for part in parts}


class TestAxe:
    @pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
    def test_finds_nothing_on_queue_and_lead_in_light_and_dark(
        self,
        company: Company,
        looked_at: list[tuple[str, str]],
        pages: dict[str, Page],
        size: dict[str, int],
    ) -> None:
        from axe_playwright_python.sync_playwright import Axe

        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        told: list[Any] = []
        for part, path in looked_at:
            page = pages[part]
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.emulate_media(color_scheme="light")
            answer = page.goto(path)
            assert answer is not None
            if answer.status != 200:
                told.append((path, part, answer.status))
                continue
            if wide := sideways(page):
                told.append((path, part, "wider than the window", wide))
            # Only colours differ between the themes.
            for theme, rules in (
                ("light", {"type": "tag", "values": tags}),
                ("dark", {"type": "rule", "values": ["color-contrast"]}),
            ):
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                for fault in Axe().run(page, options={"runOnly": rules}).response["violations"]:
                    told += [(path, part, theme, fault["id"], node["target"]) for node in fault["nodes"]]
        assert told == []


class TestOnAPhone:
    def test_what_is_done_to_a_lead_is_within_reach_of_a_thumb(self, company: Company) -> None:
        pk = company.known["states"]["enrolled"]
        with company.page("teammate", viewport=PHONE, has_touch=True, is_mobile=True) as page:
            page.goto(f"/my-day/?lead={pk}")
            for name in ("Qualify", "Book"):
                expect(page.locator(".lead-bar").get_by_role("link", name=name)).to_be_in_viewport()
            small = page.locator("#panel").evaluate(SMALLER_THAN_A_THUMB)
            assert small == []


SMALLER_THAN_A_THUMB = """panel => {
  const wanted = ["button", ".btn", ".chip", ".disp", ".channel-seg label", "select", "summary",
    "input[type=text]", "input:not([type])"];
  const seen = (element) => element.getClientRects().length && !element.closest("dialog:not([open])");
  return [...panel.querySelectorAll(wanted.join())].filter(seen)
    .map((element) => [element.textContent.trim().slice(0, 20), element.getBoundingClientRect().height])
    .filter(([, height]) => height < 43.5);
}"""
